"""Workloads written as TOML: what is read back is the same workload."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.errors import WorkloadError, shown
from kimi_planner.money import exact_decimal, plain
from kimi_planner.workload.beyond_tokens import WrittenShare
from kimi_planner.workload.caching import Cache
from kimi_planner.workload.currency import USD, common_currency, written_in
from kimi_planner.workload.dated import Event, PriceChange
from kimi_planner.workload.fields import parse_field
from kimi_planner.workload.model import Workload
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import Constant, Empirical, Geometric, Quantity, Scaled

_MOST_VALUES = 1000
_AS_GIVEN = re.compile(r"(mean|sd|p10|p50|p90) (-?[\d,]*\d(?:\.\d+)?)(?:, (?=[a-z])|$)")


#: What stands in a file for measured values.
Measured = Callable[[Empirical], Any]


def workloads_toml(
    workloads: Iterable[Workload],
    logs: str = "",
    *,
    measured: Measured | None = None,
    notes: bool = False,
) -> str:
    """Return workloads as the tables of a workload file.

    Parameters
    ----------
    workloads : iterable of Workload
        What to write.
    logs : str
        What leads from the folder of the new file to that which names of logs are relative to.
    measured : callable, optional
        Takes measured values and returns what stands for them in the file; the log or table that they
        are from, or a list of them, if not given.
    notes : bool
        Whether what the numbers leave out stands above each workload, as comments.

    Raises
    ------
    WorkloadError
        If a field cannot be written so that it is read back the same.

    Examples
    --------
    >>> chat = Workload(
    ...     name="chat", requests_per_day={"p50": 900, "p90": 2000}, prompt_tokens=1800,
    ...     completion_tokens=250,
    ... )
    >>> print(workloads_toml([chat]), end="")
    [[workload]]
    name = "chat"
    requests_per_day = { p50 = 900, p90 = 2000 }
    prompt_tokens = 1800
    completion_tokens = 250
    """
    chosen = list(workloads)
    of = measured or measured_in(logs)
    blocks = [
        "\n".join(
            [
                *(f"# {one}" for one in workload.notes if notes),
                "[[workload]]",
                *_lines(workload, of),
            ]
        )
        for workload in chosen
    ]
    blocks += price_change_blocks(chosen)
    return currency_line(chosen) + "\n\n".join(blocks) + "\n"


def currency_line(workloads: Iterable[Workload]) -> str:
    """Return the line of a file that says its currency; nothing for one in USD."""
    currency = common_currency(one.currency for one in workloads)
    return "" if currency == USD else f"{toml_lines({'currency': currency})}\n"


def price_change_blocks(workloads: Sequence[Workload]) -> list[str]:
    """Return the tables of a file that state the price changes of workloads.

    Raises
    ------
    WorkloadError
        If they are not those of every workload, as a file has them.
    """
    changes = dict.fromkeys(change for one in workloads for change in _changes(one))
    for workload in workloads:
        if set(_changes(workload)) != set(changes):
            raise WorkloadError(
                f"workload {shown(workload.name)}: a file states price changes for every workload, "
                "these are of some. Give all of them the same."
            )
    return [f"[[price_change]]\n{change}" for change in changes]


def _lines(workload: Workload, measured: Measured) -> list[str]:
    table = written_in(workload_table(workload, measured), workload.currency)
    return [toml_lines({key: value}) for key, value in table.items()]


def workload_table(workload: Workload, measured: Measured) -> dict[str, Any]:
    """Return what a file states for each field of a workload that is not as usual.

    Raises
    ------
    WorkloadError
        If a field cannot be written so that it is read back the same.
    """
    table = {}
    for field in fields(Workload):
        value = getattr(workload, field.name)
        usual = field.default
        if field.name in ("notes", "price_changes", "currency") or value is None:
            continue
        if field.name == "cached_share" and workload.cache is not None:  # follows from the cache
            continue
        if isinstance(usual, int | float | str | tuple) and value == parse_field(field.name, usual):
            continue
        try:
            table[field.name] = stated(field.name, value, measured)
            toml_value(table[field.name])
        except TypeError:
            raise WorkloadError(
                f"workload {shown(workload.name)}: {field.name} ({shown(value)}) cannot be written to a "
                "file. Give a number, percentiles, or a log."
            ) from None
    return table


def _changes(workload: Workload) -> list[str]:
    return [_change(change, workload.currency) for change in workload.dated_price_changes]


def _change(change: PriceChange, currency: str) -> str:
    table = {"date": change.day, "model": change.model, **change.prices}
    if change.factor is not None:
        table["factor"] = _quantity("factor", change.factor, measured_in(""))
    stated = {key: part for key, part in table.items() if part is not None}
    return toml_lines(written_in(stated, currency))


def stated(key: str, value: Any, measured: Measured) -> Any:
    """Return what a file states for a value of a field."""
    if isinstance(value, Quantity):
        return _quantity(key, value, measured)
    if isinstance(value, Overflow):
        tokens = value.summary_tokens
        return value.policy if tokens is None else {"summarise_to_tokens": tokens}
    if isinstance(value, Event):
        effect = "factor" if value.factor is not None else "extra_requests"
        days = {"date": value.first} if value.days == 1 else {"from": value.first, "to": value.last}
        return {"name": value.name, **days, effect: _quantity(effect, value.size, measured)}
    if isinstance(value, Cache):
        gap = value.turn_gap_minutes
        table: dict[str, Any] = {"prefix_tokens": value.prefix_tokens}
        table["lifetime_minutes"] = list(value.lifetime_minutes)
        return table | (
            {}
            if gap is None
            else {"turn_gap_minutes": _quantity("turn_gap_minutes", gap, measured)}
        )
    if isinstance(value, WrittenShare):
        return {name: share for name, share in vars(value).items() if share is not None}
    if key == "fees_per_request":
        return dict(value)
    if isinstance(value, tuple):
        return [stated("", part, measured) for part in value]
    return value


def _quantity(key: str, quantity: Quantity, measured: Measured) -> Any:
    if isinstance(quantity, Constant):
        return quantity.value
    if isinstance(quantity, Scaled):
        size = _quantity(key, quantity.size, measured)
        table = size if isinstance(size, Mapping) else {"mean": size, "sd": 0}
        return {**table, "mean_factor": _quantity("", quantity.scale, measured)}
    if isinstance(quantity, Geometric):
        return {"mean": quantity.expected}
    given = quantity.given
    if isinstance(quantity, Empirical):
        return measured(quantity)
    stated = _AS_GIVEN.findall(given)
    if stated and _AS_GIVEN.sub("", given) == "":
        return {name: Decimal(number.replace(",", "")) for name, number in stated}
    p10, p50, p90 = quantity.ppf(np.array([0.1, 0.5, 0.9])).tolist()
    return {"p10": digits(p10), "p50": digits(p50), "p90": digits(p90)}


def measured_in(logs: str) -> Measured:
    """Return what names a log, or a table and its column, and lists values where there are few."""

    def measured(quantity: Empirical) -> Any:
        said = re.fullmatch(
            r'log (?P<log>.+)|column (?P<column>".*") of (?P<table>.+)', quantity.given
        )
        if said is not None:
            path = os.path.normpath(Path(logs) / (said["log"] or said["table"]))
            table = {"from": Path(path).as_posix()}
            return table | ({"column": json.loads(said["column"])} if said["column"] else {})
        counted = re.fullmatch(r"(\d+) values", quantity.given)
        if counted is None or int(counted[1]) > _MOST_VALUES:
            raise TypeError("values without a file")
        counts = np.rint(np.diff(quantity.shares, prepend=0.0) * int(counted[1])).astype(int)
        return [digits(value) for value in np.repeat(quantity.values, counts).tolist()]

    return measured


def digits(value: float) -> Decimal:
    """Return a number to 12 digits, so that it stays the same however often it is written."""
    return plain(Decimal(f"{value:.12g}"))


def toml_lines(values: Mapping[str, Any]) -> str:
    """Return keys and values as the lines of a table.

    Raises
    ------
    TypeError
        If TOML has no such value.
    """
    return "\n".join(f"{_key(key)} = {toml_value(value)}" for key, value in values.items())


def toml_value(value: Any) -> str:
    """Return a value as TOML spells it.

    Raises
    ------
    TypeError
        If TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        number = exact_decimal(value)
        return format(plain(number) if isinstance(value, float) else number, "f")
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        parts = ", ".join(f"{_key(key)} = {toml_value(part)}" for key, part in value.items())
        return f"{{ {parts} }}" if parts else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
