"""CSV logs, of commas, semicolons or tabs, and tables that Arrow reads."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, Where, did_you_mean, shown
from kimi_planner.limits import LINE_BYTES, TABLE_COLUMNS
from kimi_planner.usage.dialects import GENERIC, dialect_of_columns, dialects, spelled, tables
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.frame import COLUMNS
from kimi_planner.usage.lines import Block
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.table import Table, as_objects

_SIGNS = (",", ";", "\t", "|")
_NAME = "usage CSV"


def read_csv(blocks: Iterator[Block], rows: Rows) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV log, some at a time; its header says which form it has.

    Raises
    ------
    UsageError
        If it has no header of a known form, or a bad row and errors are not skipped.
    """
    csv.field_size_limit(min(sys.maxsize, LINE_BYTES))
    header: _Header | None = None
    for block in _whole_cells(blocks, rows.file):
        rest: Block | None = block
        if header is None:
            header, rest = _begin(block, rows)
        if header is not None and rest is not None and rest.text:
            header.read(rest)
            yield from rows.settle()
    if header is not None and not header.is_read:  # such as the one line of something else
        header.refuse(Table([], names={spelled(name): name for name in header.names}))
    if header is None:
        raise UsageError("the file is empty. A usage CSV starts with a header line.", at=rows.file)


def _whole_cells(blocks: Iterator[Block], file: str) -> Iterator[Block]:
    """Yield blocks that end where no quoted cell is open, as an even number of quotes tells."""
    held: Block | None = None
    for block in blocks:
        whole = (
            block
            if held is None
            else Block(held.first, f"{held.text}\n{block.text}", block.is_open)
        )
        held = whole if whole.text.count('"') % 2 and not whole.is_open else None
        if held is None:
            yield whole
        elif len(held.text) > LINE_BYTES:
            raise UsageError("a quoted cell that is not closed.", at=Where(file, held.first))
    if held is not None:
        yield held


def _begin(block: Block, rows: Rows) -> tuple[_Header | None, Block | None]:
    """Take the header off a block; return what is left of it."""
    # A line such as "sep=;" tells Excel the sign, which the header tells too.
    blank = len(block.text) - len(re.sub(r"\A[\r\n]*(?:sep=.?(?:[\r\n]+|\Z))?", "", block.text))
    if blank == len(block.text):
        return None, None
    first = block.first + block.text.count("\n", 0, blank)
    text = io.StringIO(block.text[blank:], newline="")
    top = block.text[blank:].partition("\n")[0]
    sign = max(_SIGNS, key=top.count)
    reader = csv.reader(text, delimiter=sign, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        raise UsageError(f"not CSV ({error}).", at=Where(rows.file, first)) from None
    rest = text.read()
    header = _Header(cells, sign, first, rows)
    return header, Block(first + reader.line_num, rest, block.is_open) if rest else None


class _Header:
    """The columns of a CSV log, and how its rows are read."""

    def __init__(self, cells: list[str], sign: str, line: int, rows: Rows) -> None:
        self.is_read = False
        self.names, self.sign, self.rows = [name.strip() for name in cells], sign, rows
        if len(cells) > TABLE_COLUMNS:
            raise UsageError(
                f"{len(cells):,} columns. A table may have {TABLE_COLUMNS:,}.",
                at=Where(rows.file, line),
            )
        spellings = Counter(spelled(name) for name in self.names if name)
        doubled = {name for name in self.names if name and spellings[spelled(name)] > 1}
        if doubled or {"timestamp", "timestamp_s"} <= set(self.names):
            both = ", ".join(sorted(doubled or {"timestamp", "timestamp_s"}))
            raise UsageError(
                f"the header names a column twice ({both}). Keep one.", at=Where(rows.file, line)
            )
        self.line = line

    def read(self, block: Block) -> None:
        """Read the rows of a block: in one go where they are regular, else one by one."""
        self.is_read = True
        columns = None if block.is_open else self._regular(block)
        lines: Any = np.arange(block.first, block.first + block.length)
        if columns is None:
            lines, cells = self._irregular(block)
            columns = [list(column) for column in zip(*cells, strict=True)]
            if not lines:
                return
        table = Table(lines, is_text=True, commas=self.sign == ",")
        wanted = wanted_of(dialect_of_columns(map(spelled, self.names)))
        for name, column in zip(self.names, columns, strict=True):
            if isinstance(column, list) and any(cell[:1] == "{" for cell in column):
                table.open([{name: cell} for cell in column], wanted)
            elif name:
                table.add(name, column)
        dialect = dialect_of_columns(table.names)
        self.rows.columns = tuple(table.columns)
        self.refuse(table)
        read_table(table, dialect, self.rows, name=_NAME if dialect.name == GENERIC else "")

    def refuse(self, table: Table) -> None:
        """Raise if a table of no special form has no column for what every call has."""
        if dialect_of_columns(table.names).name == GENERIC:
            refuse_header(table, self.names, self.rows, Where(self.rows.file, self.line))

    def _regular(self, block: Block) -> list[Any] | None:
        """Return the columns as text of Arrow, ``None`` where each row needs a closer look."""
        text = block.text
        if "\r" in text:
            text = text.removesuffix("\r").replace("\r\n", "\n")
        if '"' in text or "\r" in text or "\0" in text or "\n\n" in f"\n{text}\n":
            return None
        try:
            import pyarrow as pa
            from pyarrow import csv as arrow
        except ImportError:
            return None
        names = [str(place) for place in range(len(self.names))]
        try:
            table = arrow.read_csv(
                io.BytesIO(f"{text}\n".encode()),
                read_options=arrow.ReadOptions(
                    column_names=names, use_threads=False, block_size=1 << 26
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=self.sign, quote_char=False, ignore_empty_lines=False
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
        except (pa.ArrowException, UnicodeError):
            return None
        if table.num_rows != block.length:
            return None
        return [column.combine_chunks() for column in table.columns]

    def _irregular(self, block: Block) -> tuple[list[int], list[list[str]]]:
        """Return the lines and cells of the rows that have as many cells as the header."""
        lines, kept = [], []
        reader = csv.reader((f"{line}\n" for line in block.lines), delimiter=self.sign, strict=True)
        while True:
            before = reader.line_num
            try:
                cells = next(reader, None)
            except csv.Error as error:
                if block.is_open and before < len(block.lines):
                    self.rows.cut_off += 1
                    break
                line = block.first + reader.line_num - 1
                raise UsageError(f"not CSV ({error}).", at=Where(self.rows.file, line)) from None
            if cells is None:
                break
            line = block.first + reader.line_num - 1
            if len(cells) == len(self.names):
                lines.append(line)
                kept.append(cells)
            elif cells and block.is_open and reader.line_num == len(block.lines):
                self.rows.cut_off += 1
            elif cells:
                self.rows.refuse(
                    line,
                    f"{len(cells)} fields where the header has {len(self.names)}. Correct the row.",
                )
        return lines, kept


def _missing(names: Iterable[str], rows: Rows) -> list[str]:
    """Return which counts that every call has are in no column, by names as the dialects spell them."""
    return [
        field
        for field in ("prompt_tokens", "completion_tokens")
        if field not in rows.renamed
        and not any(
            name == one or name.endswith(f".{one}")
            for one in tables()["usage"][field]
            for name in names
        )
    ]


def refuse_header(table: Table, names: list[str], rows: Rows, where: Where) -> None:
    """Raise if a table has no column for what every call has."""
    missing = _missing(table.names, rows)
    if not missing:
        return
    needed = missing[0]
    near = did_you_mean(needed, [name for name in names if name and name not in COLUMNS])
    others = ", ".join(dict.fromkeys(one.form or one.name for one in dialects()[:-1]))
    raise UsageError(
        f"no column {needed!r}. Found: {quoted(', '.join(names), 200)}.{near} Say which it is: "
        f"{' '.join(f'--map {field}=NAME' for field in missing)}, in Python map={{{needed!r}: NAME}}. "
        f"A usage CSV has the columns "
        f"{', '.join(COLUMNS)}. Other forms that are read: {others}.",
        at=where,
    )


def read_frame(frame: pd.DataFrame, rows: Rows) -> Iterator[pd.DataFrame]:
    """Yield the rows of a frame that has the columns of a usage frame, or of another form.

    Raises
    ------
    UsageError
        If a column stands there twice or is missing, or a row is bad and errors are not skipped.
    """
    rows.start("usage frame")
    names = [str(name) for name in frame.columns]
    spellings = ["timestamp" if name == "timestamp_s" else name for name in names]
    for name, times in Counter(spellings).items():
        if times > 1:
            raise UsageError(f"usage frame: column {shown(name)} stands there twice. Keep one.")
    rows.labels = frame.index
    table = Table(np.arange(len(frame)))
    wanted = wanted_of(dialect_of_columns(map(spelled, names)))
    for place, name in enumerate(names):
        column: Any = frame.iloc[:, place]
        if column.dtype == np.int64:
            table.add(name, column.to_numpy())
        elif name in ("timestamp", "timestamp_s"):
            table.add(name, column.reset_index(drop=True))
        else:
            table.open([{name: value} for value in as_objects(column)], wanted)
    dialect = dialect_of_columns(table.names)
    if dialect.name == GENERIC:
        _refuse_frame(frame, table, rows)
    if len(frame):
        read_table(table, dialect, rows, name="usage frame" if dialect.name == GENERIC else "")
    yield from rows.settle()


def _refuse_frame(frame: pd.DataFrame, table: Table, rows: Rows) -> None:
    for needed in _missing([*table.names, *map(spelled, map(str, frame.columns))], rows):
        raise UsageError(
            f"no column {needed!r}. Columns found: {', '.join(map(str, frame.columns))}. Say which it is: "
            f"map={{{needed!r}: NAME}}. A usage frame has {', '.join(COLUMNS)}.",
            at="usage frame",
        )
