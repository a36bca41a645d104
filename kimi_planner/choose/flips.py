"""What would change the answer: the values at which another model costs the same as the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from kimi_planner.calls.fit import context_fit
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.drivers import DRIVERS, VOLUME, Driver, Pair
from kimi_planner.choose.flip import Flip
from kimi_planner.choose.reasons import Rules
from kimi_planner.choose.volumes import broken_limits, of_budget, of_tier
from kimi_planner.errors import WorkloadError
from kimi_planner.money import usd
from kimi_planner.workload import Workload

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation

__all__ = ["flips"]


def flips(recommendation: Recommendation) -> tuple[Flip, ...]:
    """Return what would change the answer for each workload, one number moved at a time.

    Parameters
    ----------
    recommendation : Recommendation
        What `recommend` returned.

    Returns
    -------
    tuple of Flip
        For each workload the factors on reasoning and on traffic next below and above the plan at
        which another model takes the place of the best, or that there is none, told of the next in
        the ranking; and the traffic up to which the best keeps its budget and its tier.

    Notes
    -----
    Models are compared by their expected spend over the plan's months: the mean over paths, in
    the paths of the plan. For plain numbers that is the exact bill; where traffic is low and
    sizes differ, the P50 that ranks them is another number. At a value that is told, the other model
    qualifies: its window and tier are held against the changed plan. Where a model is pinned or
    none qualifies there is no order to turn, only a budget and a tier to keep.
    """
    workloads = {workload.name: workload for workload in recommendation.projection.workloads}
    return tuple(
        flip
        for name, model in recommendation.best.items()
        for flip in _Contest(recommendation, workloads[name], model).flips()
    )


@dataclass(frozen=True)
class _Contest:
    """The best model of a workload, and all that may take its place."""

    recommendation: Recommendation
    workload: Workload
    best: str

    def flips(self) -> Iterator[Flip]:
        choices = self.recommendation.ranking(self.workload.name)
        ranked = [
            self._pair(one.model)
            for one in choices[1:]
            if self.is_ranked and bool(one.conditions) == bool(choices[0].conditions)
        ]
        if ranked and len(set(ranked[0].bills)) == 1:
            yield _tie(ranked[0])
        elif ranked:
            for driver in DRIVERS:
                yield from self._next(driver, ranked)
        yield from of_budget(self.recommendation, self.workload, self.best)
        yield from of_tier(self.recommendation, self.workload, self.specs[self.best])

    @cached_property
    def specs(self) -> dict[str, ModelSpec]:
        return {spec.id: spec for spec in self.recommendation.projection.specs}

    @property
    def is_ranked(self) -> bool:
        """Whether the model is the first in the ranking, and nobody decided otherwise."""
        [decision] = [
            one for one in self.recommendation.decisions if one.workload == self.workload.name
        ]
        return decision.basis == "recommended"

    def _pair(self, other: str) -> Pair:
        return Pair(
            self.workload, self.specs[self.best], self.specs[other], self.recommendation.projection
        )

    def _next(self, driver: Driver, pairs: Sequence[Pair]) -> Iterator[Flip]:
        """Yield where a number turns the order next, below the plan and above it."""
        switches = [(pair, *_switch(driver, pair)) for pair in pairs]
        turns = [(value, pair) for pair, value, _ in switches if value is not None]
        turns.sort(key=lambda turn: abs(turn[0] - 1))
        found, blocked = 0, None
        for is_above in (False, True):
            for value, pair in turns:
                if (value > 1) is not is_above:
                    continue
                words, clause = driver.told(pair, value)
                if lost := self._lost(driver, value, pair.other):
                    words = f"{words}, but {pair.other.id} does not qualify there: {lost}"
                    blocked = blocked or _flip(driver, pair, None, words)
                    continue
                if lost := self._lost(driver, value, pair.best):
                    words = f"{words}, where {pair.best.id} no longer qualifies: {lost}"
                    clause = f"{clause} (where {pair.best.id} no longer qualifies)"
                yield _flip(driver, pair, value, words, clause)
                found += 1
                break
        if not found:
            yield blocked or _flip(driver, pairs[0], None, switches[0][2])

    def _lost(self, driver: Driver, value: Decimal, spec: ModelSpec) -> str:
        """Return why a model would not qualify with a number at a value; nothing if it would."""
        requirements, projection = self.recommendation.requirements, self.recommendation.projection
        workload = driver.moved(self.workload, value)
        fit = context_fit(workload, [spec.id], seed=projection.seed, catalog=projection.catalog)
        rules = Rules(requirements=requirements, projection=projection, fit=fit)
        reasons = tuple(one.words for one in rules.against(workload, spec) if not one.is_open)
        if requirements.tier is not None:
            broken = broken_limits(self.recommendation, workload, spec)
            reasons += tuple(f"it breaks the {limit} of the tier" for limit in broken)
        return "; ".join(reasons)


def _switch(driver: Driver, pair: Pair) -> tuple[Decimal | None, str]:
    """Return the value at which two models cost the same, and what is said if there is none."""
    if why := driver.closed(pair):
        return None, why
    try:
        value = driver.switch(pair)
    except WorkloadError as error:  # a value on the way breaks a rule of the workload
        return None, f"what {driver.what} does is not known: {str(error).rstrip('.')}"
    return value, f"no {driver.amount} makes {pair.by_spend[1].id} the cheaper one"


def _flip(driver: Driver, pair: Pair, value: Decimal | None, words: str, clause: str = "") -> Flip:
    is_known = driver is VOLUME or driver.closed(pair) is None
    return Flip(
        workload=pair.workload.name,
        model=pair.best.id,
        against=pair.other.id,
        what=driver.what,
        unit=driver.unit,
        planned=Decimal(1) if is_known else None,
        value=value,
        words=words,
        clause=clause,
    )


def _tie(pair: Pair) -> Flip:
    """Return that two models cost the same as planned."""
    same = usd(pair.bills[0] / pair.months)
    words = (
        f"{pair.best.id} and {pair.other.id} cost the same, {same} USD a month, so the first by "
        "name is taken"
    )
    return _flip(VOLUME, pair, Decimal(1), words)
