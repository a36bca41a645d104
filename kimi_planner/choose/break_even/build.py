"""Where one model becomes worth more than another: a map over output share and reasoning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kimi_planner.billing.call import cached_price_notes
from kimi_planner.calls.expected import expected_tokens
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.basis import able_models, basis, calls_of_task, only_workload
from kimi_planner.choose.break_even.result import BreakEvenMap
from kimi_planner.choose.breakdown import first_prices
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.evaluations.rates import Rate, known_rates
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plan.beyond_tokens import fees_usd
from kimi_planner.plan.demand import periods_of
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import Scenarios, scenario_quantities
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["break_even_map"]

OUTPUT_SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))
REASONING_MULTIPLIERS = tuple(0.5 * step for step in range(21))
MOST_POINTS = 2_000  # on one side


def break_even_map(
    workload: Workload,
    *,
    models: str | Sequence[str] | None = None,
    output_share: ArrayLike = OUTPUT_SHARES,
    reasoning_multiplier: ArrayLike = REASONING_MULTIPLIERS,
    evaluations: Evaluations | None = None,
    success_rates: Mapping[str, Rate] | None = None,
    projection: Projection | None = None,
    **scenario: Any,
) -> BreakEvenMap:
    """Map the cost of models over the output share of tokens and the reasoning for each of them.

    Parameters
    ----------
    workload : Workload
        What is sent: its prompt and visible answer together, cached share, cache writes and fees.
    models : str or sequence of str, optional
        Model ids, two or more; those that can serve the workload if not given.
    output_share : array-like, shape (rows,)
        Share of the visible answer in prompt and visible answer together, rising from 0 to 1.
    reasoning_multiplier : array-like, shape (columns,)
        Reasoning tokens for each visible one, rising from 0; spent only by models that reason.
    evaluations : Evaluations, optional
        Measured success rates on this workload; the map is then of the cost of a success.
    success_rates : mapping of str to number, optional
        From model id to its success rate, 0 to 1, in place of evaluations.
    projection : Projection, optional
        A result for the same workload, if it is at hand; otherwise one month is projected.
    **scenario
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``seed``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    BreakEvenMap
        The cost of a request of each model at each point, and what follows from it.

    Raises
    ------
    ScenarioError
        If a scenario or a grid is out of its bounds, there is not one workload, or fewer than two
        models are left.
    EvaluationError
        If success rates come from two places or are out of their bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    Whether thinking pays is a question of success as much as of cost: by the cost of a request
    alone, the model with the lowest prices is the cheapest all over the map. There are two ways to
    a useful one. With success rates, the value of a point is the cost of a success, and
    `break_even_multiplier` is the reasoning up to which a model that thinks is the cheaper way to a
    right answer. Without them, name the two models to decide between, such as ``kimi-k2-5`` and
    ``kimi-k2-5-thinking``: `difference_usd` is what thinking costs more, and `needed_ratio` how
    many times as often it must succeed to be worth that.

    Costs are those of a request of mean size at mean shares, at the prices of the first day of the
    first month: ``max_tokens`` and the context window cut nothing off, as both would move with the
    axes. A success rate is that of the model all over the map, however much it reasons.
    """
    workload = only_workload(workload, "A map is drawn")
    shares = _grid("output_share", output_share, 1.0)
    multipliers = _grid("reasoning_multiplier", reasoning_multiplier, np.inf)
    _, specs, projection = basis(workload, models, projection, scenario)
    able, unable = able_models(workload, specs, projection)
    notes = [f"Prices are those of {periods_of(projection.months[:1])[0].first}."]
    specs = able if models is None else specs
    said = "is left out" if models is None else "does not qualify"
    notes += [f"{one.model} {said}: {'; '.join(one.reasons)}." for one in unable]
    rates: dict[str, Fraction] = {}
    if evaluations is not None or success_rates is not None:
        rates, missing = known_rates(
            workload.name, specs, evaluations, success_rates, projection.catalog
        )
        notes += [f"{one.model} is left out: {'; '.join(one.reasons)}." for one in missing]
        specs = tuple(spec for spec in specs if spec.id in rates)
        notes.append("The success rate of a model is taken to be the same all over the map.")
        if calls_of_task(workload)[0] != 1:
            notes.append(
                "The cost of a success is that of one request, for the success rate of a whole "
                "conversation; times its turns it is that of a conversation."
            )
    if len(specs) < 2:
        left = ", ".join(spec.id for spec in specs) or "none"
        raise ScenarioError(
            f"A map compares two models or more; {left} is left for workload "
            f"{shown(workload.name)}. {' '.join(notes[1:])} Name the models to compare."
        )
    if workload.cached_share is not None:
        notes += cached_price_notes(specs)
    prompt, answer, thought = _mean_tokens(workload)
    tokens = prompt + answer
    return BreakEvenMap(
        workload=workload.name,
        models=tuple(spec.id for spec in specs),
        output_shares=shares,
        reasoning_multipliers=multipliers,
        tokens=tokens,
        cost_usd=np.stack(
            [_costs(workload, spec, projection, tokens, shares, multipliers) for spec in specs]
        ),
        success_rates=np.array([float(rates[spec.id]) for spec in specs]) if rates else None,
        here=(answer / tokens, None if thought is None or not answer else thought / answer),
        projection=projection,
        notes=tuple(notes),
    )


def _grid(name: str, values: ArrayLike, most: float) -> Array:
    try:
        grid = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ScenarioError(f"{name} is {shown(values)}. Give a list of numbers.") from None
    if (
        grid.ndim != 1
        or not 1 <= len(grid) <= MOST_POINTS
        or not np.isfinite(grid).all()
        or grid.min() < 0
        or grid.max() > most
        or (np.diff(grid) <= 0).any()
    ):
        bound = "from 0 to 1" if most == 1 else "from 0"
        raise ScenarioError(
            f"{name} is {shown(values)}. Give 1 to {MOST_POINTS:,} rising numbers {bound}."
        )
    return grid


def _mean_scenarios(workload: Workload) -> Scenarios:
    return Scenarios(
        {name: np.full(1, one.mean) for name, one in scenario_quantities(workload).items()}
    )


def _mean_tokens(workload: Workload) -> tuple[float, float, float | None]:
    """Return mean prompt, visible and reasoning tokens of a request that nothing cuts off.

    Raises
    ------
    ScenarioError
        If there are no tokens at all.
    """
    factors = _mean_scenarios(workload).factors
    tokens = expected_tokens(replace(workload, max_tokens=None), True, factors)
    prompt, thought = (float(one.mean()) for one in (tokens.prompt, tokens.reasoning))
    answer = float((tokens.completion - tokens.reasoning).mean())
    if not prompt + answer:
        raise ScenarioError(f"Requests of workload {shown(workload.name)} have no tokens to share.")
    return prompt, answer, None if workload.reasoning_tokens is None else thought


def _costs(
    workload: Workload,
    spec: ModelSpec,
    projection: Projection,
    tokens: float,
    shares: Array,
    multipliers: Array,
) -> Array:
    """Return the cost of a request, shape (rows, columns)."""
    scenarios = _mean_scenarios(workload)
    visible = tokens * shares[:, None]
    completion = visible * (1 + (multipliers if spec.reasons else np.zeros_like(multipliers)))
    call = first_prices(workload, spec, projection).call_usd(
        tokens - visible + np.zeros_like(completion),
        scenarios.value("cached_share"),
        completion,
        scenarios,
    )
    return call + float(fees_usd(projection.catalog, workload))
