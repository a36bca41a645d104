"""How much a Parquet file stands for, from the headers of its pages: what its footer says may be untrue.

``parquet.thrift`` of the format (https://github.com/apache/parquet-format): before each page stands a
struct in Thrift's compact protocol.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from kimi_planner.usage.arrow_sizes import CELL_BYTES, UnpackedError

#: So many rows are taken at once, and no more than may take so many bytes.
MOST_ROWS = 1 << 15
MOST_BYTES = 1 << 27
#: A header is mostly short, and never longer than the other.
_HEADER_BYTES = (1 << 9, 1 << 24)
#: Of a header: of which kind its page is, size, and size packed.
_KIND, _SIZE, _PACKED = 1, 2, 3
#: By kind: what says more of it, and there, by which number, how its values are written.
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3
_MORE = {_DATA: (5, 2), _DICTIONARY: (7, 2), _DATA_2: (8, 4)}
#: A value begins as the one before does, and says but how much of it.
_DELTA_BYTE_ARRAY = 7
#: Types of Thrift.
_TRUE, _FALSE, _BYTE, _WHOLE, _FLOAT, _BYTES, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, 12


def rows_at_once(handle: BinaryIO, told: Any, names: Collection[str], most: int) -> int:
    """Return how many rows may be taken at once, whatever they hold.

    Parameters
    ----------
    handle : file
        The file.
    told : pyarrow.parquet.FileMetaData
        What its footer says.
    names : collection of str
        Columns that will be read.
    most : int
        How many bytes all of it may take.

    Raises
    ------
    UnpackedError
        If it takes more.
    struct.error
        If it is damaged.
    """
    groups = [told.row_group(number) for number in range(told.num_row_groups)]
    total = CELL_BYTES * sum(max(group.num_rows, 0) for group in groups)
    longest = Counter[int]()
    for leaf, size, length in _sizes(handle, groups, told.schema):
        total += size
        if total > most:
            raise UnpackedError
        longest[leaf] = max(longest[leaf], length)
    leaves = map(told.schema.column, longest)
    row = sum(
        longest[n] for n, leaf in zip(longest, leaves, strict=True)
        if _is_below(leaf.path, names) and not leaf.max_repetition_level
    )  # fmt: skip
    return max(1, min(MOST_ROWS, MOST_BYTES // max(row, 1)))


def _is_below(path: str, names: Collection[str]) -> bool:
    """Return whether a path is of one of some columns."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


class _Page(NamedTuple):
    """What a header says: where its page starts, of which kind it is, and how its values are written."""

    start: int
    kind: int
    size: int
    packed: int
    values: int
    how: int


def _sizes(handle: BinaryIO, groups: list[Any], schema: Any) -> Iterator[tuple[int, int, int]]:
    """Yield which leaf takes how many bytes more, and how long a value of it may be that is stored once."""
    for group in groups:
        for leaf in range(group.num_columns):
            column, width = group.column(leaf), schema.column(leaf).length
            is_flat = not schema.column(leaf).max_repetition_level
            if is_flat and column.num_values != group.num_rows:
                raise struct.error(
                    f"its footer says {group.num_rows:,} rows and {column.num_values:,} values of them"
                )
            size = values = 0
            for page in _pages(handle, column):
                yield leaf, page.size, width
                size += page.size
                if page.kind == _DICTIONARY and column.physical_type == "BYTE_ARRAY":
                    yield leaf, 0, _longest(handle, page, column.compression)
                elif page.kind != _DICTIONARY:
                    values += page.values
                    yield leaf, 0, page.size if page.how == _DELTA_BYTE_ARRAY else 0
            yield leaf, max(values * max(width, CELL_BYTES) - size, 0), 0


def _pages(handle: BinaryIO, column: Any) -> Iterator[_Page]:
    """Yield the pages of a column; as Arrow does, until all values are there."""
    at, first, values = column.data_page_offset, column.dictionary_page_offset, 0
    at = first if first and 0 < first < at else at
    end = at + column.total_compressed_size
    while values < column.num_values:
        header, at = _header(handle, at)
        kind, size, packed = (header.get(number, -1) for number in (_KIND, _SIZE, _PACKED))
        more, how = _MORE.get(kind, (0, 0))
        said = header.get(more)
        said = said if isinstance(said, dict) else {}
        page = _Page(at, kind, size, packed, said.get(1, 0), said.get(how, 0))
        if min(page) < 0:
            raise struct.error(f"no header of a page before byte {at}")
        yield page
        values += page.values if kind != _DICTIONARY else 0
        at += packed
    if values != column.num_values or (at < end and _is_page(handle, at)):
        raise struct.error(f"its footer says {column.num_values:,} values of a column with more")


def _is_page(handle: BinaryIO, at: int) -> bool:
    """Whether values go on after those that the footer says; older writers say another length."""
    try:
        header, _ = _header(handle, at)
    except struct.error:
        return False
    return header.get(_KIND) in _MORE


def _longest(handle: BinaryIO, page: _Page, how: str) -> int:
    """Return the length of the longest text of a dictionary, in which each stands after its length."""
    import pyarrow as pa

    handle.seek(page.start)
    texts = handle.read(page.packed)
    if how != "UNCOMPRESSED":
        try:
            texts = pa.decompress(texts, page.size, how.lower(), asbytes=True)
        except (pa.ArrowException, ValueError, OSError):  # not by us
            return page.size
    at = longest = 0
    step = 4 + int.from_bytes(texts[:4], "little")
    if len(texts) == step * page.values:  # such as ids of one length
        lengths = np.frombuffer(texts, np.uint8).reshape(-1, step)[:, :4]
        if (lengths == lengths[0]).all():
            return step
    while at < len(texts):
        length = int.from_bytes(texts[at : at + 4], "little")
        longest = max(longest, length)
        at += 4 + length
    return longest


def _header(handle: BinaryIO, at: int) -> tuple[dict[int, Any], int]:
    for length in _HEADER_BYTES:
        handle.seek(at)
        data = handle.read(length)
        try:
            header, end = _struct(data, 0)
        except IndexError:
            continue
        return header, at + end
    raise struct.error(f"no header of a page at byte {at}")


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by their numbers, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _whole(data, at)
        kind = head & 15
        if kind in _WHOLE:
            fields[number], at = _whole(data, at)
        elif kind == _STRUCT:
            fields[number], at = _struct(data, at)
        elif kind == _BYTES:
            twice, at = _whole(data, at, is_signed=False)
            at += twice
        elif kind in (_BYTE, _FLOAT):
            at += 1 if kind == _BYTE else 8
        elif kind not in (_TRUE, _FALSE):
            raise struct.error(f"no header of a page (a field of type {kind})")
    return fields, at + 1


def _whole(data: bytes, at: int, *, is_signed: bool = True) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return (value >> 1) ^ -(value & 1) if is_signed else value, at
    raise struct.error("no header of a page (a number without end)")
