"""Two models for one workload: what both cost with one number moved, and where that is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from kimi_planner.catalog import ModelSpec
from kimi_planner.money import EXACT, exact_decimal
from kimi_planner.projection import Projection
from kimi_planner.projection.response import Amounts, expected_amounts
from kimi_planner.selection.switch import DIGITS, switch_over
from kimi_planner.workload import Constant, Workload, what_if
from kimi_planner.workload.what_if import times

__all__ = ["Pair", "at_output_share"]

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

    Every amount is the expected spend of both over all months of the plan, in USD.
    """

    workload: Workload
    best: ModelSpec
    other: ModelSpec
    projection: Projection

    @property
    def names(self) -> str:
        """The ids of both models."""
        return f"{self.best.id} and {self.other.id}"

    @property
    def months(self) -> int:
        """Number of months that amounts are of."""
        return len(self.projection.months)

    @cached_property
    def amounts(self) -> tuple[Amounts, Amounts]:
        """What both are expected to use as planned."""
        return self._amounts(self.workload)

    def bills(self) -> tuple[Decimal, Decimal]:
        """Return what both cost as planned."""
        return self._usd(self.amounts)

    def by_cost(self) -> tuple[ModelSpec, ModelSpec]:
        """Return the dearer and the cheaper of the two."""
        first, second = self.bills()
        return (self.best, self.other) if first > second else (self.other, self.best)

    def is_fixed(self, *specs: ModelSpec) -> bool:
        """Whether the catalog's prices do not move one of the bills, as they change in the plan."""
        pairs = zip((self.best, self.other), self.amounts, strict=True)
        return any(amounts.is_fixed for spec, amounts in pairs if spec in specs)

    @property
    def caches_nothing(self) -> bool:
        """Whether cached tokens cost on both models what others do."""
        return not self.is_fixed(self.best, self.other) and all(
            spec.cached_input_usd_per_mtok in (None, spec.input_usd_per_mtok)
            for spec in (self.best, self.other)
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
        """Return the price of the best model at which both cost the same."""
        name, (mine, theirs) = f"{key}_usd_per_mtok", self.amounts

        def bills(price: Decimal) -> tuple[Decimal, Decimal]:
            changed: dict[str, Any] = {name: price}
            return mine.usd(replace(self.best, **changed)), theirs.usd(self.other)

        return switch_over(bills, self.price(key), parts=self.months)

    def discount_switch(self) -> Decimal | None:
        """Return the share off all prices of the dearer model with which both cost the same."""
        dearer, cheaper = self.by_cost()
        amounts = dict(zip((self.best.id, self.other.id), self.amounts, strict=True))

        def bills(share: Decimal) -> tuple[Decimal, Decimal]:
            return (
                amounts[dearer.id].usd(_discounted(dearer, share)),
                amounts[cheaper.id].usd(cheaper),
            )

        return switch_over(bills, Decimal(0), highest=_ONE, places=4, parts=self.months)

    def output_share_switch(self) -> Decimal | None:
        """Return the share of visible output at which both cost the same."""
        share = self.output_share or Decimal(0)
        return self._switch(lambda x: at_output_share(self.workload, x), share, highest=_ONE)

    def reasoning_switch(self) -> Decimal | None:
        """Return the factor on reasoning tokens at which both cost the same."""
        return self._switch(lambda x: what_if(self.workload, reasoning=x)[0], _ONE, places=3)

    def cached_share_switch(self) -> Decimal | None:
        """Return the share of prompt tokens from cache at which both cost the same."""
        written = self.workload.written
        highest = _ONE if written is None else _ONE - written.total
        return self._switch(
            lambda x: what_if(self.workload, cached_share=x)[0], self.cached_share, highest=highest
        )

    def volume_switch(self) -> Decimal | None:
        """Return the factor on traffic at which both cost the same."""
        return self._switch(
            lambda x: what_if(self.workload, traffic=x)[0], _ONE, lowest=Decimal("0.001"), places=3
        )

    def _switch(
        self, changed: Callable[[Decimal], Workload], planned: Decimal, **bounds: Any
    ) -> Decimal | None:
        def bills(value: Decimal) -> tuple[Decimal, Decimal]:
            return self._usd(self._amounts(changed(value)))

        settings = {"places": 4, "parts": self.months} | bounds
        return switch_over(bills, planned, **settings)

    def _amounts(self, workload: Workload) -> tuple[Amounts, Amounts]:
        mine, theirs = (
            expected_amounts(workload, spec, self.projection) for spec in (self.best, self.other)
        )
        return mine, theirs

    def _usd(self, amounts: tuple[Amounts, Amounts]) -> tuple[Decimal, Decimal]:
        return amounts[0].usd(self.best), amounts[1].usd(self.other)


def _discounted(spec: ModelSpec, share: Decimal) -> ModelSpec:
    with localcontext(EXACT):
        prices: dict[str, Any] = {
            key: price * (1 - share)
            for key in ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")
            if isinstance(price := getattr(spec, key), Decimal)
        }
    return replace(spec, **prices)


def _mean(workload: Workload, key: str) -> Decimal:
    quantity = workload.quantity(key)
    if quantity is None:
        return Decimal(0)
    return quantity.value if isinstance(quantity, Constant) else exact_decimal(float(quantity.mean))


def _with_mean(workload: Workload, key: str, mean: Decimal) -> Any:
    """Return a quantity of a workload moved in proportion, so that it has another mean."""
    quantity = workload.quantity(key)
    if quantity is None or isinstance(quantity, Constant):
        return Constant(mean)
    with localcontext(DIGITS):
        return times(quantity, mean / _mean(workload, key))
