"""The sheet of the budget: workload by month with quarters, totals, budget, variance and head-room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.budget import NOT_STATED, span_name
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.risk import NO_BUDGET, NOT_TOLD, Risk
from kimi_planner.report.xlsx.sheet import Sheet, block, cell, span
from kimi_planner.workload.quantity import Array

BUDGET = "Budget"
_HEADER = 3
_A_MONTH, _FIRST = 4, 5
_NAMES = ("workload", "owner", "cost centre", "model", "budget a month")
_SAID = "Live. Red is over the budget of its months; head-room is the least that a month leaves."
_LAST = ("budget", "variance", "head-room")
_ON_A_PAGE = 9  # columns of months and sums, so that all can be read on A4

#: A formula of a month, by its place and column.
OfMonth = Callable[[int, int], str]


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

    def booked(self, workloads: Iterable[str]) -> Array:
        """Return what is booked for workloads in each month, as planned."""
        best = self.live.recommendation.best
        means = [self.live.spend(name, best[name]).mean() for name in workloads]
        return np.asarray(sum(means) * self.risk.booked[1])

    def _of(self, one: Span, values: Array) -> float:
        """Return the sum over the months of a column."""
        months = zip(self.live.months, values, strict=True)
        return float(sum(value for month, value in months if str(month) in one.months))

    @property
    def widths(self) -> list[float]:
        """How wide the columns are after the names, as narrow as the amounts let them be."""
        every = self.booked(self.live.workloads)
        most = max(self._of(one, every) for one in self._matrix.spans)
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
            own = self.inputs.assumed(one.name)
            sheet.formula(self.rows[one.name], 3, own["model"], one.model, "text")
            self._write_row(
                sheet,
                self.rows[one.name],
                one,
                [one.name],
                self.risk.place(one.name, "budget"),
                partial(self._of_month, one.name, factor),
            )
        summed, total = partial(self._summed, "SUM({})"), self._matrix.total
        budget = self.risk.place("", "budget")
        self._write_row(sheet, self.rows[""], total, live.workloads, budget, summed, style="total_")
        self._write_total(sheet)
        self._write_lines(sheet)
        self._write_exchanged(sheet)
        last = self._below + 2 * len(self.live.exchanges) - 1
        for column, groups in ((1, self._matrix.by_owner), (2, self._matrix.by_cost_centre)):
            last = self._write_sums(sheet, last + 2, column, groups)
        ends = last, _FIRST + len(self._columns) - 1
        sheet.page(ends, _HEADER, 1, self._breaks)

    def _of_month(self, name: str, factor: str, at: int, _: int) -> str:
        return f"{self.totals.month(name, at)}*{factor}"

    def _summed(self, form: str, _: int, column: int) -> str:
        return form.format(span(self._every, column))

    def _write_heads(self, sheet: Sheet, row: int, names: Sequence[str]) -> None:
        spans = map(span_name, self._matrix.spans)
        sheet.header(row, (*names, *spans, *_LAST), texts=_A_MONTH)

    def _write_row(
        self,
        sheet: Sheet,
        row: int,
        one: BudgetRow,
        names: Iterable[str],
        budget: str,
        formula: OfMonth,
        *,
        style: str = "",
    ) -> None:
        """Write what is booked for workloads, red where it is over, and what stands against it.

        ``budget`` is the formula of what a month may cost, ``formula`` that of what it does.
        """
        none = NO_BUDGET if row < self.rows[""] else NOT_TOLD
        values, usd = self.booked(names), one.budget_usd
        a_month, known = cell(row, _A_MONTH), 0.0 if usd is None else float(usd)
        owners = ["", ""] if style else [one.owner or NOT_STATED, one.cost_centre or NOT_STATED]
        sheet.texts(row, one.name, *owners, *[""] * bool(style), style=f"{style}text")
        sheet.formula(row, _A_MONTH, budget, none if usd is None else known, f"{style}whole_right")
        self._fill(sheet, row, formula, values, f"{style}whole")
        for span_ in self._matrix.spans:
            column = self._columns[span_.name]
            over = (
                f"AND(ISNUMBER({a_month}),{cell(row, column)}>{a_month}*{len(span_.months)}+0.005)"
            )
            sheet.flag_over(row, (column, column), over)
        months = ",".join(cell(row, self._columns[str(month)]) for month in self.live.months)
        total, count = cell(row, self._columns[self._matrix.whole.name]), len(values)
        for name, against, value, form in (
            ("budget", f"{a_month}*{count}", known * count, "whole"),
            ("variance", f"{total}-{a_month}*{count}", values.sum() - known * count, "more"),
            ("head-room", f"{a_month}-MAX({months})", known - values.max(), "more"),
        ):
            live = f'IF(ISNUMBER({a_month}),{against},"")'
            shown = "" if usd is None else float(value)
            sheet.formula(row, self._columns[name], live, shown, style + form)
        room, column = cell(row, self._columns["head-room"]), self._columns["head-room"]
        sheet.flag_over(row, (column, column), f"AND(ISNUMBER({room}),{room}<-0.005)")

    def _fill(
        self, sheet: Sheet, row: int, formula: OfMonth, values: Array | None, style: str = "whole"
    ) -> None:
        """Write a row: a formula for each month, and the sums of months; ``None`` is not known."""
        names = [str(month) for month in self.live.months]
        for one in self._matrix.spans:
            column, is_sum = self._columns[one.name], one.level != "month"
            text = formula(names.index(one.months[0]), column)
            if is_sum:
                cells = [cell(row, self._columns[month]) for month in one.months]
                text = f'IF({cells[0]}="","",SUM({",".join(cells)}))'
            value = "" if values is None else self._of(one, values)
            sheet.formula(row, column, text, value, f"{'sum_' * is_sum}{style}")

    def _write_total(self, sheet: Sheet) -> None:
        """Write the budget of all workloads and the variance of each column."""
        row, usd = self.rows[""], self.live.limit("")
        known = None if usd is None else np.full(len(self.live.months), float(usd))
        a_month = cell(row, _A_MONTH)

        def budget(_: int, __: int) -> str:
            return f'IF(ISNUMBER({a_month}),{a_month},"")'

        def variance(_: int, column: int) -> str:
            return f'IF(ISNUMBER({a_month}),{cell(row, column)}-{a_month},"")'

        booked = self.booked(self.live.workloads)
        sheet.text(row + 1, 0, "budget", "strong")
        self._fill(sheet, row + 1, budget, known)
        sheet.text(row + 2, 0, "variance", "strong")
        self._fill(sheet, row + 2, variance, None if known is None else booked - known, "more")
        first, last = cell(row + 2, _FIRST), self._columns[self._matrix.whole.name]
        over = f"AND(ISNUMBER({first}),{first}>0.005)"
        sheet.flag_over(row + 2, (_FIRST, last), over)

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
        sheet.entry(tax, _A_MONTH, percent, "share", most=1)
        rate, booked = cell(tax, _A_MONTH), self.booked(self.live.workloads)
        self._fill(sheet, off, lambda *_: "0", credits_)
        self._write_entries(sheet, off, credits_, "money", least=-1e12, most=0)

        def taxed(_: int, column: int) -> str:
            return f"({cell(every, column)}+{cell(off, column)})*{rate}"

        def to_pay(_: int, column: int) -> str:
            return "+".join(cell(row, column) for row in (every, off, tax))

        self._fill(sheet, tax, taxed, (booked + credits_) * percent)
        self._fill(sheet, pay, to_pay, (booked + credits_) * (1 + percent), "total_whole")

    def _write_entries(
        self, sheet: Sheet, row: int, values: Array, style: str, **bounds: float
    ) -> None:
        """Write a number for each month that can be changed."""
        for month, value in zip(self.live.months, values, strict=True):
            sheet.entry(row, self._columns[str(month)], float(value), style, **bounds)

    def _write_exchanged(self, sheet: Sheet) -> None:
        """Write the rates of each month, which can be changed, and all at these rates."""
        every = self.rows[""]
        for at, (currency, rates) in enumerate(self.live.exchanges.items()):
            row = self._below + 2 * at
            sheet.text(row, 0, f"{currency} per USD", "strong")
            sheet.text(row + 1, 0, f"all, {currency}", "strong")
            self._write_entries(sheet, row, rates, "price")

            def at_rate(_: int, column: int, row: int = row) -> str:
                return f"{cell(every, column)}*{cell(row, column)}"

            exchanged = self.booked(self.live.workloads) * rates
            self._fill(sheet, row + 1, at_rate, exchanged, "total_whole")

    def _write_sums(self, sheet: Sheet, row: int, column: int, groups: Sequence[BudgetRow]) -> int:
        """Write the sums of workloads with the same in a column, where there are some; return the last row."""
        if not groups:
            return row - 2
        key = _NAMES[column].replace(" ", "_")
        sheet.text(row, 0, f"By {_NAMES[column]}", "heading")
        self._write_heads(sheet, row + 1, ("workloads", *_NAMES[1:3], "", _NAMES[-1]))
        for at, one in enumerate(groups, row + 2):
            rows = [row for row in self._matrix.rows if getattr(row, key) == getattr(one, key)]
            names = [row.name for row in rows]
            same = f"EXACT({span(self._every, column)},{cell(at, column)})"
            budgets = [cell(self.rows[name], _A_MONTH) for name in names]
            told = f"COUNT({','.join(budgets)})={len(budgets)}"
            rule = f'IF({told},{"+".join(budgets)},"{NOT_TOLD}")'
            summed = partial(self._summed, f"SUMPRODUCT({same}*{{}})")
            self._write_row(sheet, at, one, names, rule, summed)
        return row + 1 + len(groups)
