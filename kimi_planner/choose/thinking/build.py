"""When the thinking model pays: break-even in reasoning tokens, success rate and value."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.read import Evaluations, Trials
from kimi_planner.choose.given import positive, projection_given
from kimi_planner.choose.success.build import check_evaluations
from kimi_planner.choose.success.posterior import dependence, influence, success_rates, together
from kimi_planner.choose.success.result import JUDGEMENT, source_text
from kimi_planner.choose.success.task_cost import TaskCost, task_cost
from kimi_planner.choose.success.tried import overflow_notes
from kimi_planner.choose.thinking.reasoning import MULTIPLIERS, ReasoningCost
from kimi_planner.choose.thinking.result import ThinkingBreakEven
from kimi_planner.errors import ScenarioError, UnknownModelError, shown
from kimi_planner.notes import note
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import check_seed
from kimi_planner.workload.quantity import Array

__all__ = ["thinking_pays"]


@public
def thinking_pays(
    workload: Workload,
    plain_model: str,
    thinking_model: str,
    *,
    evaluations: Evaluations | None = None,
    value_per_success_usd: Decimal | int | float | str | None = None,
    projection: Projection | None = None,
    seed: int = 0,
    **settings: Any,
) -> ThinkingBreakEven:
    """Tell when a model that reasons is worth its price on a workload.

    Parameters
    ----------
    workload : Workload
        What is sent. A task is a request, or a whole conversation where it has turns.
    plain_model, thinking_model : str
        Model ids; the catalog must state the capability ``reasoning`` of the second, and must not of
        the first.
    evaluations : Evaluations, optional
        Success rates, as :func:`read_evaluations` returns them. Without those of both models the
        answer is the gain in success that thinking would need.
    value_per_success_usd : number, optional
        What a solved task is worth. With it, thinking pays where ``value x success rate - cost`` of a
        task is higher; without it, where the cost per success is lower.
    projection : Projection, optional
        A projection of the same workload on both models, if it is at hand.
    seed : int
        Seed of the paths and of what the trials leave open.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``n_paths``, ``catalog``.

    Returns
    -------
    ThinkingBreakEven
        The multiplier of the workload's reasoning tokens, and the success rate, at which the two
        models are equal; and the probability that thinking pays.

    Raises
    ------
    ScenarioError
        If a model reasons that should not or the other way round, or a value or a setting is out of
        its bounds.
    EvaluationError
        If the evaluations are not of this workload, and a name is nearly that of it.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    With success rates ``p`` and costs of a task ``c``, thinking breaks even per success at
    ``c_thinking = c_plain p_thinking / p_plain``, and by value ``V`` at ``c_thinking = c_plain + V
    (p_thinking - p_plain)``. Where all numbers are plain, ``c_thinking`` is a straight line in the
    reasoning tokens up to ``max_tokens`` and the window, and the multiplier is an exact fraction;
    otherwise it is found on the expected cost. Rates are as measured, ``successes / trials``, and
    held whatever the reasoning. The cost of a task is always the projected one; tokens given with
    items are not used.
    """
    if not isinstance(workload, Workload):
        raise ScenarioError(f"workload is {shown(workload)}. Give one Workload.")
    if "models" in settings:
        raise ScenarioError("models are plain_model and thinking_model here. Leave models out.")
    models = [plain_model, thinking_model]
    check_seed(seed)
    plan = projection_given([workload], projection, settings, models=models, seed=seed)
    plain, thinking = (_spec(plan, model) for model in models)
    if plain.reasons or not thinking.reasons:
        wrong, state = (plain, "states") if plain.reasons else (thinking, "does not state")
        raise ScenarioError(
            f"Catalog {plan.catalog.version} {state} that {wrong.id} has 'reasoning'. Give a plain_model "
            "without it and a thinking_model with it."
        )
    value = None
    if value_per_success_usd is not None:
        value = positive("value_per_success_usd", value_per_success_usd)
    notes = check_evaluations(evaluations, [workload], plan) if evaluations is not None else []
    tried = [evaluations.of(workload.name, model) if evaluations else None for model in models]
    # the plain model is asked not to reason, whatever the catalog leaves open
    costs = [task_cost(workload, plain, plan, reasoning=0), task_cost(workload, thinking, plan)]
    plain_usd, thinking_usd = (cost.usd for cost in costs)
    rates = [None if one is None else Fraction(one.successes, one.trials) for one in tried]
    plain_rate, thinking_rate = (None if rate is None else float(rate) for rate in rates)
    if None in rates:
        notes.append(note("not_both_evaluated", workloads=workload.name, judgement=JUDGEMENT))
    notes += overflow_notes(workload, (plain, thinking))
    line = ReasoningCost(workload, thinking, plan, costs[1])
    multiplier, why = line.reach(_target(costs[0], rates, value))
    low = high = chance = None
    if tried[0] is not None and tried[1] is not None:
        drawn = _drawn_rates(workload, [tried[0], tried[1]], plan, seed)
        chance, ends = _chance(costs, drawn, value)
        low, high = (line.bound(end) for end in ends)
    curve = pd.DataFrame({"multiplier": MULTIPLIERS, "cost_per_task_usd": line.curve()})
    if value is None:
        curve["success_ratio_needed"] = curve["cost_per_task_usd"] / plain_usd
    curve["success_gain_needed"] = _gain_needed(
        curve["cost_per_task_usd"], plain_usd, plain_rate, value
    )
    needed = None
    if plain_rate is not None and (plain_usd or value is not None):
        needed = plain_rate + _gain_needed(thinking_usd, plain_usd, plain_rate, value)
    return ThinkingBreakEven(
        workload=workload.name,
        plain_model=plain.id,
        thinking_model=thinking.id,
        plain_usd_per_task=plain_usd,
        thinking_usd_per_task=thinking_usd,
        plain_rate=plain_rate,
        thinking_rate=thinking_rate,
        value_per_success_usd=value,
        multiplier=multiplier,
        multiplier_low=low,
        multiplier_high=high,
        multiplier_reason=why,
        rate_needed=needed,
        chance=chance,
        curve=curve,
        provenance=f"{source_text(evaluations.source if evaluations else None)} {plan.provenance}",
        notes=tuple(notes),
    )


def _spec(plan: Projection, model: str) -> ModelSpec:
    plan.catalog.model(model)  # refuses an unknown one
    for spec in plan.specs:
        if spec.id == model:
            return spec
    raise UnknownModelError(
        f"The projection has no model {shown(model)}. It has {', '.join(plan.models)}."
    )


def _allowed(usd: Any, before: Any, after: Any, value: Any) -> Any:
    """Return the cost of a task on the thinking model at which the two are equal."""
    return usd * (after / before) if value is None else usd + value * (after - before)


def _gain_needed(cost: Any, plain_usd: float, plain_rate: float | None, value: Any) -> Any:
    """Return how much higher a rate the cost of thinking needs; it may lead to one above 1."""
    if value is not None:
        return (cost - plain_usd) / float(value)
    return (np.nan if plain_rate is None else plain_rate) * (cost / plain_usd - 1)


def _target(
    plain: TaskCost, rates: list[Fraction | None], value: Decimal | None
) -> Fraction | float | None:
    """Return the cost of a task on the thinking model at the rates as measured, if it is known."""
    before, after = rates
    if before is None or after is None or (value is None and not before):
        return None
    usd = plain.usd if plain.exact_usd is None else plain.exact_usd  # a fraction stays one
    target: Fraction | float = _allowed(usd, before, after, value and Fraction(value))
    return target


def _drawn_rates(workload: Workload, tried: list[Trials], plan: Projection, seed: int) -> Array:
    """Return equally likely success rates of both models, shape (2, n_paths)."""
    rates = [success_rates(one, plan.n_paths) for one in tried]
    correlation = dependence([influence(one) for one in tried])
    return together(rates, correlation, stream(seed, workload.name, "trials"))


def _chance(
    costs: list[TaskCost], drawn: Array, value: Decimal | None
) -> tuple[float, list[float]]:
    """Return the probability that thinking pays, and the 90% interval of the cost it may have."""
    before, after = (cost.by_path for cost in costs)
    allowed, expected = (
        _allowed(usd, drawn[0], drawn[1], value and float(value)) for usd in (before, costs[0].usd)
    )
    return float(np.mean(after < allowed)), np.quantile(expected, [0.05, 0.95]).tolist()
