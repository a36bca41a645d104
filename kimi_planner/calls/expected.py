"""Expected tokens of a call where every call fits, in closed form or by quadrature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kimi_planner.workload.quantity import Array, Constant, Quantity
from kimi_planner.workload.resolve import Part, Sizes
from kimi_planner.workload.turns import turn_means

#: A fraction where all is exact, else a float, or an array over paths.
Number = Any

_NODES = 64  # for a mean on each of many paths
_FINE_NODES = 512  # for few means
_KNOTS = 256  # factors between which a mean is interpolated
_SLICE = 64


@dataclass(frozen=True)
class CallTokens:
    """Expected tokens of one call: exact numbers, floats, or arrays over paths.

    With a window they are what is billed for one call that is asked for: a refused one is billed
    nothing, one that needs a summary first is billed both.
    """

    prompt: Number
    completion: Number
    reasoning: Number


def free_tokens(
    sizes: Sizes, factors: Mapping[str, Number], number: Callable[[Any], Number] = float
) -> CallTokens:
    """Return the expected tokens of a call without a limit.

    Parameters
    ----------
    sizes : Sizes
        Of the calls on one model.
    factors : mapping of str to number or ndarray, shape (n_paths,)
        For each uncertain mean, the factor on it.
    number : type
        ``Fraction`` for exact numbers, where no size has a spread.
    """

    def scale(part: Part) -> Number:
        return factors.get(part.key, number(1))

    first, followup, visible, reasoning = sizes.parts
    if sizes.cap is None:
        answer = visible.size.as_number(number) * scale(visible)
        thought = reasoning.size.as_number(number) * scale(reasoning)
    elif isinstance(visible.size, Constant) and isinstance(reasoning.size, Constant):
        thought = np.minimum(reasoning.size.as_number(number), number(sizes.cap))
        answer = np.minimum(visible.size.as_number(number), sizes.cap - thought)
    else:
        answer, thought = _cut(sizes, sizes.cap, scale(visible), scale(reasoning))
    prompt = first.size.as_number(number) * scale(first)
    if isinstance(sizes.turns, Constant):
        later = (sizes.turns.as_number(number) - 1) / 2
    else:
        turns, pairs = turn_means(sizes.turns)
        later = pairs / turns
    if later:
        prompt = prompt + later * (followup.size.as_number(number) * scale(followup) + answer)
    return CallTokens(prompt=prompt, completion=answer + thought, reasoning=thought)


def _cut(sizes: Sizes, cap: int, visible_scale: Any, reasoning_scale: Any) -> tuple[Number, Number]:
    """Return the expected visible and reasoning tokens under the cap."""
    visible, reasoning = sizes.visible.size, sizes.reasoning.size
    if reasoning.mean == 0:
        reasoning_scale = 1.0
    scales = [np.atleast_1d(one)[:, None] for one in (visible_scale, reasoning_scale)]
    lengths = sorted(len(one) for one in scales)
    if lengths[0] == 1 and lengths[1] > _KNOTS:
        varied = np.ravel(scales[0] if len(scales[0]) > 1 else scales[1])
        knots = np.geomspace(max(varied.min(), 1e-9 * varied.max()), varied.max(), _KNOTS)
        at = [knots if len(one) > 1 else float(one[0, 0]) for one in scales]
        answer, thought = (np.broadcast_to(one, _KNOTS) for one in _cut(sizes, cap, *at))
        return np.interp(varied, knots, answer), np.interp(varied, knots, thought)
    count = _FINE_NODES if lengths[1] <= _KNOTS else _NODES
    thoughts = np.minimum(_nodes(reasoning, count) * scales[1], cap)
    left = (cap - thoughts) / scales[0]  # for the answer
    answers = (_mean_below(_nodes(visible, count), left) * scales[0]).mean(axis=1)
    thought = thoughts.mean(axis=1)
    return (
        answers if len(answers) > 1 else float(answers[0]),
        thought if len(thought) > 1 else float(thought[0]),
    )


def _mean_below(nodes: Array, bounds: Array) -> Array:
    """Return the mean of ``min(node, bound)`` over equally likely nodes, for each bound.

    As a function of the bound it is linear between the nodes.
    """
    knots = np.concatenate([[0.0], np.sort(nodes)])
    above = np.arange(len(nodes), 0, -1) / len(nodes)
    means = np.concatenate([[0.0], np.cumsum(np.diff(knots) * above)])
    return np.asarray(np.interp(bounds, knots, means))


@lru_cache(maxsize=128)
def _nodes(quantity: Quantity, count: int) -> Array:
    """Return equally likely values that stand for a quantity, with exactly its mean."""
    if isinstance(quantity, Constant):
        return np.array([quantity.mean])
    values: Array = quantity.spread(count * _SLICE).reshape(count, _SLICE).mean(axis=1)
    values[-1] += (quantity.mean - values.mean()) * count
    values.flags.writeable = False
    return values
