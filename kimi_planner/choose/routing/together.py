"""How often two models solve and fail the same tasks: the joint law of their successes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np

from kimi_planner.choose.evaluations.rates import Rate, SuccessRate, exact_share
from kimi_planner.choose.evaluations.read import Item, Trials
from kimi_planner.errors import EvaluationError, shown
from kimi_planner.workload.quantity import Array

#: An exact fraction, or an array of equally likely values.
Number = TypeVar("Number", Fraction, Array)

PRIOR = Fraction(1, 2)  # of a task, for tasks that both models solve, and for those that both fail

#: How far failures lie from independence towards full dependence: the mean of six pairs of Kimi
#: K2-Thinking, K2.5 and K2.6 in OpenHands' public runs, 0.50 to 0.59 on 165 items of GAIA and 0.79 to
#: 0.93 on 231 of SWE-bench Verified.
DEPENDENCE = Fraction(7, 10)
_ROUNDING = Fraction(1, 100)  # by which rates that were rounded to percents may differ


@dataclass(frozen=True, kw_only=True)
class Joint(Generic[Number]):
    """Shares of tasks that the first of two models solves, that both solve, and that the second rescues."""

    first: Number
    both: Number
    rescued: Number

    @classmethod
    def between(cls, ends: Sequence[Joint[Fraction]]) -> Joint[Fraction]:
        """Return what is most plausible of what is possible, given its ends."""
        least, most = ends[0], ends[-1]
        rescued = most.rescued - DEPENDENCE * (most.rescued - least.rescued)
        return Joint(first=least.first, both=least.both + least.rescued - rescued, rescued=rescued)

    @classmethod
    def alone(cls, rate: Number) -> Joint[Number]:
        """Return that of a model with nothing after it."""
        return cls(first=rate, both=rate, rescued=0 * rate)


class ByPairs:
    """Joint successes from the rates of single models, and of a model on what another fails.

    Parameters
    ----------
    rates
        Success rate of each model.
    rescue_rates
        From (failed model, model) to the success rate of the latter on tasks that the former fails.
        The other direction of a pair follows; where both are given, they must agree to a percent of
        all tasks. Of a pair that is not named, two ends are known; one without success rates is not
        needed.
    known
        Ids of all models that a pair may name.

    Raises
    ------
    EvaluationError
        If a pair is not one of two known models, or its rate contradicts their success rates, or the
        rate of its other direction.

    Notes
    -----
    With success rates ``a`` and ``b`` and a rescue rate ``r``, both solve ``b - (1 - a) r`` of the
    tasks.
    """

    def __init__(
        self,
        rates: Mapping[str, Fraction],
        rescue_rates: Mapping[tuple[str, str], Rate] | None,
        known: Collection[str],
    ) -> None:
        self.rates = rates
        self.rescue: dict[tuple[str, str], Fraction] = {}
        if rescue_rates is not None and not isinstance(rescue_rates, Mapping):
            raise EvaluationError(
                f"rescue_rates is {shown(rescue_rates)}. Give a mapping from (failed model, model) to share."
            )
        for pair, value in (rescue_rates or {}).items():
            two = isinstance(pair, tuple) and len(pair) == len(set(pair)) == 2
            if not two or not all(one in known for one in pair):
                raise EvaluationError(
                    f"rescue_rates names {shown(pair)}. Name two models, the one that fails first: "
                    f"{', '.join(known)}."
                )
            if all(one in rates for one in pair):
                self.rescue[pair] = self._checked(pair, value)
        for first, second in self.rescue:
            [one], [other] = self.joints(first, second), self.joints(second, first)
            if abs(one.both - other.both) > _ROUNDING:
                raise EvaluationError(
                    f"rescue_rates, {first} to {second} and {second} to {first}, contradict each "
                    "other: they differ in the share of tasks that both solve. Give one of them."
                )

    def _checked(self, pair: tuple[str, str], value: Rate) -> Fraction:
        first, second = (self.rates[one] for one in pair)
        name = f"rescue_rates, {pair[0]} to {pair[1]},"
        rate = exact_share(name, value)
        failed = 1 - first
        if failed:
            low = max(Fraction(0), (second - first) / failed)
            high = min(Fraction(1), second / failed)
            if not low <= rate <= high:
                raise EvaluationError(
                    f"{name} is {shown(value)}. With success rates of {float(first):.4g} and "
                    f"{float(second):.4g} it must lie between {float(low):.4g} and {float(high):.4g}."
                )
        return rate

    def rate(self, model: str) -> Fraction:
        """Return the success rate of a model."""
        return self.rates[model]

    def joints(self, first: str, second: str) -> tuple[Joint[Fraction], ...]:
        """Return the shares of tasks that two models solve, at both ends where nothing tells."""
        rates = self.rates[first], self.rates[second]
        return _joints(*rates, self.rescued((first, second), *rates))

    def drawn(
        self, first: str, second: str, rates: Mapping[str, Array]
    ) -> tuple[Joint[Array], ...]:
        """Return the same for equally likely rates of the models.

        A rescue rate that is given stays as it is, but where a draw makes it impossible.
        """
        one, other = rates[first], rates[second]
        least, most = np.maximum(0.0, other - one), np.minimum(other, 1 - one)
        ends = self.rescued((first, second), one, other, float)
        return _joints(one, other, tuple(np.clip(end, least, most) for end in ends))

    def rescued(
        self,
        pair: tuple[str, str],
        first: Number,
        second: Number,
        number: Callable[[Fraction], Any] = Fraction,
    ) -> tuple[Number, ...]:
        """Return the share of tasks that the first of a pair fails and the second solves.

        ``first`` and ``second`` are their success rates: fractions; or arrays, and ``number`` is
        `float`. Where no rescue rate tells, it is least where the worse model fails whatever the better
        one does, ``max(0, second - first)``, and most where they fail independently.
        """
        if pair in self.rescue:
            return ((1 - first) * number(self.rescue[pair]),)
        if pair[::-1] in self.rescue:
            # Both solve what the first solves but for what it rescues, and what is left is rescued.
            return (second - (first - (1 - second) * number(self.rescue[pair[::-1]])),)
        gain = second - first
        return (gain + abs(gain)) / 2, (1 - first) * second

    def knows(self, first: str, second: str) -> bool:
        """Whether a rescue rate tells how often two models fail together."""
        return (first, second) in self.rescue or (second, first) in self.rescue


def _joints(first: Number, second: Number, ends: Sequence[Number]) -> tuple[Joint[Number], ...]:
    return tuple(Joint(first=first, both=second - end, rescued=end) for end in ends)


class ByItems:
    """Joint successes of models that were tried on the same tasks.

    Parameters
    ----------
    items
        For each model, from the name of a task to what it made of it. Tasks that not every model
        was tried on are left out.

    Notes
    -----
    A pattern that ``count`` of ``n`` tasks have is expected in ``count / (n + 1)`` of all tasks, and
    one in which both models solve, or both fail, in ``(count + ½) / (n + 1)``: the mean of its
    posterior under a Dirichlet prior of weight 1. It has the marginals of Jeffreys' prior for each
    model alone, so that success rates are the same however models are combined, and for any of
    them solving a task too, so that intervals of cascades hold what they should.
    """

    def __init__(self, items: Mapping[str, Mapping[str, Item]]) -> None:
        first, *others = items.values()
        self.names = [name for name in first if all(name in other for other in others)]
        self.left_out = len({name for one in items.values() for name in one}) - len(self.names)
        self.solved = {
            model: np.array([one[name].success for name in self.names], dtype=np.int64)
            for model, one in items.items()
        }

    @property
    def laws(self) -> dict[str, SuccessRate]:
        """What is known of each model by the tasks that all were tried on."""
        return {
            model: SuccessRate.of_trials(model, Trials(successes=int(one.sum()), trials=len(one)))
            for model, one in self.solved.items()
        }

    def rate(self, model: str) -> Fraction:
        """Return the success rate of a model."""
        return (int(self.solved[model].sum()) + PRIOR) / (len(self.names) + 1)

    def joints(self, first: str, second: str) -> tuple[Joint[Fraction], ...]:
        """Return the shares of tasks that two models solve."""
        _, rescued, only, both = (
            weight / (len(self.names) + 1) for weight in self.weights(first, second)
        )
        return (Joint(first=only + both, both=both, rescued=rescued),)

    def weights(self, first: str, second: str) -> tuple[Fraction, ...]:
        """Return the parameters of the posterior: tasks and prior of neither, second, first and both."""
        places = 2 * self.solved[first] + self.solved[second]
        neither, rescued, only, both = map(Fraction, np.bincount(places, minlength=4).tolist())
        return neither + PRIOR, rescued, only, both + PRIOR
