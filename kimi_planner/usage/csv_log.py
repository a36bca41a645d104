"""CSV logs: the canonical columns, public traces, and exports whose cells are JSON."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, Where
from kimi_planner.usage.counts import id_numbers
from kimi_planner.usage.csv_block import regular_columns
from kimi_planner.usage.csv_forms import csv_form
from kimi_planner.usage.exports import is_window
from kimi_planner.usage.frame import COLUMNS, checked_rows, is_column, is_count
from kimi_planner.usage.json_log import read_value
from kimi_planner.usage.lines import MAX_LINE_BYTES, Block, Rejects
from kimi_planner.usage.row import LeftOut
from kimi_planner.usage.rows import CHUNK_ROWS, Rows

__all__ = ["read_csv"]

_IDS = ("call_id", "request_id")
_ID = "id"
#: Columns that are text, of few values or of many.
_TEXTS = {"model": "category", "batch": "str", _ID: "str"}
_MAY_BE_NUMBER = re.compile(r"(tokens|requests|time)$", re.IGNORECASE)


def read_csv(blocks: Iterator[Block], rows: Rows) -> None:
    """Read the rows of a CSV log; its header says which form it has.

    Raises
    ------
    UsageError
        If it has no header of a known form, or a bad row and errors are not skipped.
    """
    csv.field_size_limit(min(sys.maxsize, MAX_LINE_BYTES))
    table: _Table | None = None
    for block in blocks:
        rest: Block | None = block
        if table is None:
            table, rest = _begin(block, rows)
        if rest is None or (table is not None and table.take(rest)):
            continue
        # A quoted cell may go on in the next block; without quotes a block is whole by itself.
        is_whole = table is not None and '"' not in rest.text
        table = _read_cells(iter([rest]) if is_whole else chain([rest], blocks), rows, table)
    if table is None:
        raise UsageError("the file is empty. A usage CSV starts with a header line.", at=rows.file)
    table.flush()


def _begin(block: Block, rows: Rows) -> tuple[_Table | None, Block | None]:
    """Take a header without quotes off a block; return what is left of it."""
    if block.is_open or '"' in block.text:
        return None, block
    blank = len(block.text) - len(block.text.lstrip("\r\n"))
    if blank == len(block.text):
        return None, None
    line, _, rest = block.text[blank:].partition("\n")
    number = block.first + block.text.count("\n", 0, blank)
    table = _Table(line.split(","), number, rows)
    return table, Block(number + 1, rest) if rest else None


def _read_cells(blocks: Iterator[Block], rows: Rows, table: _Table | None) -> _Table | None:
    """Read rows cell by cell, up to the end of the header's block if there is no table yet."""
    for number, cells, is_open in _csv_rows(blocks, rows):
        if table is None:
            table = _Table(cells, number, rows)
        elif len(cells) == len(table.names):
            table.add(number, cells)
        elif is_open:
            rows.cut_off += 1
        else:
            rows.refuse(
                number,
                f"{len(cells)} fields where the header has {len(table.names)}. Correct the row.",
            )
    return table


class _Table:
    """Rows of cells under a header, handed on a chunk at a time."""

    def __init__(self, header: list[str], number: int, rows: Rows) -> None:
        self.names = names = [name.strip() for name in header]
        self.form = form = csv_form(rows.file, names, number)
        self.rows = rows
        self.cells: list[list[str]] = []
        self.lines: list[int] = []
        self.places = {
            column: names.index(name)
            for column in dict.fromkeys((*COLUMNS, "timestamp_s", *filter(is_column, names)))
            if (name := form.names.get(column, column)) in names
        }
        if ids := [name for name in _IDS if name in names]:
            self.places[_ID] = names.index(ids[0])
        read = {*_IDS, *(names[place] for place in self.places.values())}
        ignored = [name for name in names if name not in read]
        rows.found(form.name, [] if form.is_json else ignored)

    def take(self, block: Block) -> bool:
        """Read a block in one go, if all its rows are regular and good; else do nothing."""
        if self.form.is_json or block.is_open:
            return False
        read = regular_columns(block.text, len(self.names), self.places, _TEXTS)
        if read is None:
            return False
        numbers = np.arange(block.first, block.first + len(read))
        read, lines, ids, failed = self._billed(read, numbers)
        checked, good = checked_rows(read, lambda row: Where(self.rows.file), Rejects(skip=True))
        if not good.all():
            return False
        self.flush()
        self.rows.left_out[LeftOut.FAILED] += failed
        if len(checked):
            self.rows.keep(checked, lines, ids)
        return True

    def _billed(
        self, read: pd.DataFrame, lines: np.ndarray[Any, Any]
    ) -> tuple[pd.DataFrame, np.ndarray[Any, Any], np.ndarray[Any, Any] | int, int]:
        """Return the calls that did not fail with their lines and ids, and how many did."""
        failed = 0
        if self.form.fails_at_zero:
            billed = np.asarray(read["completion_tokens"]) != 0
            failed = int((~billed).sum())
            read, lines = read[billed].reset_index(drop=True), lines[billed]
        return read, lines, id_numbers(read.pop(_ID)) if _ID in read else 0, failed

    def add(self, number: int, cells: list[str]) -> None:
        self.lines.append(number)
        self.cells.append(cells)
        if len(self.lines) == CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        cells, lines = self.cells, self.lines
        self.cells, self.lines = [], []
        if not cells:
            return
        if self.form.is_json:
            for number, row in zip(lines, cells, strict=True):
                pairs = zip(self.names, row, strict=True)
                entry = {name: _cell(name, cell) for name, cell in pairs}
                if is_window(entry) and "end_time" in entry:
                    entry["results"] = [dict(entry)]  # a bucket of its own
                read_value(entry, number, self.rows)
            self.rows.flush()
            return
        columns = list(zip(*cells, strict=True))
        values = {
            name: list(columns[place]) if name == _ID else _values(name, columns[place])
            for name, place in self.places.items()
        }
        read, numbers, ids, failed = self._billed(pd.DataFrame(values), np.array(lines))
        self.rows.left_out[LeftOut.FAILED] += failed
        if len(numbers):
            self.rows.add(read, numbers, ids)


def _csv_rows(blocks: Iterator[Block], rows: Rows) -> Iterator[tuple[int, list[str], bool]]:
    """Yield line, cells and whether the row may be cut off, of every row that is not blank."""
    at, is_open = 1, False

    def text() -> Iterator[str]:
        nonlocal at, is_open
        for block in blocks:
            is_open = block.is_open
            for at, line in enumerate(block.lines, block.first):  # noqa: B007 - read outside
                yield line + "\n"

    reader = csv.reader(text(), strict=True)
    while True:
        before = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if is_open and reader.line_num == before + 1:
                rows.cut_off += 1
                return
            raise UsageError(f"not CSV ({error}).", at=Where(rows.file, at)) from None
        if cells is None:
            return
        if cells:
            yield at, cells, is_open


def _values(name: str, cells: tuple[str, ...]) -> Any:
    """Turn text cells into whole numbers where they are, an empty cell into a missing value."""
    if not is_count(name):
        return pd.Series([cell.strip() or None for cell in cells], dtype=object)
    try:
        return np.array(cells, dtype=np.int64)
    except (ValueError, OverflowError):
        return pd.Series([_number(cell.strip()) for cell in cells], dtype=object)


def _cell(name: str, cell: str) -> Any:
    """Return a cell as JSON would have it: nothing, a number where one is meant, else text."""
    if _MAY_BE_NUMBER.search(name):
        return _number(cell.strip())
    return cell.strip() or None


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
