"""What a load is expected to cost on one model: its usage at the prices of each period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.expected import CallTokens
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.calls.usage import fees_used, tokens_used
from kimi_planner.calls.windowed import DRAWN_CALLS
from kimi_planner.catalog import Catalog, Fee, ModelSpec, Profile
from kimi_planner.plan.beyond_tokens import check_fees
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import Period, demand
from kimi_planner.plan.draws import Draws, Number, mean_of
from kimi_planner.plan.spend import Spend
from kimi_planner.plan.tariffs import billed_periods, tariffs_of
from kimi_planner.workload.resolve import Load
from kimi_planner.workload.turns import turn_means

_CALLS_A_PATH = 40
_ROUNDING = 1e-9  # of amounts that are the same on every path


@dataclass(frozen=True, eq=False)
class LoadPlan:
    """One load over the months of a plan: what its models share is worked out once and kept.

    Attributes
    ----------
    load, months
        Whose calls, and when.
    fees
        Of the catalog.
    draws
        Its uncertain numbers.
    drawn_calls
        How many calls are drawn where a window cuts some: fewer for fewer paths.
    seed, n_paths
        What more is drawn with where the data of a model bring uncertain numbers of their own.
    currency
        Of its prices.
    """

    load: Load
    months: tuple[Month, ...]
    fees: tuple[Fee, ...]
    draws: Draws
    drawn_calls: int = DRAWN_CALLS
    seed: int = 0
    n_paths: int = 0
    currency: str = "USD"
    _tokens: dict[CallSizes, CallTokens] = field(default_factory=dict, init=False, repr=False)
    _requests: dict[tuple[Period, ...], Any] = field(default_factory=dict, init=False, repr=False)
    _plans: dict[Profile, LoadPlan] = field(default_factory=dict, init=False, repr=False)

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
        calls = min(DRAWN_CALLS, max(DRAWN_CALLS // 10, _CALLS_A_PATH * n_paths))
        draws = Draws.draw(load, seed, n_paths)
        return cls(load, months, catalog.fees, draws, calls, seed, n_paths, catalog.currency)

    @cached_property
    def exact(self) -> LoadPlan:
        """The same with every number as an exact fraction, uncertain ones at their means."""
        return replace(self, draws=Draws.exact(self.load))

    def calls(self, spec: ModelSpec) -> CallSizes:
        """Return the calls on a model."""
        return CallSizes.on(self.load.sizes, spec.profile, self.drawn_calls)

    def tokens(self, spec: ModelSpec) -> CallTokens:
        """Return what a call on a model is expected to use, on each path."""
        calls, draws = self.calls(spec), self.draws
        if calls not in self._tokens:
            factors = draws.factors(self.load.sizes.factors)
            self._tokens[calls] = calls.tokens(factors, draws.number)
        return self._tokens[calls]

    def requests(self, periods: tuple[Period, ...]) -> Any:
        """Return the requests of periods, retries not counted.

        Returns
        -------
        ndarray, shape (n_periods, n_paths) or (n_periods, 1)
            Expected on each path; of shape (n_periods,) and fractions where all is exact.
        """
        if periods not in self._requests:
            self._requests[periods] = self._stacked(demand(self.load, periods, self.draws))
        return self._requests[periods]

    def _stacked(self, requests: list[Number]) -> Any:
        if self.draws.number is Fraction:
            return np.array(requests, dtype=object)
        return np.stack(np.broadcast_arrays(*map(np.atleast_1d, requests)))

    def on(self, spec: ModelSpec) -> Bill:
        """Return the bill on a model; exact where every number that it rests on is plain.

        Raises
        ------
        PriceNotFoundError
            If the catalog lacks a price, a fee or a batch price that the load needs.
        """
        plan = self._with_data_of(spec)
        periods = billed_periods(self.load, spec, self.months)
        return Bill(plan.exact if plan._is_plain(spec, periods) else plan, spec, periods)

    def _with_data_of(self, spec: ModelSpec) -> LoadPlan:
        """Return the plan with the uncertain numbers that the data of a model bring, if any."""
        load = self.load.on(spec.profile)
        if set(load.quantities()) <= set(self.load.quantities()):
            return self
        if spec.profile not in self._plans:
            drawn = Draws.draw(load, self.seed, self.n_paths)
            self._plans[spec.profile] = replace(self, load=load, draws=drawn)
        return self._plans[spec.profile]

    def _is_plain(self, spec: ModelSpec, periods: tuple[Period, ...]) -> bool:
        load, traffic = self.load, self.load.traffic
        begun = [one for one in load.changes_of(spec.id) if one.day <= self.months[-1].last]
        billed = [traffic.level, traffic.growth, traffic.retries]
        billed += [event.size for event in traffic.events]
        billed += [change.factor for change in begun if change.factor is not None]
        if not load.sizes.on(spec.profile).is_certain or not all(one.is_certain for one in billed):
            return False
        return load.cached.is_certain or not Bill(self.exact, spec, periods).cache_matters


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
        return tariffs_of(plan.load, self.spec, plan.fees, self.periods, plan.draws)

    @cached_property
    def requests(self) -> Any:
        """Requests of each period, as `LoadPlan.requests` gives them."""
        return self.plan.requests(self.periods)

    @property
    def sizes(self) -> CallSizes:
        """Sizes of the calls."""
        return self.plan.calls(self.spec)

    @property
    def turns(self) -> float:
        """Expected calls of a conversation."""
        return turn_means(self.plan.load.sizes.turns)[0]

    @property
    def is_exact(self) -> bool:
        """Whether every number is an exact fraction."""
        return self.plan.draws.number is Fraction

    @property
    def cache_matters(self) -> bool:
        """Whether it makes a difference to the bill which tokens are served from a cache."""
        if self.plan.load.written_5m or self.plan.load.written_1h:
            return True
        return any(tariff.price("cached") != tariff.price("input") for tariff in self.tariffs)

    def tokens(self, prompt: Number, completion: Number, reasoning: Number = 0) -> Usage:
        """Return so many tokens by meter, the planned share of the prompt being cached."""
        cached = self.plan.draws["cached_share"]
        return tokens_used(self.plan.load, prompt, completion, reasoning, cached=cached)

    @cached_property
    def per_request(self) -> Usage:
        """What a request uses, with its fees and its share of retries."""
        call, draws = self.plan.tokens(self.spec), self.plan.draws
        used = self.tokens(call.prompt, call.completion, call.reasoning)
        request = used + fees_used(self.plan.load, draws.number)
        with_retries: Usage = request * (1 + draws["retry_share"])
        return with_retries

    def expected_usd(self) -> Any:
        """Return the spend of each month, expected on each path.

        Returns
        -------
        ndarray, shape (n_months, n_paths) or (n_months, 1), USD
            Of shape (n_months,) and fractions where all is exact.
        """
        parts: list[Any] = [None] * len(self.periods)
        for tariff, rows in _each(self.tariffs):
            cost = tariff.bill(self.per_request).total
            for row in rows:
                parts[row] = self.requests[row] * cost
        return self._monthly(self.plan._stacked(parts))

    def costs(self) -> Iterator[tuple[str, Any]]:
        """Yield meters, and what each costs in a month, as `expected_usd` has all of them together."""
        bills = [tariff.bill(self.per_request) for tariff in self.tariffs]
        for key in dict.fromkeys(key for bill in bills for key, _ in bill):
            parts = [calls * bill[key] for calls, bill in zip(self.requests, bills, strict=True)]
            yield key, self._monthly(self.plan._stacked(parts))

    def mean_usd(self) -> Number:
        """Return the expected spend over all months; a fraction where all is exact."""
        return self.by_meter(self.tariffs).total.sum()

    def usage(self) -> Usage:
        """Return the expected usage of each month, arrays of shape (n_months,)."""
        return self._used.map(self._monthly)

    @cached_property
    def _used(self) -> Usage:
        """Expected usage, arrays of shape (n_periods,)."""
        return self.per_request.map(self._over_paths)

    def by_meter(self, tariffs: Sequence[Tariff]) -> ByMeter:
        """Return the expected spend of each month by meter, at a tariff for each period."""
        columns: dict[str, Any] = {}
        for tariff, rows in _each(tariffs):
            varies = any(isinstance(price, np.ndarray) for price in tariff.stated.values())
            billed = (
                tariff.bill(self.per_request).map(self._over_paths)
                if varies
                else tariff.bill(self._used)
            )
            for key, usd in billed:
                columns.setdefault(key, 0 * usd)[rows] = usd[rows]
        return ByMeter({key: self._monthly(usd) for key, usd in columns.items()})

    def _over_paths(self, amount: Number) -> Any:
        """Return the mean over paths of requests times an amount, by period."""
        requests = self.requests
        if self.is_exact:
            return requests * amount
        if isinstance(amount, np.ndarray) and len(amount) == requests.shape[1]:
            return requests @ amount / len(amount)
        return requests.mean(axis=1) * mean_of(amount)

    def _monthly(self, by_period: Any) -> Any:
        """Add up the periods of each month."""
        begun = [row for row, period in enumerate(self.periods) if period.first.day == 1]
        return np.add.reduceat(by_period, begun, axis=0)

    def spend(self) -> Spend:
        """Return the spend without what single calls add to it."""
        plan, bill = self.plan, self.by_meter(self.tariffs)
        listed = replace(plan.load, price_changes=())
        list_bill = (
            self.by_meter(tariffs_of(listed, self.spec, plan.fees, self.periods, plan.draws))
            if plan.load.changes_of(self.spec.id)
            else bill
        )
        usd = self.expected_usd().astype(np.float64).reshape(len(plan.months), -1)
        is_ranged = bool((np.ptp(usd, axis=1) > _ROUNDING * usd.max(axis=1)).any())
        number = plan.draws.number
        calls = self._monthly(self._over_paths(number(1)))
        return Spend(
            usd=usd,
            usage=self.usage(),
            bill=bill,
            list_bill=list_bill,
            conversations=calls / number(plan.load.sizes.calls),
            is_ranged=is_ranged,
            currency=plan.currency,
        )

    @cached_property
    def weights(self) -> list[tuple[float, float]]:
        """What a prompt and a completion token cost in each month, the dearer one being 1.

        Means, also of the requests before and after a change of price within a month.
        """
        number = self.plan.draws.number
        tokens = self.tokens(number(1), number(0)), self.tokens(number(0), number(1))
        usd = np.empty((len(self.periods), 2))
        for tariff, rows in _each(self.tariffs):
            usd[rows] = [float(mean_of(tariff.bill(one).total)) for one in tokens]
        requests = np.maximum(self._over_paths(number(1)).astype(np.float64), 1e-300)[:, None]
        means = self._monthly(usd * requests)
        means /= np.maximum(means.max(axis=1, keepdims=True), 1e-300)
        return [(prompt, output) for prompt, output in means.tolist()]


def _each(tariffs: Sequence[Tariff]) -> list[tuple[Tariff, list[int]]]:
    """Return each tariff once, with the places where it holds."""
    rows: dict[int, list[int]] = {}
    for row, tariff in enumerate(tariffs):
        rows.setdefault(id(tariff), []).append(row)
    return [(tariffs[places[0]], places) for places in rows.values()]
