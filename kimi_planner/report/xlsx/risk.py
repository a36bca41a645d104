"""The sheet of risk: ranges and chances that follow the cells, and how near they are to a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kimi_planner.plan.booking import MEAN
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.report.tables import OVER_BUDGET
from kimi_planner.report.xlsx.divided import Divided, distance
from kimi_planner.report.xlsx.inputs import CONTINGENCY, Inputs
from kimi_planner.report.xlsx.lines import Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.rates import PARTS
from kimi_planner.report.xlsx.sheet import Sheet, Shown, block, cell, span
from kimi_planner.report.xlsx.spread import QUANTILES, Paths, Spread, quantile_factors
from kimi_planner.workload.quantity import Array

RISK = "Risk"
NO_BUDGET, NOT_TOLD = "no budget", "not told"
AS_SIMULATED = "as simulated"
#: Measured over generated moves against plans of the changed workloads; 95 of 100 are within.
NEAR_RANGE, NEAR_CHANCE = "near, ±5%", "near, ±4 points"
#: What stands for a quantile where nobody knows how much a model reasons.
_LEAST = {"P10": "at least", "P90": "not known"}
_HEADER = 3
_HEADS = (
    *(
        "workload",
        "model",
        "certainty",
        "mean, whole plan",
        *QUANTILES,
        "mean of the dearest month",
    ),
    *("budget a month", OVER_BUDGET, "P10 to P90 are", "the chance is"),
)
_MEAN, _FIRST, _DEAREST, _BUDGET, _CHANCE, _RANGE_IS, _CHANCE_IS = 3, 4, 7, 8, 9, 10, 11
#: Not printed: what the deviations of paths are multiplied by, the mean times that, how far the
#: spend is divided otherwise than planned, what is spent on each part, and the quantiles of that;
#: then the spend of each month, by workload.
_STRETCH, _WEIGHT, _SHAPE, _SPENT, _RAW, _PARTS = 13, 14, 15, 16, 19, 22
_ALIKE = "1E-4"
_SAID = (
    "Ranges and chances follow the cells. What the simulation says of the plan is kept path by path, each workload's paths "
    "moved with its live mean. What moves a workload as a whole, such as traffic, gives what a simulation gives, but for "
    "single calls. Where spend is divided otherwise among meters, months or workloads, it is near; so it says beside the "
    "number, with how far 95 of 100 tried changes were off at most; the farthest of 800 were off by 26% and 17 points."
)


def least_words(rows: tuple[int, int], column: int) -> str:
    """Return the formula of whether the P90 of some row is not known, its column being given."""
    return f'COUNTIF({span(rows, column)},"{_LEAST["P90"]}")>0'


@dataclass(frozen=True)
class Risk:
    """Writes the sheet, and knows where its cells are."""

    live: Live
    inputs: Inputs
    totals: Totals
    divided: Divided
    spread: Spread
    paths: Paths

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each workload, and of all together, ``""``."""
        return {name: row for row, name in enumerate([*self.live.workloads, ""], _HEADER + 1)}

    @property
    def _planned(self) -> int:
        """The row of the heading of what was planned."""
        return self.rows[""] + 2

    @property
    def first_month(self) -> int:
        """The row of the first month."""
        return self._planned + len(self.rows) + 3

    def place(self, workload: str, name: str) -> str:
        """Return the cell of an amount of a workload: ``model``, ``mean``, a quantile, ``budget`` or ``chance``."""
        columns = {"model": 1, "mean": _MEAN, "budget": _BUDGET, "chance": _CHANCE}
        columns |= {name: _FIRST + at for at, name in enumerate(QUANTILES)}
        return cell(self.rows[workload], columns[name], RISK)

    def months(self, name: str) -> str:
        """Return the range with an amount of all workloads by month: ``month``, ``mean`` or a quantile."""
        column = {"month": 0, "mean": _MEAN, "budget": _BUDGET}
        column |= {one: _FIRST + n for n, one in enumerate(QUANTILES)}
        return span(self._of_months, column[name], RISK)

    @property
    def _of_months(self) -> tuple[int, int]:
        """First and last row of the months."""
        return self.first_month, self.first_month + len(self.live.months) - 1

    @cached_property
    def _means(self) -> Array:
        """The mean spend of each workload in each month, as planned."""
        return np.array([self.live.planned(name).mean() for name in self.live.workloads])

    def quantile(self, name: str, quantile: str) -> float | str:
        """Return what is planned of a quantile of a workload, or of all, ``""``; or what is said of it."""
        spend, best = self.live.planned(name), self.live.recommendation.best
        if name and quantile in _LEAST and self.live.is_least(name, best[name]):
            return _LEAST[quantile]
        whole = spend.over_months().quantile(QUANTILES[quantile])
        return float(whole[0]) if spend.is_ranged else NO_RANGE

    def _of_all(self, column: int) -> str:
        """Return the range of a column of all workloads."""
        return span((_HEADER + 1, self.rows[""] - 1), column, RISK)

    # paths

    def _whole(self, q: float) -> str:
        """Return the formula of a quantile of all workloads over all months."""
        means = self._means.sum(axis=1)
        planned = float(self.live.together.over_months().quantile(q)[0])
        weights = self._of_all(_WEIGHT)
        return self.paths.quantile(q, self.place("", "mean"), weights, means, planned)

    @property
    def booked(self) -> tuple[str, float]:
        """The formula of what the bookable number is of the mean, and its value."""
        booking, spend = self.live.recommendation.projection.booking, self.live.together
        added = 1 + float(booking.contingency_percent) / 100
        if booking.book == MEAN or not spend.is_ranged:
            return f"1+{CONTINGENCY}", added
        share, mean = int(booking.book.removeprefix("p")) / 100, self.place("", "mean")
        whole = f"IF({mean}=0,1,{self._whole(share)}/{mean})"
        return f"{{{whole}*(1+{CONTINGENCY})}}", quantile_factors(spend, (share,))[0] * added

    # rows

    def write(self, sheet: Sheet) -> None:
        """Write the range of each workload and of all, as they are and as planned; then of each month."""
        sheet.opening("Risk", _SAID, _CHANCE_IS + 1)
        sheet.header(_HEADER, _HEADS, texts=3)
        sheet.header(
            _HEADER, ("stretch", "mean x stretch", "shape", *PARTS, *QUANTILES), at=_STRETCH
        )
        sheet.text(self._planned, 0, "As planned", "heading")
        for at, (name, row) in enumerate(self.rows.items(), self._planned + 1):
            shown = self._shown(name)
            total = "" if name else "total_"
            sheet.texts(row, name or "all", "", "", style=f"{total}text")
            if name:
                own, live = self.inputs.assumed(name), self.live
                sheet.formula(row, 1, own["model"], live.recommendation.best[name], "text")
                sheet.formula(row, 2, own["certainty"], live.assumed[name].certainty, "text")
            for here, over in ((row, "over_"), (at, "grey_")):
                first = here if name else here - len(self.live.workloads)
                sheet.flag_least(here, _CHANCE, least_words((first, here), _FIRST + 2), over)
            styled = ((formula, value, f"{total}{style}") for formula, value, style in shown)
            sheet.formulas(row, _MEAN, styled)
            sheet.text(at, 0, name or "all", "grey")
            sheet.planned(at, _MEAN, shown)
            chance = cell(row, _CHANCE)
            sheet.flag_over(row, (_CHANCE, _CHANCE), f"AND(ISNUMBER({chance}),{chance}>0.5)")
            self._write_nearness(sheet, row, name, total)
        self._write_months(sheet)
        sheet.page((self._of_months[1], _CHANCE_IS), _HEADER, 1)

    def _shown(self, name: str) -> list[Shown]:
        """Return mean, quantiles, dearest month, budget and chance of a workload, or of all, ``""``."""
        spend, row, usd = self.live.planned(name), self.rows[name], self.live.limit(name)
        budget, dearest = cell(row, _BUDGET), cell(row, _DEAREST)
        x = f"({budget}/{dearest})"
        if name:
            own = self.inputs.assumed(name)
            spent, months = f"SUM({self.totals.column(name)})", self._parts(name)
            raw = {one: cell(row, _RAW + at) for at, one in enumerate(QUANTILES)}
            is_flat, least = f"{raw['P10']}={raw['P90']}", self.divided.rates.least(name)
            quantiles = {one: f'IF({is_flat},"{NO_RANGE}",{usd})' for one, usd in raw.items()}
            for one, words in _LEAST.items() if least else ():
                quantiles[one] = f'IF({least},"{words}",{quantiles[one]})'
            limit, none = f'IF({own["budget"]}="","{NO_BUDGET}",{own["budget"]})', NO_BUDGET
            chance = self.spread.chance(name, x)
        else:
            spent, months = f"SUM({self._of_all(_MEAN)})", self.months("mean")
            is_flat = f"SUM({self._of_all(_WEIGHT)})=0"
            quantiles = {
                one: f'{{IF({is_flat},"{NO_RANGE}",{self._whole(q)})}}'
                for one, q in QUANTILES.items()
            }
            budgets, none, scale = self._of_all(_BUDGET), NOT_TOLD, cell(row, _STRETCH)
            limit = f'IF(COUNT({budgets})=ROWS({budgets}),SUM({budgets}),"{none}")'
            moved = self.spread.chance("", f"(1+({x}-1)/{scale})")
            chance = f"IF({scale}=0,IF({x}<1,1,0),{moved})"
        chance = f'IF(ISNUMBER({budget}),IF({dearest}=0,0,{chance}),"{NO_BUDGET}")'
        return [
            (spent, float(spend.mean().sum()), "money"),
            *(
                (formula, self.quantile(name, one), "money_right")
                for one, formula in quantiles.items()
            ),
            (f"MAX({months})", float(spend.mean().max()), "money"),
            (limit, none if usd is None else float(usd), "money_right"),
            (chance, NO_BUDGET if usd is None else spend.chance_over(usd), "chance"),
        ]

    def _write_nearness(self, sheet: Sheet, row: int, name: str, total: str) -> None:
        """Write whether range and chance are what a simulation says, and the numbers that tell it."""
        spend, scale = self.live.planned(name), cell(row, _STRETCH)
        ranged, same = f"ISNUMBER({cell(row, _FIRST)})", f"{cell(row, _SHAPE)}<{_ALIKE}"
        low, _, high = quantile_factors(self.paths.spends[name] if name else spend)
        stretch = 1.0 if spend.is_ranged else 0.0
        if name:
            spent = [cell(row, _SPENT + at) for at in range(len(PARTS))]
            sheet.formulas(row, _SPENT, self.divided.spent(name, cell(row, _MEAN), spent))
            mean, p10, p90 = (cell(row, one) for one in (_MEAN, _RAW, _RAW + 2))
            width = f"IF({mean}=0,0,({p90}-{p10})/{mean}/{high - low!r})" if high > low else "0"
            weight, value = f"{cell(row, _MEAN)}*{scale}", float(spend.mean().sum()) * stretch
            sheet.formula(row, _WEIGHT, weight, value, "grey_factor")
            shape = self.divided.shape(name, mean, self._parts(name))
            mixed = ""
        else:
            p90, p10, mean = cell(row, _FIRST + 2), cell(row, _FIRST), cell(row, _MEAN)
            live_width = f"({p90}-{p10})/{mean}/{high - low!r}" if high > low else "0"
            width = f"IF(ISNUMBER({p90}),IF({mean}=0,1,{live_width}),0)"
            stretched = distance(self._of_all(_STRETCH), self.paths.stretch)
            shape = f"MAX({self._of_all(_SHAPE)})+{stretched}"
            shares = self._means.sum(axis=1)
            divided = distance(f"{self._of_all(_MEAN)}/{mean}", shares / (shares.sum() or 1))
            mixed = f"IF({mean}=0,FALSE,{divided}>{_ALIKE})"
        sheet.formula(row, _STRETCH, width, stretch, "grey_factor")
        sheet.formula(row, _SHAPE, shape, 0.0, "grey_factor")
        said = AS_SIMULATED if isinstance(self.quantile(name, "P10"), float) else ""
        formula = f'IF({ranged},IF({same},"{AS_SIMULATED}","{NEAR_RANGE}"),"")'
        sheet.formula(row, _RANGE_IS, formula, said, f"{total}grey_right")
        same = f"AND({same},NOT({mixed}))" if mixed else same
        formula = f'IF(AND({ranged},ISNUMBER({cell(row, _CHANCE)})),IF({same},"{AS_SIMULATED}","{NEAR_CHANCE}"),"")'
        said = "" if self.live.limit(name) is None else said
        sheet.formula(row, _CHANCE_IS, formula, said, f"{total}grey_right")

    def _parts(self, name: str) -> str:
        """Return the range with the mean spend of a workload by month."""
        place = list(self.live.workloads).index(name)
        return span(self._of_months, _PARTS + place, RISK)

    def _write_months(self, sheet: Sheet) -> None:
        live, spend, names = self.live, self.live.together, list(self.live.workloads)
        heads = ("month, all workloads", "", "", "mean", *QUANTILES, "", "budget a month")
        sheet.header(self.first_month - 1, heads, texts=3)
        sheet.header(self.first_month - 1, (f"mean, {name}" for name in names), at=_PARTS)
        stretch, usd, limit = self._of_all(_STRETCH), self.live.limit(""), self.place("", "budget")
        for at, month in enumerate(live.months):
            row = self.first_month + at
            parts = block((row, row), (_PARTS, _PARTS + len(names) - 1))
            sheet.day(row, 0, month.first, "month")
            by_name = zip(names, self._means[:, at], strict=True)
            sheet.formulas(
                row,
                _PARTS,
                (
                    (self.totals.month(name, at), float(mean), "grey_money")
                    for name, mean in by_name
                ),
            )
            quantiles: list[Shown] = []
            for q in QUANTILES.values():
                planned = float(spend.quantile(q)[at])
                weights, mean = f"TRANSPOSE({parts})*{stretch}", cell(row, _MEAN)
                moved = self.paths.quantile(q, mean, weights, self._means[:, at], planned)
                formula = f'{{IF(SUM({stretch})=0,"{NO_RANGE}",{moved})}}'
                quantiles.append((formula, planned if spend.is_ranged else NO_RANGE, "money_right"))
            summed = f"SUM({parts})", float(self._means[:, at].sum()), "money"
            sheet.formulas(row, _MEAN, [summed, *quantiles])
            formula = f'IF(ISNUMBER({limit}),{limit},"")'
            sheet.formula(row, _BUDGET, formula, "" if usd is None else float(usd), "money_right")
