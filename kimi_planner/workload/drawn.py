"""Conversations drawn from a workload, stratified so that each quantity covers its distribution.

A conversation resends its history: call ``k`` has the first prompt, the follow-ups up to ``k``, and
the visible answers before ``k``; reasoning is dropped from the history, as the chat templates do.
A cap (``max_tokens``) cuts reasoning and answer together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kimi_planner.workload.quantity import Array, Constant, Geometric, Quantity, midpoints
from kimi_planner.workload.turns import MOST_TURNS, WholeTurns

__all__ = [
    "MAX_SAMPLE_CALLS",
    "SAMPLE_CONVERSATIONS",
    "CallSample",
    "Drawn",
    "Sized",
    "followup_key",
    "parts",
    "turn_means",
    "turns_of",
    "whole_turns",
]

SAMPLE_CONVERSATIONS = 65_536
MAX_SAMPLE_CALLS = 1_000_000
_TURN_GRID = 20_000

Places = NDArray[np.int64]


class Sized(Protocol):
    """What conversations are drawn from: a workload, as far as sizes of calls go."""

    @property
    def max_tokens(self) -> int | None:
        """Output that a call reserves, and its cap."""

    @property
    def followup_tokens(self) -> object:
        """What each later call adds; ``None`` if not given."""

    def quantity(self, key: str) -> Quantity | None:
        """Return one of the quantities, or ``None`` if it was not given."""


@dataclass(frozen=True)
class CallSample:
    """Calls drawn from a workload, conversation by conversation.

    Attributes
    ----------
    conversation, turn
        Which conversation a call belongs to, and its place in it from 1.
    prompt, completion
        Tokens of the call; completion after the cap.
    reserved
        Output tokens that the call reserves in the context window.
    answer
        The visible part of ``completion``, which the history keeps.
    """

    conversation: Places
    turn: Places
    prompt: Any
    completion: Any
    reserved: Any
    answer: Any


@dataclass(frozen=True)
class Drawn:
    """Sizes of drawn conversations at factor 1, and the factors drawn for each of them.

    Attributes
    ----------
    conversation, turn
        As in `CallSample`, shape (calls,).
    opening, followup, visible, thought
        Tokens of the first prompt, shape (conversations,), and of each call's question, answer and
        reasoning, shape (calls,).
    factors
        From key to a factor on the mean by conversation, where factors were drawn.
    followup_key
        Whose factor the follow-ups take.
    cap
        ``max_tokens``.
    """

    conversation: Places
    turn: Places
    opening: Array
    followup: Array
    visible: Array
    thought: Array
    factors: Mapping[str, Array]
    followup_key: str
    cap: int | None

    @classmethod
    def draw(
        cls,
        workload: Sized,
        reasons: bool,
        rng: np.random.Generator,
        *,
        uncertain_means: bool = False,
        most: int = SAMPLE_CONVERSATIONS,
    ) -> Drawn:
        """Draw conversations of a workload on a model that reasons, or on one that does not.

        There are ``most`` of them, or fewer so that they have about a million calls together.
        """
        first, followup, visible, reasoning = parts(workload, reasons)
        mean_turns, _ = turn_means(turns_of(workload))
        conversations = max(100, min(most, int(MAX_SAMPLE_CALLS / mean_turns)))
        turns = whole_turns(_draw(turns_of(workload), conversations, rng)).astype(np.int64)
        conversation = np.repeat(np.arange(conversations), turns)
        turn = np.arange(len(conversation)) - np.repeat(np.cumsum(turns) - turns, turns) + 1
        factors: dict[str, Array] = {}

        def tokens(key: str, quantity: Quantity, size: int) -> Array:
            values = _draw(quantity, size, rng)
            if uncertain_means and quantity.factor is not None and key not in factors:
                factors[key] = _draw(quantity.factor, conversations, rng)
            return values

        key = followup_key(workload)
        thought = tokens("reasoning_tokens", reasoning, len(turn))
        answer = tokens("completion_tokens", visible, len(turn))
        added = np.where(turn > 1, tokens(key, followup, len(turn)), 0.0)
        opening = tokens("prompt_tokens", first, conversations)
        return cls(
            conversation, turn, opening, added, answer, thought, factors, key, workload.max_tokens
        )

    def calls(self, factors: Mapping[str, float] | None = None) -> CallSample:
        """Return the calls with the factors drawn, or with one factor for all by key."""

        def scaled(key: str, values: Array) -> Array:
            if factors is not None:
                return values * factors[key] if key in factors else values
            if key not in self.factors:
                return values
            drawn = self.factors[key]
            return values * (drawn if len(values) == len(drawn) else drawn[self.conversation])

        thought = scaled("reasoning_tokens", self.thought)
        answer = scaled("completion_tokens", self.visible)
        if self.cap is not None:
            thought = np.minimum(thought, self.cap)
            answer = np.minimum(answer, self.cap - thought)
        followup = scaled(self.followup_key, self.followup)
        opening = scaled("prompt_tokens", self.opening)
        history = np.cumsum(followup + np.concatenate([[0.0], answer[:-1]]))
        history -= history[self.turn == 1][self.conversation]
        completion = answer + thought
        reserved = completion if self.cap is None else np.full(len(answer), float(self.cap))
        prompt = opening[self.conversation] + history
        return CallSample(self.conversation, self.turn, prompt, completion, reserved, answer)


def turns_of(workload: Sized) -> Quantity:
    """Return the calls per conversation, one if the workload does not say."""
    return workload.quantity("turns") or Constant(Decimal(1))


def followup_key(workload: Sized) -> str:
    """Return the key of the quantity that sizes later questions."""
    return "prompt_tokens" if workload.followup_tokens is None else "followup_tokens"


def parts(workload: Sized, reasons: bool) -> tuple[Quantity, Quantity, Quantity, Quantity]:
    """Return the sizes of first prompt, follow-up, visible answer and reasoning."""
    nothing = Constant(Decimal(0))
    first = workload.quantity("prompt_tokens") or nothing
    return (
        first,
        workload.quantity("followup_tokens") or first,
        workload.quantity("completion_tokens") or nothing,
        (workload.quantity("reasoning_tokens") if reasons else None) or nothing,
    )


def turn_means(turns: Quantity) -> tuple[float, float]:
    """Return the expected number of turns, and of pairs of an earlier and a later turn."""
    if isinstance(turns, Geometric | WholeTurns):
        return turns.mean, turns.mean_pairs
    if isinstance(turns, Constant):
        return turns.mean, turns.mean * (turns.mean - 1) / 2
    counts = whole_turns(turns.ppf(midpoints(_TURN_GRID)))
    return float(counts.mean()), float((counts * (counts - 1) / 2).mean())


def whole_turns(values: Array) -> Array:
    """Return whole turns, at least one."""
    whole: Array = np.clip(np.rint(values), 1.0, MOST_TURNS)
    return whole


def _draw(quantity: Quantity, size: int, rng: np.random.Generator) -> Array:
    if quantity.is_certain:
        return quantity.ppf(np.full(size, 0.5))
    shuffled: Array = rng.permutation(quantity.ppf(midpoints(size)))
    return shuffled
