"""What a portfolio is asked for: workloads, requirements, worth and limits, checked and priced once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.limits import Tier
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.basis import calls_of_task
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.evaluations.rates import check_evaluations, check_models
from kimi_planner.choose.given import (
    check_result,
    fit_given,
    known_tier,
    peaks_of,
    positive,
    projection_given,
)
from kimi_planner.choose.portfolios.problem import Option, Problem
from kimi_planner.choose.reasons import reasons_against
from kimi_planner.choose.requirements import Requirements
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import chosen_workloads
from kimi_planner.workload.quantity import Array

__all__ = ["Question", "ask", "check_time_limit", "exact_budget"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A portfolio's question but for the budget.

    Attributes
    ----------
    problem
        The options that qualify and are not beaten by another; ``None`` if a workload has none.
    quality
        From (workload name, model id) to its success rate.
    exclusions
        Models that do not qualify for a workload, with every reason.
    allow_split
        Whether a workload may use shares of several models.
    traffic, tier
        Peaks and the tier whose limits hold, if any.
    """

    workloads: tuple[Workload, ...]
    projection: Projection
    fit: ContextFit
    requirements: Requirements
    percentile: float
    problem: Problem | None
    quality: Mapping[tuple[str, str], float]
    source: str
    exclusions: tuple[Exclusion, ...]
    allow_split: bool
    traffic: Throughput | None
    tier: Tier | None

    @property
    def names(self) -> tuple[str, ...]:
        """Workload names, in the order of the call."""
        return tuple(workload.name for workload in self.workloads)

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies."""
        able = {name for name, _ in self.quality}
        return tuple(name for name in self.names if name not in able)

    def requests(self, workload: str, model: str) -> float:
        """Return the expected requests of an average month, retries included."""
        return float(self.projection.spend[workload, model].requests.mean())

    def tasks(self, workload: str, model: str) -> float:
        """Return the expected tasks of an average month: requests without retries, or conversations."""
        asked = next(one for one in self.workloads if one.name == workload)
        return self.requests(workload, model) / _sent_for_a_task(asked)


def exact_budget(budget: object) -> Decimal:
    """Return a budget as an exact decimal, which must be above 0."""
    return positive("budget_usd_per_month", budget)


def check_time_limit(seconds: object) -> None:
    """Raise ScenarioError unless it is a number of seconds above 0, or none."""
    if seconds is None:
        return
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not seconds > 0:  # type: ignore[operator]  # a number by now
        raise ScenarioError(f"time_limit is {shown(seconds)}. Give seconds above 0.")


def ask(
    workloads: Workload | Iterable[Workload],
    *,
    percentile: float,
    requirements: Requirements | None,
    evaluations: Evaluations,
    allow_split: bool,
    tier: int | None,
    traffic: Throughput | None,
    projection: Projection | None,
    fit: ContextFit | None,
    scenario: Mapping[str, Any],
) -> Question:
    """Check what is asked, project the workloads, and find the options of each; see `portfolio`."""
    chosen = chosen_workloads(workloads)
    requirements = Requirements() if requirements is None else requirements
    _check(percentile, requirements)
    check_evaluations(evaluations)
    check_result("fit", fit, ContextFit, "context_fit")
    check_result("traffic", traffic, Throughput, "throughput")
    projection = projection_given(chosen, projection, scenario)
    check_models(evaluations, projection.catalog)
    fit = fit_given(chosen, projection, fit)
    if tier is not None and traffic is None:
        traffic = peaks_of(chosen, projection)
    found = None if tier is None or traffic is None else known_tier(traffic.limits, tier)
    quality: dict[tuple[str, str], float] = {}
    exclusions = []
    for workload in chosen:
        for spec in projection.specs:
            reasons = list(reasons_against(workload, spec, requirements, projection, fit))
            trials = evaluations.of(workload.name, spec.id)
            if trials is None:
                reasons.append(f"it was not tried on this workload in {evaluations.source}")
            if reasons:
                one = Exclusion(workload=workload.name, model=spec.id, reasons=tuple(reasons))
                exclusions.append(one)
            elif trials is not None:
                quality[workload.name, spec.id] = float(trials.mean)
    sent = {workload.name: _sent_for_a_task(workload) for workload in chosen}
    options = tuple(
        tuple(
            _option(
                workload,
                spec,
                quality[workload.name, spec.id] / sent[workload.name],
                projection,
                traffic,
                found,
            )
            for spec in projection.specs
            if (workload.name, spec.id) in quality
        )
        for workload in chosen
    )
    return Question(
        workloads=chosen,
        projection=projection,
        fit=fit,
        requirements=requirements,
        percentile=percentile,
        problem=Problem(options, percentile / 100).reduced() if all(options) else None,
        quality=quality,
        source=evaluations.source,
        exclusions=tuple(exclusions),
        allow_split=allow_split,
        traffic=None if found is None else traffic,
        tier=found,
    )


def _check(percentile: object, requirements: object) -> None:
    if (
        isinstance(percentile, bool)
        or not isinstance(percentile, int | float)
        or not 0 <= percentile <= 100
    ):
        raise ScenarioError(f"percentile is {shown(percentile)}. It must lie between 0 and 100.")
    if not isinstance(requirements, Requirements):
        raise ScenarioError(f"requirements is {shown(requirements)}. Give Requirements(…).")


def _option(
    workload: Workload,
    spec: ModelSpec,
    worth: float,
    projection: Projection,
    traffic: Throughput | None,
    tier: Tier | None,
) -> Option:
    """Return a model as an option; ``worth`` is that of a request that is sent."""
    spend = projection.spend[workload.name, spec.id]
    return Option(
        model=spec.id,
        value=float(spend.requests.mean()) * worth,
        spend=spend,
        load=np.zeros(0)
        if tier is None or traffic is None
        else _load(workload, spec, traffic, tier),
    )


def _sent_for_a_task(workload: Workload) -> float:
    """Return the expected requests of a task, retries included."""
    calls, again = calls_of_task(workload)
    return float(calls * (1 + again))


def _load(workload: Workload, spec: ModelSpec, traffic: Throughput, tier: Tier) -> Array:
    """Return the peak of each month and limit as a share of what the tier allows."""
    peaks = traffic.of(spec.id, workload.name).peak
    shares = [
        peak / tier.allowed(limit)
        for limit, peak in peaks.items()
        if tier.allowed(limit) != float("inf")
    ]
    return np.concatenate(shares) if shares else np.zeros(0)
