"""What a solved task costs on each model: the cost of a task and what is known of success together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.rates import check_confidence
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.evaluations.token_use import token_notes
from kimi_planner.choose.given import projection_given
from kimi_planner.choose.ranking import recommend
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.success.result import JUDGEMENT, SuccessCost, SuccessCosts
from kimi_planner.choose.success.tried import MIDPOINTS, task_cost
from kimi_planner.choose.success.worth import Worth
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.workload.inputs import Workloads, check_seed, chosen_workloads


@public
def cost_per_success(
    workloads: Workloads,
    evaluations: Evaluations | None = None,
    *,
    published: PublicResults | bool = True,
    projection: Projection | None = None,
    confidence: float = 0.9,
    seed: int = 0,
    **settings: Any,
) -> SuccessCosts:
    """Tell what a solved task costs on each model, and what that is worth.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent. A task is a request, or a whole conversation where the workload has turns.
    evaluations : Evaluations, optional
        What :func:`read_evaluations` returns.
    published : PublicResults or bool
        Published results, weak evidence beside the team's own; those that ship if ``True``, none if
        ``False``. Of a model of which neither tells anything only its ratings are listed: a judgement,
        not a measurement.
    projection : Projection, optional
        A projection of the same workloads, if it is at hand.
    confidence : float
        Of the intervals, above 0 and below 1.
    seed : int
        Seed of the paths and of what the trials leave open, where no projection is given.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    SuccessCosts
        For each workload and model the success rate and the cost per success with their intervals; with
        a value of a success the net value of a task and the probability that it is the best, and the
        value from which on it is. The choice is that of :func:`recommend`.

    Raises
    ------
    SettingError
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
    of price. The success rate is Beta(s + ½, n - s + ½), where published results do not stand for the ½. An interval holds both, from one tail to
    the other. Models that were tried on the same items are compared item by item.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> costs = cost_per_success(coding, results, **settings)
    >>> costs.best
    {'coding-assistant': 'kimi-k2-5-thinking'}
    """
    asked = chosen_workloads(workloads)
    check_seed(seed)
    plan = projection_given(asked, projection, settings, seed=seed)
    check_confidence(confidence)
    choice = recommend(asked, projection=plan, evaluations=evaluations, published=published)
    notes = [*choice.unused, *not_planned(evaluations, plan)]
    rows: list[SuccessCost] = []
    for aim in choice.aims.values():
        name = aim.workload.name
        if not aim.tasks:
            task_cost(aim.workload, plan.specs[0], plan)  # refuses it, in words
        rows += _rows(aim, choice, confidence)
        tried = [one for one in aim.worth.tried if one.trials]
        if not tried:
            notes.append(note("not_evaluated", workloads=name, judgement=JUDGEMENT))
            continue
        missing = [spec.id for spec in plan.specs if spec.id not in {one.spec.id for one in tried}]
        notes += noted("not_tried", workloads=name, models=missing)
        by_item = [one.spec.id for one in tried if one.item_usd]
        if 0 < len(by_item) < len(tried):
            notes.append(note("cost_by_item", workloads=name, models=by_item))
        notes += [said for one in tried for said in one.notes()]
        notes += token_notes(aim.workload, [one.spec for one in tried if not one.item_usd])
    return SuccessCosts(
        rows=tuple(rows),
        choice=choice,
        confidence=float(confidence),
        source=evaluations.source if evaluations is not None else None,
        projection=plan,
        notes=tuple(dict.fromkeys(notes)),
    )


def not_planned(evaluations: Evaluations | None, plan: Projection) -> Iterator[Note]:
    """Yield which models were tried on workloads of a plan, and are not in it."""
    trials = () if evaluations is None else evaluations.trials
    for model in dict.fromkeys(model for name, model in trials if name in plan.names):
        if model not in plan.models:
            yield note("not_planned", models=model)


def _rows(aim: Aim, choice: Recommendation, confidence: float) -> Iterator[SuccessCost]:
    """Yield the rows of a workload: the ranking, then the models that do not qualify."""
    ranks = {one.model: one.rank for one in choice.ranking(aim.workload.name)}
    models = [*ranks, *(spec.id for spec in aim.projection.specs if spec.id not in ranks)]
    specs = {spec.id: spec for spec in aim.projection.specs}
    known = _known(aim.worth, ranks, aim.by_value, confidence) if aim.worth.tried else {}
    for model in models:
        depth, speed = specs[model].reasoning_depth, specs[model].speed
        yield SuccessCost(
            workload=aim.workload.name,
            model=model,
            rank=ranks.get(model),
            cost_per_task_usd=float(aim.cost_usd(model)),
            reasoning_depth=depth.rating if depth else None,
            speed=speed.rating if speed else None,
            **known.get(model, {"basis": "judged"}),
        )


def _known(
    worth: Worth, able: Iterable[str], by_value: bool, confidence: float
) -> dict[str, dict[str, Any]]:
    """Return what is known of models by their success: the fields of their rows."""
    rates, costs = worth.drawn
    per_success = worth.intervals(costs / rates, confidence)
    net = worth.intervals(worth.objective.net_usd(rates, costs), confidence)
    best_from = dict(worth.hull(able))
    rows = {}
    for one in worth.tried:
        model, trials = one.spec.id, one.trials
        low, high = per_success[model]
        ends = one.rate.interval(confidence) or (math.nan, math.nan)
        if trials is not None and trials.successes == trials.trials and not one.item_usd:
            tail = (1 - confidence) / 2  # of a task that never fails
            low = min(low, float(np.quantile(one.task.by_path, tail, method=MIDPOINTS)))
        rows[model] = {
            "basis": "published" if trials is None else "measured",
            "cost_basis": "measured" if one.item_usd else "projected",
            "successes": trials and trials.successes,
            "trials": trials and trials.trials,
            "success_rate": one.success,
            "expected_success": float(one.point[0]),
            "success_rate_low": ends[0],
            "success_rate_high": ends[1],
            "cost_per_success_usd": one.task.usd / one.success if one.success else math.nan,
            "cost_per_success_low_usd": low,
            "cost_per_success_high_usd": high if one.success else math.inf,
            "best_from_usd": float(best_from.get(model, math.nan)),
        }
        if by_value:
            rows[model] |= {
                "net_usd_per_task": float(worth.net_usd[model]),
                "net_low_usd": net[model][0],
                "net_high_usd": net[model][1],
                "chance_best": worth.chance_best[model],
            }
    return rows
