"""Formulas of traffic: days by weekday and event, growth since a month, calls that events add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction

from kimi_planner.workload.dated import Event

__all__ = ["days_formula", "growth_formula", "serial"]

_EPOCH = date(1899, 12, 30)


def serial(day: date) -> int:
    """Return the number that a workbook has for a day.

    >>> serial(date(2027, 1, 1))
    46388
    """
    return (day - _EPOCH).days


#: What the numbers of Mondays to Sundays leave when divided by 7.
_WEEK = ",".join(str(serial(date(2027, 1, 4 + n)) % 7) for n in range(7))


def days_formula(
    first: str,
    last: str,
    weekdays: Sequence[Fraction],
    events: Sequence[Event],
    sizes: Mapping[str, str],
) -> tuple[str, str]:
    """Return the formulas of the days with traffic, and of the calls that events add.

    Parameters
    ----------
    first, last
        Cells with the first and the last day that count.
    weekdays
        Weights from Monday to Sunday.
    events, sizes
        What happens on some days, and by the name of an event the cell with its size.
    """

    def weighed(begin: str, end: str) -> str:
        if len(set(weekdays)) == 1:
            return f"MAX(0,{end}-{begin}+1)"
        weights = ",".join(repr(float(one)) for one in weekdays)
        end = f"MAX({end},{begin}-1)"
        counts = f"INT(({end}-{{{_WEEK}}})/7)-INT(({begin}-1-{{{_WEEK}}})/7)"
        return f"SUMPRODUCT({{{weights}}}*({counts}))"

    days = weighed(first, last)
    for together in _overlaps([one for one in events if one.factor is not None]):
        begin, end = max(one.first for one in together), min(one.last for one in together)
        effect = "*".join(f"({sizes[one.name]}-1)" for one in together)
        within = weighed(f"MAX({first},{serial(begin)})", f"MIN({last},{serial(end)})")
        days += f"+{effect}*{within}"
    added = [
        f"{sizes[one.name]}*MAX(0,MIN({last},{serial(one.last)})-MAX({first},{serial(one.first)})+1)/{one.days}"
        for one in events
        if one.factor is None
    ]
    return days, "+".join(added)


def _overlaps(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    """Yield each set of events that have days in common, single ones too."""
    sets: list[tuple[Event, ...]] = [(one,) for one in events]
    while sets:
        yield from sets
        larger = [
            (*some, one)
            for some in sets
            for one in events[events.index(some[-1]) + 1 :]
            if max(other.first for other in (*some, one))
            <= min(other.last for other in (*some, one))
        ]
        sets = larger


def growth_formula(
    since: str, own: Mapping[str, str], begin: date, planned: float, grown: str
) -> str:
    """Return the formula of what growth multiplies the traffic of a period by.

    Parameters
    ----------
    since
        Cell with the first day of the period.
    own
        Cells of the workload: ``starts`` and ``growth``.
    begin
        First day of the plan, from which growth counts where no start is given.
    planned, grown
        The mean growth of the plan, and where that has a range, what it made of the traffic after
        0, 1, … months; it holds until the growth is changed.
    """
    origin = f'IF({own["starts"]}="",{serial(begin)},{own["starts"]})'
    months = f"MAX(0,12*(YEAR({since})-YEAR({origin}))+MONTH({since})-MONTH({origin}))"
    plain = f"(1+{own['growth']})^{months}"
    if not grown:
        return plain
    kept = f"AND({own['growth']}={planned!r},{months}<ROWS({grown}))"
    return f"IF({kept},INDEX({grown},MIN({months}+1,ROWS({grown}))),{plain})"
