"""Logs of any size added up: frames, files and folders, some rows at a time, each call once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.packed import Progress
from kimi_planner.usage.csv_log import read_frame
from kimi_planner.usage.paths import LogFile, files_of
from kimi_planner.usage.read import begun, completeness, read_file, refuse_empty
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.totals.columns import counts_of, has_calls
from kimi_planner.usage.totals.group import DERIVED, refuse_unknown_keys
from kimi_planner.usage.totals.result import UsageTotals, checked_names, totals_of
from kimi_planner.usage.totals.seen import NO_CALLS, Calls, Seen, places_in


@public
def total_usage(
    source: pd.DataFrame | str | Path | Sequence[str | Path],
    by: str | Sequence[str] = ("month", "model"),
    *,
    on_error: Literal["raise", "skip"] = "raise",
    map: Mapping[str, str] | None = None,  # noqa: A002 - as in `read_usage`
    ignore: Iterable[str] = (),
    progress: Progress | None = None,
) -> UsageTotals:
    """Add up the tokens of a log of any size, exactly.

    Parameters
    ----------
    source : DataFrame, path, glob, or list of them
        A usage frame, or any log that :func:`read_usage` reads, in files, patterns and folders of any
        size and form, which are one log: each call counts once, wherever it is repeated. Folders such as
        ``team=search`` state a column. For a cluster there is ``kimi_planner.dask.total_usage``.
    by : str or sequence of str
        ``"month"`` and ``"day"`` in UTC, ``"model"``, or any column or field of the source; a row that
        does not state one has ``None``.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.
    map, ignore
        Where counts stand that are not found by themselves, and which fields are not to be read, as
        for :func:`read_usage`.
    progress : callable, optional
        Called with the bytes on disk read since the last call, and the bytes of the file.

    Returns
    -------
    UsageTotals
        Exact integers; ``.frame`` has a row for each combination of keys.

    Raises
    ------
    UsageError
        If the source cannot be read, has no rows, has a bad row, or lacks a key; if there is no room for
        temporary data.
    MissingExtraError
        If pyarrow is needed and not installed.

    Notes
    -----
    A call that has an id takes 8 bytes of memory; 24 bytes more that tell it apart go to a temporary file
    once they are more than 4 MB.

    Examples
    --------
    >>> calls = pd.DataFrame({"model": ["a", "b", "a"], "prompt_tokens": [5, 7, 9],
    ...                       "completion_tokens": [1, 1, 1]})
    >>> total_usage(calls, by="model").frame[["model", "rows", "prompt_tokens"]].values.tolist()
    [['a', 2, 14], ['b', 1, 7]]
    """
    keys, rows = checked_names(by), begun(on_error, map, ignore)
    if isinstance(source, pd.DataFrame):
        if has_calls(source) and on_error == "raise":
            return totals_of(counts_of(source), keys, source)
        return part_of([source], keys, rows).finish("usage frame")
    if not isinstance(source, str | Path | list | tuple):
        raise UsageError(f"source is {shown(source)}. {_instead_of(source)}")
    paths = [source] if isinstance(source, str | Path) else source
    name = ", ".join(f"{path}" for path in paths)
    files = files_of(paths)
    is_whole = sum(file.is_log for file in files) == 1
    return part_of(files, keys, rows, progress, is_whole=is_whole).finish(name)


def _instead_of(source: object) -> str:
    if type(source).__module__.startswith("dask"):
        return "Use kimi_planner.dask.total_usage."
    return "Give the path of a log or of a folder, or a DataFrame."


_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_COUNTS = ("requests", "prompt_tokens", "completion_tokens")


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
    calls
        Of those that have an id.
    waiting
        Rows that a later one may replace: chunks of a stream, spans, calls that do not state cached
        tokens.
    columns
        Those that some row states.
    repeated
        How many rows repeated another.
    is_whole
        Whether it is all of the log, and one file.
    """

    by: tuple[str, ...]
    rows: Rows
    totals: UsageTotals
    calls: Seen = field(default_factory=Seen)
    waiting: list[pd.DataFrame] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    repeated: int = 0
    is_whole: bool = False

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
            self.columns.update(partition)
            stated = {key: partition[key] for key in partition if key in (*self.by, "model")}
            chunks = read_file(source.path, self.rows, progress)
        else:
            chunks = read_frame(source, self.rows)
        for chunk in chunks:
            frame = chunk.assign(**stated) if stated else chunk
            self.columns.update(name for name in self.rows.kept if name in frame)
            if self.is_whole and self.rows.columns:
                refuse_unknown_keys(self.by, [*self.columns, *self.rows.columns])
            may_change = (frame["_chunk"] != 0) | (frame["_node"] != 0)
            may_change |= (frame["_id"] != 0) & frame["cached_tokens"].isna()
            if may_change.any():
                self.waiting.append(frame[may_change].reset_index(drop=True))
                frame = frame[~may_change].reset_index(drop=True)
            self._add(frame)

    def join(self, other: Part) -> None:
        """Add a later part of the log, which repeats no call of this one."""
        self.rows.join(other.rows)
        self.rows.passed_over += other.rows.passed_over
        self.totals = self.totals + other.totals
        self.calls.add(other.calls.calls)
        self.waiting += other.waiting
        self.columns |= other.columns
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
        self.settle()
        if not self.totals.cells:
            refuse_empty(source, rows)
        refuse_unknown_keys(self.by, [*self.columns, *rows.unread])
        for key in set(rows.kept) - self.columns:
            refuse_unknown_keys((key,), self.columns)
        left_out = {
            "duplicates": self.repeated,
            "parents": parents,
            **{reason.value: count for reason, count in rows.left_out.items()},
            "incomplete_last_line": rows.cut_off,
        }
        return replace(
            self.totals,
            source=source,
            rejected=rows.rejects.count,
            rejected_examples=tuple(rows.rejects.messages),
            left_out={name: count for name, count in left_out.items() if count},
            notes=tuple(completeness(rows, parents)[1]),
        )

    def settle(self) -> None:
        """Refuse the rows that contradict another of the same call.

        Raises
        ------
        UsageError
            If there are such rows, and errors are not skipped.
        """
        for place, first in sorted(self.calls.contradictions()):
            self.repeated -= 1
            self.rows.rejects.add(
                self._where(place),
                f"a call with the id of {self._where(first)}, but with other tokens. One call has one id: "
                "correct it, or leave the id out.",
            )

    def _add(self, frame: pd.DataFrame) -> None:
        """Add up the rows of calls that were not seen yet."""
        is_named = frame["_id"].to_numpy() != 0 if len(frame) else np.empty(0, dtype=bool)
        if is_named.any():
            counts = frame[[*_COUNTS]].to_numpy(dtype=np.int64)
            with np.errstate(over="ignore"):
                mixed = (counts[:, 0] * 0x9E3779B1 + counts[:, 1]) * 0x5EBCA77C2B2AE63
            places = (frame["_file"].to_numpy(dtype=np.int64) << 40) + frame["_line"].to_numpy()
            calls = np.stack([frame["_id"].to_numpy(), mixed + counts[:, 2], places])
            is_kept = ~is_named
            is_kept[is_named] = self.calls.add(calls[:, is_named])
            if not is_kept.all():
                self.repeated += int((~is_kept).sum())
                frame = frame[is_kept].reset_index(drop=True)
        if len(frame):
            lacking = {name: None for name in self.rows.kept if name not in frame}
            raw = frame.assign(**lacking) if lacking else frame
            self.totals = self.totals + totals_of(counts_of(frame), self.by, raw)

    def _where(self, place: int) -> Where:
        return Where(self.rows.files[place >> 40], place & (2**40 - 1))


def part_of(
    sources: Iterable[LogFile | pd.DataFrame],
    by: tuple[str, ...],
    rows: Rows,
    progress: Progress | None = None,
    *,
    known: Calls = NO_CALLS,
    is_whole: bool = False,
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
        Calls of these files that are not to be added up again, as in `Seen.calls`.
    is_whole : bool
        Whether this is all of the log, and one table: what is no column of its first rows is none.
    """
    rows.kept = [key for key in by if key not in (*DERIVED, "model")]
    part = Part(by, rows, UsageTotals(by=by, cells={}), is_whole=is_whole)
    part.calls.add(known)
    for source in sources:
        if not isinstance(source, LogFile) or source.is_log:
            part.read(source, progress)
        else:
            rows.passed_over.append(source.path.name)
    part.settle()
    return part


def repeated_in(parts: Sequence[Part]) -> list[Calls]:
    """Return for each part of a log the calls of earlier parts that it has too."""
    whole, repeats = Seen(), []
    for part in parts:
        calls = part.calls.calls
        is_new = whole.add(calls)
        repeats.append(calls[:, ~is_new])
    firsts = whole.calls
    firsts = firsts[:, np.argsort(firsts[0])]
    return [firsts[:, places_in(firsts[0], calls[0])] for calls in repeats]


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
