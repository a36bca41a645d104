"""What a log lets one expect of a workload: level, growth, means of sizes, each with its range.

The formula is that of forecasts, `kimi_planner.series`: a plan of what was fitted has their spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.series.growth import MONTH, TENTH, Growth
from kimi_planner.series.intervals import Array
from kimi_planner.series.moments import DAY, Moment
from kimi_planner.series.observed import Observed, observe, timed_rows
from kimi_planner.series.spread import Ranges, ahead_of, learned

_SHARES = np.array([0.1, 0.5, 0.9])
_HORIZONS = np.array([1.0, 12.0]) * MONTH * DAY
#: Months by which those of a year have grown on average since the first.
_GROWN = 5.5
_MOST_APART = 1e5  # times, of percentiles
_LEAST_FACTOR = 1e-5  # off 1, of a factor on a mean
_DIGITS = 6
#: What a workload may grow by, and what a mean may be multiplied by.
_GROWTHS, _FACTORS = (-0.99, 10.0), (0.01, 100.0)


@dataclass(frozen=True)
class Ahead:
    """What a month and a year from the end of a log on may hold, but for what single calls add.

    Attributes
    ----------
    observed
        What the log shows of calls or tokens.
    ranges
        The level over a month and over a year, relative to the observed one.
    growth
        That is assumed.
    chance
        Variance of the observed level relative to its square that comes from single calls.
    """

    observed: Observed
    ranges: Ranges
    growth: Growth
    chance: float

    @property
    def width(self) -> float:
        """How widely the amount of the month ahead may vary."""
        return self.observed.total * float(self.ranges.scale[0])


def ahead(
    frame: pd.DataFrame,
    amounts: Array,
    what: str,
    bounds: tuple[Moment, Moment] | None = None,
    kept: Any = None,
) -> Ahead:
    """Return what the rows of a log let one expect.

    Parameters
    ----------
    frame : DataFrame
        A checked usage frame with times.
    amounts : ndarray, shape (n_rows,)
        Calls or tokens of each row.
    what : str
        Which of them.
    bounds : tuple of Timestamp or Timedelta, optional
        What the log covers; from its first row to one gap after its last if not given.
    kept : ndarray of bool, shape (n_rows,), optional
        The rows that count.

    Raises
    ------
    TooLittleUsageError
        If nothing is left, or all rows have the same time and no bounds are given.
    """
    observed = observe(timed_rows(frame, amounts, what, kept), *(bounds or (None, None)))
    _, growth, traits = ahead_of(observed, _HORIZONS)
    known, constants = traits.calls * _HORIZONS / (_HORIZONS + observed.seconds), learned()
    # A plan draws the calls of its months itself; here is what the log leaves open of their level.
    variance = constants.ranges(traits).scale ** 2 - (traits.calls - known)
    ranges = constants.ranges(replace(traits, calls=known))
    ranges = replace(ranges, scale=np.sqrt(np.maximum(variance, 0.0)))
    return Ahead(observed, ranges, growth, float(known[0]))


def level_ahead(calls: Ahead, usual: float) -> dict[str, float]:
    """Return the calls a day of the month ahead, with their range, if this share of them is usual."""
    level = usual * calls.observed.total / calls.observed.seconds * DAY
    values = level * calls.ranges.quantile(_SHARES)[0]
    return _rounded(np.maximum(values, values.max() / _MOST_APART))


def growth_ahead(calls: Ahead) -> dict[str, float]:
    """Return the growth a month that a forecast assumes, as it fades in a year.

    Its range is its own, or what takes that of the month ahead to that of the year ahead.
    """
    month, year = calls.growth.days_ahead(_HORIZONS)
    steps = (year - month) / _GROWN * np.array([calls.growth.per_day, calls.growth.deviation])
    first, later = calls.ranges.scale**2
    wider = replace(
        calls.ranges, scale=np.sqrt(np.maximum([later - first], 0.0)), middle=np.ones(1)
    )
    low, _, high = np.abs(np.log(wider.quantile(_SHARES)[0])) / _GROWN
    low, high = np.maximum([low, high], TENTH * steps[1])
    return _rounded(np.expm1(steps[0] + np.array([-low, 0.0, high])).clip(*_GROWTHS))


def mean_factor(tokens: Ahead, base: Ahead) -> dict[str, float] | None:
    """Return the factor on tokens per call, or per token of the base, in the month ahead.

    Its variance is what the tokens have more than the base, at the least what single calls leave open
    of a mean, and what the factor is off 1, as what moved may move on. ``None`` if it is certain.
    """
    middle = tokens.ranges.middle[:1] / base.ranges.middle[:1]
    more = tokens.ranges.scale[:1] ** 2 - base.ranges.scale[:1] ** 2
    more = np.maximum(more, max(tokens.chance - base.chance, 0.0)) + (middle - 1) ** 2
    factor = replace(base.ranges, middle=middle, scale=np.sqrt(more)).quantile(_SHARES)[0]
    is_one = np.abs(factor - 1).max() <= _LEAST_FACTOR
    return None if is_one else _rounded(factor.clip(*_FACTORS))


def correlation_of(whole: Ahead, parts: Sequence[Ahead], each: Array) -> float:
    """Return the correlation at which parts together are as uncertain as the whole, 0 to 1.

    Parameters
    ----------
    whole : Ahead
        Of all amounts.
    parts : sequence of Ahead
        Of the calls of each part.
    each : ndarray, shape (n_parts,)
        The amount of one call of each part.
    """
    widths = each * [part.width for part in parts]
    apart, together = float((widths**2).sum()), float(widths.sum() ** 2)
    seen = whole.width**2
    share = (seen - apart) / (together - apart) if together > apart else 0.0
    return round(float(np.clip(share, 0.0, 1.0)), 2)


def _rounded(values: Array) -> dict[str, float]:
    names = zip(("p10", "p50", "p90"), values.tolist(), strict=True)
    return {name: float(f"{value:.{_DIGITS}g}") for name, value in names}
