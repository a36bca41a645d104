"""The rows of a table of evaluations, from a CSV file or a frame, in one of two forms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.csv_file import CsvTable
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
            columns = tuple(str(cell).strip() for cell in source.columns)
            return cls("evaluations", columns, _frame_rows(source, columns))
        if not isinstance(source, str | Path):
            raise EvaluationError(
                f"evaluations is {shown(source)}. Give a CSV file or a DataFrame."
            )
        file = CsvTable(read_text(source, limit=TEXT_BYTES), source, EvaluationError)
        if not file.columns:
            raise EvaluationError(
                "the file is empty. Start with a line of column names.", at=source
            )
        return cls(str(source), file.columns, iter(file))

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


def _frame_rows(
    frame: pd.DataFrame, columns: tuple[str, ...]
) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    rows: Any = frame.itertuples(index=False, name=None)
    for number, cells in enumerate(rows, 1):
        yield Where("evaluations", number, "row"), dict(zip(columns, cells, strict=True))
