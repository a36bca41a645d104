"""How far ahead a forecast looks: hours, days, or calendar months."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pandas as pd

from kimi_planner.errors import ScenarioError, shown
from kimi_planner.projection.forecast.observed import Moment

__all__ = ["horizon_end"]

AVERAGE_MONTH = pd.Timedelta(days=30.4375)  # of the Gregorian calendar, 365.25 / 12
_MOST = pd.Timedelta(days=3660)
_MONTHS = re.compile(r"\s*([0-9]{1,3})\s*(?:mo|month|months)\s*")


def horizon_end(end: Moment, horizon: object) -> Moment:
    """Return the moment up to which spend is forecast.

    Parameters
    ----------
    end : Timestamp or Timedelta
        Where the log ends and the forecast begins.
    horizon : str, timedelta or number
        ``"36h"``, ``"7 days"``, ``"3 months"``, a timedelta, or seconds. Months are those of the
        calendar from a dated log, and 30.4375 days each from a log that counts from its own start.

    Raises
    ------
    ScenarioError
        If the horizon is none of these, not positive, or beyond ten years.
    """
    months = _MONTHS.fullmatch(horizon.lower()) if isinstance(horizon, str) else None
    if months:
        count = int(months[1])
        if isinstance(end, pd.Timestamp):
            length = end + pd.DateOffset(months=count) - end
        else:
            length = count * AVERAGE_MONTH
    else:
        length = _length(horizon)
    if not pd.Timedelta(0) < length <= _MOST:
        raise ScenarioError(
            f"horizon is {shown(str(horizon))}. It must be above 0 and at most ten years."
        )
    until: Moment = end + length
    return until


def _length(horizon: object) -> pd.Timedelta:
    try:
        if isinstance(horizon, int | float | np.integer | np.floating) and not isinstance(
            horizon, bool
        ):
            return pd.Timedelta(seconds=float(horizon))
        if isinstance(horizon, timedelta | np.timedelta64) or (
            isinstance(horizon, str) and re.search("[a-z]", horizon.lower())
        ):
            length = pd.Timedelta(horizon)
            if not pd.isna(length):
                return length
    except (ValueError, OverflowError):
        pass
    raise ScenarioError(
        f"horizon is {shown(horizon)}. Write hours, days or months: '36h', '7 days', '3 months', "
        "or give a timedelta, or seconds."
    )
