"""Moments of the cost of one conversation, in closed form given the number of its calls.

A conversation of ``T`` calls costs ``T`` times its first prompt, each later question as often as it
is sent, each answer once as output and then as often as it is resent, and its reasoning once. Given
``T`` these are independent, so their cumulants add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import comb

import numpy as np
from scipy.special import ndtr

from kimi_planner.workload.quantity import Array, Empirical, Quantity, Scaled, midpoints
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_chances

__all__ = ["ConversationMoments", "Moments", "Nodes", "SampleMoments", "nodes_of"]

Cumulants = tuple[Array, Array, Mapping[tuple[int, int], float]]
Nodes = tuple[Array, Array]  # values that stand for a quantity, and their weights
_NODES = 1024
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
    def of_cumulants(cls, mean: float, second: float, third: float, fourth: float) -> Moments:
        """Return the moments of a cost with these cumulants."""
        if mean == 0:
            return cls(0.0, 0.0, 0.0, 0.0)
        fourth += 3 * second**2
        return cls(mean, second / mean**2, third / mean**3, fourth / mean**4)


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
        self._joint = _joint_pairs(prompt, completion, np.full(len(prompt), 1 / len(prompt)))
        self._uncut = uncut

    def at(self, prompt_weight: float, output_weight: float) -> Moments:
        """Return the moments what tokens cost being given in any unit."""
        found = Moments.of_cumulants(
            *(
                sum(
                    comb(order, i)
                    * prompt_weight**i
                    * output_weight ** (order - i)
                    * self._joint[i, order - i]
                    for i in range(order + 1)
                )
                for order in range(1, _ORDER + 1)
            )
        )
        whole = self._uncut.at(prompt_weight, output_weight)
        share = whole.smooth / whole.variance if whole.variance else 0.0
        return replace(found, smooth=share * found.variance)


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
        smooth = {
            (i, j): value * (of_answer if i else 1) * (of_thought if j else 1)
            for (i, j), value in both.items()
        }
        return first * of_first, followup * of_followup, smooth

    @cached_property
    def _cumulants(self) -> Cumulants:
        """Cumulants of first prompt and follow-up by order, and joint ones of answer and thought."""
        sizes = self.sizes
        cap, visible, reasoning = sizes.cap, sizes.visible.size, sizes.reasoning.size
        first, followup = (
            _joint(*nodes_of(part.size, _NODES)) for part in (sizes.first, sizes.followup)
        )
        if cap is None or reasoning.is_certain or reasoning.mean == 0:
            thought, thought_weights = nodes_of(reasoning, _NODES)
            answer, weights = nodes_of(visible, _NODES)
            if cap is not None:  # reasoning is certain
                thought = np.minimum(thought, cap)
                answer = np.minimum(answer, cap - thought)
            alone, other = _joint(answer, weights), _joint(thought, thought_weights)
            both = {
                (i, j): (alone[i] if not j else other[j] if not i else 0.0)
                for i in range(_ORDER + 1)
                for j in range(_ORDER + 1 - i)
                if i + j
            }
        else:
            thought, thought_weights = nodes_of(reasoning, _PAIR_NODES)
            answer, answer_weights = nodes_of(visible, _PAIR_NODES)
            thoughts = np.minimum(thought, cap)[:, None]
            answers = np.minimum(answer[None, :], cap - thoughts)
            weights = np.outer(thought_weights, answer_weights)
            both = _joint_pairs(answers, np.broadcast_to(thoughts, answers.shape), weights)
        return first, followup, both

    def at(self, prompt_weight: float, output_weight: float) -> Moments:
        """Return the moments what tokens cost being given in any unit."""
        chances, weights = self._chances, (prompt_weight, output_weight)
        mean, second, third, fourth = (
            self._given(order, self._cumulants, *weights) for order in range(1, _ORDER + 1)
        )
        whole = float(chances @ mean)
        if whole == 0:
            return Moments(0.0, 0.0, 0.0, 0.0)
        off = mean - whole
        central = (
            second + off**2,
            third + 3 * second * off + off**3,
            fourth + 3 * second**2 + 4 * third * off + 6 * second * off**2 + off**4,
        )
        smooth = self._given(2, self._smooth, *weights)
        return Moments(
            whole,
            variance=float(chances @ central[0]) / whole**2,
            third=float(chances @ central[1]) / whole**3,
            fourth=float(chances @ central[2]) / whole**4,
            smooth=float(chances @ smooth) / whole**2,
        )

    def _given(
        self, order: int, cumulants: Cumulants, prompt_weight: float, output_weight: float
    ) -> Array:
        """Return the cumulant of the cost of a conversation of 1, 2, 3, … calls."""
        first, followup, both = cumulants
        calls = np.arange(1.0, len(self._chances) + 1)
        scale = output_weight + (calls - 1) * prompt_weight  # of the earliest answer, 0, 1, 2, …
        sent = np.concatenate([[0.0], np.cumsum(calls[:-1] ** order)])
        total = (calls * prompt_weight) ** order * first[order]
        total = total + prompt_weight**order * followup[order] * sent
        for of_answer in range(order + 1):
            joint = both[of_answer, order - of_answer]
            if joint:
                weight = comb(order, of_answer) * output_weight ** (order - of_answer)
                total = total + weight * joint * np.cumsum(scale**of_answer)
        return np.asarray(total)


def _joint(values: Array, weights: Array) -> Array:
    """Return the cumulants of orders 0 to 4, that of order 0 being 0."""
    mean = float(weights @ values)
    apart = values - mean
    second, third, fourth = (float(weights @ apart**order) for order in (2, 3, 4))
    return np.array([0.0, mean, second, third, fourth - 3 * second**2])


def _joint_pairs(first: Array, second: Array, weights: Array) -> dict[tuple[int, int], float]:
    """Return the joint cumulants of two dependent amounts, by their orders."""
    first, second, weights = (np.ravel(values) for values in (first, second, weights))
    means = [float((weights * values).sum()) for values in (first, second)]
    x, y = [weights], [np.ones(len(second))]  # powers, those of the first one weighted
    for _ in range(_ORDER):
        x.append(x[-1] * (first - means[0]))
        y.append(y[-1] * (second - means[1]))
    moments = np.stack(x) @ np.stack(y).T  # a dot product of each two would wait for its threads

    def moment(i: int, j: int) -> float:
        return float(moments[i, j])

    variances = {(i, 2 - i): moment(i, 2 - i) for i in range(3)}
    v, c, w = variances[2, 0], variances[1, 1], variances[0, 2]
    pairs = {(4, 0): 3 * v * v, (3, 1): 3 * v * c, (2, 2): v * w + 2 * c * c, (1, 3): 3 * w * c, (0, 4): 3 * w * w}  # fmt: skip
    return {
        (1, 0): means[0],
        (0, 1): means[1],
        **variances,
        **{(i, 3 - i): moment(i, 3 - i) for i in range(4)},
        **{orders: moment(*orders) - less for orders, less in pairs.items()},
    }


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
        values: Array = quantity.ppf(midpoints(many * 64)).reshape(many, 64).mean(axis=1)
        return values, np.full(many, 1 / many)
    z = np.linspace(-_ENDS, _ENDS, count)
    weights = np.exp(-(z**2) / 2)
    return quantity.ppf(ndtr(z)), weights / weights.sum()


def _plain(quantity: Quantity) -> Quantity:
    """Return the quantity at a factor of 1 on its mean."""
    return quantity.size if isinstance(quantity, Scaled) else quantity
