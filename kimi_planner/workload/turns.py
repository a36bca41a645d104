"""Turns by mean and standard deviation: whole numbers from 1, with exactly that mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from kimi_planner.workload.quantity import Array, Constant, Geometric, Quantity

MOST_TURNS = 10_000  # of one conversation, however long its tail
_GRID = 20_000
_RARE = 1e-7  # share of conversations that are longer than the longest one counted


@dataclass(frozen=True)
class WholeTurns(Quantity):
    """Calls of a conversation: one, and a lognormal number more that is rounded at random.

    Attributes
    ----------
    expected
        The mean, above 1.
    sd
        Standard deviation of the lognormal part.
    given
        How the quantity was described.

    Notes
    -----
    ``T = 1 + floor(Z)``, or one more with the fraction of ``Z`` as its chance, so the mean of ``T``
    is that of ``1 + Z``. With ``c(k) = E[max(Z - k, 0)]``, in closed form for the lognormal,
    ``P(T > t) = c(t - 1) - c(t)``. Rounding adds at most 1/4 to the variance. A conversation has
    at most 10,000 turns.
    """

    expected: float
    sd: float
    given: str

    @cached_property
    def tail(self) -> Array:
        """``P(T > t)`` for ``t`` from 1 to 10,000, the last of them 0."""
        more = self.expected - 1
        sigma = math.sqrt(math.log1p((self.sd / more) ** 2))
        k = np.arange(1, MOST_TURNS)
        d = (math.log(more) - np.log(k)) / sigma
        excess = more * ndtr(d + sigma / 2) - k * ndtr(d - sigma / 2)
        chances = -np.diff(np.concatenate([[more], excess]))
        return np.append(np.minimum.accumulate(np.clip(chances, 0.0, 1.0)), 0.0)

    def ppf(self, share: Array) -> Array:
        """Return the quantiles at the given shares; whole numbers."""
        reached = np.searchsorted(1 - self.tail, share, side="left")
        return np.minimum(reached, MOST_TURNS - 1) + 1.0

    @cached_property
    def mean(self) -> float:
        """The expected value."""
        return 1 + float(self.tail.sum())

    @cached_property
    def mean_pairs(self) -> float:
        """Expected number of pairs of an earlier and a later turn, ``E[T (T - 1) / 2]``."""
        return float(self.tail @ np.arange(1, MOST_TURNS + 1))

    def describe(self) -> str:
        """Return the moments it was given by."""
        return f"{self.given}, whole turns"


def turn_means(turns: Quantity) -> tuple[float, float]:
    """Return the expected number of turns, and of pairs of an earlier and a later turn."""
    if isinstance(turns, Geometric | WholeTurns):
        return turns.mean, turns.mean_pairs
    if isinstance(turns, Constant):
        return turns.mean, turns.mean * (turns.mean - 1) / 2
    counts = whole_turns(turns.spread(_GRID))
    return float(counts.mean()), float((counts * (counts - 1) / 2).mean())


def turn_chances(turns: Quantity) -> Array:
    """Return the chances of 1, 2, 3, … calls; what is very rare counts as the last."""
    if isinstance(turns, Constant):
        return np.append(np.zeros(int(turns.value) - 1), 1.0)
    if isinstance(turns, Geometric):
        goes_on = 1 - 1 / turns.expected
        likely = 1 + math.log(_RARE) / math.log(goes_on) if goes_on else 1
        longer = goes_on ** np.arange(min(MOST_TURNS, 1 + int(likely)))
    elif isinstance(turns, WholeTurns):
        longer = np.append(1.0, turns.tail)
    else:
        counts = whole_turns(turns.spread(_GRID)).astype(np.int64)
        return np.asarray(np.bincount(counts)[1:] / len(counts), dtype=np.float64)
    longer = longer[longer > _RARE]
    return -np.diff(np.append(longer, 0.0))


def whole_turns(values: Array) -> Array:
    """Return whole turns, at least one."""
    whole: Array = np.clip(np.rint(values), 1.0, MOST_TURNS)
    return whole
