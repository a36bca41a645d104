"""The canonical usage frame: its columns, and the checks that every row must pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import FEE
from kimi_planner.billing.record import MAX_TOKENS, contradiction
from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, Where
from kimi_planner.usage.lines import Rejects
from kimi_planner.usage.table import number_of
from kimi_planner.usage.times import as_numbers, as_times

#: Columns of a usage frame. ``timestamp`` is a UTC time, or a Timedelta since the start of the
#: log where the log has no dates; a missing count means that the log does not say.
COLUMNS = (
    "timestamp",
    "model",
    "requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
)
#: Those of them that are whole numbers.
COUNTS = COLUMNS[2:]
#: Parts of the prompt that were written to a cache. A frame has these columns only where a row of the
#: log says so, and likewise ``batch`` and, by its name, how often a fee was due; 0 and no batch
#: where a row does not say.
WRITTEN = ("written_5m_tokens", "written_1h_tokens")
Place = Callable[[int], Where]

OPTIONAL_COUNTS = ("cached_tokens", "reasoning_tokens")

#: Times before and from here on are none of a log: what stands for no time, or a slip.
_FIRST, _BEYOND = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")


def is_count(name: str) -> bool:
    """Whether a column of a usage frame is whole numbers, also one that few logs state."""
    return name in COUNTS or name in WRITTEN or name.startswith(FEE)


def is_column(name: str) -> bool:
    """Whether a column belongs to a usage frame."""
    return name in ("timestamp", "model", "batch") or is_count(name)


def checked_rows(
    frame: pd.DataFrame, place: Place, rejects: Rejects
) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return the good rows in canonical form, every row checked, and which rows those are.

    Parameters
    ----------
    frame : DataFrame
        With at least ``model``, ``prompt_tokens`` and ``completion_tokens``; times stand in ``timestamp``,
        or in ``timestamp_s`` as seconds from the start of the log.
    place : callable
        From a row's position to words that name it, such as ``usage.csv line 17``.
    rejects : Rejects
        What to do with a bad row.

    Raises
    ------
    UsageError
        If a column is missing, or a row is bad and errors are not skipped.
    """
    for name in ("prompt_tokens", "completion_tokens"):
        if name not in frame:
            raise UsageError(
                f"no column {name!r}. Columns found: {', '.join(map(str, frame.columns))}. "
                f"A usage frame has {', '.join(COLUMNS)}.",
                at=place(-1),
            )
    stated_counts = filter(is_count, map(str, frame.columns))
    counts = {name: _numbers(frame, name) for name in dict.fromkeys((*COUNTS, *stated_counts))}
    good = np.ones(len(frame), dtype=bool)

    def refuse(bad: np.ndarray[Any, Any], problem: Callable[[int], str]) -> None:
        if not bad.any():
            return
        rows = np.flatnonzero(bad & good).tolist()
        rejects.add_each(rows, lambda row: rejects.add(place(row), problem(row)))
        good[bad] = False

    for name, (values, missing) in counts.items():
        bad = ~_is_count(values) & ~missing
        if name in COUNTS and name not in OPTIONAL_COUNTS:
            bad |= missing
        refuse(bad, partial(_number_problem, name, frame.get(name)))

    requests, prompt, cached, completion, reasoning = (counts[name][0] for name in COUNTS)
    zero = np.broadcast_to(np.int64(0), len(frame))
    written = sum((counts[name][0] for name in WRITTEN if name in counts), zero)

    def contradicts(row: int) -> str:
        sides = (prompt, cached, completion, reasoning, written)
        problem = contradiction(*(int(side[row]) for side in sides))
        return problem or "the row has tokens but requests is 0. It must be at least 1."

    refuse(
        (cached + written > prompt)
        | (reasoning > completion)
        | ((requests == 0) & ((prompt > 0) | (completion > 0))),
        contradicts,
    )
    relative = "timestamp_s" in frame
    unknown = pd.Series(pd.NaT, index=frame.index)
    stated = frame.get("timestamp_s" if relative else "timestamp", unknown)
    times = as_times(stated, relative=relative)
    refuse(
        (times.isna() & stated.notna()).to_numpy(dtype=bool),
        lambda row: (
            f"timestamp is {quoted(_cell(stated, row))}. Write ISO 8601, such as 2026-11-24T09:30:00Z, "
            "or seconds since 1970; seconds since the start of the log stand in timestamp_s."
        ),
    )
    if times.dtype.kind == "M":  # and not lengths of time since the log began
        refuse(
            ((times < _FIRST) | (times >= _BEYOND)).to_numpy(dtype=bool),
            lambda row: (
                f"timestamp is {quoted(_cell(stated, row))}. A log is of the years {_FIRST.year} to "
                f"{_BEYOND.year - 1}; leave a time out that is not known."
            ),
        )
    batch, unclear = _flags(frame)
    refuse(
        unclear,
        lambda row: f"batch is {quoted(_cell(frame['batch'], row))}. Write true or false.",
    )
    columns: dict[str, Any] = {"timestamp": times, "model": frame["model"].astype(object)}
    for name, (values, missing) in counts.items():
        whole = values if good.all() else np.where(good, values, 0)
        whole = whole.astype(np.int64, copy=False)
        if name in OPTIONAL_COUNTS:
            columns[name] = pd.arrays.IntegerArray(whole, missing)
        elif name in COUNTS or whole.any():
            columns[name] = whole
    checked = pd.DataFrame(columns, index=frame.index)
    if batch.any():
        checked["batch"] = batch
    if not good.all():
        checked = checked.loc[good]
    return checked.reset_index(drop=True), good


def _is_count(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(invalid="ignore"):
        good: np.ndarray[Any, Any] = (values >= 0) & (values <= MAX_TOKENS)
        return good if values.dtype == np.int64 else good & (values == np.floor(values))


def _flags(frame: pd.DataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return which rows are part of a batch, and which do not say so clearly."""
    no = np.zeros(len(frame), dtype=bool)
    if "batch" not in frame or frame["batch"].dtype == bool:
        return frame["batch"].to_numpy() if "batch" in frame else no, no
    words = (
        frame["batch"].astype(object).map(lambda one: str(one).strip().lower(), na_action="ignore")
    )
    flags = words.isin(("true", "1", "1.0")).to_numpy(dtype=bool)
    known = flags | words.isin(("false", "0", "0.0", "")).to_numpy(dtype=bool)
    return flags, ~known & frame["batch"].notna().to_numpy(dtype=bool)


def _numbers(frame: pd.DataFrame, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the values as int64 or float64, 0 where they are missing, and where that is."""
    if name not in frame:
        return np.zeros(len(frame), dtype=np.int64), np.ones(len(frame), dtype=bool)
    column = frame[name]
    missing = column.isna().to_numpy(dtype=bool)
    is_whole = pd.api.types.is_signed_integer_dtype(column.dtype)
    if not is_whole and not pd.api.types.is_float_dtype(column.dtype):
        column = as_numbers(pd.Series([*map(_number, column)], column.index, dtype=object))
    if missing.any():
        column = column.mask(missing, 0)
    return column.to_numpy(dtype=np.int64 if is_whole else np.float64), missing


def _number(value: Any) -> Any:
    """Return the number that text means, NaN for text that means none or more than one."""
    number = number_of(value) if isinstance(value, str) else value
    return math.nan if isinstance(number, str) else number


def _cell(column: pd.Series[Any], row: int) -> Any:
    value = column.iloc[row]
    return value.item() if isinstance(value, np.generic) else value


def _number_problem(name: str, column: pd.Series[Any] | None, row: int) -> str:
    value = None if column is None else _cell(column, row)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN
        return f"{name} is missing. Fill it in, or leave the row out."
    if isinstance(value, int | float) and MAX_TOKENS < value < math.inf:
        return f"{name} is {quoted(value)}. More than {MAX_TOKENS:.0e} in one row cannot be meant."
    if isinstance(value, int | float) and value < 0:
        return f"{name} is {quoted(value)}. It cannot be negative."
    return f"{name} is {quoted(value)}. It must be a whole number."
