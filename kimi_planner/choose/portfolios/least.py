"""The least that serves every workload: the assignment whose dearest month costs least."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from kimi_planner.choose.portfolios.bounds import NEAR, SAME
from kimi_planner.choose.portfolios.problem import Problem, Shares
from kimi_planner.choose.portfolios.program import Row
from kimi_planner.choose.portfolios.search import Search
from kimi_planner.workload.quantity import Array

#: A least spend this near to its bound is the least.
CLOSE = 1e-8


@dataclass(frozen=True)
class Least:
    """The assignment found with the lowest spend in its dearest month.

    Attributes
    ----------
    shares
        The assignment; ``None`` if none meets the limits.
    usd
        Its spend in the dearest month at the percentile.
    bound
        No assignment has less; infinity if none meets the limits.
    """

    shares: Shares | None
    usd: Decimal
    bound: float

    @property
    def is_proven(self) -> bool:
        """Whether there is none lower, as far as floats tell."""
        return self.bound >= float(self.usd) * (1 - CLOSE)

    @property
    def possible_usd(self) -> Decimal:
        """The least budget that may have an assignment: the bound, or where that is near, `usd`."""
        return self.usd if self.is_proven else Decimal(repr(self.bound))


def least(
    problem: Problem,
    *,
    split: bool = False,
    worth: float | None = None,
) -> Least:
    """Find the assignment whose dearest month costs least at the percentile.

    Parameters
    ----------
    problem : Problem
        The options.
    split : bool
        Whether a workload may use shares of several models.
    worth : float, optional
        What it must at least be worth.
    """
    found, usd, bound = None, Decimal("Infinity"), 0.0
    if not all(problem.options):
        return Least(None, usd, np.inf)
    search = Search(problem, split=split)
    worths = [] if worth is None else [Row(-search.worth, -worth)]

    def is_good(shares: Shares) -> bool:
        worthy = worth is None or problem.value(shares) >= worth - SAME * abs(worth)
        return worthy and search.keeps_limits(shares)

    start = search.cheapest()
    if start is None:
        return Least(None, usd, np.inf)
    month, amount = problem.worst(start)
    if is_good(start):
        found, usd = start, amount
    for _ in range(search.rounds):
        search.look_at([month])
        bound = max(bound, *(_floor(costs, problem.q) for costs in search.costs.values()))
        if bound >= float(usd) * (1 - NEAR):
            break
        rows = [*search.budget_rows(0.0, spare=1.0), *worths]
        answer = search.program.largest(0 * search.worth, rows)
        bound = max(bound, -answer.bound)
        shares = search.shares(answer)
        if shares is None:  # all but those found are cut off, or the search was stopped
            break
        month, amount = problem.worst(shares)
        good = is_good(shares)
        if good and amount < usd:
            found, usd = shares, amount
        if split:
            break
        if good:
            search.cut_off(shares, month, float(usd) * (1 - 3 * NEAR))
        else:
            search.rule_out(shares)
    return Least(found, usd, min(bound, float(usd)))


def _floor(costs: list[Array], q: float) -> float:
    """Return the quantile of what the cheapest option of each workload costs on each path."""
    lowest = sum((cost.min(axis=0) for cost in costs), np.zeros(1))
    return float(np.quantile(lowest, q))
