"""How much an Arrow file stands for, from what it says of itself, before anything of it is unpacked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

#: What a value takes in memory, however often a file says it at once.
CELL_BYTES = 8


class UnpackedError(Exception):
    """A file stands for more than it may."""


_MAGIC = len(b"ARROW1")
#: Of a message: what it holds. Of a dictionary: its values. Of values: their numbers, buffers, packing.
_HELD, _VALUES, _NODES, _BUFFERS, _PACKING = 2, 1, 1, 2, 3
#: Of a footer: where dictionaries and batches stand.
_LISTS = (2, 3)


def unpacked(message: Any) -> int:
    """Return how many bytes the values of a message take, unpacked.

    Parameters
    ----------
    message : pyarrow.Message
        A batch or a dictionary; others have no values.

    Raises
    ------
    struct.error
        If it is damaged.
    """
    if message.type not in ("record batch", "dictionary"):
        return 0
    values = _Table.root(message.metadata).table(_HELD)
    if message.type == "dictionary":
        values = values.table(_VALUES)
    lengths = (_number("q", values.of, node) for node in values.structs(_NODES, 16))
    total = CELL_BYTES * sum(max(length, 0) for length in lengths)
    body = message.body or b""
    for buffer in values.structs(_BUFFERS, 16) if values.field(_PACKING) else ():
        start, length = (_number("q", values.of, buffer + part) for part in (0, 8))
        if length:  # it begins with its length unpacked, -1 where it is not packed after all
            total += max(_number("q", body, start), 0)
    return total


def blocks_of(source: Any) -> list[int]:
    """Return where the messages of an Arrow file stand, of which its footer has a list.

    Parameters
    ----------
    source : pyarrow.NativeFile
        The file.

    Raises
    ------
    struct.error
        If it is damaged.
    """
    end = source.size() - _MAGIC - 4
    source.seek(max(end, 0))
    length = _number("i", source.read(4), 0)
    source.seek(max(end - length, 0))
    footer = _Table.root(source.read(max(length, 0)))
    return [_number("q", footer.of, at) for which in _LISTS for at in footer.structs(which, 24)]


def _number(form: str, of: Any, at: int) -> int:
    return int(struct.unpack_from(f"<{form}", of, at)[0])


class _Table:
    """A table of a flatbuffer."""

    def __init__(self, of: Any, at: int) -> None:
        self.of, self.at = of, at

    @classmethod
    def root(cls, of: Any) -> _Table:
        """Return the table that all others hang on."""
        return cls(of, _number("I", of, 0))

    def field(self, which: int) -> int:
        """Return where a field stands, 0 if the table has none."""
        directory, slot = self.at - _number("i", self.of, self.at), 4 + 2 * which
        if slot >= _number("H", self.of, directory):
            return 0
        offset = _number("H", self.of, directory + slot)
        return self.at + offset if offset else 0

    def table(self, which: int) -> _Table:
        """Return the table that a field leads to."""
        at = self.field(which)
        return _Table(self.of, at + _number("I", self.of, at))

    def structs(self, which: int, size: int) -> Iterator[int]:
        """Yield where the structs of a list stand, each of so many bytes."""
        if not (at := self.field(which)):
            return
        start = at + _number("I", self.of, at)
        for number in range(_number("I", self.of, start)):
            yield start + 4 + number * size


def plain(column: Any) -> Any:
    """Return a column with each value in its place, text as the common type of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ExtensionArray):
        return plain(column.storage)
    if pa.types.is_run_end_encoded(column.type):
        return plain(pc.run_end_decode(column))
    if pa.types.is_dictionary(column.type):
        return plain(column.dictionary_decode())
    is_text = pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.string()) if is_text else column


def spelled_out(column: Any) -> int:
    """Return how many bytes a column takes at most, with each value in its place.

    Parameters
    ----------
    column : pyarrow.Array
        Of any type, however it holds others.

    Examples
    --------
    >>> import pyarrow as pa
    >>> spelled_out(pa.DictionaryArray.from_arrays(pa.array([0, 0, 0, 1]), ["x" * 100, "y"]))
    301
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = column.type, pa.types
    size: int | None
    if isinstance(column, pa.ExtensionArray):
        size = spelled_out(column.storage)
    elif types.is_dictionary(kind):
        lengths = _lengths(column.dictionary)
        if lengths is None:
            size = len(column) * spelled_out(column.dictionary)
        else:
            size = pc.sum(lengths.take(column.indices)).as_py()
    elif types.is_run_end_encoded(kind):
        size = len(column) * _longest(column.values)
    elif types.is_list_view(kind) or types.is_large_list_view(kind):
        size = (pc.sum(pc.list_value_length(column)).as_py() or 0) * _longest(column.values)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        start, end = (column.offsets[at].as_py() for at in (0, -1))
        size = CELL_BYTES * len(column) + spelled_out(column.values.slice(start, end - start))
    elif types.is_fixed_size_list(kind):
        size = spelled_out(column.flatten())
    elif types.is_struct(kind):
        size = sum(map(spelled_out, column.flatten()))
    elif types.is_union(kind):
        size = sum(spelled_out(column.field(number)) for number in range(kind.num_fields))
    elif types.is_string_view(kind) or types.is_binary_view(kind):
        size = pc.sum(_lengths(column)).as_py()
    else:
        size = column.nbytes
    return size or 0  # a sum of nothing is None


def _longest(values: Any) -> int:
    """Return how many bytes one of some values takes at most."""
    import pyarrow.compute as pc

    lengths = _lengths(values)
    longest = spelled_out(values) if lengths is None else pc.max(lengths).as_py() or 0
    return max(longest, CELL_BYTES)


def _lengths(values: Any) -> Any:
    """Return how many bytes each value takes, ``None`` where that is not one number for each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = values.type, pa.types
    if types.is_string_view(kind) or types.is_binary_view(
        kind
    ):  # 16 bytes each, first of them its length
        first = 4 * values.offset
        views = np.frombuffer(values.buffers()[1], np.int32)[first : first + 4 * len(values) : 4]
        return pa.array(views.astype(np.int64), mask=~np.asarray(values.is_valid()))
    if (
        types.is_string(kind)
        or types.is_binary(kind)
        or types.is_large_string(kind)
        or types.is_large_binary(kind)
    ):
        return pc.binary_length(values).cast(pa.int64())
    try:
        return pa.repeat(max(kind.bit_width // 8, CELL_BYTES), len(values))
    except ValueError:  # of no width
        return None
