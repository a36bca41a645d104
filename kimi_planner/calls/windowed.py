"""Expected tokens in a context window that some calls do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from kimi_planner.calls.expected import CallTokens, free_tokens
from kimi_planner.calls.overflow import billed_calls, first_overflows
from kimi_planner.workload.drawn import (
    MAX_SAMPLE_CALLS,
    SAMPLE_CONVERSATIONS,
    CallSample,
    Drawn,
)
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_means, whole_turns

__all__ = ["Cut", "control_mean", "largest_factors", "may_reach", "windowed_tokens"]

_FACTOR_NODES = {0: 1, 1: 25, 2: 9, 3: 5, 4: 4}  # for each uncertain mean, by their number
_CALLS = 400_000  # drawn, over all nodes
_FAR = np.array([3e-6, 1 - 3e-6])  # shares between which factors are followed
_FEWEST, _MOST = 500, 16_384  # conversations at a node


def control_mean(drawn: Array, control: Array, expected: float) -> float:
    """Return the mean of a drawn amount, corrected by one whose expected value is known.

    The two are drawn together, so what the control misses by, the amount misses by in proportion
    to their covariance. Where they are the same, the result is the expected value.
    """
    mean = float(control.mean())
    deviation = control - mean
    variance = float((deviation * deviation).mean())
    varies = variance > (1e-9 * mean) ** 2
    slope = float((drawn * deviation).mean()) / variance if varies else 0.0
    return max(0.0, float(drawn.mean()) + slope * (expected - mean))


def largest_factors(sizes: Sizes) -> dict[str, float]:
    """Return the largest factor that is drawn for each uncertain mean."""
    top = np.array([1 - 0.5 / SAMPLE_CONVERSATIONS])
    return {key: float(factor.ppf(top)[0]) for key, factor in sizes.factors.items()}


def may_reach(sizes: Sizes, factors: Mapping[str, float], window: int) -> bool:
    """Return whether the largest drawn sizes together exceed the window; a bound, cheap to have."""
    turns, _ = turn_means(sizes.turns)
    top = np.array([1 - 0.5 / min(MAX_SAMPLE_CALLS, SAMPLE_CONVERSATIONS * turns)])
    first, followup, visible, reasoning = (
        float(part.size.ppf(top)[0]) * factors.get(part.key, 1.0) for part in sizes.parts
    )
    answer = visible if sizes.cap is None else min(visible, sizes.cap)
    reserved = visible + reasoning if sizes.cap is None else sizes.cap
    later = float(whole_turns(sizes.turns.ppf(top))[0]) - 1
    return first + later * (followup + answer) + reserved > window


def windowed_tokens(
    sizes: Sizes,
    factors: Mapping[str, Any],
    window: int,
    number: Callable[[Any], Any] = float,
) -> CallTokens:
    """Return the expected tokens of a call in a window.

    Parameters are those of `free_tokens`, the factors being those that the sizes have.

    Notes
    -----
    Where no drawn call reaches the window these are its closed forms. A conversation without any
    spread is followed itself, exactly. Otherwise the policy is followed through drawn
    conversations, about 400,000 calls in all, with the closed form as a control variate; what it
    takes off is found at a few values of the factors, and interpolated between them.
    """
    if sizes.is_certain:
        if not may_reach(sizes, {}, window):
            return free_tokens(sizes, factors, number)
        calls = billed_calls(Drawn.certain(sizes, number).calls(), window, sizes.overflow)
        return _means(calls, len(calls.turn))
    free = free_tokens(sizes, factors)
    cut = Cut.of(sizes, window)
    if cut is None:
        return free
    whole = (free.prompt, free.completion, free.reasoning)
    return CallTokens(*map(_left, whole, cut.at(factors)))


@dataclass(frozen=True)
class Cut:
    """What a window takes off the expected tokens of a call, at some factors on uncertain means.

    Attributes
    ----------
    axes
        From the key of an uncertain mean to the factors, ascending; one if it is certain.
    lost : ndarray, shape (*lengths of the axes, 3)
        Prompt, completion and reasoning tokens.
    """

    axes: Mapping[str, Array]
    lost: Array

    @staticmethod
    @lru_cache(maxsize=64)
    def of(sizes: Sizes, window: int) -> Cut | None:
        """Follow the policy of sizes; ``None`` if every drawn call fits."""
        used = {part.key for part in sizes.parts if part.size.mean}
        factors = {key: factor for key, factor in sizes.factors.items() if key in used}
        top = {key: float(factor.ppf(_FAR[1:])[0]) for key, factor in factors.items()}
        if not may_reach(sizes, top, window):
            return None
        uncertain = sum(not factor.is_certain for factor in factors.values())
        count = _FACTOR_NODES[uncertain]
        turns, _ = turn_means(sizes.turns)
        conversations = int(_CALLS / sizes.thin / count**uncertain / turns)
        rng = np.random.default_rng(0)  # points of an integral, the same in every projection
        fewest = _FEWEST // sizes.thin
        drawn = Drawn.draw(sizes, rng, most=max(fewest, min(_MOST, conversations)))
        if not len(first_overflows(drawn.calls(top), window)):
            return None
        axes = {
            key: np.array([factor.mean])
            if factor.is_certain
            else np.geomspace(*factor.ppf(_FAR).tolist(), count)
            for key, factor in factors.items()
        }
        lost = [
            _lost(drawn, window, dict(zip(axes, node, strict=True)))
            for node in product(*axes.values())
        ]
        return Cut(axes, np.array(lost).reshape(*map(len, axes.values()), 3))

    def at(self, factors: Mapping[str, Any]) -> list[Any]:
        """Return what is lost at the factors of each path, linear between those of the axes."""
        spread = [key for key, axis in self.axes.items() if len(axis) > 1]
        flat = self.lost.reshape(*(len(self.axes[key]) for key in spread), 3)
        if not spread:
            return list(flat)
        axes = [self.axes[key] for key in spread]
        if len(spread) == 1:
            at = factors.get(spread[0], 1.0)
            return [np.interp(at, axes[0], column) for column in flat.T]
        from scipy.interpolate import RegularGridInterpolator

        values = np.broadcast_arrays(*(np.atleast_1d(factors.get(key, 1.0)) for key in spread))
        points = np.stack(
            [np.clip(one, axis[0], axis[-1]) for one, axis in zip(values, axes, strict=True)], -1
        )
        return list(np.asarray(RegularGridInterpolator(axes, flat)(points)).T)


def _means(calls: CallSample, count: int) -> CallTokens:
    thought = calls.completion - calls.answer
    return CallTokens(*(sum(one.tolist()) / count for one in (calls.prompt, calls.completion, thought)))  # fmt: skip


def _left(free: Any, lost: Any) -> Any:
    """Return what is left, 0 where it is only the rounding of a difference."""
    left = free - lost
    return np.where(left > 1e-12 * free, left, 0.0)


def _lost(drawn: Drawn, window: int, factors: dict[str, float]) -> list[float]:
    """Return by how much a call's expected tokens fall: prompt, completion and reasoning."""
    sample = drawn.calls(factors)
    billed = billed_calls(sample, window, drawn.sizes.overflow)
    if billed is sample:
        return [0.0, 0.0, 0.0]
    free = free_tokens(drawn.sizes, factors)
    turns, _ = turn_means(drawn.sizes.turns)

    def fall(billed_tokens: Array, full: Array, expected: float) -> float:
        total = expected * turns
        left = control_mean(sample.sums(billed_tokens), sample.sums(full), total)
        return (total - left) / turns

    return [
        fall(billed.prompt, sample.prompt, free.prompt),
        fall(billed.completion, sample.completion, free.completion),
        fall(
            billed.completion - billed.answer,
            sample.completion - sample.answer,
            free.reasoning,
        ),
    ]
