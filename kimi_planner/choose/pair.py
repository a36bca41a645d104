"""Two models for one workload: how they stand with one number moved, and where that is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from kimi_planner.catalog import ModelSpec
from kimi_planner.catalog.scenario import MAX_PRICE
from kimi_planner.choose.scoring import Scoring
from kimi_planner.choose.switch import DIGITS, same_score, same_to_the_cent, switch_over
from kimi_planner.money import EXACT, exact_decimal
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.response import Amounts, expected_amounts
from kimi_planner.workload import Constant, Workload, what_if
from kimi_planner.workload.what_if import times

__all__ = ["Pair", "at_output_share", "discounted_prices"]

_ONE = Decimal(1)


def at_output_share(workload: Workload, share: Decimal) -> Workload:
    """Return a workload with another share of visible output in its prompt and output tokens.

    The total of the two is what it was; in conversations the prompt is that of the first call.
    """
    prompt, output = _mean(workload, "prompt_tokens"), _mean(workload, "completion_tokens")
    with localcontext(EXACT):
        answers = share * (prompt + output)
        prompts = prompt + output - answers
    return replace(
        workload,
        prompt_tokens=_with_mean(workload, "prompt_tokens", prompts),
        completion_tokens=_with_mean(workload, "completion_tokens", answers),
    )


@dataclass(frozen=True)
class Pair:
    """The best model of a workload and another one, in the scenarios of a plan.

    Attributes
    ----------
    workload, best, other, projection
        What is compared, and what it rests on.
    scoring
        What the two are compared by; by their bills if there is none.
    qualified
        Models over which a score takes the least spend.

    Notes
    -----
    Every bill is the expected spend over all months of the plan, in USD. Where both have the same
    ratings, the order of their scores is that of their bills, which are compared then.
    """

    workload: Workload
    best: ModelSpec
    other: ModelSpec
    projection: Projection
    scoring: Scoring | None = None
    qualified: tuple[ModelSpec, ...] = ()

    @property
    def names(self) -> str:
        """The ids of both models."""
        return f"{self.best.id} and {self.other.id}"

    @property
    def months(self) -> int:
        """Number of months that amounts are of."""
        return len(self.projection.months)

    @cached_property
    def by_score(self) -> bool:
        """Whether the two are compared by a score."""
        scoring = self.scoring
        return scoring is not None and scoring.rated(self.best) != scoring.rated(self.other)

    @cached_property
    def field(self) -> tuple[ModelSpec, ...]:
        """The models whose spend counts."""
        others = self.qualified if self.by_score else ()
        return tuple({spec.id: spec for spec in (self.best, self.other, *others)}.values())

    @property
    def never_turns(self) -> bool:
        """Whether their order does not depend on spend."""
        return self.by_score and self.scoring is not None and not self.scoring.cost

    @property
    def verb(self) -> str:
        """What both do the same at a switch-over: cost or score."""
        return "score" if self.by_score else "cost"

    @cached_property
    def amounts(self) -> dict[str, Amounts]:
        """What models are expected to use as planned, by id."""
        return self._amounts(self.workload)

    def bills(self) -> tuple[Decimal, Decimal]:
        """Return what both cost as planned."""
        return self.amounts[self.best.id].usd(self.best), self.amounts[self.other.id].usd(
            self.other
        )

    def standing(self) -> tuple[Decimal, Decimal]:
        """Return what both are compared by as planned: their bills, or their scores."""
        return self._standing(self.amounts)

    @cached_property
    def behind(self) -> ModelSpec:
        """The one that must gain: the dearer, or that of the lower score; the other in a tie."""
        first, second = self.standing()
        best_is_behind = first < second if self.by_score else first > second
        return self.best if best_is_behind else self.other

    @property
    def leads(self) -> ModelSpec:
        """The cheaper one, or that of the higher score."""
        return self.best if self.behind is self.other else self.other

    def is_fixed(self, *specs: ModelSpec) -> bool:
        """Whether the catalog's prices do not move one of the bills, as they change in the plan."""
        return any(self.amounts[spec.id].is_fixed for spec in specs)

    @property
    def caches_nothing(self) -> bool:
        """Whether cached tokens cost on every model what others do."""
        return not self.is_fixed(*self.field) and all(
            spec.cached_input_usd_per_mtok in (None, spec.input_usd_per_mtok) for spec in self.field
        )

    @property
    def cached_share(self) -> Decimal:
        """Share of prompt tokens served from cache as planned."""
        return _mean(self.workload, "cached_share")

    @property
    def output_share(self) -> Decimal | None:
        """Share of visible output in prompt and output tokens, ``None`` if one of them is 0."""
        prompt, output = (
            _mean(self.workload, key) for key in ("prompt_tokens", "completion_tokens")
        )
        with localcontext(DIGITS):
            return output / (prompt + output) if prompt and output else None

    def price(self, key: str) -> Decimal:
        """Return a price of the best model, ``"input"`` or ``"output"``, USD per million tokens."""
        return Decimal(getattr(self.best, f"{key}_usd_per_mtok"))

    def price_switch(self, key: str) -> Decimal | None:
        """Return the price of the best model at which both stand the same."""

        def standing(price: Decimal) -> tuple[Decimal, Decimal]:
            changed: dict[str, Any] = {f"{key}_usd_per_mtok": price}
            return self._standing(self.amounts, replace(self.best, **changed))

        return switch_over(standing, self.price(key), highest=MAX_PRICE, same=self._same)

    def discount_switch(self) -> Decimal | None:
        """Return the share off all prices of the one behind with which both stand the same."""

        def standing(share: Decimal) -> tuple[Decimal, Decimal]:
            prices = discounted_prices(self.behind, share)
            return self._standing(self.amounts, replace(self.behind, **prices))

        return switch_over(standing, Decimal(0), highest=_ONE, places=4, same=self._same)

    def output_share_switch(self) -> Decimal | None:
        """Return the share of visible output at which both stand the same."""
        share = self.output_share or Decimal(0)
        return self._switch(lambda x: at_output_share(self.workload, x), share, highest=_ONE)

    def reasoning_switch(self) -> Decimal | None:
        """Return the factor on reasoning tokens at which both stand the same."""
        return self._switch(lambda x: what_if(self.workload, reasoning=x)[0], _ONE, places=3)

    def cached_share_switch(self) -> Decimal | None:
        """Return the share of prompt tokens from cache at which both stand the same."""
        written = self.workload.written
        highest = _ONE if written is None else _ONE - written.total
        return self._switch(
            lambda x: what_if(self.workload, cached_share=x)[0], self.cached_share, highest=highest
        )

    def volume_switch(self) -> Decimal | None:
        """Return the factor on traffic at which both stand the same."""
        return self._switch(
            lambda x: what_if(self.workload, traffic=x)[0], _ONE, lowest=Decimal("0.001"), places=3
        )

    def _switch(
        self, changed: Callable[[Decimal], Workload], planned: Decimal, **bounds: Any
    ) -> Decimal | None:
        def standing(value: Decimal) -> tuple[Decimal, Decimal]:
            return self._standing(self._amounts(changed(value)))

        settings: dict[str, Any] = {"places": 4, "same": self._same} | bounds
        return switch_over(standing, planned, **settings)

    def _same(self, first: Decimal, second: Decimal) -> bool:
        if self.by_score:
            return same_score(first, second)
        return same_to_the_cent(first, second, self.months)

    def _amounts(self, workload: Workload) -> dict[str, Amounts]:
        return expected_amounts(workload, self.field, self.projection)

    def _standing(
        self, amounts: Mapping[str, Amounts], *repriced: ModelSpec
    ) -> tuple[Decimal, Decimal]:
        """Return what both are compared by, some models at other prices."""
        at = {spec.id: spec for spec in (*self.field, *repriced)}
        usd = {model: amounts[model].usd(spec) for model, spec in at.items()}
        if not self.by_score or self.scoring is None:
            return usd[self.best.id], usd[self.other.id]
        least, cost = min(usd.values()), exact_decimal(self.scoring.cost)
        first, second = (
            exact_decimal(self.scoring.rated(spec)) + cost * _share(least, usd[spec.id])
            for spec in (self.best, self.other)
        )
        return first, second


def _share(least: Decimal, usd: Decimal) -> Decimal:
    with localcontext(DIGITS):
        return least / usd if usd else _ONE


def discounted_prices(spec: ModelSpec, share: Decimal) -> dict[str, Any]:
    """Return all prices that the catalog states of a model, with a share off."""
    with localcontext(EXACT):
        return {
            key: price * (1 - share)
            for key in ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")
            if isinstance(price := getattr(spec, key), Decimal)
        }


def _mean(workload: Workload, key: str) -> Decimal:
    quantity = workload.given(key)
    if quantity is None:
        return Decimal(0)
    return quantity.value if isinstance(quantity, Constant) else exact_decimal(float(quantity.mean))


def _with_mean(workload: Workload, key: str, mean: Decimal) -> Any:
    """Return a quantity of a workload moved in proportion, so that it has another mean."""
    quantity = workload.given(key)
    if quantity is None or isinstance(quantity, Constant):
        return Constant(mean)
    with localcontext(DIGITS):
        return times(quantity, mean / _mean(workload, key))
