"""The sheet of the budget: workload by month with quarters, totals, budget, variance and head-room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kimi_planner.plan.booking import MEAN
from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.budget import NOT_STATED, span_name
from kimi_planner.report.xlsx.book import Sheet, cell, span
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import spread_of
from kimi_planner.report.xlsx.risk import Risk

__all__ = ["BUDGET", "Budget"]

BUDGET = "Budget"
_HEADER = 3
_A_MONTH, _FIRST = 4, 5
_NAMES = ("workload", "owner", "cost centre", "model", "budget a month")
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

    def mean(self, workload: str, one: Span) -> float:
        """Return the mean of a workload over the months of a column."""
        best = self.live.recommendation.best
        means = self.live.spend(workload, best[workload]).mean()
        return sum(
            float(means[at])
            for at, month in enumerate(self.live.months)
            if str(month) in one.months
        )

    @property
    def widths(self) -> list[float]:
        """How wide the columns are after the names, as narrow as the amounts let them be."""
        most = max(sum(self.mean(name, one) for name in self.live.workloads) for one in self._spans)
        least = max(7.5, len(f"{most * self.booked:,.0f}") + 1.5)
        return [*[least] * len(self._spans), *[max(9.5, least + 1)] * len(_LAST)]

    def write(self, sheet: Sheet) -> None:
        """Write the matrix, then the sums by owner and cost centre."""
        book = self._matrix.booking.book.replace("p", "P")
        sheet.text(0, 0, "Budget by month, USD to book", "title")
        sheet.text(1, 0, f"{book[0].upper()}{book[1:]} and contingency; of the mean:", "remark")
        sheet.formula(1, _FIRST, self.risk.booked, self.booked, "factor")
        sheet.text(
            2,
            0,
            "Live. Red is over the budget of its months; head-room is the least that a month leaves.",
            "remark",
        )
        heads = (*map(span_name, self._spans), *_LAST)
        for column, name in enumerate(_NAMES):
            sheet.text(_HEADER, column, name, "header" if column < _A_MONTH else "header_right")
        sheet.header(_HEADER, heads, at=_FIRST)
        for row in self._matrix.rows:
            self._write_row(sheet, row)
        self._write_total(sheet)
        self._write_lines(sheet)
        self._write_exchanged(sheet)
        last = self._write_by_cost_centre(sheet, self._below + 3)
        sheet.table_page(_HEADER, 1)
        sheet.raw.print_area(0, 0, last, _FIRST + len(self._columns) - 1)

    def _write_row(self, sheet: Sheet, one: BudgetRow) -> None:
        row, own = self.rows[one.name], self.inputs.assumed(one.name)
        sheet.texts(row, one.name, one.owner or NOT_STATED, one.cost_centre or NOT_STATED)
        sheet.formula(row, 3, own["model"], one.model, "text")
        budget = None if one.budget_usd is None else float(one.budget_usd)
        formula = f'IF({own["budget"]}="","no budget",{own["budget"]})'
        sheet.formula(
            row, _A_MONTH, formula, "no budget" if budget is None else budget, "whole_right"
        )
        months = [str(month) for month in self.live.months]
        for a_span in self._spans:
            if a_span.level == "month":
                formula = f"{self.totals.month(one.name, months.index(a_span.name))}*{self.factor}"
            else:
                formula = self._sum(row, a_span)
            value = self.mean(one.name, a_span) * self.booked
            sheet.formula(
                row,
                self._columns[a_span.name],
                formula,
                value,
                "whole" if a_span.level == "month" else "sum",
            )
            place = cell(row, self._columns[a_span.name])
            a_month = cell(row, _A_MONTH)
            rule = f"AND(ISNUMBER({a_month}),{place}>{a_month}*{len(a_span.months)}+0.005)"
            sheet.flag_over((row, row), (self._columns[a_span.name],) * 2, rule)
        self._write_against(
            sheet,
            row,
            [self.mean(one.name, each) * self.booked for each in self._spans],
            budget,
            "",
        )

    def _sum(self, row: int, a_span: Span) -> str:
        return f"SUM({','.join(cell(row, self._columns[month]) for month in a_span.months)})"

    def _write_against(
        self, sheet: Sheet, row: int, amounts: Sequence[float], budget: float | None, style: str
    ) -> None:
        """Write budget, variance and head-room of all months."""
        whole, a_month = self._matrix.whole, cell(row, _A_MONTH)
        count = len(whole.months)
        total = cell(row, self._columns[whole.name])
        months = [at for at, one in enumerate(self._spans) if one.level == "month"]
        dearest = f"MAX({','.join(cell(row, _FIRST + at) for at in months)})"
        most = max(amounts[at] for at in months)
        for name, formula, value, form in (
            ("budget", f"{a_month}*{count}", None if budget is None else budget * count, "whole"),
            (
                "variance",
                f"{total}-{a_month}*{count}",
                None if budget is None else amounts[-1] - budget * count,
                "signed",
            ),
            (
                "head-room",
                f"{a_month}-{dearest}",
                None if budget is None else budget - most,
                "signed",
            ),
        ):
            live = f'IF(ISNUMBER({a_month}),{formula},"")'
            sheet.formula(
                row, self._columns[name], live, "" if value is None else value, style + form
            )
        room = cell(row, self._columns["head-room"])
        sheet.flag_over(
            (row, row), (self._columns["head-room"],) * 2, f"AND(ISNUMBER({room}),{room}<-0.005)"
        )

    def _write_total(self, sheet: Sheet) -> None:
        row, names = self.rows[""], list(self.live.workloads)
        rows = self.rows[names[0]], row - 1
        sheet.texts(row, "all", "", "", "", style="total_text")
        budgets, budget = span(rows, _A_MONTH), self.live.budget
        known = None if budget is None else float(budget)
        formula = f'IF(COUNT({budgets})=ROWS({budgets}),SUM({budgets}),"not told")'
        sheet.formula(row, _A_MONTH, formula, "not told" if known is None else known, "total_whole")
        amounts = []
        for one in self._spans:
            column = self._columns[one.name]
            amounts.append(self._all(one))
            sheet.formula(row, column, f"SUM({span(rows, column)})", amounts[-1], "total_whole")
        self._write_against(sheet, row, amounts, known, "total_")
        a_month = cell(row, _A_MONTH)
        for at, words in enumerate(("budget", "variance"), 1):
            sheet.text(row + at, 0, words, "strong")
            for one, amount in zip(self._spans, amounts, strict=True):
                place, count = cell(row, self._columns[one.name]), len(one.months)
                less = f"{place}-" if words == "variance" else ""
                live = f'IF(ISNUMBER({a_month}),{less}{a_month}*{count},"")'
                value = (
                    ""
                    if known is None
                    else (amount if less else 0) + (-1 if less else 1) * known * count
                )
                sheet.formula(
                    row + at, self._columns[one.name], live, value, "signed" if less else "whole"
                )
                if less:
                    here = cell(row + at, self._columns[one.name])
                    sheet.flag_over(
                        (row + at,) * 2,
                        (self._columns[one.name],) * 2,
                        f"AND(ISNUMBER({here}),{here}>0.005)",
                    )

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
        for row, words in ((off, "credits"), (tax, "tax"), (pay, "to pay")):
            sheet.text(row, 0, words, "strong")
        sheet.number(tax, _A_MONTH, percent, "input_share")
        sheet.limit(tax, _A_MONTH, 1)
        for one in self._spans:
            column = self._columns[one.name]
            booked, credit, taxed = (cell(row, column) for row in (every, off, tax))
            amounts = [float(amount) for amount in matrix.lines(one).values()]
            if one.level == "month":
                sheet.number(off, column, amounts[0], "input_money")
                sheet.limit(off, column, 0, least=-1e12)
            else:
                sheet.formula(off, column, self._sum(off, one), amounts[0], "sum")
            formula = f"({booked}+{credit})*{cell(tax, _A_MONTH)}"
            value = (self._all(one) + amounts[0]) * percent
            sheet.formula(tax, column, formula, value, "whole")
            to_pay = self._all(one) + amounts[0] + value
            sheet.formula(pay, column, f"{booked}+{credit}+{taxed}", to_pay, "total_whole")

    def _all(self, one: Span) -> float:
        """Return what is booked for all workloads."""
        return sum(self.mean(name, one) for name in self.live.workloads) * self.booked

    def _write_exchanged(self, sheet: Sheet) -> None:
        """Write the rate of each month, which can be changed, and all at these rates."""
        exchange = self.live.recommendation.projection.catalog.exchange
        if exchange is None:
            return
        row, every = self._below, self.rows[""]
        sheet.text(row, 0, f"{exchange.currency} per USD", "strong")
        sheet.text(row + 1, 0, f"all, {exchange.currency}", "strong")
        amounts: dict[str, float] = {}
        firsts = {str(month): month.first for month in self.live.months}
        for one in self._spans:
            column = self._columns[one.name]
            if one.level == "month":
                rate = float(exchange.at(firsts[one.name]))
                sheet.number(row, column, rate, "input_price")
                sheet.limit(row, column)
                amounts[one.name] = self._all(one) * rate
                formula = f"{cell(every, column)}*{cell(row, column)}"
            else:
                formula = self._sum(row + 1, one)
            value = sum(amounts[month] for month in one.months)
            sheet.formula(row + 1, column, formula, value, "total_whole")

    def _write_by_cost_centre(self, sheet: Sheet, row: int) -> int:
        """Write the sums of each owner and cost centre, where any is stated; return the last row."""
        groups = self._matrix.by_cost_centre
        if not groups:
            return row - 2
        names = list(self.live.workloads)
        rows = self.rows[names[0]], self.rows[names[-1]]
        sheet.text(row, 0, "By cost centre", "heading")
        sheet.header(
            row + 1,
            (
                "workloads",
                "owner",
                "cost centre",
                "",
                "budget a month",
                *map(span_name, self._spans),
                *_LAST,
            ),
            texts=4,
        )
        row += 1
        for one in groups:
            row += 1
            sheet.texts(row, one.name, one.owner or NOT_STATED, one.cost_centre or NOT_STATED)
            same = "*".join(f"EXACT({span(rows, column)},{cell(row, column)})" for column in (1, 2))
            members = [
                each.name
                for each in self._matrix.rows
                if (each.owner, each.cost_centre) == (one.owner, one.cost_centre)
            ]
            known = None if one.budget_usd is None else float(one.budget_usd)
            budgets = "+".join(cell(self.rows[name], _A_MONTH) for name in members)
            count = f"COUNT({','.join(cell(self.rows[name], _A_MONTH) for name in members)})={len(members)}"
            sheet.formula(
                row,
                _A_MONTH,
                f'IF({count},{budgets},"not told")',
                "not told" if known is None else known,
                "whole_right",
            )
            amounts = []
            for each in self._spans:
                column = self._columns[each.name]
                amounts.append(sum(self.mean(name, each) for name in members) * self.booked)
                sheet.formula(
                    row, column, f"SUMPRODUCT({same}*{span(rows, column)})", amounts[-1], "whole"
                )
            self._write_against(sheet, row, amounts, known, "")
        return row
