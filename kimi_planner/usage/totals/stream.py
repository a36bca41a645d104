"""Logs of any size added up: every row by the one reader, some at a time, each call once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from kimi_planner.errors import Where
from kimi_planner.files import Progress
from kimi_planner.usage.csv_log import read_frame
from kimi_planner.usage.paths import LogFile
from kimi_planner.usage.read import MAX_REJECTED_SHOWN, completeness, read_file, refuse_empty
from kimi_planner.usage.repeats import one_row_per_call
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.totals.columns import counts_of
from kimi_planner.usage.totals.group import DERIVED, refuse_unknown_keys
from kimi_planner.usage.totals.result import UsageTotals, totals_of

__all__ = ["NO_CALLS", "Part", "part_of", "repeated_in"]

Keys = np.ndarray[Any, np.dtype[np.int64]]

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_COUNTS = ("requests", "prompt_tokens", "completion_tokens")
NO_CALLS = np.empty((3, 0), dtype=np.int64)


@dataclass
class Part:
    """What is known of a part of a log, before it is known what the others repeat of it.

    Attributes
    ----------
    by
        Names of the keys.
    rows
        What the reader knows of it.
    totals
        Of the rows that no other can replace.
    calls : list of ndarray of int64, shape (3, n)
        Of those that have an id: its number, one that stands for its counts, and where it is, sorted
        by the first; 24 bytes a call. Longer and shorter ones, so that few are ever merged.
    waiting
        Rows that a later one may replace: chunks of a stream, spans, calls that do not state cached
        tokens.
    seen
        Columns that some row states.
    repeated
        How many rows repeated another.
    """

    by: tuple[str, ...]
    rows: Rows
    totals: UsageTotals
    calls: list[Keys] = field(default_factory=list)
    waiting: list[pd.DataFrame] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    repeated: int = 0

    def read(self, source: LogFile | pd.DataFrame, progress: Progress | None = None) -> None:
        """Add up a file or a frame, some rows at a time.

        Raises
        ------
        UsageError
            If it cannot be read, or has a bad row and errors are not skipped.
        """
        stated: dict[str, str | None] = {}
        if isinstance(source, LogFile):
            partition = _partition(source)
            self.seen.update(partition)
            stated = {key: partition[key] for key in partition if key in (*self.by, "model")}
            chunks = read_file(source.path, self.rows, progress)
        else:
            chunks = read_frame(source, self.rows)
        for chunk in chunks:
            frame = chunk.assign(**stated)
            self.seen.update(name for name in self.rows.kept if name in frame)
            may_change = (frame["_chunk"] != 0) | (frame["_node"] != 0)
            may_change |= (frame["_id"] != 0) & frame["cached_tokens"].isna()
            if may_change.any():
                self.waiting.append(frame[may_change].reset_index(drop=True))
            self._add(frame[~may_change].reset_index(drop=True))

    def join(self, other: Part) -> None:
        """Add a later part of the log, which repeats no call of this one."""
        self.rows.join(other.rows)
        self.rows.passed_over += other.rows.passed_over
        self.totals = self.totals + other.totals
        self.calls += other.calls
        self.waiting += other.waiting
        self.seen |= other.seen
        self.repeated += other.repeated

    def finish(self, source: str) -> UsageTotals:
        """Add up what waits, and return the totals with what was left out.

        Raises
        ------
        UsageError
            If no row is good, no row states a key, a stream states no usage, or two rows of one call
            contradict each other and errors are not skipped.
        """
        rows = self.rows
        frame, repeated, parents = rows.finish(self.waiting)
        self.repeated += repeated
        self._add(frame)
        if not self.totals.cells:
            refuse_empty(source, rows)
        refuse_unknown_keys(self.by, [*self.seen, *rows.unread])
        for key in set(rows.kept) - self.seen:
            refuse_unknown_keys((key,), self.seen)
        left_out = {
            "duplicates": self.repeated,
            "parents": parents,
            **{reason.value: count for reason, count in rows.left_out.items()},
            "incomplete_last_line": rows.cut_off,
        }
        return replace(
            self.totals,
            source=source,
            rejected=len(rows.rejects.messages),
            rejected_examples=tuple(rows.rejects.messages[:MAX_REJECTED_SHOWN]),
            left_out={name: count for name, count in left_out.items() if count},
            notes=tuple(completeness(rows, parents)[1]),
        )

    def _add(self, frame: pd.DataFrame) -> None:
        """Add up the rows of calls that were not seen yet."""
        if len(frame) and (frame["_id"] != 0).any():
            frame, repeated = one_row_per_call(frame, self.rows.files, self.rows.rejects)
            self.repeated += repeated
            frame = self._new(frame)
        if len(frame):
            raw = frame.assign(**{name: None for name in self.rows.kept if name not in frame})
            totals = totals_of(counts_of(frame), self.by, raw)
            self.totals = self.totals + totals

    def _new(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of calls that were not seen yet, and keep what tells them."""
        counts = frame[[*_COUNTS]].to_numpy(dtype=np.int64)
        place = (frame["_file"].to_numpy(dtype=np.int64) << 40) + frame["_line"].to_numpy()
        with np.errstate(over="ignore"):
            mixed = (counts[:, 0] * 0x9E3779B1 + counts[:, 1]) * 0x5EBCA77C2B2AE63 + counts[:, 2]
        keys = np.stack([frame["_id"].to_numpy(dtype=np.int64), mixed, place])
        order = np.argsort(keys[0], kind="stable")
        keys, is_new = keys[:, order], np.ones(len(frame), dtype=bool)
        for known in self.calls:
            at = _places(known, keys[0])
            seen = np.flatnonzero((at >= 0) & (keys[0] != 0))
            is_new[seen] = False
            differs = seen[known[1, at[seen]] != keys[1, seen]]
            self.repeated += len(seen) - len(differs)
            for row in sorted(differs, key=lambda row: keys[2, row]):
                self.rows.rejects.add(
                    self._where(int(keys[2, row])),
                    f"a call with the id of {self._where(int(known[2, at[row]]))}, but with other "
                    "tokens. One call has one id: correct it, or leave the id out.",
                )
        self.calls.append(keys[:, is_new & (keys[0] != 0)])
        while len(self.calls) > 1 and self.calls[-2].shape[1] < 2 * self.calls[-1].shape[1]:
            self.calls[-2:] = [_ordered(self.calls[-2:])]
        return frame.iloc[np.sort(order[is_new])].reset_index(drop=True)

    def _where(self, place: int) -> Where:
        return Where(self.rows.files[place >> 40], place & (2**40 - 1))


def part_of(
    sources: Iterable[LogFile | pd.DataFrame],
    by: tuple[str, ...],
    rows: Rows,
    progress: Progress | None = None,
    *,
    known: Keys = NO_CALLS,
) -> Part:
    """Read a part of a log.

    Parameters
    ----------
    sources : iterable of LogFile or DataFrame
        Its files, or frames.
    by : tuple of str
        The keys.
    rows : Rows
        How it is read, and which files of the log come before; it is filled.
    progress : callable, optional
        Told how far a file is read.
    known : ndarray of int64, shape (3, n)
        Calls of these files that are not to be added up again, as in `Part.calls`.
    """
    rows.kept = [key for key in by if key not in (*DERIVED, "model")]
    part = Part(by, rows, UsageTotals(by=by, cells={}), [known] if known.size else [])
    for source in sources:
        if not isinstance(source, LogFile) or source.is_log:
            part.read(source, progress)
        else:
            rows.passed_over.append(source.path.name)
    if known.size:
        part.calls = [calls[:, ~np.isin(calls[0], known[0])] for calls in part.calls]
    return part


def repeated_in(parts: Sequence[Part]) -> list[Keys]:
    """Return for each part of a log the calls of earlier parts that it has too."""
    every = [_ordered([NO_CALLS, *part.calls]) for part in parts]
    calls = _ordered([NO_CALLS, *every])
    is_first = np.append(True, calls[0, 1:] != calls[0, :-1])[: calls.shape[1]]
    is_again = np.append(~is_first[1:], False)[: calls.shape[1]]
    several = calls[:, is_first & is_again]
    repeats = []
    for own in every:
        at = _places(several, own[0])
        first = at[at >= 0]
        repeats.append(several[:, first[several[2, first] != own[2, at >= 0]]])
    return repeats


def _ordered(parts: Sequence[Keys]) -> Keys:
    """Return the calls of parts by their ids, and those of one id in the order of the parts."""
    calls = np.concatenate(parts, axis=1)
    return calls[:, np.argsort(calls[0], kind="stable")]


def _places(known: Keys, ids: Keys) -> Keys:
    """Return where each id stands among those of known calls, -1 for one that is not there."""
    if not known.size:
        return np.full(len(ids), -1)
    at = np.minimum(np.searchsorted(known[0], ids), known.shape[1] - 1)
    return np.where(known[0, at] == ids, at, -1)


def _partition(file: LogFile) -> dict[str, str | None]:
    """Return the columns that names of folders state, ``team=search``."""
    if file.path == file.root:
        return {}
    pairs = (part.partition("=") for part in file.path.relative_to(file.root).parts[:-1])
    return {
        unquote(key): None if value == _NO_VALUE else unquote(value)
        for key, sign, value in pairs
        if sign
    }
