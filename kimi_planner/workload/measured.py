"""Values that were measured, as a quantity: counts of the calls of a log, a list, a Series, or a column of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kimi_planner.boundary import opening, quoted
from kimi_planner.csv_file import CsvTable
from kimi_planner.errors import FileError, UsageError, Where, WorkloadError, needs, restated, shown
from kimi_planner.files import no_such_file, not_utf8
from kimi_planner.json_text import loaded
from kimi_planner.limits import TEXT_BYTES, UNPACKED_BYTES, UNPACKED_LINE, UNPACKED_TIMES
from kimi_planner.money import exact_decimal
from kimi_planner.packed import STANDARD_INPUT, open_unpacked
from kimi_planner.usage.paths import refuse_container
from kimi_planner.usage.read import read_usage
from kimi_planner.workload.check import refused
from kimi_planner.workload.quantity import Empirical, Quantity, number_text

if TYPE_CHECKING:
    import pandas as pd

#: Quantities of a workload that a log shows.
LOGGED_KEYS = ("prompt_tokens", "completion_tokens", "reasoning_tokens")


def per_request(frame: pd.DataFrame, key: str, *, given: str) -> Empirical | None:
    """Return how a token count differs between the calls of a log.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as `read_usage` returns it. A row of several requests counts as that many
        requests of its average size.
    key : {"prompt_tokens", "completion_tokens", "reasoning_tokens"}
        In a workload, ``completion_tokens`` are the visible answer, so reasoning is taken off; if
        only some rows state it, the others do not tell how long their answer was.
    given : str
        Where the values come from, in words.

    Returns
    -------
    Empirical or None
        ``None`` if no row states this count.
    """
    tokens = logged_tokens(frame, key)
    known = ~np.isnan(tokens)
    if not known.any():
        return None
    requests = frame["requests"].to_numpy(dtype=np.float64)[known]
    return Empirical.from_values(tokens[known] / requests, requests, given=given)


def logged_tokens(frame: pd.DataFrame, key: str) -> NDArray[np.float64]:
    """Return the tokens that a workload calls by this key in each row; NaN where it does not say."""
    counts = frame[key].astype("Float64")
    if key == "completion_tokens" and frame["reasoning_tokens"].notna().any():
        counts = counts - frame["reasoning_tokens"].astype("Float64")
    tokens = counts.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(frame["requests"] > 0, tokens, np.nan)


class Column(Protocol):
    """A column of a frame, such as a Series."""

    def to_numpy(self) -> Any:
        """Return its values."""


#: What values may be given as.
Values = Sequence[Any] | NDArray[Any] | Column


def is_values(value: object) -> bool:
    """Whether something is a list, an array or a Series of values."""
    return isinstance(value, list | tuple | np.ndarray) or all(
        hasattr(value, name) for name in ("to_numpy", "__len__")
    )


def from_values(key: str, values: Any, low: Decimal, high: Decimal, given: str) -> Quantity:
    """Return the distribution of values, each equally likely.

    Raises
    ------
    WorkloadError
        If there is none, or one is missing, no number or not plausible; the message says which.
    """
    if hasattr(values, "columns"):
        raise WorkloadError(f"{key} is {shown(values)}. Give one column of it.")
    # a Series may hold missing values of types that become no float
    listed = values.astype("object").tolist() if hasattr(values, "astype") else list(values)
    numbers = np.full(len(listed), np.nan)
    for at, value in enumerate(listed):
        if not isinstance(value, bool | str):
            with suppress(TypeError, ValueError, OverflowError):  # what is missing stays no number
                numbers[at] = float(value)
    if not len(numbers):
        raise WorkloadError(f"{key} has no values ({given}). Give one at least.")
    bad = np.flatnonzero(~((numbers >= float(low)) & (numbers <= float(high))))
    if len(bad):
        raise WorkloadError(
            f"{key}, value {bad[0] + 1} of {len(numbers)} is {quoted(listed[bad[0]])} ({given}). Every value "
            f"must be a number from {number_text(low)} to {number_text(high)}; leave out rows without one."
        )
    return Empirical.from_values(numbers, given=given)


def from_file(
    key: str, path: object, column: object, folder: Path, low: Decimal, high: Decimal
) -> Quantity:
    """Return how a count differs between the calls of a usage log, or the rows of a table.

    Parameters
    ----------
    column
        Of a table in CSV, JSON lines or Parquet; ``None`` for a usage log, which is read for the key.

    Raises
    ------
    WorkloadError
        If the file or the column cannot be read, or does not state the count.
    """
    if not isinstance(path, str) or not path or folder / path == STANDARD_INPUT:
        raise refused(f"{key}.from", path, "It must be the path of a usage log or a table.")
    if column is not None:
        with restated(about=f"{key}.from", of=WorkloadError):
            values = read_column(folder / path, column)
        return from_values(key, values, low, high, f"column {json.dumps(column)} of {path}")
    if key not in LOGGED_KEYS:
        raise WorkloadError(
            f"{key} cannot be taken from a log. Only {', '.join(LOGGED_KEYS)} can; name a column of a "
            'table: { from = "calls.csv", column = "turns" }.'
        )
    with restated(about=f"{key}.from", of=UsageError, fault=WorkloadError):
        logged = per_request(read_usage(folder / path), key, given=f"log {path}")
    if logged is None:
        raise WorkloadError(f"{key}.from: {path} does not say how many {key} a call has.")
    return logged


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
