"""The sheets that formulas look numbers up in: rates of calls, and how far spend spreads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kimi_planner.plan.spend import Spend
from kimi_planner.report.xlsx.book import Sheet, cell, span
from kimi_planner.report.xlsx.inputs import RATES, Inputs, place_of
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.scope import CERTAINTY
from kimi_planner.workload.quantity import Array

__all__ = ["QUANTILES", "SPREAD", "Rates", "Spread"]

SPREAD = "Spread"
QUANTILES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}
_FIRST = 4
#: Probabilities at which the dearest month is tabulated; those of the budgets are added.
_GRID = (0.0, 0.005, 0.01, 0.025, *(n / 20 for n in range(1, 20)), 0.975, 0.99, 0.995, 1.0)


@dataclass(frozen=True)
class Rates:
    """Writes what a call uses, by workload, model and certainty, and knows where it stands."""

    live: Live
    inputs: Inputs

    @cached_property
    def _keys(self) -> list[tuple[str, str, str]]:
        return [
            (name, model, certainty)
            for name in self.live.workloads
            for model in self.live.specs
            for certainty in CERTAINTY
        ]

    def _column(self, name: str, is_extra: bool) -> str:
        at = 3 + self.live.amounts.index(name) + len(self.live.amounts) * is_extra
        return span((_FIRST, _FIRST + len(self._keys) - 1), at, RATES)

    def at(self, name: str, row: str, *, is_extra: bool = False) -> str:
        """Return the formula of a rate, at the number of a row that a cell has."""
        return f"INDEX({self._column(name, is_extra)},{row})"

    def row(self, workload: str, model: str, certainty: str) -> str:
        """Return the formula of the row of a workload on a model, as sure as a cell says."""
        return f"{self._keys.index((workload, model, CERTAINTY[0]))}+{place_of(certainty)}"

    def spread(self, name: str, row: str) -> str:
        """Return the formula of a quantile against the mean."""
        at = 3 + 2 * len(self.live.amounts) + list(QUANTILES).index(name)
        return f"INDEX({span((_FIRST, _FIRST + len(self._keys) - 1), at, RATES)},{row})"

    def grown(self, workload: str) -> str:
        """Return the range with what a ranged growth makes of the traffic, month after month."""
        ranged = [name for name, one in self.live.assumed.items() if one.grown]
        column = self.inputs.list_column + 1 + ranged.index(workload)
        count = len(self.live.assumed[workload].grown)
        return span((_FIRST, _FIRST + count - 1), column, RATES)

    def write(self, sheet: Sheet) -> None:
        """Write the rates, the list of models, and ranged growth."""
        live = self.live
        sheet.text(0, 0, "Rates of a call", "title")
        sheet.text(
            1,
            0,
            "What a call uses against the sheet of assumptions, from the plan; not to be changed.",
            "muted",
        )
        titles = [*live.amounts, *(f"{name}, added by events" for name in live.amounts)]
        heads = ("workload", "model", "certainty", *titles, *(f"{name} x" for name in QUANTILES))
        sheet.header(3, heads, texts=3)
        for row, key in enumerate(self._keys, _FIRST):
            sheet.texts(row, *key)
            level, extra = live.rates[key]
            factors = spread_of(self._spend(*key))
            numbers = [*level.values(), *extra.values(), *factors.values()]
            for column, number in enumerate(numbers, 3):
                sheet.number(row, column, number, "factor")
        column = self.inputs.list_column
        sheet.text(3, column, "models", "header")
        for row, model in enumerate(live.specs, _FIRST):
            sheet.text(row, column, model)
        for name, assumed in live.assumed.items():
            if assumed.grown:
                column += 1
                sheet.text(3, column, f"growth of {name}", "header_right")
                for row, number in enumerate(assumed.grown, _FIRST):
                    sheet.number(row, column, number, "factor")
        sheet.table_page(3, 3)

    def _spend(self, name: str, model: str, certainty: str) -> Spend:
        """Return the spend whose spread a row has: at another certainty, that of the planned model."""
        if certainty == self.live.assumed[name].certainty:
            return self.live.spend(name, model)
        return self.live.spends[name, certainty]


@dataclass(frozen=True)
class Spread:
    """Writes how the dearest month is distributed against its mean, for chances over a budget."""

    live: Live

    @cached_property
    def _tables(self) -> dict[tuple[str, str], tuple[Array, Array]]:
        """Probabilities and factors, by workload and certainty; those of all are of ``""``."""
        live, found = self.live, {}
        for name, workload in live.workloads.items():
            for certainty in CERTAINTY:
                budget = (
                    workload.budget_usd_per_month
                    if certainty == live.assumed[name].certainty
                    else None
                )
                found[name, certainty] = _table(
                    live.spends[name, certainty], None if budget is None else float(budget)
                )
        budget = live.budget
        found["", ""] = _table(live.together, None if budget is None else float(budget))
        return found

    def chance(self, workload: str, certainty: str, x: str) -> str:
        """Return the formula of the chance that the dearest month exceeds x times its mean."""
        names = list(self.live.workloads)
        first = 2 * len(CERTAINTY) * (names.index(workload) if workload else len(names))
        rows = max(len(shares) for shares, _ in self._tables.values())
        last = first + 2 * len(CERTAINTY) - 1 if workload else first + 1
        block = f"{cell(_FIRST, first, SPREAD)}:{cell(_FIRST + rows - 1, last, SPREAD).rpartition('!')[2]}"
        place = f"2*{place_of(certainty)}" if workload else "2"
        ratios = f"INDEX({block},0,{place})"
        at = f"MATCH({x},{ratios},1)"

        def value(row: str, column: str) -> str:
            return f"INDEX({block},{row},{column})"

        low, high = value(at, place), value(f"{at}+1", place)
        below, above = value(at, f"{place}-1"), value(f"{at}+1", f"{place}-1")
        inside = f"1-({below}+({x}-{low})/({high}-{low})*({above}-{below}))"
        return f"IF({x}<MIN({ratios}),1,IF({x}>=MAX({ratios}),0,{inside}))"

    def write(self, sheet: Sheet) -> None:
        """Write a pair of columns for each workload and certainty, and for all workloads."""
        sheet.text(0, 0, "Spread of the dearest month", "title")
        sheet.text(
            1,
            0,
            "Its quantiles against the mean of the month that is dearest on average, from the plan; not to be changed.",
            "muted",
        )
        for place, ((name, certainty), (shares, factors)) in enumerate(self._tables.items()):
            column = 2 * place
            sheet.text(2, column, name or "all", "header")
            sheet.text(2, column + 1, certainty or "as planned", "header")
            sheet.header(3, ("share below", "x"), at=column)
            for row, (share, factor) in enumerate(zip(shares, factors, strict=True), _FIRST):
                sheet.number(row, column, float(share), "factor")
                sheet.number(row, column + 1, float(factor), "factor")
        sheet.table_page(3, 0)


def spread_of(spend: Spend, shares: dict[str, float] = QUANTILES) -> dict[str, float]:
    """Return quantiles of the whole plan against its mean."""
    whole = spend.over_months()
    mean = float(whole.mean()[0])
    return {name: float(whole.quantile(q)[0]) / mean if mean else 1.0 for name, q in shares.items()}


def _table(spend: Spend, budget: float | None) -> tuple[Array, Array]:
    """Return shares of paths, and the factor on the dearest month's mean that they stay below.

    The planned chance to exceed a budget is one of them, so that it is met exactly.
    """
    means = spend.mean()
    dearest = float(means.max())
    if not spend.is_ranged or not dearest:
        return np.array([0.0, 1.0]), np.array([1.0, 1.0])
    shares = np.array(_GRID)
    factors = np.quantile(spend.usd.max(axis=0), shares) / dearest
    if budget is not None:
        chance = spend.chance_over(budget)
        if 0 < chance < 1:
            keep = shares != 1 - chance
            shares = np.append(shares[keep], 1 - chance)
            factors = np.append(factors[keep], budget / dearest)
            order = np.lexsort((shares, factors))
            shares, factors = np.maximum.accumulate(shares[order]), factors[order]
    return shares, factors
