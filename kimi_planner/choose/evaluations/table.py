"""The rows of a table of evaluations, from a CSV file or a frame, in one of two forms."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.errors import EvaluationError, Where, did_you_mean, shown
from kimi_planner.files import read_text
from kimi_planner.limits import TEXT_BYTES

TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
AMOUNTS = ("cost_usd", "seconds", "score_before", "score_after")
SUMMARY = ("workload", "model", "successes", "trials")
ITEMS = ("workload", "model", "item", "success")


def is_missing(value: object) -> bool:
    """Whether a cell is empty, in a file or a frame."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


@dataclass(frozen=True)
class Table:
    """Named columns, and rows that know where they stand.

    Attributes
    ----------
    source, columns
        Name of the file or frame, and of its columns.
    rows
        Where a row stands, in words, and its cells by column.
    """

    source: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[Where, Mapping[str, Any]]]

    @classmethod
    def of(cls, source: object) -> Table:
        """Open a CSV file or a frame."""
        if isinstance(source, pd.DataFrame):
            name, records = "evaluations", _frame_records(source)
        elif isinstance(source, str | Path):
            name, records = str(source), _file_records(source)
        else:
            raise EvaluationError(
                f"evaluations is {shown(source)}. Give a CSV file or a DataFrame."
            )
        _, header = next(records, (name, None))
        if header is None:
            raise EvaluationError("the file is empty. Start with a line of column names.", at=name)
        columns = tuple(str(cell).strip() for cell in header)
        rows = ((where, _by_column(columns, where, cells)) for where, cells in records)
        return cls(name, columns, rows)

    def check(self, known: Sequence[str], needed: Sequence[str], words: str = "") -> None:
        """Refuse columns that are unknown, missing or there twice."""
        for name in self.columns:
            if self.columns.count(name) > 1:
                raise EvaluationError(f"two columns are called {shown(name)}.")
            if name not in known:
                raise EvaluationError(
                    f"unknown column {shown(name)}.{did_you_mean(name, known)} Known "
                    f"columns: {words or ', '.join(known)}."
                )
        for name in needed:
            if name not in self.columns:
                raise EvaluationError(
                    f"no column {name!r}. It has {', '.join(self.columns) or 'none'}."
                )

    def is_by_item(self) -> bool:
        """Whether the table has a row for each task; refuse columns of neither form."""
        summary = {"successes", "trials"}.intersection(self.columns)
        by_item = {"item", "success", *TOKENS, *AMOUNTS}.intersection(self.columns)
        if summary and by_item:
            raise EvaluationError(
                f"column {min(summary)!r} is of a summary and {min(by_item)!r} of "
                "single items. Give one form in a file."
            )
        needed = list(ITEMS if by_item else SUMMARY)
        if by_item.intersection(TOKENS):
            needed += ["prompt_tokens", "completion_tokens"]
        known = (*ITEMS, *TOKENS, *AMOUNTS)
        self.check(
            known if by_item else SUMMARY, needed, f"{', '.join(SUMMARY)}; or {', '.join(known)}"
        )
        return bool(by_item)


Record = tuple[Where, Sequence[Any]]


def _by_column(columns: Sequence[str], where: Where, cells: Sequence[Any]) -> Mapping[str, Any]:
    if len(cells) != len(columns):
        raise EvaluationError(
            f"{len(cells)} fields where the header has {len(columns)}. Correct the row.", at=where
        )
    return dict(zip(columns, cells, strict=True))


def _frame_records(frame: pd.DataFrame) -> Iterator[Record]:
    rows: Any = frame.itertuples(index=False, name=None)
    for number, cells in enumerate([tuple(frame.columns), *rows]):
        yield Where("evaluations", number, "row"), cells


def _file_records(path: str | Path) -> Iterator[Record]:
    """Yield the rows of a CSV file with the line on which each begins; blank lines left out."""
    reader = csv.reader(io.StringIO(read_text(path, limit=TEXT_BYTES), newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Where(path, line), cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise EvaluationError(f"not CSV ({error}).", at=Where(path, line)) from None
