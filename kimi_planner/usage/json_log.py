"""JSON logs: one value on each line, or lines of a stream of events; else documents that span lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from kimi_planner.usage.arrow import table_of_lines
from kimi_planner.usage.dialects import Dialect
from kimi_planner.usage.json_document import read_document, spans_lines
from kimi_planner.usage.json_entries import READ_CHARS, Entries
from kimi_planner.usage.lines import Block, first_line
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import Rows
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
    entries, size, odd = Entries(rows), 0, 0
    for block in blocks:
        if odd < _ODD_BLOCKS and not size:
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
        size += len(block.text)
        if size >= READ_CHARS:
            size = 0
            yield from entries.read()
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
