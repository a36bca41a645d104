"""The calls of a workload on one model: expected tokens of a call, and how single calls differ.

Expected tokens are closed forms where every call fits the model's context window. Where drawn
calls reach it, they follow the workload's overflow policy, and the closed form is the control.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, Inexact, localcontext
from typing import Any

import numpy as np

from kimi_planner.calls.means import CallTokens, free_tokens
from kimi_planner.calls.overflow import billed_calls, carry_out
from kimi_planner.calls.windowed import windowed_tokens
from kimi_planner.workload import Constant, Workload
from kimi_planner.workload.drawn import CallSample, Drawn, parts, turn_means, turns_of
from kimi_planner.workload.quantity import Array

__all__ = [
    "CallSample",
    "CallTokens",
    "exact_tokens",
    "expected_tokens",
    "sample_calls",
    "turn_means",
]


def expected_tokens(
    workload: Workload,
    reasons: bool,
    factors: Mapping[str, Array],
    *,
    window: int | None = None,
) -> CallTokens:
    """Return the expected tokens of a call in each scenario.

    Parameters
    ----------
    workload : Workload
        What is sent.
    reasons : bool
        Whether the model spends reasoning tokens; in nothing else do calls differ between models.
    factors : mapping of str to ndarray, shape (n_paths,)
        For each uncertain mean, the factor on it by scenario.
    window : int, optional
        Context window in tokens; calls beyond it follow the workload's overflow policy.

    Returns
    -------
    CallTokens
        Arrays of shape (n_paths,) or (1,).

    Notes
    -----
    Where no drawn call reaches the window, and without one, these are closed forms. Otherwise the
    policy is followed through up to 65,536 drawn conversations (16,384 at each of up to 256 values
    of uncertain means, fewer if they are long), the closed form serving as a control variate.
    """
    free = free_tokens(workload, reasons, factors)
    return free if window is None else windowed_tokens(workload, reasons, factors, window, free)


def exact_tokens(workload: Workload, reasons: bool, *, window: int | None = None) -> CallTokens:
    """Return the same for a workload of plain numbers, in exact decimals.

    Call it in a context of sufficient precision.
    """
    first, followup, visible, reasoning = (
        part.value if isinstance(part, Constant) else Decimal(0)
        for part in parts(workload, reasons)
    )
    turns = turns_of(workload)
    later = (turns.value - 1) / 2 if isinstance(turns, Constant) else Decimal(0)
    if workload.max_tokens is not None:
        cap = Decimal(workload.max_tokens)
        reasoning = min(reasoning, cap)
        visible = min(visible, cap - reasoning)
    completion = visible + reasoning
    reserved = completion if workload.max_tokens is None else Decimal(workload.max_tokens)
    last = first + 2 * later * (followup + visible)
    if window is None or last + reserved <= window:
        prompt = first + later * (followup + visible)
        return CallTokens(prompt=prompt, completion=completion, reasoning=reasoning)
    turn = np.arange(1, int(2 * later) + 2)

    def same(value: Decimal) -> Any:
        return np.full(len(turn), value, dtype=object)

    sample = CallSample(
        conversation=np.zeros(len(turn), dtype=np.int64),
        turn=turn,
        prompt=np.array([first + k * (followup + visible) for k in range(len(turn))], dtype=object),
        completion=same(completion),
        reserved=same(reserved),
        answer=same(visible),
    )
    carried = carry_out(sample, window, workload.overflow_policy)
    return CallTokens(
        *(
            _quotient(sum(tokens.tolist(), Decimal(0)), len(turn))
            for tokens in (carried.billed_prompt, carried.billed_completion, carried.reasoning)
        )
    )


def _quotient(total: Decimal, count: int) -> Decimal:
    """Return the exact quotient where it ends, else its first 60 digits."""
    with localcontext() as context:
        context.prec = 60
        context.traps[Inexact] = False
        return total / count


def sample_calls(
    workload: Workload,
    reasons: bool,
    rng: np.random.Generator,
    *,
    uncertain_means: bool,
    window: int | None = None,
) -> CallSample:
    """Draw calls, stratified so that each quantity covers its distribution evenly.

    Parameters
    ----------
    workload : Workload
        What is sent.
    reasons : bool
        Whether the model spends reasoning tokens.
    rng : Generator
        Source of randomness.
    uncertain_means : bool
        Whether factors on means are drawn too, one for each conversation, or held at 1.
    window : int, optional
        Context window in tokens. With it, prompt and completion are what is billed under the
        workload's overflow policy; without it, every call has its full history.
    """
    drawn = Drawn.draw(workload, reasons, rng, uncertain_means=uncertain_means)
    return billed_calls(drawn.calls(), window, workload.overflow_policy)
