"""How expected spend responds to traffic, output, reasoning and prices: what a slider can move.

Expected tokens are worked out by the projection's own arithmetic at a few factors on output and
reasoning, its stops; traffic and prices then multiply them. All amounts are whole numbers of
thousandths of a token, so that the same sums can be done anywhere, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from kimi_planner.catalog import ModelSpec
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.money import EXACT, exact_decimal, total
from kimi_planner.notes import Note, noted
from kimi_planner.plan.beyond_tokens import fees_usd
from kimi_planner.plan.bill import (
    Bill,
    billed_periods,
    exact_spend,
    is_certain,
    mean_product,
)
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.prices import Price, Prices, prices_of
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.response.result import Amounts, Key, Response, factor
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.plan.spend import TOKEN_TOTALS
from kimi_planner.workload import Workload, what_if

__all__ = ["OUTPUT_STOPS", "REASONING_STOPS", "expected_amounts", "response"]

OUTPUT_STOPS = tuple(map(Decimal, ("0.5", "0.75", "1", "1.25", "1.5", "2", "3")))
REASONING_STOPS = tuple(map(Decimal, ("0", "0.25", "0.5", "0.75", "1", "1.25", "1.5", "2", "3")))
_ONE = Decimal(1)


def response(
    projection: Projection,
    *,
    outputs: Iterable[Any] = OUTPUT_STOPS,
    reasonings: Iterable[Any] = REASONING_STOPS,
) -> Response:
    """Work out how the expected spend of a plan responds to factors on its numbers.

    Parameters
    ----------
    projection : Projection
        The plan.
    outputs, reasonings : iterable of number
        The factors on output and reasoning to work out; 1 is always among them.

    Returns
    -------
    Response
        With the scenarios of the plan: at any stops it is what `project` of `what_if` gives.

    Raises
    ------
    ScenarioError
        If there is no projection, or a factor is no number from 0 upwards.
    """
    if not isinstance(projection, Projection):
        raise ScenarioError(f"projection is {shown(projection)}. Give what project returns.")
    stops = _stops("output", outputs), _stops("reasoning", reasonings)
    amounts: dict[Key, Amounts] = {}
    for workload in projection.workloads:
        fees = fees_usd(projection.catalog, workload)
        thinks = workload.given("reasoning_tokens") is not None
        for output in stops[0]:
            for spec, reasoning, one in _at(workload, projection, fees, output, stops[1]):
                amounts[workload.name, spec.id, output, reasoning] = one
                if not (thinks and spec.reasons):
                    for other in stops[1]:
                        amounts[workload.name, spec.id, output, other] = one
    return Response(
        projection=projection,
        outputs=stops[0],
        reasonings=stops[1],
        amounts=amounts,
        notes=_notes(projection, amounts),
    )


def expected_amounts(
    workload: Workload, specs: Sequence[ModelSpec], projection: Projection
) -> dict[str, Amounts]:
    """Return what a workload is expected to use on models over the months of a plan, by id.

    The workload may be a changed one; it is in the scenarios of the plan all the same.
    """
    scenarios = Scenarios.draw(workload, projection.seed, projection.n_paths)
    fees = fees_usd(projection.catalog, workload)
    months = projection.months
    found: dict[str, Amounts] = {}
    alike: dict[tuple[bool, int | None, bool], Amounts] = {}  # models use the same but for these
    for spec in specs:
        prices = prices_of(workload, spec, billed_periods(workload, spec, months))
        moves = _moves_with_catalog(spec, prices)
        kind = (spec.reasons, spec.context_window_tokens, is_certain(workload, spec, months))
        one = alike.get(kind) if moves else None
        if one is None:
            one = _amounts_on(workload, spec, months, scenarios, fees, moves)
        if moves:
            alike[kind] = one
        found[spec.id] = one
    return found


def _at(
    workload: Workload,
    projection: Projection,
    fees: Decimal,
    output: Decimal,
    reasonings: Sequence[Decimal],
) -> Iterator[tuple[ModelSpec, Decimal, Amounts]]:
    """Yield what a workload uses on each model, at each factor on reasoning where it matters."""
    for reasoning in reasonings:
        [changed] = what_if(workload, output=output, reasoning=reasoning)
        scenarios = Scenarios.draw(changed, projection.seed, projection.n_paths)
        alike: dict[tuple[bool, int | None], Amounts] = {}  # models use the same but for these
        for spec in projection.specs:
            thinks = spec.reasons and workload.given("reasoning_tokens") is not None
            if reasoning != _ONE and not thinks:
                continue
            kind = (spec.reasons, spec.context_window_tokens)
            prices = prices_of(changed, spec, billed_periods(changed, spec, projection.months))
            moves = _moves_with_catalog(spec, prices)
            one = alike.get(kind) if moves else None
            if one is None:
                one = _amounts_on(changed, spec, projection.months, scenarios, fees, moves)
            if moves:
                alike[kind] = one
            yield spec, reasoning, one


def _amounts_on(
    workload: Workload,
    spec: ModelSpec,
    months: Sequence[Month],
    scenarios: Scenarios,
    fees: Decimal,
    moves: bool,
) -> Amounts:
    if is_certain(workload, spec, months):
        spend = exact_spend(workload, spec, months, fees)
        totals = {name: float(getattr(spend, name).sum()) for name in TOKEN_TOTALS}
        expected = total(spend.exact_usd or ())
    else:
        bill = Bill.of(workload, spec, months, scenarios, fees)
        requests = sum(bill.monthly_requests(), np.zeros(1))
        totals = {name: mean_product(requests, one) for name, one in bill.per_call().items()}
        by_month = (bill.expected_usd(place).mean() for place in range(len(months)))
        expected = exact_decimal(float(sum(by_month)))
    if not moves:
        return Amounts(uncached=0, cached=0, output=0, other_usd=expected)
    with localcontext(EXACT):
        fees_in_all = fees * exact_decimal(totals["requests"])
    cached = totals["cached_tokens"]
    return Amounts(
        uncached=_thousandths(totals["prompt_tokens"] - cached),
        cached=_thousandths(cached),
        output=_thousandths(totals["completion_tokens"]),
        other_usd=fees_in_all,
    )


def _moves_with_catalog(spec: ModelSpec, prices: Sequence[Prices]) -> bool:
    """Return whether all is billed at the three prices that the catalog states for the plan."""
    rates = spec.rates()
    scale = 6 - rates.places
    stated = (rates.input, rates.cached, rates.output)
    plain_prices = [Price(Decimal(units).scaleb(scale)) for units in stated]
    return all(
        [one.input, one.cached, one.output] == plain_prices and not one.written for one in prices
    )


def _thousandths(tokens: float) -> int:
    return int(np.rint(tokens * 1000))


def _stops(name: str, given: Iterable[Any]) -> tuple[Decimal, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ScenarioError(f"{name}s is {shown(given)}. Give a list of factors.")
    return tuple(sorted({_ONE, *(factor(name, one) for one in given)}))


def _notes(projection: Projection, amounts: Mapping[Key, Amounts]) -> tuple[Note, ...]:
    fixed = sorted({(name, model) for (name, model, *_), one in amounts.items() if one.is_fixed})
    return (
        *noted(
            "price_fixed",
            where=[f"{name} on {model}" for name, model in fixed],
        ),
        *noted(
            "cached_share_fixed",
            workloads=[one.name for one in projection.workloads if one.cache is not None],
        ),
    )
