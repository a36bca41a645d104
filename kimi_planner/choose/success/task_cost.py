"""What one task costs: a request, or a whole conversation where the workload has turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from kimi_planner.catalog import ModelSpec
from kimi_planner.errors import ScenarioError
from kimi_planner.plan.beyond_tokens import fees_usd
from kimi_planner.plan.bill import Bill, exact_spend, is_certain
from kimi_planner.plan.demand import exact_requests, periods_of
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import Scenarios, factor_key
from kimi_planner.workload import Constant, Workload
from kimi_planner.workload.quantity import Array

__all__ = ["TaskCost", "task_cost"]

_REASONING = factor_key("reasoning_tokens")


@dataclass(frozen=True, kw_only=True)
class TaskCost:
    """Expected cost of a task over the months of a plan, repeated calls and fees included.

    Attributes
    ----------
    usd
        Expected spend / expected tasks.
    by_scenario : ndarray, shape (n_paths,) or (1,), USD
        The same in each scenario.
    exact_usd
        The exact quotient where nothing is uncertain.
    """

    usd: float
    by_scenario: Array
    exact_usd: Fraction | None = None


def task_cost(
    workload: Workload, spec: ModelSpec, projection: Projection, *, reasoning: float = 1.0
) -> TaskCost:
    """Return what a task of a workload costs on a model, over the scenarios of a projection.

    Parameters
    ----------
    workload, spec, projection
        What is sent, to which model, and the plan whose months, seed and scenarios count.
    reasoning : float
        Factor on the workload's reasoning tokens.

    Raises
    ------
    ScenarioError
        If the workload has no traffic in these months.
    """
    fees = fees_usd(projection.catalog, workload)
    if reasoning == 1 and is_certain(workload, spec, projection.months):
        return _exact(workload, spec, projection, fees)
    scenarios = Scenarios.draw(workload, projection.seed, projection.n_paths)
    if reasoning != 1:
        drawn: Mapping[str, Array] = {
            **scenarios.drawn,
            _REASONING: reasoning * scenarios.value(_REASONING, 1.0),
        }
        scenarios = replace(scenarios, drawn=drawn)
    bill = Bill.of(workload, spec, projection.months, scenarios, fees)
    tasks: Array = sum(bill.requests, np.zeros(1)) / bill.turns
    places = range(len(projection.months))
    spend: Array = sum((bill.expected_usd(place) for place in places), np.zeros(1))
    if not tasks.max() > 0:
        raise _no_traffic(workload, projection)
    some = tasks > 0
    by_scenario = (spend / np.where(some, tasks, 1.0))[np.broadcast_to(some, spend.shape)]
    if len(by_scenario) < len(spend):  # scenarios without traffic have no cost of a task
        by_scenario = np.resize(by_scenario, spend.shape)
    return TaskCost(usd=float(spend.mean() / tasks.mean()), by_scenario=_short(by_scenario))


def _exact(workload: Workload, spec: ModelSpec, projection: Projection, fees: Decimal) -> TaskCost:
    amounts = exact_spend(workload, spec, projection.months, fees).exact_usd or ()
    requests = sum(exact_requests(workload, periods_of(projection.months)), Fraction(0))
    if not requests:
        raise _no_traffic(workload, projection)
    turns = workload.given("turns")
    calls = Fraction(turns.value) if isinstance(turns, Constant) else Fraction(1)
    exact = sum(map(Fraction, amounts), Fraction(0)) * calls / requests
    return TaskCost(usd=float(exact), by_scenario=np.array([float(exact)]), exact_usd=exact)


def _short(values: Array) -> Array:
    """Return one value where all scenarios agree but for rounding."""
    low, high = float(values.min()), float(values.max())
    return np.array([float(values.mean())]) if high - low <= 1e-12 * high else values


def _no_traffic(workload: Workload, projection: Projection) -> ScenarioError:
    return ScenarioError(
        f"{workload.name} has no traffic from {projection.months[0]} to {projection.months[-1]}, so "
        "that a task has no cost. Plan other months, or leave it out."
    )
