"""The first sheet: what a reader needs in ten seconds, on one page; all of it follows the cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kimi_planner.billing.meters import FEE, title_of
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.report.sentences import horizon
from kimi_planner.report.tables import OVER_BUDGET
from kimi_planner.report.xlsx.book import Sheet, cell
from kimi_planner.report.xlsx.budget import Budget
from kimi_planner.report.xlsx.lines import Totals, usd_of
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import QUANTILES
from kimi_planner.report.xlsx.risk import Risk

__all__ = ["SUMMARY", "Summary"]

SUMMARY = "Summary"
_OK, _OVER, _NONE = "within", "OVER", "no budget"


@dataclass(frozen=True)
class Summary:
    """Writes the sheet."""

    live: Live
    totals: Totals
    budget: Budget
    risk: Risk

    def write(self, sheet: Sheet) -> None:
        """Write the plan in a few figures, its workloads, meters and choices."""
        plan = self.live.recommendation
        count = len(self.live.workloads)
        sheet.text(0, 0, "Kimi API budget", "title")
        sheet.text(
            1,
            0,
            f"{horizon(plan.projection)}, {count} workload{'s' if count > 1 else ''}. USD; "
            f"to book: {plan.booked.booking.words}.",
        )
        sheet.text(
            2,
            0,
            "Everything here follows the yellow cells of Assumptions and Prices; grey is as planned.",
            "remark",
        )
        row = self._write_figures(sheet, 4)
        row = self._write_workloads(sheet, row + 1)
        row = self._write_meters(sheet, row + 1)
        sheet.text(row + 1, 0, "Models, as planned", "heading")
        row += 2
        for one in plan.decisions:
            row = sheet.paragraph(row, f"{one.workload}: {one.why}.", columns=11)
        sheet.raw.print_area(0, 0, row, 11)
        sheet.raw.fit_to_pages(1, int(row <= 60))

    def _write_figures(self, sheet: Sheet, row: int) -> int:
        """Write the bookable number against its budget, and the range, with what was planned."""
        live, projection = self.live, self.live.recommendation.projection
        spend, budget = live.together, live.budget
        whole = spend.over_months()
        booked = float(whole.mean()[0]) * self.budget.booked
        against = None if budget is None else float(budget) * len(live.months)
        none = "not told"
        figures = [
            ("to book", self.budget.place(""), booked, "big"),
            (
                "budget",
                self.budget.place("", "budget"),
                none if against is None else against,
                "big",
            ),
            (
                "variance",
                self.budget.place("", "variance"),
                none if against is None else booked - against,
                "big_signed",
            ),
            *(
                (
                    name,
                    self.risk.place("", name),
                    float(whole.quantile(q)[0]) if spend.is_ranged else NO_RANGE,
                    "big",
                )
                for name, q in QUANTILES.items()
            ),
            (
                OVER_BUDGET,
                self.risk.place("", "chance"),
                _NONE if budget is None else spend.chance_over(budget),
                "big_share",
            ),
        ]
        for column, (words, _, _, _) in enumerate(figures, 1):
            sheet.text(row, column, words, "header_right")
        sheet.text(row, 0, "whole plan", "header")
        sheet.text(row + 1, 0, "now", "strong")
        sheet.text(row + 2, 0, "as planned", "muted")
        for column, (words, place, value, style) in enumerate(figures, 1):
            shown = f'IF({place}="","{none}",{place})' if words in ("budget", "variance") else place
            sheet.formula(row + 1, column, shown, value, style)
            if isinstance(value, str):
                sheet.text(row + 2, column, value, "muted_right")
            else:
                sheet.number(
                    row + 2, column, value, "planned_chance" if words == OVER_BUDGET else "planned"
                )
        sheet.flag_over(
            (row + 1, row + 1),
            (3, 3),
            f"AND(ISNUMBER({cell(row + 1, 3)}),{cell(row + 1, 3)}>0.005)",
        )
        exchange = projection.catalog.exchange
        if exchange is not None:
            row += 1
            rates = [float(exchange.at(month.first)) for month in live.months]
            means = spend.mean()
            rate = float(means @ np.array(rates) / (means.sum() or 1))
            mean_rate = f"{self.budget.exchanged}/{self.budget.place('')}"
            sheet.text(row + 2, 0, f"now, {exchange.currency}", "strong")
            for column, (_, _, value, style) in enumerate(figures[:-1], 1):
                place = cell(row, column)
                live_value = value if isinstance(value, str) else value * rate
                formula = f"IF(AND(ISNUMBER({place}),{self.budget.place('')}<>0),{place}*{mean_rate},{place})"
                sheet.formula(row + 2, column, formula, live_value, style)
            sheet.text(row + 2, len(figures), "at the mean rate", "aside")
        return row + 3

    def _write_workloads(self, sheet: Sheet, row: int) -> int:
        live = self.live
        heads = (
            "workload",
            "to book",
            "budget",
            "variance",
            *QUANTILES,
            OVER_BUDGET,
            "head-room",
            "budget is",
            "planned to book",
        )
        sheet.header(row, heads, texts=1)
        sheet.text(row, len(heads), "model", "header_beside")
        for name in live.workloads:
            row += 1
            model = live.recommendation.best[name]
            spend, budget = live.spend(name, model), live.workloads[name].budget_usd_per_month
            whole = spend.over_months()
            booked = float(whole.mean()[0]) * self.budget.booked
            count = len(live.months)
            known = None if budget is None else float(budget)
            dearest = float(spend.mean().max()) * self.budget.booked
            sheet.text(row, 0, name)
            sheet.formula(row, 1, self.budget.place(name), booked, "money")
            for column, key, value in (
                (2, "budget", "" if known is None else known * count),
                (3, "variance", "" if known is None else booked - known * count),
                (8, "head-room", "" if known is None else known - dearest),
            ):
                sheet.formula(
                    row,
                    column,
                    self.budget.place(name, key),
                    value,
                    "money_right" if column == 2 else "signed_money",
                )
            for column, (key, q) in enumerate(QUANTILES.items(), 4):
                value = float(whole.quantile(q)[0]) if spend.is_ranged else NO_RANGE
                sheet.formula(row, column, self.risk.place(name, key), value, "money_right")
            chance = _NONE if known is None else spend.chance_over(known)
            sheet.formula(row, 7, self.risk.place(name, "chance"), chance, "chance_right")
            room = cell(row, 8)
            status = _NONE if known is None else _OVER if known - dearest < -0.005 else _OK
            sheet.formula(
                row,
                9,
                f'IF(ISNUMBER({room}),IF({room}<-0.005,"{_OVER}","{_OK}"),"{_NONE}")',
                status,
                "right",
            )
            sheet.flag_over((row, row), (8, 9), f'{cell(row, 9).replace("J", "$J")}="{_OVER}"')
            sheet.number(row, 10, booked, "planned")
            sheet.formula(row, 11, self.risk.place(name, "model"), model, "beside")
        return row + 1

    def _write_meters(self, sheet: Sheet, row: int) -> int:
        """Write what all months cost by meter."""
        live = self.live
        sheet.header(row, ("meter, whole plan", "used", "mean USD"), texts=1)
        lines = [live.lines[name, model] for name, model in live.recommendation.best.items()]
        for key in live.meters:
            row += 1
            sheet.text(row, 0, f"{title_of(key)}{', calls' * key.startswith(FEE)}")
            amount = sum(float(line.usage[key].sum()) for line in lines if key in line.usage)
            spent = sum(float(line.usd[key].sum()) for line in lines if key in line.usd)
            sheet.formula(row, 1, f"SUM({self.totals.every(key)})", amount, "count")
            sheet.formula(row, 2, f"SUM({self.totals.every(usd_of(key))})", spent, "money")
        return row + 1
