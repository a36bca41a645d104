"""What single calls add to a month: the total of a number of independent conversations.

Given the scenario, a month's total is a compound sum. Its distribution is computed, not drawn call
by call: for a grid of numbers of conversations, from the characteristic function of the cost of
one, by a Fourier transform. A month takes one of up to 4,096 equal shares of that distribution, each
represented by its mean, so that the mean of all scenarios is exact however skewed single calls are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri

from kimi_planner.projection.law import CostLaw, spread_on_grid
from kimi_planner.workload.quantity import Array

__all__ = ["Cells", "Noise", "cell_means"]

MOST_CELLS = 4096
FEWEST, MANY = 1e-4, 1e8  # conversations between which the distribution is transformed
MANY_ALIKE = 1e5  # of one cost each
_GRID = 2**14
_LEFT, _RIGHT = 12, 40  # standard deviations
_CUBIC = 1000  # conversations above which a cost is small against the grid
_RARE = 1e-5  # chance that one of the conversations is beyond the grid
_EXACT_ROWS = 32
_MOST_ROWS = 96
_RATIO = 2**0.25
_CHUNK = 2**14


@dataclass(frozen=True)
class Cells:
    """Equal shares of a distribution, and which of them a month takes in each scenario.

    Attributes
    ----------
    bounds : ndarray, shape (n_cells + 1,)
        From 0 to 1; a cell has as many scenarios as its share of all.
    sorted : ndarray of uint16, shape (n_paths,)
        The cells of all scenarios in order; a month takes a permutation of them.
    """

    bounds: Array
    sorted: NDArray[np.uint16]

    @classmethod
    def of(cls, n_paths: int) -> Cells:
        """Return the cells for a number of scenarios."""
        count = min(MOST_CELLS, n_paths)
        cells = np.arange(n_paths) * count // n_paths
        bounds = np.append(np.searchsorted(cells, np.arange(count)), n_paths) / n_paths
        return cls(bounds, cells.astype(np.uint16))


@dataclass(frozen=True)
class Noise:
    """The factor that single calls put on a month's expected total.

    Attributes
    ----------
    table : ndarray of float32, shape (n_rows, n_cells)
        Mean of the total in each cell, relative to the mean of all; a row for each number of
        conversations.
    counts : ndarray, shape (n_rows,)
        The numbers of conversations, ascending.
    """

    table: NDArray[np.float32]
    counts: Array

    @classmethod
    def of(cls, law: CostLaw, counts: Sequence[Array], cells: Cells, *, at_random: bool) -> Noise:
        """Tabulate the totals for the numbers of conversations that occur.

        Parameters
        ----------
        law : CostLaw
            Cost of one conversation.
        counts : sequence of ndarray
            Expected conversations of each month, by scenario.
        cells : Cells
            Shares of the distribution.
        at_random : bool
            Whether the number is Poisson around its expected value, or certain.
        """
        if all(len(count) == 1 for count in counts) and len(counts) <= _EXACT_ROWS:
            rows = np.unique(np.concatenate([*counts, [FEWEST]]))
        else:
            low = max(FEWEST, min(float(count.min()) for count in counts))
            high = max(low, *(float(count.max()) for count in counts))
            steps = int(np.ceil(np.log(high / low) / np.log(_RATIO))) + 1
            rows = (
                np.geomspace(low, high, min(steps, _MOST_ROWS)) if high > low else np.array([low])
            )
        table = [cell_means(law, float(row), cells.bounds, at_random=at_random) for row in rows]
        return cls(np.array(table, dtype=np.float32), rows)

    def apply(self, usd: Array, counts: Array, cells: NDArray[np.uint16]) -> None:
        """Multiply expected totals by their factors, in place.

        Parameters
        ----------
        usd : ndarray, shape (n_paths,)
            Expected totals of one month.
        counts : ndarray, shape (n_paths,) or (1,)
            Expected conversations of the month.
        cells : ndarray, shape (n_paths,)
            The cell of each scenario.
        """
        if len(counts) == 1:
            row = int(np.abs(self.counts - counts[0]).argmin())
            usd *= self.table[row][cells]
            return
        last = len(self.counts) - 1
        if last == 0:
            usd *= self.table[0][cells]
            return
        flat, width = self.table.ravel(), self.table.shape[1]
        per_log = last / np.log(self.counts[-1] / self.counts[0])
        for start in range(0, len(usd), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            place = np.log(np.maximum(counts[chunk], self.counts[0]) / self.counts[0])
            place *= per_log
            np.minimum(place, last - 1e-6, out=place)
            at = place.astype(np.int32)
            place -= at
            at *= width
            at += cells[chunk]
            lower = flat.take(at)
            at += width
            upper = flat.take(at)
            upper -= lower
            place *= upper
            place += lower
            usd[chunk] *= place


def cell_means(law: CostLaw, count: float, bounds: Array, *, at_random: bool) -> Array:
    """Return the mean of a total in each share of its distribution, relative to the mean of all.

    Parameters
    ----------
    law : CostLaw
        Cost of one conversation.
    count : float
        Expected conversations.
    bounds : ndarray, shape (n + 1,)
        Where the shares end, from 0 to 1.
    at_random : bool
        Whether the number of conversations is Poisson, or certain: a whole number, or else one of
        its two neighbours, so that the mean is met.

    Notes
    -----
    Compound Poisson: the transform of the total is ``exp(count * (f - 1))``, with ``f`` that of one
    cost; a certain number ``n`` gives ``f**n``. Above 1e8 conversations the first three moments
    are enough (Cornish and Fisher). What a grid cuts off far up belongs to the last share.
    """
    whole = np.floor(count)
    chance = count - whole
    if at_random:
        variance, third = count * law.second, count * law.third
    else:
        variance = count * (law.second - 1) + chance * (1 - chance)
        third = count * (law.third - 3 * law.second + 2)
    if count < FEWEST or variance <= 1e-20 * count**2:
        return np.ones(len(bounds) - 1)
    if count > (MANY_ALIKE if law.is_constant else MANY):
        return _from_moments(np.sqrt(variance) / count, third / variance**1.5, bounds)
    spread = np.sqrt(variance)
    if law.is_constant:
        first = max(0.0, np.floor(count - _LEFT * spread - 20))
        values = first + np.arange(np.ceil((_LEFT + 12) * spread) + 60)
        if at_random:
            masses = np.exp(values * np.log(count) - count - gammaln(values + 1))
        else:
            masses = np.maximum(0.0, 1 - np.abs(values - count))
        return _means(values, masses, 0.0, count, bounds)
    rare = int(np.searchsorted(np.cumsum(law.weights), 1 - _RARE / max(count, 1.0)))
    far = float(law.values[min(rare, len(law.values) - 1)])
    bottom = max(0.0, count - _LEFT * spread)
    usual = law.weights[:rare] @ law.values[:rare] ** 2
    top = count + min(_RIGHT * spread, _LEFT * np.sqrt(count * usual) + far)
    step = (top - bottom) / (_GRID - 64)
    places = np.minimum(law.values, 0.95 * (top - count)) / step
    one = np.fft.rfft(spread_on_grid(places, law.weights, _GRID, cubic=count > _CUBIC))
    if at_random:
        total = np.exp(count * (one - 1))
    else:
        with np.errstate(divide="ignore"):
            total = np.exp(whole * np.log(one)) if whole else np.ones_like(one)
        total *= 1 - chance + chance * one
    masses = np.fft.irfft(total, _GRID)
    lowest = int(bottom / step)
    values = (lowest - 32 + np.arange(_GRID)) * step
    masses = np.roll(masses, -((lowest - 32) % _GRID))
    return _means(values, masses, step, count, bounds)


def _means(values: Array, masses: Array, step: float, count: float, bounds: Array) -> Array:
    """Return the means of the shares of masses, each spread evenly over one step of the grid."""
    masses = masses / masses.sum()
    reached = np.maximum.accumulate(np.concatenate([[0.0], np.cumsum(masses)]))
    below = np.concatenate([[0.0], np.cumsum(masses * values)])
    masses = np.diff(reached)
    at = np.clip(np.searchsorted(reached, bounds, side="right") - 1, 0, len(masses) - 1)
    mass = masses[at]
    part = np.clip((bounds - reached[at]) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)
    up_to: Any = below[at] + mass * part * (values[at] - step / 2 * (1 - part))
    up_to = np.maximum(up_to, 0.0)  # a step at 0 reaches below it
    up_to[-1] = count
    means: Array = np.diff(up_to) / np.diff(bounds) / count
    return np.maximum(means, 0.0)


def _from_moments(variation: float, skewness: float, bounds: Array) -> Array:
    z = ndtri(bounds)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    with np.errstate(invalid="ignore"):
        slope = np.where(np.isfinite(z), z * density, 0.0)
    linear, square = -np.diff(density), -np.diff(slope)
    means: Array = 1 + variation * (linear + skewness / 6 * square) / np.diff(bounds)
    return np.maximum(means, 0.0)
