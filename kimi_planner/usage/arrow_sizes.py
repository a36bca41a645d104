"""How much an Arrow file stands for, from what it says of itself, before anything of it is unpacked.

``Message.fbs``, ``File.fbs`` and ``Schema.fbs`` of the Arrow columnar format
(https://arrow.apache.org/docs/format/Columnar.html): flatbuffers, in which a table leads to its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

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
