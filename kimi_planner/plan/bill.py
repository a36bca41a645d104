"""The expected bill of a workload on one model, by scenario, and the exact one of plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from kimi_planner.calls.expected import (
    CallTokens,
    exact_tokens,
    expected_tokens,
    sample_calls,
    turn_means,
)
from kimi_planner.calls.windowed import overflows
from kimi_planner.catalog import ModelSpec
from kimi_planner.money import EXACT, exact_decimal, from_fraction
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import (
    Period,
    exact_requests,
    expected_requests,
    periods_of,
)
from kimi_planner.plan.law import CostLaw, conversation_law
from kimi_planner.plan.prices import Prices, changes_of, prices_of
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.plan.spend import Spend
from kimi_planner.workload import QUANTITY_FIELDS, Constant, Quantity, Workload
from kimi_planner.workload.quantity import Array

__all__ = [
    "Bill",
    "billed_periods",
    "conversation_costs",
    "exact_spend",
    "is_certain",
    "mean_product",
]


@dataclass(frozen=True)
class Bill:
    """What a workload is expected to cost on one model, by period and scenario.

    Attributes
    ----------
    workload, spec
        What is sent, and to which model.
    periods, prices
        The parts of the plan between price changes, and the prices in each.
    requests, calls_usd : list of ndarray, shape (n_paths,) or (1,)
        Requests of each period, retries not counted, and the cost of a call with its fees and its
        share of retries.
    tokens
        Expected tokens of a call.
    scenarios
        What was drawn.
    """

    workload: Workload
    spec: ModelSpec
    periods: tuple[Period, ...]
    prices: list[Prices]
    requests: list[Array]
    calls_usd: list[Array]
    tokens: CallTokens
    scenarios: Scenarios

    @classmethod
    def of(
        cls,
        workload: Workload,
        spec: ModelSpec,
        months: Sequence[Month],
        scenarios: Scenarios,
        fees: Decimal = Decimal(0),
    ) -> Bill:
        """Return the bill over the months of a plan; ``fees`` are USD for each request."""
        periods = billed_periods(workload, spec, months)
        prices = prices_of(workload, spec, periods)
        window = spec.context_window_tokens
        tokens = expected_tokens(workload, spec.reasons, scenarios.factors, window=window)
        cached, sent = scenarios.value("cached_share"), 1 + scenarios.value("retry_share")
        known: dict[Prices, Array] = {}
        for one in prices:
            if one not in known:
                call = one.call_usd(tokens.prompt, cached, tokens.completion, scenarios)
                known[one] = (call + float(fees)) * sent
        return cls(
            workload,
            spec,
            periods,
            prices,
            expected_requests(workload, periods, scenarios),
            [known[one] for one in prices],
            tokens,
            scenarios,
        )

    @property
    def calls_at_random(self) -> bool:
        """Whether the number of calls given the scenario is Poisson, or certain."""
        level = self.workload.quantity("requests_per_day")
        return level is not None and not level.is_certain

    @property
    def turns(self) -> float:
        """Expected calls of a conversation."""
        return turn_means(self.workload.quantity("turns") or Constant(Decimal(1)))[0]

    def kind(self, place: int) -> tuple[bool, int | None, float, float]:
        """Return what the spread of a conversation's cost in a month depends on."""
        prompt, output = self.nominal_prices(place)
        top = max(prompt, output) or 1.0
        window = self.spec.context_window_tokens
        return self.spec.reasons, window, round(prompt / top, 12), round(output / top, 12)

    def nominal_prices(self, place: int) -> tuple[float, float]:
        """Return the prices of prompt and completion tokens in a month, at the mean cached share.

        Where prices change within the month, they are weighted by its requests.
        """
        cached = float(np.mean(self.scenarios.value("cached_share")))
        spans = [at for at, period in enumerate(self.periods) if period.place == place]
        weights = [float(np.mean(self.requests[at])) for at in spans] if len(spans) > 1 else [1.0]
        total = sum(weights)
        prompt = output = 0.0
        for at, weight in zip(spans, weights, strict=True):
            share = weight / total if total else 1 / len(spans)
            one = self.prices[at]
            full = float(one.input.usd_per_mtok)
            prompt += share * (full + cached * (float(one.cached.usd_per_mtok) - full))
            for part, writing in one.written:
                prompt += share * float(part) * (float(writing.usd_per_mtok) - full)
            output += share * float(one.output.usd_per_mtok)
        return prompt, output

    def monthly_requests(self) -> list[Array]:
        """Return the requests of each month by scenario, retries not counted."""
        months: list[Array] = []
        for period, requests in zip(self.periods, self.requests, strict=True):
            if period.place < len(months):
                months[-1] = months[-1] + requests
            else:
                months.append(requests)
        return months

    def conversations(self) -> list[Array]:
        """Return the expected conversations of each month by scenario."""
        turns = self.turns
        return [requests / turns for requests in self.monthly_requests()]

    def expected_usd(self, place: int) -> Array:
        """Return the expected spend of one month by scenario, shape (n_paths,) or (1,)."""
        total: Array = np.zeros(1)
        for period, requests, call in zip(self.periods, self.requests, self.calls_usd, strict=True):
            if period.place == place:
                total = total + requests * call
        return total

    def per_call(self) -> dict[str, Array]:
        """Return what is billed for a request: itself, its tokens, and its share of retries."""
        sent = 1 + self.scenarios.value("retry_share")
        prompt = self.tokens.prompt * sent
        return {
            "requests": sent,
            "prompt_tokens": prompt,
            "cached_tokens": prompt * self.scenarios.value("cached_share"),
            "completion_tokens": self.tokens.completion * sent,
            "reasoning_tokens": self.tokens.reasoning * sent,
        }


def conversation_costs(bill: Bill, place: int, rng: np.random.Generator) -> CostLaw | None:
    """Return how the cost of one conversation of a month is distributed, ``None`` if it is nothing.

    It is computed at factors of 1 and the mean cached share, or told by a sample where
    conversations are long or some calls do not fit the context window.
    """
    # The law is of tokens alone. Fees are spread as tokens are: which calls cause one is not known.
    workload, reasons, window = bill.workload, bill.spec.reasons, bill.spec.context_window_tokens
    prompt, output = bill.nominal_prices(place)
    if not overflows(workload, reasons, window):
        try:
            return conversation_law(workload, reasons, prompt, output)
        except OverflowError:
            pass
    sample = sample_calls(workload, reasons, rng, uncertain_means=False, window=window)
    costs = sample.prompt * prompt + sample.completion * output
    totals: Array = np.bincount(sample.conversation, weights=costs).astype(np.float64)
    return CostLaw.of_sample(totals)


def mean_product(first: Array, second: Array) -> float:
    """Return the mean over scenarios of a product; each has one value for each scenario, or one."""
    if len(first) == 1 or len(second) == 1:
        return float(first.mean() * second.mean())
    return float(first @ second / len(first))


def is_certain(workload: Workload, spec: ModelSpec, months: Sequence[Month]) -> bool:
    """Return whether every number that the bill of this model rests on is plain."""
    prices = prices_of(workload, spec, billed_periods(workload, spec, months))
    unbilled = {
        "reasoning_tokens": not spec.reasons,
        "cached_share": all(one.cached == one.input and not one.written for one in prices),
        "peak_hour_share": True,
    }
    given = [workload.quantity(key) for key in QUANTITY_FIELDS if not unbilled.get(key)]
    for event in workload.dated_events:
        given += [event.factor, event.extra_requests]
    return not any(one.factors for one in prices) and all(
        quantity is None or quantity.is_certain for quantity in given
    )


def exact_spend(
    workload: Workload, spec: ModelSpec, months: Sequence[Month], fees: Decimal = Decimal(0)
) -> Spend:
    """Return the bill of plain numbers: requests by the calendar x exact cost of a call.

    ``fees`` are USD for each request, on top of its tokens.
    """
    periods = billed_periods(workload, spec, months)
    prices = prices_of(workload, spec, periods)
    sent = 1 + Fraction(_number(workload.quantity("retry_share")))
    requests = [sent * count for count in exact_requests(workload, periods)]
    with localcontext(EXACT):
        tokens = exact_tokens(workload, spec.reasons, window=spec.context_window_tokens)
        cached = tokens.prompt * _number(workload.quantity("cached_share"))
        calls = [
            Fraction(one.exact_call_usd(tokens.prompt, cached, tokens.completion) + fees)
            for one in prices
        ]
    per_call = {
        "requests": Decimal(1),
        "prompt_tokens": tokens.prompt,
        "cached_tokens": cached,
        "completion_tokens": tokens.completion,
        "reasoning_tokens": tokens.reasoning,
    }
    usd = [Fraction(0)] * len(months)
    counts = [Fraction(0)] * len(months)
    for period, count, call in zip(periods, requests, calls, strict=True):
        usd[period.place] += count * call
        counts[period.place] += count
    exact = tuple(from_fraction(amount) for amount in usd)
    totals = {
        name: np.array([float(count * Fraction(value)) for count in counts])
        for name, value in per_call.items()
    }
    return Spend(
        usd=np.array([float(amount) for amount in exact])[:, None], exact_usd=exact, **totals
    )


def billed_periods(
    workload: Workload, spec: ModelSpec, months: Sequence[Month]
) -> tuple[Period, ...]:
    """Return the parts of a plan between changes of the prices of a model."""
    days = [change.day for change in changes_of(workload, spec)]
    return periods_of(months, (*days, *spec.price_days))


def _number(quantity: Quantity | None) -> Decimal:
    if isinstance(quantity, Constant):
        return quantity.value
    return Decimal(0) if quantity is None else exact_decimal(quantity.mean)
