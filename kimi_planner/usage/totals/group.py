"""Adding up counts by groups of rows, in whole numbers of any size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, did_you_mean, shown
from kimi_planner.usage.frame import COLUMNS, COUNTS
from kimi_planner.usage.totals.columns import Counts, dates_of, exact_sum

#: What is added up of every log. ``rows`` are lines of the log, of which some may not state a count.
TOTALS = ("rows", *COUNTS, "rows_without_cached", "rows_without_reasoning")
#: Keys that are read off ``timestamp``, with their numpy unit.
DERIVED: dict[str, Literal["M", "D"]] = {"month": "M", "day": "D"}

Cells = Mapping[tuple[Any, ...], tuple[int, ...]]

_STEP = 2**24  # rows added at a time
_HALF = 25  # bits; counts have at most 50, and 2**24 halves add up exactly in a float


def cells_of(
    counts: Counts, by: tuple[str, ...], raw: pd.DataFrame
) -> tuple[tuple[str, ...], Cells]:
    """Add up checked counts by keys; ``raw`` has the columns that a usage frame does not have.

    Returns
    -------
    tuple of str
        What is added up: `TOTALS`, and what else the log states.
    dict
        From the values of the keys to the sums.

    Raises
    ------
    UsageError
        If there is no column for a key.
    """
    keys = checked_keys(counts.frame, by, raw)
    steps = (slice(start, start + _STEP) for start in range(0, len(counts), _STEP))
    length = len(counts)
    zero, one = (np.broadcast_to(np.int64(n), length) for n in (0, 1))
    known = {"rows": one, **dict(sorted(counts.stated.items()))}
    known |= {
        f"rows_without_{name.removesuffix('_tokens')}": n for name, n in counts.missing.items()
    }
    summed = {name: known.pop(name, zero) for name in TOTALS} | known
    return tuple(summed), merged(
        _block([column[rows] for column in summed.values()], [key.iloc[rows] for key in keys], by)
        for rows in steps
    )


def merged(parts: Iterable[Cells]) -> Cells:
    """Add up the totals of parts, group by group."""
    sums: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for part in parts:
        for cell, numbers in part.items():
            known = sums.get(cell)
            sums[cell] = (
                numbers if known is None else tuple(map(sum, zip(known, numbers, strict=True)))
            )
    return sums


def checked_keys(
    checked: pd.DataFrame, by: tuple[str, ...], raw: pd.DataFrame
) -> list[pd.Series[Any]]:
    """Return the column that each key stands for.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    refuse_unknown_keys(by, raw.columns)
    own = dict.fromkeys(DERIVED, dates_of(checked)) | {"model": checked["model"]}
    return [own[key] if key in own else raw[key] for key in by]


def refuse_unknown_keys(by: tuple[str, ...], columns: Iterable[Any]) -> None:
    """Raise if there is no column for a key.

    Raises
    ------
    UsageError
        Naming the key and the nearest column.
    """
    known = [*DERIVED, "model", *(name for name in map(str, columns) if name not in COLUMNS)]
    for key in by:
        if key not in known:
            raise UsageError(
                f"There is no column {shown(key)} to add up by.{did_you_mean(key, known)} There are "
                f"{', '.join(known)}; a frame has others if it was read with keep=[{shown(key)}]."
            )


def _block(
    columns: list[np.ndarray[Any, Any]], keys: list[pd.Series[Any]], by: tuple[str, ...]
) -> Cells:
    """Group a block of rows and add up each group."""
    codes = np.broadcast_to(np.int64(0), len(columns[0]))
    groups: list[tuple[Any, ...]] = [()]
    for name, key in zip(by, keys, strict=True):
        own, values = _codes(name, key)
        codes, pairs = pd.factorize(codes * len(values) + own)
        groups = [
            (*groups[pair // len(values)], values[pair % len(values)]) for pair in pairs.tolist()
        ]
    sums = [_group_sums(codes, column, len(groups)) for column in columns]
    return dict(zip(groups, zip(*sums, strict=True), strict=True))


def _codes(name: str, key: pd.Series[Any]) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Return a number for each row's value, and the values; one not stated is ``None``."""
    if name in DERIVED:
        times = key.dt.tz_convert(None).to_numpy()
        own, starts = pd.factorize(times.astype(f"datetime64[{DERIVED[name]}]").view(np.int64))
        periods = starts.view(f"datetime64[{DERIVED[name]}]")
        return own, [None if np.isnat(one) else str(one) for one in periods]
    own, distinct = pd.factorize(key)
    values = [one.item() if isinstance(one, np.generic) else one for one in distinct]
    return np.where(own < 0, len(values), own), [*values, None]


def _group_sums(codes: np.ndarray[Any, Any], values: np.ndarray[Any, Any], n: int) -> list[int]:
    if values.strides == (0,):  # one number for all rows
        sizes = np.bincount(codes, minlength=n) if n > 1 and values[0] else [len(values)] * n
        return [int(rows) * int(values[0]) for rows in sizes]
    if n == 1:
        return [exact_sum(values)]
    if int(values.max()) < 2 ** (53 - 24):
        return [int(one) for one in np.bincount(codes, values, n)]
    low = np.bincount(codes, values & (2**_HALF - 1), n)
    high = np.bincount(codes, values >> _HALF, n)
    return [(int(up) << _HALF) + int(down) for up, down in zip(high, low, strict=True)]
