"""The sheets that formulas look numbers up in: rates of calls, and how far spend spreads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kimi_planner.plan.spend import Spend
from kimi_planner.report.xlsx.book import Book, Sheet, block, span
from kimi_planner.report.xlsx.inputs import RATES, Inputs
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.scope import CERTAINTY
from kimi_planner.report.xlsx.traffic import DAYS
from kimi_planner.workload.quantity import Array

__all__ = ["PATHS", "QUANTILES", "SPREAD", "Paths", "Rates", "Spread", "quantile_factors"]

SPREAD, PATHS, AT_LEAST = "Spread", "Paths", "at least"
QUANTILES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}
_FIRST = 4
_STEPS = 100  # of probability, between which the dearest month is interpolated
#: Cells of the sheet of paths: of a plan of more workloads fewer paths are kept; and where nothing has
#: a range, a few for the day when something is given one.
_MOST_CELLS, _FEW_CELLS = 100_000, 4_000
_DIGITS = 7


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

    @property
    def _titles(self) -> list[str]:
        amounts = self.live.amounts
        spreads = [f"{name} x" for name in QUANTILES]
        return [
            *amounts,
            *(f"{name}, added by events" for name in amounts),
            *spreads,
            *(f"{name}, growth certain" for name in spreads),
            AT_LEAST,
        ]

    def at(self, workload: str, model: str, name: str, *, added: bool = False) -> str:
        """Return the formula of a rate on a model, as sure as a cell says; of added calls if so."""
        first = _FIRST + self._keys.index((workload, model, CERTAINTY[0]))
        column = 3 + self._titles.index(f"{name}{', added by events' * added}")
        rates = span((first, first + len(CERTAINTY) - 1), column, RATES)
        return f"INDEX({rates},{self.inputs.assumed(workload)['sure']})"

    def spread(self, workload: str, name: str) -> tuple[str, str]:
        """Return the formula of a quantile against the mean, on the model that the workload has.

        And that of whether the mean is but the least, as nobody knows how much that model reasons;
        empty where no model is so, and over once a number of tokens is put in.
        """
        own, assumed = self.inputs.assumed(workload), self.live.assumed[workload]
        models = list(self.live.specs)
        first, last = (
            _FIRST + self._keys.index((workload, model, certainty))
            for model, certainty in ((models[0], CERTAINTY[0]), (models[-1], CERTAINTY[-1]))
        )
        row = f"({own['place']}-1)*{len(CERTAINTY)}+{own['sure']}"
        factor, still, least = (
            f"INDEX({span((first, last), 3 + self._titles.index(title), RATES)},{row})"
            for title in (f"{name} x", f"{name} x, growth certain", AT_LEAST)
        )
        if assumed.grown:
            factor = f"IF({own['growth']}={assumed.growth!r},{factor},{still})"
        known = any(self.live.is_least(workload, model) for model in models)
        planned = repr(assumed.values["reasoning"])
        return factor, f"AND({least}=1,{own['reasoning']}={planned})" if known else ""

    def grown(self, workload: str) -> str:
        """Return the range with what a ranged growth makes of the traffic, month after month."""
        ranged = [name for name, one in self.live.assumed.items() if one.grown]
        count = len(self.live.assumed[workload].grown)
        return span(
            (_FIRST, _FIRST + count - 1),
            self.inputs.list_column + 2 + ranged.index(workload),
            RATES,
        )

    def write(self, book: Book, sheet: Sheet) -> None:
        """Write the rates, the list of models, the days of a month, and ranged growth."""
        live = self.live
        sheet.opening(
            "Rates of a call",
            "What a call uses against the sheet of assumptions, from the plan; not to be changed.",
        )
        sheet.header(3, ("workload", "model", "certainty", *self._titles), texts=3)
        for row, key in enumerate(self._keys, _FIRST):
            sheet.texts(row, *key)
            level, extra = live.rates[key]
            factors = [quantile_factors(live.spread_of(*key, grows=one)) for one in (True, False)]
            numbers = [*level.values(), *extra.values(), *factors[0], *factors[1]]
            numbers.append(float(live.is_least(*key[:2])))
            sheet.numbers(row, 3, numbers)
        column = self.inputs.list_column
        sheet.text(3, column, "models", "header")
        for row, model in enumerate(live.specs, _FIRST):
            sheet.text(row, column, model)
        listed: dict[str, Sequence[float]] = {"days": range(31)}
        listed |= {
            f"growth of {name}": one.grown for name, one in live.assumed.items() if one.grown
        }
        for at, (title, values) in enumerate(listed.items(), column + 1):
            sheet.text(3, at, title, "header_right")
            sheet.column(_FIRST, at, values)
        book.define(DAYS, span((_FIRST, _FIRST + 30), column + 1, RATES))
        sheet.page((_FIRST + len(self._keys), column), 3, 3)


@dataclass(frozen=True)
class Spread:
    """Writes how the dearest month is distributed against its mean, for chances over a budget."""

    live: Live
    inputs: Inputs

    @cached_property
    def _tables(self) -> dict[tuple[str, str], Array]:
        """The factors at each step of probability, by workload and certainty; of all ``("", "")``."""
        spends = {**self.live.spends, ("", ""): self.live.together}
        return {key: _factors(spend) for key, spend in spends.items()}

    def chance(self, workload: str, x: str) -> str:
        """Return the formula of the chance that the dearest month exceeds x times its mean.

        As planned it is the share of paths itself, which lies between two steps.
        """
        keys = list(self._tables)
        planned = self.live.assumed[workload].certainty if workload else ""
        first = keys.index((workload, CERTAINTY[0] if workload else ""))
        rows = _FIRST, _FIRST + _STEPS
        table = block(rows, (first, first + (len(CERTAINTY) - 1) * bool(workload)), SPREAD)
        if workload:
            table = f"INDEX({table},0,{self.inputs.assumed(workload)['sure']})"
        adjusted = self._adjusted(workload, planned)
        if adjusted != 1:
            certainty = self.inputs.assumed(workload)["certainty"] if workload else ""
            factor = f'IF({certainty}="{planned}",{adjusted!r},1)' if workload else repr(adjusted)
            x = f"({x}*{factor})"
        return f"IF({x}<MIN({table}),1,IF({x}>=MAX({table}),0,1-PERCENTRANK({table},{x},15)))"

    def _adjusted(self, workload: str, certainty: str) -> float:
        """Return what a planned budget is multiplied by to be where the table has its chance."""
        live = self.live
        spend = live.spends[workload, certainty] if workload else live.together
        budget = live.limit(workload)
        dearest = float(spend.mean().max())
        chance = spend.chance_over(budget) if budget else 0.0
        if not budget or not dearest or not 0 < chance < 1:
            return 1.0
        table = self._tables[workload, certainty]
        at = float(np.interp(1 - chance, np.linspace(0, 1, _STEPS + 1), table))
        return at * dearest / float(budget)

    def write(self, sheet: Sheet) -> None:
        """Write a column for each workload and certainty, and for all workloads."""
        sheet.opening(
            "Spread of the dearest month",
            f"Its quantiles, from the least to the most in steps of 1/{_STEPS}, against the mean of the month that "
            "is dearest on average, from the plan; not to be changed.",
        )
        for column, ((name, certainty), factors) in enumerate(self._tables.items()):
            sheet.text(2, column, name or "all", "header")
            sheet.text(3, column, certainty or "as planned", "header_right")
            sheet.column(_FIRST, column, factors)
        sheet.page((1, 9), 3)


@dataclass(frozen=True)
class Paths:
    """Writes how far each path is from the mean, by workload, so that ranges can be added up.

    A workload without a range has the paths of an estimate, for the day when it is called one.
    """

    live: Live

    @cached_property
    def spends(self) -> dict[str, Spend]:
        """The spend whose paths are kept, by workload."""
        return {
            name: planned if planned.is_ranged else self.live.spends[name, "estimate"]
            for name in self.live.workloads
            for planned in [self.live.spends[name, self.live.assumed[name].certainty]]
        }

    @cached_property
    def values(self) -> Array:
        """What the whole plan is above its mean, against it, of shape (n_paths, n_workloads)."""
        columns = []
        for spend in self.spends.values():
            usd, mean = spend.over_months().usd[0], float(spend.mean().sum())
            columns.append(usd / mean - 1 if mean else 0 * usd)
        cells = _MOST_CELLS if self.live.together.is_ranged else _FEW_CELLS
        most = max(100, cells // len(columns))
        paths = np.stack(np.broadcast_arrays(*columns), axis=1)
        step = -(-len(paths) // most)
        return np.round(paths[::step], _DIGITS)

    @property
    def every(self) -> str:
        """The range of all paths."""
        rows = _FIRST, _FIRST + len(self.values) - 1
        return block(rows, (0, self.values.shape[1] - 1), PATHS)

    def write(self, sheet: Sheet) -> None:
        """Write a column for each workload."""
        sheet.opening(
            "Paths",
            "Spend of the whole plan on each path, how far above its mean, from the plan; not to be changed.",
        )
        sheet.header(3, self.spends)
        for column, values in enumerate(self.values.T):
            sheet.column(_FIRST, column, values)
        sheet.page((1, 9), 3)


def quantile_factors(
    spend: Spend, shares: tuple[float, ...] = (*QUANTILES.values(),)
) -> list[float]:
    """Return quantiles of the whole plan against its mean."""
    whole = spend.over_months()
    mean = float(whole.mean()[0])
    return [float(whole.quantile(q)[0]) / mean if mean else 1.0 for q in shares]


def _factors(spend: Spend) -> Array:
    dearest = float(spend.mean().max())
    if not spend.is_ranged or not dearest:
        return np.ones(_STEPS + 1)
    steps = np.quantile(spend.usd.max(axis=0), np.linspace(0, 1, _STEPS + 1))
    return np.asarray(steps / dearest)
