"""The counts of a usage frame as plain integer arrays, checked once and cheaply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.record import MAX_TOKENS
from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.read import read_usage

__all__ = ["BLOCK", "Counts", "blocks", "counts_of", "exact_sum", "is_sound"]

#: Rows taken at a time, so that what is computed from them stays in the processor's cache.
BLOCK = 32_768

#: So many of the largest counts add up to less than the largest 64-bit integer.
_SUMMED = 8_192

Integers = np.ndarray[Any, np.dtype[np.int64]]
_NEEDED = ("requests", "prompt_tokens", "completion_tokens")
_OPTIONAL = ("cached_tokens", "reasoning_tokens")


@dataclass(frozen=True)
class Counts:
    """Counts of a usage frame, arrays of int64 of shape (n_rows,); a count not stated is 0.

    Attributes
    ----------
    cached_missing, reasoning_missing
        Which rows do not state the count; ``None`` if all do.
    frame
        The checked frame, for its times and models.
    """

    requests: Integers
    prompt: Integers
    cached: Integers
    completion: Integers
    reasoning: Integers
    cached_missing: np.ndarray[Any, Any] | None
    reasoning_missing: np.ndarray[Any, Any] | None
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.prompt)


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
    return _extract(read_usage(frame))


def is_sound(counts: Counts) -> bool:
    """Whether every row keeps the rules of a usage frame."""
    for rows in blocks(len(counts)):
        requests, prompt, completion = (
            counts.requests[rows],
            counts.prompt[rows],
            counts.completion[rows],
        )
        cached, reasoning = counts.cached[rows], counts.reasoning[rows]
        if cached.strides == (0,):  # no row states it
            least = int(prompt.min())
        else:
            least = min(int(cached.min()), int((prompt - cached).min()))
        if reasoning.strides == (0,):
            least = min(least, int(completion.min()))
        else:
            least = min(least, int(reasoning.min()), int((completion - reasoning).min()))
        if least < 0 or max(int(prompt.max()), int(completion.max())) > MAX_TOKENS:
            return False
        if requests.min() < 1 or requests.max() > MAX_TOKENS:
            return False
    return True


def blocks(rows: int) -> Iterator[slice]:
    """Yield slices that cover so many rows, a block each."""
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))


def exact_sum(values: Integers) -> int:
    """Sum checked counts, past the largest 64-bit integer if need be."""
    return sum(
        int(values[start : start + _SUMMED].sum()) for start in range(0, len(values), _SUMMED)
    )


def _is_canonical(frame: pd.DataFrame) -> bool:
    types = frame.dtypes
    return (
        len(frame) > 0
        and {"timestamp", "model", *_NEEDED, *_OPTIONAL} <= set(types.index)
        and all(types[name] == np.int64 for name in _NEEDED)
        and all(types[name] in (np.dtype(np.int64), pd.Int64Dtype()) for name in _OPTIONAL)
        and (types["model"] == np.dtype(object) or isinstance(types["model"], pd.StringDtype))
        and (
            isinstance(types["timestamp"], pd.DatetimeTZDtype)
            or pd.api.types.is_timedelta64_dtype(types["timestamp"])
        )
    )


def _extract(frame: pd.DataFrame) -> Counts:
    needed = {name: frame[name].to_numpy(dtype=np.int64) for name in _NEEDED}
    optional = {}
    missing = {}
    for name in _OPTIONAL:
        mask = frame[name].isna().to_numpy(dtype=bool)
        missing[name] = mask if mask.any() else None
        optional[name] = (
            np.broadcast_to(np.int64(0), len(frame))
            if mask.all()
            else frame[name].to_numpy(dtype=np.int64, na_value=0)
        )
    return Counts(
        requests=needed["requests"],
        prompt=needed["prompt_tokens"],
        cached=optional["cached_tokens"],
        completion=needed["completion_tokens"],
        reasoning=optional["reasoning_tokens"],
        cached_missing=missing["cached_tokens"],
        reasoning_missing=missing["reasoning_tokens"],
        frame=frame,
    )
