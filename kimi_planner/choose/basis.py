"""What a choice rests on: workloads, models and a projection, and which models can serve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from kimi_planner.calls.fit import ContextFit, context_fit
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.given import projection_given
from kimi_planner.choose.reasons import reasons_against
from kimi_planner.choose.requirements import Requirements
from kimi_planner.errors import ScenarioError
from kimi_planner.money import exact_decimal
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import chosen_workloads
from kimi_planner.workload.turns import turn_means

__all__ = ["able_models", "basis", "calls_of_task", "only_workload"]


def basis(
    workloads: Workload | Iterable[Workload],
    models: str | Sequence[str] | None,
    projection: Projection | None,
    scenario: dict[str, Any],
) -> tuple[tuple[Workload, ...], tuple[ModelSpec, ...], Projection]:
    """Return the workloads, the models asked for, and the projection they are in.

    Without a projection, one month is projected if the scenario names no other number.

    Raises
    ------
    ScenarioError
        If a given projection lacks a workload or a model, or stands beside a scenario of its own.
    """
    chosen = chosen_workloads(workloads)
    plan = projection_given(chosen, projection, scenario, models=models, months=1)
    if projection is None or models is None:
        return chosen, plan.specs, plan
    named = (models,) if isinstance(models, str) else models
    if not named:
        raise ScenarioError("No models. Name at least one, or leave models out for all.")
    for name in named:
        plan.of(name, chosen[0].name)  # refuses one that it does not hold
    held = {spec.id: spec for spec in plan.specs}
    return chosen, tuple(held[name] for name in dict.fromkeys(named)), plan


def only_workload(workloads: Workload | Iterable[Workload], what: str) -> Workload:
    """Return the one workload that is asked about.

    Raises
    ------
    ScenarioError
        If there is not exactly one.
    """
    chosen = chosen_workloads(workloads)
    if len(chosen) != 1:
        raise ScenarioError(f"{len(chosen)} workloads. {what} for one.")
    return chosen[0]


def able_models(
    workload: Workload,
    specs: Sequence[ModelSpec],
    projection: Projection,
    fit: ContextFit | None = None,
) -> tuple[tuple[ModelSpec, ...], tuple[Exclusion, ...]]:
    """Return the models that can serve a workload, and the others with every reason.

    The rules are those of :func:`recommend` but for the budget: capabilities, context window, and
    models that are gone.
    """
    ids = [spec.id for spec in specs]
    fit = fit or context_fit(workload, ids, seed=projection.seed, catalog=projection.catalog)
    unbounded = replace(workload, budget_usd_per_month=None)
    able, excluded = [], []
    for spec in specs:
        reasons = reasons_against(unbounded, spec, Requirements(), projection, fit)
        if reasons:
            excluded.append(Exclusion(workload=workload.name, model=spec.id, reasons=reasons))
        else:
            able.append(spec)
    return tuple(able), tuple(excluded)


def calls_of_task(workload: Workload) -> tuple[Fraction, Fraction]:
    """Return the expected calls of a task on a model, and the share of them that is sent again.

    A task is one request, or a whole conversation where the workload has turns.
    """
    load = workload.resolve()
    turns, retries = load.sizes.turns, load.traffic.retries
    calls = turns.as_number(Fraction) if turns.is_certain else turn_means(turns)[0]
    return Fraction(exact_decimal(calls)) if isinstance(calls, float) else calls, retries.as_number(
        Fraction
    )
