"""What one task costs: a request, or a whole conversation where the workload has turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.token_use import token_use
from kimi_planner.errors import ScenarioError
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import Array

__all__ = ["TaskCost", "task_cost"]


@dataclass(frozen=True, kw_only=True)
class TaskCost:
    """Expected cost of a task over the months of a plan, repeated calls and fees included.

    Attributes
    ----------
    usd
        Expected spend / expected tasks.
    by_path : ndarray, shape (n_paths,) or (1,), USD
        The same on each path.
    exact_usd
        The exact quotient where nothing is uncertain.
    """

    usd: float
    by_path: Array
    exact_usd: Fraction | None = None


def task_cost(
    workload: Workload, spec: ModelSpec, projection: Projection, *, reasoning: float = 1.0
) -> TaskCost:
    """Return what a task of a workload costs on a model, over the paths of a projection.

    Parameters
    ----------
    workload, spec, projection
        What is sent, to which model, and the plan whose months, seed and paths count.
    reasoning : float
        Factor on the workload's reasoning tokens.

    Raises
    ------
    ScenarioError
        If the workload has no traffic in these months.

    Notes
    -----
    Where `token_use` tells that the model needs more or fewer tokens than are stated, the cost is
    multiplied by that factor, which differs from path to path.
    """
    # a model that is tried costs what it does, not what it would if it met what is needed
    workload = replace(workload, needs=())
    if reasoning != 1:
        [workload] = what_if(workload, reasoning=reasoning)
    bill = projection.plan_of(workload).on(spec)
    load = bill.plan.load
    turns: Any = load.sizes.turns.as_number(Fraction) if bill.is_exact else bill.turns
    tasks: Any = bill.requests.sum(axis=0) / turns
    spend: Any = bill.expected_usd().sum(axis=0)
    if not np.max(tasks) > 0:
        raise ScenarioError(
            f"{workload.name} has no traffic from {projection.months[0]} to {projection.months[-1]}, "
            "so that a task has no cost. Plan other months, or leave it out."
        )
    use = token_use(workload, spec)
    if bill.is_exact and use is None:
        exact = spend / tasks
        return TaskCost(usd=float(exact), by_path=np.array([float(exact)]), exact_usd=exact)
    tasks, spend = np.atleast_1d(np.asarray(tasks, float)), np.asarray(spend, float)
    if use is not None:
        rng = stream(projection.seed, workload.name, spec.id, "token use")
        spend = spend * use.draws(projection.n_paths, rng)
    tasks, spend = np.broadcast_arrays(tasks, np.atleast_1d(spend))
    some = tasks > 0  # paths without traffic have no cost of a task
    by_path = np.resize(spend[some] / tasks[some], spend.shape)
    return TaskCost(usd=float(spend.mean() / tasks.mean()), by_path=_short(by_path))


def _short(values: Array) -> Array:
    """Return one value where all paths agree but for rounding."""
    low, high = float(values.min()), float(values.max())
    return np.array([float(values.mean())]) if high - low <= 1e-12 * high else values
