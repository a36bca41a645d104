"""Reading usage logs: any supported form to one checked frame."""

from __future__ import annotations

import glob
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.files import Progress
from kimi_planner.usage.csv_log import read_csv
from kimi_planner.usage.frame import checked_rows, is_column
from kimi_planner.usage.json_log import read_json
from kimi_planner.usage.lines import Rejects, first_line, line_blocks
from kimi_planner.usage.row import LeftOut
from kimi_planner.usage.rows import Rows

__all__ = ["read_usage"]

MAX_REJECTED_SHOWN = 20


def read_usage(
    source: str | Path | Iterable[str | Path] | pd.DataFrame,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read a usage log into one checked frame.

    Parameters
    ----------
    source : path, glob, iterable of path, or DataFrame
        A log in any of the forms below; plain, gzip or zstd; ``-`` is standard input. Several
        files, or a glob, are one log in the order given (a glob: sorted by name). A frame must
        have the canonical columns.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.
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
        left out), ``rejected_examples``, ``ignored_columns``, ``duplicates`` (rows that repeat a
        call), ``failures`` (failed calls, not billed), ``other_entries`` (entries that are no billed
        call: spans of tools, answers from a gateway's own cache, windows without requests),
        ``incomplete_last_line`` (files whose last line is cut off), ``out_of_order`` (rows earlier
        than the one before), ``observed_start`` and ``observed_end``.

    Raises
    ------
    UsageError
        If a file cannot be read, is empty, or has a bad row; the message names file and line.
    MissingExtraError
        If a file is packed with zstd and no reader of it is installed.

    Notes
    -----
    Forms, told by their fields, which may be mixed line by line in JSON: replies of chat completions
    (OpenAI, Kimi), whole, streamed, or in batch results; replies in the Responses and the Anthropic
    form; bare usage objects, which may have ``requests``; OpenAI's organisation usage export;
    OpenTelemetry GenAI spans, flat or OTLP; LiteLLM spend logs; Langfuse observations; Mooncake
    traces. In CSV, told by the header: the canonical columns; LiteLLM, Langfuse and OpenAI exports;
    BurstGPT and Azure traces. JSON may be lines, an array, or documents that span lines.

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

    The observed span reaches from the first to the last time, or over the windows that an export
    says it covers, the end then exclusive.
    """
    rejects = Rejects.of(on_error)
    rows = Rows(rejects)
    if isinstance(source, pd.DataFrame):
        name = "usage frame"
        frame, repeated = _of_frame(source, rows), 0
    else:
        paths = _paths(source)
        name = (
            str(paths[0]) if len(paths) == 1 else f"{paths[0]} to {paths[-1]} ({len(paths)} files)"
        )
        for path in paths:
            _read_file(path, rows, progress)
        frame, repeated = rows.finish()
    if frame.empty:
        _refuse_empty(name, rows)
    found: dict[Hashable, Any] = {
        "source": name,
        "forms": rows.forms,
        "rejected": len(rejects.messages),
        "rejected_examples": rejects.messages[:MAX_REJECTED_SHOWN],
        "ignored_columns": rows.ignored,
        "duplicates": repeated,
        **{reason.value: count for reason, count in rows.left_out.items()},
        "incomplete_last_line": rows.cut_off,
    }
    frame.attrs = found | _times(frame, rows)
    return frame


def _read_file(path: Path, rows: Rows, progress: Progress | None) -> None:
    rows.start(str(path))
    blocks = line_blocks(path, progress)
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if ".csv" in suffixes:
        read_csv(blocks, rows)
    elif {".jsonl", ".json", ".ndjson"} & suffixes:
        read_json(blocks, rows)
    else:
        line, blocks = first_line(blocks)
        is_json = line.lstrip().startswith(("{", "["))
        (read_json if is_json else read_csv)(blocks, rows)
    rows.flush()


def _of_frame(source: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    columns = source.rename(columns={"timestamp_s": "timestamp"}).columns
    for column in columns[columns.duplicated()]:
        raise UsageError(f"usage frame: column {shown(column)} stands there twice. Keep one.")
    rows.found("usage frame", [name for name in map(str, columns) if not is_column(name)])

    def place(row: int) -> Where:
        return Where("usage frame", source.index[row] if row >= 0 else None, "row")

    return checked_rows(source.reset_index(drop=True), place, rows.rejects)[0]


def _paths(source: Any) -> list[Path]:
    """Return the files of a log, in order."""
    several = [source] if isinstance(source, str | Path) else source
    if not isinstance(several, Iterable) or isinstance(several, bytes):
        raise UsageError(f"source is {shown(source)}. Give the path of a log, or a DataFrame.")
    paths: list[Path] = []
    for one in several:
        if not isinstance(one, str | Path):
            raise UsageError(f"source is {shown(source)}. Give paths of a log, or a DataFrame.")
        found = sorted(glob.glob(str(one), recursive=True)) if _is_pattern(one) else []
        paths += map(Path, found or [str(one)])
    if not paths:
        raise UsageError("source names no file. Give the path of a log, or a DataFrame.")
    return paths


def _is_pattern(path: str | Path) -> bool:
    text = str(path)
    return glob.has_magic(text) and "\0" not in text and not Path(text).exists()


def _refuse_empty(name: str, rows: Rows) -> None:
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
    if rows.window:
        starts, ends = zip(*rows.window, strict=True)
        start = min(time for time in (start, pd.Timestamp(min(starts), unit="s", tz="UTC")) if time)
        end = max(time for time in (end, pd.Timestamp(max(ends), unit="s", tz="UTC")) if time)
    early = int((times.diff() < pd.Timedelta(0)).sum()) if not times.is_monotonic_increasing else 0
    return {"out_of_order": early, "observed_start": start, "observed_end": end}
