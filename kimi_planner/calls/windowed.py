"""Expected tokens in a context window that some calls do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from kimi_planner.calls.means import CallTokens, free_tokens
from kimi_planner.calls.overflow import billed_calls, first_overflows
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.drawn import (
    MAX_SAMPLE_CALLS,
    SAMPLE_CONVERSATIONS,
    Drawn,
    followup_key,
    parts,
    turn_means,
    turns_of,
    whole_turns,
)
from kimi_planner.workload.quantity import Array

__all__ = ["control_mean", "largest_factors", "may_reach", "overflows", "windowed_tokens"]

_FACTOR_NODES = {0: 1, 1: 25, 2: 9, 3: 5, 4: 4}  # for each uncertain mean, by their number
_NODE_CONVERSATIONS = 16_384
_ALL_CALLS = 20_000_000  # over all nodes


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


def _sizes(workload: Workload, reasons: bool) -> list[tuple[str, Quantity]]:
    """Return the sizes of a call, each with the key of its factor."""
    keys = ("prompt_tokens", followup_key(workload), "completion_tokens", "reasoning_tokens")
    return list(zip(keys, parts(workload, reasons), strict=True))


def largest_factors(workload: Workload) -> dict[str, float]:
    """Return the largest factor that is drawn for each uncertain mean."""
    top = np.array([1 - 0.5 / SAMPLE_CONVERSATIONS])
    return {
        key: float(quantity.factor.ppf(top)[0])
        for key, quantity in _sizes(workload, reasons=True)
        if quantity.factor is not None
    }


def may_reach(workload: Workload, reasons: bool, factors: Mapping[str, float], window: int) -> bool:
    """Return whether the largest drawn sizes together exceed the window; a bound, cheap to have."""
    turns, _ = turn_means(turns_of(workload))
    top = np.array([1 - 0.5 / min(MAX_SAMPLE_CALLS, SAMPLE_CONVERSATIONS * turns)])
    first, followup, visible, reasoning = (
        float(part.ppf(top)[0]) * factors.get(key, 1.0) for key, part in _sizes(workload, reasons)
    )
    cap = workload.max_tokens
    answer = visible if cap is None else min(visible, cap)
    reserved = visible + reasoning if cap is None else cap
    later = float(whole_turns(turns_of(workload).ppf(top))[0]) - 1
    return first + later * (followup + answer) + reserved > window


def overflows(workload: Workload, reasons: bool, window: int | None) -> bool:
    """Return whether some drawn call at factor 1 does not fit the window."""
    if window is None or not may_reach(workload, reasons, {}, window):
        return False
    drawn = Drawn.draw(workload, reasons, np.random.default_rng(0))
    return len(first_overflows(drawn.calls(), window)) > 0


def windowed_tokens(
    workload: Workload,
    reasons: bool,
    factors: Mapping[str, Array],
    window: int,
    free: CallTokens,
) -> CallTokens:
    """Return the expected tokens in a window, from ``free``, those without a limit.

    What the policy takes off is found for single values of the factors, and interpolated between
    them. The other parameters are those of `expected_tokens`.
    """
    used = {key for key, part in _sizes(workload, reasons) if part.mean}
    factors = {key: values for key, values in factors.items() if key in used}
    top = {key: float(values.max()) for key, values in factors.items()}
    if not may_reach(workload, reasons, top, window):
        return free
    spread = [key for key, values in factors.items() if values.min() < values.max()]
    count = _FACTOR_NODES[len(spread)]
    nodes = count ** len(spread)
    turns, _ = turn_means(turns_of(workload))
    drawn = Drawn.draw(
        workload,
        reasons,
        np.random.default_rng(0),  # points of an integral, the same in every projection
        most=min(_NODE_CONVERSATIONS, int(_ALL_CALLS / nodes / turns))
        if spread
        else SAMPLE_CONVERSATIONS,
    )
    if not len(first_overflows(drawn.calls(top), window)):
        return free
    axes = [
        np.geomspace(values.min(), values.max(), count) if key in spread else values[:1]
        for key, values in factors.items()
    ]
    lost = np.array(
        [
            _lost(workload, reasons, drawn, window, dict(zip(factors, node, strict=True)))
            for node in product(*axes)
        ]
    ).reshape(*map(len, axes), 3)
    prompt, completion, reasoning = _interpolated(axes, list(factors.values()), lost)
    return CallTokens(
        _left(free.prompt, prompt),
        _left(free.completion, completion),
        _left(free.reasoning, reasoning),
    )


def _left(free: Array, lost: Array) -> Array:
    """Return what is left, 0 where it is only the rounding of a difference."""
    left = free - lost
    return np.where(left > 1e-12 * free, left, 0.0)


def _lost(
    workload: Workload, reasons: bool, drawn: Drawn, window: int, factors: dict[str, float]
) -> list[float]:
    """Return by how much a call's expected tokens fall: prompt, completion and reasoning."""
    sample = drawn.calls(factors)
    billed = billed_calls(sample, window, workload.overflow_policy)
    if billed is sample:
        return [0.0, 0.0, 0.0]
    free = free_tokens(
        workload, reasons, {key: np.array([value]) for key, value in factors.items()}
    )
    turns, _ = turn_means(turns_of(workload))

    def fall(billed: Array, full: Array, expected: Array) -> float:
        total = float(expected[0]) * turns
        with_policy, without = (
            np.bincount(sample.conversation, weights=tokens).astype(np.float64)
            for tokens in (billed, full)
        )
        return (total - control_mean(with_policy, without, total)) / turns

    return [
        fall(billed.prompt, sample.prompt, free.prompt),
        fall(billed.completion, sample.completion, free.completion),
        fall(
            billed.completion - billed.answer,
            sample.completion - sample.answer,
            free.reasoning,
        ),
    ]


def _interpolated(axes: list[Array], values: list[Array], lost: Array) -> list[Array]:
    """Return what is lost at the scenarios' factors, linear between the nodes of a grid."""
    from scipy.interpolate import RegularGridInterpolator

    spread = [place for place, axis in enumerate(axes) if len(axis) > 1]
    flat = lost.reshape(*(len(axes[place]) for place in spread), 3)
    if not spread:
        return [np.array([one]) for one in flat]
    points = np.stack(
        [np.clip(values[place], axes[place][0], axes[place][-1]) for place in spread], axis=-1
    )
    found = RegularGridInterpolator([axes[place] for place in spread], flat)(points)
    return list(np.asarray(found).T)
