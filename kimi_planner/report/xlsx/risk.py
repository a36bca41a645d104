"""The sheet of risk: ranges and chances that follow the cells, through factors of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kimi_planner.plan.booking import MEAN
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.report.tables import OVER_BUDGET
from kimi_planner.report.xlsx.book import Sheet, cell, span
from kimi_planner.report.xlsx.inputs import CONTINGENCY, Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import QUANTILES, Rates, Spread, spread_of

__all__ = ["RISK", "Risk"]

RISK = "Risk"
_HEADER = 3
_MEAN, _FIRST, _DEAREST, _BUDGET, _CHANCE, _PLANNED = 3, 4, 7, 8, 9, 11
_SQUARED = _PLANNED + 6  # distances of the quantiles from the mean
_SAID = (
    "Ranges follow the cells. P10, P50 and P90 of a workload are its live mean times the factors of the plan "
    "for its model and certainty; those of all workloads come from the distances of their ends "
    "from the mean, squared, added and scaled as the plan has it. The chance of breaking a budget is read off the plan's "
    "distribution of the dearest month, moved with its live mean. As planned, or with all spend multiplied by one factor, "
    "all this is what the simulation says; else it is near. Grey numbers are as planned."
)


@dataclass(frozen=True)
class Risk:
    """Writes the sheet, and knows where its cells are."""

    live: Live
    inputs: Inputs
    totals: Totals
    rates: Rates
    spread: Spread

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each workload, and of all together, ``""``."""
        return {name: row for row, name in enumerate([*self.live.workloads, ""], _HEADER + 1)}

    @property
    def _first_month(self) -> int:
        return self.rows[""] + 4

    def place(self, workload: str, name: str) -> str:
        """Return the cell of an amount of a workload: ``model``, ``mean``, a quantile, ``budget`` or ``chance``."""
        columns = {"model": 1, "mean": _MEAN, "budget": _BUDGET, "chance": _CHANCE}
        columns |= {name: _FIRST + at for at, name in enumerate(QUANTILES)}
        return cell(self.rows[workload], columns[name], RISK)

    @property
    def _scale(self) -> str:
        """The cell that says how far all spend spreads, against the plan."""
        return cell(self.rows[""] + 1, _MEAN, RISK)

    @property
    def booked(self) -> str:
        """The formula of what the bookable number is of the mean."""
        book = self.live.recommendation.projection.booking.book
        if book == MEAN or not self.live.together.is_ranged:
            return f"(1+{CONTINGENCY})"
        share = int(book.removeprefix("p")) / 100
        factor = spread_of(self.live.together, {book: share})[book]
        return f"(1+{self._scale}*{factor - 1!r})*(1+{CONTINGENCY})"

    def write(self, sheet: Sheet) -> None:
        """Write the range of each workload and of all, then of each month."""
        live = self.live
        sheet.text(0, 0, "Risk", "title")
        sheet.paragraph(1, _SAID, "muted", columns=_CHANCE + 1)
        heads = ("workload", "model", "certainty", "mean, whole plan", *QUANTILES)
        heads += ("mean of the dearest month", "budget a month", OVER_BUDGET)
        sheet.header(_HEADER, heads, texts=3)
        planned = ("planned mean", *(f"planned {name}" for name in QUANTILES), "planned chance")
        sheet.header(_HEADER, planned, at=_PLANNED)
        squared = (f"{name} less mean, squared" for name in QUANTILES)
        sheet.header(_HEADER, squared, at=_SQUARED)
        for name in live.workloads:
            self._write_workload(sheet, name)
        self._write_all(sheet)
        self._write_months(sheet)
        sheet.raw.freeze_panes(_HEADER + 1, 1)
        sheet.raw.print_area(0, 0, self._first_month + len(live.months), _PLANNED + 4)
        sheet.raw.fit_to_pages(1, 0)

    def _write_workload(self, sheet: Sheet, name: str) -> None:
        live, row, own = self.live, self.rows[name], self.inputs.assumed(name)
        spend = live.spend(name, live.recommendation.best[name])
        sheet.text(row, 0, name)
        sheet.formula(row, 1, own["model"], live.recommendation.best[name], "text")
        sheet.formula(row, 2, own["certainty"], live.assumed[name].certainty, "text")
        mean = float(spend.mean().sum())
        sheet.formula(row, _MEAN, f"SUM({self.totals.column(name)})", mean, "money")
        ends = [self.rates.spread(one, own["rates"]) for one in ("P10", "P90")]
        for at, (quantile, factor) in enumerate(spread_of(spend).items()):
            live_factor = self.rates.spread(quantile, own["rates"])
            formula = f'IF({ends[0]}={ends[1]},"{NO_RANGE}",{cell(row, _MEAN)}*{live_factor})'
            value = mean * factor if spend.is_ranged else NO_RANGE
            sheet.formula(row, _FIRST + at, formula, value, "money_right")
            place = cell(row, _FIRST + at)
            squared = f"IF(ISNUMBER({place}),({place}-{cell(row, _MEAN)})^2,0)"
            distance = mean * (factor - 1) if spend.is_ranged else 0.0
            sheet.formula(row, _SQUARED + at, squared, distance**2, "factor")
        self._write_dearest(
            sheet, row, spend, [self.totals.month(name, at) for at in range(len(live.months))]
        )
        budget = live.workloads[name].budget_usd_per_month
        sheet.formula(
            row,
            _BUDGET,
            f'IF({own["budget"]}="","no budget",{own["budget"]})',
            "no budget" if budget is None else float(budget),
            "money_right",
        )
        x = f"({cell(row, _BUDGET)}/{cell(row, _DEAREST)})"
        chance = self.spread.chance(name, own["certainty"], x)
        self._write_chance(sheet, row, spend, chance, None if budget is None else float(budget))
        self._write_planned(sheet, row, spend, None if budget is None else float(budget))

    def _write_dearest(self, sheet: Sheet, row: int, spend: Spend, months: list[str]) -> None:
        sheet.formula(row, _DEAREST, f"MAX({','.join(months)})", float(spend.mean().max()), "money")

    def _write_chance(
        self, sheet: Sheet, row: int, spend: Spend, chance: str, budget: float | None
    ) -> None:
        place, dearest = cell(row, _BUDGET), cell(row, _DEAREST)
        formula = f'IF(ISNUMBER({place}),IF({dearest}=0,0,{chance}),"no budget")'
        value = "no budget" if budget is None else spend.chance_over(budget)
        sheet.formula(row, _CHANCE, formula, value, "chance_right")
        sheet.flag_over(
            (row, row),
            (_CHANCE, _CHANCE),
            f"AND(ISNUMBER({cell(row, _CHANCE)}),{cell(row, _CHANCE)}>0.5)",
        )

    def _write_planned(self, sheet: Sheet, row: int, spend: Spend, budget: float | None) -> None:
        mean = float(spend.mean().sum())
        sheet.number(row, _PLANNED, mean, "planned")
        for at, factor in enumerate(spread_of(spend).values(), _PLANNED + 1):
            sheet.number(row, at, mean * factor, "planned") if spend.is_ranged else sheet.text(
                row, at, NO_RANGE, "muted"
            )
        if budget is not None:
            sheet.number(row, _PLANNED + 4, spend.chance_over(budget), "planned_chance")

    def _write_all(self, sheet: Sheet) -> None:
        """Write all workloads together, whose range comes from theirs."""
        live, row, spend = self.live, self.rows[""], self.live.together
        sheet.texts(row, "all", "", "", style="total_text")
        mean, own = float(spend.mean().sum()), spread_of(spend)
        rows = _HEADER + 1, row - 1
        sheet.formula(row, _MEAN, f"SUM({span(rows, _MEAN)})", mean, "total_money")
        distances, planned = {}, {}
        for at, name in enumerate(QUANTILES):
            distances[name] = f"SQRT(SUM({span(rows, _SQUARED + at)}))"
            parts = [
                (spread_of(one)[name] - 1) * float(one.mean().sum())
                for one in (
                    live.spend(key, live.recommendation.best[key]) for key in live.workloads
                )
                if one.is_ranged
            ]
            planned[name] = float(np.sqrt(np.sum(np.square(parts))))
        for at, name in enumerate(QUANTILES):
            scale = (own[name] - 1) * mean / planned[name] if planned[name] else 0.0
            formula = f'IF({distances["P90"]}=0,"{NO_RANGE}",{cell(row, _MEAN)}+{scale!r}*{distances[name]})'
            sheet.formula(
                row,
                _FIRST + at,
                formula,
                mean * own[name] if spend.is_ranged else NO_RANGE,
                "total_money_right",
            )
        months = [cell(self._first_month + at, _MEAN) for at in range(len(live.months))]
        self._write_dearest(sheet, row, spend, months)
        budgets = span(rows, _BUDGET)
        budget = None if live.budget is None else float(live.budget)
        sheet.formula(
            row,
            _BUDGET,
            f'IF(COUNT({budgets})=ROWS({budgets}),SUM({budgets}),"not told")',
            "not told" if budget is None else budget,
            "total_money_right",
        )
        width = own["P90"] - own["P10"]
        p10, p90 = cell(row, _FIRST), cell(row, _FIRST + 2)
        sheet.text(row + 1, 0, "spread of all, against the plan", "muted")
        live_width = f"({p90}-{p10})/{cell(row, _MEAN)}/{width!r}"
        spreads = f"IF(ISNUMBER({p90}),IF({cell(row, _MEAN)}=0,1,{live_width}),0)" if width else "0"
        sheet.formula(row + 1, _MEAN, spreads, 1.0 if width else 0.0, "factor")
        ratio = f"({cell(row, _BUDGET)}/{cell(row, _DEAREST)})"
        own_scale = cell(row + 1, _MEAN)
        x = f"(1+({ratio}-1)/{own_scale})"
        chance = f"IF({own_scale}=0,IF({ratio}<1,1,0),{self.spread.chance('', '', x)})"
        self._write_chance(sheet, row, spend, chance, budget)
        self._write_planned(sheet, row, spend, budget)

    def _write_months(self, sheet: Sheet) -> None:
        live, spend = self.live, self.live.together
        first = self._first_month
        sheet.header(first - 1, ("month, all workloads", "", "", "mean", *QUANTILES), texts=3)
        means = spend.mean()
        for at, month in enumerate(live.months):
            row = first + at
            sheet.month(row, 0, month.first)
            parts = [self.totals.month(name, at) for name in live.workloads]
            sheet.formula(row, _MEAN, "+".join(parts), float(means[at]), "money")
            for place, q in enumerate(QUANTILES.values(), _FIRST):
                amount = float(spend.quantile(q)[at])
                factor = amount / float(means[at]) - 1 if means[at] else 0.0
                formula = f'IF({self._scale}=0,"{NO_RANGE}",{cell(row, _MEAN)}*(1+{self._scale}*{factor!r}))'
                sheet.formula(
                    row, place, formula, amount if spend.is_ranged else NO_RANGE, "money_right"
                )
