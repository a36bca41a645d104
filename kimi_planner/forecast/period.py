"""The month, quarter or year that a log ends in: its days, and how they lie in calendar months."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pandas as pd

from kimi_planner.errors import KimiPlannerError, ScenarioError, day_of, shown

__all__ = ["Period", "period_of"]

_MONTHS = {"month end": 1, "quarter end": 3, "year end": 12}


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
    ScenarioError
        If ``until`` or ``since`` is none of these, or leaves the last day of the log out.

    Examples
    --------
    >>> period_of("quarter end", date(2026, 11, 24), date(2026, 9, 1))
    Period(name='Q4 2026', start=datetime.date(2026, 10, 1), until=datetime.date(2027, 1, 1))
    """
    if isinstance(until, str) and (length := _MONTHS.get(until.strip().lower())):
        month = (last.month - 1) // length * length
        start = date(last.year, month + 1, 1)
        after = date(last.year + (month + length) // 12, (month + length) % 12 + 1, 1)
        names = {1: f"{start:%B %Y}", 3: f"Q{month // 3 + 1} {last.year}", 12: f"{last.year}"}
        name = names[length]
    else:
        start = first
        try:
            after = day_of("until", until, fault=ScenarioError) + timedelta(1)
        except (KimiPlannerError, OverflowError):
            raise ScenarioError(
                f"until is {shown(until)}. Give 'month end', 'quarter end', 'year end', or the last day "
                "that counts, such as 2026-12-31."
            ) from None
        name = ""
    if since is not None:
        start, name = day_of("since", since, fault=ScenarioError), ""
    if not start <= last < after:
        raise ScenarioError(
            f"The log ends on {last}, which is not between {start} and {after - timedelta(1)}. Give a "
            "later until or an earlier since."
        )
    return Period(name or f"{start} to {after - timedelta(1)}", start, after)
