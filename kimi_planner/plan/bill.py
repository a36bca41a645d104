"""What a load is expected to cost on one model: its usage at the prices of each period."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.expected import CallTokens
from kimi_planner.calls.sizes import CallSizes, Profile
from kimi_planner.calls.usage import fees_used, tokens_used
from kimi_planner.catalog import Catalog, Fee, ModelSpec
from kimi_planner.plan.beyond_tokens import check_fees
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import Period, demand
from kimi_planner.plan.scenarios import Number, Scenarios, mean_of, mean_product
from kimi_planner.plan.spend import Spend
from kimi_planner.plan.tariffs import billed_periods, prices_are_certain, tariffs_of
from kimi_planner.workload.resolve import Load
from kimi_planner.workload.turns import turn_means

__all__ = ["Bill", "LoadPlan"]

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class LoadPlan:
    """One load over the months of a plan: what its models share is worked out once and kept.

    Attributes
    ----------
    load, months
        Whose calls, and when.
    fees
        Of the catalog.
    scenarios
        Its uncertain numbers.
    """

    load: Load
    months: tuple[Month, ...]
    fees: tuple[Fee, ...]
    scenarios: Scenarios
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls, load: Load, months: tuple[Month, ...], catalog: Catalog, seed: int, n_paths: int
    ) -> LoadPlan:
        """Return the plan of a load, its uncertain numbers drawn.

        Raises
        ------
        PriceNotFoundError
            If the catalog does not state a fee that the load names.
        """
        check_fees(catalog, load)
        return cls(load, months, catalog.fees, Scenarios.draw(load, seed, n_paths))

    @cached_property
    def exact(self) -> LoadPlan:
        """The same with every number as an exact fraction, uncertain ones at their means."""
        return LoadPlan(self.load, self.months, self.fees, Scenarios.exact(self.load))

    def tokens(self, spec: ModelSpec) -> CallTokens:
        """Return what a call on a model is expected to use, on each path."""
        sizes, scenarios = self.load.sizes, self.scenarios
        calls = CallSizes.of(sizes, Profile.of(spec))
        return self._keep(
            calls,
            lambda: calls.tokens(scenarios.factors(sizes.factors), scenarios.number),
        )

    def requests(self, periods: tuple[Period, ...]) -> list[Number]:
        """Return the requests of periods, retries not counted."""
        return self._keep(periods, lambda: demand(self.load, periods, self.scenarios))

    def on(self, spec: ModelSpec) -> Bill:
        """Return the bill on a model; exact where every number that it rests on is plain.

        Raises
        ------
        PriceNotFoundError
            If the catalog lacks a price, a fee or a batch price that the load needs.
        """
        periods = billed_periods(self.load, spec, self.months)
        return Bill(self.exact if self._is_plain(spec, periods) else self, spec, periods)

    def _is_plain(self, spec: ModelSpec, periods: tuple[Period, ...]) -> bool:
        load = self.load
        if not load.sizes.on(spec.reasons).is_certain:
            return False
        if not prices_are_certain(load, spec, self.months[-1]):
            return False
        traffic = load.traffic
        billed = [traffic.level, traffic.growth, traffic.retries]
        billed += [event.size for event in traffic.events]
        if not all(one.is_certain for one in billed):
            return False
        return load.cached.is_certain or not Bill(self.exact, spec, periods).cache_matters

    def _keep(self, key: Any, make: Callable[[], Kept]) -> Kept:
        if key not in self._kept:
            self._kept[key] = make()
        kept: Kept = self._kept[key]
        return kept


@dataclass(frozen=True)
class Bill:
    """What a load is expected to cost on one model, by period and path.

    Attributes
    ----------
    plan, spec
        Whose calls, and the model.
    periods
        The parts of the plan between changes of price.
    """

    plan: LoadPlan
    spec: ModelSpec
    periods: tuple[Period, ...]

    @cached_property
    def tariffs(self) -> list[Tariff]:
        """Prices in each period."""
        plan = self.plan
        return tariffs_of(plan.load, self.spec, plan.fees, self.periods, plan.scenarios)

    @cached_property
    def requests(self) -> list[Number]:
        """Requests of each period, retries not counted."""
        return self.plan.requests(self.periods)

    @property
    def sizes(self) -> CallSizes:
        """Sizes of the calls."""
        return CallSizes.of(self.plan.load.sizes, Profile.of(self.spec))

    @property
    def turns(self) -> float:
        """Expected calls of a conversation."""
        return turn_means(self.plan.load.sizes.turns)[0]

    @property
    def is_exact(self) -> bool:
        """Whether every number is an exact fraction."""
        return self.plan.scenarios.number is Fraction

    @property
    def cache_matters(self) -> bool:
        """Whether it makes a difference to the bill which tokens are served from a cache."""
        load = self.plan.load
        written = load.written_5m or load.written_1h
        return bool(written) or any(one.price("cached") != one.price("input") for one in self.tariffs)  # fmt: skip

    def tokens(self, prompt: Number, completion: Number, reasoning: Number = 0) -> Usage:
        """Return so many tokens by meter, the planned share of the prompt being cached."""
        cached = self.plan.scenarios["cached_share"]
        return tokens_used(self.plan.load, prompt, completion, reasoning, cached=cached)

    @cached_property
    def per_request(self) -> Usage:
        """What a request uses, with its fees and its share of retries."""
        call, scenarios = self.plan.tokens(self.spec), self.plan.scenarios
        used = self.tokens(call.prompt, call.completion, call.reasoning)
        request = used + fees_used(self.plan.load, scenarios.number)
        with_retries: Usage = request * (1 + scenarios["retry_share"])
        return with_retries

    def expected_usd(self) -> list[Number]:
        """Return the spend of each month, expected on each path."""
        costs: dict[int, Number] = {}
        months: list[Number] = [0] * len(self.plan.months)
        for period, requests, tariff in zip(self.periods, self.requests, self.tariffs, strict=True):
            if id(tariff) not in costs:
                costs[id(tariff)] = tariff.bill(self.per_request).total
            months[period.month_index] = months[period.month_index] + requests * costs[id(tariff)]
        return months

    def mean_usd(self) -> Number:
        """Return the expected spend over all months; a fraction where all is exact."""
        return self.by_meter(self.tariffs).total.sum()

    def usage(self) -> Usage:
        """Return the expected usage of each month, arrays of shape (n_months,)."""
        months: Usage = self._monthly(self._used)
        return months

    @cached_property
    def _used(self) -> list[Usage]:
        """Expected usage of each period."""
        return [
            self.per_request.map(lambda one, requests=requests: mean_product(requests, one))
            for requests in self.requests
        ]

    def by_meter(self, tariffs: Sequence[Tariff]) -> ByMeter:
        """Return the expected spend of each month by meter, at a tariff for each period."""
        bills = []
        for requests, used, tariff in zip(self.requests, self._used, tariffs, strict=True):
            if any(isinstance(price, np.ndarray) for price in tariff.stated.values()):
                billed = tariff.bill(self.per_request)
                bills.append(billed.map(lambda one, n=requests: mean_product(n, one)))
            else:
                bills.append(tariff.bill(used))
        months: ByMeter = self._monthly(bills)
        return months

    def _monthly(self, by_period: Sequence[Any]) -> Any:
        """Add up periods, and return one amount by meter of arrays over months."""
        months: dict[int, Any] = {}
        for period, amounts in zip(self.periods, by_period, strict=True):
            before = months.get(period.month_index)
            months[period.month_index] = amounts if before is None else before + amounts
        every = list(months.values())
        kind = object if self.is_exact else np.float64

        def column(values: Iterable[Number]) -> Any:
            return np.array(list(values), dtype=kind)

        keys = dict.fromkeys(key for month in every for key, _ in month)
        columns = {key: column(month[key] for month in every) for key in keys}
        if not isinstance(every[0], Usage):
            return replace(every[0], amounts=columns)
        return replace(
            every[0],
            amounts=columns,
            requests=column(one.requests for one in every),
            reasoning=column(one.reasoning for one in every),
        )

    def spend(self) -> Spend:
        """Return the spend without what single calls add to it."""
        plan, bill = self.plan, self.by_meter(self.tariffs)
        listed = replace(plan.load, price_changes=())
        list_bill = (
            self.by_meter(tariffs_of(listed, self.spec, plan.fees, self.periods, plan.scenarios))
            if plan.load.changes_of(self.spec.id)
            else bill
        )
        months = [np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in self.expected_usd()]
        n_paths = max(len(one) for one in months)
        usd = np.array([np.broadcast_to(one, n_paths) for one in months])
        return Spend(usd=usd, usage=self.usage(), bill=bill, list_bill=list_bill)

    def token_prices(self, month_index: int) -> tuple[float, float]:
        """Return the mean prices of a prompt and of a completion token in a month, USD.

        Where prices change within the month, they are weighted by its requests.
        """
        spans = [at for at, period in enumerate(self.periods) if period.month_index == month_index]
        weights = [float(mean_of(self.requests[at])) for at in spans] if len(spans) > 1 else [1.0]
        whole = sum(weights)
        prices = [0.0, 0.0]
        for at, weight in zip(spans, weights, strict=True):
            share = weight / whole if whole else 1 / len(spans)
            for kind, price in enumerate(self._token_prices[id(self.tariffs[at])]):
                prices[kind] += share * price
        return prices[0], prices[1]

    @cached_property
    def _token_prices(self) -> dict[int, tuple[float, float]]:
        number = self.plan.scenarios.number
        prompt, output = self.tokens(number(1), number(0)), self.tokens(number(0), number(1))

        def price(tariff: Tariff, tokens: Usage) -> float:
            return float(mean_of(tariff.bill(tokens).total))

        return {id(one): (price(one, prompt), price(one, output)) for one in self.tariffs}
