"""The result of a reconciliation: every part of the difference, and the tables read off it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import pandas as pd

from kimi_planner.money import plain, total
from kimi_planner.notes import Note
from kimi_planner.reconcile.causes import CAUSES
from kimi_planner.rich import frame_html, page_html

__all__ = ["NOT_SEEN", "SIMULATION", "UNPLANNED", "Compared", "Reconciliation"]

#: What the plan says beyond its expected tokens at its prices: drawn scenarios, rounded numbers.
SIMULATION = "simulation"
UNPLANNED = "unplanned"
NOT_SEEN = "not seen"

ORDER = (*CAUSES.values(), SIMULATION, UNPLANNED, NOT_SEEN)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One workload in one month.

    Attributes
    ----------
    covered
        Share of the days of the month that the log covers.
    planned_usd, actual_usd
        What was planned, and what the log cost.
    parts
        Cause to its part of the difference; they add up to it exactly.
    """

    month: str
    workload: str
    covered: float
    planned_usd: Decimal
    actual_usd: Decimal
    parts: dict[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """Planned against actual spend by month, workload and cause.

    Attributes
    ----------
    compared
        Every workload in every month, in their order.
    notes
        What the comparison leaves out or takes for granted, in words.
    provenance
        Plan, log, days and catalogs in one line.
    """

    compared: tuple[Compared, ...]
    notes: tuple[Note, ...]
    provenance: str

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per month, workload and cause: ``month``, ``workload``, ``cause``, ``usd``.

        ``usd`` is an exact decimal; the rows add up to actual minus planned.
        """
        return pd.DataFrame(
            [
                {"month": one.month, "workload": one.workload, "cause": cause, "usd": usd}
                for one in self.compared
                for cause, usd in one.parts.items()
            ]
        )

    @cached_property
    def months(self) -> pd.DataFrame:
        """One row per month and workload.

        Columns: ``month``, ``workload``, ``covered_share`` of the month's days, ``planned_usd``,
        ``actual_usd``, ``difference_usd``.
        """
        return pd.DataFrame(
            [
                {
                    "month": one.month,
                    "workload": one.workload,
                    "covered_share": one.covered,
                    "planned_usd": one.planned_usd,
                    "actual_usd": one.actual_usd,
                    "difference_usd": _minus(one.actual_usd, one.planned_usd),
                }
                for one in self.compared
            ]
        )

    @property
    def planned_usd(self) -> Decimal:
        """All that was planned for what was compared."""
        return plain(total(one.planned_usd for one in self.compared))

    @property
    def actual_usd(self) -> Decimal:
        """All that the log cost."""
        return plain(total(one.actual_usd for one in self.compared))

    @property
    def difference_usd(self) -> Decimal:
        """Actual minus planned; the sum of all parts."""
        return _minus(self.actual_usd, self.planned_usd)

    def summary(self) -> pd.DataFrame:
        """Return one row per workload, and ``all``, over the compared months.

        Returns
        -------
        DataFrame
            ``workload``, ``planned_usd``, ``actual_usd``, ``difference_usd``, and a column for each
            cause that occurs, such as ``traffic_usd``, which add up to the difference. All are
            exact decimals.
        """
        names = list(dict.fromkeys(one.workload for one in self.compared))
        rows = [
            _summed(name, [one for one in self.compared if one.workload == name]) for name in names
        ]
        frame = pd.DataFrame([*rows, _summed("all", list(self.compared))])
        seldom = [
            column
            for cause in (SIMULATION, UNPLANNED, NOT_SEEN)
            for column in [_column(cause)]
            if not frame[column].astype(bool).any()
        ]
        return frame.drop(columns=seldom)

    def __repr__(self) -> str:
        return (
            f"<Reconciliation: planned {self.planned_usd} USD, actual {self.actual_usd} USD. "
            f"{self.provenance}>"
        )

    def _repr_html_(self) -> str:
        table = frame_html(self.summary())
        return page_html(table, notes=self.notes, provenance=self.provenance)


def _summed(name: str, some: list[Compared]) -> dict[str, object]:
    planned = total(one.planned_usd for one in some)
    actual = total(one.actual_usd for one in some)
    return {
        "workload": name,
        "planned_usd": plain(planned),
        "actual_usd": plain(actual),
        "difference_usd": _minus(actual, planned),
        **{
            _column(cause): plain(total(one.parts.get(cause, Decimal(0)) for one in some))
            for cause in ORDER
        },
    }


def _column(cause: str) -> str:
    return f"{cause.replace(' ', '_')}_usd"


def _minus(more: Decimal, less: Decimal) -> Decimal:
    return plain(total((more, less.copy_negate())))
