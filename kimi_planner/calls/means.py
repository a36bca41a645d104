"""Expected tokens of a call where every call fits, in closed form or by quadrature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kimi_planner.workload import Constant, Quantity, Workload
from kimi_planner.workload.drawn import followup_key, parts, turn_means, turns_of
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["CallTokens", "free_tokens"]

_NODES = 64  # for a mean in each of many scenarios
_FINE_NODES = 512  # for one mean
_SLICE = 64


@dataclass(frozen=True)
class CallTokens:
    """Expected tokens of one call: decimals where exact, else arrays over scenarios.

    With a window they are what is billed for one call that is asked for: a refused one is billed
    nothing, one that needs a summary first is billed both.
    """

    prompt: Any
    completion: Any
    reasoning: Any


def free_tokens(workload: Workload, reasons: bool, factors: Mapping[str, Array]) -> CallTokens:
    """Return the expected tokens of a call without a limit, in each scenario.

    Parameters are those of `expected_tokens`.
    """

    def scale(key: str) -> Array:
        return factors.get(key, np.ones(1))

    first, followup, visible, reasoning = parts(workload, reasons)
    answer, thought, completion = _answers(
        visible,
        reasoning,
        workload.max_tokens,
        scale("completion_tokens"),
        scale("reasoning_tokens"),
    )
    prompt = first.mean * scale("prompt_tokens")
    mean, pairs = turn_means(turns_of(workload))
    if pairs:
        added = followup.mean * scale(followup_key(workload)) + answer
        prompt = prompt + pairs / mean * added
    return CallTokens(prompt=prompt, completion=completion, reasoning=thought)


def _answers(
    visible: Quantity,
    reasoning: Quantity,
    cap: int | None,
    visible_scale: Array,
    reasoning_scale: Array,
) -> tuple[Array, Array, Array]:
    """Return the expected visible, reasoning and completion tokens by scenario."""
    if cap is None:
        answer, thought = visible.mean * visible_scale, reasoning.mean * reasoning_scale
        return answer, thought, answer + thought
    if reasoning.mean == 0:
        reasoning_scale = np.ones(1)
    paths = max(len(visible_scale), len(reasoning_scale))
    count = _FINE_NODES if paths == 1 else _NODES
    thoughts = np.minimum(_nodes(reasoning, count) * reasoning_scale[:, None], cap)
    left = cap - thoughts  # for the answer
    answer = _mean_below(_nodes(visible, count), left / visible_scale[:, None])
    answers = np.broadcast_to((answer * visible_scale[:, None]).mean(axis=1), paths)
    thought = np.broadcast_to(thoughts.mean(axis=1), paths)
    return answers, thought, answers + thought


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
        return np.array([float(quantity.value)])
    values: Array = quantity.ppf(midpoints(count * _SLICE)).reshape(count, _SLICE).mean(axis=1)
    values[-1] += (quantity.mean - values.mean()) * count
    values.flags.writeable = False
    return values
