"""Every assignment that could still be the best, one workload after the other; most end early."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kimi_planner.choose.portfolios.bounds import Hindsight, lowest_mean
from kimi_planner.workload.quantity import Array

__all__ = ["branch"]


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
