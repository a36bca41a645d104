"""How many requests each part of a month has: weekdays, first and last day, events and growth.

A month is cut where prices change. The parts of a month are its periods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from kimi_planner.plan.calendar import Month
from kimi_planner.plan.scenarios import Scenarios
from kimi_planner.workload import Constant, Workload
from kimi_planner.workload.quantity import Array

__all__ = [
    "DayKind",
    "Period",
    "day_kinds",
    "exact_requests",
    "expected_requests",
    "months_of_growth",
    "periods_of",
]


@dataclass(frozen=True)
class Period:
    """Days of one month between which no price changes.

    Attributes
    ----------
    place
        Place of the month in the plan, from 0.
    month
        The month.
    first, last
        First and last day, both included.
    """

    place: int
    month: Month
    first: date
    last: date


class DayKind(NamedTuple):
    """What days of a workload can have in common.

    Attributes
    ----------
    weight
        Traffic of the weekday; 1 for an average one.
    factors, extra
        The events that multiply the day; those that add calls to it, with their numbers of days.
    """

    weight: Fraction
    factors: tuple[str, ...]
    extra: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Days:
    """What the calendar makes of a period, before growth.

    Attributes
    ----------
    weights
        From the events that multiply a day to the sum of the weights of such days; a day of an
        average weekday weighs 1.
    extra
        From the event to the share of its extra requests that falls into the period.
    """

    weights: dict[tuple[str, ...], Fraction]
    extra: dict[str, Fraction]


def periods_of(months: Sequence[Month], cuts: Iterable[date] = ()) -> tuple[Period, ...]:
    """Return the periods of a plan: its months, cut before each of the days given."""
    periods = []
    days = sorted(set(cuts))
    for place, month in enumerate(months):
        first = date(month.year, month.month, 1)
        last = first + timedelta(days=month.days - 1)
        for cut in days:
            if first < cut <= last:
                periods.append(Period(place, month, first, cut - timedelta(days=1)))
                first = cut
        periods.append(Period(place, month, first, last))
    return tuple(periods)


def expected_requests(
    workload: Workload, periods: Sequence[Period], scenarios: Scenarios
) -> list[Array]:
    """Return the requests of each period by scenario, expected given the scenario.

    Returns
    -------
    list of ndarray, shape (n_paths,) or (1,)
        In the order of the periods; retries not counted.
    """
    level = scenarios.value("requests_per_day")
    growth = 1 + scenarios.value("growth_per_month")
    grown: dict[int, Array] = {}
    found = []
    for period in periods:
        days = _days_of(workload, period)
        steps = months_of_growth(workload, period, periods[0])
        if steps not in grown:
            before = grown.get(steps - 1)
            grown[steps] = level * growth**steps if before is None else before * growth
        weight: Array = np.zeros(1)
        for names, sum_of_days in days.weights.items():
            product = np.full(1, float(sum_of_days))
            for name in names:
                product = product * scenarios.value(f"events.{name}")
            weight = weight + product
        requests = grown[steps] * weight
        for name, share in days.extra.items():
            requests = requests + scenarios.value(f"events.{name}") * float(share)
        found.append(requests)
    return found


def exact_requests(workload: Workload, periods: Sequence[Period]) -> list[Fraction]:
    """Return the requests of each period for plain numbers, exactly; retries not counted.

    An uncertain number counts with its mean, as a decimal.
    """

    def number(value: object) -> Fraction:
        if isinstance(value, Constant):
            return Fraction(value.value)
        mean = getattr(value, "mean", 0.0)
        return Fraction(Decimal(repr(float(mean))))

    events = {
        event.name: number(event.factor or event.extra_requests) for event in workload.dated_events
    }
    level, growth = number(workload.requests_per_day), 1 + number(workload.growth_per_month)
    found = []
    for period in periods:
        days = _days_of(workload, period)
        weight = Fraction(0)
        for names, sum_of_days in days.weights.items():
            product = sum_of_days
            for name in names:
                product *= events[name]
            weight += product
        steps = months_of_growth(workload, period, periods[0])
        extra = sum((events[name] * share for name, share in days.extra.items()), Fraction(0))
        found.append(level * growth**steps * weight + extra)
    return found


def months_of_growth(workload: Workload, period: Period, first: Period) -> int:
    """Return the months from that of ``starts_on``, or else of the plan, to that of a period."""
    begins = workload.first_day if workload.starts_on is not None else first.first
    months = 12 * (period.month.year - begins.year) + period.month.month - begins.month
    return max(0, months)


def day_kinds(workload: Workload, period: Period) -> Counter[DayKind]:
    """Return how many days with traffic of each kind a period has."""
    first, last = max(period.first, workload.first_day), min(period.last, workload.last_day)
    near = [one for one in workload.dated_events if one.first <= last and first <= one.last]
    if not near and not workload.weekday_profile:
        count = last.toordinal() - first.toordinal() + 1
        return Counter({DayKind(Fraction(1), (), ()): count} if count > 0 else {})
    profile = [Fraction(Decimal(one)) for one in workload.weekday_profile or (1,) * 7]
    week = sum(profile, Fraction(0))
    weights = [7 * share / week for share in profile]
    days: Counter[tuple[int, tuple[str, ...], tuple[tuple[str, int], ...]]] = Counter()
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        events = [one for one in near if one.first <= day <= one.last]
        factors = tuple(event.name for event in events if event.factor is not None)
        extra = tuple((event.name, event.days) for event in events if event.factor is None)
        days[day.weekday(), factors, extra] += 1
    kinds: Counter[DayKind] = Counter()
    for (weekday, factors, extra), count in days.items():
        kinds[DayKind(weights[weekday], factors, extra)] += count
    return kinds


def _days_of(workload: Workload, period: Period) -> Days:
    weights: dict[tuple[str, ...], Fraction] = {}
    extra: dict[str, Fraction] = {}
    for kind, count in day_kinds(workload, period).items():
        weights[kind.factors] = weights.get(kind.factors, Fraction(0)) + count * kind.weight
        for name, days in kind.extra:
            extra[name] = extra.get(name, Fraction(0)) + Fraction(count, days)
    return Days(weights, extra)
