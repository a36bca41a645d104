"""The rows of a table of evaluations, from a CSV file or a frame, in one of two forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.errors import EvaluationError, Where, did_you_mean, shown
from kimi_planner.files import read_text

__all__ = ["TOKENS", "Table"]

MAX_BYTES = 500_000_000
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
SUMMARY = ("workload", "model", "successes", "trials")
ITEMS = ("workload", "model", "item", "success")


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
    rows: Iterator[tuple[str, Mapping[str, Any]]]

    @classmethod
    def of(cls, source: object) -> Table:
        """Open a CSV file or a frame."""
        if isinstance(source, pd.DataFrame):
            columns = tuple(map(str, source.columns))
            cells: Any = source.itertuples(index=False, name=None)
            rows = (
                (Where("evaluations", number, "row"), dict(zip(columns, row, strict=True)))
                for number, row in enumerate(cells, 1)
            )
            return cls("evaluations", columns, rows)
        if isinstance(source, str | Path):
            return cls._of_lines(str(source), _records(source))
        raise EvaluationError(f"evaluations is {shown(source)}. Give a CSV file or a DataFrame.")

    @classmethod
    def _of_lines(cls, name: str, records: Iterator[tuple[int, list[str]]]) -> Table:
        _, header = next(records, (0, None))
        if header is None:
            raise EvaluationError("the file is empty. Start with a line of column names.", at=name)
        columns = tuple(cell.strip() for cell in header)

        def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
            for line, cells in records:
                if len(cells) != len(columns):
                    raise EvaluationError(
                        f"{len(cells)} fields where the header has "
                        f"{len(columns)}. Correct the row.",
                        at=Where(name, line),
                    )
                yield Where(name, line), dict(zip(columns, cells, strict=True))

        return cls(name, columns, rows())

    def is_by_item(self) -> bool:
        """Whether the table has a row for each task; refuse columns of neither form."""
        found = set(self.columns)
        for name in self.columns:
            if self.columns.count(name) > 1:
                raise EvaluationError(f"two columns are called {shown(name)}.", at=self.source)
        summary = found & {"successes", "trials"}
        by_item = found & {"item", "success", *TOKENS}
        if summary and by_item:
            raise EvaluationError(
                f"column {min(summary)!r} is of a summary and {min(by_item)!r} of "
                "single items. Give one form in a file.",
                at=self.source,
            )
        known = (*ITEMS, *TOKENS) if by_item else SUMMARY
        needed = [*(ITEMS if by_item else SUMMARY)]
        if found & set(TOKENS):
            needed += ["prompt_tokens", "completion_tokens"]
        for name in self.columns:
            if name not in known:
                raise EvaluationError(
                    f"unknown column {shown(name)}.{did_you_mean(name, known)} Known "
                    f"columns: {_listed(SUMMARY)}; or {_listed((*ITEMS, *TOKENS))}.",
                    at=self.source,
                )
        for name in needed:
            if name not in found:
                raise EvaluationError(
                    f"no column {name!r}. It has {_listed(self.columns) or 'none'}.", at=self.source
                )
        return bool(by_item)


def _records(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file with the line on which each begins; blank lines left out."""
    reader = csv.reader(io.StringIO(read_text(path, limit=MAX_BYTES), newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise EvaluationError(f"not CSV ({error}).", at=Where(path, line)) from None
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
