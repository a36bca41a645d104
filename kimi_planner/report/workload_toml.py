"""A workload that was fitted to a log, as a workload file that refers to the log."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Constant, Empirical

__all__ = ["workload_toml"]

_QUANTITIES = (
    "requests_per_day",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_share",
)


def workload_toml(workload: Workload, log: Path, folder: Path) -> str:
    """Return a fitted workload as TOML.

    Parameters
    ----------
    workload : Workload
        As :meth:`Workload.from_usage` returns it.
    log : Path
        The log; sizes of calls are read from it whenever the file is loaded.
    folder : Path
        Where the file will stand; the path of the log is written relative to it.

    Returns
    -------
    str
        A file that `load_workloads` reads; what the numbers leave out stands in comments.
    """
    lines = [f"# {note}" for note in workload.notes]
    lines += ["[[workload]]", f"name = {_text(workload.name)}"]
    lines.append(f"source = {_text(workload.source)}")
    for key in _QUANTITIES:
        quantity = workload.given(key)
        if isinstance(quantity, Empirical):
            where = Path(os.path.relpath(log, folder)).as_posix()
            lines.append(f"{key} = {{ from = {_text(where)} }}  # {quantity.describe()}")
        elif isinstance(quantity, Constant):
            lines.append(f"{key} = {quantity.value:f}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return text as TOML spells it: as JSON does, and DEL escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
