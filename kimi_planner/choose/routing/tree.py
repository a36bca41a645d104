"""A task on its way through a cascade: what it costs, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic

from kimi_planner.choose.routing.detector import Detector
from kimi_planner.choose.routing.together import Joint, Number

__all__ = ["Passage", "follow"]


@dataclass(frozen=True, kw_only=True)
class Passage(Generic[Number]):
    """What is expected of one task.

    Attributes
    ----------
    escalated
        Share of tasks that reach the second model.
    cost
        Expected cost in USD.
    success
        Share of tasks that end with a right answer.
    false_accepted
        Share of tasks that end with a wrong answer because the detector let it through.
    """

    escalated: Number
    cost: Number
    success: Number
    false_accepted: Number


def follow(
    joint: Joint[Number],
    costs: Sequence[Number],
    detector: Detector,
    number: Callable[[Fraction], Any] = Fraction,
) -> Passage[Number]:
    """Follow a task through a cascade of two models, or to the only one.

    ``costs`` are USD of each model for a task. The answer of the last model is not checked. Shares
    and costs are fractions; or arrays of equally likely values, and ``number`` is `float`.
    """
    nothing = number(Fraction(0))
    if len(costs) == 1:
        return Passage(
            escalated=nothing, cost=costs[0], success=joint.first, false_accepted=nothing
        )
    right, wrong = (number(detector.sends_on(solved)) for solved in (True, False))
    failed = 1 - joint.first
    escalated = joint.first * right + failed * wrong
    return Passage(
        escalated=escalated,
        cost=costs[0] + number(detector.cost) + escalated * costs[1],
        success=joint.first * (1 - right) + joint.both * right + joint.rescued * wrong,
        false_accepted=failed * (1 - wrong),
    )
