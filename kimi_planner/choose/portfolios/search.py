"""State of a search: the rows and months that have come up, and assignments priced for what they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import numpy as np

from kimi_planner.choose.portfolios.bounds import NEAR, budget_row, cover
from kimi_planner.choose.portfolios.problem import WHOLE, Problem, Shares
from kimi_planner.choose.portfolios.program import Answer, Program, Row
from kimi_planner.workload.quantity import Array

#: Cuts are counted and not timed, so that every machine finds the same: the smaller the problem,
#: the more there are.
CUTS = 600
#: Shares are whole millionths.
UNIT = Decimal("1e-6")


class Search:
    """What a search over the assignments of one problem knows.

    Parameters
    ----------
    problem : Problem
        The options.
    split : bool
        Whether a workload may use shares of several models.
    """

    def __init__(self, problem: Problem, *, split: bool) -> None:
        options = problem.options
        self.problem = problem
        self.split = split
        self.program = Program(tuple(map(len, options)), split)
        self.values = [np.array([one.value for one in some]) for some in options]
        self.worth = np.concatenate(self.values)
        self.means = [np.array([one.mean_usd for one in some]) for some in options]
        loads = [np.stack([one.load for one in some]) for some in options]
        self.limits = [
            Row.of([load[:, place] for load in loads], 1.0) for place in range(loads[0].shape[1])
        ]
        self.is_certain = all(one.spend.exact_usd for some in options for one in some)
        self.n_months = len(options[0][0].spend.usd)
        self.covers: list[Row] = []
        self.costs: dict[int, list[Array]] = {}
        self.rounds = 1 if split else max(1, CUTS // sum(self.program.sizes))

    def look_at(self, months: Iterable[int]) -> None:
        """Take the spend of these months into account; of all, where nothing is uncertain."""
        for month in range(self.n_months) if self.is_certain else months:
            if month not in self.costs:
                self.costs[month] = self.problem.costs(month)

    def budget_rows(self, budget: float, *, spare: float = 0.0) -> list[Row]:
        """Return the rows that hold for every assignment within a budget, and the cuts."""
        rows = [budget_row(costs, self.problem.q, budget) for costs in self.costs.values()]
        return [*self.limits, *(replace(row, spare=spare) for row in rows), *self.covers]

    def cut_off(self, shares: Shares, month: int, budget: float) -> None:
        """Rule out whole models whose spend in a month is over a budget, and all that cost no less."""
        self.look_at([month])
        chosen = [next(iter(used)) for used in shares]
        self.covers.append(cover(self.costs[month], self.problem.q, budget, chosen, self.means))

    def rule_out(self, shares: Shares) -> None:
        """Rule out one assignment of whole models, which HiGHS took for good by its tolerance."""
        used = [np.sign(weight) for weight in self.weights(shares)]
        self.covers.append(Row.of(used, len(used) - 1))

    def shares(self, answer: Answer) -> Shares | None:
        """Return the assignment of an answer: whole models, or shares in whole millionths."""
        if answer.chosen is None:
            return None
        if not self.split:
            return tuple({int(part.argmax()): WHOLE} for part in answer.chosen)
        return tuple(map(_rounded, answer.chosen, self.means))

    def keeps_limits(self, shares: Shares) -> bool:
        """Tell whether the loads of an assignment are within every limit."""
        used = np.concatenate(self.weights(shares))
        near = float(UNIT) if self.split else NEAR
        return all(row.weights @ used <= row.most + near for row in self.limits)

    def weights(self, shares: Shares) -> list[Array]:
        """Return an assignment as the share of every option of each workload."""
        weights = [np.zeros(size) for size in self.program.sizes]
        for weight, used in zip(weights, shares, strict=True):
            weight[list(used)] = [float(share) for share in used.values()]
        return weights

    def cheapest(self) -> Shares | None:
        """Return the assignment of lowest mean spend within the limits, ``None`` if there is none."""
        if not self.limits:
            return tuple({int(mean.argmin()): WHOLE} for mean in self.means)
        return self.shares(self.program.largest(-np.concatenate(self.means), self.limits))


def _rounded(shares: Array, means: Array) -> dict[int, Decimal]:
    """Round shares down to millionths; the cheapest of those used takes what is left."""
    units = {
        place: int(share / float(UNIT) + 1e-3) * UNIT
        for place, share in enumerate(shares.tolist())
        if share >= float(UNIT)
    }
    cheapest = min(units, key=lambda place: float(means[place]))
    units[cheapest] = WHOLE - sum(
        (share for place, share in units.items() if place != cheapest), Decimal(0)
    )
    return {place: share for place, share in units.items() if share > 0}
