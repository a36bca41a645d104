"""Quantities: a number that is certain, or a distribution that meets what is known of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from kimi_planner.money import exact_decimal

Array = NDArray[np.float64]

Z90 = float(ndtri(0.9))
_GRID = 20_000


class Quantity(ABC):
    """What is known of a number: certain, or a distribution."""

    given: str

    @property
    def factor(self) -> Quantity | None:
        """The uncertain factor on the mean, where one is given."""
        return None

    @property
    def is_certain(self) -> bool:
        """Whether the quantity is one number without any spread."""
        return False

    @abstractmethod
    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares, each between 0 and 1."""

    @cached_property
    def mean(self) -> float:
        """The expected value."""
        return float(self.spread(_GRID).mean())

    def spread(self, n: int) -> Array:
        """Return ``n`` equally likely values, ascending: the middles of as many equal shares."""
        return self.ppf(midpoints(n))

    def as_number(self, number: Callable[[Decimal], Any] = float) -> Any:
        """Return the expected value as a number of another type, exact where the quantity is."""
        return number(exact_decimal(self.mean))

    def describe(self) -> str:
        """Return the quantity as it was given, for a table of assumptions."""
        return self.given


@dataclass(frozen=True)
class Constant(Quantity):
    """A number that is certain.

    Attributes
    ----------
    value
        The number as an exact decimal.
    """

    value: Decimal

    @property
    def is_certain(self) -> bool:
        """Whether the quantity is one number without any spread."""
        return True

    def ppf(self, share: Array) -> Array:
        """Return the number, whatever the share."""
        return np.full(np.shape(share), float(self.value))

    @cached_property
    def mean(self) -> float:
        """The number itself."""
        return float(self.value)

    def as_number(self, number: Callable[[Decimal], Any] = float) -> Any:
        """Return the number itself in another type."""
        return number(self.value)

    def describe(self) -> str:
        """Return the number."""
        return number_text(self.value)


ZERO, ONE = Constant(Decimal(0)), Constant(Decimal(1))


@dataclass(frozen=True)
class SplitLognormal(Quantity):
    """A positive quantity; its logarithm is normal, with its own spread on each side of the median.

    Attributes
    ----------
    median
        The 50th percentile, above 0.
    sigma_low, sigma_high
        Standard deviations of the logarithm below and above the median.
    given
        How the quantity was described.

    Notes
    -----
    With ``sigma = ln(p90 / p50) / z90`` and ``ln(p50 / p10) / z90`` the given percentiles are met
    exactly; with one sigma it is the lognormal distribution.
    """

    median: float
    sigma_low: float
    sigma_high: float
    given: str

    @classmethod
    def from_percentiles(cls, p10: float, p50: float, p90: float, given: str) -> SplitLognormal:
        """Return the distribution that meets the three percentiles."""
        return cls(p50, math.log(p50 / p10) / Z90, math.log(p90 / p50) / Z90, given)

    @classmethod
    def from_mean_sd(cls, mean: float, sd: float, given: str) -> SplitLognormal:
        """Return the lognormal distribution with this mean and standard deviation."""
        variance = math.log1p((sd / mean) ** 2)
        return cls(mean * math.exp(-variance / 2), math.sqrt(variance), math.sqrt(variance), given)

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares."""
        return self._at(ndtri(share))

    def spread(self, n: int) -> Array:
        """Return ``n`` equally likely values, ascending."""
        return self._at(_scores(n))

    def _at(self, z: Array) -> Array:
        return self.median * np.exp(np.where(z < 0, self.sigma_low, self.sigma_high) * z)

    @cached_property
    def mean(self) -> float:
        """The expected value, in closed form."""
        low, high = self.sigma_low, self.sigma_high
        return self.median * float(
            math.exp(high**2 / 2) * ndtr(high) + math.exp(low**2 / 2) * ndtr(-low)
        )


@dataclass(frozen=True)
class SplitNormal(Quantity):
    """A quantity that is normal with its own spread on each side of the median, kept in bounds.

    Attributes
    ----------
    median, sigma_low, sigma_high
        Median, and standard deviations below and above it.
    low, high
        Bounds; what would fall outside lies on them.
    given
        How the quantity was described.
    """

    median: float
    sigma_low: float
    sigma_high: float
    low: float
    high: float
    given: str

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares."""
        z = ndtri(share)
        values = self.median + np.where(z < 0, self.sigma_low, self.sigma_high) * z
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class Beta(Quantity):
    """A share between 0 and 1 with a given mean and standard deviation."""

    a: float
    b: float
    given: str

    @classmethod
    def from_mean_sd(cls, mean: float, sd: float, given: str) -> Beta:
        """Return the beta distribution with this mean and standard deviation.

        Raises
        ------
        ValueError
            If no share can have so large a standard deviation.
        """
        size = mean * (1 - mean) / sd**2 - 1
        if size <= 0:
            limit = math.sqrt(mean * (1 - mean))
            raise ValueError(f"sd must be below {limit:.3g} for a share with that mean")
        return cls(mean * size, (1 - mean) * size, given)

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares."""
        return np.asarray(betaincinv(self.a, self.b, share))

    @cached_property
    def mean(self) -> float:
        """The expected value."""
        return self.a / (self.a + self.b)


@dataclass(frozen=True)
class Geometric(Quantity):
    """A whole number from 1 upwards, such as the turns of a conversation that may end at each.

    Attributes
    ----------
    expected
        The mean, at least 1.
    """

    expected: float

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares; whole numbers."""
        if self.expected == 1:
            return np.ones(np.shape(share))
        return np.maximum(1, np.ceil(np.log1p(-share) / math.log1p(-1 / self.expected)))

    @cached_property
    def mean(self) -> float:
        """The expected value."""
        return self.expected

    @property
    def mean_pairs(self) -> float:
        """Expected number of pairs of an earlier and a later turn, ``E[T (T - 1) / 2]``."""
        return self.expected * (self.expected - 1)

    def describe(self) -> str:
        """Return the mean it was given by."""
        return f"mean {number_text(self.expected)}, geometric"


@dataclass(frozen=True, eq=False)
class Empirical(Quantity):
    """The values that a log shows, each as likely as it was frequent.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Distinct values, ascending.
    shares : ndarray of float64, shape (n,)
        Share of the log at or below each value; the last is 1.
    given
        Where the values come from.
    """

    values: Array
    shares: Array
    given: str

    @classmethod
    def from_values(cls, values: Any, weights: Any = None, *, given: str) -> Empirical:
        """Return the distribution of values, each counted ``weights`` times."""
        ordered, position = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
        counts = np.bincount(position, weights=weights, minlength=len(ordered))
        shares = np.cumsum(counts) / counts.sum()
        shares[-1] = 1.0
        return cls(ordered, shares, given)

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares; only values that occurred."""
        place = np.searchsorted(self.shares, np.minimum(share, 1.0), side="left")
        return np.asarray(self.values[place], dtype=np.float64)

    @cached_property
    def mean(self) -> float:
        """The mean of the log."""
        return float(np.dot(self.values, np.diff(self.shares, prepend=0.0)))

    def describe(self) -> str:
        """Return where the values come from, and their median and 90th percentile."""
        p50, p90 = self.ppf(np.array([0.5, 0.9]))
        return f"{self.given} (p50 {number_text(p50)}, p90 {number_text(p90)})"


@dataclass(frozen=True)
class Scaled(Quantity):
    """A quantity whose mean is itself uncertain: every value is multiplied by one unknown factor.

    Attributes
    ----------
    size
        How single values differ.
    scale
        The factor, drawn once per path.
    """

    size: Quantity
    scale: Quantity

    @property
    def factor(self) -> Quantity:
        """The uncertain factor on the mean."""
        return self.scale

    def ppf(self, share: Array) -> Array:
        """Return the quantiles of single values at factor 1."""
        return self.size.ppf(share)

    def spread(self, n: int) -> Array:
        """Return ``n`` equally likely single values at factor 1."""
        return self.size.spread(n)

    @cached_property
    def mean(self) -> float:
        """The expected value at factor 1."""
        return self.size.mean

    def describe(self) -> str:
        """Return both descriptions."""
        return f"{self.size.describe()}; mean times {self.scale.describe()}"


def midpoints(n: int) -> Array:
    """Return the midpoints of ``n`` equal shares: stratified points for a quantile function."""
    return (np.arange(n) + 0.5) / n


@lru_cache(maxsize=32)
def _scores(n: int) -> Array:
    """Return the midpoints on the normal scale."""
    z: Array = ndtri(midpoints(n))
    z.flags.writeable = False
    return z


def number_text(value: float | Decimal) -> str:
    """Return a number for people: thousands separated, no trailing zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():,f}"
    return f"{value:,.10g}"
