"""The counts of a usage frame as plain integer arrays, checked once and cheaply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import FEE, Usage
from kimi_planner.billing.record import MAX_TOKENS
from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.dialects import dialect_of_columns, spelled
from kimi_planner.usage.frame import COLUMNS, OPTIONAL_COUNTS, WRITTEN, is_column
from kimi_planner.usage.read import checked_frame, read_usage

#: Rows taken at a time, so that what is computed from them stays in the processor's cache.
_BLOCK = 32_768

#: So many of the largest counts add up to less than the largest 64-bit integer.
_SUMMED = 8_192

Integers = np.ndarray[Any, np.dtype[np.int64]]
_NEEDED = ("requests", "prompt_tokens", "completion_tokens")
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", *WRITTEN)
#: What the counts of the rows in a batch are called, beside those of all rows.
BATCH = "batch_"


@dataclass(frozen=True)
class Counts:
    """Counts of a usage frame, arrays of int64 of shape (n_rows,).

    Attributes
    ----------
    columns
        By name, where some row states the count; it is 0 for the others.
    missing
        Which rows do not state a count, where some do not.
    batch
        Which rows are part of a batch; ``None`` if none is.
    frame
        The checked frame, for its times and models.
    """

    columns: Mapping[str, Integers]
    missing: Mapping[str, np.ndarray[Any, Any]]
    batch: np.ndarray[Any, Any] | None
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    def where(self, rows: np.ndarray[Any, Any]) -> Counts:
        """Return the counts of some rows, and 0 for the others."""
        return replace(self, columns={name: one * rows for name, one in self.columns.items()})

    @property
    def usage(self) -> Usage:
        """What each row uses, by meter."""
        return usage_of(self.stated)

    @property
    def total(self) -> Usage:
        """What all rows use together, by meter."""
        return usage_of({name: exact_sum(one) for name, one in self.stated.items()})

    @property
    def stated(self) -> dict[str, Integers]:
        """The columns, and if some rows are part of a batch the tokens of those, 0 for the others."""
        stated = dict(self.columns)
        if self.batch is not None:
            for name in TOKENS:
                if name in self.columns:
                    stated[BATCH + name] = self.columns[name] * self.batch
        return stated


def usage_of(columns: Mapping[str, Any]) -> Usage:
    """Return the usage of counts, sums of counts or arrays; those of batches are parts of the others."""

    def of(prefix: str, **more: Any) -> Usage:
        prompt, cached, completion, *written = (columns.get(prefix + name, 0) for name in TOKENS)
        return Usage.of(
            prompt, completion, cached=cached, written_5m=written[0], written_1h=written[1], **more
        )

    whole = of(
        "",
        reasoning=columns.get("reasoning_tokens", 0),
        requests=columns["requests"],
        fees={key.removeprefix(FEE): one for key, one in columns.items() if key.startswith(FEE)},
    )
    if BATCH + "prompt_tokens" not in columns:
        return whole
    return whole + of(BATCH, requests=0) * -1 + of(BATCH, requests=0, batch=True)


def counts_of(frame: Any) -> Counts:
    """Return the counts of a usage frame.

    A frame as `read_usage` returns it is only looked over; any other is read by it first.

    Raises
    ------
    UsageError
        If it is not a frame, or is malformed.
    """
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"The usage frame is {shown(frame)}. Read a log first: read_usage(path).")
    if frame.columns.is_unique and _is_canonical(frame):
        counts = _extract(frame)
        if is_sound(counts):
            return counts
    return _extract(checked_frame(frame))


def calls_of(frame: Any) -> Any:
    """Return a frame with a row for each call, with labels and columns of a given one.

    A frame as `read_usage` returns it stays; any other is read as its file would be.
    """
    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique or has_calls(frame):
        return frame
    calls = read_usage(frame.assign(_row=np.arange(len(frame))), keep=["_row"])
    rest = frame.iloc[calls.pop("_row").to_numpy(dtype=np.int64)]
    calls.index = rest.index
    return calls.assign(**{str(name): rest[name] for name in rest if name not in calls})


def has_calls(frame: pd.DataFrame) -> bool:
    """Whether a frame is as `read_usage` returns it, and has no ids of calls that may be repeated."""
    return frame.columns.is_unique and _is_canonical(frame) and not _has_ids(frame)


def _has_ids(frame: pd.DataFrame) -> bool:
    names = {*map(spelled, map(str, frame.columns))}
    return not names.isdisjoint(dialect_of_columns(names).paths("call_id"))


def dates_of(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the UTC times of the rows of a checked frame, all missing if its log has no dates."""
    times = frame["timestamp"]
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        return times
    return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")


def is_sound(counts: Counts) -> bool:
    """Whether every row keeps the rules of a usage frame."""
    parts = [name for name in (*OPTIONAL_COUNTS, *WRITTEN) if name in counts.columns]
    for start in range(0, len(counts), _BLOCK):
        column = {name: one[start : start + _BLOCK] for name, one in counts.columns.items()}
        if column["requests"].min() < 1:
            return False
        if any(one.max() > MAX_TOKENS for name, one in column.items() if name not in parts):
            return False
        for name in parts:
            if column[name].min() < 0:
                return False
            whole = "completion_tokens" if name == "reasoning_tokens" else "prompt_tokens"
            column[whole] = column[whole] - column[name]
        if any(one.min() < 0 for name, one in column.items() if name not in parts):
            return False
    return True


def exact_sum(values: Integers) -> int:
    """Sum checked counts, past the largest 64-bit integer if need be."""
    return sum(
        int(values[start : start + _SUMMED].sum()) for start in range(0, len(values), _SUMMED)
    )


def _is_canonical(frame: pd.DataFrame) -> bool:
    types = frame.dtypes
    more = [name for name in map(str, frame.columns) if is_column(name) and name not in COLUMNS]
    return (
        len(frame) > 0
        and set(COLUMNS) <= set(types.index)
        and all(types[name] == np.int64 for name in (*_NEEDED, *more) if name != "batch")
        and ("batch" not in more or types["batch"] == np.dtype(bool))
        and all(types[name] in (np.dtype(np.int64), pd.Int64Dtype()) for name in OPTIONAL_COUNTS)
        and (types["model"] == np.dtype(object) or isinstance(types["model"], pd.StringDtype))
        and (
            isinstance(types["timestamp"], pd.DatetimeTZDtype)
            or pd.api.types.is_timedelta64_dtype(types["timestamp"])
        )
    )


def _extract(frame: pd.DataFrame) -> Counts:
    columns, missing = {}, {}
    names = filter(is_column, map(str, frame.columns.drop(["timestamp", "model"])))
    for name in names:
        column = frame[name]
        if name not in OPTIONAL_COUNTS:
            columns[name] = column.to_numpy()
            continue
        mask = column.isna().to_numpy(dtype=bool)
        if mask.any():
            missing[name] = mask
        if not mask.all():
            columns[name] = column.to_numpy(dtype=np.int64, na_value=0)
    batch = columns.pop("batch", None)
    return Counts(
        columns=columns,
        missing=missing,
        batch=batch if batch is not None and batch.any() else None,
        frame=frame,
    )
