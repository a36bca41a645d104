"""How often models solve and fail the same tasks: the joint law of their successes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

from kimi_planner.errors import EvaluationError, shown
from kimi_planner.selection.success import Rate, exact_share

__all__ = ["ByPairs", "Pattern", "Together"]

#: Whether each model of a cascade solves a task, in their order.
Pattern = tuple[bool, ...]

_ROUNDING = Fraction(1, 100)  # by which rates that were rounded to percents may differ


class Together(Protocol):
    """Whatever knows how often models solve and fail the same tasks."""

    def shares(
        self, models: Sequence[str], first_rate: Fraction | None = None
    ) -> dict[Pattern, Fraction]:
        """Return the share of tasks with each pattern of successes.

        ``first_rate`` stands in for the success rate of the first model, what is known of the
        others held as it is; the shares are then linear in it.
        """

    def least_first_rate(self, models: Sequence[str]) -> Fraction:
        """Return the least success rate of the first model that what is known leaves possible."""


class ByPairs:
    """Joint successes from the rates of single models, and of a model on what another fails.

    Parameters
    ----------
    rates
        Success rate of each model.
    rescue_rates
        From (failed model, model) to the success rate of the latter on tasks that the former fails.
        The other direction of a pair follows; where both are given, they must agree to a percent of
        all tasks. A pair that is not named is independent; one without success rates is not needed.
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
    tasks. A third model depends on the second alone, given what the second did.
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
        self.given = tuple(self.rescue)
        for first, second in self.given:
            self._turn_round(first, second)

    def _checked(self, pair: tuple[str, str], value: Rate) -> Fraction:
        first, second = (self.rates[one] for one in pair)
        name = f"rescue_rates, {pair[0]} to {pair[1]},"
        rate = exact_share(name, value)
        failed = 1 - first
        if failed:
            low, high = (
                max(Fraction(0), (second - first) / failed),
                min(Fraction(1), second / failed),
            )
            if not low <= rate <= high:
                raise EvaluationError(
                    f"{name} is {shown(value)}. With success rates of {float(first):.4g} and "
                    f"{float(second):.4g} it must lie between {float(low):.4g} and {float(high):.4g}."
                )
        return rate

    def _turn_round(self, first: str, second: str) -> None:
        """Tell how often the first model rescues the second, or hold what is given against it."""
        both = self._pairs(first, second, self.rates[first])[True, True]
        back, failed = (second, first), 1 - self.rates[second]
        if back not in self.rescue:
            if failed:
                self.rescue[back] = (self.rates[first] - both) / failed
        elif abs(self._pairs(*back, self.rates[second])[True, True] - both) > _ROUNDING:
            raise EvaluationError(
                f"rescue_rates, {first} to {second} and {second} to {first}, contradict each other: they "
                "differ in the share of tasks that both solve. Give one of them."
            )

    def shares(
        self, models: Sequence[str], first_rate: Fraction | None = None
    ) -> dict[Pattern, Fraction]:
        """Return the share of tasks with each pattern of successes."""
        rate = self.rates[models[0]] if first_rate is None else first_rate
        if len(models) == 1:
            return {(True,): rate, (False,): 1 - rate}
        found: dict[Pattern, Fraction] = self._pairs(models[0], models[1], rate)
        for before, model in pairwise(models[1:]):
            rate = self.rates[before]
            given, pairs = {True: rate, False: 1 - rate}, self._pairs(before, model, rate)
            found = {
                (*pattern, solved): share * pairs[pattern[-1], solved] / given[pattern[-1]]
                for pattern, share in found.items()
                if given[pattern[-1]]
                for solved in (True, False)
            }
        return found

    def least_first_rate(self, models: Sequence[str]) -> Fraction:
        """Return the least success rate of the first model that the second's rates leave possible."""
        if len(models) == 1 or (models[0], models[1]) not in self.rescue:
            return Fraction(0)
        right, rescue = self.rates[models[1]], self.rescue[models[0], models[1]]
        bounds = [Fraction(0)]
        if rescue > 0:
            bounds.append(1 - right / rescue)
        if rescue < 1:
            bounds.append((right - rescue) / (1 - rescue))
        return max(bounds)

    def _pairs(self, first: str, second: str, rate: Fraction) -> dict[Pattern, Fraction]:
        """Return the shares of tasks that each of two models solves or fails."""
        right = self.rates[second]
        rescued = (1 - rate) * self.rescue.get((first, second), right)
        return {
            (True, True): right - rescued,
            (True, False): rate - (right - rescued),
            (False, True): rescued,
            (False, False): 1 - rate - rescued,
        }
