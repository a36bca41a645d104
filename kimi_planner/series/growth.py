"""Growth of spend in a long log, with its uncertainty, and what it comes to ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kimi_planner.notes import Note, note
from kimi_planner.series.intervals import Array
from kimi_planner.series.moments import DAY
from kimi_planner.series.observed import Observed

MONTH = 30.4375  # days
LEAST_DAYS = 10  # three pairs of days a week apart
_LINE_WEEKS = 4  # that a line needs
#: Standard deviations from the median to a tenth, of a normal distribution.
TENTH = 1.2815515655446004
_PRIOR = 0.06 / MONTH  # standard deviation of growth before the log is seen, a day
_MOST = float(np.log(1.5)) / MONTH  # more than half as much again in a month does not go on
_MOST_PERSISTENCE = 0.95
_LEAST_WEEK = 0.05  # of the mean one
_LEAST_NOISE = 1e-3  # of a week
# What growth there is fades with this time, or with so many lengths of the log if that is shorter.
_FADES, _FADES_LOGS = 548.0, 4.0


@dataclass(frozen=True)
class Growth:
    """Growth that a forecast assumes.

    Attributes
    ----------
    per_day
        Expected growth of the logarithm of spend in a day; 0 where the log is too short to show any.
    deviation
        Its standard deviation.
    days
        Whole days that it was estimated from; 0 if it was not.
    fades_days
        Time after which 1/e of it is left, days.
    """

    per_day: float
    deviation: float
    days: int
    fades_days: float

    def per_month(self, deviations: float = 0.0) -> float:
        """Return the growth in an average month, 0.05 for 5%, so many deviations off the expected.

        >>> round(Growth(0.0016, 0.0001, 119, 400).per_month(), 3)
        0.05
        """
        return float(np.expm1((self.per_day + deviations * self.deviation) * MONTH))

    @property
    def note(self) -> Note:
        """What is assumed, in words."""
        low, high = self.per_month(-TENTH), self.per_month(TENTH)
        if not self.days:
            return note("no_growth", least=LEAST_DAYS, most=high)
        expected, fades = self.per_month(), f"{self.fades_days:,.0f}"
        return note("growth", expected=expected, low=low, high=high, of=self.days, days=fades)

    def days_ahead(self, seconds: Array) -> Array:
        """Return days of undamped growth in the mean of stretches from the end of the log on."""
        ahead = seconds / DAY / self.fades_days
        return np.asarray(self.fades_days * (1 + np.expm1(-ahead) / ahead))


def growth_of(observed: Observed) -> Growth:
    """Return the growth of a log, shrunk towards none.

    Notes
    -----
    From four weeks on a line through the logarithm of spend by whole week. Its residuals are taken to
    be a first-order autoregression, whose correlation, corrected for what fitting the line takes away,
    widens the error of the slope. A shorter log shows the mean rise from each day to the same weekday
    of the next week, and the error of that is widened by the largest such correlation. The prior is
    normal around no growth, 6% a month wide.
    """
    days = int(observed.seconds / DAY + 1e-6)
    fades = min(_FADES, _FADES_LOGS * observed.seconds / DAY)
    if days < LEAST_DAYS:
        return Growth(0.0, _PRIOR, 0, fades)
    weeks = days // 7
    slope, error = _line(observed, weeks) if weeks >= _LINE_WEEKS else _rise(observed, days)
    kept = _PRIOR**2 / (_PRIOR**2 + error)
    likely = float(np.clip(slope * kept, -_MOST, _MOST))
    used = 7 * weeks if weeks >= _LINE_WEEKS else days
    return Growth(likely, float(np.sqrt(kept * error)), used, fades)


def _line(observed: Observed, weeks: int) -> tuple[float, float]:
    """Return the slope of a line through whole weeks, a day, and its variance."""
    logs = _logs(observed, 7 * np.arange(weeks, -1.0, -1))
    time = 7 * (np.arange(weeks) - (weeks - 1) / 2)
    slope = time @ logs / (time @ time)
    left = logs - logs.mean() - slope * time
    squares = max(float(left @ left), _LEAST_NOISE**2)
    lasting = np.clip(left[1:] @ left[:-1] / squares + 4 / weeks, 0.0, _MOST_PERSISTENCE)
    noise = squares / max(weeks - 4, 0.7) * _inflated(lasting)
    return float(slope), float(noise / (time @ time))


def _rise(observed: Observed, days: int) -> tuple[float, float]:
    """Return the mean rise a day from each day to the one a week later, and its variance."""
    logs = _logs(observed, np.arange(days, -1.0, -1))
    rises = (logs[7:] - logs[:-7]) / 7
    noise = max(float(rises.var(ddof=1)), (_LEAST_NOISE / 7) ** 2)
    return float(rises.mean()), noise / len(rises) * _inflated(_MOST_PERSISTENCE)


def _logs(observed: Observed, before_end: Array) -> Array:
    """Return logarithms of the spend between some days before the end of a log."""
    spend = spend_between(observed, observed.seconds / DAY - before_end)
    return np.asarray(np.log(np.maximum(spend / max(spend.mean(), 1e-300), _LEAST_WEEK)))


def _inflated(lasting: float) -> float:
    """Return the factor on the variance of a mean of values of which this part lasts to the next."""
    return (1 + lasting) / (1 - lasting)


def flattened(observed: Observed, growth: Growth) -> Observed:
    """Return a log as it would be, had all of it been at the level that growth led to at its end."""
    if not growth.per_day:
        return observed
    count = len(observed.amounts)
    left = (1 - (np.arange(count) + 0.5) / count) * observed.seconds / DAY
    rise = np.exp(growth.per_day * left)
    squares = observed.call_squares * float((rise**2).mean())
    return replace(observed, amounts=observed.amounts * rise, call_squares=squares)


def spend_between(observed: Observed, days: Array) -> Array:
    """Return the spend between points of a log, in days since it began; that of a stretch is even."""
    edges = np.linspace(0.0, observed.seconds / DAY, len(observed.amounts) + 1)
    spent = np.concatenate([[0.0], np.cumsum(observed.amounts)])
    return np.diff(np.interp(days, edges, spent))
