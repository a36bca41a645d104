"""Splitting a difference of spend into causes, in exact fractions and without an order.

The spend of a workload on a model in a month is a product of few factors: how many calls, how many
of them on this model, how many tokens in each, on which meters, at which prices. Replacing the
planned factors by the actual ones one after the other gives each a part of the difference, but the
parts depend on the order. The Shapley value is the mean over all orders: it needs none, its parts
add up to the difference, a factor that did not change gets nothing, and swapping plan and log flips
every sign.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import combinations
from math import comb
from operator import add
from typing import Any

from kimi_planner.billing.meters import FEE, METERS, TOKEN_METERS, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.reconcile.billed import NOTHING, Billed, at_prices

SIZES = ("prompt tokens", "answer tokens", "reasoning tokens")
#: The causes of a difference, in the order in which they are shown.
CAUSES = (
    "traffic",
    "model mix",
    *SIZES,
    "cache",
    "cache writes",
    "batch",
    "fees",
    "planned price change",
    "unplanned price",
)

#: What a request uses: a number, or numbers by meter, for the causes from prompt tokens to fees.
Shape = Mapping[str, Any]
#: A shape with traffic, the model's share of it, and prices by meter: one value for each cause.
#: The price of a meter is the sum of the last two.
Factors = Mapping[str, Any]

_BATCHED = {meter.plain: key for key, meter in METERS.items() if meter.plain}
_WRITES = [
    key
    for key in TOKEN_METERS
    if METERS[key].direction == "Input" and key not in ("input", "cached")
]


def shape_of(usage: Usage) -> dict[str, Any]:
    """Return what a request uses, from the total of some requests."""

    def share(part: Fraction, whole: Fraction) -> Fraction:
        return Fraction(part) / whole if whole else Fraction(0)

    requests, prompt = usage.requests, usage.prompt
    batched = sum(usage[key] for key in _BATCHED.values())
    everywhere = share(batched, prompt + usage.completion)
    return {
        "prompt tokens": share(prompt, requests),
        "answer tokens": share(usage.completion - usage.reasoning, requests),
        "reasoning tokens": share(usage.reasoning, requests),
        "cache": {"cached": share(usage.cached, prompt)},
        "cache writes": {key: share(usage.part(key), prompt) for key in _WRITES},
        "batch": {
            key: share(usage[_BATCHED[key]], tokens) if (tokens := usage.part(key)) else everywhere
            for key in TOKEN_METERS
        },
        "fees": {key: share(count, requests) for key, count in usage if key.startswith(FEE) and count},
    }  # fmt: skip


def keys_of(*shapes: Shape) -> list[str]:
    """Return the meters and fees that requests use which are partly like each of some shapes."""
    batched = any(any(shape["batch"].values()) for shape in shapes)
    fees = dict.fromkeys(key for shape in shapes for key in shape["fees"])
    return [*TOKEN_METERS, *(_BATCHED.values() if batched else ()), *fees]


def factors_of(
    shape: Shape,
    requests: Fraction,
    mix: Fraction,
    planned_price: Mapping[str, Fraction],
    unplanned_price: Mapping[str, Fraction],
) -> Factors:
    """Return the factors of the spend on a model that gets the share ``mix`` of requests."""
    return {
        "traffic": requests,
        "model mix": mix,
        **shape,
        "planned price change": planned_price,
        "unplanned price": unplanned_price,
    }


def spend_of(factors: Factors) -> Fraction:
    """Return the spend that factors multiply to, in USD."""
    shares = {**factors["cache"], **factors["cache writes"]}
    prompt = factors["prompt tokens"]
    tokens = {
        "input": prompt * (1 - sum(shares.values())),
        **{key: prompt * share for key, share in shares.items()},
        "output": factors["answer tokens"] + factors["reasoning tokens"],
    }
    amounts = dict(factors["fees"])
    for key, amount in tokens.items():
        batched = amount * factors["batch"][key]
        amounts |= {key: amount - batched, _BATCHED[key]: batched}
    prices, beyond = factors["planned price change"], factors["unplanned price"]
    request = Usage({key: amount for key, amount in amounts.items() if amount})
    bill = at_prices(request, {key: price + beyond[key] for key, price in prices.items()})
    return Fraction(factors["traffic"] * factors["model mix"] * bill.total)


def grown(size: Shape, planned: Mapping[str, Usage], actual: Mapping[str, Usage]) -> Shape:
    """Return what a request would have used on a model that got none.

    Parameters
    ----------
    size : Shape
        What was planned for that model.
    planned, actual : mapping of str to Usage
        Model to the usage that was planned for it, and to that of the requests it got.

    Returns
    -------
    Shape
        As much larger than planned as requests to the other models, prompt, answer and reasoning
        each by its own factor; cached, written, batched and with fees as those were. Where no other
        model was planned for, the requests that there were.
    """
    known = [model for model in actual if model in planned]
    if not known:
        return shape_of(reduce(add, actual.values()))
    got = shape_of(reduce(add, (actual[model] for model in known)))
    scaled = (
        planned[model] * (actual[model].requests / planned[model].requests) for model in known
    )
    meant = shape_of(reduce(add, scaled))
    return got | {
        name: size[name] * (got[name] / meant[name] if meant[name] else 1) for name in SIZES
    }


def difference(planned: Billed, actual: Billed) -> dict[str, Fraction]:
    """Return the part of each cause in what some calls on a model cost more than others."""
    sides = ((shape_of(one.usage), one.usage.requests, Fraction(1)) for one in (planned, actual))
    return explained(planned, actual, *sides)


def divided(
    chosen: str,
    planned: Mapping[str, Billed],
    served: Mapping[str, Billed],
    tariffs: Mapping[str, Tariff | None],
    scale: Fraction = Fraction(1),
) -> dict[str, Fraction]:
    """Return the part of each cause in what the calls of a workload cost more than planned.

    Parameters
    ----------
    chosen : str
        The model that was planned.
    planned : mapping of str to Billed
        What was planned on each model; more than nothing on the chosen one.
    served : mapping of str to Billed
        What each model served; at least one call.
    tariffs : mapping of str to Tariff
        Prices of what happened, for every model of either.
    scale : Fraction
        Share of the plan that is compared.
    """
    meant = {model: row.usage for model, row in planned.items() if row.usage.requests}
    used = {model: row.usage for model, row in served.items()}
    before, requests = meant[chosen].requests, sum(one.requests for one in used.values())
    parts = dict.fromkeys(CAUSES, Fraction(0))
    for model, row in planned.items():
        size = shape_of(meant.get(model, meant[chosen]))
        now = shape_of(used[model]) if model in used else grown(size, meant, used)
        mix = used[model].requests / requests if model in used else Fraction(0)
        part = explained(
            row,
            replace(served.get(model, NOTHING), tariff=tariffs[model]),
            (size, before * scale, Fraction(model == chosen)),
            (now, requests, mix),
        )
        parts = {cause: usd + part[cause] for cause, usd in parts.items()}
    return parts


def explained(
    planned: Billed,
    actual: Billed,
    before: tuple[Shape, Fraction, Fraction],
    after: tuple[Shape, Fraction, Fraction],
) -> dict[str, Fraction]:
    """Return the part of each cause in what the calls on one model of some cost more than planned.

    Parameters
    ----------
    planned, actual : Billed
        What tells the prices.
    before, after : tuple
        What a request uses, how many there are on all models, and the share of this model.
    """
    was, settled, beyond = prices_of(planned, actual, keys_of(before[0], after[0]))
    nothing = dict.fromkeys(was, Fraction(0))
    return shapley(factors_of(*before, was, nothing), factors_of(*after, settled, beyond))


def prices_of(
    planned: Billed, actual: Billed, keys: Collection[str]
) -> tuple[dict[str, Fraction], ...]:
    """Return prices by meter.

    A price that one side does not state counts as unchanged. One that neither does can come up where
    one cause has changed and another has not yet; it is that of the same tokens in a batch or outside
    of one, else of what stands in for it.

    Returns
    -------
    tuple of dict
        The planned ones; what the way to the actual ones reaches between them and those of the
        plan's catalog; and what is left of that way.
    """
    sides: list[dict[str, Fraction]] = [
        {key: price for key in keys if (price := price_of(key)) is not None}
        for price_of in (planned.price, planned.list_price, actual.price)
    ]
    known = {**sides[2], **sides[1], **sides[0]}
    twins = {plain: known[key] for plain, key in _BATCHED.items() if key in known}
    stated = {"input": Fraction(0), "output": Fraction(0), **twins, **known}
    unstated = Tariff(stated=stated, batch=Fraction(1), model="", catalog_version="")
    found: tuple[dict[str, Fraction], ...] = ({}, {}, {})
    for key in keys:
        otherwise = Fraction(unstated.price(key))
        was, listed, now = (side.get(key, otherwise) for side in sides)
        settled = min(max(now, min(was, listed)), max(was, listed))
        for prices, price in zip(found, (was, settled, now - settled), strict=True):
            prices[key] = price
    return found


def shapley(planned: Factors, actual: Factors) -> dict[str, Fraction]:
    """Return the part of each cause in the difference of spend, summing to it exactly."""
    changed = [name for name in planned if planned[name] != actual[name]]
    usd = {
        taken: spend_of({**planned, **{name: actual[name] for name in taken}})
        for size in range(len(changed) + 1)
        for taken in combinations(changed, size)
    }
    parts = dict.fromkeys(planned, Fraction(0))
    for taken, before in usd.items():
        for name in (one for one in changed if one not in taken):
            more = tuple(one for one in changed if one in taken or one == name)
            orders = len(changed) * comb(len(changed) - 1, len(taken))
            parts[name] += (usd[more] - before) / orders
    return parts
