"""Moments of the cost of one conversation, in closed form given the number of its calls.

A conversation of ``T`` calls costs ``T`` times its first prompt, each later question as often as it
is sent, each answer once as output and then as often as it is resent, and its reasoning once. Given
``T`` these are independent, so their cumulants add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb
from typing import Any

import numpy as np
from scipy.special import ndtr

from kimi_planner.workload.quantity import Array, Empirical, Quantity, Scaled
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_chances

Cumulants = tuple[Array, Array, Array]
Nodes = tuple[Array, Array]  # values that stand for a quantity, and their weights
NODES = 1024
_PAIR_NODES = 128
_ENDS = 7.5  # on the normal scale
_THIN = 2048
_ORDER = 4


@dataclass(frozen=True)
class Moments:
    """How a cost is spread: its mean, and the others relative to it.

    Attributes
    ----------
    mean
        In the unit of what tokens cost.
    variance, third, fourth
        Central moments at mean 1.
    smooth
        The part of the variance that comes of sizes without atoms, given the number of calls: what
        blurs the steps in which a total grows from one conversation to the next.
    """

    mean: float
    variance: float
    third: float
    fourth: float
    smooth: float = 0.0

    @property
    def is_constant(self) -> bool:
        """Whether every conversation costs the same."""
        return self.variance < 1e-12

    @classmethod
    def of_central(
        cls, mean: float, second: float, third: float, fourth: float, smooth: float
    ) -> Moments:
        """Return the moments of a cost with these central ones."""
        if mean == 0:
            return cls(0.0, 0.0, 0.0, 0.0)
        return cls(mean, second / mean**2, third / mean**3, fourth / mean**4, smooth / mean**2)


class SampleMoments:
    """Moments of the cost of conversations that were drawn.

    Parameters
    ----------
    prompt, completion : ndarray, shape (conversations,)
        Tokens of each.
    uncut : ConversationMoments
        Those of the conversations where every call fits, which tell how smooth they are.
    """

    def __init__(self, prompt: Array, completion: Array, uncut: ConversationMoments) -> None:
        self._joint = _joint(prompt, completion, np.full(len(prompt), 1 / len(prompt)))
        self._uncut = uncut

    def at(self, prompt_weight: float, output_weight: float) -> Moments:
        """Return the moments what tokens cost being given in any unit."""
        mean, second, third, fourth = (
            _of_sum(self._joint, order, prompt_weight, output_weight)
            for order in range(1, _ORDER + 1)
        )
        whole = self._uncut.at(prompt_weight, output_weight)
        share = whole.smooth / whole.variance if whole.variance else 0.0
        return Moments.of_central(mean, second, third, fourth + 3 * second**2, share * second)


@dataclass(frozen=True)
class ConversationMoments:
    """Moments of the cost of a conversation of sizes, every call fitting, at factors of 1."""

    sizes: Sizes

    @cached_property
    def _chances(self) -> Array:
        return turn_chances(self.sizes.turns)

    @cached_property
    def _smooth(self) -> Cumulants:
        """The cumulants, those of sizes with atoms being nothing."""
        first, followup, both = self._cumulants
        of_first, of_followup, of_answer, of_thought = (
            float(not isinstance(_plain(part.size), Empirical)) for part in self.sizes.parts
        )
        if self.sizes.cap is not None:  # which both go into
            of_answer = of_thought = of_answer * of_thought
        smooth = both * np.outer([1, *_ORDER * [of_answer]], [1, *_ORDER * [of_thought]])
        return first * of_first, followup * of_followup, smooth

    @cached_property
    def _cumulants(self) -> Cumulants:
        """Cumulants of first prompt and follow-up by order, and joint ones of answer and thought."""
        first, followup = (
            _joint(values, np.zeros_like(values), weights)[:, 0]
            for values, weights in (
                nodes_of(part.size, NODES) for part in (self.sizes.first, self.sizes.followup)
            )
        )
        return (
            first,
            followup,
            np.sum([_joint(*nodes) for nodes in answer_nodes(self.sizes)], axis=0),
        )

    def at(self, prompt_weight: float, output_weight: float) -> Moments:
        """Return the moments what tokens cost being given in any unit."""
        chances, weights = self._chances, (prompt_weight, output_weight)
        mean, second, third, fourth = (
            self.given(order, *weights) for order in range(1, _ORDER + 1)
        )
        whole = float(chances @ mean)
        off = mean - whole
        central = (
            second + off**2,
            third + 3 * second * off + off**3,
            fourth + 3 * second**2 + 4 * third * off + 6 * second * off**2 + off**4,
            self.given(2, *weights, self._smooth),
        )
        return Moments.of_central(whole, *(float(chances @ moment) for moment in central))

    def given(
        self,
        order: int,
        prompt_weight: float,
        output_weight: float,
        cumulants: Cumulants | None = None,
    ) -> Array:
        """Return the cumulant of the cost of a conversation of 1, 2, 3, … calls."""
        first, followup, both = cumulants or self._cumulants
        resent = np.arange(len(self._chances)) * prompt_weight  # cost of the earliest answer again
        answers = _of_sum(both, order, output_weight + resent, output_weight)
        opening = first[order] * (resent + prompt_weight) ** order
        return np.asarray(opening + np.cumsum(followup[order] * resent**order + answers))


def _of_sum(joint: Array, order: int, first_weight: Any, second_weight: float) -> Any:
    """Return the cumulant of the weighted sum of two amounts."""
    return sum(
        comb(order, i) * first_weight**i * second_weight ** (order - i) * joint[i, order - i]
        for i in range(order + 1)
    )


def _joint(first: Array, second: Array, weights: Array) -> Array:
    """Return the joint cumulants of two amounts, by their orders, which are at most 4 together."""
    means = [float((weights * values).sum()) for values in (first, second)]
    x, y = np.empty((2, 1 + _ORDER, len(weights)))
    x[0], y[0] = weights, 1.0
    for order in range(_ORDER):
        np.multiply(x[order], first - means[0], out=x[order + 1])
        np.multiply(y[order], second - means[1], out=y[order + 1])
    found: Array = x @ y.T  # a dot product of each two would wait for its threads
    v, c, w = found[2, 0], found[1, 1], found[0, 2]
    of_pairs = [3 * v * v, 3 * v * c, v * w + 2 * c * c, 3 * w * c, 3 * w * w]
    found[range(4, -1, -1), range(5)] -= of_pairs
    found[1, 0], found[0, 1] = means
    return found


def answer_nodes(sizes: Sizes) -> list[tuple[Array, Array, Array]]:
    """Return the independent amounts of one answer: its text, its reasoning, and their weights.

    They are one amount where a cap leaves the text what reasoning has not spent.
    """
    cap, visible, reasoning = sizes.cap, sizes.visible.size, sizes.reasoning.size
    together = cap is not None and not _plain(reasoning).is_certain and reasoning.mean > 0
    count = _PAIR_NODES if together else NODES
    (answer, weights), (thought, thought_weights) = (
        nodes_of(size, count) for size in (visible, reasoning)
    )
    limit = np.inf if cap is None else cap
    thought = np.minimum(thought, limit)
    if together:
        thoughts, answers = np.repeat(thought, len(answer)), np.tile(answer, len(thought))
        both = np.outer(thought_weights, weights).ravel()
        return [(np.minimum(answers, limit - thoughts), thoughts, both)]
    if cap is not None:  # reasoning is certain
        answer = np.minimum(answer, cap - thought)
    return [
        (answer, np.zeros_like(answer), weights),
        (np.zeros_like(thought), thought, thought_weights),
    ]


@lru_cache(maxsize=256)
def nodes_of(quantity: Quantity, count: int) -> Nodes:
    """Return values that stand for a quantity, far into its tails, and their weights."""
    quantity = _plain(quantity)
    if quantity.is_certain:
        return np.array([quantity.mean]), np.ones(1)
    if isinstance(quantity, Empirical):
        if len(quantity.values) <= min(_THIN, 2 * count):
            return quantity.values, np.diff(quantity.shares, prepend=0.0)
        many = min(_THIN, 2 * count)
        values: Array = quantity.spread(many * 64).reshape(many, 64).mean(axis=1)
        return values, np.full(many, 1 / many)
    z = np.linspace(-_ENDS, _ENDS, count)
    weights = np.exp(-(z**2) / 2)
    return quantity.ppf(ndtr(z)), weights / weights.sum()


def _plain(quantity: Quantity) -> Quantity:
    """Return the quantity at a factor of 1 on its mean."""
    return quantity.size if isinstance(quantity, Scaled) else quantity
