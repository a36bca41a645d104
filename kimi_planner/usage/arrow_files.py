"""Parquet, Arrow and Feather files, a batch of their rows in memory at a time."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, Where, needs
from kimi_planner.limits import UNPACKED_BYTES, UNPACKED_TIMES
from kimi_planner.usage.arrow_sizes import CELL_BYTES, blocks_of, unpacked
from kimi_planner.usage.csv_log import refuse_header
from kimi_planner.usage.dialects import GENERIC, dialect_of_columns, spelled
from kimi_planner.usage.fields import wanted_of
from kimi_planner.usage.paths import is_stream
from kimi_planner.usage.reading import read_table
from kimi_planner.usage.rows import Rows
from kimi_planner.usage.table import JSON_CELLS, SAID, Table

_BATCH_ROWS = 1 << 15


class _UnpackedError(Exception):
    """A file stands for more than it may."""


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
        for batch in _batches(path, most):
            yield from _read_batch(batch, start, rows, most)
            start += batch.num_rows
    except _UnpackedError:
        raise UsageError(
            f"unpacked it is more than {UNPACKED_TIMES} times as long, which no log is. Write it "
            "without compression, if you trust it.",
            at=path,
        ) from None
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, struct.error) as error:
        raise UsageError(f"cannot be read ({' '.join(str(error).split())}).", at=path) from None


def _batches(path: Path, most: int) -> Iterator[Any]:
    from pyarrow import feather, parquet

    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic == b"PAR1":
        file = parquet.ParquetFile(path, pre_buffer=False)
        text = [
            one.name for one in file.schema_arrow if str(one.type) in ("string", "large_string")
        ]
        told = file.metadata
        groups = map(told.row_group, range(told.num_row_groups))
        columns = (group.column(n) for group in groups for n in range(group.num_columns))
        _refuse_over(
            most,
            (max(one.total_uncompressed_size, one.num_values * CELL_BYTES) for one in columns),
        )
        file = parquet.ParquetFile(path, pre_buffer=False, read_dictionary=text)
        yield from file.iter_batches(_BATCH_ROWS)
    elif magic == b"FEA1":
        yield from feather.read_table(path, memory_map=False).to_batches(_BATCH_ROWS)
    else:
        yield from _messages(path, most)


def _messages(path: Path, most: int) -> Iterator[Any]:
    """Yield the batches of an Arrow file or stream."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        if is_stream(path):
            _refuse_over(most, map(unpacked, pa.ipc.MessageReader.open_stream(source)))
            source.seek(0)
            batches = iter(pa.ipc.open_stream(source))
        else:
            _refuse_over(most, map(unpacked, _listed(source)))
            file = pa.ipc.open_file(source)
            batches = map(file.get_batch, range(file.num_record_batches))
        for batch in batches:
            for row in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(row, _BATCH_ROWS)


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
            raise _UnpackedError


def _spelled_out(column: Any, most: int) -> Any:
    """Return a column of a dictionary with each value in its place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type.value_type) or pa.types.is_large_string(
        column.type.value_type
    ):
        lengths = pc.binary_length(column.dictionary).cast(pa.int64())
        if (pc.max(lengths).as_py() or 0) * len(column) > most:  # else none is over it
            _refuse_over(most, iter([pc.sum(lengths.take(column.indices)).as_py() or 0]))
    return column.dictionary_decode()


def _read_batch(batch: Any, start: int, rows: Rows, most: int) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    names = batch.schema.names
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise UsageError(
            f"a column stands there twice ({', '.join(doubled)}). Keep one.", at=rows.file
        )
    table = Table(np.arange(start, start + batch.num_rows))
    wanted = wanted_of(dialect_of_columns(map(spelled, names)))
    for name, stored in zip(names, batch.columns, strict=True):
        if spelled(name) in SAID and not any(one.startswith(f"{spelled(name)}.") for one in wanted):
            continue
        column = _spelled_out(stored, most) if pa.types.is_dictionary(stored.type) else stored
        kind = column.type
        if pa.types.is_timestamp(kind):
            table.add(name, column.to_pandas())
        elif pa.types.is_large_string(kind) or pa.types.is_string(kind):
            column.validate(full=True)  # that it is UTF-8
            text = column.cast(pa.string()).fill_null("")
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
