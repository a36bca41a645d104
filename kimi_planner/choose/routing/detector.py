"""What decides whether an answer is good enough or is sent on, and where a task ends by that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic

from kimi_planner.arguments import public
from kimi_planner.choose.evaluations.rates import exact_share
from kimi_planner.choose.given import per_task
from kimi_planner.choose.routing.together import Joint, Number
from kimi_planner.errors import EvaluationError, SettingError, restated
from kimi_planner.money import exact_decimal


@public
@dataclass(frozen=True, kw_only=True)
class Detector:
    """What checks the answer of the first model, such as tests, a schema or a judge.

    Attributes
    ----------
    false_accept
        Share of failures that it lets through.
    false_reject
        Share of successes that it sends on.
    cost_usd
        Its own cost for each check; a decimal after construction.

    Raises
    ------
    SettingError
        If a share or the cost is out of its bounds, or the shares are above 1 together: such a
        detector is worse than chance, and its answers are to be turned round.

    Examples
    --------
    >>> judge = Detector(false_accept="0.1", false_reject="0.05", cost_usd="0.0004")
    >>> judge.sends_on(solved=True), judge.sends_on(solved=False)
    (Fraction(1, 20), Fraction(9, 10))
    """

    false_accept: Decimal | float | int | str
    false_reject: Decimal | float | int | str
    cost_usd: Decimal | float | int | str = 0

    def __post_init__(self) -> None:
        for name in ("false_accept", "false_reject"):
            with restated(about="Detector", of=EvaluationError, fault=SettingError):
                exact_share(name, getattr(self, name))
            object.__setattr__(self, name, exact_decimal(getattr(self, name)))
        cost = per_task("Detector: cost_usd", self.cost_usd)
        object.__setattr__(self, "cost_usd", cost)
        if self.sends_on(True) > self.sends_on(False):
            raise SettingError(
                f"Detector: false_accept {self.false_accept} and false_reject {self.false_reject} are "
                "above 1 together, which is worse than chance. Turn its answers round."
            )

    def sends_on(self, solved: bool) -> Fraction:
        """Return the share of solved, or of failed, tasks that it sends on."""
        if solved:
            return Fraction(exact_decimal(self.false_reject))
        return 1 - Fraction(exact_decimal(self.false_accept))

    @property
    def cost(self) -> Fraction:
        """The cost of a check in USD."""
        return Fraction(exact_decimal(self.cost_usd))


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
