"""Choosing a model for each workload: those that qualify, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kimi_planner.errors import ScenarioError, shown
from kimi_planner.projection import ContextFit, Projection, context_fit, project
from kimi_planner.projection.inputs import chosen_workloads
from kimi_planner.selection.reasons import reasons_against
from kimi_planner.selection.recommendation import Choice, Exclusion, Recommendation
from kimi_planner.selection.requirements import Requirements
from kimi_planner.workload import Workload

__all__ = ["recommend"]


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
            reasons = reasons_against(workload, spec, requirements, projection, fit)
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
