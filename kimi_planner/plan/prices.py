"""Prices in each part of a plan: those of the catalog, and what changes from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext

import numpy as np

from kimi_planner.catalog import ModelSpec
from kimi_planner.money import EXACT, TOKENS_PER_MTOK
from kimi_planner.plan.demand import Period
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.workload import Constant, PriceChange, Workload
from kimi_planner.workload.quantity import Array

__all__ = ["Price", "Prices", "changes_of", "prices_of"]


@dataclass(frozen=True)
class Price:
    """One price in one period.

    Attributes
    ----------
    usd_per_mtok
        USD per 1,000,000 tokens, an exact decimal, certain factors included.
    factors
        Names of the uncertain factors that multiply it.
    """

    usd_per_mtok: Decimal
    factors: tuple[str, ...] = ()

    def value(self, scenarios: Scenarios) -> Array:
        """Return the price by scenario, shape (n_paths,) or (1,)."""
        product = np.full(1, float(self.usd_per_mtok))
        for name in self.factors:
            product = product * scenarios.value(name, 1.0)
        return product

    def after(self, change: PriceChange) -> Price:
        """Return the price after a change by a factor."""
        if isinstance(change.factor, Constant):
            return replace(self, usd_per_mtok=self.usd_per_mtok * change.factor.value)
        return replace(self, factors=(*self.factors, change.key))


@dataclass(frozen=True)
class Prices:
    """Prices of one model in one period.

    Attributes
    ----------
    input, cached, output
        Of uncached prompt tokens, cached ones, and completion tokens.
    written
        Shares of the prompt written to a cache, and the price of each; none if nothing is written.
    """

    input: Price
    cached: Price
    output: Price
    written: tuple[tuple[Decimal, Price], ...] = ()

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the uncertain factors on any of the prices."""
        writes = (price for _, price in self.written)
        every = (self.input, self.cached, self.output, *writes)
        return tuple(dict.fromkeys(name for price in every for name in price.factors))

    def call_usd(
        self, prompt: Array, cached: Array, completion: Array, scenarios: Scenarios
    ) -> Array:
        """Return the cost of a call by scenario; ``cached`` is the share of the prompt.

        Where it leaves too little of the prompt, only the rest is written to a cache.
        """
        full = self.input.value(scenarios)
        price = full
        if self.cached != self.input:
            price = full + cached * (self.cached.value(scenarios) - full)
        if self.written:
            wanted = float(sum(share for share, _ in self.written))
            part = np.minimum(1.0, (1 - cached) / wanted)
            for share, writing in self.written:
                price = price + float(share) * part * (writing.value(scenarios) - full)
        cost: Array = prompt * price + completion * self.output.value(scenarios)
        return cost / TOKENS_PER_MTOK

    def exact_call_usd(self, prompt: Decimal, cached: Decimal, completion: Decimal) -> Decimal:
        """Return the same in exact decimals; ``cached`` are tokens. Needs an exact context."""
        full = self.input.usd_per_mtok
        extra = sum((share * (one.usd_per_mtok - full) for share, one in self.written), Decimal(0))
        return (
            prompt * extra
            + (prompt - cached) * full
            + cached * self.cached.usd_per_mtok
            + completion * self.output.usd_per_mtok
        ).scaleb(-6)


def changes_of(workload: Workload, spec: ModelSpec) -> tuple[PriceChange, ...]:
    """Return the price changes of a workload that concern a model, in the order of their days."""
    return tuple(
        change for change in workload.dated_price_changes if change.model in (None, spec.id)
    )


def prices_of(workload: Workload, spec: ModelSpec, periods: Sequence[Period]) -> list[Prices]:
    """Return the prices of a model in each period.

    Raises
    ------
    PriceNotFoundError
        If the catalog states no input or output price, or none for those days.
    """
    changes = changes_of(workload, spec)
    with localcontext(EXACT):
        return [_on(period.first, spec.on(period.first), changes, workload) for period in periods]


def _on(day: date, spec: ModelSpec, changes: Sequence[PriceChange], workload: Workload) -> Prices:
    """Return the catalog's prices of a day with the workload's changes on top."""
    rates = spec.rates()
    scale = 6 - rates.places
    prices = Prices(
        input=Price(Decimal(rates.input).scaleb(scale)),
        cached=Price(Decimal(rates.cached).scaleb(scale)),
        output=Price(Decimal(rates.output).scaleb(scale)),
    )
    written = _written(workload, spec)
    states_cached = spec.cached_input_usd_per_mtok is not None
    for change in changes:
        if change.day > day:
            break
        if change.factor is not None:
            written = [(share, price and price.after(change)) for share, price in written]
            prices = Prices(
                prices.input.after(change), prices.cached.after(change), prices.output.after(change)
            )
            continue
        new = {key: Price(price) for key, price in change.prices.items()}
        states_cached = states_cached or "cached_input_usd_per_mtok" in new
        full = new.get("input_usd_per_mtok", prices.input)
        prices = Prices(
            input=full,
            cached=new.get("cached_input_usd_per_mtok", prices.cached if states_cached else full),
            output=new.get("output_usd_per_mtok", prices.output),
        )
    as_billed = tuple((share, price or prices.input) for share, price in written)
    return replace(prices, written=as_billed)


def _written(workload: Workload, spec: ModelSpec) -> list[tuple[Decimal, Price | None]]:
    """Return the shares written to a cache, with ``None`` where the catalog states no price."""
    if workload.written is None:
        return []
    pairs = (
        (workload.written.five_minutes, spec.cache_write_5m_usd_per_mtok),
        (workload.written.one_hour, spec.cache_write_1h_usd_per_mtok),
    )
    return [(share, None if price is None else Price(price)) for share, price in pairs if share]
