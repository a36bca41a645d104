"""How often models solve and fail the same tasks: the joint law of their successes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Protocol

import numpy as np

from kimi_planner.choose.evaluations.rates import Rate, exact_share
from kimi_planner.errors import EvaluationError, shown

__all__ = [
    "ByItems",
    "ByPairs",
    "Pattern",
    "Shares",
    "Together",
    "at_first_rate",
    "least_first_rate",
]

#: Whether each model of a cascade solves a task, in their order.
Pattern = tuple[bool, ...]

#: From patterns to the share of tasks that have them.
Shares = dict[Pattern, Fraction]

PRIOR = Fraction(1, 2)  # of a task, for tasks that all models solve, and for those that all fail

_ROUNDING = Fraction(1, 100)  # by which rates that were rounded to percents may differ


class Together(Protocol):
    """Whatever knows how often models solve and fail the same tasks."""

    def shares(self, models: Sequence[str]) -> Shares:
        """Return the share of tasks with each pattern of successes."""


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
        both = self._pairs(first, second)[True, True]
        back, failed = (second, first), 1 - self.rates[second]
        if back not in self.rescue:
            if failed:
                self.rescue[back] = (self.rates[first] - both) / failed
        elif abs(self._pairs(*back)[True, True] - both) > _ROUNDING:
            raise EvaluationError(
                f"rescue_rates, {first} to {second} and {second} to {first}, contradict each other: they "
                "differ in the share of tasks that both solve. Give one of them."
            )

    def shares(self, models: Sequence[str]) -> Shares:
        """Return the share of tasks with each pattern of successes."""
        rate = self.rates[models[0]]
        found: Shares = {(True,): rate, (False,): 1 - rate}
        for before, model in pairwise(models):
            rate = self.rates[before]
            given, pairs = {True: rate, False: 1 - rate}, self._pairs(before, model)
            found = {
                (*pattern, solved): share * pairs[pattern[-1], solved] / given[pattern[-1]]
                for pattern, share in found.items()
                if given[pattern[-1]]
                for solved in (True, False)
            }
        return found

    def _pairs(self, first: str, second: str) -> Shares:
        """Return the shares of tasks that each of two models solves or fails."""
        rate, right = self.rates[first], self.rates[second]
        rescued = (1 - rate) * self.rescue.get((first, second), right)
        return {
            (True, True): right - rescued,
            (True, False): rate - (right - rescued),
            (False, True): rescued,
            (False, False): 1 - rate - rescued,
        }


class ByItems:
    """Joint successes of models that were tried on the same tasks.

    Parameters
    ----------
    solved
        For each model, from the name of a task to whether it solved it. Tasks that not every model
        was tried on are left out.

    Notes
    -----
    A pattern that ``count`` of ``n`` tasks have is expected in ``count / (n + 1)`` of all tasks, and
    one in which all models solve, or all fail, in ``(count + ½) / (n + 1)``: the mean of its
    posterior under a Dirichlet prior of weight 1. It has the marginals of Jeffreys' prior for each
    model alone, so that success rates are the same however models are combined, and for any of
    them solving a task too, so that intervals of cascades hold what they should.
    """

    def __init__(self, solved: Mapping[str, Mapping[str, bool]]) -> None:
        first, *others = solved.values()
        self.names = [name for name in first if all(name in other for other in others)]
        self.left_out = len({name for one in solved.values() for name in one}) - len(self.names)
        self.solved = {
            model: np.array([one[name] for name in self.names], dtype=np.int64)
            for model, one in solved.items()
        }

    def shares(self, models: Sequence[str]) -> Shares:
        """Return the share of tasks with each pattern of successes."""
        whole = len(self.names) + 1
        return {pattern: weight / whole for pattern, weight in self.weights(models).items()}

    def weights(self, models: Sequence[str]) -> Shares:
        """Return the parameters of the posterior: tasks with each pattern, and those of the prior."""
        patterns = list(product((False, True), repeat=len(models)))
        places = np.zeros(len(self.names), dtype=np.int64)
        for model in models:
            places = 2 * places + self.solved[model]
        counts = np.bincount(places, minlength=len(patterns)).tolist()
        return {
            pattern: Fraction(count) + (PRIOR if len(set(pattern)) == 1 else 0)
            for pattern, count in zip(patterns, counts, strict=True)
        }


def at_first_rate(shares: Shares, rate: Fraction) -> Shares:
    """Return the shares if the first model had another success rate.

    What the others do over all tasks, and on those that the first model fails, stays as it is; the
    shares are linear in the rate.
    """
    overall, rescued = _others(shares)
    return {
        **{(False, *rest): (1 - rate) * share for rest, share in rescued.items()},
        **{(True, *rest): share - (1 - rate) * rescued[rest] for rest, share in overall.items()},
    }


def least_first_rate(shares: Shares) -> Fraction:
    """Return the least success rate of the first model at which no share is below 0."""
    overall, rescued = _others(shares)
    bounds = (1 - overall[rest] / share for rest, share in rescued.items() if share)
    return max(Fraction(0), *bounds)


def _others(shares: Shares) -> tuple[Shares, Shares]:
    """Return the patterns of the other models over all tasks, and on those the first one fails."""
    overall: Shares = {}
    for (_, *rest), share in shares.items():
        overall[tuple(rest)] = overall.get(tuple(rest), Fraction(0)) + share
    failed = sum((share for pattern, share in shares.items() if not pattern[0]), Fraction(0))
    if not failed:  # nothing tells what would be rescued
        return overall, overall
    nothing = Fraction(0)
    return overall, {rest: shares.get((False, *rest), nothing) / failed for rest in overall}
