"""A task on its way through a cascade: what it costs, where it ends, and how that varies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

from kimi_planner.choose.routing.detector import Detector
from kimi_planner.choose.routing.together import Pattern

__all__ = ["BreakEven", "Passage", "follow"]

#: An exact fraction, or an array of equally likely values.
Number = TypeVar("Number")


@dataclass(frozen=True, kw_only=True)
class Passage(Generic[Number]):
    """What is expected of one task.

    Attributes
    ----------
    reached
        Shares of tasks that reach each model; the first is 1.
    cost
        Expected cost in USD.
    success
        Share of tasks that end with a right answer.
    false_accepted
        Share of tasks that end with a wrong answer because the detector let it through.
    """

    reached: tuple[Number, ...]
    cost: Number
    success: Number
    false_accepted: Number


def follow(
    shares: Mapping[Pattern, Number],
    costs: Sequence[Number],
    detector: Detector,
    number: Callable[[Fraction], Any] = Fraction,
) -> Passage[Number]:
    """Follow a task through a cascade, over every pattern of which models would solve it.

    ``costs`` are USD of each model for a task. The answer of the last model is not checked. Shares
    and costs are fractions; or arrays of equally likely values, and ``number`` is `float`.
    """
    sends_on = {solved: number(detector.sends_on(solved)) for solved in (True, False)}
    nothing: Any = number(Fraction(0))
    last = len(costs) - 1
    reached = [nothing] * len(costs)
    success = false_accepted = nothing
    for pattern, share in shares.items():
        left: Any = share
        for step, solved in enumerate(pattern):
            reached[step] = reached[step] + left
            onward = left * sends_on[solved] if step < last else nothing
            if solved:
                success = success + left - onward
            elif step < last:
                false_accepted = false_accepted + left - onward
            left = onward
    checks = sum(reached[:last], nothing)
    cost = sum((share * usd for share, usd in zip(reached, costs, strict=True)), nothing)
    return Passage(
        reached=tuple(reached),
        cost=cost + checks * number(detector.cost),
        success=success,
        false_accepted=false_accepted,
    )


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """From which success rate of its first model on a cascade is worth it.

    Attributes
    ----------
    holds
        ``"above"`` a rate, or ``"always"`` or ``"never"``, whatever the rate.
    rate
        The rate, at which nothing is gained or lost; ``None`` where there is none.
    """

    holds: str
    rate: float | None = None

    @classmethod
    def between(cls, least: Fraction, at_least: Fraction, at_1: Fraction) -> BreakEven:
        """Tell where a gain that is linear in the rate, and never falls, is above 0.

        ``at_least`` is the gain at the ``least`` possible rate, ``at_1`` that at a rate of 1.
        """
        if at_1 <= 0:
            return cls(holds="never")
        if at_least > 0:
            return cls(holds="always")
        rate = least + (1 - least) * at_least / (at_least - at_1)
        return cls(holds="above", rate=float(rate))

    def __str__(self) -> str:
        return self.holds if self.rate is None else f"above {100 * self.rate:.1f}%"
