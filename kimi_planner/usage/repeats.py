"""One row per call: chunks of a stream, and calls that a log has twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.errors import Where
from kimi_planner.usage.lines import Rejects

__all__ = ["one_row_per_call"]


def one_row_per_call(
    frame: pd.DataFrame, keys: np.ndarray[Any, Any], files: list[str], rejects: Rejects
) -> tuple[pd.DataFrame, int]:
    """Keep one row of each call.

    Parameters
    ----------
    frame : DataFrame
        Checked rows in the order in which they stand in the log.
    keys : ndarray of int64, shape (n, 4)
        For each row a number for the call's id (0 where it has none), whether the row is a chunk of
        a stream, its line, and which file it is in.
    files : list of str
        Names of the files.
    rejects : Rejects
        What to do with a row that contradicts another of the same call.

    Returns
    -------
    DataFrame
        Of the chunks of a stream the last one that states usage, at the place of the stream's first
        chunk; of equal rows of one call the first, or the first that states cached tokens.
    int
        How many rows repeated another; chunks of one stream are no repetition.

    Raises
    ------
    UsageError
        If two rows of one call differ in their tokens, and errors are not skipped.
    """
    ids = np.sort(keys[:, 0])
    if not ((ids[1:] == ids[:-1]) & (ids[1:] != 0)).any() and not keys[:, 1].any():
        return frame.reset_index(drop=True), 0
    kept = np.ones(len(keys), dtype=bool)
    order, first, last = _by_call(keys, keys[:, 1] != 0)
    kept[order] = order == order[last]
    keys[order[last], 2:] = keys[order[first], 2:]

    says_cached = frame["cached_tokens"].notna().to_numpy(dtype=bool)
    order, first, _ = _by_call(keys, kept, ~says_cached)
    counts = [frame[name].to_numpy() for name in ("requests", "prompt_tokens", "completion_tokens")]
    differs = [count[order] != count[order[first]] for count in counts]
    kept[order] = order == order[first]
    repeated = int((~kept[order]).sum())
    for at in np.flatnonzero(np.any(differs, axis=0)):
        repeated -= 1
        one, other = keys[order[first[at]]], keys[order[at]]
        rejects.add(
            Where(files[other[3]], int(other[2])),
            f"a call with the id of {files[one[3]]} line {one[2]}, but with other tokens. One call has "
            "one id: correct it, or leave the id out.",
        )
    if not kept.all():
        frame, keys = frame[kept], keys[kept]
    if keys[:, 1].any():
        frame = frame.iloc[np.lexsort((keys[:, 2], keys[:, 3]))]
    return frame.reset_index(drop=True), repeated


def _by_call(
    keys: np.ndarray[Any, Any],
    among: np.ndarray[Any, Any],
    later: np.ndarray[Any, Any] | None = None,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the rows that have an id, those of one call side by side in the order of the log.

    With each row's position come the positions of the first and the last row of its call; rows
    marked ``later`` come after the others of their call.
    """
    rows = np.flatnonzero(among & (keys[:, 0] != 0))
    ids = keys[rows, 0]
    by = np.argsort(ids, kind="stable") if later is None else np.lexsort((later[rows], ids))
    rows, ids = rows[by], ids[by]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]][: len(ids)])
    sizes = np.diff(np.r_[starts, len(ids)])
    return rows, np.repeat(starts, sizes), np.repeat(starts + sizes - 1, sizes)
