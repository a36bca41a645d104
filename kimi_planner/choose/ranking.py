"""Choosing a model for each workload: those that qualify, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.load import load_limits
from kimi_planner.choose.choice import Choice, Exclusion
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.evaluations.rates import check_evaluations, check_models
from kimi_planner.choose.given import (
    check_result,
    fit_given,
    known_tier,
    peaks_of,
    projection_given,
)
from kimi_planner.choose.reasons import reasons_against
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.requirements import Requirements
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import chosen_workloads

__all__ = ["recommend"]


def recommend(
    workloads: Workload | Iterable[Workload],
    requirements: Requirements | None = None,
    *,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    evaluations: Evaluations | None = None,
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
    evaluations : Evaluations, optional
        The team's own evaluations, which a least success rate is held against.
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
        stands beside a scenario of its own; if there is no such tier, or a least success rate
        without evaluations.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, one of evaluations included, or states no price for it.

    Notes
    -----
    A capability that the catalog does not state is unknown, and unknown is not yes. The same holds
    for a rating, and for a model that was not tried.
    """
    chosen = chosen_workloads(workloads)
    requirements = Requirements() if requirements is None else requirements
    if not isinstance(requirements, Requirements):
        raise ScenarioError(f"requirements is {shown(requirements)}. Give Requirements(…).")
    if evaluations is not None:
        check_evaluations(evaluations)
    elif requirements.min_success_rate is not None:
        raise ScenarioError("min_success_rate needs evaluations. Give them, or leave it out.")
    check_result("fit", fit, ContextFit, "context_fit")
    if requirements.tier is not None:
        known_tier(load_limits(None), requirements.tier)
    projection = projection_given(chosen, projection, scenario)
    if evaluations is not None:
        check_models(evaluations, projection.catalog)
    fit = fit_given(chosen, projection, fit)
    peaks = None if requirements.tier is None else peaks_of(chosen, projection)
    summary = projection.summary().set_index(["workload", "model"]).to_dict("index")
    choices: list[Choice] = []
    exclusions: list[Exclusion] = []
    for workload in chosen:
        spends: dict[str, Mapping[Any, Any]] = {}
        for spec in projection.specs:
            reasons = reasons_against(
                workload, spec, requirements, projection, fit,
                evaluations=evaluations, throughput=peaks,
            )  # fmt: skip
            if reasons:
                exclusions.append(Exclusion(workload=workload.name, model=spec.id, reasons=reasons))
            else:
                spends[spec.id] = summary[workload.name, spec.id]
        choices += _ranking(workload.name, spends, fit)
    return Recommendation(
        choices=tuple(choices),
        exclusions=tuple(exclusions),
        requirements=requirements,
        projection=projection,
        fit=fit,
        throughput=peaks,
        evaluations=evaluations,
    )


def _ranking(
    workload: str, spends: Mapping[str, Mapping[Any, Any]], fit: ContextFit
) -> list[Choice]:
    p50 = {model: float(spend["p50_usd_per_month"]) for model, spend in spends.items()}
    ranked = sorted(p50, key=p50.__getitem__)
    return [
        Choice(
            workload=workload,
            rank=rank,
            model=model,
            p10_usd_per_month=float(spends[model]["p10_usd_per_month"]),
            p50_usd_per_month=p50[model],
            p90_usd_per_month=float(spends[model]["p90_usd_per_month"]),
            fit_share=fit.share(workload, model),
            more_than_best_usd=p50[model] - p50[ranked[0]],
            less_than_next_usd=p50[ranked[rank]] - p50[model] if rank < len(ranked) else None,
        )
        for rank, model in enumerate(ranked, 1)
    ]
