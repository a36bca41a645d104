"""Choosing a model for each workload: what rules a model out, and how the others rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.catalog import ModelSpec
from kimi_planner.errors import ScenarioError, WorkloadError, shown
from kimi_planner.money import exact_decimal, usd
from kimi_planner.projection import ContextFit, Projection, context_fit, project
from kimi_planner.projection.inputs import chosen_workloads
from kimi_planner.workload import Workload
from kimi_planner.workload.fields import parse_field

__all__ = ["Choice", "Exclusion", "Recommendation", "Requirements", "recommend"]


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a model must meet, beyond what each workload itself says it needs.

    Attributes
    ----------
    needs
        Capabilities that the catalog must state.
    min_fit_share
        Least share of requests that must fit the context window.
    budget_usd_per_month
        Budget for each workload that has none of its own.
    budget_percentile
        Percentile of a month's spend that must stay within the budget.
    """

    needs: tuple[str, ...] = ()
    min_fit_share: float = 0.99
    budget_usd_per_month: Decimal | int | float | str | None = None
    budget_percentile: float = 50

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "needs", parse_field("needs", self.needs))
        except WorkloadError as error:
            raise ScenarioError(str(error)) from None
        for name, value, high in (
            ("min_fit_share", self.min_fit_share, 1),
            ("budget_percentile", self.budget_percentile, 100),
        ):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 <= value <= high
            ):
                raise ScenarioError(f"{name} is {shown(value)}. It must lie between 0 and {high}.")
        if self.budget_usd_per_month is not None:
            try:
                budget = exact_decimal(self.budget_usd_per_month)
            except ValueError as error:
                raise ScenarioError(f"budget_usd_per_month: {error}.") from None
            if budget <= 0:
                raise ScenarioError(f"budget_usd_per_month is {budget}. It must be above 0.")
            object.__setattr__(self, "budget_usd_per_month", budget)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One model in the ranking of a workload.

    Attributes
    ----------
    rank
        1 for the cheapest that qualifies.
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over scenarios.
    fit_share
        Share of requests that fit the context window.
    more_than_best_usd, less_than_next_usd
        Difference of the P50 to the best and to the next in the ranking.
    """

    workload: str
    rank: int
    model: str
    p10_usd_per_month: float
    p50_usd_per_month: float
    p90_usd_per_month: float
    fit_share: float
    more_than_best_usd: float
    less_than_next_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A model that does not qualify for a workload, and every reason in words."""

    workload: str
    model: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Which model each workload should use.

    Attributes
    ----------
    choices
        The ranking of each workload, best first.
    exclusions
        Models that do not qualify.
    requirements
        What was asked.
    projection, fit
        What the ranking rests on.
    """

    choices: tuple[Choice, ...]
    exclusions: tuple[Exclusion, ...]
    requirements: Requirements
    projection: Projection
    fit: ContextFit

    @property
    def best(self) -> dict[str, str]:
        """Workload name to the model ranked first; a workload without one is missing."""
        return {choice.workload: choice.model for choice in self.choices if choice.rank == 1}

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies."""
        best = self.best
        return tuple(name for name in self.names if name not in best)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the workloads, in the order of the projection, which may hold others too."""
        asked = {one.workload for one in self.choices} | {one.workload for one in self.exclusions}
        return tuple(name for name in self.projection.names if name in asked)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and qualifying model, best first."""
        return pd.DataFrame(
            [
                {name: getattr(choice, name) for name in Choice.__dataclass_fields__}
                for choice in self.choices
            ],
            columns=list(Choice.__dataclass_fields__),
        )

    def sentences(self) -> list[str]:
        """Return the choice for each workload in one sentence."""
        said = []
        for name in self.names:
            ranked = [choice for choice in self.choices if choice.workload == name]
            if not ranked:
                said.append(f"{name}: no model qualifies.")
                continue
            first = ranked[0]
            text = f"{name}: {first.model}, {usd(first.p50_usd_per_month)} USD a month at P50"
            if first.less_than_next_usd is None:
                said.append(f"{text}; no other model qualifies.")
            else:
                said.append(f"{text}, {usd(first.less_than_next_usd)} less than {ranked[1].model}.")
        return said

    def __repr__(self) -> str:
        return f"<Recommendation: {' '.join(self.sentences())}>"

    def _repr_html_(self) -> str:
        from html import escape

        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences())
        return f"<ul>{items}</ul>{self.frame.round(2).to_html(index=False, escape=True)}"


def recommend(
    workloads: Workload | Iterable[Workload],
    requirements: Requirements | None = None,
    *,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    **scenario: Any,
) -> Recommendation:
    """Choose a model for each workload.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What is to be sent.
    requirements : Requirements, optional
        What a model must meet; the workloads' own needs and budgets always count.
    projection, fit : Projection, ContextFit, optional
        Results for the same workloads, if they are at hand; otherwise they are computed.
    **scenario
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``,
        ``n_paths``, ``catalog``.

    Returns
    -------
    Recommendation
        For each workload the qualifying models by P50 spend, and the others with every reason.

    Raises
    ------
    ScenarioError
        If a scenario or a requirement is out of its bounds, or a given result lacks a workload or
        stands beside a scenario of its own.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    A capability that the catalog does not state is unknown, and unknown is not yes.
    """
    chosen = chosen_workloads(workloads)
    requirements = Requirements() if requirements is None else requirements
    if not isinstance(requirements, Requirements):
        raise ScenarioError(f"requirements is {shown(requirements)}. Give Requirements(…).")
    if projection and scenario:
        raise ScenarioError(
            f"{', '.join(scenario)} cannot change a projection that is given. Leave out one of them."
        )
    projection = projection or project(chosen, **scenario)
    fit = fit or context_fit(
        chosen, projection.models, seed=projection.seed, catalog=projection.catalog
    )
    for workload in chosen:
        projection.of(projection.models[0], workload.name)  # refuses one that it does not hold
    summary = projection.summary().set_index(["workload", "model"])
    choices: list[Choice] = []
    exclusions: list[Exclusion] = []
    for workload in chosen:
        qualified = []
        for spec in projection.specs:
            reasons = _reasons_against(workload, spec, requirements, projection, fit)
            if reasons:
                exclusions.append(Exclusion(workload=workload.name, model=spec.id, reasons=reasons))
            else:
                qualified.append(spec.id)
        choices += _ranking(workload.name, qualified, summary.to_dict("index"), fit)
    return Recommendation(
        choices=tuple(choices),
        exclusions=tuple(exclusions),
        requirements=requirements,
        projection=projection,
        fit=fit,
    )


def _reasons_against(
    workload: Workload,
    spec: ModelSpec,
    requirements: Requirements,
    projection: Projection,
    fit: ContextFit,
) -> tuple[str, ...]:
    version = projection.catalog.version
    reasons = [
        f"catalog {version} does not state that it has {word!r}"
        for word in dict.fromkeys((*workload.needs, *requirements.needs))
        if word not in spec.capabilities
    ]
    gone = spec.gone_by(projection.months[-1].last)
    if gone:
        reasons.append(gone)
    if spec.context_window_tokens is None:
        reasons.append(f"catalog {version} does not state its context window")
    else:
        share = fit.share(workload.name, spec.id)
        if share < requirements.min_fit_share:
            fits, must = (100 * exact_decimal(x) for x in (share, requirements.min_fit_share))
            places = _places(must - fits)
            reasons.append(
                f"only {fits:.{places}f}% of requests fit its window of "
                f"{spec.context_window_tokens:,} tokens; {must:.{places}f}% must"
            )
    budget = workload.budget_usd_per_month
    budget = requirements.budget_usd_per_month if budget is None else budget
    if isinstance(budget, Decimal):
        percentile = requirements.budget_percentile
        spend = projection.of(spec.id, workload.name)
        worst, amount = spend.worst_month(percentile / 100)
        if amount > budget:
            places = _places(amount - budget)
            reasons.append(
                f"P{percentile:g} spend in {projection.months[worst]} is {usd(amount, places)} USD, "
                f"{usd(amount - budget, places)} over the budget of {usd(budget, places)}"
            )
    return tuple(reasons)


def _places(difference: Decimal) -> int:
    """Return how many decimal places show that two numbers differ, at least two."""
    return max(2, -difference.adjusted())


def _ranking(
    workload: str, qualified: list[str], summary: Mapping[Any, Mapping[Any, Any]], fit: ContextFit
) -> list[Choice]:
    def p50(model: str) -> float:
        return float(summary[workload, model]["p50_usd_per_month"])

    ranked = sorted(qualified, key=p50)
    return [
        Choice(
            workload=workload,
            rank=rank,
            model=model,
            p10_usd_per_month=float(summary[workload, model]["p10_usd_per_month"]),
            p50_usd_per_month=p50(model),
            p90_usd_per_month=float(summary[workload, model]["p90_usd_per_month"]),
            fit_share=fit.share(workload, model),
            more_than_best_usd=p50(model) - p50(ranked[0]),
            less_than_next_usd=p50(ranked[rank]) - p50(model) if rank < len(ranked) else None,
        )
        for rank, model in enumerate(ranked, 1)
    ]
