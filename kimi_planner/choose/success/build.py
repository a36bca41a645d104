"""What a solved task costs on each model: the cost of a task and a team's own evaluations together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.rates import check_models
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.evaluations.token_use import token_notes
from kimi_planner.choose.given import projection_given
from kimi_planner.choose.success.posterior import dependence, influence, rate_interval, together
from kimi_planner.choose.success.result import JUDGEMENT, SuccessCost, SuccessCosts
from kimi_planner.choose.success.settle import Settling, trials_to_settle
from kimi_planner.choose.success.task_cost import task_cost
from kimi_planner.choose.success.tried import MIDPOINTS, Tried
from kimi_planner.errors import EvaluationError, ScenarioError, did_you_mean, is_number, shown
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, check_seed, chosen_workloads
from kimi_planner.workload.quantity import Array

__all__ = ["check_confidence", "check_evaluations", "cost_per_success"]

#: Probability at which it counts as settled which of two models is cheaper.
TARGET = 0.95


@public
def cost_per_success(
    workloads: Workloads,
    evaluations: Evaluations | None = None,
    *,
    projection: Projection | None = None,
    confidence: float = 0.9,
    seed: int = 0,
    **settings: Any,
) -> SuccessCosts:
    """Tell what a solved task costs on each model that a team has tried.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent. A task is a request, or a whole conversation where the workload has turns.
    evaluations : Evaluations, optional
        What :func:`read_evaluations` returns. Without it, or for a workload it does not have, the
        models rank by the cost of a task and their ratings are listed: a judgement, not a
        measurement.
    projection : Projection, optional
        A projection of the same workloads, if it is at hand.
    confidence : float
        Of the intervals, above 0 and below 1.
    seed : int
        Seed of the paths and of what the trials leave open.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    SuccessCosts
        For each workload and tried model the success rate, the cost per success with its interval,
        and the probability that it is the cheapest; and how many more trials would settle it. Needs,
        budgets and windows rule no model out here; ``models`` does.

    Raises
    ------
    ScenarioError
        If a setting is out of its bounds, or a given projection lacks a workload or stands beside
        settings of its own.
    EvaluationError
        If the evaluations are of none of the workloads, and a name is nearly that of one.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    The cost of a task is expected spend / expected tasks of the projection on each path; where
    the tokens of the items are given, it is what they cost, each priced exactly, as it was
    measured: without fees, cache writes and retries, which usage does not state, and without changes
    of price. The success rate is Beta(s + ½, n - s + ½). An interval holds both, from one tail to
    the other. Models that were tried on the same items are compared item by item.
    """
    asked = chosen_workloads(workloads)
    check_seed(seed)
    plan = projection_given(asked, projection, settings, seed=seed)
    check_confidence(confidence)
    notes = check_evaluations(evaluations, asked, plan) if evaluations is not None else []
    rows: list[SuccessCost] = []
    settlings: list[Settling] = []
    for workload in asked:
        tried = [
            Tried(workload, spec, trials, plan, seed)
            for spec in plan.specs
            if evaluations and (trials := evaluations.of(workload.name, spec.id))
        ]
        if not tried:
            rows += _judged_rows(workload, plan)
            notes.append(note("not_evaluated", workloads=workload.name, judgement=JUDGEMENT))
            continue
        found, settling = _measured(tried, confidence)
        rows += found
        settlings += settling
        missing = [spec.id for spec in plan.specs if spec.id not in {one.spec.id for one in tried}]
        notes += noted("not_tried", workloads=workload.name, models=missing)
        by_item = [one.spec.id for one in tried if one.item_usd]
        if 0 < len(by_item) < len(tried):
            notes.append(note("cost_by_item", workloads=workload.name, models=by_item))
        notes += [said for one in tried for said in one.notes()]
        notes += token_notes(workload, [one.spec for one in tried if not one.item_usd])
    return SuccessCosts(
        rows=tuple(rows),
        settlings=tuple(settlings),
        confidence=float(confidence),
        source=evaluations.source if evaluations is not None else None,
        projection=plan,
        notes=tuple(dict.fromkeys(notes)),
    )


def check_confidence(confidence: object) -> None:
    """Raise ScenarioError unless it lies between 0 and 1."""
    if not is_number(confidence) or not 0 < confidence < 1:
        raise ScenarioError(f"confidence is {shown(confidence)}. It must lie between 0 and 1.")


def check_evaluations(
    evaluations: Evaluations, workloads: Iterable[Workload], plan: Projection
) -> list[Note]:
    """Refuse unknown models, and names that are all misspelled; say what is not used."""
    check_models(evaluations, plan.catalog)
    names = [workload.name for workload in workloads]
    others = [
        name for name in dict.fromkeys(key[0] for key in evaluations.trials) if name not in names
    ]
    hints = {name: did_you_mean(name, names) for name in others}
    near = next(filter(None, hints.values()), "")
    if near and all(name in others for name, _ in evaluations.trials):
        raise EvaluationError(
            f"no results for {', '.join(names)}. It has "
            f"{', '.join(others)}.{near} Correct the name, or leave the evaluations out.",
            at=evaluations.source,
        )
    alike = {hint: [name for name in others if hints[name] == hint] for hint in hints.values()}
    absent = dict.fromkeys(
        model for name, model in evaluations.trials if name in names and model not in plan.models
    )
    return [
        *(note("no_such_workload", names=some, hint=hint) for hint, some in alike.items()),
        *(note("not_planned", models=model) for model in absent),
    ]


def _measured(tried: list[Tried], confidence: float) -> tuple[list[SuccessCost], list[Settling]]:
    """Return the rows of a workload, best first, and what would settle it."""
    name = tried[0].workload.name
    tried = sorted(tried, key=lambda one: (one.usd, one.task.usd))
    correlation = dependence([influence(one.trials, one.item_usd) for one in tried])
    rng = stream(tried[0].seed, name, "trials")
    drawn = together([one.per_success for one in tried], correlation, rng)
    for row, one in enumerate(tried):
        if not one.item_usd:
            drawn[row] *= one.task.by_path
    wins = (drawn == drawn.min(axis=0)).mean(axis=1)  # of equals none is cheaper
    cheapest = wins if len(tried) > 1 else np.full(1, np.nan)
    rows = [
        _row(rank, one, drawn[rank - 1], float(cheapest[rank - 1]), confidence)
        for rank, one in enumerate(tried, 1)
    ]
    if len(tried) < 2 or not tried[0].trials.successes:
        return rows, []
    chance = float((drawn[0] < drawn[1]).mean())
    settling = Settling(
        workload=name,
        first=tried[0].spec.id,
        second=tried[1].spec.id,
        chance=chance,
        target=TARGET,
        more_trials=_more_trials(chance, tried, float(correlation[0, 1])),
    )
    return rows, [settling]


def _more_trials(chance: float, tried: list[Tried], correlation: float) -> int | None:
    """Return how many more trials would settle which of the first two is cheaper."""
    if chance >= TARGET:
        return 0
    if tried[0].usd == tried[1].usd:  # above all where both cost nothing
        return None
    more = trials_to_settle(tried[0].leader(), tried[1].leader(), correlation, TARGET)
    return None if more is None else max(more, 2)  # it is near, by another way to compute it


def _row(rank: int, one: Tried, drawn: Array, cheapest: float, confidence: float) -> SuccessCost:
    trials = one.trials
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method=MIDPOINTS).tolist()
    if trials.successes == trials.trials and not one.item_usd:
        always = float(np.quantile(one.task.by_path, tail, method=MIDPOINTS))
        low = min(low, always)  # it may never fail
    ends = rate_interval(trials, confidence)
    return SuccessCost(
        workload=one.workload.name,
        model=one.spec.id,
        basis="measured",
        rank=rank,
        cost_per_task_usd=one.task.usd,
        cost_basis="measured" if one.item_usd else "projected",
        successes=trials.successes,
        trials=trials.trials,
        success_rate=trials.rate,
        success_rate_low=ends[0],
        success_rate_high=ends[1],
        cost_per_success_usd=one.usd if trials.successes else np.nan,
        cost_per_success_low_usd=low,
        cost_per_success_high_usd=high if trials.successes else np.inf,
        chance_cheapest=cheapest,
        **_ratings(one.spec),
    )


def _judged_rows(workload: Workload, plan: Projection) -> list[SuccessCost]:
    costs = {spec.id: task_cost(workload, spec, plan).usd for spec in plan.specs}
    ordered = sorted(plan.specs, key=lambda spec: costs[spec.id])
    return [
        SuccessCost(
            workload=workload.name,
            model=spec.id,
            basis="judged",
            rank=rank,
            cost_per_task_usd=costs[spec.id],
            **_ratings(spec),
        )
        for rank, spec in enumerate(ordered, 1)
    ]


def _ratings(spec: ModelSpec) -> dict[str, Any]:
    return {
        "reasoning_depth": spec.reasoning_depth and spec.reasoning_depth.rating,
        "speed": spec.speed and spec.speed.rating,
    }
