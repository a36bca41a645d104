"""Formulas of traffic: days by weekday and event, growth since a month, calls that events add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

_EPOCH = date(1899, 12, 30)


def serial(day: date) -> int:
    """Return the number that a workbook has for a day.

    >>> serial(date(2027, 1, 1))
    46388
    """
    return (day - _EPOCH).days


#: The name of a column of numbers from 0 to 30, so that a formula goes through the days of a month.
DAYS = "days_of_a_month"
#: What the numbers of Mondays to Sundays leave when divided by 7.
_WEEK = [serial(date(2027, 1, 4 + n)) % 7 for n in range(7)]


class EventCells(NamedTuple):
    """Cells of an event: its first and last day, and its factor or the calls that it adds."""

    first: str
    last: str
    size: str


def days_formula(
    first: str, last: str, weekdays: Sequence[Fraction], factors: Sequence[EventCells]
) -> str:
    """Return the formula of the days with traffic between two cells, each with its weight.

    The weights are those of weekdays, from Monday to Sunday, and of the events that multiply a day.
    """
    day = f"({first}+{DAYS})"
    weights = [
        f"(1+({event.size}-1)*({day}>={event.first})*({day}<={event.last}))" for event in factors
    ]
    if len(set(weekdays)) > 1:
        by_rest = sorted(zip(_WEEK, map(float, weekdays), strict=True))
        rests, numbers = (",".join(map(repr, one)) for one in zip(*by_rest, strict=True))
        weights.append(f"LOOKUP(MOD({day},7),{{{rests}}},{{{numbers}}})")
    if not weights:
        return f"MAX(0,{last}-{first}+1)"
    return f"SUMPRODUCT(({day}<={last})*{'*'.join(weights)})"


def added_formula(first: str, last: str, events: Sequence[EventCells]) -> str:
    """Return the formula of the calls that events add between two cells; each day as many."""
    parts = [
        f"{event.size}*MAX(0,MIN({last},{event.last})-MAX({first},{event.first})+1)"
        f"/MAX(1,{event.last}-{event.first}+1)"
        for event in events
    ]
    return "+".join(parts) or "0"


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
