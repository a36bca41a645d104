"""Parquet, Arrow and Feather files, a batch of their rows in memory at a time."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, Where, needs
from kimi_planner.limits import UNPACKED_BYTES, UNPACKED_TIMES
from kimi_planner.usage.arrow_sizes import UnpackedError, blocks_of, plain, spelled_out, unpacked
from kimi_planner.usage.csv_log import refuse_header
from kimi_planner.usage.dialects import GENERIC, dialect_of_columns, spelled
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.parquet_sizes import MOST_BYTES, MOST_ROWS, rows_at_once
from kimi_planner.usage.paths import is_stream
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.table import JSON_CELLS, SAID, Table


def read_arrow(path: Path, rows: Rows) -> Iterator[pd.DataFrame]:
    """Yield the rows of a Parquet or Arrow file, some at a time.

    Raises
    ------
    UsageError
        If it cannot be read, stands for far more than it is long, has no columns of a known form, or a
        bad row and errors are not skipped.
    MissingExtraError
        If pyarrow is not installed.
    """
    with needs("pyarrow", "corpora"):
        import pyarrow as pa
    try:
        most = max(UNPACKED_BYTES, UNPACKED_TIMES * path.stat().st_size)
        start = 1
        for batch in _together(_batches(path, most), most):
            yield from _read_batch(batch, start, rows)
            start += batch.num_rows
    except UnpackedError:
        raise UsageError(
            f"unpacked it is more than {UNPACKED_TIMES} times as long, which no log is. Write it "
            "without compression, if you trust it.",
            at=path,
        ) from None
    except (
        pa.ArrowException, OSError, EOFError, RecursionError, UnicodeDecodeError, struct.error
    ) as error:  # fmt: skip
        raise UsageError(f"cannot be read ({' '.join(str(error).split())}).", at=path) from None


def _together(batches: Iterator[Any], most: int) -> Iterator[Any]:
    """Yield batches of some rows each, however few or many there were in one."""
    total = rows = size = 0
    waiting: list[Any] = []
    for batch in batches:
        batch.validate(
            full=True
        )  # that text is UTF-8, and no column longer than what there is of it
        taken = sum(map(spelled_out, batch.columns))
        total += taken
        if total > most:
            raise UnpackedError
        if rows + batch.num_rows > MOST_ROWS or size + taken > MOST_BYTES:
            yield from _joined(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + taken
    yield from _joined(waiting)


def _joined(batches: list[Any]) -> Iterator[Any]:
    import pyarrow as pa

    if len(batches) > 1:
        with suppress(pa.ArrowNotImplementedError):  # for rare types
            batches = pa.Table.from_batches(batches).combine_chunks().to_batches()
    for batch in batches:
        for row in range(0, batch.num_rows, MOST_ROWS):
            yield batch.slice(row, MOST_ROWS)


def _batches(path: Path, most: int) -> Iterator[Any]:
    from pyarrow import feather

    with path.open("rb") as handle:
        magic = handle.read(4)
        if magic == b"PAR1":
            yield from _of_parquet(path, handle, most)
        elif magic == b"FEA1":
            yield from feather.read_table(path, memory_map=False).to_batches()
        else:
            yield from _of_messages(path, most)


def _of_parquet(path: Path, handle: BinaryIO, most: int) -> Iterator[Any]:
    """Yield the batches of a Parquet file: only what is looked at is read, the rest is there as nothing."""
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(path, pre_buffer=False)
    names, leaves = file.schema_arrow.names, map(file.schema.column, range(len(file.schema)))
    read = [name for name in names if not _is_said(name, _wanted(names))]
    rows = rows_at_once(handle, file.metadata, read, most)
    lists = [
        one.path for one in leaves if one.max_repetition_level and one.physical_type == "BYTE_ARRAY"
    ]
    file = parquet.ParquetFile(path, pre_buffer=False, read_dictionary=lists)
    left = sum(file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups))
    for batch in file.iter_batches(rows, columns=read):
        left -= batch.num_rows
        if left < 0:
            raise UnpackedError
        there = dict(zip(batch.schema.names, batch.columns, strict=True))
        nothing = pa.nulls(batch.num_rows)
        yield pa.RecordBatch.from_arrays([there.get(name, nothing) for name in names], names)


def _of_messages(path: Path, most: int) -> Iterator[Any]:
    """Yield the batches of an Arrow file or stream."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        if is_stream(path):
            _refuse_over(most, map(unpacked, pa.ipc.MessageReader.open_stream(source)))
            source.seek(0)
            yield from pa.ipc.open_stream(source)
        else:
            _refuse_over(most, map(unpacked, _listed(source)))
            file = pa.ipc.open_file(source)
            yield from map(file.get_batch, range(file.num_record_batches))


def _listed(source: Any) -> Iterator[Any]:
    """Yield the messages that the footer of an Arrow file lists; some begin with none that is read."""
    import pyarrow as pa

    for place in blocks_of(source):
        source.seek(place)
        yield pa.ipc.read_message(source)


def _refuse_over(most: int, sizes: Iterator[int]) -> None:
    total = 0
    for size in sizes:
        total += size
        if total > most:
            raise UnpackedError


def _wanted(names: list[str]) -> tuple[str, ...]:
    return wanted_of(dialect_of_columns(map(spelled, names)))


def _is_said(name: str, wanted: tuple[str, ...]) -> bool:
    return spelled(name) in SAID and not any(one.startswith(f"{spelled(name)}.") for one in wanted)


def _read_batch(batch: Any, start: int, rows: Rows) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    names = batch.schema.names
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise UsageError(
            f"a column stands there twice ({', '.join(doubled)}). Keep one.", at=rows.file
        )
    table = Table(np.arange(start, start + batch.num_rows))
    wanted = _wanted(names)
    for name, stored in zip(names, batch.columns, strict=True):
        if _is_said(name, wanted):
            continue
        column = plain(stored)
        kind = column.type
        if pa.types.is_timestamp(kind):
            table.add(name, column.to_pandas())
        elif pa.types.is_string(kind):
            text = column.fill_null("")
            if spelled(name).endswith(JSON_CELLS):
                table.open([{name: value or None} for value in text.to_pylist()], wanted)
            else:
                table.add(name, text)
        elif pa.types.is_nested(kind) or pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
            values = column.to_pylist(maps_as_pydicts="lossy")
            table.open([{name: _plain(value)} for value in values], wanted)
        else:
            table.add(name, column)
    dialect = dialect_of_columns(table.names)
    rows.columns = tuple(table.columns)
    if dialect.name == GENERIC:
        refuse_header(table, batch.schema.names, rows, Where(rows.file))
    read_table(table, dialect, rows, name="usage table" if dialect.name == GENERIC else "")
    yield from rows.settle()


def _plain(value: Any) -> Any:
    """Return a value of Arrow as JSON would have it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
