"""JSON logs: one value on each line, or a document that spans lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.scanner import make_scanner
from typing import Any, cast

from kimi_planner.errors import UsageError, Where, shown
from kimi_planner.usage.forms import REPLIES, entries_of, form_of, is_plain_reply
from kimi_planner.usage.lines import Block, first_line
from kimi_planner.usage.replies import read_reply
from kimi_planner.usage.rows import CHUNK_ROWS, Rows

__all__ = ["read_json", "read_value"]

#: The longest JSON value that may span lines; an array of values has no limit.
MAX_DOCUMENT_CHARS = 256_000_000
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_SPACE = re.compile(r"[\s,]*")
_decode = json.JSONDecoder().raw_decode
#: Reads a value that begins at a place in a text, and nothing around it.
_scan = make_scanner(cast(Any, json.JSONDecoder()))


def read_json(blocks: Iterator[Block], rows: Rows) -> None:
    """Read the rows of a JSON log.

    Raises
    ------
    UsageError
        If a line is bad and errors are not skipped, or a document is not JSON.
    """
    line, blocks = first_line(blocks)
    read = _read_document if _spans_lines(line) else _read_lines
    read(blocks, rows)


def _spans_lines(line: str) -> bool:
    """Whether a document begins here that goes on in the next line, or an array."""
    text = line.strip()
    return text.startswith("[") or (text.startswith("{") and text[-1] in "{[,")


def _read_lines(blocks: Iterator[Block], rows: Rows) -> None:
    waiting, numbers, is_noted = rows.cells.extend, rows.lines.append, False
    for block in blocks:
        number = block.first - 1
        for line in block.lines:
            number += 1
            try:
                value, end = _scan(line, 0)
                is_whole = end == len(line) or line[end:].isspace()
            except (StopIteration, ValueError, RecursionError):
                is_whole = False
            if not is_whole and (value := _odd_value(line, number, block, rows)) is None:
                continue
            try:
                row = read_reply(value) if is_plain_reply(value) else None
            except UsageError:
                row = None
            if type(row) is tuple:
                waiting(row)
                numbers(number)
                if not is_noted:
                    rows.found(REPLIES.name)
                    is_noted = True
            else:
                read_value(value, number, rows)
        if len(rows.lines) >= CHUNK_ROWS:
            rows.flush()
            waiting, numbers = rows.cells.extend, rows.lines.append


def _odd_value(line: str, number: int, block: Block, rows: Rows) -> Any:
    """Return the value of a line that does not begin with it, ``None`` for a blank or a bad one."""
    if not line or line.isspace():
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        if block.is_open:
            rows.cut_off += 1
        else:
            rows.refuse(number, f"not JSON ({error}). Each line must be one whole object.")
        return None
    return "null" if value is None else value


def read_value(value: Any, number: int, rows: Rows) -> None:
    """Read the entries that a value holds, whatever their form."""
    try:
        entries = list(entries_of(value, rows.cover))
    except UsageError as error:
        rows.refuse(number, error)
        return
    for entry in entries:
        if not isinstance(entry, dict):
            rows.refuse(
                number, f"{shown(entry)} is not an object. Each line must be one whole object."
            )
            continue
        try:
            form = form_of(entry)
            row = form.read(entry)
        except UsageError as error:
            rows.refuse(number, error, entry)
            continue
        rows.found(form.name)
        rows.take(number, row)


def _read_document(blocks: Iterator[Block], rows: Rows) -> None:
    """Read values that span lines, one after the other or in an array, as they come."""
    text, line, at, is_array, is_open = "", 0, 0, None, False
    fault = "text after the end of the array"
    for block in blocks:
        line = line or block.first
        is_open = block.is_open
        text = text[at:] + block.text + ("" if is_open else "\n")
        at = 0
        if is_array is None:
            start = _past_space(text, 0)
            is_array = text[start] == "["
            at = start + is_array
            line += text.count("\n", 0, at)
        while True:
            start = _past_space(text, at)
            line += text.count("\n", at, start)
            at = start
            if at == len(text) or (is_array and text[at] == "]"):
                break
            try:
                value, end = _decode(text, at)
            except json.JSONDecodeError as error:
                fault = str(error).partition(": line")[0]
                if not _may_go_on(error, text):
                    line += text.count("\n", at, error.pos)
                    raise UsageError(f"not JSON ({fault}).", at=Where(rows.file, line)) from None
                break
            except (ValueError, RecursionError) as error:
                raise UsageError(f"not JSON ({error}).", at=Where(rows.file, line)) from None
            read_value(value, line, rows)
            line += text.count("\n", at, end)
            at = end
        if len(text) - at > MAX_DOCUMENT_CHARS:
            raise UsageError(
                f"a JSON value of more than {MAX_DOCUMENT_CHARS:,} characters, "
                "or one that is not closed. Write one object per line.",
                at=Where(rows.file, line),
            )
        rows.flush(at_least=CHUNK_ROWS)
    rest = text[at:].strip()
    if rest == ("]" if is_array else ""):
        return
    if rest.startswith("]") or not (is_open or not rest):
        raise UsageError(f"not JSON ({fault}). Correct it there.", at=Where(rows.file, line))
    rows.cut_off += 1


def _may_go_on(error: json.JSONDecodeError, text: str) -> bool:
    """Whether a value may only lack what comes with the next lines."""
    rest = text[error.pos : error.pos + 20].strip()
    return (
        error.msg.startswith("Unterminated string")
        or rest.startswith("\\")
        or any(word.startswith(rest) for word in _WORDS)
    )


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
