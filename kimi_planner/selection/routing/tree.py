"""A task on its way through a cascade: what it costs, where it ends, and how that varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from kimi_planner.selection.routing.detector import Detector
from kimi_planner.selection.routing.together import Shares

__all__ = ["BreakEven", "Passage", "follow"]


@dataclass(frozen=True, kw_only=True)
class Passage:
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

    reached: tuple[Fraction, ...]
    cost: Fraction
    success: Fraction
    false_accepted: Fraction


def follow(shares: Shares, costs: Sequence[Fraction], detector: Detector) -> Passage:
    """Follow a task through a cascade, over every pattern of which models would solve it.

    ``costs`` are USD of each model for a task. The answer of the last model is not checked.
    """
    sends_on = {solved: detector.sends_on(solved) for solved in (True, False)}
    last = len(costs) - 1
    reached = [Fraction(0)] * len(costs)
    success = false_accepted = Fraction(0)
    for pattern, share in shares.items():
        left = share
        for step, solved in enumerate(pattern):
            reached[step] += left
            onward = left * sends_on[solved] if step < last else Fraction(0)
            if solved:
                success += left - onward
            elif step < last:
                false_accepted += left - onward
            left = onward
    checks = sum(reached[:last], Fraction(0))
    cost = sum((share * usd for share, usd in zip(reached, costs, strict=True)), Fraction(0))
    return Passage(
        reached=tuple(reached),
        cost=cost + checks * detector.cost,
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
