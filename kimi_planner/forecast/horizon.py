"""How far ahead a forecast looks: hours, days, or calendar months."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

import pandas as pd

from kimi_planner.errors import ScenarioError, shown
from kimi_planner.notes import counted
from kimi_planner.series.moments import Moment, length_of, micros

__all__ = ["Horizon", "counted", "horizon_of", "length_text"]

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
    ScenarioError
        If the length is none of these, shorter than a second, or longer than ten years.
    """
    months = _MONTHS.fullmatch(length) if isinstance(length, str) else None
    duration = int(months[1]) * AVERAGE_MONTH if months else length_of(length)
    if duration is None:
        raise ScenarioError(
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
    raise ScenarioError(
        f"horizon is {shown(length)}. It must be at least a second and at most ten years."
    )


def length_text(seconds: float) -> str:
    """Return a length of time in the largest unit that keeps it short: ``36 hours``, ``1.5 days``."""
    for unit, name in _UNITS:
        if seconds >= unit and (seconds % unit == 0 or seconds >= 3 * unit or unit == 1):
            return counted(round(seconds / unit, 1), name)
    return f"{seconds:.2g} seconds"
