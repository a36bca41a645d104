"""The result of a reconciliation: every part of the difference, and the tables read off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import pandas as pd

from kimi_planner.catalog import Exchange
from kimi_planner.money import at_rate, plain, total, usd_text
from kimi_planner.notes import Note
from kimi_planner.reconcile.causes import CAUSES
from kimi_planner.reconcile.invoice import InvoiceCheck
from kimi_planner.rich import Page, Shown

#: All workloads together.
ALL = "all"
UNPLANNED = "unplanned"
NOT_SEEN = "not seen"
#: What the bookable number has above what is expected.
RESERVE = "reserve"

ORDER = (*CAUSES, UNPLANNED, NOT_SEEN, RESERVE)
#: Causes that have a column only where they occur.
SELDOM = ("cache writes", "batch", "fees", "planned price change", UNPLANNED, NOT_SEEN, RESERVE)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One workload in one month.

    Attributes
    ----------
    covered
        Share of the days of the month that the log covers.
    planned_usd, actual_usd
        What was planned, and what the log cost.
    range
        The 10th and 90th percentile of what was planned; ``None`` if nothing was uncertain, or the
        plan does not state it.
    parts
        Cause to its part of the difference; they add up to it exactly.
    """

    month: str
    workload: str
    covered: float
    planned_usd: Decimal
    actual_usd: Decimal
    range: tuple[float, float] | None
    parts: dict[str, Decimal]


@dataclass(frozen=True, kw_only=True, repr=False)
class Reconciliation(Shown):
    """Planned against actual spend by month, workload and cause.

    Attributes
    ----------
    compared
        Every workload in every month, in their order.
    ranges
        From a workload, and ``all``, to the range of what was planned for the compared months.
    notes
        What the comparison leaves out or takes for granted, in words.
    provenance
        Plan, log, days and catalogs in one line.
    invoice
        What the vendor billed beside the log, where an invoice was given.
    currency
        Of all its amounts.
    """

    compared: tuple[Compared, ...]
    ranges: Mapping[str, tuple[float, float] | None]
    notes: tuple[Note, ...]
    provenance: str
    invoice: InvoiceCheck | None = None
    currency: str = "USD"

    def at_rates(self, exchange: Exchange) -> Reconciliation:
        """Return the same in another currency, each month at the rate of its first day.

        Ranges of several months, whose rates differ, are not told, and the invoice stays in USD.
        """
        months = dict.fromkeys(one.month for one in self.compared)
        rates = exchange.of_months(months)
        same = next(iter(rates.values())) if len({*rates.values()}) == 1 else None

        def of(span: tuple[float, float] | None, rate: Decimal | None) -> Any:
            return None if span is None or rate is None else tuple(at_rate(x, rate) for x in span)

        compared = tuple(
            replace(
                one,
                planned_usd=at_rate(one.planned_usd, rates[one.month]),
                actual_usd=at_rate(one.actual_usd, rates[one.month]),
                range=of(one.range, rates[one.month]),
                parts={cause: at_rate(part, rates[one.month]) for cause, part in one.parts.items()},
            )
            for one in self.compared
        )
        ranges = {name: of(span, same) for name, span in self.ranges.items()}
        return replace(
            self, compared=compared, ranges=ranges, currency=exchange.currency, invoice=None
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per month, workload and cause: ``month``, ``workload``, ``cause``, ``usd``.

        ``usd`` is an exact decimal; the rows add up to actual minus planned.
        """
        return parts_frame(self.compared)

    @cached_property
    def months(self) -> pd.DataFrame:
        """One row per month and workload.

        Columns: ``month``, ``workload``, ``covered_share`` of the month's days, ``planned_usd``,
        ``p10_usd``, ``p90_usd``, ``actual_usd``, ``difference_usd``, ``position`` of the actual in the
        range of the plan: ``below``, ``inside`` or ``above``, ``None`` where there is no range.
        """
        return pd.DataFrame(
            [
                {
                    "month": one.month,
                    "workload": one.workload,
                    "covered_share": one.covered,
                    **_compared(one.planned_usd, one.actual_usd, one.range),
                }
                for one in self.compared
            ],
            dtype=object,  # so that what is not stated stays None
        )

    @property
    def planned_usd(self) -> Decimal:
        """All that was planned for what was compared."""
        return _sum(one.planned_usd for one in self.compared)

    @property
    def actual_usd(self) -> Decimal:
        """All that the log cost."""
        return _sum(one.actual_usd for one in self.compared)

    @property
    def difference_usd(self) -> Decimal:
        """Actual minus planned; the sum of all parts."""
        return _sum(usd for one in self.compared for usd in one.parts.values())

    def summary(self) -> pd.DataFrame:
        """Return one row per workload, and ``all``, over the compared months.

        Returns
        -------
        DataFrame
            ``workload``, ``planned_usd``, ``p10_usd``, ``p90_usd``, ``actual_usd``,
            ``difference_usd``, ``position`` as in `months`, and a column for each cause that
            occurs, such as ``traffic_usd``, which add up to the difference. All but the two
            percentiles are exact decimals.
        """
        names = list(dict.fromkeys(one.workload for one in self.compared))
        rows = [self._summed(name) for name in (*names, ALL)]
        frame = pd.DataFrame(rows, dtype=object)
        seldom = [_column(cause) for cause in SELDOM]
        return frame.drop(columns=[one for one in seldom if not frame[one].astype(bool).any()])

    def _summed(self, name: str) -> dict[str, object]:
        some = [one for one in self.compared if name in (ALL, one.workload)]
        planned = _sum(one.planned_usd for one in some)
        actual = _sum(one.actual_usd for one in some)
        causes = {
            _column(cause): _sum(one.parts.get(cause, Decimal(0)) for one in some)
            for cause in ORDER
        }
        return {"workload": name, **_compared(planned, actual, self.ranges.get(name)), **causes}

    @property
    def position(self) -> str | None:
        """Where the actual lies in the range of the plan: ``below``, ``inside`` or ``above``."""
        return _position(self.actual_usd, self.ranges.get(ALL))

    def page(self) -> Page:
        """Return what was planned and spent by workload and in all, the largest causes first."""
        summary = self.summary()
        whole = summary.iloc[-1]
        some = [cause for cause in ORDER if _column(cause) in summary]
        moved = [cause for cause in some if summary[_column(cause)].astype(bool).any()]
        moved.sort(key=lambda cause: -abs(whole[_column(cause)]))
        causes = ", ".join(f"{cause} {usd_text(whole[_column(cause)])}" for cause in moved)
        position = f", {self.position} the range of the plan" * bool(self.position)
        ends = (self.planned_usd, self.actual_usd, self.difference_usd)
        planned, actual, difference = map(usd_text, ends)
        months = sorted({one.month for one in self.compared})
        return Page(
            title=f"{self.currency} of {' to '.join(dict.fromkeys(months[:1] + months[-1:]))}: {planned} planned, {actual} "
            f"actual{position}; difference {difference}, by cause: {causes or 'none'}",
            frame=summary,
            columns=[
                *("workload", "planned_usd", "actual_usd", "difference_usd"),
                *map(_column, moved),
            ],
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )


def parts_frame(compared: Iterable[Compared]) -> pd.DataFrame:
    """Return a row for every part of a difference, exact decimals: month, workload, cause, USD."""
    rows = [
        (one.month, one.workload, cause, usd)
        for one in compared
        for cause, usd in one.parts.items()
    ]
    return pd.DataFrame(rows, columns=["month", "workload", "cause", "usd"], dtype=object)


def _compared(
    planned: Decimal, actual: Decimal, span: tuple[float, float] | None
) -> dict[str, object]:
    low, high = span or (None, None)
    return {
        "planned_usd": planned,
        "p10_usd": low,
        "p90_usd": high,
        "actual_usd": actual,
        "difference_usd": _sum((actual, planned.copy_negate())),
        "position": _position(actual, span),
    }


def _position(actual: Decimal, span: tuple[float, float] | None) -> str | None:
    if span is None:
        return None
    return "below" if actual < span[0] else "above" if actual > span[1] else "inside"


def _column(cause: str) -> str:
    return f"{cause.replace(' ', '_')}_usd"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return plain(total(amounts))
