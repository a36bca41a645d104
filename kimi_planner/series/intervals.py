"""How the means of a quantity over two stretches of time vary together, for each kind of change.

A covariance here takes starts and ends of two lists of intervals and returns a matrix. Some hold
only for differences of means (they lack a level), which is all that a forecast needs: it compares
the mean of a future stretch with the mean of the observed one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Covariance = Callable[[Array, Array, Array, Array], Array]


def white(start: Array, end: Array, other_start: Array, other_end: Array) -> Array:
    """Return the covariances where stretches that do not overlap have nothing in common."""
    shared = np.minimum(end[:, None], other_end) - np.maximum(start[:, None], other_start)
    lengths = (end - start)[:, None] * (other_end - other_start)
    return np.asarray(np.maximum(shared, 0.0) / lengths)


def power_law(hurst: float) -> Covariance:
    """Return the covariance of a change without a scale of its own.

    Parameters
    ----------
    hurst : float
        Below 0.5 the traffic evens itself out, at 0.5 it forgets at once, from there to 1 it has
        long memory (fractional Gaussian noise), at 1 each octave of time varies equally (1/f), above
        it the level itself drifts, at 1.5 as a random walk.

    Notes
    -----
    The sum over ``[0, t)`` has the variogram ``|t|**(2 * hurst)``, so that means over intervals have
    closed forms (Mandelbrot and Van Ness, 1968). Above 1 this is a generalised covariance of order
    0 (Matheron, 1973), whose sign changes; at 1 it is the limit, ``-t**2 * log|t|``.
    """

    def rise(lag: Array) -> Array:
        lag = np.abs(lag)
        if hurst == 1:
            return np.asarray(-(lag**2) / 2 * np.log(np.where(lag > 0, lag, 1.0)))
        return np.asarray(np.sign(1 - hurst) / 2 * lag ** (2 * hurst))

    return _by_rise(rise)


def bursts(duration: float) -> Covariance:
    """Return the covariance of a change that is forgotten exponentially, with unit variance.

    Parameters
    ----------
    duration : float
        Time after which 1/e of it is left, in the unit of the intervals.
    """

    def rise(lag: Array) -> Array:  # its second derivative is exp(-|lag| / duration)
        lag = np.abs(lag)
        return np.asarray(duration * lag + duration**2 * np.expm1(-lag / duration))

    return _by_rise(rise)


def cycle(period: float, shares: tuple[float, ...]) -> Covariance:
    """Return the covariance of a rhythm that repeats, with unit variance.

    Parameters
    ----------
    period : float
        Its length, in the unit of the intervals.
    shares : tuple of float
        Share of the variance of each harmonic, from the slowest.
    """
    pace = 2 * np.pi * np.arange(1, len(shares) + 1) / period
    size = np.sqrt(np.array(shares) / sum(shares))

    def waves(start: Array, end: Array) -> Array:
        low, high = start[:, None] * pace, end[:, None] * pace
        both = np.concatenate([np.sin(high) - np.sin(low), np.cos(low) - np.cos(high)], axis=1)
        return np.asarray(both * np.tile(size, 2) / (high - low)[:, list(range(len(pace))) * 2])

    def covariance(start: Array, end: Array, other_start: Array, other_end: Array) -> Array:
        return np.asarray(waves(start, end) @ waves(other_start, other_end).T)

    return covariance


def _by_rise(rise: Callable[[Array], Array]) -> Covariance:
    """Return the covariance of means whose second derivative in time is that of ``rise``."""

    def covariance(start: Array, end: Array, other_start: Array, other_end: Array) -> Array:
        start, end = start[:, None], end[:, None]
        four = (
            rise(other_end - start)
            + rise(end - other_start)
            - rise(other_start - start)
            - rise(other_end - end)
        )
        return np.asarray(four / ((end - start) * (other_end - other_start)))

    return covariance
