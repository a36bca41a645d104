"""Routing by a score: which tasks go to the strong model, before the cheap one is asked or after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.choose.basis import basis_of_one
from kimi_planner.choose.evaluations.rates import check_confidence, check_names, success_rates
from kimi_planner.choose.evaluations.read import Evaluations, Trials
from kimi_planner.choose.evaluations.token_use import token_notes
from kimi_planner.choose.given import per_task
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.routing.curve import RoutingCurve, Rule
from kimi_planner.choose.success.tried import Tried
from kimi_planner.errors import EvaluationError, SettingError
from kimi_planner.notes import note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

LEAST_ITEMS = 20
_SHARES = np.arange(1, 13) / 13  # of tasks below a threshold


@public
def routing_curve(
    workload: Workload,
    cheap: str,
    strong: str,
    evaluations: Evaluations,
    *,
    before_usd: Decimal | int | float | str = 0,
    after_usd: Decimal | int | float | str = 0,
    projection: Projection | None = None,
    confidence: float = 0.9,
    **settings: Any,
) -> RoutingCurve:
    """Tell what it costs and brings to send on the tasks whose score is below a threshold.

    The score is what a team has: a classifier of the task, ``score_before``; a judge, a test or the
    model's own confidence in its answer, ``score_after``; or both, one after the other. Tasks with a
    low ``score_before`` go to the strong model at once; answers with a low ``score_after`` are
    thrown away and asked of the strong model.

    Parameters
    ----------
    workload : Workload
        What is sent; its value of a solved task decides which threshold is best.
    cheap, strong : str
        Model ids.
    evaluations : Evaluations
        Items that both models were tried on, with scores on those of the cheap one.
    before_usd, after_usd : number, USD
        What it costs to work out the score of a task, and of an answer.
    projection : Projection, optional
        A projection of the same workload on both models, if it is at hand.
    confidence : float
        Of the intervals, above 0 and below 1.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``seed``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    RoutingCurve
        Every threshold with cost and success, the best ones by the value of a solved task, and what
        the best brings on items that it was not chosen by.

    Raises
    ------
    EvaluationError
        If the models share fewer than 20 items, or the cheap one has no scores.
    SettingError
        If a setting is out of its bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    An item costs what it used or was billed, where that is given of all, else what a task is planned
    to cost. Success under a rule is counted item by item, so that dependence between the models'
    failures is in it; its interval is Jeffreys'. A threshold looks better than it is on the items that
    it was chosen by: what it brings is told by a choice on half of them, on the other half, with
    intervals by Student's t.

    Examples
    --------
    >>> import pandas as pd
    >>> items = [(model, n, n % 4 > 0 or model == "kimi-k2-5", n % 4) for n in range(40)
    ...          for model in ("kimi-k2", "kimi-k2-5")]
    >>> frame = pd.DataFrame(items, columns=["model", "item", "success", "score_after"])
    >>> from kimi_planner.choose import read_evaluations
    >>> chat = Workload(name="chat", requests_per_day=9, prompt_tokens=900, completion_tokens=244,
    ...                 value_usd_per_success="0.05")
    >>> tried = read_evaluations(frame.assign(workload="chat"))
    >>> routing_curve(chat, "kimi-k2", "kimi-k2-5", tried, months=1).best.rule
    Rule(before=None, after=1.0, strong_alone=False)
    """
    check_confidence(confidence)
    costs = [
        float(per_task(name, value))
        for name, value in (("before_usd", before_usd), ("after_usd", after_usd))
    ]
    workload, specs, plan = basis_of_one(workload, [cheap, strong], projection, settings)
    if len(specs) < 2:
        raise SettingError(f"cheap and strong are both {cheap}. Name two models.")
    unused = check_names(evaluations, plan)
    trials = [_trials(evaluations, workload, spec.id) for spec in specs]
    items = [name for name in trials[0].items if name in trials[1].items]
    if len(items) < LEAST_ITEMS:
        raise EvaluationError(
            f"{cheap} and {strong} share {len(items)} items of {workload.name}. Give at least "
            f"{LEAST_ITEMS}, named alike.",
            at=evaluations.source,
        )
    known = [trials[0].of_items(name) for name in ("score_before", "score_after")]
    scores = [np.array([one[item] for item in items]) if one else None for one in known]
    if all(score is None for score in scores):
        raise EvaluationError(
            f"no scores of {cheap} on {workload.name}. Give score_before or score_after, for every item.",
            at=evaluations.source,
        )
    rates = success_rates(workload.name, specs, evaluations)
    tried = [Tried(workload, spec, rates[spec.id], plan) for spec in specs]
    solved = [np.array([one.items[name].success for name in items]) for one in trials]
    usd_of = [
        np.array([one.item_usd[name] for name in items])
        if one.item_usd
        else np.full(len(items), one.task.usd)
        for one in tried
    ]
    rules = tuple(rules_of(scores))
    solved_by, item_usd, kept = outcomes_of(rules, scores, solved, usd_of, costs)
    return RoutingCurve(
        workload=workload.name,
        cheap=cheap,
        strong=strong,
        objective=Objective.of(workload),
        confidence=float(confidence),
        rules=rules,
        solved=solved_by,
        item_usd=item_usd,
        kept=kept,
        projection=plan,
        notes=(
            note("routed_items", items=len(items), source=evaluations.source),
            *unused,
            *token_notes(workload, [one.spec for one in tried if not one.item_usd]),
        ),
    )


def _trials(evaluations: Evaluations, workload: Workload, model: str) -> Trials:
    trials = evaluations.of(workload.name, model)
    if trials is None or not trials.items:
        raise EvaluationError(
            f"no items of {workload.name} on {model}. Give a row for each task.",
            at=evaluations.source,
        )
    return trials


def rules_of(scores: Sequence[Array | None]) -> Iterator[Rule]:
    """Yield the models alone, then every two thresholds, evenly spread over what the scores are."""
    yield Rule()
    yield Rule(strong_alone=True)
    grids: list[list[float | None]] = []
    for score in scores:
        known: list[float] = []
        if score is not None:
            found = np.quantile(score, _SHARES, method="higher")
            known = np.unique(found[found > score.min()]).tolist()
        grids.append([None, *known])
    for before, after in product(*grids):
        if (before, after) != (None, None):
            yield Rule(before, after)


def outcomes_of(
    rules: Sequence[Rule],
    scores: Sequence[Array | None],
    solved: Sequence[Array],
    usd_of: Sequence[Array],
    score_usd: Sequence[float],
) -> tuple[Array, Array, Array]:
    """Return which items are solved under each rule, what each costs, and the share that is kept."""
    asked = np.array([[not rule.strong_alone] for rule in rules])
    looked, passed = _passed([rule.before for rule in rules], scores[0])
    asked = asked & passed
    cost = score_usd[0] * looked + usd_of[0] * asked
    looked, passed = _passed([rule.after for rule in rules], scores[1])
    kept = asked & passed
    cost = cost + score_usd[1] * (looked & asked) + usd_of[1] * ~kept
    return np.where(kept, *solved), cost, kept.mean(axis=1)


def _passed(least: Sequence[float | None], score: Array | None) -> tuple[Any, Any]:
    """Return which rules look at a score, and which items pass each; all pass where none is looked at."""
    looked = np.array([[one is not None] for one in least])
    if score is None:
        return looked, ~looked
    return looked, score >= np.array([[-np.inf if one is None else one] for one in least])
