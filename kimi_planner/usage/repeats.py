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
    calls = pd.DataFrame(keys, columns=["id", "is_chunk", "line", "file"])
    named, is_chunk = calls["id"] != 0, calls["is_chunk"] != 0
    if not is_chunk.any() and not calls["id"][named].duplicated().any():
        return frame.reset_index(drop=True), 0
    streams = calls[named & is_chunk]
    places = ["line", "file"]
    calls.loc[streams.index, places] = streams.groupby("id")[places].transform("first")
    kept = np.ones(len(calls), dtype=bool)
    kept[streams.index[streams.duplicated("id", keep="last")]] = False

    of_calls = calls[named & kept]
    is_silent = frame["cached_tokens"].isna().to_numpy(dtype=bool)[of_calls.index]
    of_calls = of_calls.iloc[np.argsort(is_silent, kind="stable")]
    is_repeat = of_calls.duplicated("id")
    repeats = of_calls.index[is_repeat]
    firsts = of_calls["id"][~is_repeat]
    firsts_of = pd.Series(firsts.index, index=firsts)[of_calls["id"][is_repeat]].to_numpy()
    kept[repeats] = False
    counts = frame[["requests", "prompt_tokens", "completion_tokens"]]
    differs = (counts.loc[repeats].to_numpy() != counts.loc[firsts_of].to_numpy()).any(axis=1)
    for one, other in zip(firsts_of[differs], repeats[differs], strict=True):
        rejects.add(
            Where(files[calls["file"][other]], int(calls["line"][other])),
            f"a call with the id of {files[calls['file'][one]]} line {calls['line'][one]}, but with "
            "other tokens. One call has one id: correct it, or leave the id out.",
        )
    frame, calls = frame[kept], calls[kept]
    if is_chunk.any():
        frame = frame.iloc[np.lexsort((calls["line"], calls["file"]))]
    return frame.reset_index(drop=True), len(repeats) - int(differs.sum())
