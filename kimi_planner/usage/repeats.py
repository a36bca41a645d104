"""One row per call: chunks of a stream, calls that a log has twice, and spans above other spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.errors import Where
from kimi_planner.usage.lines import Rejects

_COUNTS = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_PRIME = np.uint64(0x9E3779B97F4A7C15)
#: So many rows that differ, and it is no chance that all come in pairs: with dates, and without.
_MANY = (2, 16)


@dataclass
class Twice:
    """Whether the rows of a log that have no id are there twice, or have their sum below them.

    Each row is a number, and equal ones in pairs leave nothing of each other: however long a log is,
    in whatever order and in how many parts it is read, what is kept of it are a few numbers.
    """

    rows: int = 0
    undated: int = 0
    mixed: int = 0
    some: set[int] = field(default_factory=set)
    sums: tuple[int, int] = (0, 0)
    last: tuple[int, int] = (0, 0)

    def add(self, frame: pd.DataFrame) -> None:
        """Take in the next rows."""
        frame = frame[frame["_id"] == 0]
        if frame.empty:
            return
        codes, names = pd.factorize(frame["model"])
        models = pd.util.hash_array(
            np.array([*map(str, names), ""], dtype=object), categorize=False
        )
        times = frame["timestamp"]
        numbers = models[codes] ^ times.dt.as_unit("us").array.view("i8").astype(np.uint64)
        for name in _COUNTS:
            count = frame[name].to_numpy(dtype=np.int64, na_value=-1)
            numbers = (numbers ^ count.astype(np.uint64)) * _PRIME
            numbers ^= numbers >> np.uint64(29)
        tokens = frame[["prompt_tokens", "completion_tokens"]]
        self.join(
            Twice(
                len(frame),
                int(times.isna().sum()),
                int(np.bitwise_xor.reduce(numbers)),
                set(numbers[:1024].tolist()),
                tuple(tokens.sum().tolist()),
                tuple(tokens.iloc[-1].tolist()),
            )
        )

    def join(self, later: Twice) -> None:
        """Take in what is known of the rows after these."""
        self.rows += later.rows
        self.undated += later.undated
        self.mixed ^= later.mixed
        self.some = {*sorted(self.some | later.some)[: max(_MANY)]}
        self.sums = (self.sums[0] + later.sums[0], self.sums[1] + later.sums[1])
        self.last = later.last if later.rows else self.last

    @property
    def why(self) -> str | None:
        """What is doubled, ``None`` if nothing is."""
        if self.rows and not self.mixed and len(self.some) >= _MANY[self.undated > 0]:
            return "every row without an id is there twice"
        if self.rows > len(_MANY) and self.sums == (2 * self.last[0], 2 * self.last[1]) != (0, 0):
            return "its last row is the sum of all others"
        return None


def one_row_per_call(
    frame: pd.DataFrame, files: list[str], rejects: Rejects
) -> tuple[pd.DataFrame, int]:
    """Keep one row of each call.

    Parameters
    ----------
    frame : DataFrame
        Checked rows in the order in which they stand in the log, with a number for each call's id
        (``_id``, 0 where it has none), whether it is a chunk of a stream (``_chunk``), its line and file.
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
    is_chunk = frame["_chunk"].to_numpy(dtype=bool)
    named = frame["_id"] != 0
    if not is_chunk.any() and not frame["_id"][named].duplicated().any():
        return frame.reset_index(drop=True), 0
    calls = frame[["_id", "_line", "_file"]].copy()
    streams = calls[named & is_chunk]
    places = ["_line", "_file"]
    calls.loc[streams.index, places] = streams.groupby("_id")[places].transform("first")
    kept = np.ones(len(calls), dtype=bool)
    kept[streams.index[streams.duplicated("_id", keep="last")]] = False

    of_calls = calls[named & kept]
    is_silent = frame["cached_tokens"].isna().to_numpy(dtype=bool)[of_calls.index]
    of_calls = of_calls.iloc[np.argsort(is_silent, kind="stable")]
    is_repeat = of_calls.duplicated("_id")
    repeats = of_calls.index[is_repeat]
    firsts = of_calls["_id"][~is_repeat]
    firsts_of = pd.Series(firsts.index, index=firsts)[of_calls["_id"][is_repeat]].to_numpy()
    kept[repeats] = False
    counts = frame[["requests", "prompt_tokens", "completion_tokens"]]
    differs = (counts.loc[repeats].to_numpy() != counts.loc[firsts_of].to_numpy()).any(axis=1)
    for one, other in zip(firsts_of[differs], repeats[differs], strict=True):
        rejects.add(
            Where(files[calls["_file"][other]], int(calls["_line"][other])),
            f"a call with the id of {files[calls['_file'][one]]} line {calls['_line'][one]}, but with "
            "other tokens. One call has one id: correct it, or leave the id out.",
        )
    frame, calls = frame[kept], calls[kept]
    if is_chunk.any():
        frame = frame.iloc[np.lexsort((calls["_line"], calls["_file"]))]
    return frame.reset_index(drop=True), len(repeats) - int(differs.sum())


def parents_of_calls(frame: pd.DataFrame, nodes: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return which rows stand above other rows of their tree, whose tokens they repeat or add up.

    Parameters
    ----------
    frame : DataFrame
        Rows with a number for their place in a tree (``_node``) and their parent's, 0 without one.
    nodes : sequence of pair of ndarray
        The same of all entries, also of those that are no rows.
    """
    none = np.zeros(len(frame), dtype=bool)
    if not nodes or not frame["_node"].any():
        return none
    own, parents = (np.concatenate(part) for part in zip(*nodes, strict=True))
    parent_of = pd.Series(parents, index=own)
    parent_of = parent_of[~parent_of.index.duplicated()]
    above: set[int] = set()
    level = frame["_parent"][frame["_node"] != 0].unique()
    while len(level):
        new = [one for one in level.tolist() if one not in above]
        above.update(new)
        level = parent_of.reindex(new).dropna().astype(np.int64).unique() if new else np.empty(0)
    return frame["_node"].isin(above).to_numpy() & (frame["_node"] != 0).to_numpy()
