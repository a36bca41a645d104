"""Expected tokens in a context window that some calls do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

import numpy as np

from kimi_planner.calls.expected import CallTokens, free_tokens
from kimi_planner.calls.overflow import billed_calls, first_overflows
from kimi_planner.workload.drawn import MAX_SAMPLE_CALLS, SAMPLE_CONVERSATIONS, CallSample, Drawn
from kimi_planner.workload.quantity import Array, Constant, Quantity
from kimi_planner.workload.resolve import Sizes
from kimi_planner.workload.turns import turn_chances, turn_means, whole_turns

_FACTOR_NODES = {0: 1, 1: 25, 2: 7, 3: 4, 4: 3}  # for each uncertain mean, by their number
_OUTPUTS = 64  # lengths of an answer, and of its reasoning
DRAWN_CALLS = 400_000  # over all values of the factors
_FAR = {1: 3e-6}  # share of factors beyond the last value, by the number of uncertain means
_FEWEST, _MOST = 16, 4_096  # conversations at a node
_RARE = 3e-3


def control_mean(drawn: Array, control: Array, expected: Any) -> Any:
    """Return the mean of a drawn amount, corrected by one whose expected value is known.

    The two are drawn together, so what the control misses by, the amount misses by in proportion
    to their covariance. Where they are the same, the result is the expected value. Of a matrix
    each row has its own mean.
    """
    mean = control.mean(axis=-1)
    deviation = control - np.expand_dims(mean, -1)
    variance = (deviation * deviation).mean(axis=-1)
    varies = variance > (1e-9 * mean) ** 2
    slope = (drawn * deviation).mean(axis=-1) / np.where(varies, variance, 1.0)
    return np.maximum(0.0, drawn.mean(axis=-1) + np.where(varies, slope, 0.0) * (expected - mean))


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
    reserved = float(sizes.reserved(visible + reasoning))
    later = float(whole_turns(sizes.turns.ppf(top))[0]) - 1
    return first + later * (followup + answer) + reserved > window


def windowed_tokens(
    sizes: Sizes,
    factors: Mapping[str, Any],
    window: int,
    number: Callable[[Any], Any] = float,
    drawn_calls: int = DRAWN_CALLS,
) -> CallTokens:
    """Return the expected tokens of a call in a window.

    Parameters are those of `free_tokens`, the factors being those that the sizes have.

    Notes
    -----
    Where no drawn call reaches the window these are its closed forms. A conversation without any
    spread is followed itself, exactly; single calls have a quadrature. Otherwise the policy is followed through drawn
    conversations, about ``drawn_calls`` calls in all, with the closed form as a control variate; what it
    takes off is found at a few values of the factors, and interpolated between them.
    """
    if sizes.is_certain:
        if not may_reach(sizes, {}, window):
            return free_tokens(sizes, factors, number)
        calls = billed_calls(Drawn.certain(sizes, number).calls(), window, sizes.overflow)
        return _means(calls, number)
    free = free_tokens(sizes, factors)
    cut = Cut.of(sizes, window, drawn_calls)
    if cut is None:
        return free
    return CallTokens(*map(_left, vars(free).values(), cut.at(factors)))


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
    def of(sizes: Sizes, window: int, drawn_calls: int) -> Cut | None:
        """Follow the policy of sizes; ``None`` if every drawn call fits."""
        used = {part.key for part in sizes.parts if part.size.mean}
        factors = {key: factor for key, factor in sizes.factors.items() if key in used}
        uncertain = sum(not factor.is_certain for factor in factors.values())
        far = _FAR.get(uncertain, 1e-3)
        ends = {key: factor.ppf(np.array([far, 1 - far])) for key, factor in factors.items()}
        top = {key: float(high) for key, (_, high) in ends.items()}
        if not may_reach(sizes, top, window):
            return None
        count = _FACTOR_NODES[uncertain]
        turns, _ = turn_means(sizes.turns)
        if turns == 1:
            follow = partial(_refused, sizes, window)
        else:
            reached = _reached(sizes.turns)
            longest = replace(sizes, turns=Constant(Decimal(len(reached))))
            conversations = int(drawn_calls / count**uncertain / len(reached))
            rng = np.random.default_rng(0)  # points of an integral, the same in every projection
            drawn = Drawn.draw(longest, rng, most=max(_FEWEST, min(_MOST, conversations)))
            if not len(first_overflows(drawn.calls(top), window)):
                return None
            follow = partial(_lost, drawn, window, sizes, reached)
        axes = {
            key: np.array([high]) if low == high else np.geomspace(low, high, count)
            for key, (low, high) in ends.items()
        }
        grid = np.meshgrid(*axes.values(), indexing="ij")
        nodes = {key: values.ravel() for key, values in zip(axes, grid, strict=True)}
        return Cut(axes, follow(nodes).reshape(*map(len, axes.values()), 3))

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


def _refused(sizes: Sizes, window: int, nodes: Mapping[str, Array]) -> Array:
    """Return by how much a call's expected tokens fall: prompt, completion and reasoning.

    Calls without a history that do not fit are refused, whatever the policy.
    """
    prompts = sizes.first.size.spread(SAMPLE_CONVERSATIONS)
    beyond = np.append(np.cumsum(prompts[::-1])[::-1], 0.0) / len(prompts)
    answers, thoughts = (part.size.spread(_OUTPUTS) for part in sizes.parts[2:])
    limit = np.inf if sizes.cap is None else sizes.cap

    def lost(factors: Mapping[str, float]) -> list[float]:
        scale, _, of_text, of_thought = (factors.get(part.key, 1.0) for part in sizes.parts)
        thought = np.minimum(np.repeat(of_thought * thoughts, _OUTPUTS), limit)
        completion = thought + np.minimum(np.tile(of_text * answers, _OUTPUTS), limit - thought)
        reserved = sizes.reserved(completion)
        fits = np.searchsorted(prompts, (window - reserved) / scale, side="right")
        refused = 1 - fits / len(prompts)
        return [
            scale * float(beyond[fits].mean()),
            float((refused * completion).mean()),
            float((refused * thought).mean()),
        ]

    points = zip(*nodes.values(), strict=True) if nodes else [()]
    return np.array([lost(dict(zip(nodes, point, strict=True))) for point in points])


def _means(calls: CallSample, number: Callable[[Any], Any]) -> CallTokens:
    sums = (number(sum(tokens.tolist())) for tokens in calls.billed)
    return CallTokens(*(whole / len(calls.turn) for whole in sums))


def _left(free: Any, lost: Any) -> Any:
    """Return what is left, 0 where it is only the rounding of a difference."""
    left = free - lost
    return np.where(left > 1e-12 * free, left, 0.0)


def _reached(turns: Quantity) -> Array:
    """Return the chance that a conversation has a first, second, third, … call.

    What fewer than three in 1,000 conversations reach counts as one more of the last of these.
    """
    reached = np.cumsum(turn_chances(turns)[::-1])[::-1]
    longest = int(np.count_nonzero(reached >= _RARE))
    return np.append(reached[: longest - 1], reached[longest - 1 :].sum())


def _lost(
    drawn: Drawn, window: int, sizes: Sizes, reached: Array, nodes: Mapping[str, Array]
) -> Array:
    """Return by how much a call's expected tokens fall: prompt, completion and reasoning.

    Every conversation is followed to its longest; a call counts by the chance that it is made.
    """
    free = free_tokens(sizes, nodes)
    sample = drawn.repeated(nodes).calls()
    billed = billed_calls(sample, window, sizes.overflow)
    weights = reached[sample.turn - 1] / reached.sum()
    rows = -1, len(drawn.opening)

    lost = []
    amounts = zip(billed.billed, sample.billed, vars(free).values(), strict=True)
    for left, full, expected in amounts:
        amount, control = (sample.sums(tokens * weights).reshape(rows) for tokens in (left, full))
        lost.append(np.atleast_1d(expected - control_mean(amount, control, expected)))
    return np.stack(lost, axis=-1)
