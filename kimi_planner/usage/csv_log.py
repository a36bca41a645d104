"""CSV logs with the canonical columns."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.errors import UsageError, did_you_mean, shown
from kimi_planner.usage.frame import COLUMNS
from kimi_planner.usage.lines import RawLog, Rejects, numbered_lines

__all__ = ["read_csv"]


def read_csv(path: Path, rejects: Rejects) -> RawLog:
    """Read a CSV log with the canonical columns.

    Raises
    ------
    UsageError
        If it has no such header, or a bad row and errors are not skipped.
    """
    numbers: list[int] = []

    def text() -> Iterator[str]:
        for number, line in numbered_lines(path):
            numbers[:] = [number]
            yield line

    reader = csv.reader(text(), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    header: list[str] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UsageError(f"{path} line {numbers[0]}: not CSV ({error}).") from None
        if row is None:
            break
        if not row:
            continue
        if not header:
            header = _csv_header(path, row, numbers[0])
        elif len(row) == len(header):
            lines.append(numbers[0])
            rows.append(row)
        else:
            rejects.add(
                f"{path} line {numbers[0]}: {len(row)} fields where the header has {len(header)}. "
                "Correct the row."
            )
    if not header:
        raise UsageError(f"{path}: the file is empty. A usage CSV starts with a header line.")
    cells = (
        dict(zip(header, zip(*rows, strict=True), strict=True))
        if rows
        else dict.fromkeys(header, ())
    )
    canonical = {"timestamp" if name == "timestamp_s" else name: cells[name] for name in header}
    return RawLog(
        columns={name: _values(name, canonical[name]) for name in COLUMNS if name in canonical},
        lines=lines,
        ignored=[name for name in canonical if name not in COLUMNS],
        relative_time="timestamp_s" in header,
    )


def _csv_header(path: Path, row: list[str], line: int) -> list[str]:
    names = [name.strip() for name in row]
    doubled = {name for name in names if name and names.count(name) > 1}
    if doubled or {"timestamp", "timestamp_s"} <= set(names):
        both = ", ".join(sorted(doubled or {"timestamp", "timestamp_s"}))
        raise UsageError(f"{path} line {line}: the header names a column twice ({both}). Keep one.")
    for needed in ("prompt_tokens", "completion_tokens"):
        if needed not in names:
            near = did_you_mean(needed, [name for name in names if name and name not in COLUMNS])
            raise UsageError(
                f"{path} line {line}: no column {needed!r}. Found: {shown(', '.join(names))}.{near} "
                f"A usage CSV has the columns {', '.join(COLUMNS)}."
            )
    return names


def _values(name: str, cells: tuple[str, ...]) -> Any:
    """Turn text cells into whole numbers where they are, an empty cell into a missing value."""
    if name in ("timestamp", "model"):
        return [cell.strip() or None for cell in cells]
    try:
        return np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return [_number(cell.strip()) for cell in cells]


def _number(cell: str) -> int | float | str | None:
    if not cell:
        return None
    if re.fullmatch(r"-?[0-9]{1,18}", cell):
        return int(cell)
    try:
        number = float(cell)
    except ValueError:
        return cell
    return cell if math.isnan(number) else number
