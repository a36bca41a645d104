"""The sheets that ranges are looked up in: how far the dearest month spreads, and the paths of spend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kimi_planner.plan.spend import Spend
from kimi_planner.report.xlsx.inputs import Inputs
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.scope import CERTAINTY
from kimi_planner.report.xlsx.sheet import Sheet, block
from kimi_planner.workload.quantity import Array

SPREAD, PATHS = "Spread", "Paths"
QUANTILES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}
_FIRST = 4
_STEPS = 100  # of probability, between which the dearest month is interpolated
#: Cells of the sheet of paths: of a plan of more workloads fewer paths are kept; and where nothing has
#: a range, a few for the day when something is given one.
_MOST_CELLS, _FEW_CELLS = 100_000, 4_000
_DIGITS = 7


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
        spend, budget = self.live.planned(workload), self.live.limit(workload)
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
            for planned in [self.live.planned(name)]
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

    @cached_property
    def stretch(self) -> Array:
        """What each column is multiplied by as planned: 0 where the workload has no range."""
        return np.array([float(self.live.planned(name).is_ranged) for name in self.live.workloads])

    def quantile(self, q: float, mean: str, weights: str, means: Array, planned: float) -> str:
        """Return the formula of a quantile of all workloads: the mean, and that of the deviations.

        Parameters
        ----------
        q
            Which.
        mean, weights
            Formulas of the mean of all, and of what the deviations of each are multiplied by.
        means, planned
            The mean of each as planned, and the quantile; the paths as they are kept have it but for
            what single calls add.
        """
        kept = means.sum() + np.quantile(self.values @ (means * self.stretch), q)
        factor = float(planned / kept) if kept else 1.0
        return f"({mean}+PERCENTILE(MMULT({self.every},{weights}),{q!r}))*{factor!r}"

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
