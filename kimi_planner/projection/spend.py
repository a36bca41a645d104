"""Simulating monthly spend: scenarios first, then the month's total given the scenario."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from kimi_planner.catalog import Catalog, ModelSpec, Rates, load_catalog
from kimi_planner.money import EXACT, exact_decimal, plain
from kimi_planner.projection.calendar import Month, month_range
from kimi_planner.projection.calls import (
    FACTOR_KEYS,
    CallSample,
    CallTokens,
    exact_tokens,
    expected_tokens,
    sample_calls,
    turn_means,
)
from kimi_planner.projection.inputs import (
    check_paths,
    check_seed,
    chosen_day,
    chosen_models,
    chosen_workloads,
)
from kimi_planner.projection.notes import assumptions_left_out
from kimi_planner.projection.result import Projection, Spend
from kimi_planner.workload import QUANTITY_FIELDS, Constant, Quantity, Workload
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["DEFAULT_PATHS", "Scenarios", "project", "stream"]

DEFAULT_PATHS = 10_000


def project(
    workloads: Workload | Iterable[Workload],
    months: int = 12,
    start: str | date | None = None,
    models: str | Sequence[str] | None = None,
    as_of: date | None = None,
    seed: int = 0,
    *,
    n_paths: int = DEFAULT_PATHS,
    catalog: Catalog | str | Path | None = None,
) -> Projection:
    """Project the monthly spend of workloads on each model.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What may happen.
    months : int
        Number of calendar months.
    start : str or date, optional
        First month, such as ``"2026-11"``; the month after ``as_of`` if not given.
    models : str or sequence of str, optional
        Model ids; all of the catalog if not given.
    as_of : date, optional
        The day whose prices and knowledge count; today if not given.
    seed : int
        Seed of the scenarios, 0 or above.
    n_paths : int
        Number of scenarios, from 100.
    catalog : Catalog, str or Path, optional
        Prices; the default catalog if not given.

    Returns
    -------
    Projection
        Spend by workload, model and month over the same scenarios, so that models, workloads and
        months can be compared and added scenario by scenario.

    Raises
    ------
    ScenarioError
        If a date, the horizon, the seed or the number of paths is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it on that day.

    Notes
    -----
    Level of traffic, growth, cached share and factors on token means are drawn once per scenario,
    each stratified. Given the scenario, a month is days times requests times the expected cost of
    a call, and what single calls add to that: a total of ``n`` independent conversations, by its
    first three moments. A workload of plain numbers has no spread and is computed in exact
    decimals. Each workload has random streams of its own, named by seed, workload and quantity:
    adding a workload changes no other.
    """
    chosen = chosen_workloads(workloads)
    check_paths(n_paths)
    check_seed(seed)
    as_of = chosen_day(as_of)
    catalog = load_catalog(catalog)
    catalog.check_as_of(as_of)
    specs = chosen_models(catalog, models)
    covered = month_range(start, months, as_of)
    spend = {
        (workload.name, spec.id): one
        for workload in chosen
        for spec, one in zip(
            specs, _project_one(workload, specs, covered, seed, n_paths), strict=True
        )
    }
    return Projection(
        workloads=chosen,
        specs=specs,
        months=covered,
        spend=spend,
        catalog=catalog,
        as_of=as_of,
        seed=seed,
        n_paths=n_paths,
        notes=assumptions_left_out(chosen, specs),
    )


@dataclass(frozen=True)
class Scenarios:
    """What is drawn once per scenario, the same for every model; arrays broadcast together.

    Attributes
    ----------
    requests : ndarray, shape (n_months, n_paths)
        Calls of each month.
    cached : ndarray, shape (n_paths,) or (1,)
        Share of prompt tokens served from cache.
    factors : dict of str to ndarray, shape (n_paths,)
        Factors on uncertain means of token quantities.
    noise : ndarray, shape (n_months, n_paths)
        Standard normal draws for what single calls add.
    """

    requests: Array
    cached: Array
    factors: dict[str, Array]
    noise: Array

    @classmethod
    def draw(
        cls, workload: Workload, months: Sequence[Month], seed: int, n_paths: int
    ) -> Scenarios:
        """Draw the scenarios of a workload, each variable stratified and from its own stream."""

        def one(name: str, quantity: Quantity | None) -> Array:
            if quantity is None or quantity.is_certain:
                return np.full(1, 0.0 if quantity is None else quantity.mean)
            return stream(seed, workload.name, name).permutation(quantity.ppf(midpoints(n_paths)))

        level, growth, cached = (
            one(key, workload.quantity(key))
            for key in ("requests_per_day", "growth_per_month", "cached_share")
        )
        given = {key: workload.quantity(key) for key in FACTOR_KEYS}
        days = np.array([[month.days] for month in months])
        elapsed = np.arange(len(months))[:, None]
        shape = (len(months), n_paths)
        return cls(
            requests=np.broadcast_to(level * (1 + growth) ** elapsed * days, shape),
            cached=cached,
            factors={
                key: one(f"{key}.mean_factor", quantity.factor)
                for key, quantity in given.items()
                if quantity is not None and quantity.factor is not None
            },
            noise=ndtri(stream(seed, workload.name, "calls").random(shape)),
        )


def _project_one(
    workload: Workload, specs: Sequence[ModelSpec], months: Sequence[Month], seed: int, n_paths: int
) -> list[Spend]:
    uncertain = [spec for spec in specs if not _bill_is_certain(workload, spec)]
    if not uncertain:
        return [_exact_spend(workload, spec, months) for spec in specs]
    scenarios = Scenarios.draw(workload, months, seed, n_paths)
    calls: dict[bool, tuple[CallTokens, CallSample]] = {}
    for reasons in {spec.reasons for spec in uncertain}:  # nothing else differs between models
        rng = stream(seed, workload.name, "sizes")
        calls[reasons] = (
            expected_tokens(workload, reasons, scenarios.factors),
            sample_calls(workload, reasons, rng, uncertain_means=False),
        )
    turns, _ = turn_means(workload.quantity("turns") or Constant(Decimal(1)))
    return [
        _scenario_spend(scenarios, turns, *calls[spec.reasons], spec.rates())
        if spec in uncertain
        else _exact_spend(workload, spec, months)
        for spec in specs
    ]


def _bill_is_certain(workload: Workload, spec: ModelSpec) -> bool:
    """Return whether every number that the bill of this model rests on is plain."""
    rates = spec.rates()
    unbilled = {
        "reasoning_tokens": not spec.reasons,
        "cached_share": rates.cached == rates.input,
        "peak_hour_share": True,
    }
    return all(
        unbilled.get(key) or quantity is None or quantity.is_certain
        for key in QUANTITY_FIELDS
        for quantity in [workload.quantity(key)]
    )


def _scenario_spend(
    scenarios: Scenarios, turns: float, tokens: CallTokens, sample: CallSample, rates: Rates
) -> Spend:
    requests, cached = scenarios.requests, scenarios.cached
    input_units = tokens.prompt * (rates.input + cached * (rates.cached - rates.input))
    call_usd = (input_units + tokens.completion * rates.output) * 10.0**-rates.places
    spread, skewness = _conversation_noise(sample, rates, float(np.mean(cached)))
    usd = requests * call_usd * _total_noise(scenarios.noise, spread, skewness, requests / turns)
    per_call = {
        "prompt_tokens": tokens.prompt,
        "cached_tokens": tokens.prompt * cached,
        "completion_tokens": tokens.completion,
        "reasoning_tokens": tokens.reasoning,
    }
    return Spend(
        usd=np.broadcast_to(usd, requests.shape),
        exact_usd=None,
        requests=requests.mean(axis=1),
        **{name: (requests * values).mean(axis=1) for name, values in per_call.items()},
    )


def _exact_spend(workload: Workload, spec: ModelSpec, months: Sequence[Month]) -> Spend:
    """Return the bill of plain numbers: calendar days x requests x exact cost of a call."""

    def number(key: str) -> Decimal:
        quantity = workload.quantity(key)
        if isinstance(quantity, Constant):
            return quantity.value
        return Decimal(0) if quantity is None else exact_decimal(quantity.mean)

    rates = spec.rates()
    with localcontext(EXACT):
        tokens = exact_tokens(workload, spec.reasons)
        cached = tokens.prompt * number("cached_share")
        units = (
            (tokens.prompt - cached) * rates.input
            + cached * rates.cached
            + tokens.completion * rates.output
        )
        growth = 1 + number("growth_per_month")
        requests = [
            number("requests_per_day") * growth**k * month.days for k, month in enumerate(months)
        ]
        exact = tuple(plain(count * units.scaleb(-rates.places)) for count in requests)
        counts = np.array([float(count) for count in requests])
        per_call = {
            "prompt_tokens": tokens.prompt,
            "cached_tokens": cached,
            "completion_tokens": tokens.completion,
            "reasoning_tokens": tokens.reasoning,
        }
        totals = {
            name: np.array([float(count * value) for count in requests])
            for name, value in per_call.items()
        }
    usd = np.array([float(amount) for amount in exact])[:, None]
    return Spend(usd=usd, exact_usd=exact, requests=counts, **totals)


def _conversation_noise(sample: CallSample, rates: Rates, cached: float) -> tuple[float, float]:
    """Return the coefficient of variation and the skewness of the cost of one conversation."""
    cost = sample.prompt * (rates.input + cached * (rates.cached - rates.input))
    totals = np.bincount(sample.conversation, weights=cost + sample.completion * rates.output)
    mean, sd = totals.mean(), totals.std()
    if mean == 0 or sd <= 1e-12 * mean:
        return 0.0, 0.0
    return float(sd / mean), float((((totals - mean) / sd) ** 3).mean())


def _total_noise(normal: Array, spread: float, skewness: float, conversations: Array) -> Array:
    """Return the factor that single calls put on a month's expected total.

    The sum of ``n`` independent amounts has the variation ``v = spread / sqrt(n)`` and the skewness
    ``g = skewness / sqrt(n)``; a shifted lognormal with these moments and the mean 1. Its shape
    solves ``g = (s**2 + 3) * s`` with ``s**2 = exp(sigma**2) - 1``. Few calls of a variation that
    would make the total negative get more skewness instead, so that the mean stays 1.
    """
    if spread == 0:
        return np.ones((1, 1))
    root = np.sqrt(np.maximum(conversations, 1.0))
    variation = spread / root
    shape = 2 * np.sinh(np.arcsinh(max(skewness, 0.0) / root / 2) / 3)
    shape = np.maximum(shape, np.maximum(1e-6, variation * np.minimum(1.0, variation)))
    sigma = np.sqrt(np.log1p(shape**2))
    deviation = np.expm1(sigma * normal - sigma**2 / 2) / shape
    factor: Array = np.maximum(0.0, 1 + variation * deviation)
    return factor


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of these names; another name is another stream."""
    digest = sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
