"""What a portfolio is asked for: workloads, requirements, worth and limits, checked and priced once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.limits import Tier
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.basis import rules_given
from kimi_planner.choose.choice import Exclusion, Obstacle
from kimi_planner.choose.evaluations.rates import SuccessRate, check_evaluations, success_rates
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import check_result, known_tier, peaks_of
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.portfolios.problem import Option, Problem
from kimi_planner.choose.requirements import Requirements
from kimi_planner.choose.success.build import not_planned
from kimi_planner.choose.success.worth import dependence, influence, ranks_together
from kimi_planner.errors import ScenarioError
from kimi_planner.notes import Note
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, check_between, chosen_workloads
from kimi_planner.workload.quantity import Array

__all__ = ["Question", "ask", "credited"]

DRAWS = 2000
#: A dearer model counts as better where it is so with at least this probability.
SURE = 0.8


@dataclass(frozen=True, kw_only=True)
class Question:
    """A portfolio's question but for the budget.

    Attributes
    ----------
    problem
        The options that qualify and are not beaten by another.
    aims
        From workload name to what a solved task is worth.
    quality
        From (workload name, model id) to its expected success rate.
    exclusions
        Models that do not qualify for a workload, with every reason.
    conditions
        From (workload name, model id) to that on which it qualifies, where all is not stated.
    allow_split
        Whether a workload may use shares of several models.
    traffic, tier
        Peaks and the tier whose limits hold, if any.
    unused
        What is said of evaluations that are of no workload here, as a name that is misspelled.
    """

    workloads: tuple[Workload, ...]
    projection: Projection
    fit: ContextFit
    percentile: float
    problem: Problem
    aims: Mapping[str, Objective]
    quality: Mapping[tuple[str, str], float]
    source: str
    exclusions: tuple[Exclusion, ...]
    conditions: Mapping[tuple[str, str], str]
    allow_split: bool
    traffic: Throughput | None
    tier: Tier | None
    unused: tuple[Note, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Workload names, in the order of the call."""
        return tuple(workload.name for workload in self.workloads)

    @property
    def in_usd(self) -> bool:
        """Whether worth is net USD, as the workloads say what a solved task is worth."""
        return all(aim.is_stated for aim in self.aims.values())

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies."""
        able = {name for name, _ in self.quality}
        return tuple(name for name in self.names if name not in able)


def ask(
    workloads: Workloads,
    *,
    percentile: float,
    requirements: Requirements | None,
    evaluations: Evaluations,
    allow_split: bool,
    tier: int | None = None,
    traffic: Throughput | None = None,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    **settings: Any,
) -> Question:
    """Check what is asked, project the workloads, and find the options of each; see `portfolio`."""
    chosen = chosen_workloads(workloads)
    check_between("percentile", percentile, 100)
    check_evaluations(evaluations)
    check_result("traffic", traffic, Throughput, "throughput")
    rules = rules_given(chosen, requirements, evaluations, projection, fit, settings)
    plan = rules.projection
    if tier is None:
        traffic = None
    elif traffic is None:
        traffic = peaks_of(chosen, plan)
    limits = None if traffic is None else known_tier(traffic.limits, tier)
    quality: dict[tuple[str, str], float] = {}
    exclusions: list[Exclusion] = []
    conditions: dict[tuple[str, str], str] = {}
    options: list[tuple[Option, ...]] = []
    aims = _aims_of(chosen, rules.requirements)
    for workload in chosen:
        able: dict[str, SuccessRate] = {}
        rates = success_rates(workload.name, plan.specs, evaluations)
        for spec in plan.specs:
            key = workload.name, spec.id
            obstacles = rules.against(workload, spec)
            is_tried = rates[spec.id].trials is not None
            if not is_tried and rules.requirements.min_success_rate is None:
                untried = f"it was not tried on this workload in {evaluations.source}"
                obstacles += (Obstacle("success", untried),)
            if workload.model not in (None, spec.id):
                obstacles += (Obstacle("pinned", f"the workload is pinned to {workload.model}"),)
            if not is_tried or not all(one.is_open for one in obstacles):
                exclusions.append(Exclusion.of(*key, obstacles))
                continue
            if obstacles:
                conditions[key] = " and ".join(one.words for one in obstacles)
            quality[key] = float(rates[spec.id].exact_mean)
            able[spec.id] = rates[spec.id]
        options.append(_options(workload, aims[workload.name], able, plan, traffic, limits))
    return Question(
        workloads=chosen,
        projection=plan,
        fit=rules.fit,
        percentile=percentile,
        problem=Problem(tuple(options), percentile / 100).reduced(),
        aims=aims,
        quality=quality,
        source=evaluations.source,
        exclusions=tuple(exclusions),
        conditions=conditions,
        allow_split=allow_split,
        traffic=traffic,
        tier=limits,
        unused=(*rules.unused, *not_planned(evaluations, plan)),
    )


def _options(
    workload: Workload,
    aim: Objective,
    able: Mapping[str, SuccessRate],
    plan: Projection,
    traffic: Throughput | None,
    limits: Tier | None,
) -> tuple[Option, ...]:
    """Return what a workload may use, with what counts of its worth, what it spends and takes."""
    if not able:
        return ()
    spends = [plan.spend[workload.name, model] for model in able]
    monthly = [float(spend.mean().mean()) for spend in spends]
    tasks = np.array([[float(spend.conversations.mean())] for spend in spends])
    rates = _drawn_rates(workload.name, list(able.values()), plan.seed)
    rates += np.array([[rate.mean] for rate in able.values()]) - rates.mean(axis=1)[:, None]
    worths = tasks * rates
    if aim.is_stated:
        worths = tasks * aim.net_usd(rates, 0.0) - np.array(monthly)[:, None]
    peaks = [traffic.of(model, workload.name).peak if traffic else {} for model in able]
    return tuple(
        Option(model, value, spend, _load(peak, limits), draws)
        for model, value, spend, peak, draws in zip(
            able, credited(worths, monthly), spends, peaks, worths, strict=True
        )
    )


def _load(peaks: Mapping[str, Array], tier: Tier | None) -> Array:
    """Return the peak of each month and limit as a share of what the tier allows."""
    allowed = {limit: tier.allowed(limit) for limit in peaks} if tier else {}
    shares = [peaks[limit] / most for limit, most in allowed.items() if most < np.inf]
    return np.concatenate([np.zeros(0), *shares])


def _aims_of(workloads: Sequence[Workload], requirements: Requirements) -> dict[str, Objective]:
    """Return what each workload aims at.

    Raises
    ------
    ScenarioError
        If some state what a solved task is worth and others do not: successes and USD do not add up.
    """
    aims = {one.name: Objective.of(requirements.aimed(one)) for one in workloads}
    silent = [name for name, aim in aims.items() if not aim.is_stated]
    stated = [name for name, aim in aims.items() if aim.is_stated]
    if silent and stated:
        raise ScenarioError(
            f"{', '.join(stated)} state what a solved or a failed task is worth, {', '.join(silent)} "
            "do not: USD and successes do not add up. Give value_usd_per_success to all, or to none."
        )
    return aims


def _drawn_rates(name: str, rates: Sequence[SuccessRate], seed: int) -> Array:
    """Return equally likely success rates of models that were tried, shape (n_models, DRAWS)."""
    correlation = dependence([influence(one.trials) if one.trials else {} for one in rates])
    ranks = ranks_together(correlation, DRAWS, stream(seed, name, "trials"))
    drawn = np.array([one.draws(DRAWS) for one in rates])
    return np.asarray(np.take_along_axis(drawn, ranks, axis=1))


def credited(worths: Array, spends: Sequence[float]) -> list[float]:
    """Return what counts of the worth of each model: no more than a cheaper one's, where noise may explain it.

    Parameters
    ----------
    worths : ndarray, shape (n_models, n_draws)
        Equally likely worths of a month.
    spends
        Mean spend of each.

    Examples
    --------
    >>> credited(np.array([[5.0, 5.0], [4.0, 7.0], [8.0, 9.0]]), [1, 2, 3])
    [5.0, 5.0, 8.5]
    """
    counted = worths.mean(axis=1)
    best: int | None = None
    for place in np.argsort(spends, kind="stable").tolist():
        if best is not None and counted[place] > counted[best] and spends[place] > spends[best]:
            ahead = worths[place] - worths[best]
            if float(((ahead > 0) + 0.5 * (ahead == 0)).mean()) < SURE:
                counted[place] = counted[best]
        if best is None or counted[place] > counted[best]:
            best = place
    return [float(one) for one in counted]
