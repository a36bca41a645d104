"""The first sheet: what a reader needs in ten seconds, on one page; all of it follows the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimi_planner.billing.meters import FEE, title_of
from kimi_planner.report.contents import held_sentences
from kimi_planner.report.sentences import date_sentences, horizon, least_sentence
from kimi_planner.report.tables import OVER_BUDGET
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.budget import Budget, shown
from kimi_planner.report.xlsx.lines import Totals, usd_of
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.risk import NO_BUDGET, NOT_TOLD, Risk, least_words
from kimi_planner.report.xlsx.sheet import Sheet, Shown, cell
from kimi_planner.report.xlsx.spread import QUANTILES

SUMMARY = "Summary"
_SAID = "Everything here follows the yellow cells of Assumptions and Prices; grey is as planned."
_OK, _OVER = "within", "OVER"
_HEADS = ("to book", "budget", "variance", *QUANTILES, OVER_BUDGET, "head-room", "booked is")
_CHANCE, _ROOM, _STATUS, _P90 = (
    1 + _HEADS.index(one) for one in (OVER_BUDGET, "head-room", "booked is", "P90")
)
_MODEL = _STATUS + 1
_FIRST = 4
_CHART_ROWS = 18


@dataclass(frozen=True)
class Summary:
    """Writes the sheet."""

    live: Live
    totals: Totals
    budget: Budget
    risk: Risk

    def write(self, book: Book, sheet: Sheet) -> None:
        """Write the plan in a few figures, its workloads, months, meters and choices."""
        plan = self.live.recommendation
        count = len(self.live.workloads)
        sheet.opening("Kimi API budget", _SAID)
        what = f"{horizon(plan.projection)}, {count} workload{'s' * (count > 1)}. {plan.projection.currency}; to book: "
        sheet.text(2, 0, f"{what}{plan.booked.booking.words}.")
        row = self._write_figures(sheet)
        row = self._write_months(book, sheet, row)
        row = self._write_meters(sheet, row)
        over = [one.sentence for one in plan.over_budget]
        least = [*filter(None, [least_sentence(plan)])]
        for title, sentences in (
            ("Models, as planned", plan.chosen()),
            ("Budgets, as planned", [*least, *held_sentences(plan), *over]),
            ("What happens when, as planned", date_sentences(plan)),
        ):
            if sentences:
                sheet.text(row + 1, 0, title, "heading")
                row += 2
            for words in sentences:
                row = sheet.paragraph(row, words, columns=_MODEL + 1)
        sheet.page((row, _MODEL))
        sheet.raw.fit_to_pages(1, int(row <= 70))

    def _shown(self, name: str) -> list[Shown]:
        """Return what stands beside a workload, or beside all, ``""``."""
        risk, row, limit = self.risk, self.budget.of(name), self.live.limit(name)
        whole = self.live.recommendation.budget_matrix.whole
        against, room = row.budget(whole), row.head_room
        place, here = self.budget.place(name, "budget"), cell(self._row(name), _ROOM)
        none = NO_BUDGET if name else NOT_TOLD
        money, change = ("money", "change") if name else ("big_whole", "big_more")
        is_over = room is not None and room[0] < Decimal("-0.005")
        status = NO_BUDGET if room is None else _OVER if is_over else _OK
        chance = NO_BUDGET if limit is None else self.live.planned(name).chance_over(limit)
        quantiles = ((risk.place(name, key), risk.quantile(name, key)) for key in QUANTILES)
        return [
            (self.budget.place(name), float(row.usd(whole)), money),
            (
                f'IF({place}="","{none}",{place})',
                none if against is None else float(against),
                f"{money}_right",
            ),
            (self.budget.place(name, "variance"), shown(row.variance(whole)), change),
            *((*quantile, f"{money}_right") for quantile in quantiles),
            (risk.place(name, "chance"), chance, "chance" if name else "big_chance"),
            (self.budget.place(name, "head-room"), shown(room and room[0]), change),
            (
                f'IF(ISNUMBER({here}),IF({here}<-0.005,"{_OVER}","{_OK}"),"{NO_BUDGET}")',
                status,
                "right" if name else "big_right",
            ),
        ]

    def _row(self, name: str) -> int:
        names = list(self.live.workloads)
        below = _FIRST + 4 + len(self.live.exchanges)
        return below + names.index(name) if name else _FIRST + 1

    def _write_figures(self, sheet: Sheet) -> int:
        """Write all workloads together, what was planned of them, and each; return the next row."""
        live, row = self.live, self._row("")
        sheet.header(_FIRST, ("", *_HEADS), texts=1)
        sheet.text(_FIRST, _MODEL, "model", "header_left")
        every = self._shown("")
        sheet.text(row, 0, "whole plan", "big")
        self._write_row(sheet, row, every)
        sheet.text(row + 1, 0, "as planned", "grey")
        least = bool(least_sentence(live.recommendation))
        sheet.flag_least(row + 1, _CHANCE, str(least).upper(), "grey_")
        sheet.planned(row + 1, 1, every)
        self._write_exchanged(sheet, row + 2, every)
        for name in live.workloads:
            row = self._row(name)
            model = live.recommendation.best[name]
            sheet.text(row, 0, name)
            self._write_row(sheet, row, self._shown(name))
            sheet.formula(row, _MODEL, self.risk.place(name, "model"), model, "left")
        return row + 1

    def _write_row(self, sheet: Sheet, row: int, shown: Sequence[Shown]) -> None:
        rows = [self._row(name) for name in self.live.workloads]
        ends = (rows[0], rows[-1]) if row < rows[0] else (row, row)
        sheet.flag_least(row, _CHANCE, least_words(ends, _P90))
        sheet.formulas(row, 1, shown)
        status = cell(row, _STATUS)
        sheet.flag_over(row, (_ROOM, _STATUS), f'${status}="{_OVER}"')

    def _write_exchanged(self, sheet: Sheet, row: int, every: Sequence[Shown]) -> None:
        """Write what is booked and its budget in other currencies, each month at its own rate."""
        matrix, monthly = self.live.recommendation.budget_matrix, self.risk.place("", "budget")
        for at, exchange in enumerate(self.live.exchanges):
            total = matrix.at_rates(exchange).total
            here, whole = row + at, matrix.whole
            budget = total.budget(whole)
            sheet.text(here, 0, f"in {exchange.currency}", "strong")
            to_book, rates = self.budget.exchanged(at)
            sheet.formula(here, 1, to_book, float(total.usd(whole)), every[0][2])
            against = f'IF(ISNUMBER({monthly}),{monthly}*SUM({rates}),"{NOT_TOLD}")'
            sheet.formula(
                here, 2, against, NOT_TOLD if budget is None else float(budget), every[1][2]
            )
            places = cell(here, 1), cell(here, 2)
            variance = f'IF(ISNUMBER({places[1]}),{"-".join(places)},"")'
            sheet.formula(here, 3, variance, shown(total.variance(whole)), every[2][2])

    def _write_months(self, book: Book, sheet: Sheet, row: int) -> int:
        """Draw the range of each month and the budget; return the next row."""
        if len(self.live.months) == 1:
            return row
        lines = [*QUANTILES, *["budget"] * (self.live.limit("") is not None)]
        series = [(one, self.risk.months("month"), self.risk.months(one)) for one in lines]
        chart = book.line_chart(series, f"All workloads by month, {self.live.currency}", "yyyy-mm")
        sheet.raw.insert_chart(cell(row + 1, 0), chart)
        return row + _CHART_ROWS + 1

    def _write_meters(self, sheet: Sheet, row: int) -> int:
        """Write what all months cost by meter; return the next row."""
        live = self.live
        sheet.header(row, ("meter, whole plan", "used", f"mean {live.currency}"), texts=1)
        lines = [live.lines[name, model] for name, model in live.recommendation.best.items()]
        for at, key in enumerate(live.meters, row + 1):
            sheet.text(at, 0, f"{title_of(key)}{', calls' * key.startswith(FEE)}")
            for column, (name, style) in enumerate(((key, "whole"), (usd_of(key), "money")), 1):
                amount = sum(float(one.amount(name).sum()) for one in lines)
                sheet.formula(at, column, f"SUM({self.totals.every(name)})", amount, style)
        return row + 1 + len(live.meters)
