"""Rows of a log as they are read: checked a chunk at a time, kept as compact columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.record import UsageRecord
from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.usage.counts import COUNTS, as_array, id_numbers, sound_counts
from kimi_planner.usage.frame import COLUMNS, WRITTEN, checked_rows
from kimi_planner.usage.lines import Rejects
from kimi_planner.usage.repeats import one_row_per_call
from kimi_planner.usage.row import Call, LeftOut, OpenStream, Row

__all__ = ["CHUNK_ROWS", "Rows"]

#: Rows that are checked together.
CHUNK_ROWS = 1 << 14


@dataclass
class Rows:
    """The rows of one log, from one file or several.

    Attributes
    ----------
    rejects
        What to do with bad rows.
    left_out
        Entries that are no billed calls, counted by reason.
    ignored
        Names of columns that are not part of a usage frame.
    forms
        Names of the forms that were found.
    window
        Start and end of the time that the log says it covers, in seconds since 1970.
    cut_off
        Number of incomplete last lines.
    """

    rejects: Rejects
    left_out: dict[LeftOut, int] = field(default_factory=lambda: dict.fromkeys(LeftOut, 0))
    ignored: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    window: list[tuple[float, float]] = field(default_factory=list)
    cut_off: int = 0
    #: The file that is being read.
    file: str = ""
    #: Cells of the rows that wait to be checked, one :data:`Row` after the other, and their lines.
    cells: list[Any] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _chunks: list[pd.DataFrame] = field(default_factory=list)
    _keys: list[np.ndarray[Any, Any]] = field(default_factory=list)
    _open: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    _models: dict[str, str] = field(default_factory=dict)
    _is_relative: bool | None = None

    def start(self, file: str) -> None:
        """Begin the rows of a file."""
        self.flush()
        self.file = file
        self._files.append(file)

    def take(self, line: int, row: Row | LeftOut | OpenStream) -> None:
        """Take a row that is to be checked with others, or count an entry that is none.

        A stream whose chunk has no usage must still state it.
        """
        if isinstance(row, LeftOut):
            self.left_out[row] += 1
        elif isinstance(row, OpenStream):
            self._open.setdefault(hash(str(row)), (self.file, line, str(row)))
        else:
            self.cells += row
            self.lines.append(line)

    def refuse(self, line: int, problem: object, entry: Mapping[str, Any] | None = None) -> None:
        """Reject a line of the present file, and with it the stream that its entry belongs to."""
        stream = entry.get("id") if entry else None
        if isinstance(stream, str):
            self._open.pop(hash(stream), None)
        self.rejects.add(Where(self.file, line), str(problem))

    def found(self, form: str, ignored: Sequence[str] = ()) -> None:
        """Note a form that was found, and the columns of it that are not read."""
        if form not in self.forms:
            self.forms.append(form)
        self.ignored += [name for name in ignored if name not in self.ignored]

    def cover(self, start: Any, end: Any) -> None:
        """Note a window that the log says it covers, in seconds since 1970."""
        for value in (start, end):
            if type(value) not in (int, float):
                raise UsageError(
                    f"{shown(value)} is no start or end of a bucket, in seconds since 1970."
                )
        self.window.append((start, end))

    def flush(self, *, at_least: int = 1) -> None:
        """Check the rows that wait, if there are enough, and keep them as columns.

        Raises
        ------
        UsageError
            If a row is bad and errors are not skipped.
        """
        if len(self.lines) < max(at_least, 1):
            return
        cells, lines = self.cells, self.lines
        self.cells, self.lines = [], []
        width = len(Call._fields)
        columns = Call._make(cells[place::width] for place in range(width))
        counts = sound_counts(columns)
        if counts is None:
            calls = [Call._make(row) for row in zip(*columns, strict=True)]
            kept = [at for at, call in enumerate(calls) if self._is_sound(call, lines[at])]
            if not kept:
                return
            lines = [lines[at] for at in kept]
            columns = Call._make([column[at] for at in kept] for column in columns)
            counts = {name: getattr(columns, name) for name in COUNTS}
        share = self._models.setdefault
        rare = {}
        if columns.more.count(None) < len(lines):
            more = [(None, None, False) if one is None else one for one in columns.more]
            names = (*WRITTEN, "batch")
            rare = dict(zip(names, map(as_array, map(list, zip(*more, strict=True))), strict=True))
        checkable = pd.DataFrame(
            {
                "timestamp": self._times(columns.when, lines),
                "model": pd.Series(
                    [None if name is None else share(name, name) for name in columns.model],
                    dtype=object,
                ),
                "requests": as_array(columns.requests),
                **{f"{name}_tokens": counts[name] for name in COUNTS[:-1]},
                **rare,
            }
        )
        ids, is_chunk = id_numbers(columns.id), np.array(columns.is_chunk)
        self.add(checkable, np.array(lines), ids, is_chunk)

    def add(
        self,
        raw: pd.DataFrame,
        lines: np.ndarray[Any, Any],
        ids: np.ndarray[Any, Any] | int = 0,
        is_chunk: np.ndarray[Any, Any] | bool = False,
    ) -> None:
        """Check rows and keep the good ones.

        Parameters
        ----------
        raw : DataFrame
            The rows, as :func:`checked_rows` takes them.
        lines : ndarray of int
            The line on which each row stands.
        ids : ndarray of int64 or 0
            A number that stands for each call's id, 0 where it has none.
        is_chunk : ndarray of bool or False
            Which rows are chunks of a stream.
        """

        def place(row: int) -> Where:
            return Where(self.file, int(lines[row]) if row >= 0 else None)

        checked, good = checked_rows(raw, place, self.rejects)
        keys = np.broadcast_arrays(lines, ids, is_chunk)
        self.keep(checked, *(column[good] for column in keys))

    def keep(
        self,
        checked: pd.DataFrame,
        lines: np.ndarray[Any, Any],
        ids: np.ndarray[Any, Any] | int = 0,
        is_chunk: np.ndarray[Any, Any] | bool = False,
    ) -> None:
        """Keep rows that are checked; the parameters are those of :meth:`add`."""
        stated = checked["timestamp"].notna().to_numpy(dtype=bool)
        if stated.any():
            is_relative = pd.api.types.is_timedelta64_dtype(checked["timestamp"].dtype)
            self._of_one_clock(int(lines[np.argmax(stated)]), is_relative=is_relative)
        self._chunks.append(checked)
        keys = np.broadcast_to(np.int64(0), (len(checked), 4))
        if np.any(ids):
            columns = np.broadcast_arrays(ids, is_chunk, lines, len(self._files) - 1)
            keys = np.stack(columns, axis=1, dtype=np.int64)
            self._close_streams(keys)
        self._keys.append(keys)

    def finish(self) -> tuple[pd.DataFrame, int]:
        """Return the frame of all rows, one per call, and how many repeated another.

        Raises
        ------
        UsageError
            If a stream states no usage, or two rows contradict each other, and errors are not
            skipped.
        """
        self.flush()
        have_ids = any(one.strides[0] for one in self._keys)
        keys = np.concatenate(self._keys) if have_ids else None
        known = set() if keys is None else set(keys[keys[:, 1] != 0, 0].tolist())
        for stream, (file, line, name) in self._open.items():
            if stream not in known:
                self.rejects.add(
                    Where(file, line),
                    f"stream {shown(name)} ends without a usage object, so its cost is unknown. Ask "
                    "for usage in the stream (stream_options.include_usage).",
                )
        if not self._chunks:
            return pd.DataFrame(), 0
        clock = "m8[us]" if self._is_relative else "datetime64[us, UTC]"
        for chunk in self._chunks:
            if chunk["timestamp"].dtype != clock:  # a chunk without times
                chunk["timestamp"] = pd.Series(pd.NaT, index=chunk.index, dtype=clock)
        rare = {name: None for chunk in self._chunks for name in chunk.columns[len(COLUMNS) :]}
        for chunk in self._chunks:
            for name in rare:
                if name not in chunk:
                    chunk[name] = False if name == "batch" else 0
        frame = pd.concat(self._chunks, ignore_index=True)
        self._chunks = []
        return (
            (frame, 0) if keys is None else one_row_per_call(frame, keys, self._files, self.rejects)
        )

    def _is_sound(self, call: Call, line: int) -> bool:
        """Check one row as :class:`UsageRecord` does, whose words say best what is wrong."""
        try:
            if call.model is not None and not isinstance(call.model, str):
                raise UsageError(f"model is {shown(call.model)}. A model id is text.")
            UsageRecord.checked(
                (call.prompt, call.completion, call.cached, call.reasoning, call.total)
            )
        except UsageError as error:
            self.refuse(line, error, call._asdict() if call.is_chunk else None)
            return False
        return True

    def _close_streams(self, keys: np.ndarray[Any, Any]) -> None:
        """Give a stream's row the line of its first chunk."""
        if not self._open:
            return
        for at in np.flatnonzero(keys[:, 1]):
            begun = self._open.pop(int(keys[at, 0]), None)
            if begun is not None and begun[0] == self.file:
                keys[at, 2] = begun[1]

    def _times(self, when: list[Any], lines: list[int]) -> Any:
        """Return the times as a column."""
        kinds = set(map(type, when))
        if timedelta not in kinds:
            if kinds == {int} and max(when) < 2**63:
                return as_array(when)
            return pd.Series(when, dtype=object)
        if kinds - {timedelta, type(None)}:
            for value, line in zip(when, lines, strict=True):
                if value is not None:
                    self._of_one_clock(line, is_relative=type(value) is timedelta)
        return pd.to_timedelta(pd.Series(when))

    def _of_one_clock(self, line: int, *, is_relative: bool) -> None:
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
