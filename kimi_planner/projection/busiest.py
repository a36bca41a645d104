"""The busiest day of each month: which day it is, and how many calls it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np

from kimi_planner.projection.calendar import Month
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.quantity import Array

__all__ = ["busiest_day_calls"]

#: From a quantity and the name of its stream to its values by scenario, shape (n_paths,) or (1,).
Draw = Callable[[Quantity, str], Array]


def busiest_day_calls(workload: Workload, months: Sequence[Month], draw: Draw) -> Array:
    """Return the expected calls of the busiest day of each month.

    Parameters
    ----------
    workload : Workload
        What may happen. Days of the week, events, the first and last day and retries count where
        the workload states them.
    months : sequence of Month
        The months of the plan.
    draw : callable
        Draws a quantity over scenarios, from the stream of a name.

    Returns
    -------
    ndarray, shape (n_months, n_paths) or (n_months, 1)
        Calls a day; 0 in a month without a day of traffic.
    """

    def drawn(key: str, otherwise: float) -> Array:
        quantity = workload.quantity(key)
        return draw(quantity, key) if quantity is not None else np.full(1, otherwise)

    level, growth = drawn("requests_per_day", 0.0), drawn("growth_per_month", 0.0)
    retried = 1 + drawn("retry_share", 0.0)
    events = [_Event(event, draw) for event in workload.dated_events]
    weights = _weekday_weights(workload)
    since = workload.starts_on
    grows_from = Month(since.year, since.month) if isinstance(since, date) else months[0]
    calls = []
    for month in months:
        elapsed = max(0, 12 * (month.year - grows_from.year) + month.month - grows_from.month)
        usual = level * (1 + growth) ** elapsed
        kinds = {
            (weights[day.weekday()], tuple(event for event in events if event.covers(day)))
            for day in _days(workload, month)
        }
        calls.append(
            np.maximum.reduce(
                np.broadcast_arrays(
                    usual * 0, *(_calls(usual * weight, on) * retried for weight, on in kinds)
                )
            )
        )
    return np.stack(np.broadcast_arrays(*calls))


class _Event:
    """One event with its effect in each scenario."""

    def __init__(self, event: Any, draw: Draw) -> None:
        self.first, self.last = event.first, event.last
        self.factor = self.extra = None
        if event.factor is not None:
            self.factor = draw(event.factor, f"events.{event.name}")
        if event.extra_requests is not None:
            days = (event.last - event.first).days + 1
            self.extra = draw(event.extra_requests, f"events.{event.name}") / days

    def covers(self, day: date) -> bool:
        return bool(self.first <= day <= self.last)


def _calls(usual: Array, events: Sequence[_Event]) -> Array:
    """Return the calls of a day on which these events are."""
    for event in events:
        if event.factor is not None:
            usual = usual * event.factor
    return usual + sum((event.extra for event in events if event.extra is not None), np.zeros(1))


def _weekday_weights(workload: Workload) -> list[float]:
    """Return the calls of each weekday from Monday, those of a mean day being 1."""
    profile = workload.weekday_profile
    if profile is None:
        return [1.0] * 7
    weights = [float(weight) for weight in profile]
    return [weight * 7 / sum(weights) for weight in weights]


def _days(workload: Workload, month: Month) -> list[date]:
    """Return the days of a month on which the workload runs."""
    days = (date(month.year, month.month, number + 1) for number in range(month.days))
    return [day for day in days if workload.first_day <= day <= workload.last_day]
