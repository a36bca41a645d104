"""Calls as they fall into minutes: how many a busy minute has, and how many tokens.

Calls arrive independently of each other, so their number in any span is a Poisson number. Tokens are
its compound: a sum of as many sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from kimi_planner.workload.quantity import Array

_LEAST_SHAPE = 1e-3  # the lognormal is then a normal one to three digits


@dataclass(frozen=True)
class CallsInSpan:
    """Calls that arrive, or are in work, within one span, on each path.

    Attributes
    ----------
    calls : ndarray, shape (n_months, n_paths) or (n_months, 1)
        Expected number of calls.
    """

    calls: Array

    def __add__(self, other: CallsInSpan) -> CallsInSpan:
        """Return both together; they are independent on each path."""
        return CallsInSpan(self.calls + other.calls)

    def at(self, month: int) -> CallsInSpan:
        """Return the spans of one month."""
        return CallsInSpan(self.calls[month])

    def peak(self, share: float, q: float) -> Array:
        """Return by month what a share of spans does not exceed, at a quantile of the paths.

        Poisson numbers rise with their mean, so the quantile of their means is enough.
        """
        from scipy.stats import poisson  # slow to import, and few plans need it

        return np.asarray(poisson.ppf(share, _over_paths(self.calls, q)), dtype=np.float64)

    def share_over(self, limit: float) -> Array:
        """Return the share of spans with more calls than ``limit``."""
        from scipy.stats import poisson

        return np.asarray(poisson.sf(limit, self.calls), dtype=np.float64)


@dataclass(frozen=True)
class CallTokensInSpan:
    """Tokens of the calls that arrive within one span, such as a minute, on each path.

    Attributes
    ----------
    calls : ndarray, shape (n_months, n_paths)
        Expected number of calls.
    cumulants : ndarray, shape (3, n_months, n_paths)
        The first three of the tokens: expected calls times the mean of a call's tokens, of their squares
        and of their cubes.

    Notes
    -----
    A span without calls has no tokens. For the others the tokens are taken as a shifted lognormal
    distribution with the mean, the variance and the skewness of the sum, given that it has a call.
    """

    calls: Array
    cumulants: Array

    @classmethod
    def of(cls, calls: Array, mean: Array, sizes: Array) -> CallTokensInSpan:
        """Return the tokens of calls of the given mean, spread as the sample ``sizes`` is.

        Parameters
        ----------
        calls : ndarray
            Expected number of calls by path.
        mean : ndarray, tokens
            Expected tokens of a call by path.
        sizes : ndarray, tokens
            Calls of one path; only how they differ counts, not their mean.
        """
        relative = sizes / (sizes.mean() or 1.0)
        first = calls * mean
        second = first * mean * float((relative**2).mean())
        third = first * mean**2 * float((relative**3).mean())
        return cls(calls, np.stack([first, second, third]))

    def __add__(self, other: CallTokensInSpan) -> CallTokensInSpan:
        """Return both together; their calls are independent on each path."""
        return CallTokensInSpan(self.calls + other.calls, self.cumulants + other.cumulants)

    def at(self, month: int) -> CallTokensInSpan:
        """Return the spans of one month."""
        return CallTokensInSpan(self.calls[month], self.cumulants[:, month])

    def peak(self, share: float, q: float) -> Array:
        """Return by month what a share of spans does not exceed, at a quantile of the paths."""
        return _over_paths(self.quantile(share), q)

    def quantile(self, share: float) -> Array:
        """Return the tokens that a share of spans does not exceed."""
        empty = np.exp(-self.calls)
        within = (share - empty) / np.maximum(1 - empty, 1e-300)
        mean, sd, shape, side = self._given_a_call()
        sigma = np.sqrt(np.log1p(shape**2))
        normal = side * ndtri(np.clip(within, 1e-300, 1 - 1e-16))
        deviation = side * np.expm1(sigma * normal - sigma**2 / 2) / shape
        tokens = np.maximum(0.0, mean + sd * deviation)
        return np.where(within > 0, tokens, 0.0)

    def share_over(self, limit: float) -> Array:
        """Return the share of spans with more tokens than ``limit``."""
        mean, sd, shape, side = self._given_a_call()
        sigma = np.sqrt(np.log1p(shape**2))
        deviation = side * np.clip((limit - mean) / np.maximum(sd, 1e-12), -1e12, 1e12)
        ratio = np.maximum(1 + shape * deviation, 1e-300)
        over = ndtr(-side * (np.log(ratio) / sigma + sigma / 2))
        return np.asarray(-np.expm1(-self.calls) * over)

    def _given_a_call(self) -> tuple[Array, Array, Array, Array]:
        """Return mean, deviation, shape and side of the skewness, for spans that have a call.

        The shape solves ``skewness = (shape**2 + 3) * shape``.
        """
        empty = np.exp(-self.calls)
        some = np.maximum(-np.expm1(-self.calls), 1e-300)
        first, second, third = self.cumulants
        mean = first / some
        variance = second / some - mean**2 * empty
        variance = np.where(variance > 1e-9 * mean**2 * empty, variance, 0.0)
        third = third / some - 3 * mean * second / some * empty + mean**3 * empty * (1 + empty)
        sd = np.sqrt(variance)
        skewness = third / np.where(sd > 0, sd, np.inf) ** 3
        shape = np.maximum(2 * np.sinh(np.arcsinh(np.abs(skewness) / 2) / 3), _LEAST_SHAPE)
        return mean, sd, shape, np.where(skewness < 0, -1.0, 1.0)


def _over_paths(values: Array, q: float) -> Array:
    """Return the quantile over paths for each month, one of the values themselves."""
    return np.asarray(np.quantile(values, q, axis=1, method="higher"))
