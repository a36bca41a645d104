"""Search for the best assignment within a budget, with a proof of how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from kimi_planner.choose.portfolios.bounds import NEAR, SAME, branch, hindsight, hits, tangent
from kimi_planner.choose.portfolios.problem import WHOLE, Problem, Shares
from kimi_planner.choose.portfolios.program import Program, Row
from kimi_planner.choose.portfolios.search import Search

#: Rounds of tangents, first with shares and then with whole models.
SHARE_ROUNDS, TANGENT_ROUNDS = 4, 4
#: Gap at which a step that proves nothing may stop.
STEP_GAP = 1e-4
#: Partial assignments that are looked at one by one, times workloads; with more workloads none are.
NODES, MOST_BRANCHED = 400_000, 40


@dataclass(frozen=True)
class Found:
    """The best assignment found.

    Attributes
    ----------
    shares
        The assignment; ``None`` if none within the budget was found.
    value
        What it is worth; minus infinity if there is none.
    bound
        No assignment within the budget is worth more; minus infinity if there is none.
    """

    shares: Shares | None
    value: float
    bound: float


def best(
    problem: Problem,
    budget: Decimal,
    *,
    split: bool = False,
    start: Shares | None = None,
) -> Found:
    """Find the assignment worth most whose every month keeps the budget at the percentile.

    Parameters
    ----------
    problem : Problem
        The options.
    budget : Decimal
        For each month, USD.
    split : bool
        Whether a workload may use shares of several models.
    start : Shares, optional
        An assignment to start from.

    Notes
    -----
    Rows that hold for every assignment within the budget make a program whose optimum is a bound.
    What it proposes is priced on every path; if a month is over, a cut rules it out with all
    that cost no less. Where much is uncertain the cuts would be too many: good assignments come from
    the tangent of the budget, the bound from `hindsight`, and with few workloads `branch` visits
    all that the bound leaves.
    """
    if not all(problem.options):
        return Found(None, -np.inf, -np.inf)
    search = _Best(problem, budget, split=split)
    answer = search.program.largest(search.worth, search.limits)
    search.bound = answer.bound
    search.consider(start)
    search.consider(search.cheapest())
    search.consider(search.shares(answer))
    if not search.is_done:
        if not search.is_certain or split:
            search.follow_tangents()
        search.tighten()
    if search.is_done and not split and not search.all_visited:
        search.take_cheapest_of_equals()
    return Found(search.found, search.value, max(search.bound, search.value))


class _Best(Search):
    """The search for the assignment worth most within a budget."""

    def __init__(self, problem: Problem, budget: Decimal, *, split: bool) -> None:
        super().__init__(problem, split=split)
        self.budget = budget
        self.amount = float(budget)
        self.found: Shares | None = None
        self.value = self.bound = -np.inf
        self.over = 0.0
        self.relaxed = Program(self.program.sizes, split=True)
        self.all_visited = False
        self.margin = SAME * sum(float(np.abs(value).max()) for value in self.values)

    @property
    def is_done(self) -> bool:
        if self.found is None:
            return self.bound == -np.inf
        return self.bound <= self.value + self.margin

    def consider(self, shares: Shares | None) -> int | None:
        """Keep an assignment if it is the best so far; return its month that is over, if any."""
        if shares is None or not self.keeps_limits(shares):
            return None
        month, spend = self.problem.worst(shares)
        self.look_at([month])
        self.over = float(spend - self.budget)
        if spend > self.budget:
            return month
        value = self.problem.value(shares)
        margin = self.margin
        mean_usd = self.problem.mean_usd
        if (
            self.found is None
            or value > self.value + margin
            or (value >= self.value - margin and mean_usd(shares) < mean_usd(self.found))
        ):
            self.found, self.value = shares, value
        return None

    def follow_tangents(self) -> None:
        """Step from assignment to assignment, each the best by the tangent at the one before."""
        if self.found is None:
            return
        point = self.weights(self.found)
        margin = 0.0
        for turn in range(SHARE_ROUNDS + TANGENT_ROUNDS):
            program = self.relaxed if turn < SHARE_ROUNDS else self.program
            tangents = [
                tangent(costs, self.problem.q, self.amount - margin, point)
                for costs in self.costs.values()
            ]
            rows = [*self.limits, *self.covers, *tangents]
            answer = program.largest(self.worth, rows, gap=STEP_GAP)
            if answer.chosen is None:
                break
            point = answer.chosen
            if turn >= SHARE_ROUNDS or self.split:
                before = self.found
                is_over = self.consider(self.shares(answer)) is not None
                if not is_over and turn >= SHARE_ROUNDS and self.found is before:
                    break
                margin = max(0.0, margin + self.over)

    def tighten(self) -> None:
        """Lower the bound until it meets the value or the rounds are over."""
        if not self.is_certain and self._with_hindsight():
            return
        program = self.program if self.is_certain else self.relaxed  # only its bound is of use
        for _ in range(self.rounds if self.is_certain else 1):
            if self.is_done:
                break
            answer = program.largest(self.worth, self.budget_rows(self.amount))
            self.bound = min(self.bound, answer.bound)
            if program is not self.program or not self._cut(self.shares(answer)):
                break

    def _with_hindsight(self) -> bool:
        """Lower the bound with hindsight, and to the value where all that is left can be visited."""
        point = self.weights(self.found or tuple({0: WHOLE} for _ in self.values))
        if not self.costs:  # nothing that was tried keeps the limits
            self.look_at([0])
        is_small = len(self.values) <= MOST_BRANCHED
        months = [*self.costs]
        if not is_small and self.found is not None:
            months = [self.problem.worst(self.found)[0]]
        found = {
            month: hindsight(self.costs[month], self.values, self.problem.q, self.amount, point)
            for month in months
        }
        month = min(found, key=lambda month: found[month].bound)
        self.bound = min(self.bound, found[month].bound)
        if self.is_done or self.split or not is_small:
            return self.is_done
        self.all_visited = branch(
            found[month],
            self.costs[month],
            self.values,
            least_value=self._least_value,
            visit=self._visit,
            nodes=NODES // len(self.values),
        )
        if self.all_visited:
            self.bound = self.value
        return self.all_visited

    def _least_value(self) -> float:
        return self.value - self.margin

    def _visit(self, places: list[int]) -> None:
        """Consider whole models, unless they are worth less or a month is clearly over."""
        worth = sum(float(value[place]) for value, place in zip(self.values, places, strict=True))
        if worth < self._least_value():
            return
        for costs in self.costs.values():
            spend = np.sum([cost[at] for cost, at in zip(costs, places, strict=True)], axis=0)
            within = np.count_nonzero(spend <= self.amount * (1 + NEAR))
            if within < hits(len(spend), self.problem.q):
                return
        self.consider(tuple({place: WHOLE} for place in places))

    def take_cheapest_of_equals(self) -> None:
        """Among assignments worth the same, take the one with the lowest mean spend."""
        if self.found is None:
            return
        worth = Row(-self.worth, -self._least_value())
        for _ in range(self.rounds):
            rows = [*self.budget_rows(self.amount), worth]
            answer = self.program.largest(-np.concatenate(self.means), rows)
            if not self._cut(self.shares(answer)):
                break

    def _cut(self, shares: Shares | None) -> bool:
        """Consider whole models and rule them out if they do not hold; tell whether that was so."""
        if shares is None or self.split:
            self.consider(shares)
            return False
        month = self.consider(shares)
        if month is not None:
            self.cut_off(shares, month, self.amount)
        elif not self.keeps_limits(shares):
            self.rule_out(shares)
        else:
            return False
        return True
