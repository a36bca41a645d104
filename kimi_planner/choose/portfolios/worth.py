"""What a workload is worth a month on each model: successes, or net USD where a value is stated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.portfolios.bounds import NEAR
from kimi_planner.choose.portfolios.problem import Problem, Shares
from kimi_planner.choose.requirements import Requirements
from kimi_planner.choose.success.worth import dependence, influence, ranks_together
from kimi_planner.errors import ScenarioError
from kimi_planner.plan.draws import stream
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["aims_of", "chance_best", "credited", "drawn_rates"]

DRAWS = 2000
#: A dearer model counts as better where it is so with at least this probability.
SURE = 0.8


def aims_of(workloads: Sequence[Workload], requirements: Requirements) -> dict[str, Objective]:
    """Return what each workload aims at.

    Raises
    ------
    ScenarioError
        If some state what a solved task is worth and others do not: successes and USD do not add up.
    """
    aims = {one.name: Objective.of(requirements.aimed(one)) for one in workloads}
    silent = [name for name, aim in aims.items() if not aim.is_stated]
    stated = [name for name, aim in aims.items() if aim.is_stated]
    if silent and stated:
        raise ScenarioError(
            f"{', '.join(stated)} state what a solved or a failed task is worth, {', '.join(silent)} "
            "do not: USD and successes do not add up. Give value_usd_per_success to all, or to none."
        )
    return aims


def drawn_rates(name: str, rates: Sequence[SuccessRate], seed: int) -> Array:
    """Return equally likely success rates of models that were tried, shape (n_models, DRAWS)."""
    correlation = dependence([influence(one.trials) if one.trials else {} for one in rates])
    ranks = ranks_together(correlation, DRAWS, stream(seed, name, "trials"))
    drawn = np.array([one.draws(DRAWS) for one in rates])
    return np.asarray(np.take_along_axis(drawn, ranks, axis=1))


def credited(worths: Array, spends: Sequence[float]) -> list[float]:
    """Return what counts of the worth of each model: no more than a cheaper one's, where noise may explain it.

    Parameters
    ----------
    worths : ndarray, shape (n_models, n_draws)
        Equally likely worths of a month.
    spends
        Mean spend of each.

    Examples
    --------
    >>> credited(np.array([[5.0, 5.0], [4.0, 7.0], [8.0, 9.0]]), [1, 2, 3])
    [5.0, 5.0, 8.5]
    """
    counted = worths.mean(axis=1)
    best: int | None = None
    for place in np.argsort(spends, kind="stable").tolist():
        if best is not None and counted[place] > counted[best] and spends[place] > spends[best]:
            ahead = worths[place] - worths[best]
            if float(((ahead > 0) + 0.5 * (ahead == 0)).mean()) < SURE:
                counted[place] = counted[best]
        if best is None or counted[place] > counted[best]:
            best = place
    return [float(one) for one in counted]


def chance_best(problem: Problem, shares: Shares, budget: float) -> float:
    """Return the probability that no other model of one workload, within the budget, is worth more."""
    is_best = np.ones(DRAWS, dtype=bool)
    spend = problem.together(shares).usd
    load: Any = sum(option.load * float(share) for option, share in problem.used(shares))
    for some, used in zip(problem.options, shares, strict=True):
        parts = [(some[place], float(share)) for place, share in used.items()]
        others = spend - sum(option.spend.usd * share for option, share in parts)
        loaded = load - sum(option.load * share for option, share in parts)
        now: Any = sum(option.draws * share for option, share in parts)
        for option in some:
            dearest = np.quantile(others + option.spend.usd, problem.q, axis=1).max()
            if dearest <= budget * (1 + NEAR) and (loaded + option.load <= 1 + NEAR).all():
                is_best &= option.draws <= now + NEAR * abs(now)
    return float(is_best.mean())
