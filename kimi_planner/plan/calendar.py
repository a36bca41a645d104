"""Calendar months: which ones a plan covers, and how many days each has."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from kimi_planner.errors import SettingError, shown, whole

MAX_MONTHS = 120


@dataclass(frozen=True, order=True)
class Month:
    """One calendar month.

    Examples
    --------
    >>> Month(2028, 2).days
    29
    """

    year: int
    month: int

    @property
    def days(self) -> int:
        """Number of days of the month."""
        return monthrange(self.year, self.month)[1]

    @property
    def next(self) -> Month:
        """The month after this one."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def first(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """The last day."""
        return date(self.year, self.month, self.days)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def month_range(start: str | date | None, months: int, as_of: date) -> tuple[Month, ...]:
    """Return the months of a plan.

    Parameters
    ----------
    start : str or date, optional
        The first month, as ``"2026-11"`` or any day in it; the month after ``as_of`` if not given.
    months : int
        How many, from 1 to 120.
    as_of : date
        The day the plan is made on.

    Raises
    ------
    SettingError
        If ``start`` is no month, or ``months`` is out of bounds.
    """
    whole("months", months, 1, MAX_MONTHS, fault=SettingError)
    if start is None:
        first = Month(as_of.year, as_of.month).next
    elif isinstance(start, date) and isinstance(start.year, int):  # unlike those of NaT
        first = Month(start.year, start.month)
    else:
        found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", str(start))
        if not found:
            raise SettingError(
                f"start is {shown(start)}. Write a month from 2000-01 to 2099-12: 2026-11."
            )
        first = Month(int(found[1]), int(found[2]))
    if not 2000 <= first.year <= 2099:
        raise SettingError(f"start is {first}. A plan begins from 2000-01 to 2099-12.")
    covered = [first]
    while len(covered) < months:
        covered.append(covered[-1].next)
    return tuple(covered)
