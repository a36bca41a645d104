"""Reading usage logs: any supported form to one checked frame."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.meters import FEE
from kimi_planner.boundary import opening
from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.notes import Note, note
from kimi_planner.packed import STANDARD_INPUT, Progress
from kimi_planner.usage.arrow_files import read_arrow
from kimi_planner.usage.csv_log import read_csv, read_frame
from kimi_planner.usage.frame import checked_rows, is_column
from kimi_planner.usage.json_log import read_json
from kimi_planner.usage.lines import Rejects, first_line, line_blocks
from kimi_planner.usage.paths import files_of, is_arrow, refuse_container
from kimi_planner.usage.rows import HIDDEN, LeftOut, Rows

_SSE = ("data:", "event:", ":", "id:", "retry:")


@public
def read_usage(
    source: str | Path | Iterable[str | Path] | pd.DataFrame,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    map: Mapping[str, str] | None = None,  # noqa: A002 - what the command line calls it
    ignore: Iterable[str] = (),
    keep: Iterable[str] = (),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read a usage log into one checked frame.

    Parameters
    ----------
    source : path, glob, iterable of path, or DataFrame
        A log in any of the forms below, also packed as gzip, bz2, xz, zstd or a zip of one file;
        ``-`` is standard input, of which no zip is unpacked. Several files, or a glob, are one log in
        the order given (a glob: sorted by name). A frame has the canonical columns, or those of a form
        below.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.
    map : mapping of str to str, optional
        Where a count stands that is not found by itself: from its canonical name to the field of the
        log, ``{"cached_tokens": "cache_tokens"}``.
    ignore : iterable of str
        Fields of the log that are not to be read, though they look like usage.
    keep : iterable of str
        Fields of the log that are columns of the frame too, under their names.
    progress : callable, optional
        Called with the bytes on disk read since the last call, and the bytes of the file.

    Returns
    -------
    DataFrame
        Columns ``timestamp``, ``model``, ``requests``, ``prompt_tokens``, ``cached_tokens``,
        ``completion_tokens``, ``reasoning_tokens``; one row per call, or per window where the log
        has numbers of requests, in the order of the log. ``timestamp`` is UTC, or a Timedelta since
        the start of the log where the log has no dates. Missing ``cached_tokens`` or
        ``reasoning_tokens`` mean that the log does not say. Where some row states them, there are
        ``written_5m_tokens`` and ``written_1h_tokens``, parts of the prompt that were written to a
        cache for five minutes or an hour; ``batch``, whether a row is part of a batch; and, from a
        frame, CSV or Parquet, ``fee: NAME``, how often the fee of that name was due.

        ``frame.attrs`` has ``source``, ``forms`` (those found), ``rejected`` (number of bad rows
        left out), ``rejected_examples``, ``unread`` (how often each field was stated that was not
        read), ``ignored_columns`` (their names), ``duplicates`` (rows that repeat a call),
        ``parents`` (entries above others of their tree, whose tokens they repeat or add up),
        ``failures`` (failed calls, not billed), ``other_entries`` (entries that are no billed call:
        spans of tools, answers from a gateway's own cache, windows without requests),
        ``incomplete_last_line`` (files whose last line is cut off), ``out_of_order`` (rows earlier
        than the one before), ``observed_start`` and ``observed_end``, ``completeness`` (``"whole"``,
        ``"partial"`` or ``"doubled"``), ``logged_cost_usd`` (what the log itself says that its rows
        cost, ``None`` if it does not) with ``logged_cost_rows``, and ``notes``.

    Raises
    ------
    UsageError
        If a file cannot be read, is empty, has a bad row, or a field that looks like usage and was not
        read; the message names file and line.
    MissingExtraError
        If a file is packed with zstd and no reader of it is installed.

    Notes
    -----
    Forms, told by their fields, stand in ``data/dialects.toml``: replies of chat completions, whole,
    streamed or in batch results; the Responses and the Anthropic form; bare usage objects, which may
    have ``requests``; transcripts of Kimi CLI and Claude Code; exports of gateways, dashboards and
    tracing tools; OpenTelemetry spans of several conventions; public traces. JSON may be lines, an
    array, or documents that span lines, and may hold several forms; CSV, Parquet and Arrow files, and
    frames, of the same export have the same entry. Of a call that stands in a tree of spans or runs
    only the leaves count: what stands above them repeats their tokens or adds them up.

    Times without an offset are UTC; those with one are converted, so the hour that a change of
    clocks repeats is told apart. Numbers in ``timestamp`` or ``created`` are seconds since 1970,
    from 1e8 upwards (March 1973), or milliseconds, microseconds or nanoseconds where they are too
    large for the one before; text of eight digits is a date, ``20261124``. Seconds from the start
    of the log stand in ``timestamp_s``.

    Rows stay in the order of the log. Two rows with one call id (``id`` of a reply, ``call_id``,
    ``request_id``, a span's or an observation's id) are one call if their tokens agree, else an
    error; rows without an id are never taken for one call. Chunks of a stream are one call, which
    its last usage tells. A last line that is no whole JSON value, or has too few cells, and no line
    end is left out in both modes: the file is cut off or still being written. (A CSV row that is
    cut off inside its last cell cannot be told.)

    A log is partial if a page, a window or its last line is missing, and doubled if the rows that
    have no id are all there twice, in any order, or the last one is the sum of all others: its rows
    are kept, and a note says so.

    The observed span reaches from the first to the last time, or over the windows that an export
    says it covers, the end then exclusive.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"model": ["kimi-k2"], "input_tokens": [1_000], "output_tokens": [100]})
    >>> read_usage(log)[["model", "prompt_tokens", "completion_tokens"]].values.tolist()
    [['kimi-k2', 1000, 100]]
    """
    rows = begun(on_error, map, ignore, keep)
    if isinstance(source, pd.DataFrame):
        name = "usage frame"
        chunks = read_frame(source, rows)
    else:
        files = files_of(source)
        paths = [file.path for file in files if file.is_log]
        rows.passed_over = [file.path.name for file in files if not file.is_log]
        name = (
            str(paths[0]) if len(paths) == 1 else f"{paths[0]} to {paths[-1]} ({len(paths)} files)"
        )
        chunks = (chunk for path in paths for chunk in read_file(path, rows, progress))
    frame, repeated, parents = rows.finish(chunks)
    if frame.empty:
        refuse_empty(name, rows)
    return _finished(frame, name, rows, repeated, parents)


def begun(
    on_error: str,
    map: Mapping[str, str] | None = None,  # noqa: A002 - as in `read_usage`
    ignore: Iterable[str] = (),
    keep: Iterable[str] = (),
) -> Rows:
    """Return what a log is read into, by the options of :func:`read_usage`."""
    return Rows(
        Rejects.of(on_error),
        renamed=_checked_map(map),
        ignored_names=_checked_names("ignore", ignore),
        kept=_checked_names("keep", keep),
    )


def read_file(path: Path, rows: Rows, progress: Progress | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of one file, some at a time, as they stand in it: calls may repeat.

    Parameters
    ----------
    path : Path
        A log.
    rows : Rows
        What is known of the log so far: of this file and of those before it.
    progress : callable, optional
        Called with the bytes on disk read since the last call, and the bytes of the file.

    Yields
    ------
    DataFrame
        The columns of a usage frame, those of ``rows.kept``, and `HIDDEN` ones: line, file, a number
        for the call's id (0 without one), whether it is a chunk of a stream, its place in a tree and
        its parent's, and what it cost by the log. ``rows.finish`` makes one row of each call.

    Raises
    ------
    UsageError
        If the file cannot be read, or has a bad row and errors are not skipped.
    """
    try:
        yield from _rows_of(path, rows, progress)
    except UsageError as error:
        raise (UsageError(error.reason, at=path) if error.where is None else error) from None


def _rows_of(path: Path, rows: Rows, progress: Progress | None) -> Iterator[pd.DataFrame]:
    rows.start(str(path))
    opening(path, UsageError)
    if path != STANDARD_INPUT and path.is_file():
        refuse_container(path)
        if is_arrow(path):
            yield from read_arrow(path, rows)
            if progress is not None:
                size = path.stat().st_size
                progress(size, size)
            return
    blocks = line_blocks(path, progress)
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if {".csv", ".tsv"} & suffixes:
        is_json = False
    elif {".jsonl", ".json", ".ndjson"} & suffixes:
        is_json = True
    else:
        line, blocks = first_line(blocks)
        is_json = line.lstrip().startswith(("{", "[", *_SSE))
    yield from (read_json if is_json else read_csv)(blocks, rows)


def checked_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a frame with the canonical columns, checked, as many as it has.

    Raises
    ------
    UsageError
        If a column is missing or stands there twice, or a row is bad.
    """
    columns = frame.rename(columns={"timestamp_s": "timestamp"}).columns
    for column in columns[columns.duplicated()]:
        raise UsageError(f"usage frame: column {shown(column)} stands there twice. Keep one.")

    def place(row: int) -> Where:
        return Where("usage frame", frame.index[row] if row >= 0 else None, "row")

    checked = checked_rows(frame.reset_index(drop=True), place, Rejects(skip=False))[0]
    checked.attrs = dict(frame.attrs)
    return checked


def _finished(
    frame: pd.DataFrame, name: str, rows: Rows, repeated: int, parents: int
) -> pd.DataFrame:
    """Return the frame without its hidden columns, and with all that is known of the log."""
    cost = frame["_cost"].dropna() if "_cost" in frame else pd.Series(dtype=float)
    frame = frame.drop(columns=[one for one in HIDDEN if one in frame])
    names: list[str] = sorted(
        map(str, frame), key=lambda one: (one.startswith(FEE), one == "batch")
    )
    frame = frame[names]
    known: dict[Hashable, Any] = {
        "source": name,
        "forms": rows.forms,
        "rejected": rows.rejects.count,
        "rejected_examples": rows.rejects.messages,
        "unread": dict(rows.unread),
        "ignored_columns": list(rows.unread),
        "duplicates": repeated,
        "parents": parents,
        **{reason.value: count for reason, count in rows.left_out.items()},
        "incomplete_last_line": rows.cut_off,
        "logged_cost_usd": math.fsum(cost) if len(cost) else None,
        "logged_cost_rows": len(cost),
    }
    verdict, notes = completeness(rows, parents)
    frame.attrs = known | _times(frame, rows) | {"completeness": verdict, "notes": notes}
    return frame


def completeness(rows: Rows, parents: int) -> tuple[str, list[Note]]:
    """Return whether a log is whole, partial or doubled, and what its reader must know."""
    verdict, why = _verdict(rows)
    codes = {"partial": "log_partial", "doubled": "log_doubled"}
    notes: list[Note] = [note(codes[verdict], why="; ".join(why))] if why else []
    if rows.passed_over:
        notes.append(note("passed_over", names=sorted(rows.passed_over)))
    if parents:
        notes.append(note("log_parents", rows=parents))
    if rows.unstated:
        notes.append(note("log_unstated", rows=rows.unstated))
    if rows.windows_unstated:
        notes.append(note("log_windows", rows=rows.windows_unstated))
    if rows.tiers:
        notes.append(note("log_tiers", tiers=", ".join(sorted(rows.tiers))))
    return verdict, notes


def _verdict(rows: Rows) -> tuple[str, list[str]]:
    """Return whether a log is whole, partial or doubled, and by what it is told."""
    why = []
    numbers = {number for number, pages, _ in rows.pages if pages is not None}
    pages = max((pages for _, pages, _ in rows.pages if pages is not None), default=0)
    if len(numbers) < pages:
        shown_pages = ", ".join(map(str, sorted(numbers)[:5]))
        why.append(f"it has page {shown_pages} of {pages:,}")
    more = {one for _, _, one in rows.pages if one is not None}
    if more == {True}:
        why.append("its last page says that there are more")
    if rows.cut_off:
        why.append("its last line is cut off")
    spans = sorted(set(rows.window))
    gaps = [(end, start) for (_, end), (start, _) in pairwise(spans) if start > end]
    if gaps:
        why.append(f"nothing covers {gaps[0][0]:%Y-%m-%d %H:%M} to {gaps[0][1]:%Y-%m-%d %H:%M}")
    if why:
        return "partial", why
    return ("doubled", [doubled]) if (doubled := rows.twice.why) else ("whole", [])


def _checked_map(renamed: Mapping[str, str] | None) -> Mapping[str, str]:
    if renamed is None:
        return {}
    known = {"timestamp", "timestamp_s", "call_id", "total_tokens", "logged_cost_usd"}
    for name, path in renamed.items() if isinstance(renamed, Mapping) else [(renamed, None)]:
        if not isinstance(path, str) or not (name in known or is_column(str(name))):
            raise UsageError(
                f"map is {shown(renamed)}. It goes from a column of a usage frame to a field of the log, "
                'such as {"cached_tokens": "cache_tokens"}.'
            )
    return dict(renamed)


def _checked_names(what: str, names: Iterable[str]) -> tuple[str, ...]:
    is_list = isinstance(names, Iterable) and not isinstance(names, str)
    given = tuple(names) if is_list else ()
    if not (is_list or names in (None, "")) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"{what} is {shown(names)}. Give names of fields of the log.")
    return given


def refuse_empty(name: str, rows: Rows) -> None:
    """Raise for a log without a good row, and say what it has."""
    if rows.rejects.messages:
        raise UsageError(f"every row is bad; the first: {rows.rejects.messages[0]}", at=name)
    counts = {
        "failed calls": rows.left_out[LeftOut.FAILED],
        "entries that are no call": rows.left_out[LeftOut.OTHER],
        "incomplete last lines": rows.cut_off,
    }
    left_out = [f"{count:,} {what}" for what, count in counts.items() if count]
    found = f" Left out: {', '.join(left_out)}." if left_out else ""
    raise UsageError(f"no rows. A usage log has at least one call.{found}", at=name)


def _times(frame: pd.DataFrame, rows: Rows) -> dict[Hashable, Any]:
    times = frame["timestamp"].dropna()
    start, end = (times.min(), times.max()) if len(times) else (None, None)
    if rows.window and not isinstance(start, pd.Timedelta):
        starts, ends = zip(*rows.window, strict=True)
        start, end = (
            min(one for one in (start, min(starts)) if one is not None),
            max(one for one in (end, max(ends)) if one is not None),
        )
    early = int((times.diff() < pd.Timedelta(0)).sum()) if not times.is_monotonic_increasing else 0
    return {"out_of_order": early, "observed_start": start, "observed_end": end}
