"""How far the future strays from what a log lets one expect: learned from other services' logs.

The mixture says what the log itself shows. What it cannot show, such as drift that is slow against
its length, was learned from logs whose future is known: `benchmarks/learn_spread.py`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import gammaln, stdtr, stdtrit

from kimi_planner.files import data_dir
from kimi_planner.series.growth import TENTH, Growth, flattened, growth_of, spend_between
from kimi_planner.series.intervals import Array, cycle
from kimi_planner.series.mixture import WEEK_HARMONICS, Mixture, weigh
from kimi_planner.series.moments import DAY
from kimi_planner.series.observed import Observed
from kimi_planner.toml_file import read_toml

PATH = data_dir() / "forecast_spread.toml"
_BLOCKS = 8
_LEAST_SLOW, _LEAST_WIDTH = 1e-5, 1e-6
_MOST_VARIANCE = 12.0
_CALLS_LIMIT = 0.5  # of the variance of calls, for a log that calls at random explain
# Below a hundredth of what is expected spend falls exponentially, so that it stays positive.
_LOW, _LOW_ROOT, _LOW_SCORE = 0.01, 0.1, -1.8


@dataclass(frozen=True)
class Traits:
    """What is known of a forecast before its outcome, each an array with an item per stretch ahead.

    Attributes
    ----------
    middle, width
        Median of the mixture relative to the observed level, of whole days where the log shows the
        hours of the day; its standard deviation relative to its median, on the scale of scores.
    slow
        Variance of spend between eighths of the log, or as many whole days or weeks, beyond what
        calls at random give, relative to the level.
    rate
        Calls a second, and one more.
    calls
        Variance of the stretch against the log that calls at random give.
    random
        Weight of the ways in which calls alone vary.
    day, week
        Variance that a rhythm of unit variance causes which the log is too short to show.
    growth
        Variance from the uncertainty of growth.
    lift
        Growth from the mean of the log to that of the stretch, and the hours of the day, as a factor.
    """

    middle: Array
    width: Array
    slow: Array
    rate: Array
    calls: Array
    random: Array
    day: Array
    week: Array
    growth: Array
    lift: Array


@dataclass(frozen=True)
class Ranges:
    """Spend of stretches ahead relative to the observed level, a Student t on the scale of scores.

    Attributes
    ----------
    middle, scale : ndarray, shape (n_stretches,)
        Median, and how widely scores vary.
    freedom
        Degrees of freedom.
    """

    middle: Array
    scale: Array
    freedom: float

    @property
    def mean(self) -> Array:
        """Expected relative spend, shape (n_stretches,)."""
        half, df = self.scale / 2, self.freedom
        cut = (_LOW_ROOT - 1) / half  # what lies below it adds less than a hundredth of its share
        above = stdtr(df, -cut)
        peak = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2)) / np.sqrt(df * np.pi)
        first = peak * (1 + cut**2 / df) ** ((1 - df) / 2) * df / (df - 1)
        narrow = stdtr(df - 2, -cut * np.sqrt((df - 2) / df))
        second = df * ((df - 1) / (df - 2) * narrow - above)
        return np.asarray(self.middle * (above + 2 * half * first + half**2 * second))

    @property
    def last(self) -> Ranges:
        """The same for the last stretch alone."""
        return replace(self, middle=self.middle[-1:], scale=self.scale[-1:])

    def quantile(self, shares: Array) -> Array:
        """Return relative spend, shape (n_stretches, n_shares)."""
        steps = stdtrit(self.freedom, shares)
        return np.asarray(self.middle[:, None] * from_score(self.scale[:, None] * steps))


@dataclass(frozen=True)
class Constants:
    """What was learned.

    Attributes
    ----------
    level, by_width, by_slow, by_rate
        The logarithm of the scale of drift is ``level + by_width * log(width) + by_slow * log(slow)
        + by_rate * log(rate)``: what many callers share drifts less than what one does.
    day
        Logarithm of the relative standard deviation of a rhythm that the log is too short to show.
    week
        The same of the week, relative to drift: calm services have calm weeks.
    by_middle
        Power of the mixture's median that is followed.
    freedom
        Degrees of freedom; chosen, not learned.
    """

    level: float
    by_width: float
    by_slow: float
    by_rate: float
    day: float
    week: float
    by_middle: float
    freedom: float = 5.0

    def ranges(self, traits: Traits) -> Ranges:
        """Return what may be spent in each stretch."""
        drift = self.level + self.by_width * np.log(traits.width)
        drift = drift + self.by_slow * np.log(traits.slow + _LEAST_SLOW)
        drift = drift + self.by_rate * np.log(traits.rate)
        beyond = np.exp(2 * drift) * (1 + np.exp(2 * self.week) * traits.week)
        beyond = beyond + np.exp(2 * self.day) * traits.day + traits.growth
        middle = traits.middle**self.by_middle
        # Calls that look random, or more even than that, leave little room for what was not seen.
        calls = traits.calls / middle
        calls = calls + traits.random * np.minimum(traits.width**2 - calls, 0.0)
        beyond = beyond + traits.random * np.minimum(_CALLS_LIMIT * calls - beyond, 0.0)
        scale = np.sqrt(_bounded(calls + beyond))
        # The noise of calls lowers the median, not what is expected.
        rise = _bounded(calls) / 4 * self.freedom / (self.freedom - 2)
        return Ranges(middle / (1 + rise) * traits.lift, scale, self.freedom)

    @property
    def learned(self) -> Array:
        """Those that were learned, in order."""
        return np.array(astuple(self)[:-1])


@lru_cache(maxsize=1)
def learned() -> Constants:
    """Return the constants that the package ships."""
    table: dict[str, Any] = read_toml(PATH).data["constants"]
    return Constants(**{name: float(value) for name, value in table.items()})


def ahead_of(observed: Observed, seconds: Array) -> tuple[Mixture, Growth, Traits]:
    """Return what a log lets one expect of stretches ahead.

    Parameters
    ----------
    observed : Observed
        The log.
    seconds : ndarray, shape (n_stretches,)
        Lengths of the stretches, each from the end of the log.

    Returns
    -------
    Mixture, Growth, Traits
        What the log shows, growth taken off; the growth; and what the range follows from.
    """
    growth = growth_of(observed)
    flat = flattened(observed, growth)
    unit, count = flat.seconds, len(seconds)
    # The hours of the day are known from a log of days: only what whole days bring is in doubt.
    whole = np.ceil(seconds / DAY - 1e-9) * DAY if unit >= 0.999 * DAY else seconds
    both = weigh(flat, [*seconds.tolist(), *whole.tolist()])
    mixture = both[:count]
    low, median, high = mixture.quantile(np.array([0.1, 0.5, 0.9])).T
    middle = both[count:].quantile(np.array([0.5]))[:, 0]
    width = (np.sqrt(high) - np.sqrt(low)) / np.sqrt(median) / TENTH
    chance = flat.call_squares / flat.total**2
    blocks = _blocks(flat)
    every = np.ones(count)
    days = growth.days_ahead(seconds)
    lift = np.exp(growth.per_day * days) * flat.total / observed.total
    return (
        mixture,
        growth,
        Traits(
            middle=middle,
            width=np.maximum(width, _LEAST_WIDTH),
            slow=every * max(blocks.var(ddof=1) - chance * len(blocks), 0.0),
            rate=every * (1 + flat.calls / unit),
            calls=chance * (1 + unit / seconds),
            random=every * mixture.weights[np.isnan(mixture.hurst)].sum(),
            day=unseen(DAY, (1.0,), unit, seconds),
            week=unseen(7 * DAY, WEEK_HARMONICS, unit, seconds),
            growth=(growth.deviation * (unit / DAY / 2 + days)) ** 2,
            lift=lift * median / middle,
        ),
    )


def unseen(period: float, harmonics: tuple[float, ...], unit: float, seconds: Array) -> Array:
    """Return the variance of the mean of stretches against that of the log which a rhythm causes.

    It is 0 for a log that is long enough to show the rhythm.
    """
    if unit >= 0.999 * period:
        return np.zeros(len(seconds))
    start = np.append(0.0, np.full(len(seconds), unit))
    end = np.append(unit, unit + seconds)
    joint = cycle(period, harmonics)(start, end, start, end)
    return np.asarray(joint.diagonal()[1:] + joint[0, 0] - 2 * joint[0, 1:])


def score_of(ratio: Array) -> Array:
    """Return the scores of spend relative to its median: twice the root less 1, but for the lowest."""
    low = _LOW_SCORE + np.log(np.maximum(ratio, 1e-300) / _LOW) * _LOW_ROOT
    return np.where(ratio > _LOW, 2 * (np.sqrt(ratio) - 1), low)


def from_score(score: Array) -> Array:
    """Return spend relative to its median, the inverse of `score_of`."""
    low = _LOW * np.exp(np.minimum(score - _LOW_SCORE, 0.0) / _LOW_ROOT)
    return np.where(score > _LOW_SCORE, (1 + np.maximum(score, _LOW_SCORE) / 2) ** 2, low)


def _bounded(variance: Array) -> Array:
    """Return a variance of scores below its bound: twice the root of what is positive varies little."""
    return np.asarray(variance / (1 + variance / _MOST_VARIANCE))


def _blocks(observed: Observed) -> Array:
    """Return the relative spend of blocks of a log, so cut that rhythms stay within each."""
    days = observed.seconds / DAY
    whole = 7 if days >= 20.99 else 1 if days >= 2.99 else 0
    length = max(1, np.ceil(days / whole / _BLOCKS - 1e-3)) * whole if whole else days / _BLOCKS
    count = int(days / length + 1e-3)
    edges = np.maximum(days - length * np.arange(count, -1.0, -1), 0.0)
    rates = spend_between(observed, edges) / np.diff(edges)
    return np.asarray(rates / (observed.total / days))
