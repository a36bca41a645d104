"""The budget of a plan: what is booked by workload and month, against what may be spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import Exchange
from kimi_planner.money import EXACT, exact_decimal, total, usd
from kimi_planner.plan.booking import Booked, Booking, booked
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.projection import Projection
from kimi_planner.rich import Page, Shown

_QUARTER = 3


@dataclass(frozen=True)
class Span:
    """A column of the matrix: a month, a quarter, a year, or the whole plan.

    Attributes
    ----------
    name
        ``2027-01``, ``2027 Q1``, ``2027`` or ``total``.
    level
        ``month``, ``quarter``, ``year`` or ``total``.
    months
        The months of the plan that it adds up.
    is_whole
        Whether these are all of its months.
    """

    name: str
    level: str
    months: tuple[str, ...]
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class BudgetRow:
    """What is booked for a workload, or for several together.

    Attributes
    ----------
    name, model, owner, cost_centre
        The workload, the model it is planned on, and what its file says of who pays; empty where
        that differs or is not stated.
    by_month
        What of the bookable number falls to each month, USD.
    budgets
        What may be spent in each month; ``None`` where nothing says so.
    """

    name: str
    model: str = ""
    owner: str = ""
    cost_centre: str = ""
    by_month: Mapping[str, Decimal]
    budgets: Mapping[str, Decimal] | None

    @property
    def budget_usd(self) -> Decimal | None:
        """What may be spent in any one month, the same in all."""
        return None if self.budgets is None else next(iter(self.budgets.values()))

    def usd(self, span: Span) -> Decimal:
        """Return what is booked for the months of a column."""
        return total(self.by_month[month] for month in span.months)

    def budget(self, span: Span) -> Decimal | None:
        """Return the budget of the months of a column."""
        return None if self.budgets is None else total(self.budgets[one] for one in span.months)

    def variance(self, span: Span) -> Decimal | None:
        """Return what is booked less the budget: above zero is over it."""
        budget = self.budget(span)
        return None if budget is None else total([self.usd(span), budget.copy_negate()])

    @property
    def over(self) -> dict[str, Decimal]:
        """By how much each month is above its budget, of those that are."""
        return {month: usd.copy_negate() for month, usd in self._left.items() if usd < 0}

    @property
    def head_room(self) -> tuple[Decimal, str] | None:
        """The least that any month leaves of its budget, below zero where it is broken, and that month."""
        left = self._left
        month = min(left, key=left.__getitem__, default=None)
        return None if month is None else (left[month], month)

    @property
    def _left(self) -> dict[str, Decimal]:
        """What each month leaves of its budget."""
        return {
            month: total([budget, self.by_month[month].copy_negate()])
            for month, budget in (self.budgets or {}).items()
        }

    def at_rates(self, rates: Mapping[str, Decimal]) -> BudgetRow:
        """Return the same in another currency, each month at its rate."""

        def exchanged(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
            with localcontext(EXACT):
                return {month: usd * rates[month] for month, usd in amounts.items()}

        budgets = None if self.budgets is None else exchanged(self.budgets)
        return replace(self, by_month=exchanged(self.by_month), budgets=budgets)


@dataclass(frozen=True, kw_only=True, repr=False)
class BudgetMatrix(Shown):
    """The bookable number by workload and month, with quarters, years, totals and budgets.

    Attributes
    ----------
    booking
        Which number is booked.
    spans
        The columns: months, each quarter and year after its last month, and the total.
    rows
        One per workload.
    provenance
        Catalog, day, seed and paths in one line.
    currency
        Of all its amounts.
    credits
        What the vendor takes off each month, at most all of it; empty where nothing.
    """

    booking: Booking
    spans: tuple[Span, ...]
    rows: tuple[BudgetRow, ...]
    provenance: str = ""
    currency: str = "USD"
    credits: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def has_lines(self) -> bool:
        """Whether credits or tax stand below what is booked."""
        return bool(self.credits) or bool(self.booking.tax_percent)

    def lines(self, span: Span) -> dict[str, Decimal]:
        """Return what stands below what is booked: credits, tax on the rest, and what is to pay."""
        booked, credit = (
            self.total.usd(span),
            total(self.credits.get(one, Decimal(0)) for one in span.months),
        )
        percent = exact_decimal(self.booking.tax_percent)
        with localcontext(EXACT):
            tax = (booked - credit) * percent / 100
            return {"credits": -credit, f"tax, {percent:f}%": tax, "to pay": booked - credit + tax}

    def at_rates(self, exchange: Exchange) -> BudgetMatrix:
        """Return the same in another currency, each month at the rate of its first day."""
        rates = exchange.of_months(self.whole.months)
        rows = tuple(row.at_rates(rates) for row in self.rows)
        with localcontext(EXACT):
            off = {month: usd * rates[month] for month, usd in self.credits.items()}
        return replace(self, rows=rows, currency=exchange.currency, credits=off)

    @property
    def total(self) -> BudgetRow:
        """All workloads together; its budget is the sum where each has one."""
        return _together("all", self.rows)

    @cached_property
    def by_owner(self) -> tuple[BudgetRow, ...]:
        """The workloads of each owner together; empty where none is stated, or by cost centre they are the same."""
        rows = self._by("owner")
        return (
            () if {one.name for one in rows} == {one.name for one in self.by_cost_centre} else rows
        )

    @cached_property
    def by_cost_centre(self) -> tuple[BudgetRow, ...]:
        """The workloads of each cost centre together, with all of their owners; empty where none is stated."""
        return self._by("cost_centre")

    def _by(self, field: str) -> tuple[BudgetRow, ...]:
        """Return the workloads that have the same in a field together; empty where none states it."""
        keys = sorted({getattr(row, field) for row in self.rows})
        groups = [[row for row in self.rows if getattr(row, field) == key] for key in keys]
        return tuple(map(_group, groups)) if any(keys) else ()

    @property
    def whole(self) -> Span:
        """The column of all months."""
        return self.spans[-1]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per workload, ``all`` at last, and column of the matrix.

        Columns: ``workload``, ``model``, ``owner``, ``cost_centre``, ``period``, its ``level``
        (``month``, ``quarter``, ``year``, ``total``), its ``months`` within the plan, ``line``
        (``booked``; of all also credits, tax and what is to pay, where there are some), and the exact
        decimals ``usd``, ``budget_usd`` and ``variance_usd``, booked less budget; ``None`` where
        there is no budget.
        """
        rows = [
            {
                "workload": row.name,
                "model": row.model,
                "owner": row.owner,
                "cost_centre": row.cost_centre,
                "period": span.name,
                "level": span.level,
                "months": len(span.months),
                "line": "booked",
                "usd": row.usd(span),
                "budget_usd": row.budget(span),
                "variance_usd": row.variance(span),
            }
            for row in (*self.rows, self.total)
            for span in self.spans
        ]
        if self.has_lines:
            [*_, last] = rows
            rows += [
                last
                | {"period": span.name, "level": span.level, "months": len(span.months)}
                | {"line": line, "usd": amount, "budget_usd": None, "variance_usd": None}
                for span in self.spans
                for line, amount in self.lines(span).items()
            ]
        return pd.DataFrame(rows, dtype=object)

    @property
    def sentence(self) -> str:
        """What the amounts are, in words."""
        return (
            f"{self.currency} to book: {self.booking.words}. Budgets are a month's times the months; variance is booked less "
            "budget, head-room the least that any month leaves of its budget."
        )

    def page(self) -> Page:
        """Return workloads by month, quarter and year, with their sum."""
        whole = usd(self.total.usd(self.whole))
        shown = self.frame.pivot_table(
            index="workload", columns="period", values="usd", aggfunc="first", sort=False
        )
        return Page(
            title=f"{whole} {self.currency} to book in all: {self.booking.words}; {self.currency} by "
            "workload and period",
            frame=shown.map(usd).reset_index(),
            notes=(self.sentence,),
            provenance=self.provenance,
        )


@public
def budget_matrix(
    projection: Projection, choice: Mapping[str, str], number: Booked | None = None
) -> BudgetMatrix:
    """Return the budget of a plan: workload by month, with quarters, totals, budgets and variance.

    Parameters
    ----------
    projection : Projection
        The plan.
    choice : mapping of str to str
        Workload name to model id.
    number : Booked, optional
        Its bookable number, where that is worked out already.

    Returns
    -------
    BudgetMatrix
        Exact decimals of USD; nothing is rounded before it is shown.

    Raises
    ------
    SettingError
        If the projection has no such workload or model.

    Examples
    --------
    >>> from kimi_planner.plan import Workload, project
    >>> chat = Workload(
    ...     name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500,
    ...     budget_usd_per_month=130, owner="Support", cost_centre="4711",
    ... )
    >>> plan = project(chat, 2, "2026-12", "kimi-k2", as_of="2026-11-24", catalog="2026-06")
    >>> matrix = budget_matrix(plan, {"chat": "kimi-k2"})
    >>> [(span.name, str(matrix.total.usd(span))) for span in matrix.spans]
    [('2026-12', '130.2'), ('2027-01', '130.2'), ('total', '260.4')]
    >>> matrix.total.head_room
    (Decimal('-0.2'), '2026-12')
    """
    number = number or booked(projection, choice)
    months = list(map(str, projection.months))
    workloads = {one.name: one for one in projection.workloads}
    rows = tuple(
        BudgetRow(
            name=name,
            model=model,
            owner=workloads[name].owner,
            cost_centre=workloads[name].cost_centre,
            by_month={month: number.cells[name, month] for month in months},
            budgets=_each(months, projection.budget(name)),
        )
        for name, model in choice.items()
    )
    credit, by_month = exact_decimal(projection.booking.credit_usd_per_month), number.by_month
    return BudgetMatrix(
        booking=projection.booking,
        credits={month: min(credit, usd) for month, usd in by_month.items()} if credit else {},
        spans=tuple(_spans(projection.months)),
        rows=rows,
        provenance=projection.provenance,
        currency=number.currency,
    )


def _spans(months: Sequence[Month]) -> Iterable[Span]:
    """Yield months, each quarter of several months and each of several years after its last, and all."""
    years = {month.year for month in months}
    for month in months:
        yield Span(str(month), "month", (str(month),))
        quarter = [one for one in months if _quarter(one) == _quarter(month)]
        if month == quarter[-1] and 1 < len(quarter) < len(months):
            yield _span("{} Q{}".format(*_quarter(month)), "quarter", quarter, _QUARTER)
        year = [one for one in months if one.year == month.year]
        if month == year[-1] and len(years) > 1 and len(year) > _QUARTER:
            yield _span(str(month.year), "year", year, 12)
    if len(months) > 1:
        yield Span("total", "total", tuple(map(str, months)))


def _span(name: str, level: str, months: Sequence[Month], whole: int) -> Span:
    return Span(name, level, tuple(map(str, months)), is_whole=len(months) == whole)


def _quarter(month: Month) -> tuple[int, int]:
    return month.year, (month.month - 1) // _QUARTER + 1


def _each(months: Sequence[str], budget: Decimal | None) -> dict[str, Decimal] | None:
    return None if budget is None else dict.fromkeys(months, budget)


def _group(rows: Sequence[BudgetRow]) -> BudgetRow:
    """Return the sum of rows, with all of their names, owners and cost centres."""

    def every(field: str) -> str:
        return ", ".join(dict.fromkeys(filter(None, (getattr(row, field) for row in rows))))

    return replace(
        _together(every("name"), rows), owner=every("owner"), cost_centre=every("cost_centre")
    )


def _together(name: str, rows: Sequence[BudgetRow]) -> BudgetRow:
    """Return the sum of rows, with what they have in common."""

    def common(field: str) -> str:
        values: set[Any] = {getattr(row, field) for row in rows}
        return str(values.pop()) if len(values) == 1 else ""

    budgets = [row.budgets for row in rows if row.budgets is not None]
    months = rows[0].by_month if rows else ()
    is_known = rows and len(budgets) == len(rows)
    return BudgetRow(
        name=name,
        model=common("model"),
        owner=common("owner"),
        cost_centre=common("cost_centre"),
        by_month={month: total(row.by_month[month] for row in rows) for month in months},
        budgets={month: total(one[month] for one in budgets) for month in months}
        if is_known
        else None,
    )
