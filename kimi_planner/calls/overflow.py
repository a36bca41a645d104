"""Conversations in a window: which calls are made, and with how much of their history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kimi_planner.workload.drawn import CallSample, Places
from kimi_planner.workload.overflow import Overflow


@dataclass(frozen=True)
class Carried:
    """What becomes of drawn calls in a window, in their order.

    Attributes
    ----------
    made
        Whether the call is made; one that is refused, and those after it, are not.
    prompt, completion, reasoning
        Tokens of the call itself, 0 where it is not made.
    summary_prompt, summary_completion
        Tokens of the call that first summarises the history, 0 where there is none.
    """

    made: np.ndarray[Any, np.dtype[np.bool_]]
    prompt: Any
    completion: Any
    reasoning: Any
    summary_prompt: Any
    summary_completion: Any

    @property
    def billed_prompt(self) -> Any:
        """Prompt tokens with those of summaries."""
        return self.prompt + self.summary_prompt

    @property
    def billed_completion(self) -> Any:
        """Completion tokens with those of summaries."""
        return self.completion + self.summary_completion


def first_overflows(sample: CallSample, window: int | None) -> Places:
    """Return the places of the first call of each conversation that does not fit with its history."""
    if window is None:
        return np.empty(0, dtype=np.int64)
    over = np.flatnonzero(sample.prompt + sample.reserved > window)
    first: Places = over[_first_of_each(sample.conversation[over])]
    return first


def _first_of_each(ascending: Places) -> Any:
    """Return whether each number is the first of its kind."""
    return np.diff(ascending, prepend=-1) != 0


def carry_out(sample: CallSample, window: int | None, overflow: Overflow) -> Carried:
    """Follow a policy through drawn conversations.

    Parameters
    ----------
    sample : CallSample
        Calls with their full history; arrays of floats, or of decimals where exact.
    window : int or None
        The context window in tokens; ``None`` for no limit.
    overflow : Overflow
        What happens to a call that does not fit.

    Returns
    -------
    Carried
        Arrays of the same shape.

    Notes
    -----
    What has left the history stays out of it. Dropping takes whole pairs of a question and its
    answer, the oldest first; the first question goes with its system prompt, because the two are
    one number here. A summary is made where it makes the call fit; the call that makes it reads
    as much of the history as leaves room for the summary, and spends no reasoning. A call that no
    policy makes fit is refused, which ends its conversation.
    """
    window = overflow.billed_window(window)
    prompt, reserved = sample.prompt, sample.reserved
    after = prompt + sample.answer  # the whole history once a call is answered
    ends = np.append(np.flatnonzero(sample.turn == 1)[1:], len(sample.turn))
    gone = np.zeros_like(prompt)  # tokens that have left the history before a call
    read, written = np.zeros_like(prompt), np.zeros_like(prompt)
    until = ends.copy()  # the first call of each conversation that is not made

    limit = np.inf if window is None else window
    at = first_overflows(sample, window)  # one call of each conversation that is still going
    if overflow.policy == "drop_oldest" and len(at):
        gone, fits = _dropped(sample, after, limit)
        refused = np.flatnonzero(~fits)
        refused = refused[_first_of_each(sample.conversation[refused])]
        until[sample.conversation[refused]] = refused
        at = at[:0]
    left = np.zeros_like(prompt[at])
    while len(at):
        room = limit - reserved[at]
        over = prompt[at] - left > room
        if overflow.summary_tokens is not None:
            size = overflow.summary_tokens
            before = np.where(sample.turn[at] > 1, after[at - 1], left * 0)
            history = before - left
            chosen = over & (history > size) & (prompt[at] - before + size <= room)
            read[at] = np.where(chosen, np.minimum(history, limit - size), 0)
            written[at] = np.where(chosen, size, 0)
            left = np.where(chosen, before - size, left)
        fits = prompt[at] - left <= room
        gone[at] = left
        until[sample.conversation[at[~fits]]] = at[~fits]
        going = fits & (at + 1 < ends[sample.conversation[at]])
        at, left = at[going] + 1, left[going]

    made = np.arange(len(prompt)) < until[sample.conversation]
    return Carried(
        made=made,
        prompt=np.where(made, prompt - gone, 0),
        completion=np.where(made, sample.completion, 0),
        reasoning=np.where(made, sample.completion - sample.answer, 0),
        summary_prompt=read,
        summary_completion=written,
    )


def _dropped(sample: CallSample, after: Any, limit: float) -> tuple[Any, Any]:
    """Return what has left the history before each call where the oldest goes, and what fits then.

    What has to go is the most that any call so far had to lose; what goes is the least number of
    whole pairs that hold it.
    """
    apart = sample.conversation * (2 * (after.max() + 1))  # keeps conversations from each other
    missing = np.maximum(sample.prompt + sample.reserved - limit, 0)
    missing = np.maximum.accumulate(missing + apart)
    last = np.searchsorted(after + apart, missing)  # the last pair that goes
    over = missing > apart
    fits = ~over | (last < np.arange(len(after)))
    return np.where(over & fits, after[np.minimum(last, len(after) - 1)], 0), fits


def billed_calls(sample: CallSample, window: int | None, overflow: Overflow) -> CallSample:
    """Return drawn calls as they are billed in a window."""
    if not len(first_overflows(sample, overflow.billed_window(window))):
        return sample
    carried = carry_out(sample, window, overflow)
    return replace(
        sample,
        prompt=carried.billed_prompt,
        completion=carried.billed_completion,
        answer=carried.billed_completion - carried.reasoning,
    )
