"""The expected cost of one request, split into what it is billed for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from kimi_planner.billing.call import cached_price_notes
from kimi_planner.calls.expected import CallTokens, exact_tokens, expected_tokens
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.basis import basis
from kimi_planner.choose.breakdown.result import RequestCost, RequestCosts, RequestPart
from kimi_planner.money import EXACT, TOKENS_PER_MTOK, exact_decimal, plain
from kimi_planner.plan.beyond_tokens import fees_usd, written_notes
from kimi_planner.plan.demand import periods_of
from kimi_planner.plan.prices import Prices, prices_of
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.workload import Constant, Workload

__all__ = ["cost_per_request", "request_costs"]

_SIZES = ("prompt_tokens", "followup_tokens", "completion_tokens", "turns")


def cost_per_request(
    workloads: Workload | Iterable[Workload],
    models: str | Sequence[str] | None = None,
    *,
    projection: Projection | None = None,
    **scenario: Any,
) -> RequestCosts:
    """Split the expected cost of one request into what it is billed for.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What is sent.
    models : str or sequence of str, optional
        Model ids; all of the projection, or of the catalog but the retired ones, if not given.
    projection : Projection, optional
        A result for the same workloads, if it is at hand; otherwise one month is projected.
    **scenario
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``seed``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    RequestCosts
        For each workload and model uncached input, cached input, visible output and reasoning,
        and cache writes and fees where the workload has them, USD.

    Raises
    ------
    ScenarioError
        If a scenario is out of its bounds, or a given projection lacks a workload or a model.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    A request is one call that is asked for. One that its model's window refuses costs its fees
    alone, one that needs a summary first has both. A retry is a request of its own. Prices are
    those of the first day of the first month. Where a number that the cost rests on has a range,
    the cost is the mean over the scenarios of the projection; plain numbers give exact decimals.
    The parts add up to the total exactly in both cases.

    Examples
    --------
    >>> from datetime import date
    >>> plain = Workload(
    ...     name="w", requests_per_day=10, prompt_tokens=2000, completion_tokens=500
    ... )
    >>> costs = cost_per_request(plain, "kimi-k2", as_of=date(2026, 11, 25))
    >>> costs.of("w", "kimi-k2").total_usd
    Decimal('0.0042')
    """
    chosen, specs, projection = basis(workloads, models, projection, scenario)
    costs = [one for workload in chosen for one in request_costs(workload, specs, projection)]
    first = projection.months[:1]
    notes = [f"Prices are those of {periods_of(first)[0].first}."]
    drawn = list(dict.fromkeys(one.workload for one in costs if not one.is_exact))
    if drawn:
        notes.append(f"Means over {projection.n_paths:,} scenarios: {', '.join(drawn)}.")
    if any(workload.cached_share is not None for workload in chosen):
        notes += cached_price_notes(specs)
    return RequestCosts(
        costs=tuple(costs),
        projection=projection,
        notes=(*notes, *written_notes(chosen, specs, first)),
    )


def request_costs(
    workload: Workload, specs: Sequence[ModelSpec], projection: Projection
) -> list[RequestCost]:
    """Return the expected cost of a request of one workload on each model."""
    fees = fees_usd(projection.catalog, workload)
    scenarios = Scenarios.draw(workload, projection.seed, projection.n_paths)
    first_day = periods_of(projection.months[:1])
    known: dict[tuple[bool, int | None], CallTokens] = {}  # models alike are sent the same
    costs = []
    for spec in specs:
        prices = prices_of(workload, spec, first_day)[0]
        kind = (spec.reasons, spec.context_window_tokens)
        exact = _is_exact(workload, spec, prices)
        if exact:
            found = _exact(workload, spec, prices)
        else:
            if kind not in known:
                known[kind] = expected_tokens(workload, kind[0], scenarios.factors, window=kind[1])
            found = _expected(known[kind], prices, scenarios)
        parts = [
            RequestPart(part=part, tokens=tokens, cost_usd=usd)
            for part, (tokens, usd) in found.items()
            if part != "cache_write" or prices.written
        ]
        if workload.fees:
            parts.append(RequestPart(part="fees", tokens=None, cost_usd=plain(fees)))
        costs.append(
            RequestCost(workload=workload.name, model=spec.id, parts=tuple(parts), is_exact=exact)
        )
    return costs


def _is_exact(workload: Workload, spec: ModelSpec, prices: Prices) -> bool:
    """Return whether every number that the cost of a request rests on is plain."""
    used = [*_SIZES, *(["reasoning_tokens"] if spec.reasons else [])]
    if prices.cached != prices.input or prices.written:
        used.append("cached_share")
    given = [workload.given(key) for key in used]
    return not prices.factors and all(one is None or one.is_certain for one in given)


def _exact(
    workload: Workload, spec: ModelSpec, prices: Prices
) -> dict[str, tuple[Decimal, Decimal]]:
    share = workload.given("cached_share")
    cached = Decimal(0)
    if share is not None:
        cached = share.value if isinstance(share, Constant) else exact_decimal(share.mean)
    with localcontext(EXACT):
        tokens = exact_tokens(workload, spec.reasons, window=spec.context_window_tokens)
        found = _split(
            tokens,
            cached,
            [(part, price.usd_per_mtok) for part, price in prices.written],
            {key: getattr(prices, key).usd_per_mtok for key in ("input", "cached", "output")},
        )
    return {part: (plain(count), plain(usd)) for part, (count, usd) in found.items()}


def _expected(
    tokens: CallTokens, prices: Prices, scenarios: Scenarios
) -> dict[str, tuple[Decimal, Decimal]]:
    cached = scenarios.value("cached_share")
    # Where a scenario caches more than is left by what is written, only the rest is written.
    wanted = float(sum(part for part, _ in prices.written))
    room = np.minimum(1.0, (1 - cached) / wanted) if wanted else np.ones(1)
    found = _split(
        tokens,
        cached,
        [(float(part) * room, price.value(scenarios)) for part, price in prices.written],
        {key: getattr(prices, key).value(scenarios) for key in ("input", "cached", "output")},
    )
    return {
        part: (exact_decimal(float(np.mean(count))), exact_decimal(float(np.mean(usd))))
        for part, (count, usd) in found.items()
    }


def _split(
    tokens: Any, cached: Any, written: Sequence[tuple[Any, Any]], prices: dict[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Split a request into parts, all in exact decimals or all in arrays over scenarios."""
    served = tokens.prompt * cached
    writes = [(tokens.prompt * part, price) for part, price in written]
    kept = sum((count for count, _ in writes), 0 * tokens.prompt)
    parts = {
        "uncached_input": [(tokens.prompt - served - kept, prices["input"])],
        "cached_input": [(served, prices["cached"])],
        "cache_write": writes,
        "visible_output": [(tokens.completion - tokens.reasoning, prices["output"])],
        "reasoning": [(tokens.reasoning, prices["output"])],
    }
    return {
        part: (
            sum((count for count, _ in billed), 0 * tokens.prompt),
            sum((count * price for count, price in billed), 0 * tokens.prompt) / TOKENS_PER_MTOK,
        )
        for part, billed in parts.items()
    }
