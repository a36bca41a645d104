"""The busiest day of each month: how many calls it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import DayKind, day_kinds, months_of_growth, periods_of
from kimi_planner.plan.draws import Draws
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Load

__all__ = ["busiest_day_calls"]


def busiest_day_calls(load: Load, months: Sequence[Month], draws: Draws) -> Array:
    """Return the expected calls of the busiest day of each month.

    Parameters
    ----------
    load : Load
        Whose calls. Days of the week, events, the first and last day and retries count.
    months : sequence of Month
        The months of the plan.
    draws : Draws
        What was drawn for it.

    Returns
    -------
    ndarray, shape (n_months, n_paths) or (n_months, 1)
        Calls a day; 0 in a month without a day of traffic.
    """
    periods = periods_of(months)
    traffic = load.traffic.from_day(periods[0].first)
    growth = 1 + draws["growth_per_month"]
    sent = 1 + draws["retry_share"]
    level = draws[traffic.unit] * sent

    def calls(kind: DayKind, usual: Array) -> Array:
        for name in kind.factors:
            usual = usual * draws[f"events.{name}"]
        for name, days in kind.extra:
            usual = usual + draws[f"events.{name}"] * sent / days
        return usual

    found = []
    for period in periods:
        usual = level * growth ** months_of_growth(traffic, period, periods[0])
        usual = usual * float(traffic.of_a_day(period.first))
        kinds = [calls(kind, usual * float(kind.weight)) for kind in day_kinds(traffic, period)]
        found.append(np.maximum.reduce(np.broadcast_arrays(np.atleast_1d(usual * 0), *kinds)))
    return np.stack(np.broadcast_arrays(*found))
