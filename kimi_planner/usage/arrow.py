"""Columns of Arrow: text in which an empty one is missing, numbers, and JSON lines read in one go."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from kimi_planner.limits import DEPTH
from kimi_planner.usage.dialects import GENERIC, Dialect, candidates, spelled, tables
from kimi_planner.usage.entries import is_plain
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.lines import Block
from kimi_planner.usage.table import JSON_CELLS, MOST_KEYS, SAID, Table


class _OddError(Exception):
    """These lines need a closer look."""


def table_of_lines(block: Block, first: Any) -> tuple[Table, Dialect] | None:
    """Return a block of JSON lines as a table, ``None`` where each line needs a closer look.

    Parameters
    ----------
    block : Block
        Whole lines.
    first : object
        The value of the first of them.

    Notes
    -----
    Arrow reads them if all are objects whose fields have one type each. They are of one dialect if it
    is told by fields that all of them have, and by no other that some of them have.
    """
    if type(first) is not dict or not is_plain(tuple(first)) or candidates(tuple(first))[0] is None:
        return None
    with suppress(ImportError, _OddError):
        import pyarrow as pa
        from pyarrow import json as arrow

        try:
            read = arrow.read_json(
                pa.BufferReader(block.encoded),
                read_options=arrow.ReadOptions(use_threads=False, block_size=1 << 30),
                parse_options=arrow.ParseOptions(explicit_schema=pa.schema(_typed(first, pa))),
            )
            return _table(read, block, pa)
        except (pa.ArrowException, UnicodeError):  # a key that stands twice in one object, too
            return None
    return None


def _typed(value: dict[str, Any], pa: Any, depth: int = 0) -> list[Any]:
    """Return the types of the fields of an entry, so that text which looks like a time stays text."""
    if depth > DEPTH:
        raise _OddError
    plain = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return [
        (key, pa.struct(_typed(one, pa, depth + 1)) if type(one) is dict else plain[type(one)])
        for key, one in value.items()
        if type(one) in plain or (type(one) is dict and one)
    ]


def _table(read: Any, block: Block, pa: Any) -> tuple[Table, Dialect]:
    names = tuple(read.schema.names)
    always = tuple(name for name in names if not read[name].null_count)
    dialect = candidates(names)[0]
    if dialect is None or not is_plain(names) or candidates(always)[0] is not dialect:
        raise _OddError
    has = {spelled(name) for name in always}
    sides = (tables()["usage"][name] for name in ("prompt_tokens", "completion_tokens"))
    if dialect.name == GENERIC and not all(has.intersection(side) for side in sides):
        raise _OddError  # what lacks them is told by all of its fields
    if read.num_rows != block.length:  # blank lines
        raise _OddError
    table = Table(np.arange(block.first, block.first + read.num_rows))
    wanted = wanted_of(dialect)
    for name in names:
        _add(table, name, read[name].combine_chunks(), wanted, pa)
    return table, dialect


def _add(table: Table, path: str, column: Any, wanted: tuple[str, ...], pa: Any) -> None:
    name, kind = spelled(path), column.type
    inside = any(one.startswith(f"{name}.") for one in wanted)
    if pa.types.is_list(kind):
        item = kind.value_type
        parts = (
            {spelled(item.field(n).name) for n in range(item.num_fields)}
            if pa.types.is_struct(item)
            else ()
        )
        if any(one.startswith(f"{name}.0.{part}") for one in wanted for part in parts or ("0",)):
            raise _OddError
        if f"{name}.0" in wanted:
            raise _OddError
        if name not in SAID:
            table.add(path, column)
    elif name in SAID and not inside:
        return
    elif pa.types.is_struct(kind):
        if kind.num_fields > MOST_KEYS or path.count(".") > DEPTH:
            raise _OddError
        import pyarrow.compute as pc

        for place in range(kind.num_fields):
            part = f"{path}.{kind.field(place).name}"
            _add(table, part, pc.struct_field(column, [place]), wanted, pa)
    elif pa.types.is_string(kind):
        if inside or name.endswith(JSON_CELLS):
            raise _OddError
        table.add(path, column.fill_null(""))
    elif pa.types.is_temporal(kind):
        raise _OddError
    else:
        table.add(path, column)
