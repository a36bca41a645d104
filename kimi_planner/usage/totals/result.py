"""Exact totals of tokens by month, model or any column: what a log of any size is priced from.

A total is a handful of whole numbers. Totals of parts of a log add up to the totals of the log,
in any order and however it is cut, so batches, files and the workers of a cluster all agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.meters import Usage
from kimi_planner.errors import UsageError, shown
from kimi_planner.notes import Note
from kimi_planner.rich import Page, Shown
from kimi_planner.usage.lines import MAX_REJECTED_SHOWN
from kimi_planner.usage.totals.columns import Counts, dates_of, usage_of
from kimi_planner.usage.totals.group import TOTALS, Cells, cells_of, merged

#: What a reader of logs may leave out, by its name in ``frame.attrs``.
LEFT_OUT = ("duplicates", "parents", "failures", "other_entries", "incomplete_last_line")


@dataclass(frozen=True, kw_only=True, repr=False)
class UsageTotals(Shown):
    """Exact totals of a usage log by some keys.

    Attributes
    ----------
    by
        Names of the keys, such as ``("month", "model")``.
    cells
        From the values of the keys to the totals, in the order of ``columns``; Python integers. A
        key that a row does not state is ``None``.
    columns
        What is added up: `TOTALS`, and where the log states them tokens written to a cache, the
        part of tokens that was in batches (``batch_prompt_tokens``), and how often fees were due.
    first, last
        First and last time of the log, UTC; ``None`` if it has no dates.
    undated
        How many rows have no date.
    source, rejected, rejected_examples
        Where it was read from; how many rows were left out; some of them in words.
    left_out
        What the reader left out that is no bad row, such as ``duplicates``, with its number.
    notes
        What the reader says of the log, such as that it is partial.
    """

    by: tuple[str, ...]
    cells: Cells = field(repr=False)
    columns: tuple[str, ...] = TOTALS
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    undated: int = 0
    source: str = "usage frame"
    rejected: int = 0
    rejected_examples: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def __add__(self, other: UsageTotals) -> UsageTotals:
        """Add the totals of another part of the log, by the same keys."""
        if self.by != other.by:
            raise UsageError(
                f"Totals by {', '.join(self.by)} and totals by {', '.join(other.by)} cannot be "
                "added. Use the same keys."
            )
        columns = (*TOTALS, *sorted({*self.columns, *other.columns} - set(TOTALS)))
        return UsageTotals(
            by=self.by,
            cells=merged([_in_order(self, columns), _in_order(other, columns)]),
            columns=columns,
            first=min(filter(None, (self.first, other.first)), default=None),
            last=max(filter(None, (self.last, other.last)), default=None),
            undated=self.undated + other.undated,
            source=self.source,
            rejected=self.rejected + other.rejected,
            rejected_examples=(*self.rejected_examples, *other.rejected_examples)[
                :MAX_REJECTED_SHOWN
            ],
            left_out=dict(Counter(self.left_out) + Counter(other.left_out)),
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )

    def over(self, by: str | Sequence[str]) -> UsageTotals:
        """Return the totals by fewer keys.

        Raises
        ------
        UsageError
            If a key is not among those of these totals.
        """
        keys = checked_names(by)
        for key in keys:
            if key not in self.by:
                raise UsageError(
                    f"The totals are not by {shown(key)}, only by {', '.join(self.by)}. Add up the log anew."
                )
        places = [self.by.index(key) for key in keys]
        parts = [{tuple(cell[n] for n in places): sums} for cell, sums in self.cells.items()]
        return replace(self, by=keys, cells=merged(parts))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per combination of keys, ascending; a total past 64 bits is a Python integer."""
        return frame_of(self.by, self.columns, {cell: self.cells[cell] for cell in self.ordered})

    @property
    def total(self) -> dict[str, int]:
        """The totals of the whole log."""
        return {
            name: sum(one[n] for one in self.cells.values()) for n, name in enumerate(self.columns)
        }

    def usage(self, cell: tuple[Any, ...]) -> Usage:
        """Return what the rows of a cell used, by meter.

        Raises
        ------
        UsageError
            If no row has these keys.
        """
        if cell not in self.cells:
            raise UsageError(f"The totals have no {', '.join(self.by)} {shown(cell)}. See frame.")
        return usage_of(dict(zip(self.columns, self.cells[cell], strict=True)))

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day in UTC, ``None`` for a log without dates."""
        if self.first is None or self.last is None:
            return None
        return self.first.tz_convert(UTC).date(), self.last.tz_convert(UTC).date()

    @property
    def ordered(self) -> list[tuple[Any, ...]]:
        """The cells, ascending by their keys; what is not stated comes last."""
        return sorted(
            self.cells,
            key=lambda cell: [(one is None, type(one).__name__, one) for one in cell],
        )

    def page(self) -> Page:
        """Return the totals, and those of the whole log."""
        whole = pd.DataFrame([dict.fromkeys(self.by[:1], "all") | self.total])
        frame = pd.concat([self.frame, *[whole] * (len(self.cells) > 1)], ignore_index=True)
        frame = frame.astype(object)
        for part in ("cached", "reasoning"):  # what no row states is no zero
            frame.loc[frame[f"rows_without_{part}"] == frame["rows"], f"{part}_tokens"] = None
        days = "" if self.days is None else ", {} to {} (UTC)".format(*self.days)
        return Page(
            title=f"Tokens and requests of {self.total['rows']:,} rows{days}, by {', '.join(self.by) or 'nothing'}",
            frame=frame,
            notes=self.notes,
            provenance=self.source,
        )


def totals_of(counts: Counts, by: tuple[str, ...], raw: pd.DataFrame) -> UsageTotals:
    """Add up checked counts; ``raw`` has the columns that a usage frame does not have."""
    times = dates_of(counts.frame)
    columns, cells = cells_of(counts, by, raw)
    attrs = counts.frame.attrs or raw.attrs
    return UsageTotals(
        by=by,
        cells=cells,
        columns=columns,
        first=_known(times.min()),
        last=_known(times.max()),
        undated=int(times.isna().sum()),
        source=str(attrs.get("source", "usage frame")),
        rejected=int(attrs.get("rejected", 0)),
        rejected_examples=tuple(attrs.get("rejected_examples", ())),
        left_out={name: int(attrs[name]) for name in LEFT_OUT if attrs.get(name)},
        notes=tuple(attrs.get("notes", ())),
    )


def _in_order(totals: UsageTotals, columns: tuple[str, ...]) -> Cells:
    if totals.columns == columns:
        return totals.cells
    rows = {
        cell: dict(zip(totals.columns, sums, strict=True)) for cell, sums in totals.cells.items()
    }
    return {cell: tuple(row.get(name, 0) for name in columns) for cell, row in rows.items()}


def frame_of(by: Sequence[str], columns: Sequence[str], cells: Cells) -> pd.DataFrame:
    """Return a row for each cell, its keys and then its totals."""
    keys = {key: pd.Series([cell[n] for cell in cells], dtype=object) for n, key in enumerate(by)}
    totals = [[sums[n] for sums in cells.values()] for n in range(len(columns))]
    return pd.DataFrame(keys | dict(zip(columns, map(_whole_column, totals), strict=True)))


def _whole_column(numbers: list[int]) -> pd.Series[Any]:
    """Return integers as int64, or as Python integers if one needs more than 64 bits."""
    fits = all(abs(number) < 2**63 for number in numbers)
    return pd.Series(numbers, dtype=np.int64 if fits else object)


def checked_names(by: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the keys.

    Raises
    ------
    UsageError
        If ``by`` is not names, each once.
    """
    names: tuple[Any, ...] = (by,) if isinstance(by, str) else tuple(by)
    for name in names:
        if not isinstance(name, str):
            raise UsageError(f"by has {shown(name)}. Give names of columns.")
    if len(set(names)) < len(names):
        raise UsageError(f"by names a column twice ({', '.join(names)}). Keep one.")
    return names


def _known(time: Any) -> pd.Timestamp | None:
    return None if pd.isna(time) else time
