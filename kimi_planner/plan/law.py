"""How the cost of one conversation is distributed: computed from its parts, or taken from a sample.

A conversation of ``T`` calls costs ``T`` times its first prompt, each later question as often as it
is sent, each answer once as output and then as often as it is resent, and its reasoning once. Given
``T`` these are independent, so moments add up, and characteristic functions multiply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from kimi_planner.workload import Constant, Empirical, Geometric, Quantity, WholeTurns, Workload
from kimi_planner.workload.quantity import Array, midpoints
from kimi_planner.workload.turns import MOST_TURNS

__all__ = ["CostLaw", "conversation_law", "spread_on_grid"]

LONGEST = 150  # calls of a conversation, beyond which a sample tells the law
_GRID = 2**14
_REACH = 20  # standard deviations on the finest grid
_REACH_MEANS = 50  # means, where that is less
_SCALE = 16  # of the next coarser grid
_MOST_SCALES = 6
_NODES = 1024
_PAIR_NODES = 64
_ENDS = 7.5  # on the normal scale
_THIN = 2048
_TURN_GRID = 20_000
_RARE = 1e-7
_RAREST = 3e-13  # what rounding leaves at the end of a grid
_TILT = 12.0
_ROUNDING = 1e-5

Complex = NDArray[np.complex128]
Nodes = tuple[Array, Array]


@dataclass(frozen=True)
class CostLaw:
    """The cost of one conversation, relative to its mean.

    Attributes
    ----------
    values, weights : ndarray, shape (n,)
        Values and their chances, which sum to 1; the rarest are left out.
    second, third
        Raw moments ``E[X**2]`` and ``E[X**3]``, at mean 1.
    """

    values: Array
    weights: Array
    second: float
    third: float

    @property
    def is_constant(self) -> bool:
        """Whether every conversation costs the same."""
        return self.second - 1 < 1e-12

    @classmethod
    def of_sample(cls, costs: Array) -> CostLaw | None:
        """Return the law of equally likely costs, ``None`` if they are nothing."""
        mean = costs.mean()
        if mean == 0:
            return None
        values = np.sort(costs) / mean
        weights = np.full(len(values), 1 / len(values))
        return cls(values, weights, float((values**2).mean()), float((values**3).mean()))


def conversation_law(
    workload: Workload, reasons: bool, prompt_price: float, output_price: float
) -> CostLaw | None:
    """Return how the cost of one conversation is distributed, at factors of 1.

    Parameters
    ----------
    workload : Workload
        What is sent.
    reasons : bool
        Whether the model spends reasoning tokens.
    prompt_price, output_price : float
        Prices of a token, in any unit.

    Returns
    -------
    CostLaw or None
        ``None`` if the cost is nothing.

    Raises
    ------
    OverflowError
        If conversations are so long that the law must be told by a sample.
    """
    chances = _turn_chances(workload)
    if len(chances) > LONGEST:
        raise OverflowError
    parts = _Parts.of(workload, reasons, prompt_price, output_price)
    first, second, third = _moments(parts, chances)
    if first == 0:
        return None
    variance = second - first**2
    if variance <= 1e-12 * second:
        return CostLaw(np.ones(1), np.ones(1), 1.0, 1.0)
    spread = min(_REACH * np.sqrt(variance), _REACH_MEANS * first)
    reach, usual = first + spread, first + 0.4 * spread
    longest = np.searchsorted(np.cumsum(chances), 1 - 1e-6)
    farthest = parts.farthest(int(longest))
    values: list[Array] = []
    masses: list[Array] = []
    below = 0.0
    while True:
        step = reach / _GRID
        mass, places = _masses(parts, chances, step), np.arange(_GRID) * step
        is_last = max(farthest, usual) < reach / 2 or len(values) == _MOST_SCALES - 1
        mass[places < below] = 0
        if not is_last:  # the first point of the next grid has a part of what lies just below it
            mass *= np.clip((reach / 2 - places) / (step * _SCALE), 0.0, 1.0)
        here = (mass > _RAREST) & (places <= reach / 2)
        values.append(places[here])
        masses.append(mass[here])
        if is_last:
            break
        below, reach = reach / 2, reach * _SCALE
    weights = np.concatenate(masses)
    weights /= weights.sum()
    relative = np.concatenate(values) / first
    mean = float(weights @ relative)
    if abs(mean - 1) < _ROUNDING:  # more is a tail that the grids do not reach
        relative /= mean
    return CostLaw(relative, weights, second / first**2, third / first**3)


def _masses(parts: _Parts, chances: Array, step: float) -> Array:
    """Return the chances of multiples of a step, good in the lower half of the grid.

    Costs beyond the grid would come round to its start: weights that fall exponentially along it
    keep them small (Gruebel and Hermesmeier), and are taken out again at the end.
    """
    nothing: Complex = np.zeros(_GRID // 2 + 1, dtype=complex)
    found, later = nothing, nothing + 1
    for resent, chance in enumerate(chances):
        if resent:
            later = later * _transform([parts.followup], [resent * parts.prompt_price], step)
        for nodes, scales in parts.answers(resent):
            later = later * _transform(nodes, scales, step)
        if chance:
            price = (resent + 1) * parts.prompt_price
            found = found + chance * later * _transform([parts.first], [price], step)
    masses: Array = np.maximum(np.fft.irfft(found, _GRID) / _falling(), 0.0)
    return masses


def _falling() -> Array:
    weights: Array = np.exp(-_TILT / _GRID * np.arange(_GRID))
    return weights


@dataclass(frozen=True)
class _Parts:
    """Sizes of the parts of a conversation, as nodes with weights."""

    first: Nodes
    followup: Nodes
    visible: Nodes
    reasoning: Nodes
    cap: int | None
    prompt_price: float
    output_price: float

    @classmethod
    def of(
        cls, workload: Workload, reasons: bool, prompt_price: float, output_price: float
    ) -> _Parts:
        first = workload.quantity("prompt_tokens")
        visible = workload.quantity("completion_tokens")
        reasoning = workload.quantity("reasoning_tokens") if reasons else None
        cap = workload.max_tokens
        paired = cap is not None and reasoning is not None and reasoning.mean > 0
        count = _PAIR_NODES if paired else _NODES
        return cls(
            _nodes(first, _NODES),
            _nodes(workload.quantity("followup_tokens") or first, _NODES),
            _nodes(visible, count),
            _nodes(reasoning, count),
            cap,
            prompt_price,
            output_price,
        )

    def farthest(self, resent: int) -> float:
        """Return about the cost that one conversation in a billion exceeds."""
        far = [nodes[0][int(0.9 * (len(nodes[0]) - 1))] for nodes in (self.first, self.followup)]
        spent = sum(
            scale * float(part[0][int(0.9 * (len(part[0]) - 1))])
            for nodes, scales in self.answers(resent)
            for part, scale in zip(nodes, scales, strict=True)
        )
        return 2 * max((resent + 1) * self.prompt_price * float(max(far)), spent)

    def answers(self, resent: int) -> list[tuple[list[Nodes], list[float]]]:
        """Return the independent amounts that one answer adds, the answer resent so many times.

        Each is a sum of nodes times scales; nodes of one amount have the same weights.
        """
        scale = self.output_price + resent * self.prompt_price
        (visible, chance), (thought, thought_chance) = self.visible, self.reasoning
        if self.cap is None:
            return [([self.visible], [scale]), ([self.reasoning], [self.output_price])]
        if len(thought) == 1:
            thought = np.minimum(thought, self.cap)
            visible = np.minimum(visible, self.cap - thought)
            return [
                ([(visible, chance)], [scale]),
                ([(thought, thought_chance)], [self.output_price]),
            ]
        thoughts = np.minimum(thought, self.cap)[:, None]
        answers = np.minimum(visible, self.cap - thoughts).ravel()
        weights = np.outer(thought_chance, chance).ravel()
        both = np.broadcast_to(thoughts, (len(thought), len(visible))).ravel()
        return [([(answers, weights), (both, weights)], [scale, self.output_price])]


def _moments(parts: _Parts, chances: Array) -> tuple[float, float, float]:
    """Return the first three raw moments of the cost; given ``T`` cumulants add up."""
    raw = np.zeros(3)
    later = np.zeros(3)
    first = _cumulants([parts.first], [parts.prompt_price])
    followup = _cumulants([parts.followup], [parts.prompt_price])
    for resent, chance in enumerate(chances):
        later = later + followup * np.power(float(resent), (1, 2, 3))
        for nodes, scales in parts.answers(resent):
            later = later + _cumulants(nodes, scales)
        mean, variance, third = later + first * np.power(float(resent + 1), (1, 2, 3))
        raw += chance * np.array([mean, variance + mean**2, third + 3 * variance * mean + mean**3])
    return float(raw[0]), float(raw[1]), float(raw[2])


def _cumulants(nodes: Sequence[Nodes], scales: Sequence[float]) -> Array:
    values, weights = _combined(nodes, scales)
    mean = weights @ values
    apart = values - mean
    return np.array([mean, weights @ apart**2, weights @ apart**3])


def _combined(nodes: Sequence[Nodes], scales: Sequence[float]) -> Nodes:
    values = sum(scale * part[0] for part, scale in zip(nodes, scales, strict=True))
    return np.asarray(values), nodes[0][1]


def _transform(nodes: Sequence[Nodes], scales: Sequence[float], step: float) -> Complex:
    values, weights = _combined(nodes, scales)
    if len(values) == 1 and values[0] == 0:
        return np.ones(_GRID // 2 + 1, dtype=complex)
    within = values < step * (_GRID - 1)
    ring = spread_on_grid(values[within] / step, weights[within], _GRID)
    return np.fft.rfft(ring * _falling())


def spread_on_grid(places: Array, weights: Array, size: int, *, cubic: bool = False) -> Array:
    """Put weights at places on a ring of whole numbers.

    Each weight is shared by the two nearest points, which keeps the mean, or by the four nearest as
    in cubic interpolation, which keeps sums up to the cubes; there shares may be below zero.
    """
    left = np.floor(places)
    t = places - left
    shares = {0: 1 - t, 1: t}
    if cubic:
        shares = {
            -1: -t * (t - 1) * (t - 2) / 6,
            0: (t + 1) * (t - 1) * (t - 2) / 2,
            1: -(t + 1) * t * (t - 2) / 2,
            2: (t + 1) * t * (t - 1) / 6,
        }
    point = left.astype(np.int64)
    ring = np.zeros(size)
    for k, share in shares.items():
        ring += np.bincount((point + k) % size, weights * share, minlength=size)
    return ring


def _nodes(quantity: Quantity | None, count: int) -> Nodes:
    """Return values that stand for a quantity, far into its tails, and their weights."""
    if quantity is None or quantity.is_certain:
        return np.array([0.0 if quantity is None else quantity.mean]), np.ones(1)
    if isinstance(quantity, Empirical):
        if len(quantity.values) <= min(_THIN, 2 * count):
            return quantity.values, np.diff(quantity.shares, prepend=0.0)
        many = min(_THIN, 2 * count)
        values: Array = quantity.ppf(midpoints(many * 64)).reshape(many, 64).mean(axis=1)
        return values, np.full(many, 1 / many)
    z = np.linspace(-_ENDS, _ENDS, count)
    weights = np.exp(-(z**2) / 2)
    return quantity.ppf(ndtr(z)), weights / weights.sum()


def _turn_chances(workload: Workload) -> Array:
    """Return the chances of 1, 2, 3, … calls; what is very rare counts as the last."""
    turns = workload.quantity("turns")
    if turns is None or isinstance(turns, Constant):
        calls = 1 if turns is None else int(turns.value)
        return np.append(np.zeros(calls - 1), 1.0)
    if isinstance(turns, Geometric):
        longer = (1 - 1 / turns.expected) ** np.arange(MOST_TURNS)
    elif isinstance(turns, WholeTurns):
        longer = np.append(1.0, turns.tail)
    else:
        counts = np.clip(np.rint(turns.ppf(midpoints(_TURN_GRID))), 1, MOST_TURNS)
        found: Any = np.bincount(counts.astype(np.int64))[1:] / len(counts)
        return np.asarray(found, dtype=np.float64)
    longer = longer[longer > _RARE]
    return -np.diff(np.append(longer, 0.0))
