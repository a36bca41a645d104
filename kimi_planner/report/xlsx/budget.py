"""The sheet of the budget: workload by month with quarters, totals, budget, variance and head-room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import count

from kimi_planner.money import as_decimal
from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.budget import NOT_STATED, span_name
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.risk import NO_BUDGET, NOT_TOLD, Risk
from kimi_planner.report.xlsx.sheet import Sheet, block, cell, span

BUDGET = "Budget"
_HEADER = 3
_A_MONTH, _FIRST = 4, 5
_NAMES = ("workload", "owner", "cost centre", "model", "budget a month")
_SAID = "Live. Red is over the budget of its months; head-room is the least that a month leaves."
_LAST = ("budget", "variance", "head-room")
_ON_A_PAGE = 9  # columns of months and sums, so that all can be read on A4

#: A formula of a month, by its place and column.
OfMonth = Callable[[int, int], str]
#: Its value, of a month and of several.
OfSpan = Callable[[Span], Decimal | None]


@dataclass(frozen=True)
class Budget:
    """Writes the sheet, and knows where its totals are."""

    live: Live
    inputs: Inputs
    totals: Totals
    risk: Risk

    @cached_property
    def _matrix(self) -> BudgetMatrix:
        """The matrix of the plan with its amounts as formulas have them, not rounded."""
        planned, factor = self.live.recommendation.budget_matrix, self.risk.booked[1]
        rows = [
            replace(row, by_month=dict(zip(planned.whole.months, amounts, strict=True)))
            for row in planned.rows
            for usd in [self.live.planned(row.name).mean() * factor]
            for amounts in [map(as_decimal, usd.tolist())]
        ]
        return replace(planned, rows=tuple(rows))

    def of(self, workload: str) -> BudgetRow:
        """Return what is booked for a workload, or for all, ``""``, as planned."""
        rows = {one.name: one for one in self._matrix.rows}
        return rows[workload] if workload else self._matrix.total

    @cached_property
    def _columns(self) -> dict[str, int]:
        """Column of each span, and of what stands against the total."""
        names = [*(one.name for one in self._matrix.spans), *_LAST]
        return {name: at for at, name in enumerate(names, _FIRST)}

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each workload, and of all, ``""``."""
        return {name: row for row, name in enumerate([*self.live.workloads, ""], _HEADER + 1)}

    @property
    def _every(self) -> tuple[int, int]:
        """First and last row of the workloads."""
        return _HEADER + 1, self.rows[""] - 1

    def place(self, workload: str, name: str = "") -> str:
        """Return the cell of what is booked for a workload, or stands against it; all are ``""``."""
        return cell(self.rows[workload], self._columns[name or self._matrix.whole.name], BUDGET)

    def exchanged(self, at: int) -> tuple[str, str]:
        """Return the cell with all that is booked in one of the other currencies, and those of its rates."""
        row, last = self._below + 2 * at, self._columns[str(self.live.months[-1])]
        rates = block((row, row), (_FIRST, last), BUDGET)
        return cell(row + 1, self._columns[self._matrix.whole.name], BUDGET), rates

    @property
    def widths(self) -> list[float]:
        """How wide the columns are after the names, as narrow as the amounts let them be."""
        most = max(map(self._matrix.total.usd, self._matrix.spans))
        least = max(8.5, len(f"{most:,.0f}") + 1.5)
        return [*[least] * len(self._matrix.spans), *[max(9.5, least + 1)] * len(_LAST)]

    def names_widths(self, name: float) -> list[float]:
        """How wide workloads, owners and cost centres are, those of sums too; the first at least so much."""
        matrix = self._matrix
        rows = (*matrix.rows, *matrix.by_owner, *matrix.by_cost_centre)
        keys = (("name", name, 40), ("owner", 12, 24), ("cost_centre", 11, 24))
        return [
            min(most, max(least, *(len(getattr(row, key)) + 1.5 for row in rows)))
            for key, least, most in keys
        ]

    @property
    def _breaks(self) -> list[int]:
        """The columns before which a page begins: after a quarter, where one page cannot hold all."""
        breaks, begun = [], _FIRST
        for one in self._matrix.spans[:-1]:
            after = self._columns[one.name] + 1
            if one.level != "month" and after - begun + 3 > _ON_A_PAGE:
                breaks.append(begun := after)
        is_small = len(self._columns) <= _ON_A_PAGE
        last = [begun] if breaks and len(self._columns) + _FIRST - begun <= 1 + len(_LAST) else []
        return [] if is_small else [one for one in breaks if one not in last]

    def write(self, sheet: Sheet) -> None:
        """Write the matrix, then the sums by owner and cost centre."""
        live, book = self.live, self._matrix.booking.book.replace("p", "P")
        sheet.text(0, 0, f"Budget by month, {live.currency} to book", "title")
        sheet.text(1, 0, f"{book[0].upper()}{book[1:]} and contingency; of the mean:", "grey")
        sheet.formula(1, _FIRST, *self.risk.booked, "grey_factor")
        sheet.text(2, 0, _SAID, "grey")
        self._write_heads(sheet, _HEADER, _NAMES)
        factor = cell(1, _FIRST)
        for one in self._matrix.rows:
            row, own = self.rows[one.name], self.inputs.assumed(one.name)
            sheet.formula(row, 3, own["model"], one.model, "text")

            def of_month(at: int, _: int, name: str = one.name) -> str:
                return f"{self.totals.month(name, at)}*{factor}"

            self._write_row(sheet, row, one, self.risk.place(one.name, "budget"), of_month)

        def summed(_: int, column: int) -> str:
            return f"SUM({span(self._every, column)})"

        total, budget = self._matrix.total, self.risk.place("", "budget")
        self._write_row(sheet, self.rows[""], total, budget, summed, style="total_")
        self._write_total(sheet)
        self._write_lines(sheet)
        self._write_exchanged(sheet)
        last = self._below + 2 * len(self.live.exchanges) - 1
        for column, groups in ((1, self._matrix.by_owner), (2, self._matrix.by_cost_centre)):
            last = self._write_sums(sheet, last + 2, column, groups)
        ends = last, _FIRST + len(self._columns) - 1
        sheet.page(ends, _HEADER, 1, self._breaks)

    def _write_heads(self, sheet: Sheet, row: int, names: Sequence[str]) -> None:
        spans = map(span_name, self._matrix.spans)
        sheet.header(row, (*names, *spans, *_LAST), texts=_A_MONTH)

    def _write_row(
        self,
        sheet: Sheet,
        row: int,
        one: BudgetRow,
        budget: str,
        formula: OfMonth,
        *,
        style: str = "",
    ) -> None:
        """Write what is booked for workloads, red where it is over, and what stands against it.

        ``budget`` is the formula of what a month may cost, ``formula`` that of what it does.
        """
        none, usd = NO_BUDGET if row < self.rows[""] else NOT_TOLD, one.budget_usd
        a_month, whole, room = cell(row, _A_MONTH), self._matrix.whole, one.head_room
        owners = ["", ""] if style else [one.owner or NOT_STATED, one.cost_centre or NOT_STATED]
        sheet.texts(row, one.name, *owners, *[""] * bool(style), style=f"{style}text")
        known = none if usd is None else float(usd)
        sheet.formula(row, _A_MONTH, budget, known, f"{style}whole_right")
        self._fill(sheet, row, formula, one.usd, f"{style}whole")
        for span_ in self._matrix.spans:
            column = self._columns[span_.name]
            over = (
                f"AND(ISNUMBER({a_month}),{cell(row, column)}>{a_month}*{len(span_.months)}+0.005)"
            )
            sheet.flag_over(row, (column, column), over)
        months = ",".join(cell(row, self._columns[month]) for month in whole.months)
        total, budgets = cell(row, self._columns[whole.name]), f"{a_month}*{len(whole.months)}"
        for name, against, value, form in (
            ("budget", budgets, one.budget(whole), "whole"),
            ("variance", f"{total}-{budgets}", one.variance(whole), "more"),
            ("head-room", f"{a_month}-MAX({months})", room and room[0], "more"),
        ):
            told = f'IF(ISNUMBER({a_month}),{against},"")'
            sheet.formula(row, self._columns[name], told, shown(value), style + form)
        left, column = cell(row, self._columns["head-room"]), self._columns["head-room"]
        sheet.flag_over(row, (column, column), f"AND(ISNUMBER({left}),{left}<-0.005)")

    def _fill(
        self, sheet: Sheet, row: int, formula: OfMonth, value: OfSpan, style: str = "whole"
    ) -> None:
        """Write a row: a formula for each month, and the sums of months."""
        for one in self._matrix.spans:
            column, is_sum = self._columns[one.name], one.level != "month"
            text = formula(self._matrix.whole.months.index(one.months[0]), column)
            if is_sum:
                cells = [cell(row, self._columns[month]) for month in one.months]
                text = f'IF({cells[0]}="","",SUM({",".join(cells)}))'
            sheet.formula(row, column, text, shown(value(one)), f"{'sum_' * is_sum}{style}")

    def _write_total(self, sheet: Sheet) -> None:
        """Write the budget of all workloads and the variance of each column."""
        row, total = self.rows[""], self._matrix.total
        a_month = cell(row, _A_MONTH)

        def variance(_: int, column: int) -> str:
            return f'IF(ISNUMBER({a_month}),{cell(row, column)}-{a_month},"")'

        sheet.text(row + 1, 0, "budget", "strong")
        self._fill(sheet, row + 1, lambda *_: f'IF(ISNUMBER({a_month}),{a_month},"")', total.budget)
        sheet.text(row + 2, 0, "variance", "strong")
        self._fill(sheet, row + 2, variance, total.variance, "more")
        first, last = cell(row + 2, _FIRST), self._columns[self._matrix.whole.name]
        sheet.flag_over(row + 2, (_FIRST, last), f"AND(ISNUMBER({first}),{first}>0.005)")

    @property
    def _below(self) -> int:
        """The row below budget, variance, credits and tax."""
        return self.rows[""] + 3 + 3 * self._matrix.has_lines

    def _write_lines(self, sheet: Sheet) -> None:
        """Write credits and the rate of tax, which can be changed, and what is to pay."""
        matrix, every = self._matrix, self.rows[""]
        if not matrix.has_lines:
            return
        off, tax = every + 3, every + 4

        def taxed(_: int, column: int) -> str:
            return f"({cell(every, column)}+{cell(off, column)})*{cell(tax, _A_MONTH)}"

        def to_pay(_: int, column: int) -> str:
            return "+".join(cell(row, column) for row in (every, off, tax))

        formulas: list[OfMonth] = [lambda *_: "0", taxed, to_pay]
        for at, (words, formula) in enumerate(
            zip(("credits", "tax", "to pay"), formulas, strict=True)
        ):

            def amount(one: Span, at: int = at) -> Decimal:
                return [*matrix.lines(one).values()][at]

            sheet.text(off + at, 0, words, "strong")
            self._fill(sheet, off + at, formula, amount, "total_" * (at == 2) + "whole")
        percent = float(matrix.booking.tax_percent) / 100
        sheet.entry(tax, _A_MONTH, percent, "share", most=1)
        credits_ = {month: -matrix.credits.get(month, Decimal(0)) for month in matrix.whole.months}
        self._write_entries(sheet, off, credits_, "money", least=-1e12, most=0)

    def _write_entries(
        self, sheet: Sheet, row: int, values: Mapping[str, Decimal], style: str, **bounds: float
    ) -> None:
        """Write a number for each month that can be changed."""
        for month, value in values.items():
            sheet.entry(row, self._columns[month], float(value), style, **bounds)

    def _write_exchanged(self, sheet: Sheet) -> None:
        """Write the rates of each month, which can be changed, and all at these rates."""
        every, months = self.rows[""], self._matrix.whole.months
        for row, exchange in zip(count(self._below, 2), self.live.exchanges, strict=False):
            sheet.text(row, 0, f"{exchange.currency} per USD", "strong")
            sheet.text(row + 1, 0, f"all, {exchange.currency}", "strong")
            self._write_entries(sheet, row, exchange.of_months(months), "price")

            def at_rate(_: int, column: int, row: int = row) -> str:
                return f"{cell(every, column)}*{cell(row, column)}"

            total = self._matrix.at_rates(exchange).total
            self._fill(sheet, row + 1, at_rate, total.usd, "total_whole")

    def _write_sums(self, sheet: Sheet, row: int, column: int, groups: Sequence[BudgetRow]) -> int:
        """Write the sums of workloads with the same in a column, where there are some; return the last row."""
        if not groups:
            return row - 2
        key = _NAMES[column].replace(" ", "_")
        sheet.text(row, 0, f"By {_NAMES[column]}", "heading")
        self._write_heads(sheet, row + 1, ("workloads", *_NAMES[1:3], "", _NAMES[-1]))
        for at, one in enumerate(groups, row + 2):
            rows = [row for row in self._matrix.rows if getattr(row, key) == getattr(one, key)]
            same = f"EXACT({span(self._every, column)},{cell(at, column)})"
            budgets = [cell(self.rows[row.name], _A_MONTH) for row in rows]
            told = f"COUNT({','.join(budgets)})={len(budgets)}"
            rule = f'IF({told},{"+".join(budgets)},"{NOT_TOLD}")'

            def summed(_: int, column: int, same: str = same) -> str:
                return f"SUMPRODUCT({same}*{span(self._every, column)})"

            self._write_row(sheet, at, one, rule, summed)
        return row + 1 + len(groups)


def shown(amount: Decimal | None) -> float | str:
    """Return an amount as a cell has it: empty where it is not known."""
    return "" if amount is None else float(amount)
