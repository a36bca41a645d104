"""The sheet of the budget: workload by month with quarters, totals, budget, variance and head-room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial

import numpy as np

from kimi_planner.plan.booking import MEAN
from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.budget import NOT_STATED, span_name
from kimi_planner.report.xlsx.book import Sheet, cell, span
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import spread_of
from kimi_planner.report.xlsx.risk import Risk
from kimi_planner.workload.quantity import Array

__all__ = ["BUDGET", "Budget"]

BUDGET = "Budget"
_HEADER = 3
_A_MONTH, _FIRST = 4, 5
_NAMES = ("workload", "owner", "cost centre", "model", "budget a month")
_SAID = "Live. Red is over the budget of its months; head-room is the least that a month leaves."
_LAST = ("budget", "variance", "head-room")


@dataclass(frozen=True)
class Budget:
    """Writes the sheet, and knows where its totals are."""

    live: Live
    inputs: Inputs
    totals: Totals
    risk: Risk

    @property
    def _matrix(self) -> BudgetMatrix:
        return self.live.recommendation.budget_matrix

    @property
    def _spans(self) -> Sequence[Span]:
        return self._matrix.spans

    @cached_property
    def _columns(self) -> dict[str, int]:
        """Column of each span, and of what stands against the total."""
        names = [*(one.name for one in self._spans), *_LAST]
        return {name: at for at, name in enumerate(names, _FIRST)}

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each workload, and of all, ``""``."""
        return {name: row for row, name in enumerate([*self.live.workloads, ""], _HEADER + 1)}

    def place(self, workload: str, name: str = "") -> str:
        """Return the cell of what is booked for a workload, or stands against it; all are ``""``."""
        return cell(self.rows[workload], self._columns[name or self._matrix.whole.name], BUDGET)

    @property
    def exchanged(self) -> str:
        """The cell with all that is booked, in the other currency."""
        return cell(self._below + 1, self._columns[self._matrix.whole.name], BUDGET)

    @property
    def factor(self) -> str:
        """The cell with what the bookable number is of the mean."""
        return cell(1, _FIRST, BUDGET)

    @property
    def booked(self) -> float:
        """What the bookable number is of the mean, as planned."""
        booking, spend = self._matrix.booking, self.live.together
        percent = 1 + float(booking.contingency_percent) / 100
        if booking.book == MEAN or not spend.is_ranged:
            return percent
        return spread_of(spend, {"": int(booking.book[1:]) / 100})[""] * percent

    def _values(self, workloads: Iterable[str]) -> Array:
        """Return what is booked for workloads in each month."""
        best = self.live.recommendation.best
        means = [self.live.spend(name, best[name]).mean() for name in workloads]
        return np.asarray(sum(means) * self.booked)

    def _of(self, one: Span, values: Array) -> float:
        """Return the sum over the months of a column."""
        months = zip(self.live.months, values, strict=True)
        return float(sum(value for month, value in months if str(month) in one.months))

    @property
    def widths(self) -> list[float]:
        """How wide the columns are after the names, as narrow as the amounts let them be."""
        every = self._values(self.live.workloads)
        most = max(self._of(one, every) for one in self._spans)
        least = max(7.5, len(f"{most:,.0f}") + 1.5)
        return [*[least] * len(self._spans), *[max(9.5, least + 1)] * len(_LAST)]

    def write(self, sheet: Sheet) -> None:
        """Write the matrix, then the sums by owner and cost centre."""
        book = self._matrix.booking.book.replace("p", "P")
        sheet.text(0, 0, "Budget by month, USD to book", "title")
        sheet.text(1, 0, f"{book[0].upper()}{book[1:]} and contingency; of the mean:", "remark")
        sheet.formula(1, _FIRST, self.risk.booked, self.booked, "factor")
        sheet.text(2, 0, _SAID, "remark")
        self._write_heads(sheet, _HEADER, _NAMES)
        for one in self._matrix.rows:
            self._write_workload(sheet, one)
        self._write_total(sheet)
        self._write_lines(sheet)
        self._write_exchanged(sheet)
        last = self._write_by_cost_centre(sheet, self._below + 3)
        sheet.table_page(_HEADER, 1)
        sheet.raw.print_area(0, 0, last, _FIRST + len(self._columns) - 1)

    def _write_heads(self, sheet: Sheet, row: int, names: Sequence[str]) -> None:
        sheet.header(row, (*names, *map(span_name, self._spans), *_LAST), texts=_A_MONTH)

    def _write_workload(self, sheet: Sheet, one: BudgetRow) -> None:
        row, own = self.rows[one.name], self.inputs.assumed(one.name)
        sheet.texts(row, one.name, one.owner or NOT_STATED, one.cost_centre or NOT_STATED)
        sheet.formula(row, 3, own["model"], one.model, "text")
        self._write_amounts(
            sheet,
            row,
            lambda at, _: f"{self.totals.month(one.name, at)}*{self.factor}",
            self._values([one.name]),
            (f'IF({own["budget"]}="","no budget",{own["budget"]})', one.budget_usd, "no budget"),
        )

    def _write_amounts(
        self,
        sheet: Sheet,
        row: int,
        formula: Callable[[int, int], str],
        values: Array,
        budget: tuple[str, Decimal | None, str],
        *,
        style: str = "",
    ) -> None:
        """Write what is booked in each column, red where it is over, and what stands against it.

        The formula is of a month, by its place and column; the budget its formula, value, and what
        stands where there is none.
        """
        rule, usd, none = budget
        sheet.formula(
            row, _A_MONTH, rule, none if usd is None else float(usd), f"{style}whole_right"
        )
        a_month = cell(row, _A_MONTH)
        self._fill(sheet, row, formula, values, f"{style}whole", f"{style}sum")
        for one in self._spans if not style else ():
            place, column = cell(row, self._columns[one.name]), self._columns[one.name]
            over = f"AND(ISNUMBER({a_month}),{place}>{a_month}*{len(one.months)}+0.005)"
            sheet.flag_over((row, row), (column, column), over)
        self._write_against(sheet, row, values, usd, style)

    def _fill(
        self,
        sheet: Sheet,
        row: int,
        formula: Callable[[int, int], str],
        values: Array,
        style: str,
        sums: str,
    ) -> None:
        """Write a row: a formula for each month, and the sums of months."""
        names = [str(month) for month in self.live.months]
        for one in self._spans:
            column = self._columns[one.name]
            if one.level == "month":
                text = formula(names.index(one.name), column)
            else:
                text = f"SUM({','.join(cell(row, self._columns[month]) for month in one.months)})"
            is_sum = one.level != "month"
            sheet.formula(row, column, text, self._of(one, values), sums if is_sum else style)

    def _write_against(
        self, sheet: Sheet, row: int, values: Array, budget: Decimal | None, style: str
    ) -> None:
        """Write budget, variance and head-room of all months."""
        whole, a_month, count = self._matrix.whole, cell(row, _A_MONTH), len(values)
        months = [cell(row, self._columns[str(month)]) for month in self.live.months]
        total, usd = cell(row, self._columns[whole.name]), float(budget or 0)
        for name, formula, value, form in (
            ("budget", f"{a_month}*{count}", usd * count, "whole"),
            ("variance", f"{total}-{a_month}*{count}", values.sum() - usd * count, "signed"),
            ("head-room", f"{a_month}-MAX({','.join(months)})", usd - values.max(), "signed"),
        ):
            live = f'IF(ISNUMBER({a_month}),{formula},"")'
            known = "" if budget is None else float(value)
            sheet.formula(row, self._columns[name], live, known, style + form)
        room, column = cell(row, self._columns["head-room"]), self._columns["head-room"]
        sheet.flag_over((row, row), (column, column), f"AND(ISNUMBER({room}),{room}<-0.005)")

    def _write_total(self, sheet: Sheet) -> None:
        """Write all workloads, their budget, and the variance of each column."""
        row, first = self.rows[""], _HEADER + 1
        sheet.texts(row, "all", "", "", "", style="total_text")
        budgets, budget = span((first, row - 1), _A_MONTH), self.live.budget
        rule = f'IF(COUNT({budgets})=ROWS({budgets}),SUM({budgets}),"not told")'
        values = self._values(self.live.workloads)
        self._write_amounts(
            sheet,
            row,
            lambda _, column: f"SUM({span((first, row - 1), column)})",
            values,
            (rule, budget, "not told"),
            style="total_",
        )
        a_month, usd = cell(row, _A_MONTH), float(budget or 0)
        for at, words in enumerate(("budget", "variance"), row + 1):
            sheet.text(at, 0, words, "strong")
            for one in self._spans:
                column, count = self._columns[one.name], len(one.months)
                less = f"{cell(row, column)}-" if words == "variance" else ""
                value = self._of(one, values) - usd * count if less else usd * count
                live = f'IF(ISNUMBER({a_month}),{less}{a_month}*{count},"")'
                known = "" if budget is None else value
                sheet.formula(at, column, live, known, "signed" if less else "whole")
                if less:
                    here = cell(at, column)
                    over = f"AND(ISNUMBER({here}),{here}>0.005)"
                    sheet.flag_over((at, at), (column, column), over)

    @property
    def _below(self) -> int:
        """The row below budget, variance, credits and tax."""
        return self.rows[""] + 3 + 3 * self._matrix.has_lines

    def _write_lines(self, sheet: Sheet) -> None:
        """Write credits and the rate of tax, which can be changed, and what is to pay."""
        matrix, every = self._matrix, self.rows[""]
        if not matrix.has_lines:
            return
        off, tax, pay = range(every + 3, every + 6)
        percent = float(matrix.booking.tax_percent) / 100
        credits_ = -np.array([float(matrix.credits.get(str(one), 0)) for one in self.live.months])
        for row, words in ((off, "credits"), (tax, "tax"), (pay, "to pay")):
            sheet.text(row, 0, words, "strong")
        sheet.number(tax, _A_MONTH, percent, "input_share")
        sheet.limit(tax, _A_MONTH, 1)
        rate, booked = cell(tax, _A_MONTH), self._values(self.live.workloads)
        self._inputs(sheet, off, credits_, "input_money", (0, -1e12))
        self._fill(
            sheet,
            tax,
            lambda _, column: f"({cell(every, column)}+{cell(off, column)})*{rate}",
            (booked + credits_) * percent,
            *("whole", "sum"),
        )
        self._fill(
            sheet,
            pay,
            lambda _, column: "+".join(cell(row, column) for row in (every, off, tax)),
            (booked + credits_) * (1 + percent),
            *("total_whole", "total_whole"),
        )

    def _inputs(
        self, sheet: Sheet, row: int, values: Array, style: str, bounds: tuple[float | None, float]
    ) -> None:
        """Write a number for each month that can be changed; of what adds up, also the sums."""
        self._fill(sheet, row, lambda *_: "0", values, style, "sum")
        for month, value in zip(self.live.months, values, strict=True):
            column = self._columns[str(month)]
            sheet.number(row, column, float(value), style)
            sheet.limit(row, column, bounds[0], least=bounds[1])

    def _write_exchanged(self, sheet: Sheet) -> None:
        """Write the rate of each month, which can be changed, and all at these rates."""
        exchange = self.live.recommendation.projection.catalog.exchange
        if exchange is None:
            return
        row, every = self._below, self.rows[""]
        rates = np.array([float(exchange.at(month.first)) for month in self.live.months])
        sheet.text(row, 0, f"{exchange.currency} per USD", "strong")
        sheet.text(row + 1, 0, f"all, {exchange.currency}", "strong")
        for month, rate in zip(self.live.months, rates, strict=True):
            sheet.number(row, self._columns[str(month)], float(rate), "input_price")
            sheet.limit(row, self._columns[str(month)])
        self._fill(
            sheet,
            row + 1,
            lambda _, column: f"{cell(every, column)}*{cell(row, column)}",
            self._values(self.live.workloads) * rates,
            *("total_whole", "total_whole"),
        )

    def _summed(self, same: str, rows: tuple[int, int], _: int, column: int) -> str:
        return f"SUMPRODUCT({same}*{span(rows, column)})"

    def _write_by_cost_centre(self, sheet: Sheet, row: int) -> int:
        """Write the sums of each owner and cost centre, where any is stated; return the last row."""
        groups = self._matrix.by_cost_centre
        if not groups:
            return row - 2
        rows = _HEADER + 1, self.rows[""] - 1
        sheet.text(row, 0, "By cost centre", "heading")
        self._write_heads(sheet, row + 1, ("workloads", *_NAMES[1:3], "", _NAMES[-1]))
        for at, one in enumerate(groups, row + 2):
            sheet.texts(at, one.name, one.owner or NOT_STATED, one.cost_centre or NOT_STATED)
            same = "*".join(f"EXACT({span(rows, column)},{cell(at, column)})" for column in (1, 2))
            key = one.owner, one.cost_centre
            names = [
                each.name for each in self._matrix.rows if (each.owner, each.cost_centre) == key
            ]
            budgets = [cell(self.rows[name], _A_MONTH) for name in names]
            count = f"COUNT({','.join(budgets)})={len(budgets)}"
            self._write_amounts(
                sheet,
                at,
                partial(self._summed, same, rows),
                self._values(names),
                (f'IF({count},{"+".join(budgets)},"not told")', one.budget_usd, "not told"),
            )
        return row + 1 + len(groups)
