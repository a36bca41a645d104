"""JSON logs: a value on each line, lines of a stream of events, or values that span lines, in an array or one after the other."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError, Where
from kimi_planner.limits import DOCUMENT_CHARS
from kimi_planner.usage.arrow import table_of_lines
from kimi_planner.usage.dialects import GENERIC, Dialect, candidates, dialect_of
from kimi_planner.usage.doubled_keys import check_keys
from kimi_planner.usage.entries import Unwrapping, is_plain
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.lines import Block, first_line
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import LeftOut, Rows
from kimi_planner.usage.table import Table

loads: Callable[[str], Any] = json.loads
with suppress(ImportError):  # where no wheel of it is made
    import orjson

    loads = orjson.loads


#: So many blocks that Arrow cannot read in one go, and it is asked no more.
_ODD_BLOCKS = 3
#: One of so many lines is asked for its fields, their length judged by the first of the text; so many new
#: ones are too many.
_ONE_OF_LINES, _START_CHARS, _NEW_FIELDS = 64, 1 << 14, 8
#: Text whose entries are read together.
READ_CHARS = 1 << 21
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
#: What is left of an escape, or of a number, that ends in its middle.
_CUT_OFF = re.compile(r"u[0-9a-fA-F]{0,3}|[.eE][-+]?")
_SPACE = re.compile(r"[\s,]*")
_decode = json.JSONDecoder().raw_decode


class Entries:
    """Entries that wait to be read together, by their dialects."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.unwrapping = Unwrapping(rows.cover, rows.page, self.other)
        self._waiting: dict[str, tuple[Dialect, list[Any], list[int]]] = {}
        self._alike: dict[tuple[str, ...], tuple[list[Any], list[int]]] = {}
        self.chars = 0

    def other(self) -> None:
        """Count something that is no entry."""
        self.rows.left_out[LeftOut.OTHER] += 1

    def take(self, value: Any, line: int, text: str) -> None:
        """Take the entries that a value holds, whatever their form; ``text`` is what it was read from."""
        try:
            check_keys(text, value)
        except UsageError as error:
            self.rows.refuse(line, error)
            return
        keys = tuple(value) if type(value) is dict else ()
        alike = self._alike.get(keys)
        if alike is not None:  # nearly all rows of a log
            alike[0].append(value)
            alike[1].append(line)
            return
        try:
            for entry in self.unwrapping.entries(value):
                if type(entry) is not dict:
                    self.rows.refuse(
                        line,
                        f"{quoted(entry)} is not an object. Each line must be one whole object.",
                    )
                    continue
                dialect = dialect_of(entry)
                waiting = self._waiting.setdefault(dialect.name, (dialect, [], []))
                waiting[1].append(entry)
                waiting[2].append(line)
                if entry is value and is_plain(keys) and candidates(keys)[0] is not None:
                    self._alike[keys] = waiting[1:]
        except UsageError as error:
            self.rows.refuse(line, error)
        except RecursionError:
            self.rows.refuse(line, "nested too deeply to be read.")

    def after(self, block: Block) -> Iterator[pd.DataFrame]:
        """Read what waits, if it is enough with this block."""
        self.chars += len(block.text)
        if self.chars >= READ_CHARS:
            yield from self.read()

    def read(self) -> Iterator[pd.DataFrame]:
        """Read what waits, and yield the good rows."""
        waiting, self._waiting, self._alike, self.chars = self._waiting, {}, {}, 0
        for dialect, entries, lines in waiting.values():
            table = Table(lines)
            table.open(entries, wanted_of(dialect))
            if dialect.name == GENERIC:
                table.entries = entries
            read_table(table, dialect, self.rows)
        yield from self.rows.settle()


def read_json(blocks: Iterator[Block], rows: Rows) -> Iterator[pd.DataFrame]:
    """Yield the rows of a JSON log, some at a time.

    Raises
    ------
    UsageError
        If a line is bad and errors are not skipped, or a document is not JSON.
    """
    line, blocks = first_line(blocks)
    read = read_document if spans_lines(line) else _read_lines
    yield from read(blocks, rows)


def _read_lines(blocks: Iterator[Block], rows: Rows) -> Iterator[pd.DataFrame]:
    entries, odd = Entries(rows), 0
    for block in blocks:
        if odd < _ODD_BLOCKS and not entries.chars:
            read = _in_one_go(block)
            odd += read is None
            if read is not None:
                read_table(*read, rows)
                del read, block  # texts may be long: none is held twice
                yield from rows.settle()
                continue
        for number, line in enumerate(block.lines, block.first):
            try:
                value = loads(line)
            except (ValueError, RecursionError):
                value = _odd_value(line, number, block, rows)
                if value is None:
                    continue
            entries.take(value, number, line)
        yield from entries.after(block)
    yield from entries.read()


def _in_one_go(block: Block) -> tuple[Table, Dialect] | None:
    """Return what a block of whole lines holds, if all of them are alike."""
    if block.is_open or not block.text:
        return None
    try:
        end = block.text.find("\n")
        first = loads(block.text if end < 0 else block.text[:end])
    except (ValueError, RecursionError):
        return None
    return None if _brings_ever_new_fields(block.text) else table_of_lines(block, first)


def _brings_ever_new_fields(text: str) -> bool:
    """Whether lines have fields of their own, such as ids: Arrow would fill a column of all lines for each.

    Told by some of the lines: the share of them that has a field which no other one has is the chance
    that the next line brings another (Good and Turing). One line alone tells nothing.
    """
    size = _START_CHARS // (text.count("\n", 0, _START_CHARS) or 1)
    seen: Counter[str] = Counter()
    place = lines = 0
    while (place := text.find("\n", place + size * _ONE_OF_LINES) + 1) > 0:
        end = text.find("\n", place)
        with suppress(ValueError, RecursionError):
            seen.update(_fields(loads(text[place : len(text) if end < 0 else end])))
            lines += 1
    return lines > 1 and sum(number == 1 for number in seen.values()) >= _NEW_FIELDS


def _fields(value: Any, front: str = "") -> Iterator[str]:
    for key, inner in value.items() if type(value) is dict else ():
        yield f"{front}{key}"
        yield from _fields(inner, f"{front}{key}.")


def _odd_value(line: str, number: int, block: Block, rows: Rows) -> Any:
    """Return the value of a line that is not plain JSON, ``None`` for one that holds nothing."""
    text = line.strip()
    if text.startswith("data:"):
        text = text.removeprefix("data:").strip()
    if not text or text == "[DONE]" or text.startswith((":", "event:", "id:", "retry:")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if block.is_open:
            rows.cut_off += 1
        else:
            rows.refuse(number, f"not JSON ({error}). Each line must be one whole object.")
        return None
    return "null" if value is None else value


def spans_lines(line: str) -> bool:
    """Whether a document begins here that goes on in the next line, or an array."""
    text = line.strip()
    return text.startswith("[") or (text.startswith("{") and text[-1] in "{[,")


def read_document(blocks: Iterator[Block], rows: Rows) -> Iterator[pd.DataFrame]:
    """Yield the rows of values that span lines, some at a time.

    Raises
    ------
    UsageError
        If it is not JSON, or a value is bad and errors are not skipped.
    """
    entries, document = Entries(rows), _Document(rows)
    for block in blocks:
        if document.add(block):
            document.read(entries)
        yield from entries.after(block)
    document.read(entries)
    yield from entries.read()
    document.end()


class _Document:
    """What is not read yet of values that span lines, and where it stands."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._text, self._at, self._line = "", 0, 0
        self._is_array: bool | None = None
        self._is_open = False
        self._tried = 0
        self._fault = "text after the end of the array"

    def add(self, block: Block) -> bool:
        """Add lines; whether there may be a whole value, so that a long one is not tried at each block."""
        self._line = self._line or block.first
        self._is_open = block.is_open
        self._text = self._text[self._at :] + block.text + ("" if block.is_open else "\n")
        self._at = 0
        return len(self._text) >= 2 * self._tried

    def read(self, entries: Entries) -> None:
        """Take the values that are whole.

        Raises
        ------
        UsageError
            If it is not JSON, or a value is too long.
        """
        text = self._text
        if self._is_array is None and text:
            start = _past_space(text, 0)
            self._is_array = text[start] == "["
            self._go_to(start + self._is_array)
        while True:
            self._go_to(_past_space(text, self._at))
            if self._at == len(text) or (self._is_array and text[self._at] == "]"):
                break
            try:
                value, end = _decode(text, self._at)
            except json.JSONDecodeError as error:
                self._fault = str(error).partition(": line")[0]
                if not _may_go_on(error, text):
                    self._go_to(error.pos)
                    raise self._wrong(f"not JSON ({self._fault}).") from None
                break
            except (ValueError, RecursionError) as error:
                raise self._wrong(f"not JSON ({error}).") from None
            entries.take(value, self._line, text[self._at : end])
            self._go_to(end)
        self._tried = len(text) - self._at
        if self._tried > DOCUMENT_CHARS:
            raise self._wrong(
                f"a JSON value of more than {DOCUMENT_CHARS:,} characters, "
                "or one that is not closed. Write one object per line."
            )

    def end(self) -> None:
        """Count what is cut off.

        Raises
        ------
        UsageError
            If what is left is no value that may be cut off.
        """
        rest = self._text[self._at :].strip()
        if rest == ("]" if self._is_array else ""):
            return
        if rest.startswith("]") or not (self._is_open or not rest):
            raise self._wrong(f"not JSON ({self._fault}). Correct it there.")
        self.rows.cut_off += 1

    def _go_to(self, place: int) -> None:
        self._line += self._text.count("\n", self._at, place)
        self._at = place

    def _wrong(self, problem: str) -> UsageError:
        return UsageError(problem, at=Where(self.rows.file, self._line))


def _may_go_on(error: json.JSONDecodeError, text: str) -> bool:
    """Whether a value may only lack what comes with the next lines."""
    rest = text[error.pos : error.pos + 20].strip()
    return (
        error.msg.startswith("Unterminated string")
        or _CUT_OFF.fullmatch(rest) is not None
        or any(word.startswith(rest) for word in _WORDS)
    )


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
