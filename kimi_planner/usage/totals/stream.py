"""Logs larger than memory: folders of Parquet, CSV and other logs, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import pandas as pd

from kimi_planner.errors import UsageError, Where, needs
from kimi_planner.files import Progress
from kimi_planner.usage.frame import checked_rows, is_column, is_count
from kimi_planner.usage.lines import Rejects
from kimi_planner.usage.read import MAX_REJECTED_SHOWN, read_usage
from kimi_planner.usage.totals.columns import counts_of
from kimi_planner.usage.totals.group import DERIVED, checked_keys, refuse_unknown_keys
from kimi_planner.usage.totals.result import UsageTotals, totals_of

__all__ = ["files_of", "is_streamed", "totals_of_file", "totals_of_part"]

OnError = Literal["raise", "skip"]
Wanted = Callable[[list[str]], list[str]]

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".csv.zst")
_BATCH_ROWS = 2**17
_BATCH_BYTES = 2**23
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def is_streamed(path: Path, by: tuple[str, ...]) -> bool:
    """Whether a source is read in batches: a folder, Parquet, or CSV of which more is asked."""
    if path.is_dir() or path.name.lower().endswith(_PARQUET):
        return True
    more = set(by) - {*DERIVED, "model"}
    return bool(more) and path.name.lower().endswith(_CSV)


def files_of(path: Path) -> list[Path]:
    """Return the logs of a folder in the order of their names, or the file itself.

    Raises
    ------
    UsageError
        If the folder has no file. Names that start with a dot or an underscore are no logs.
    """
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part[0] in "._" for part in file.relative_to(path).parts)
    )
    if not found:
        raise UsageError("the folder has no logs in it.", at=path)
    return found


def totals_of_file(
    path: Path,
    by: tuple[str, ...],
    on_error: OnError,
    *,
    root: Path,
    progress: Progress | None = None,
) -> UsageTotals:
    """Add up one file; the names of folders below ``root`` may state columns, ``team=search``."""
    stated = _partition(path, root)
    name = path.name.lower()
    if not name.endswith((*_PARQUET, *_CSV)):
        checked = read_usage(path, on_error=on_error, progress=progress)
        raw = checked.assign(
            **{k: v for k, v in stated.items() if k not in checked or k == "model"}
        )
        return totals_of(counts_of(raw), by, raw)
    sums = UsageTotals(by=by, cells={})
    rejects = Rejects.of(on_error)
    start = 0
    for batch in _batches(path, by, stated, rejects):
        frame = batch.assign(**stated)
        sums += totals_of_part(frame, by, str(path), on_error, start=start)
        start += len(frame)
    if progress is not None:
        size = path.stat().st_size
        progress(size, size)
    return _rejected(UsageTotals(by=by, cells={}, source=str(path)), rejects) + sums


def totals_of_part(
    raw: pd.DataFrame, by: tuple[str, ...], source: str, on_error: OnError, *, start: int = 0
) -> UsageTotals:
    """Add up one batch whose rows are not yet checked; its first row is row ``start`` + 1.

    Raises
    ------
    UsageError
        If a row is bad and errors are not skipped.
    """

    def place(row: int) -> Where:
        return Where(source, start + row + 1 if row >= 0 else None, "row")

    if {"timestamp", "timestamp_s"} <= set(raw):
        raise UsageError(f"{source}: there are both timestamp and timestamp_s. Keep one.")
    rejects = Rejects.of(on_error)
    raw = raw.reset_index(drop=True)
    checked, good = checked_rows(raw, place, rejects)
    if checked.empty:
        checked_keys(checked, by, raw)
        totals = UsageTotals(by=by, cells={})
    else:
        totals = totals_of(counts_of(checked), by, raw[good].reset_index(drop=True))
    return _rejected(replace(totals, source=source), rejects)


def _rejected(totals: UsageTotals, rejects: Rejects) -> UsageTotals:
    """Return the totals with the number of bad rows that were left out of them."""
    examples = tuple(rejects.messages[:MAX_REJECTED_SHOWN])
    return replace(totals, rejected=len(rejects.messages), rejected_examples=examples)


def _partition(path: Path, root: Path) -> dict[str, str | None]:
    if path == root:
        return {}
    pairs = (part.partition("=") for part in path.relative_to(root).parts[:-1])
    return {
        unquote(key): None if value == _NO_VALUE else unquote(value)
        for key, sign, value in pairs
        if sign
    }


def _batches(
    path: Path, by: tuple[str, ...], stated: dict[str, str | None], rejects: Rejects
) -> Iterator[pd.DataFrame]:
    """Yield the wanted columns of a file, some rows at a time."""
    with needs("pyarrow", "corpora"):
        import pyarrow as pa

    def wanted(names: list[str]) -> list[str]:
        refuse_unknown_keys(by, [*names, *stated])
        keys = {"timestamp_s", *by}
        return [name for name in names if (name in keys or is_column(name)) and name not in stated]

    read = _parquet if path.name.lower().endswith(_PARQUET) else _csv
    try:
        for batch in read(path, wanted, rejects):
            names = batch.schema.names
            yield pd.DataFrame({name: _column(name, batch[name], pa) for name in names})
    except (pa.ArrowException, OSError) as error:
        message = " ".join(str(error).split())
        raise UsageError(f"cannot be read ({message}).", at=path) from None


def _parquet(path: Path, wanted: Wanted, _rejects: Rejects) -> Iterator[Any]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        yield from file.iter_batches(_BATCH_ROWS, columns=wanted(file.schema_arrow.names))


def _csv(path: Path, wanted: Wanted, rejects: Rejects) -> Iterator[Any]:
    """Yield batches of text, so that a bad cell can be named; an empty one is missing."""
    import pyarrow as pa
    from pyarrow import csv

    def ragged(row: Any) -> str:
        if not rejects.skip:
            return "error"
        rejects.add(
            Where(path, row.number),
            f"{row.actual_columns} fields where the header has {row.expected_columns}. Correct the row.",
        )
        return "skip"

    anything = csv.ParseOptions(invalid_row_handler=lambda _: "skip")
    with csv.open_csv(path, parse_options=anything) as opened:
        header = opened.schema.names
    with csv.open_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False, block_size=_BATCH_BYTES),
        parse_options=csv.ParseOptions(invalid_row_handler=ragged),
        convert_options=csv.ConvertOptions(
            include_columns=wanted(header),
            column_types=dict.fromkeys(header, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    ) as opened:
        yield from opened


def _column(name: str, values: Any, pa: Any) -> Any:
    """Return one column; text of counts or times becomes that, where all of a batch can."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    meant = pa.int64() if is_count(name) else {"timestamp": pa.timestamp("us", "UTC")}.get(name)
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if meant is not None and (is_text or pa.types.is_null(values.type)):
        with suppress(pa.ArrowInvalid):  # other spellings, and errors, are for the check of rows
            values = values.cast(meant)
    return values.to_pandas()
