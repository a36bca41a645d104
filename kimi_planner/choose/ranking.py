"""Choosing a model for each workload: those that qualify, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kimi_planner.calls.fit import ContextFit
from kimi_planner.choose.basis import rules_given
from kimi_planner.choose.choice import Choice, Exclusion
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import peaks_of
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.requirements import Requirements
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import chosen_workloads

__all__ = ["recommend"]

SPENDS = ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month")


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
    rules = rules_given(chosen, requirements, evaluations, projection, fit, scenario)
    if rules.requirements.tier is not None:
        rules = replace(rules, throughput=peaks_of(chosen, rules.projection))
    summary = rules.projection.summary().set_index(["workload", "model"]).to_dict("index")
    choices: list[Choice] = []
    exclusions: list[Exclusion] = []
    for workload in chosen:
        able, ruled_out = rules.sort_out(workload, rules.projection.specs)
        exclusions += ruled_out
        spends = {spec.id: summary[workload.name, spec.id] for spec in able}
        choices += _ranking(workload.name, spends, rules.fit)
    return Recommendation(
        choices=tuple(choices),
        exclusions=tuple(exclusions),
        requirements=rules.requirements,
        projection=rules.projection,
        fit=rules.fit,
        throughput=rules.throughput,
        evaluations=evaluations,
    )


def _ranking(
    workload: str, spends: Mapping[str, Mapping[Any, float]], fit: ContextFit
) -> list[Choice]:
    p50 = {model: spend["p50_usd_per_month"] for model, spend in spends.items()}
    ranked = sorted(p50, key=p50.__getitem__)
    return [
        Choice(
            workload=workload,
            rank=rank,
            model=model,
            **{name: spends[model][name] for name in SPENDS},
            fit_share=fit.share(workload, model),
            more_than_best_usd=p50[model] - p50[ranked[0]],
            less_than_next_usd=p50[ranked[rank]] - p50[model] if rank < len(ranked) else None,
        )
        for rank, model in enumerate(ranked, 1)
    ]
