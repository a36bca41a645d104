"""Splitting a difference of spend into causes, in exact fractions and without an order.

The spend of a workload in a month is a product of few factors: how many calls, on which models,
how many tokens in each, how much of them cached, at which prices. Replacing the planned factors by
the actual ones one after the other gives each a part of the difference, but the parts depend on
the order. The Shapley value is the mean over all orders: it needs none, its parts add up to the
difference, a factor that did not change gets nothing, and swapping plan and log flips every sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import combinations
from math import factorial

from kimi_planner.catalog import ModelSpec

__all__ = ["CAUSES", "Calls", "Factors", "Prices", "factors_of", "grown", "shapley"]


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Totals of some calls on one model, exact.

    Attributes
    ----------
    completion, reasoning
        All output tokens, and the part of them that is reasoning.
    """

    requests: Fraction
    prompt: Fraction
    cached: Fraction
    completion: Fraction
    reasoning: Fraction = Fraction(0)

    @classmethod
    def together(cls, parts: Iterable[Calls]) -> Calls:
        """Add up totals."""
        added = list(parts)
        return cls(
            **{
                one.name: sum((getattr(part, one.name) for part in added), Fraction(0))
                for one in fields(cls)
            }
        )

    def times(self, share: Fraction) -> Calls:
        """Return this share of the calls."""
        return Calls(**{one.name: getattr(self, one.name) * share for one in fields(self)})

    def without_reasoning(self) -> Calls:
        """Return the same calls with all output taken for answers."""
        return replace(self, reasoning=Fraction(0))


@dataclass(frozen=True)
class Prices:
    """Prices of one token in USD."""

    input: Fraction
    cached: Fraction
    output: Fraction

    @classmethod
    def of(cls, spec: ModelSpec) -> Prices:
        """Return the prices of a model.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no input or output price.
        """
        rates = spec.rates()
        unit = Fraction(1, 10**rates.places)
        return cls(rates.input * unit, rates.cached * unit, rates.output * unit)


@dataclass(frozen=True)
class Factors:
    """What the spend of a workload in a month is made of; tuples have an entry for each model.

    Attributes
    ----------
    traffic
        Calls in the month.
    mix
        Share of the calls that a model gets.
    prompt, answer, reasoning
        Tokens of a call.
    cache
        Share of the prompt tokens that is served from cache.
    price
        Prices of a token.
    """

    traffic: Fraction
    mix: tuple[Fraction, ...]
    prompt: tuple[Fraction, ...]
    answer: tuple[Fraction, ...]
    reasoning: tuple[Fraction, ...]
    cache: tuple[Fraction, ...]
    price: tuple[Prices, ...]

    def usd(self) -> Fraction:
        """Return the spend."""
        call = Fraction(0)
        for share, prompt, answer, reasoning, cached, price in zip(
            self.mix, self.prompt, self.answer, self.reasoning, self.cache, self.price, strict=True
        ):
            if share:
                of_input = prompt * (price.input + cached * (price.cached - price.input))
                call += share * (of_input + (answer + reasoning) * price.output)
        return self.traffic * call


#: Field of `Factors` to the cause that a reader sees, in the order in which they are shown.
CAUSES: Mapping[str, str] = {
    "traffic": "traffic",
    "mix": "model mix",
    "prompt": "prompt tokens",
    "answer": "answer tokens",
    "reasoning": "reasoning tokens",
    "cache": "cache",
    "price": "price",
}


def factors_of(
    calls: Mapping[str, Calls],
    prices: Mapping[str, Prices],
    models: Sequence[str],
    sizes: Mapping[str, Calls] | None = None,
) -> Factors:
    """Return the factors of some calls, with an entry for each of ``models``.

    Parameters
    ----------
    calls : mapping of str to Calls
        Model to the calls it got; at least one call.
    prices : mapping of str to Prices
        Prices of all the models.
    models : sequence of str
        The models of plan and log together.
    sizes : mapping of str to Calls, optional
        Calls that tell how large they would be on a model that got none. Without them its calls
        are taken to be as large as all calls together.
    """
    everything = Calls.together(calls.values())

    def shown(model: str) -> Calls:
        for known in (calls.get(model), (sizes or {}).get(model)):
            if known is not None and known.requests:
                return known
        return everything

    shapes = [shown(model) for model in models]
    nobody = Calls(
        requests=Fraction(0), prompt=Fraction(0), cached=Fraction(0), completion=Fraction(0)
    )
    return Factors(
        traffic=everything.requests,
        mix=tuple(calls.get(model, nobody).requests / everything.requests for model in models),
        prompt=tuple(one.prompt / one.requests for one in shapes),
        answer=tuple((one.completion - one.reasoning) / one.requests for one in shapes),
        reasoning=tuple(one.reasoning / one.requests for one in shapes),
        cache=tuple(one.cached / one.prompt if one.prompt else Fraction(0) for one in shapes),
        price=tuple(prices[model] for model in models),
    )


def grown(size: Calls, planned: Mapping[str, Calls], actual: Mapping[str, Calls]) -> Calls | None:
    """Return how large calls would have been on a model that got none.

    Parameters
    ----------
    size : Calls
        Calls as planned for that model.
    planned, actual : mapping of str to Calls
        Model to calls as planned for it, and to the calls it got.

    Returns
    -------
    Calls or None
        As much larger than planned as the calls on the other models, prompts, answers and
        reasoning each by their own factor, and cached as they were; ``None`` if no other model was
        planned for.
    """
    known = [model for model in actual if model in planned and planned[model].requests]
    if not known:
        return None
    got = Calls.together(actual[model] for model in known)
    meant = Calls.together(
        planned[model].times(actual[model].requests / planned[model].requests) for model in known
    )

    def factor(after: Fraction, before: Fraction) -> Fraction:
        return after / before if before else Fraction(1)

    prompt = size.prompt * factor(got.prompt, meant.prompt)
    reasoning = size.reasoning * factor(got.reasoning, meant.reasoning)
    answer = (size.completion - size.reasoning) * factor(
        got.completion - got.reasoning, meant.completion - meant.reasoning
    )
    return Calls(
        requests=size.requests,
        prompt=prompt,
        cached=prompt * got.cached / got.prompt if got.prompt else Fraction(0),
        completion=answer + reasoning,
        reasoning=reasoning,
    )


def shapley(planned: Factors, actual: Factors) -> dict[str, Fraction]:
    """Return the part of each cause in ``actual.usd() - planned.usd()``, summing to it exactly."""
    changed = [name for name in CAUSES if getattr(planned, name) != getattr(actual, name)]
    spend = {
        taken: replace(planned, **{name: getattr(actual, name) for name in taken}).usd()
        for size in range(len(changed) + 1)
        for taken in combinations(changed, size)
    }
    parts = dict.fromkeys(CAUSES, Fraction(0))
    orders = factorial(len(changed))
    for taken, usd in spend.items():
        before, after = len(taken), len(changed) - len(taken) - 1
        for name in changed:
            if name not in taken:
                more = tuple(one for one in changed if one in taken or one == name)
                weight = Fraction(factorial(before) * factorial(after), orders)
                parts[name] += weight * (spend[more] - usd)
    return parts
