"""Columns of counts and ids as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.record import MAX_TOKENS
from kimi_planner.usage.row import Call

__all__ = ["COUNTS", "as_array", "id_numbers", "sound_counts"]

#: The places of a :class:`Call` that are numbers of tokens.
COUNTS = ("prompt", "completion", "cached", "reasoning", "total")


def id_numbers(ids: Iterable[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a number for each id that is text, 0 for one that is missing; equal ids, equal numbers.

    Two of ten million ids that differ have the same number with a chance of 3 in a million.
    """
    return np.array([hash(one) if type(one) is str and one else 0 for one in ids], dtype=np.int64)


def sound_counts(columns: Call) -> dict[str, Any] | None:
    """Return the counts as arrays if all are whole numbers that agree, else ``None``."""
    try:
        counts = {name: as_array(getattr(columns, name)) for name in COUNTS}
    except OverflowError:
        return None
    if not set(map(type, columns.model)) <= {str, type(None)}:
        return None
    if any(isinstance(part, list) for part in counts.values()):
        return None
    prompt, completion, cached, reasoning, total = map(_filled, counts.values())
    missing = pd.isna(counts["prompt"]) | pd.isna(counts["completion"])
    good = (cached >= 0) & (cached <= prompt) & (prompt <= MAX_TOKENS)
    good &= (reasoning >= 0) & (reasoning <= completion) & (completion <= MAX_TOKENS)
    good &= (total == prompt + completion) | pd.isna(counts["total"])
    return counts if (good & ~missing).all() else None


def _filled(part: Any) -> np.ndarray[Any, Any]:
    """Return whole numbers as int64, 0 for missing ones."""
    return part if isinstance(part, np.ndarray) else part.to_numpy(dtype=np.int64, na_value=0)


def as_array(column: list[Any]) -> Any:
    """Return whole numbers as int64, with missing ones as Int64, anything else as a list."""
    kinds = set(map(type, column))
    if kinds == {int}:
        return np.fromiter(column, np.int64, len(column))
    if kinds <= {int, type(None)}:
        missing = np.array([value is None for value in column])
        whole = np.array([value or 0 for value in column], dtype=np.int64)
        return pd.arrays.IntegerArray(whole, missing)
    return column
