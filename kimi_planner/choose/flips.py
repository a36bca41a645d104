"""What would change the answer: the values at which another model stands the same as the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from kimi_planner.calls.fit import context_fit
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.choice import Ranked
from kimi_planner.choose.drivers import DISCOUNT, DRIVERS, Driver, percent
from kimi_planner.choose.flip import Flip
from kimi_planner.choose.pair import Pair
from kimi_planner.choose.reasons import over_budget, reasons_against
from kimi_planner.choose.scoring import Scoring
from kimi_planner.choose.volumes import (
    again,
    broken_limits,
    discount_into_budget,
    of_budget,
    of_tier,
)
from kimi_planner.errors import WorkloadError
from kimi_planner.money import usd
from kimi_planner.workload import Workload

__all__ = ["flips"]


def flips(recommendation: Ranked) -> tuple[Flip, ...]:
    """Return what would change the answer for each workload, one number moved at a time.

    Parameters
    ----------
    recommendation : Ranked
        A choice, such as `recommend` returns.

    Returns
    -------
    tuple of Flip
        For each workload and number the values next below and above the plan at which another model
        takes the place of the best, or that there is none, told of the next in the ranking; the
        discounts on the next and on the cheapest that only the budget excludes; and the traffic up
        to which the best keeps its budget and its tier.

    Notes
    -----
    Models are compared by their expected spend over the plan's months: the mean over scenarios, in
    the scenarios of the plan. For plain numbers that is the exact bill; where traffic is low and
    sizes differ, the P50 that ranks them is another number. With weights they are compared by the
    score of expected spend, or by the spend alone where their ratings score the same. At a value
    that is told, the other model qualifies: its window, budget and tier are held against the changed
    plan. The budget is held against the worst month at its percentile, as in the choice. A model
    that is excluded for more than its budget stays out.
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

    recommendation: Ranked
    workload: Workload
    best: str

    def flips(self) -> Iterator[Flip]:
        ranked = [self._pair(spec) for spec in self.ranked[1:]]
        dear = [self._pair(spec) for spec in self.only_over_budget]
        ahead = [pair for pair in dear if pair.leads is pair.other]
        dear = [pair for pair in dear if pair.leads is pair.best]
        if ranked and len(set(ranked[0].standing())) == 1:
            yield _tie(ranked[0])
        elif ranked or dear:
            for driver in DRIVERS:
                if driver is DISCOUNT:  # each is on another model
                    for pair in (*ranked[:1], *dear[:1]):
                        yield from self._next(driver, [pair])
                else:
                    yield from self._next(driver, [*ranked, *dear])
        for pair in ahead[:1]:
            yield from self._into_budget(pair)
            yield from of_budget(self.recommendation, self.workload, self.best, pair.other.id)
        yield from of_budget(self.recommendation, self.workload, self.best)
        yield from of_tier(self.recommendation, self.workload, self.specs[self.best])

    @cached_property
    def specs(self) -> dict[str, ModelSpec]:
        return {spec.id: spec for spec in self.recommendation.projection.specs}

    @cached_property
    def ranked(self) -> tuple[ModelSpec, ...]:
        """The ranking, best first."""
        return tuple(
            self.specs[one.model]
            for one in self.recommendation.choices
            if one.workload == self.workload.name
        )

    @cached_property
    def only_over_budget(self) -> tuple[ModelSpec, ...]:
        """Models that only the budget excludes, the cheapest first."""
        requirements, projection = self.recommendation.requirements, self.recommendation.projection
        dear = [
            one.model
            for one in self.recommendation.exclusions
            if one.workload == self.workload.name
            and one.reasons == (over_budget(self.workload, one.model, requirements, projection),)
        ]
        spend = {model: projection.of(model, self.workload.name).mean().sum() for model in dear}
        return tuple(self.specs[model] for model in sorted(dear, key=lambda model: spend[model]))

    def _pair(self, other: ModelSpec) -> Pair:
        projection = self.recommendation.projection
        weights = self.recommendation.requirements.weights
        return Pair(
            self.workload,
            self.specs[self.best],
            other,
            projection,
            scoring=Scoring(weights, projection.catalog) if weights else None,
            qualified=self.ranked,
        )

    def _next(self, driver: Driver, pairs: Sequence[Pair]) -> Iterator[Flip]:
        """Yield where a number turns the order next, below the plan and above it."""
        switches = [(pair, *_switch(driver, pair)) for pair in pairs]
        turns = [(value, pair) for pair, value, _ in switches if value is not None]
        planned = next(filter(None, (driver.planned(pair) for _, pair in turns)), Decimal(0))
        turns.sort(key=lambda turn: abs(turn[0] - planned))
        found, blocked = 0, None
        for is_above in (False, True):
            for value, pair in turns:
                if (value > planned) is not is_above:
                    continue
                words, clause = driver.told(pair, value)
                if lost := self._lost(driver, pair, value, pair.other):
                    words = f"{words}, but {pair.other.id} does not qualify there: {lost}"
                    blocked = blocked or _flip(driver, pair, None, words)
                    continue
                if lost := self._lost(driver, pair, value, pair.best):
                    words = f"{words}, where {pair.best.id} no longer qualifies: {lost}"
                    clause = f"{clause} (where {pair.best.id} no longer qualifies)"
                yield _flip(driver, pair, value, words, clause)
                found += 1
                break
        if not found and blocked and driver is DISCOUNT:
            yield next(self._into_budget(pairs[0]), blocked)
        elif not found:
            yield blocked or _flip(driver, pairs[0], None, switches[0][2])

    def _into_budget(self, pair: Pair) -> Iterator[Flip]:
        """Yield the discount with which a model that is better comes within the budget."""
        value = discount_into_budget(self.recommendation, self.workload, pair.other)
        if value is not None and not pair.is_fixed(pair.other):
            off = f"with {percent(value)} off all its prices"
            words = f"{pair.other.id} is within the budget {off}, and ranks before {pair.best.id}"
            yield _flip(DISCOUNT, pair, value, words)

    def _lost(self, driver: Driver, pair: Pair, value: Decimal, spec: ModelSpec) -> str:
        """Return why a model would not qualify with a number at a value; nothing if it would."""
        requirements, projection = self.recommendation.requirements, self.recommendation.projection
        prices = driver.prices(pair, value)
        if prices and (spec.id not in prices or (driver is DISCOUNT and spec in self.ranked)):
            return "" if spec in self.ranked else "it is over the budget"  # as planned
        workload, catalog = driver.changed(pair, value)
        if requirements.budget(workload.budget_usd_per_month) is not None:
            projection = again(workload, spec.id, projection, catalog)
        fit = context_fit(workload, [spec.id], seed=projection.seed, catalog=projection.catalog)
        reasons = reasons_against(workload, spec, requirements, projection, fit)
        if requirements.tier is not None:
            broken = broken_limits(self.recommendation, workload, spec)
            reasons += tuple(f"it breaks the {limit.replace('_', ' ')} of the tier" for limit in broken)  # fmt: skip
        return "; ".join(reasons)


def _switch(driver: Driver, pair: Pair) -> tuple[Decimal | None, str]:
    """Return the value at which two models stand the same, and what is said if there is none."""
    if pair.never_turns:
        names = f"{pair.best.id} and {pair.other.id}"
        return None, f"cost has no weight, so no price, share or volume turns the scores of {names}"
    try:
        why = driver.closed(pair)
        value = None if why else driver.switch(pair)
        return value, why or ("" if value is not None else driver.never(pair))
    except WorkloadError as error:  # a value on the way breaks a rule of the workload
        return None, f"what {driver.what} does is not known: {str(error).rstrip('.')}"


def _flip(driver: Driver, pair: Pair, value: Decimal | None, words: str, clause: str = "") -> Flip:
    return Flip(
        workload=pair.workload.name,
        model=pair.best.id,
        against=pair.other.id,
        what=driver.what,
        unit=driver.unit,
        planned=driver.planned(pair),
        value=value,
        words=words,
        clause=clause,
        by=pair.verb,
    )


def _tie(pair: Pair) -> Flip:
    """Return that two models stand the same as planned."""
    if pair.by_score:
        words = f"{pair.names} score the same, so their spend decides"
    else:
        same = usd(pair.bills()[0] / pair.months)
        words = (
            f"{pair.names} cost the same, {same} USD a month, so the order of the catalog decides"
        )
    return _flip(DISCOUNT, pair, Decimal(0), words)
