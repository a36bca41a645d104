"""How far to look: a length of time ahead, or to the end of a month, quarter or year."""

from __future__ import annotations

import re
from calendar import monthrange
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from kimi_planner.errors import KimiPlannerError, SettingError, day_of, shown
from kimi_planner.notes import counted
from kimi_planner.series.moments import Moment, length_of, micros

AVERAGE_MONTH = pd.Timedelta(days=30.4375)  # of the Gregorian calendar, 365.25 / 12
_LEAST, _MOST = pd.Timedelta(seconds=1), pd.Timedelta(days=3660)
_MONTHS = re.compile(r"\s*([0-9]{1,3})\s*(?:mo|month|months)\s*", re.IGNORECASE)
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Horizon(NamedTuple):
    """The stretch to forecast.

    Attributes
    ----------
    until
        Its end.
    seconds
        Its length.
    text
        Its length in words, such as ``"30 days"``.
    """

    until: Moment
    seconds: float
    text: str


def horizon_of(end: Moment, length: object) -> Horizon:
    """Return the stretch of this length after the end of a log.

    Parameters
    ----------
    end : Timestamp or Timedelta
        Where the log ends and the forecast begins.
    length : str, timedelta or number
        ``"36h"``, ``"7 days"``, ``"2 weeks"``, ``"3 months"``, a timedelta, or seconds. Months are
        those of the calendar from a dated log, and 30.4375 days each from a log that counts from its
        own start.

    Raises
    ------
    SettingError
        If the length is none of these, shorter than a second, or longer than ten years.
    """
    months = _MONTHS.fullmatch(length) if isinstance(length, str) else None
    duration = int(months[1]) * AVERAGE_MONTH if months else length_of(length)
    if duration is None:
        raise SettingError(
            f"horizon is {shown(length)}. Write hours, days or months: '36h', '7 days', "
            "'3 months', or give a timedelta, or seconds."
        )
    with suppress(ValueError, OverflowError):  # beyond the days that pandas knows
        if months and isinstance(end, pd.Timestamp):
            duration = end + pd.DateOffset(months=int(months[1])) - end
        if _LEAST <= duration <= _MOST:
            until = end + duration
            seconds = (micros(until) - micros(end)) / 1e6
            text = counted(int(months[1]), "month") if months else length_text(seconds)
            return Horizon(until, seconds, text)
    raise SettingError(
        f"horizon is {shown(length)}. It must be at least a second and at most ten years."
    )


def length_text(seconds: float) -> str:
    """Return a length of time in the largest unit that keeps it short: ``36 hours``, ``1.5 days``."""
    for unit, name in _UNITS:
        if seconds >= unit and (seconds % unit == 0 or seconds >= 3 * unit or unit == 1):
            return counted(round(seconds / unit, 1), name)
    return f"{seconds:.2g} seconds"


_PERIODS = {"month end": 1, "quarter end": 3, "year end": 12}


@dataclass(frozen=True)
class Period:
    """Whole days, in UTC.

    Attributes
    ----------
    name
        In words, such as ``"November 2026"``.
    start, until
        Its first day, and the first day after it.
    """

    name: str
    start: date
    until: date

    @property
    def begin(self) -> pd.Timestamp:
        """The moment at which it begins."""
        return pd.Timestamp(self.start, tz="UTC").as_unit("us")

    @property
    def end(self) -> pd.Timestamp:
        """The moment at which it is over."""
        return pd.Timestamp(self.until, tz="UTC").as_unit("us")

    def months(self) -> dict[str, Fraction]:
        """Return its calendar months, such as ``"2026-11"``, and the share of each that it holds."""
        shares = {}
        day = self.start
        while day < self.until:
            days = monthrange(day.year, day.month)[1]
            after = min(self.until, day.replace(day=1) + timedelta(days))
            shares[f"{day:%Y-%m}"] = Fraction((after - day).days, days)
            day = after
        return shares


def period_of(until: object, last: date, first: date, since: object = None) -> Period:
    """Return the period that is to be estimated.

    Parameters
    ----------
    until : str or day
        ``"month end"``, ``"quarter end"`` or ``"year end"``: those of the last day of the log; or a
        day, the last one that counts.
    last, first : date
        The last and the first day of the log, in UTC.
    since : day, optional
        Its first day; if not given, the first one of the month, quarter or year, or of the log where
        ``until`` is a day.

    Raises
    ------
    SettingError
        If ``until`` or ``since`` is none of these, or leaves the last day of the log out.

    Examples
    --------
    >>> period_of("quarter end", date(2026, 11, 24), date(2026, 9, 1))
    Period(name='Q4 2026', start=datetime.date(2026, 10, 1), until=datetime.date(2027, 1, 1))
    """
    if isinstance(until, str) and (length := _PERIODS.get(until.strip().lower())):
        month = (last.month - 1) // length * length
        start = date(last.year, month + 1, 1)
        after = date(last.year + (month + length) // 12, (month + length) % 12 + 1, 1)
        names = {1: f"{start:%B %Y}", 3: f"Q{month // 3 + 1} {last.year}", 12: f"{last.year}"}
        name = names[length]
    else:
        start = first
        try:
            after = day_of("until", until, fault=SettingError) + timedelta(1)
        except (KimiPlannerError, OverflowError):
            raise SettingError(
                f"until is {shown(until)}. Give 'month end', 'quarter end', 'year end', or the last day "
                "that counts, such as 2026-12-31."
            ) from None
        name = ""
    if since is not None:
        start, name = day_of("since", since, fault=SettingError), ""
    if not start <= last < after:
        raise SettingError(
            f"The log ends on {last}, which is not between {start} and {after - timedelta(1)}. Give a "
            "later until or an earlier since."
        )
    return Period(name or f"{start} to {after - timedelta(1)}", start, after)
