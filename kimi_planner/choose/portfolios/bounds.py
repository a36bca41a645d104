"""What must hold for every assignment whose quantile is within a budget, proved from its paths.

A quantile of a sum is neither the sum of quantiles nor linear. What is linear, or adds up, is this:
if the q-quantile of L is at most B, then L is at most B in at least ``hits(n, q)`` of the n
paths. Everything here follows from that, and so holds for shares too, but for `cover`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from kimi_planner.choose.portfolios.program import Row
from kimi_planner.workload.quantity import Array

#: A float is told from a budget only beyond this; nearer, exact decimals decide.
NEAR = 1e-9
#: Values nearer than this are the same: they differ by the rounding of a sum.
SAME = 1e-11
#: Shares of the paths below the quantile that `hindsight` looks at beside those above it: the
#: first is best for many workloads, the others for few, and are tried while that is quick.
BELOW = (0.1, 0.01, 0.0)
QUICK = 1_000_000


def hits(n_paths: int, q: float) -> int:
    """Return in how many paths at least a spend is within a budget if its q-quantile is.

    >>> hits(101, 0.5)
    51
    """
    return int(np.floor((n_paths - 1) * q)) + 1


def lowest_mean(samples: Array, count: int) -> Array:
    """Return the mean of the ``count`` smallest along the last axis."""
    if count == 1:
        return np.asarray(samples.min(axis=-1))
    if count >= samples.shape[-1]:
        return np.asarray(samples.mean(axis=-1))
    return np.asarray(np.partition(samples, count - 1, axis=-1)[..., :count].mean(axis=-1))


def budget_row(costs: Sequence[Array], q: float, budget: float) -> Row:
    """Return the row that the mean of the lowest paths of each option keeps the budget.

    The paths within the budget have a mean of at most that, and the mean of a sum over any
    paths is at least the sum of the means over the lowest ones of each. Where nothing is
    uncertain the row is the budget itself.
    """
    count = hits(costs[0].shape[1], q)
    return Row.of([lowest_mean(cost, count) for cost in costs], budget * (1 + NEAR))


def tangent(costs: Sequence[Array], q: float, budget: float, shares: Sequence[Array]) -> Row:
    """Return the budget as it looks from an assignment: true there, and nearly so around it.

    The slope of a quantile is the mean of an option's spend where all together lie at it, here by
    regression on the sum, which rests on every path. This row is no bound; it leads to good
    assignments.
    """
    spend = sum((share @ cost for cost, share in zip(costs, shares, strict=True)), np.zeros(1))
    quantile = float(np.quantile(spend, q))
    off = spend - spend.mean()
    spread = float(off @ off)
    pull = (quantile - float(spend.mean())) / spread if spread else 0.0
    slopes = [cost.mean(axis=1) + (cost @ off) * pull for cost in costs]
    there = sum(float(share @ slope) for slope, share in zip(slopes, shares, strict=True))
    return Row.of(slopes, budget + there - quantile)


@dataclass(frozen=True, eq=False)
class Hindsight:
    """A bound on the value of every assignment within the budget in one month.

    Of any r paths at least t = r - (n - hits) are within the budget. At any price of money, an
    assignment within it is worth no more than its value less price times (spend - budget), averaged
    over those t; that is no more than the mean of the t largest values of a choice made anew in
    each path, with hindsight.

    Attributes
    ----------
    paths : ndarray of int, shape (r,)
        The paths that the bound rests on: the dearest of a good assignment.
    within
        How many of them at least are within the budget, t.
    price
        Value of one USD, the one with the lowest bound.
    budget
        USD.
    bound
        No assignment within the budget is worth more.
    """

    paths: NDArray[np.intp]
    within: int
    price: float
    budget: float
    bound: float


def hindsight(
    costs: Sequence[Array],
    values: Sequence[Array],
    q: float,
    budget: float,
    shares: Sequence[Array],
) -> Hindsight:
    """Return the lowest bound of its kind that rests on the dearest paths of an assignment."""
    n_paths = costs[0].shape[1]
    spare = n_paths - hits(n_paths, q)
    spend = sum((share @ cost for cost, share in zip(costs, shares, strict=True)), np.zeros(1))
    order = np.argsort(-spend, kind="stable")
    is_quick = sum(map(len, costs)) * n_paths <= QUICK
    found = [
        _at_best_price(
            costs, values, order[: spare + 1 + int(below * (n_paths - spare - 1))], spare, budget
        )
        for below in (BELOW if is_quick else BELOW[:1])
    ]
    return min(found, key=lambda one: one.bound)


def _at_best_price(
    costs: Sequence[Array],
    values: Sequence[Array],
    paths: NDArray[np.intp],
    spare: int,
    budget: float,
) -> Hindsight:
    within = len(paths) - spare
    taken = [cost[:, paths] for cost in costs]

    def bound(price: float) -> float:
        gained = np.zeros(len(paths))
        for value, cost in zip(values, taken, strict=True):
            best = value[0] - price * cost[0]
            for other in range(1, len(value)):  # row by row is faster than a maximum over an axis
                np.maximum(best, value[other] - price * cost[other], out=best)
            gained += best
        return price * budget - float(lowest_mean(-gained, within))

    prices = [0.0]
    worth = sum(float(one.max() - one.min()) for one in values)
    if worth > 0 and 0 < budget < np.inf:
        middle = np.log(worth / budget)
        found = minimize_scalar(
            lambda log: bound(float(np.exp(log))),
            bounds=(middle - 3, middle + 3),
            method="bounded",
            options={"maxiter": 12},
        )
        prices.append(float(np.exp(found.x)))
    least, price = min((bound(price), price) for price in prices)
    return Hindsight(paths, within, price, budget, least)


def cover(
    costs: Sequence[Array], q: float, budget: float, chosen: Sequence[int], weights: Sequence[Array]
) -> Row:
    """Return a row that rules out an assignment over the budget, and all that cost no less.

    Parameters
    ----------
    costs
        Spend of each option in the month that is over.
    chosen
        The option of each workload.
    weights
        Mean spend of each option, by which options are tried.

    Notes
    -----
    For each workload the row names a set of options whose lowest spend, path by path, is
    still over the budget together with those of the others: not every workload may choose from its
    set. Sets start at what costs no less than the chosen option on any path and are widened
    while that holds; one that holds everything drops out.
    """
    over = budget * (1 + NEAR)
    sets = []
    for cost, place in zip(costs, chosen, strict=True):
        dearer = (cost >= cost[place] * (1 + NEAR)).all(axis=1)
        dearer[place] = True
        sets.append(dearer)
    spend = sum((cost[place] for cost, place in zip(costs, chosen, strict=True)), np.zeros(1))
    if float(np.quantile(spend, q)) > over:
        for at in np.argsort([weight.max() for weight in weights], kind="stable").tolist():
            cost, weight = costs[at], weights[at]
            now = cost[chosen[at]]
            for least in np.sort(weight):
                wider = sets[at] | (weight >= least)
                lowest = spend - now + cost[wider].min(axis=0)
                if float(np.quantile(lowest, q)) > over:
                    sets[at], spend = wider, lowest
                    break
    kept = [named if not named.all() else np.zeros(len(named), bool) for named in sets]
    return Row.of(kept, sum(bool(named.any()) for named in kept) - 1)


def branch(
    hindsight: Hindsight,
    costs: Sequence[Array],
    values: Sequence[Array],
    *,
    least_value: Callable[[], float],
    visit: Callable[[list[int]], object],
    nodes: int,
) -> bool:
    """Visit every assignment that the bound with hindsight does not rule out.

    Parameters
    ----------
    hindsight : Hindsight
        Which paths the bound rests on, and its price of money.
    costs, values
        Spend of each option in the month of the bound, and its worth.
    least_value
        Returns what an assignment must be worth to matter; may rise as assignments are visited.
    visit
        Called with the place of the option of each workload.
    nodes
        How many partial assignments may be looked at.

    Returns
    -------
    bool
        Whether all that matter were visited.
    """
    order = sorted(range(len(values)), key=lambda at: -float(np.ptp(values[at])))
    gains = [values[at][:, None] - hindsight.price * costs[at][:, hindsight.paths] for at in order]
    rest = [np.zeros(len(hindsight.paths))]
    for gain in reversed(gains):
        rest.append(rest[-1] + gain.max(axis=0))
    rest.reverse()
    stack: list[tuple[list[int], Array]] = [([], rest[-1])]
    left = nodes
    while stack:
        if left == 0:
            return False
        left -= 1
        chosen, gained = stack.pop()
        depth = len(chosen)
        if depth == len(order):
            places = [0] * len(order)
            for at, place in zip(order, chosen, strict=True):
                places[at] = place
            visit(places)
            continue
        reached = gained + gains[depth]
        bounds = hindsight.price * hindsight.budget - lowest_mean(
            -(reached + rest[depth + 1]), hindsight.within
        )
        for place in np.argsort(bounds, kind="stable").tolist():  # the most promising comes last
            if bounds[place] >= least_value():
                stack.append(([*chosen, place], reached[place]))
    return True
