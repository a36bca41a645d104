"""Where one model becomes worth more than another: a map over output share and reasoning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kimi_planner.catalog import ModelSpec
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.pricing.call import cached_price_notes
from kimi_planner.projection import Projection
from kimi_planner.projection.beyond_tokens import fees_usd
from kimi_planner.projection.calls import expected_tokens
from kimi_planner.projection.scenarios import Scenarios, scenario_quantities
from kimi_planner.projection.traffic import periods_of
from kimi_planner.selection.basis import able_models, basis, calls_of_task, only_workload
from kimi_planner.selection.breakdown import first_prices
from kimi_planner.selection.evaluations import Evaluations
from kimi_planner.selection.success import Rate, known_rates
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["BreakEvenMap", "break_even_map"]

OUTPUT_SHARES = tuple(round(0.05 * step, 2) for step in range(1, 20))
REASONING_MULTIPLIERS = tuple(0.5 * step for step in range(21))
MOST_POINTS = 2_000  # on one side


@dataclass(frozen=True, kw_only=True)
class BreakEvenMap:
    """Cost of a request of each model over output share and reasoning.

    Attributes
    ----------
    workload
        Name of the workload.
    models
        Model ids; the first axis of the arrays.
    output_shares : ndarray, shape (rows,)
        Share of the visible answer in prompt and visible answer together.
    reasoning_multipliers : ndarray, shape (columns,)
        Reasoning tokens for each visible one, on models that reason.
    tokens : float
        Prompt and visible answer together, the same all over the map.
    cost_usd : ndarray, shape (models, rows, columns), USD
        Expected cost of one request.
    success_rates : ndarray, shape (models,), or None
        Success rate of each model, the same all over the map.
    here : tuple of float and (float or None)
        Where the workload itself lies: output share, and reasoning for each visible token, ``None``
        if it does not say.
    projection
        What prices rest on.
    notes
        What was assumed, in words.
    """

    workload: str
    models: tuple[str, ...]
    output_shares: Array
    reasoning_multipliers: Array
    tokens: float
    cost_usd: Array
    success_rates: Array | None
    here: tuple[float, float | None]
    projection: Projection
    notes: tuple[str, ...] = ()

    @property
    def provenance(self) -> str:
        """What the map rests on, in one line."""
        return self.projection.provenance

    @property
    def value_usd(self) -> Array:
        """Cost of a success where success rates are known, else of a request; as ``cost_usd``."""
        if self.success_rates is None:
            return self.cost_usd
        rates = self.success_rates[:, None, None]
        return _quotient(self.cost_usd, rates, np.inf)

    @property
    def cheapest(self) -> NDArray[np.intp]:
        """Place in ``models`` of the one with the least value, shape (rows, columns)."""
        return np.asarray(self.value_usd.argmin(axis=0))

    @property
    def gap_usd(self) -> Array:
        """How much more the runner-up costs than the cheapest, shape (rows, columns), USD."""
        first, second = np.partition(self.value_usd, 1, axis=0)[:2]
        return np.asarray(second - first)

    @property
    def gap_relative(self) -> Array:
        """The gap as a share of the cheapest, NaN where that costs nothing."""
        least = self.value_usd.min(axis=0)
        return _quotient(self.gap_usd, least, np.nan)

    def difference_usd(self, model: str, other: str) -> Array:
        """Return how much more a model costs than another, below 0 where it costs less, USD.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        value = self.value_usd
        return np.asarray(value[self._place(model)] - value[self._place(other)])

    def needed_ratio(self, model: str, other: str) -> Array:
        """Return how many times as often a model must succeed to cost the same for each success.

        It is the ratio of the costs of a request: success rates of the map play no part. NaN where
        the other costs nothing.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        mine, others = self.cost_usd[self._place(model)], self.cost_usd[self._place(other)]
        return _quotient(mine, others, np.nan)

    def break_even_multiplier(self, model: str, other: str) -> Array:
        """Return the reasoning at which two models have the same value, shape (rows,).

        It may lie outside of the map; NaN where no reasoning of at least 0 makes them equal, or any
        does.

        Raises
        ------
        ScenarioError
            If the map lacks one of them.
        """
        first, last = self.reasoning_multipliers[[0, -1]]
        difference = self.difference_usd(model, other)
        rise = (difference[:, -1] - difference[:, 0]) / (last - first if last > first else np.nan)
        ends = np.abs(self.value_usd[[self._place(model), self._place(other)]]).max(axis=(0, 2))
        flat = ~(np.abs(rise) > 1e-12 * ends)  # rounding alone
        found = first - difference[:, 0] / np.where(flat, np.nan, rise)
        return np.where(found >= 0, found, np.nan)

    def _place(self, model: str) -> int:
        if model not in self.models:
            raise ScenarioError(
                f"The map has no model {shown(model)}. It has {', '.join(self.models)}."
            )
        return self.models.index(model)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per model, output share and multiplier.

        Columns: ``model``, ``output_share``, ``reasoning_multiplier``, ``cost_usd``, and
        ``cost_per_success_usd``, NaN without success rates.
        """
        index = pd.MultiIndex.from_product(
            [self.models, self.output_shares, self.reasoning_multipliers],
            names=["model", "output_share", "reasoning_multiplier"],
        )
        unknown = self.success_rates is None
        frame = pd.DataFrame(
            {
                "cost_usd": self.cost_usd.ravel(),
                "cost_per_success_usd": np.nan if unknown else self.value_usd.ravel(),
            },
            index=index,
        )
        return frame.reset_index()

    def __repr__(self) -> str:
        rows, columns = self.cost_usd.shape[1:]
        basis_of = "cost of a request" if self.success_rates is None else "cost of a success"
        return (
            f"<BreakEvenMap of {self.workload}, {basis_of}, {rows} x {columns}: "
            f"{', '.join(self.models)}. {self.provenance}>"
        )


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


def _quotient(above: Array, below: Array, without: float) -> Array:
    """Return the quotient, or ``without`` where there is nothing to divide by."""
    found: Array = np.divide(above, below, out=np.full_like(above, without), where=below > 0)
    return found


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
