"""JSON values that span lines, one after the other or in an array, as they come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pandas as pd

from kimi_planner.errors import UsageError, Where
from kimi_planner.limits import DOCUMENT_CHARS
from kimi_planner.usage.json_entries import READ_CHARS, Entries
from kimi_planner.usage.lines import Block
from kimi_planner.usage.rows import Rows

_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
#: What is left of an escape, or of a number, that ends in its middle.
_CUT_OFF = re.compile(r"u[0-9a-fA-F]{0,3}|[.eE][-+]?")
_SPACE = re.compile(r"[\s,]*")
_decode = json.JSONDecoder().raw_decode


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
    entries, size, document = Entries(rows), 0, _Document(rows)
    for block in blocks:
        size += len(block.text)
        if document.add(block):
            document.read(entries)
        if size >= READ_CHARS:
            size = 0
            yield from entries.read()
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
