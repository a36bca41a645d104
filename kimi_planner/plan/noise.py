"""What single calls add to a month: the total of a number of independent conversations.

Given the path, a month's total is a compound sum. Of many conversations three moments tell it; of
few, or of a heavy tail, its distribution is computed: for a grid of numbers of conversations, from
the characteristic function of the cost of one, by a Fourier transform. A month then takes one of up
to 4,096 equal shares of that distribution, each represented by its mean, so that the mean of all
paths is exact however skewed single calls are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri

from kimi_planner.calls.law import CostLaw, spread_on_grid
from kimi_planner.calls.moments import Moments
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.workload.quantity import Array, midpoints

#: Largest error of a P10 to P95, relative to the month, for which three moments tell it.
_ERROR = 1e-3

MOST_CELLS = 4096
FEWEST, MANY = 1e-4, 1e8  # conversations between which the distribution is transformed
MANY_ALIKE = 1e5  # of one cost each
_GRID = 2**14
_LEFT, _RIGHT = 12, 40  # standard deviations
_CUBIC = 1000  # conversations above which a cost is small against the grid
_RARE = 1e-5  # chance that one of the conversations is beyond the grid
_MOST_SKEWNESS = 0.8  # more would fold the expansion within 3.7 standard deviations
_MARGIN = 32  # points of the grid kept free at both ends
_EXACT_ROWS = 32
_MOST_ROWS = 48
_RATIO = 2**0.5
_CHUNK = 2**14


def compound_cumulants(moments: Moments, at_random: bool) -> tuple[float, float, float]:
    """Return the cumulants of orders 2 to 4 that one conversation adds to the total, at mean 1."""
    second, third, fourth = moments.variance, moments.third, moments.fourth
    if not at_random:
        return second, third, fourth - 3 * second**2
    return 1 + second, 1 + 3 * second + third, 1 + 6 * second + 4 * third + fourth


def moments_are_enough(moments: Moments, count: float, *, at_random: bool) -> bool:
    """Return whether three moments tell the total of so many conversations to 0.1%, P10 to P95.

    Notes
    -----
    Three things are left out. The next terms of the expansion of Cornish and Fisher: with skewness
    ``g``, excess kurtosis ``k`` and variation ``s`` of the total, at most
    ``s (|k - 4/3 g^2| / 12 + g^2 / 20)``. The steps ``d`` in which a total grows where conversations
    cost nearly the same: half a step, blurred by what is smooth in them. And of a certain number
    that is not whole, that it is one more or less.
    """
    second, third, fourth = compound_cumulants(moments, at_random)
    if second < 1e-20:
        return True
    if count <= 0:
        return False
    spread = (second / count) ** 0.5
    skewness, kurtosis = third / second**1.5 / count**0.5, fourth / second**2 / count
    left_out = spread * (abs(kurtosis - 4 / 3 * skewness**2) / 12 + skewness**2 / 20)
    square = fourth / second if at_random else moments.fourth / second  # of a usual step
    left_out += (
        square**0.5 / 2 / count * math.exp(-2 * math.pi**2 * moments.smooth * count / square)
    )
    if not at_random:
        left_out += 2 * ((second / count + 0.25 / count**2) ** 0.5 - spread)
    return bool(left_out < _ERROR)


class SingleCalls:
    """What single calls add to the months of one load, the same chances for every model.

    Parameters
    ----------
    counts : ndarray, shape (n_months, n_paths) or (n_months, 1)
        Expected conversations.
    order : ndarray of int, shape (n_months, n_paths)
        Which share of the distribution a month takes on each path.
    at_random : bool
        Whether the number of conversations is Poisson around its expected value, or certain.
    """

    def __init__(self, counts: Array, order: Any, *, at_random: bool) -> None:
        self.counts, self.order, self.at_random = counts, order, at_random
        tenth = counts.shape[1] // 10
        self._low = np.partition(counts, tenth, axis=1)[:, tenth].tolist()
        few = 1 / np.maximum(counts, FEWEST)
        scores = ndtri(midpoints(order.shape[1]))  # standard normal, of all paths in order
        scores /= np.sqrt((scores * scores).mean())
        self._linear = np.sqrt(few) * scores[order]
        self._square = few * ((scores * scores - 1) / 6)[order]  # what skewness makes of them
        self._cells = Cells.of(order.shape[1])
        self._tables: dict[object, Noise | None] = {}

    def apply(self, usd: Array, sizes: CallSizes, weights: Sequence[tuple[float, float]]) -> None:
        """Multiply the expected totals of months by what single calls make of them, in place.

        Parameters
        ----------
        usd : ndarray, shape (n_months, n_paths)
            Expected totals.
        sizes : CallSizes
            How large calls are.
        weights : sequence of tuple of float
            What a prompt and an output token cost in each month, in any unit.
        """
        linear, square = np.zeros((2, len(usd), 1))
        for month, (low, pair) in enumerate(zip(self._low, weights, strict=True)):
            moments = sizes.moments(*pair)
            if moments_are_enough(moments, low, at_random=self.at_random):
                second, third, _ = compound_cumulants(moments, self.at_random)
                if second > 1e-20:
                    linear[month], square[month] = second**0.5, third / second
            elif table := self._table(sizes, pair):
                table.apply(usd[month], self.counts[month], self._cells.sorted[self.order[month]])
        usd *= 1 + linear * self._linear + square * self._square

    def _table(self, sizes: CallSizes, weights: tuple[float, float]) -> Noise | None:
        """Return the factors by their computed law; ``None`` if a conversation costs nothing."""
        top = max(weights) or 1.0
        key = (sizes, *(round(weight / top, 12) for weight in weights))
        if key not in self._tables:
            law = sizes.law(*weights)
            self._tables[key] = (
                Noise.of(law, self.counts, self._cells, at_random=self.at_random) if law else None
            )
        return self._tables[key]


@dataclass(frozen=True)
class Cells:
    """Equal shares of a distribution, and which of them a month takes on each path.

    Attributes
    ----------
    bounds : ndarray, shape (n_cells + 1,)
        From 0 to 1; a cell has as many paths as its share of all.
    sorted : ndarray of uint16, shape (n_paths,)
        The cells of all paths in order; a month takes a permutation of them.
    """

    bounds: Array
    sorted: NDArray[np.uint16]

    @classmethod
    def of(cls, n_paths: int) -> Cells:
        """Return the cells for a number of paths."""
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
    step : float
        Step of their logarithms, whose multiples they are; 0 if there is a row for each month.
    """

    table: NDArray[np.float32]
    counts: Array
    step: float

    @classmethod
    def of(
        cls, law: CostLaw, counts: Array | Sequence[Array], cells: Cells, *, at_random: bool
    ) -> Noise:
        """Tabulate the totals for the numbers of conversations that occur.

        Parameters
        ----------
        law : CostLaw
            Cost of one conversation.
        counts : ndarray, shape (n_months, n_paths) or (n_months, 1)
            Expected conversations.
        cells : Cells
            Shares of the distribution.
        at_random : bool
            Whether the number is Poisson around its expected value, or certain.
        """
        step = 0.0
        if np.shape(counts)[1] == 1 and len(counts) <= _EXACT_ROWS:
            rows = np.unique(counts)
        else:
            low = max(FEWEST, float(np.min(counts)))
            high = max(low, float(np.max(counts)))
            step = float(np.log(_RATIO))
            while np.log(high / low) / step > _MOST_ROWS:
                step *= 2
            first, last = np.floor(np.log(low) / step), np.ceil(np.log(high) / step)
            rows = np.exp(step * np.arange(first, last + 2))
        table = [cell_means(law, float(row), cells.bounds, at_random=at_random) for row in rows]
        return cls(np.array(table, dtype=np.float32), rows, step)

    def apply(self, usd: Array, counts: Array, cells: NDArray[np.uint16]) -> None:
        """Multiply expected totals by their factors, in place.

        Parameters
        ----------
        usd : ndarray, shape (n_paths,)
            Expected totals of one month.
        counts : ndarray, shape (n_paths,) or (1,)
            Expected conversations of the month.
        cells : ndarray, shape (n_paths,)
            The cell of each path.
        """
        if self.step == 0:
            row = int(np.abs(self.counts - counts[0]).argmin())
            usd *= self.table[row][cells]
            return
        flat, width = self.table.ravel(), self.table.shape[1]
        first = round(float(np.log(self.counts[0])) / self.step)
        counts = np.broadcast_to(counts, usd.shape)
        for start in range(0, len(usd), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            place = np.log(np.maximum(counts[chunk], FEWEST))
            place /= self.step
            np.clip(place, first, first + len(self.counts) - 2, out=place)
            floor = np.floor(place)
            place -= floor
            at = (floor.astype(np.int32) - first) * width + cells[chunk]
            lower = flat.take(at)
            place *= flat.take(at + width) - lower
            usd[chunk] *= lower + place


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
    if at_random:
        variance, third = count * law.second, count * law.third
    else:
        variance = count * (law.second - 1) + count % 1 * (1 - count % 1)
        third = count * (law.third - 3 * law.second + 2)
    certain = law.is_constant and not at_random
    if certain or count < FEWEST / 100:
        return np.ones(len(bounds) - 1)
    if count > (MANY_ALIKE if law.is_constant else MANY):
        return _from_moments(np.sqrt(variance) / count, third / variance**1.5, bounds)
    if law.is_constant:
        return _alike(count, bounds)
    return _transformed(law, count, float(np.sqrt(variance)), bounds, at_random=at_random)


def _alike(count: float, bounds: Array) -> Array:
    """Return the means of a Poisson number of calls of one cost."""
    spread = np.sqrt(count)
    first = max(0.0, np.floor(count - _LEFT * spread - 20))
    calls = first + np.arange(np.ceil(2 * _LEFT * spread) + 60)
    masses = np.exp(calls * np.log(count) - count - gammaln(calls + 1))
    return _means(calls, masses, 0.0, count, bounds)


def _transformed(
    law: CostLaw, count: float, spread: float, bounds: Array, *, at_random: bool
) -> Array:
    """Return the means by the transform of a grid from far below the mean to far above."""
    rare = int(np.searchsorted(np.cumsum(law.weights), 1 - _RARE / max(count, 1.0)))
    far = float(law.values[: rare + 1][-1])
    usual = float(law.weights[: rare + 1] @ law.values[: rare + 1] ** 2)
    bottom = max(0.0, count - _LEFT * spread)
    top = count + min(_RIGHT * spread, _LEFT * float(np.sqrt(count * usual)) + far)
    step = (top - bottom) / (_GRID - 2 * _MARGIN)
    places: Array = np.minimum(law.values, 0.95 * (top - count)) / step
    whole, chance = np.floor(count), count % 1
    for cubic in (True, False) if count > _CUBIC else (False,):
        one = np.fft.rfft(spread_on_grid(places, law.weights, _GRID, cubic=cubic))
        if at_random:
            total = np.exp(count * (one - 1))
        else:
            with np.errstate(divide="ignore"):
                total = np.exp(whole * np.log(one)) if whole else np.ones_like(one)
            total *= 1 - chance + chance * one
        masses = np.fft.irfft(total, _GRID)
        if masses.min() > -1e-4 * masses.max():  # else a cost is not small against the grid
            break
    lowest = int(bottom / step) - _MARGIN
    values: Array = (lowest + np.arange(_GRID, dtype=np.float64)) * step
    return _means(values, np.roll(masses, -(lowest % _GRID)), step, count, bounds)


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
    skewness = min(skewness, _MOST_SKEWNESS)
    z = ndtri(bounds)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    with np.errstate(invalid="ignore"):
        slope = np.where(np.isfinite(z), z * density, 0.0)
    linear, square = -np.diff(density), -np.diff(slope)
    means: Array = 1 + variation * (linear + skewness / 6 * square) / np.diff(bounds)
    return np.maximum(means, 0.0)
