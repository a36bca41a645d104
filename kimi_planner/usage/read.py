"""Reading usage logs: any supported form to one checked frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.csv_log import read_csv
from kimi_planner.usage.frame import COLUMNS, Place, checked_frame
from kimi_planner.usage.jsonl_log import read_jsonl
from kimi_planner.usage.lines import Rejects, numbered_lines

__all__ = ["read_usage"]

MAX_REJECTED_SHOWN = 20


def read_usage(
    source: str | Path | pd.DataFrame, *, on_error: Literal["raise", "skip"] = "raise"
) -> pd.DataFrame:
    """Read a usage log into one checked frame.

    Parameters
    ----------
    source : path or DataFrame
        JSON lines of chat completions (whole replies, stream chunks, batch results, or bare usage
        objects of OpenAI or Kimi, which may have ``requests``), or CSV with the canonical columns; plain or gzip. A frame must
        have the canonical columns.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    DataFrame
        Columns ``timestamp``, ``model``, ``requests``, ``prompt_tokens``, ``cached_tokens``,
        ``completion_tokens``, ``reasoning_tokens``; one row per call, or per window where the log
        has ``requests``. ``timestamp`` is UTC, or a Timedelta since the start of the log
        where it gives ``timestamp_s``. Missing ``cached_tokens`` or ``reasoning_tokens`` mean that
        the log does not say. ``frame.attrs`` has ``source``, ``rejected`` (number of rows left
        out), ``rejected_examples`` and ``ignored_columns``.

    Raises
    ------
    UsageError
        If the file cannot be read, is empty, or has a bad row; the message names file and line.

    Notes
    -----
    Times without an offset are UTC. Numbers in ``timestamp`` or ``created`` are seconds
    since 1970, from 1e8 upwards (March 1973), or milliseconds where they are too large for
    seconds; text of eight digits is a date, ``20261124``.
    """
    if on_error not in ("raise", "skip"):
        raise UsageError(f"on_error is {shown(on_error)}. Use 'raise' or 'skip'.")
    rejects = Rejects(skip=on_error == "skip")
    if isinstance(source, pd.DataFrame):
        name, place = "usage frame", _labelled(source.index)
        raw = source.rename(columns={"timestamp_s": "timestamp"}).reset_index(drop=True)
        ignored = [column for column in map(str, raw.columns) if column not in COLUMNS]
        relative = "timestamp_s" in source
        for column in raw.columns[raw.columns.duplicated()]:
            raise UsageError(f"{name}: column {shown(column)} stands there twice. Keep one.")
    elif isinstance(source, str | Path):
        path = Path(source)
        log = (read_csv if _looks_like_csv(path) else read_jsonl)(path, rejects)
        name, place = str(path), _numbered(path, log.lines)
        raw, ignored, relative = pd.DataFrame(log.columns), log.ignored, log.relative_time
    else:
        raise UsageError(f"source is {shown(source)}. Give the path of a log, or a DataFrame.")
    if raw.empty and not rejects.messages:
        raise UsageError(f"{name}: no rows. A usage log has at least one call.")
    checked = checked_frame(raw, place, rejects, relative_time=relative)
    if checked.empty:
        raise UsageError(f"{name}: every row is bad; the first: {rejects.messages[0]}")
    checked.attrs = {
        "source": name,
        "rejected": len(rejects.messages),
        "rejected_examples": rejects.messages[:MAX_REJECTED_SHOWN],
        "ignored_columns": ignored,
    }
    return checked


def _labelled(index: pd.Index[Any]) -> Place:
    return lambda row: f"usage frame row {index[row]}" if row >= 0 else "usage frame"


def _numbered(path: Path, lines: list[int]) -> Place:
    return lambda row: f"{path} line {lines[row]}" if row >= 0 else str(path)


def _looks_like_csv(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if ".csv" in suffixes:
        return True
    if {".jsonl", ".json", ".ndjson"} & set(suffixes):
        return False
    for _, line in numbered_lines(path):
        if line.strip():
            return not line.lstrip().startswith("{")
    return True
