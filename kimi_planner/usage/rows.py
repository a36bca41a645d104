"""Rows of a log as they are read, a chunk at a time, and what else the log says of itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, Where
from kimi_planner.usage.dialects import GENERIC, dialects, spelled
from kimi_planner.usage.frame import COLUMNS
from kimi_planner.usage.lines import MAX_REJECTED_SHOWN, Rejects
from kimi_planner.usage.repeats import Twice, one_row_per_call, parents_of_calls
from kimi_planner.usage.times import as_times

#: Columns of a chunk that a usage frame does not have: where a row stands, and which call it is of.
HIDDEN = ("_line", "_file", "_id", "_chunk", "_node", "_parent", "_cost")
_MOST_PROBLEMS = 1_000


@cache
def _known_forms() -> str:
    return ", ".join(
        dict.fromkeys(one.form or one.name for one in dialects() if one.name != GENERIC)
    )


class LeftOut(Enum):
    """Why an entry is no row, though nothing is wrong with it."""

    FAILED = "failures"
    OTHER = "other_entries"


class Problems(Rejects):
    """Bad rows of one chunk, which are told in the order of their lines; of very many the first."""

    def __init__(self) -> None:
        super().__init__(skip=True)
        self.found: list[tuple[Where, str]] = []
        #: Lines behind it are counted, as so many are known before.
        self.last = math.inf

    def add(self, where: Where, problem: str) -> None:
        """Keep a bad row for later."""
        self.found.append((where, problem))
        if len(self.found) > _MOST_PROBLEMS:
            self._order()
            self.count += len(self.found) - MAX_REJECTED_SHOWN
            del self.found[MAX_REJECTED_SHOWN:]
            self.last = self.found[-1][0].line or 0

    def _order(self) -> None:
        self.found.sort(key=lambda one: one[0].line or 0)

    def tell(self, rejects: Rejects) -> None:
        """Pass them on, and begin anew.

        Raises
        ------
        UsageError
            If bad rows are not to be skipped.
        """
        self._order()
        found, self.found = self.found, []
        for where, problem in found:
            rejects.add(where, problem)
        rejects.count += self.count
        self.count, self.last = 0, math.inf


@dataclass
class Rows:
    """The rows of one log, from one file or several.

    Attributes
    ----------
    rejects
        What to do with bad rows.
    renamed, ignored_names
        Which field of the log has which count, and which are not to be read, as the caller says.
    kept
        Names of fields of the log that are kept as columns.
    left_out
        Entries that are no billed calls, counted by reason.
    unread
        How often each field was stated that was not read.
    forms
        Names of the forms that were found.
    window
        Start and end of the time that the log says it covers.
    pages
        What its pages say: number and how many there are, or whether there are more.
    cut_off
        Number of incomplete last lines.
    """

    rejects: Rejects
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored_names: Collection[str] = ()
    kept: Collection[str] = ()
    left_out: dict[LeftOut, int] = field(default_factory=lambda: dict.fromkeys(LeftOut, 0))
    unread: Counter[str] = field(default_factory=Counter)
    forms: list[str] = field(default_factory=list)
    window: list[tuple[pd.Timestamp, pd.Timestamp]] = field(default_factory=list)
    pages: list[tuple[Any, Any, Any]] = field(default_factory=list)
    tiers: set[str] = field(default_factory=set)
    models: dict[str, str | None] = field(default_factory=dict)
    cut_off: int = 0
    #: Files beside those of the log that were not read.
    passed_over: list[str] = field(default_factory=list)
    #: Calls that should state their usage and do not, where it cannot be told whether they failed.
    unstated: int = 0
    #: Windows that do not say how many requests they hold.
    windows_unstated: int = 0
    #: Whether what has no id is there twice.
    twice: Twice = field(default_factory=Twice)
    #: Columns of the table that is being read, none of other files.
    columns: Collection[str] = ()
    #: The file that is being read.
    file: str = ""
    #: Labels of the rows of a frame; ``None`` for a file.
    labels: Any = None
    problems: Problems = field(default_factory=Problems)
    files: list[str] = field(default_factory=list)
    _chunks: list[pd.DataFrame] = field(default_factory=list)
    _nodes: list[Any] = field(default_factory=list)
    _open: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    #: Streams that are rejected for another reason than that they state no usage.
    refused: set[int] = field(default_factory=set)
    _is_relative: bool | None = None

    def start(self, file: str) -> None:
        """Begin the rows of a file."""
        self.file = file
        self.files.append(file)

    def found(self, form: str) -> None:
        """Note a form that was found."""
        if form not in self.forms:
            self.forms.append(form)

    def refuse(self, line: int, problem: object) -> None:
        """Reject a line of the present file, once its chunk is read."""
        if line > self.problems.last:
            self.problems.count += 1
        else:
            self.problems.add(self.where(line), str(problem))

    def where(self, line: int) -> Where:
        """Return the words for a line of the present file, or a row of a frame."""
        if self.labels is not None:
            return Where(self.file, self.labels[line], "row")
        return Where(self.file, line)

    def cover(self, start: Any, end: Any, *, days: int = 0) -> None:
        """Note a window that the log says it covers; without an end it is some days long.

        Raises
        ------
        UsageError
            If start or end is no time.
        """
        times = as_times(pd.Series([start, start if days else end], dtype=object), relative=False)
        for value, stamp in zip((start, end), times, strict=True):
            if pd.isna(stamp):
                raise UsageError(
                    f"{quoted(value)} is no start or end of a bucket, in seconds since 1970."
                )
        self.window.append((times.iloc[0], times.iloc[1] + pd.Timedelta(days=days)))

    def page(self, number: Any, pages: Any, more: Any) -> None:
        """Note what a page of an export says: its number and how many there are, or whether there are more."""
        self.pages.append((number, pages, more))

    def is_ignored(self, path: str) -> bool:
        """Whether a field is not to be read."""
        name = spelled(path)
        return any(
            one in (path, path.rpartition(".")[2]) or spelled(one) == name
            for one in self.ignored_names
        )

    def unknown(self, table: Any, row: int) -> str:
        """Say that an entry has no form that is read."""
        said = tuple(table.entries[row] if table.entries else table.columns)
        if "messages" in said or {"body", "url"} <= set(said):
            return (
                "a request that was not sent yet, so it has no usage. Count what it will be billed with "
                "`kimi-planner count FILE` or count_corpus."
            )
        return (
            "no usage object, so the call's cost is unknown. Log `usage` with every reply. "
            f"Found: {quoted(', '.join(said) or 'nothing')}. "
            f"Forms that are read: {_known_forms()}, {GENERIC}."
        )

    def open(self, stream: int, line: int, name: str) -> None:
        """Note a stream whose chunk has no usage; another chunk of it must have."""
        self._open.setdefault(int(stream), (self.file, line, name))

    def keep(self, chunk: pd.DataFrame) -> None:
        """Keep the good rows of a chunk."""
        if len(chunk):
            stated = chunk["timestamp"].notna().to_numpy(dtype=bool)
            if stated.any():
                is_relative = pd.api.types.is_timedelta64_dtype(chunk["timestamp"].dtype)
                self.clock(
                    int(chunk["_line"].iloc[int(np.argmax(stated))]), is_relative=is_relative
                )
            self._close_streams(chunk)
            self.twice.add(chunk)
            self._chunks.append(chunk)

    def keep_nodes(self, nodes: Any) -> None:
        """Keep which entry stands below which."""
        if nodes is not None:
            named = nodes[0] != 0
            self._nodes.append((nodes[0][named], nodes[1][named]))

    def settle(self) -> Iterator[pd.DataFrame]:
        """Tell the bad rows of what was read since, in the order of their lines, and yield the good ones.

        Raises
        ------
        UsageError
            If a row is bad and errors are not skipped.
        """
        self.problems.tell(self.rejects)
        chunks, self._chunks = self._chunks, []
        if len(chunks) > 1:
            chunks = [self._joined(chunks).sort_values("_line", kind="stable", ignore_index=True)]
        yield from chunks

    def finish(self, chunks: Iterable[pd.DataFrame]) -> tuple[pd.DataFrame, int, int]:
        """Return the frame of all rows, one per call, how many repeated another, and how many were parents.

        Raises
        ------
        UsageError
            If a stream states no usage, or two rows contradict each other, and errors are not
            skipped.
        """
        parts = list(chunks)
        known = self.refused.union(
            *(chunk["_id"][chunk["_chunk"] != 0] for chunk in parts if "_chunk" in chunk)
        )
        for stream, (file, line, name) in self._open.items():
            if stream not in known:
                self.rejects.add(
                    Where(file, line),
                    f"stream {quoted(name)} ends without a usage object, so its cost is unknown. Ask "
                    "for usage in the stream (stream_options.include_usage).",
                )
        if not parts:
            return pd.DataFrame(columns=[*COLUMNS]), 0, 0
        frame = self._joined(parts)
        frame, repeated = one_row_per_call(frame, self.files, self.rejects)
        above = parents_of_calls(frame, self._nodes)
        if above.any():
            frame = frame[~above].reset_index(drop=True)
        return frame, repeated, int(above.sum())

    def clock(self, line: int, *, is_relative: bool) -> None:
        """Refuse a date in a log that counts from its own start, and the reverse."""
        if self._is_relative is None:
            self._is_relative = is_relative
        if self._is_relative != is_relative:
            clocks = ("a date", "seconds from the start of the log")
            raise UsageError(
                f"the time is {clocks[is_relative]}; before it stands "
                f"{clocks[not is_relative]}. One log has one clock: read its parts one by one.",
                at=Where(self.file, line),
            )

    def join(self, other: Rows) -> None:
        """Add what is known of a later part of the log, which was read elsewhere.

        Raises
        ------
        UsageError
            If one has dates and the other counts from its own start.
        """
        if None not in (self._is_relative, other._is_relative):
            self.file = other.file
            self.clock(1, is_relative=bool(other._is_relative))
        if self._is_relative is None:
            self._is_relative = other._is_relative
        self.rejects.join(other.rejects)
        for reason, count in other.left_out.items():
            self.left_out[reason] += count
        self.unread.update(other.unread)
        self.forms += [form for form in other.forms if form not in self.forms]
        self.window += other.window
        self.pages += other.pages
        self.tiers |= other.tiers
        self.refused |= other.refused
        self.twice.join(other.twice)
        self._nodes += other._nodes
        self._open = other._open | self._open
        for name in ("cut_off", "unstated", "windows_unstated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def _joined(self, chunks: list[pd.DataFrame]) -> pd.DataFrame:
        """Return chunks one below the other; columns that some of them lack are 0 or unknown there."""
        clock = "m8[us]" if self._is_relative else "datetime64[us, UTC]"
        names = list(dict.fromkeys(name for chunk in chunks for name in chunk.columns))
        for chunk in chunks:
            if chunk["timestamp"].isna().all():
                chunk["timestamp"] = pd.Series(pd.NaT, index=chunk.index, dtype=clock)
            for name in names:
                if name not in chunk:
                    usual = {"_cost": np.nan, "batch": False}.get(name, 0)
                    chunk[name] = None if name in self.kept else usual
        return (
            pd.concat([chunk[names] for chunk in chunks], ignore_index=True)
            if len(chunks) > 1
            else chunks[0]
        )

    def _close_streams(self, chunk: pd.DataFrame) -> None:
        """Give a stream's row the line of its first chunk."""
        if not self._open or not chunk["_chunk"].any():
            return
        lines, ids = chunk["_line"].to_numpy(copy=True), chunk["_id"].to_numpy()
        for row in np.flatnonzero(chunk["_chunk"].to_numpy(dtype=bool)):
            begun = self._open.pop(int(ids[row]), None)
            if begun is not None and begun[0] == self.file:
                lines[row] = begun[1]
        chunk["_line"] = lines
