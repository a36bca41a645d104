"""The sheet of rates: what a call uses, and what is spent on its parts counts in a quantile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from kimi_planner.plan.spend import Spend
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.calls import PUT_IN
from kimi_planner.report.xlsx.inputs import RATES, Inputs
from kimi_planner.report.xlsx.live import Live, Moved
from kimi_planner.report.xlsx.scope import CERTAINTY
from kimi_planner.report.xlsx.sheet import Sheet, span
from kimi_planner.report.xlsx.spread import QUANTILES, quantile_factors
from kimi_planner.report.xlsx.traffic import DAYS
from kimi_planner.workload.quantity import Array

#: What the spend of a workload is divided into, as each has a spread of its own.
PARTS = ("prompts", "answers", "reasoning")
AT_LEAST = "at least"
#: Titles of spreads by what of a workload is made certain.
_MOVED = {
    "": Moved(),
    ", growth certain": Moved(growth=True),
    ", reasoning put in": Moved(reasoning=True),
    ", both": Moved(growth=True, reasoning=True),
}
_NEAR = 0.02  # of all paths, on each side of a percentile
_FIRST = 4


@dataclass(frozen=True)
class Rates:
    """Writes what a call uses, by workload, model and certainty, and knows where it stands."""

    live: Live
    inputs: Inputs
    _spreads: dict[tuple[str, str, str, Moved], list[float]] = field(default_factory=dict)

    @cached_property
    def _keys(self) -> list[tuple[str, str, str]]:
        return list(self.live.rates)

    @cached_property
    def _titles(self) -> list[str]:
        amounts = [*self.live.amounts, PUT_IN]
        spreads = [f"{name} x {part}" for name in QUANTILES for part in PARTS]
        return [
            *amounts,
            *(f"{name}, added by events" for name in amounts),
            *(f"{name}{words}" for words in _MOVED for name in spreads),
            AT_LEAST,
        ]

    def _rows(self, workload: str, *models: str) -> tuple[int, int]:
        """Return the rows from the first to the last of models of a workload."""
        first = _FIRST + self._keys.index((workload, models[0], CERTAINTY[0]))
        return first, first + len(models) * len(CERTAINTY) - 1

    def at(self, workload: str, model: str, name: str, *, added: bool = False) -> str:
        """Return the formula of a rate on a model, as sure as a cell says; of added calls if so."""
        column = 3 + self._titles.index(f"{name}{', added by events' * added}")
        rates = span(self._rows(workload, model), column, RATES)
        return f"INDEX({rates},{self.inputs.assumed(workload)['sure']})"

    def _of_workload(self, workload: str, title: str) -> str:
        """Return the formula of a number of a workload, on its model and as sure as cells say."""
        own, rows = self.inputs.assumed(workload), self._rows(workload, *self.live.specs)
        numbers = span(rows, 3 + self._titles.index(title), RATES)
        return f"INDEX({numbers},({own['place']}-1)*{len(CERTAINTY)}+{own['sure']})"

    def spread(self, workload: str, name: str, spent: Sequence[str]) -> str:
        """Return the formula of a quantile: what is spent on each of `PARTS`, times what it counts."""
        own, assumed = self.inputs.assumed(workload), self.live.assumed[workload]
        terms = []
        for usd, part in zip(spent, PARTS, strict=True):
            factors = {
                moved: self._of_workload(workload, f"{name} x {part}{words}")
                for words, moved in _MOVED.items()
            }
            as_planned, put_in = (
                self._if_grown(workload, factors[Moved(False, is_in)], factors[Moved(True, is_in)])
                for is_in in (False, True)
            )
            if self.live.workloads[workload].reasoning_tokens is None:
                planned = f"{own['reasoning']}={assumed.values['reasoning']!r}"
                as_planned = f"IF({planned},{as_planned},{put_in})"
            terms.append(f"{usd}*{as_planned}")
        return "+".join(terms)

    def _if_grown(self, workload: str, grown: str, still: str) -> str:
        """Return the formula of a number that is another where growth has no range any more."""
        own, assumed = self.inputs.assumed(workload), self.live.assumed[workload]
        return f"IF({own['growth']}={assumed.growth!r},{grown},{still})" if assumed.grown else grown

    def least(self, workload: str) -> str:
        """Return the formula of whether the mean is but the least, the reasoning being not known.

        Empty where no model is so; it is over once a number of tokens is put in.
        """
        if not any(self.live.is_least(workload, model) for model in self.live.specs):
            return ""
        planned = self.live.assumed[workload].values["reasoning"]
        own = self.inputs.assumed(workload)
        return f"AND({self._of_workload(workload, AT_LEAST)}=1,{own['reasoning']}={planned!r})"

    def _spread_of(self, name: str, model: str, certainty: str, moved: Moved) -> Sequence[float]:
        """Return what a USD of each part counts in each quantile, worked out once where it is the same."""
        live = self.live
        model, moved = live.standing(name, model, certainty, moved)
        key = name, model, certainty, moved
        if key not in self._spreads:
            is_planned = certainty == live.assumed[name].certainty and not any(moved)
            spend = live.spread_of(name, model, certainty, moved)
            parts = live.parts_of(name, model, certainty, moved)
            self._spreads[key] = _of_parts(
                spend, parts, live.split(name, model) if is_planned else None
            )
        return self._spreads[key]

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
            spreads = [one for moved in _MOVED.values() for one in self._spread_of(*key, moved)]
            numbers = [*level.values(), *extra.values(), *spreads]
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
        sheet.page((1, 9), 3, 3)


def _of_parts(spend: Spend, parts: Sequence[Array], planned: Sequence[float] | None) -> list[float]:
    """Return for each quantile what a USD spent on each part counts in it.

    That is how fast the quantile grows with the part: the part's mean where the whole is around that
    quantile, against its mean. The parts, as planned where that is given, add up to the quantile.
    """
    if not spend.is_ranged:
        return [1.0] * len(QUANTILES) * len(PARTS)
    paths = np.stack(np.broadcast_arrays(*parts))
    order, n_paths = np.argsort(paths.sum(axis=0), kind="stable"), paths.shape[1]
    means = paths.mean(axis=1)
    spent, found = means if planned is None else np.array(planned), list[float]()
    for q, factor in zip(QUANTILES.values(), quantile_factors(spend), strict=True):
        near = order[int((q - _NEAR) * n_paths) : int((q + _NEAR) * n_paths) + 1]
        around = paths[:, near].mean(axis=1)
        ratios = np.divide(around, means, out=np.ones_like(means), where=means > 0)
        found += (ratios * factor * spent.sum() / (ratios @ spent)).tolist()
    return found
