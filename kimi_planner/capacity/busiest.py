"""The busiest day of each month: how many calls it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import DayKind, day_kinds, months_of_growth, periods_of
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["busiest_day_calls"]


def busiest_day_calls(workload: Workload, months: Sequence[Month], scenarios: Scenarios) -> Array:
    """Return the expected calls of the busiest day of each month.

    Parameters
    ----------
    workload : Workload
        What may happen. Days of the week, events, the first and last day and retries count where
        the workload states them.
    months : sequence of Month
        The months of the plan.
    scenarios : Scenarios
        What was drawn for the workload.

    Returns
    -------
    ndarray, shape (n_months, n_paths) or (n_months, 1)
        Calls a day; 0 in a month without a day of traffic.
    """
    periods = periods_of(months)
    growth = 1 + scenarios.value("growth_per_month")
    level = scenarios.value("requests_per_day") * (1 + scenarios.value("retry_share"))
    sent = 1 + scenarios.value("retry_share")

    def calls(kind: DayKind, usual: Array) -> Array:
        for name in kind.factors:
            usual = usual * scenarios.value(f"events.{name}")
        for name, days in kind.extra:
            usual = usual + scenarios.value(f"events.{name}") * sent / days
        return usual

    found = []
    for period in periods:
        usual = level * growth ** months_of_growth(workload, period, periods[0])
        kinds = [calls(kind, usual * float(kind.weight)) for kind in day_kinds(workload, period)]
        found.append(np.maximum.reduce(np.broadcast_arrays(usual * 0, *kinds)))
    return np.stack(np.broadcast_arrays(*found))
