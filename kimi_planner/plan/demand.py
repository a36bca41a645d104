"""How many requests each part of a month has: weekdays, first and last day, events and growth.

A month is cut where prices change. The parts of a month are its periods.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from kimi_planner.plan.calendar import Month
from kimi_planner.plan.draws import Draws, Number
from kimi_planner.workload.resolve import Load, Traffic


@dataclass(frozen=True)
class Period:
    """Days of one month between which no price changes.

    Attributes
    ----------
    first, last
        First and last day, both included.
    """

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


def periods_of(months: Sequence[Month], cuts: Iterable[date] = ()) -> tuple[Period, ...]:
    """Return the periods of a plan: its months, cut before each of the days given."""
    begin, end = months[0].first, months[-1].last
    days = {month.first for month in months} | {cut for cut in cuts if begin < cut <= end}
    starts = sorted(days)
    ends = [*(start - timedelta(days=1) for start in starts[1:]), end]
    return tuple(map(Period, starts, ends))


def demand(load: Load, periods: Sequence[Period], draws: Draws) -> list[Number]:
    """Return the requests of each period, expected on each path; retries not counted.

    Parameters
    ----------
    load : Load
        Whose calls.
    periods : sequence of Period
        In the order of time.
    draws : Draws
        Level, growth and sizes of events.

    Returns
    -------
    list of Fraction, float or ndarray, shape (n_paths,)
        In the order of the periods.
    """
    traffic = load.traffic.from_day(periods[0].first)
    growth = 1 + draws["growth_per_month"]
    steps = months_of_growth(traffic, periods[0], periods[0])
    grown = draws[traffic.unit] * growth**steps
    found = []
    for period in periods:
        if months_of_growth(traffic, period, periods[0]) > steps:
            steps += 1
            grown = grown * growth
        days: Number = 0
        extra: Number = 0
        of_a_day = traffic.of_a_day(period.first)
        for kind, count in day_kinds(traffic, period).items():
            weight = draws.number(count * kind.weight * of_a_day)
            for name in kind.factors:
                weight = weight * draws[f"events.{name}"]
            days = days + weight
            for name, of_days in kind.extra:
                share = draws.number(Fraction(count, of_days))
                extra = extra + draws[f"events.{name}"] * share
        found.append(grown * days + extra)
    return found


def months_of_growth(traffic: Traffic, period: Period, first: Period) -> int:
    """Return the months from that of ``starts_on``, or else of the plan, to that of a period."""
    begins = traffic.grows_from or first.first
    months = 12 * (period.first.year - begins.year) + period.first.month - begins.month
    return max(0, months)


def day_kinds(traffic: Traffic, period: Period) -> Counter[DayKind]:
    """Return how many days with traffic of each kind a period has."""
    first, last = max(period.first, traffic.first_day), min(period.last, traffic.last_day)
    near = [one for one in traffic.events if one.first <= last and first <= one.last]
    if not near and len(set(traffic.weekdays)) == 1:
        count = last.toordinal() - first.toordinal() + 1
        return Counter({DayKind(Fraction(1), (), ()): count} if count > 0 else {})
    kinds: Counter[DayKind] = Counter()
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        events = [one for one in near if one.first <= day <= one.last]
        factors = tuple(event.name for event in events if event.factor is not None)
        extra = tuple((event.name, event.days) for event in events if event.factor is None)
        kinds[DayKind(traffic.weekdays[day.weekday()], factors, extra)] += 1
    return kinds
