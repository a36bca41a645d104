"""Workloads that were fitted to a log, as a workload file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.workload import (
    Constant,
    Empirical,
    Event,
    Quantity,
    Scaled,
    SplitLognormal,
    SplitNormal,
    Workload,
)
from kimi_planner.workload.beyond_tokens import WrittenShare

__all__ = ["workloads_toml"]

_KEYS = (
    "requests_per_day",
    "growth_per_month",
    "weekday_profile",
    "peak_hour_share",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_share",
    "written_share",
    "fees_per_request",
    "batch",
    "correlation",
    "events",
)


def workloads_toml(
    workloads: Sequence[Workload], folder: Path = Path(), log: Path | None = None
) -> str:
    """Return fitted workloads as TOML.

    Parameters
    ----------
    workloads : sequence of Workload
        As :meth:`Workload.from_usage` returns them.
    folder : Path
        Where the file will stand; the path of the log is written relative to it.
    log : Path, optional
        The log, if one workload was fitted to all of it: sizes of calls are then read from it
        whenever the file is loaded. Without it they are written as mean and standard deviation.

    Returns
    -------
    str
        A file that `load_workloads` reads; what the numbers leave out stands in comments.
    """
    where = None if log is None else Path(os.path.relpath(log, folder)).as_posix()
    return "\n".join(_table(workload, where) for workload in workloads)


def _table(workload: Workload, log: str | None) -> str:
    lines = [f"# {note}" for note in workload.notes]
    lines += ["[[workload]]", f"name = {_text(workload.name)}"]
    lines.append(f"source = {_text(workload.source)}")
    for key in _KEYS:
        value = dict(workload.fees) if key == "fees_per_request" else getattr(workload, key)
        size = value.size if isinstance(value, Scaled) else value
        said = f"  # {size.describe()}" if isinstance(size, Empirical) else ""
        if value not in (None, False, (), {}):
            lines.append(f"{key} = {_toml(value, log)}{said}")
    return "\n".join(lines) + "\n"


def _toml(value: Any, log: str | None = None) -> str:
    """Return a value of a workload as TOML spells it."""
    if isinstance(value, Quantity):
        return _quantity(value, log)
    if isinstance(value, WrittenShare):
        value = {key: share for key, share in vars(value).items() if share is not None}
    elif isinstance(value, Event):
        days = {"date": value.first} if value.days == 1 else {"from": value.first, "to": value.last}
        value = {"name": value.name, **days, "factor": value.factor}
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(part)}' for key, part in value.items())} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).lower() if isinstance(value, bool | date) else _text(value)


def _quantity(value: Quantity, log: str | None) -> str:
    if isinstance(value, Scaled):
        size = _quantity(value.size, log)
        parts = (
            size.removeprefix("{ ").removesuffix(" }") if "{" in size else f"mean = {size}, sd = 0"
        )
        return f"{{ {parts}, mean_factor = {_quantity(value.scale, log)} }}"
    if isinstance(value, Empirical) and log is not None:
        return f"{{ from = {_text(log)} }}"
    if isinstance(value, Empirical):
        masses = np.diff(value.shares, prepend=0.0)
        spread = float(masses @ (value.values - value.mean) ** 2) ** 0.5
        numbers: Iterable[tuple[str, float]] = (("mean", value.mean), ("sd", spread))
        return _numbers(numbers) if spread else f"{value.mean:.10g}"
    if isinstance(value, SplitLognormal | SplitNormal):
        percentiles = value.ppf(np.array([0.1, 0.5, 0.9])).tolist()
        return _numbers(zip(("p10", "p50", "p90"), percentiles, strict=True))
    if not isinstance(value, Constant):
        raise TypeError(f"{type(value).__name__} is not fitted to a log")
    return f"{value.value:f}"


def _numbers(numbers: Iterable[tuple[str, float]]) -> str:
    return f"{{ {', '.join(f'{name} = {number:.10g}' for name, number in numbers)} }}"


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else _text(key)


def _text(value: str) -> str:
    """Return text as TOML spells it: as JSON does, and DEL escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
