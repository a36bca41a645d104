"""Points and lengths of time, as callers write them and as logs count them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError, shown

DAY = 86_400.0  # seconds

#: A point in a log: a UTC time, or the time since the log began where it has no dates.
Moment = pd.Timestamp | pd.Timedelta

NUMBER = int | float | np.integer | np.floating
_WEEKS = re.compile(r"\s*([0-9]+)\s*(?:w|week|weeks)\s*", re.IGNORECASE)


def moment_of(name: str, value: object, *, dated: bool) -> Moment:
    """Return a bound of a log as the log counts time.

    Parameters
    ----------
    name : str
        What the bound is called in errors.
    value : object
        A time (ISO 8601, date, datetime or Timestamp; UTC where it names no offset) for a dated
        log, seconds or a length of time for one that counts from its own start.
    dated : bool
        Whether the log has dates.

    Raises
    ------
    UsageError
        If the value is none, or of the other kind.
    """
    try:
        found = _time(value) if dated else _since(value)
    except (ValueError, TypeError, OverflowError):
        found = None
    if found is not None and not pd.isna(found):
        return found
    allowed = (
        "a UTC time, such as 2026-11-24T09:00:00Z"
        if dated
        else "seconds since the log began, or a Timedelta"
    )
    raise UsageError(f"{name} is {shown(value)}. This log needs {allowed}.")


def length_of(value: object) -> pd.Timedelta | None:
    """Return a length of time: seconds, a timedelta, or text such as ``"36h"``; ``None`` if none."""
    try:
        if isinstance(value, np.timedelta64) and np.datetime_data(value)[0] == "generic":
            return None
        if isinstance(value, timedelta | np.timedelta64):
            length = pd.Timedelta(value)
        elif isinstance(value, str) and (weeks := _WEEKS.fullmatch(value)):
            length = pd.Timedelta(days=7 * int(weeks[1]))
        elif isinstance(value, str) and re.search("[A-Za-z:]", value):
            length = pd.Timedelta(value)
        elif isinstance(value, NUMBER) and not isinstance(value, bool):
            length = pd.Timedelta(seconds=float(value))
        else:
            return None
        return None if pd.isna(length) else length.as_unit("us")
    except (ValueError, OverflowError):
        return None


def micros(moment: Moment) -> int:
    """Return a moment as whole microseconds, since 1970 or since the log began."""
    return int(moment.as_unit("us").to_numpy().astype(np.int64))


def at(count: int, *, dated: bool) -> Moment:
    """Return the moment that `micros` gives this number."""
    if dated:
        return pd.Timestamp(count, unit="us", tz="UTC")
    return pd.Timedelta(count, unit="us")


def moment_text(moment: Moment) -> str:
    """Return a moment for people: a UTC time, or the time since the log began."""
    if isinstance(moment, pd.Timedelta):
        return f"{moment.total_seconds():,.0f} s"
    return f"{moment.tz_convert('UTC').isoformat(sep=' ', timespec='minutes')[:-6]} UTC"


def _time(value: object) -> pd.Timestamp | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, date | np.datetime64):
        return None
    time = pd.Timestamp(value).as_unit("us")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def _since(value: object) -> pd.Timedelta | None:
    if isinstance(value, str) and not re.search("[A-Za-z:]", value):
        value = float(value)  # seconds, where pandas would read nanoseconds
    return length_of(value)
