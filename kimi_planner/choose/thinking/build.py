"""When the thinking model pays: break-even in reasoning tokens, success rate and value."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.public import PublicResults, public_results
from kimi_planner.choose.evaluations.rates import check_names, success_rates
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import per_task, projection_given
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.success.build import not_planned
from kimi_planner.choose.success.result import JUDGEMENT, source_text
from kimi_planner.choose.success.tried import TaskCost, overflow_notes, task_cost
from kimi_planner.choose.success.worth import Worth, worth_of
from kimi_planner.choose.thinking.result import ThinkingBreakEven
from kimi_planner.errors import SettingError, UnknownModelError, WorkloadError, shown
from kimi_planner.notes import note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import check_seed


@public
def thinking_pays(
    workload: Workload,
    plain_model: str,
    thinking_model: str,
    *,
    evaluations: Evaluations | None = None,
    published: PublicResults | bool = True,
    value_usd_per_success: Decimal | int | float | str | None = None,
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
    published : PublicResults or bool
        Published results, weak evidence beside the team's own; those that ship if ``True``, none if
        ``False``.
    value_usd_per_success : number, optional
        What a solved task is worth; that of the workload if not given. With it thinking pays where the
        net value of a task is higher; without it, the answer is the value from which on it is.
    projection : Projection, optional
        A projection of the same workload on both models, if it is at hand.
    seed : int
        Seed of the paths and of what the trials leave open, where no projection is given.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``n_paths``, ``catalog``.

    Returns
    -------
    ThinkingBreakEven
        The value of a solved task at which the two models are equal; with a value the multiplier of
        the workload's reasoning tokens and the success rate at which they are, and the probability that
        thinking pays.

    Raises
    ------
    SettingError
        If a model reasons that should not or the other way round, or a value or a setting is out of
        its bounds.
    EvaluationError
        If the evaluations are not of this workload, and a name is nearly that of it.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    With expected success ``p`` and cost of a task ``c`` the two are equal at a value of ``(c_thinking -
    c_plain) / (p_thinking - p_plain) - failure``; at a value ``V`` at a cost of ``c_plain + (V +
    failure) (p_thinking - p_plain)``. Where all numbers are plain, ``c_thinking`` is a straight line in
    the reasoning tokens up to ``max_tokens`` and the window, and the multiplier is an exact fraction;
    otherwise it is found on the expected cost. Success is held whatever the reasoning.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> pays = thinking_pays(coding, "kimi-k2-5", "kimi-k2-5-thinking", evaluations=results, **settings)
    >>> len(pays.sentences())
    2
    """
    if not isinstance(workload, Workload):
        raise SettingError(f"workload is {shown(workload)}. Give one Workload.")
    if "models" in settings:
        raise SettingError("models are plain_model and thinking_model here. Leave models out.")
    models = [plain_model, thinking_model]
    check_seed(seed)
    plan = projection_given([workload], projection, settings, models=models, seed=seed)
    plain, thinking = (_spec(plan, model) for model in models)
    if plain.reasons or not thinking.reasons:
        wrong, state = (plain, "states") if plain.reasons else (thinking, "does not state")
        raise SettingError(
            f"Catalog {plan.catalog.version} {state} that {wrong.id} has 'reasoning'. Give a plain_model "
            "without it and a thinking_model with it."
        )
    if value_usd_per_success is not None:
        value = per_task("value_usd_per_success", value_usd_per_success, or_nothing=False)
        workload = replace(workload, value_usd_per_success=value)
    objective = Objective.of(workload)
    notes = [] if evaluations is None else [*check_names(evaluations, plan)]
    notes += not_planned(evaluations, plan)
    notes += overflow_notes(workload, (plain, thinking))
    rates = success_rates(workload.name, list(plan.catalog), evaluations, public_results(published))
    worth = worth_of(workload, rates, plan, objective)
    tried = {one.spec.id: one for one in worth.tried}
    before, after = (
        tried[spec.id].task
        if spec.id in tried
        else task_cost(workload, spec, plan, reasoning=factor)
        for spec, factor in ((plain, 0), (thinking, 1))  # the plain one is asked not to reason
    )
    costs = [
        float(worth.points[spec.id][1]) if spec.id in tried else cost.usd
        for spec, cost in ((plain, before), (thinking, after))
    ]
    line = ReasoningCost(workload, thinking, plan, after)
    curve = pd.DataFrame({"multiplier": MULTIPLIERS, "cost_per_task_usd": line.curve()})
    gain = (curve["cost_per_task_usd"] - before.usd) / (float(objective.stake_usd) or math.nan)
    curve["success_gain_needed"], curve["switching_usd"] = gain, math.nan
    found: dict[str, Any] = {}
    if len(tried) < 2:
        notes.append(note("not_both_evaluated", workloads=workload.name, judgement=JUDGEMENT))
    else:
        first, second = worth.points[plain.id], worth.points[thinking.id]
        found = _break_even(worth, line, [plain.id, thinking.id])
        if second[0] > first[0]:
            better = float(second[0] - first[0])
            extra = curve["cost_per_task_usd"] - before.usd
            curve["switching_usd"] = extra / better - float(objective.failure_usd)
    plain_rate, thinking_rate = rates[plain.id].mean, rates[thinking.id].mean
    if objective.is_stated and plain_rate is not None:
        needed = (after.usd - before.usd) / float(objective.stake_usd)
        found["rate_needed"] = plain_rate + needed
    return ThinkingBreakEven(
        currency=plan.currency,
        workload=workload.name,
        plain_model=plain.id,
        thinking_model=thinking.id,
        plain_usd_per_task=costs[0],
        thinking_usd_per_task=costs[1],
        plain_rate=plain_rate,
        thinking_rate=thinking_rate,
        objective=objective,
        curve=curve,
        provenance=f"{source_text(evaluations)} {plan.provenance}",
        notes=tuple(notes),
        **found,
    )


def _break_even(worth: Worth, line: ReasoningCost, models: list[str]) -> dict[str, Any]:
    """Return where two models whose success is known are equal: fields of the result."""
    objective, points = worth.objective, [worth.points[model] for model in models]
    low, high = worth.switching_interval(*models)
    found: dict[str, Any] = {
        "hull": worth.hull(models),
        "switching_low_usd": low,
        "switching_high_usd": high,
    }
    if not objective.is_stated:
        return found
    stake = objective.stake_usd
    target = points[0][1] + stake * (points[1][0] - points[0][0])
    multiplier, why = line.reach(target)
    order = [list(worth.points).index(model) for model in models]
    rates, costs = (drawn[order] for drawn in worth.drawn)
    gains = np.quantile(rates[1] - rates[0], [0.05, 0.95])
    usd = float(points[0][1]) + float(stake) * gains
    nets = objective.net_usd(rates, costs)
    return found | {
        "multiplier": multiplier,
        "multiplier_reason": why,
        "multiplier_low": line.bound(float(usd[0])),
        "multiplier_high": line.bound(float(usd[1])),
        "chance": float(np.mean(nets[1] > nets[0])),
    }


def _spec(plan: Projection, model: str) -> ModelSpec:
    plan.catalog.model(model)  # refuses an unknown one
    for spec in plan.specs:
        if spec.id == model:
            return spec
    raise UnknownModelError(
        f"The projection has no model {shown(model)}. It has {', '.join(plan.models)}."
    )


#: Factors on the reasoning tokens at which a curve is told.
MULTIPLIERS = tuple(k / 4 for k in range(17))
_FIRST_STEP, _MOST = 0.25, 256.0
_CURVE_PATHS = 500
_LITTLE = 2.0**-10  # so much of the reasoning is not cut, and fits


@dataclass(frozen=True)
class ReasoningCost:
    """Expected cost of a task on a model that reasons, by the factor on its reasoning tokens.

    Attributes
    ----------
    workload, spec, plan
        What is sent, to which model, and the projection whose paths count.
    today
        The cost at a factor of 1.
    known
        The costs that were worked out, by factor.
    """

    workload: Workload
    spec: ModelSpec
    plan: Projection
    today: TaskCost
    known: dict[float, TaskCost] = field(default_factory=dict)

    @cached_property
    def is_given(self) -> bool:
        """Whether the workload states reasoning tokens."""
        reasoning = self.workload.given("reasoning_tokens")
        return reasoning is not None and reasoning.mean > 0

    @cached_property
    def _few(self) -> Projection:
        """Fewer paths: a curve needs many costs, each a mean over them, scaled to today's."""
        return replace(self.plan, n_paths=min(self.plan.n_paths, _CURVE_PATHS))

    def _cost(self, multiplier: float) -> TaskCost:
        if multiplier not in self.known:
            few = task_cost(self.workload, self.spec, self._few, reasoning=multiplier)
            self.known[multiplier] = few
        return self.known[multiplier]

    def at(self, multiplier: float) -> float:
        """Return the expected cost of a task, USD."""
        if multiplier == 1:
            return self.today.usd
        few = float(self._cost(1.0).by_path.mean())
        scale = self.today.usd / few if few else 1.0
        return float(self._cost(multiplier).by_path.mean()) * scale

    def curve(self) -> list[float]:
        """Return the cost at the multipliers of the curve; today's everywhere without reasoning."""
        return [self.at(k) if self.is_given else self.today.usd for k in MULTIPLIERS]

    def reach(self, target: Fraction | float | None) -> tuple[Fraction | float | None, str]:
        """Return the multiplier at which a task costs the target; else ``None`` and why not."""
        if not self.is_given:
            return None, "the workload states no reasoning tokens"
        if target is None:
            return None, "it needs a value of a solved task and the success of both models"
        found = self._on_line(target) if isinstance(target, Fraction) else None
        return self._search(float(target)) if found is None else (found, "")

    def bound(self, target: float) -> float | None:
        """Return the same as an end of an interval: 0 and infinity where there is none."""
        if not self.is_given:
            return None
        found = self._search(target)[0]
        if found is None:
            return 0.0 if self.at(0.0) > target else math.inf
        return found

    def _on_line(self, target: Fraction) -> Fraction | None:
        """Return the exact multiplier, where the cost is a straight line from no reasoning to it."""
        start, little = self._cost(0.0).exact_usd, self._cost(_LITTLE).exact_usd
        if start is None or little is None or little <= start:
            return None
        found = (target - start) / (little - start) * Fraction(_LITTLE)
        with suppress(WorkloadError):  # more tokens than a workload may have
            if found >= 0 and math.isclose(self.at(float(found)), target):
                return found
        return None

    def _search(self, target: float) -> tuple[float | None, str]:
        if self.at(0.0) > target:
            return None, "it is dearer even without any reasoning"
        low, high = 0.0, _FIRST_STEP
        while self.at(high) < target:
            low, high = high, 2 * high
            if high > _MOST:
                return None, "it is cheaper at any amount of reasoning that its limits let through"

        from scipy.optimize import brentq

        def gap(multiplier: float) -> float:
            return self.at(multiplier) - target

        return float(brentq(gap, low, high, xtol=1e-7, rtol=1e-7)), ""
