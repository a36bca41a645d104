"""A column of a table in a file: CSV, JSON lines or Parquet, of others, so within limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kimi_planner.boundary import opening, quoted
from kimi_planner.csv_file import CsvTable
from kimi_planner.errors import FileError, UsageError, Where, WorkloadError, needs, restated, shown
from kimi_planner.files import no_such_file, not_utf8
from kimi_planner.json_text import loaded
from kimi_planner.limits import TEXT_BYTES, UNPACKED_BYTES, UNPACKED_LINE, UNPACKED_TIMES
from kimi_planner.money import exact_decimal
from kimi_planner.packed import open_unpacked
from kimi_planner.usage.paths import refuse_container

_LINES = {".jsonl", ".ndjson"}
_NAMES = 20


def read_column(path: Path, name: object) -> list[Any]:
    """Return the values of a column: numbers where they are, anything else as it stands.

    Raises
    ------
    WorkloadError
        If the file cannot be read, stands for more than it may, or has no such column once.
    MissingExtraError
        If what reads it is not installed.
    """
    if path.suffix == ".parquet":
        return _of_parquet(path, name)
    text = _text(path)
    if not _LINES.isdisjoint(path.suffixes):
        return list(_of_lines(text, path, name))
    table = CsvTable(text, path, WorkloadError)
    _check(name, table.columns, path)
    return [_number(row[str(name)]) for _, row in table]


def _check(name: object, names: tuple[str, ...], path: Path) -> None:
    if names.count(str(name)) != 1:
        has = quoted(", ".join(names[:_NAMES]), 200)
        what = f"two columns {shown(name)}" if name in names else f"no column {shown(name)}"
        raise WorkloadError(f"{path.name} has {what}. It has {has}.")


def _text(path: Path) -> str:
    try:
        with restated(about=path.name, of=FileError, fault=WorkloadError):
            opening(path)
            with restated(of=UsageError, fault=WorkloadError):
                refuse_container(path)
            with open_unpacked(path) as handle:
                raw = handle.read(TEXT_BYTES + 1)
    except FileNotFoundError:
        raise no_such_file(path, WorkloadError) from None
    except OSError as error:
        raise WorkloadError(f"cannot be read ({error.strerror or error}).", at=path) from None
    if len(raw) > TEXT_BYTES:
        raise WorkloadError(f"more than {TEXT_BYTES:,} bytes. Give a sample of it.", at=path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(error, path, fault=WorkloadError) from None


def _number(cell: str) -> Any:
    try:
        return float(exact_decimal(cell.strip()))
    except ValueError:
        return cell


def _of_lines(text: str, path: Path, name: object) -> Iterator[Any]:
    names: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = loaded(line)
        except (ValueError, RecursionError) as error:
            problem = f"not JSON ({error}). Each line must be one whole object."
            raise WorkloadError(problem, at=Where(path, number)) from None
        if not isinstance(row, dict):
            problem = f"{quoted(row)} is not an object. Each line must be one whole object."
            raise WorkloadError(problem, at=Where(path, number))
        if len(names) < _NAMES or name in row:
            names |= dict.fromkeys(row)
        yield row.get(name)
    _check(name, tuple(names), path)


def _of_parquet(path: Path, name: object) -> list[Any]:
    with needs("pyarrow", "corpora"):
        import pyarrow as pa
        from pyarrow import parquet
    opening(path, WorkloadError)
    try:
        file = parquet.ParquetFile(path)
        _check(name, tuple(file.schema_arrow.names), path)
        kind = file.schema_arrow.field(str(name)).type
        most = max(UNPACKED_BYTES, UNPACKED_TIMES * path.stat().st_size)
        if file.metadata.num_rows * UNPACKED_LINE > most:
            raise WorkloadError(
                f"unpacked it is more than {UNPACKED_TIMES} times as long. Give a sample of it.",
                at=path,
            )
        is_number = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        if not any(one(kind) for one in is_number):
            raise WorkloadError(
                f"column {shown(name)} is of type {kind}. A count is a number.", at=path
            )
        values: list[Any] = file.read(columns=[name])[name].to_pylist()
    except FileNotFoundError:
        raise no_such_file(path, WorkloadError) from None
    except (pa.ArrowException, OSError) as error:
        why = " ".join(str(error).split())
        raise WorkloadError(f"cannot be read ({why}).", at=path) from None
    return values
