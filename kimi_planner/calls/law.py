"""How the cost of one conversation is distributed, for months of few calls.

Given the number of its calls the parts of a conversation are independent, so their characteristic
functions multiply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kimi_planner.calls.moments import NODES, ConversationMoments, Nodes, answer_nodes, nodes_of
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_chances

LONGEST = 150  # calls of a conversation, beyond which a sample tells the law
_GRID = 2**14
_REACH = 20  # standard deviations on the finest grid
_REACH_MEANS = 50  # means, where that is less
_SCALE = 16  # of the next coarser grid
_MOST_SCALES = 6
_RARE_NODE = 1e-10  # about six standard deviations on the normal scale
_RAREST = 3e-13  # what rounding leaves at the end of a grid
_TILT = 12.0
_ROUNDING = 1e-5

Complex = NDArray[np.complex128]


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


def conversation_law(sizes: Sizes, prompt_weight: float, output_weight: float) -> CostLaw | None:
    """Return how the cost of one conversation is distributed, at factors of 1.

    Parameters
    ----------
    sizes : Sizes
        Of its calls on one model.
    prompt_weight, output_weight : float
        What a prompt and an output token cost, in any unit.

    Returns
    -------
    CostLaw or None
        ``None`` if conversations are so long that a sample must tell it, or cost nothing.
    """
    chances = turn_chances(sizes.turns)
    conversation = ConversationMoments(sizes)
    moments = conversation.at(prompt_weight, output_weight)
    if len(chances) > LONGEST or moments.mean == 0:
        return None
    if moments.is_constant:
        return CostLaw(np.ones(1), np.ones(1), 1.0, 1.0)
    first_nodes, followup = (nodes_of(part.size, NODES) for part in (sizes.first, sizes.followup))
    parts = _Parts(first_nodes, followup, answer_nodes(sizes), prompt_weight, output_weight)
    first, variance = moments.mean, moments.variance * moments.mean**2
    spread = min(_REACH * np.sqrt(variance), _REACH_MEANS * first)
    reach, usual = first + spread, first + 0.4 * spread
    longest = int(np.searchsorted(np.cumsum(chances), 1 - 1e-6))
    mean_of_longest = conversation.given(1, prompt_weight, output_weight)[longest]
    farthest = mean_of_longest + 2 * parts.farthest(longest)
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
    second = 1 + moments.variance
    return CostLaw(relative, weights, second, moments.third + 3 * second - 2)


def _masses(parts: _Parts, chances: Array, step: float) -> Array:
    """Return the chances of multiples of a step, good in the lower half of the grid.

    Costs beyond the grid would come round to its start: weights that fall exponentially along it
    keep them small (Gruebel and Hermesmeier), and are taken out again at the end.
    """
    nothing: Complex = np.zeros(_GRID // 2 + 1, dtype=complex)
    found, later = nothing, nothing + 1
    for resent, chance in enumerate(chances):
        if resent:
            later = later * _transform(parts.followup, resent * parts.prompt_weight, step)
        for nodes in parts.answers(resent):
            later = later * _transform(nodes, 1, step)
        if chance:
            weight = (resent + 1) * parts.prompt_weight
            found = found + chance * later * _transform(parts.first, weight, step)
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
    outputs: list[tuple[Array, Array, Array]]  # as `answer_nodes` returns them
    prompt_weight: float
    output_weight: float

    def farthest(self, resent: int) -> float:
        """Return about the cost of the largest part that one conversation in a billion exceeds."""
        far = max(_far(self.first), _far(self.followup))
        return max((resent + 1) * self.prompt_weight * far, sum(map(_far, self.answers(resent))))

    def answers(self, resent: int) -> list[Nodes]:
        """Return the independent costs that one answer adds, the answer resent so many times."""
        scale = self.output_weight + resent * self.prompt_weight
        return [
            (scale * answer + self.output_weight * thought, weights)
            for answer, thought, weights in self.outputs
        ]


def _far(nodes: Nodes) -> float:
    """Return the largest of the values that are not very rare."""
    values, weights = nodes
    return float(values[weights > _RARE_NODE].max())


def _transform(nodes: Nodes, scale: float, step: float) -> Complex:
    values, weights = scale * nodes[0], nodes[1]
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
