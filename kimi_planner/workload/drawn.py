"""Conversations drawn from sizes, stratified so that each quantity covers its distribution.

A conversation resends its history: call ``k`` has the first prompt, the follow-ups up to ``k``, and
the visible answers before ``k``; reasoning is dropped from the history, as the chat templates do.
A cap (``max_tokens``) cuts reasoning and answer together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kimi_planner.workload.quantity import Array, Quantity
from kimi_planner.workload.resolve import Part, Sizes
from kimi_planner.workload.turns import turn_means, whole_turns

SAMPLE_CONVERSATIONS = 65_536
MAX_SAMPLE_CALLS = 1_000_000

Places = NDArray[np.int64]


@dataclass(frozen=True)
class CallSample:
    """Calls, conversation by conversation.

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

    @property
    def billed(self) -> tuple[Any, Any, Any]:
        """Prompt, completion and, of that, reasoning tokens."""
        return self.prompt, self.completion, self.completion - self.answer

    def sums(self, tokens: Any) -> Any:
        """Return the sum of an amount of each call over each conversation."""
        return np.add.reduceat(tokens, np.flatnonzero(self.turn == 1))


@dataclass(frozen=True)
class Drawn:
    """Sizes of conversations at factor 1, and the factors drawn for each of them.

    Attributes
    ----------
    sizes
        What they are drawn from.
    conversation, turn
        As in `CallSample`, shape (calls,).
    opening, followup, visible, thought
        Tokens of the first prompt, shape (conversations,), and of each call's question, answer and
        reasoning, shape (calls,); floats, or exact numbers where no size is uncertain.
    factors
        From key to a factor on the mean by conversation, where factors were drawn.
    """

    sizes: Sizes
    conversation: Places
    turn: Places
    opening: Any
    followup: Any
    visible: Any
    thought: Any
    factors: Mapping[str, Array]

    @classmethod
    def draw(
        cls,
        sizes: Sizes,
        rng: np.random.Generator,
        *,
        uncertain_means: bool = False,
        most: int = SAMPLE_CONVERSATIONS,
    ) -> Drawn:
        """Draw conversations.

        There are ``most`` of them, or fewer so that they have about a million calls together.
        """
        mean_turns, _ = turn_means(sizes.turns)
        conversations = max(50, min(most, int(MAX_SAMPLE_CALLS / mean_turns)))
        turns = whole_turns(_draw(sizes.turns, conversations, rng)).astype(np.int64)
        factors: dict[str, Array] = {}

        def tokens(part: Part, size: int) -> Array:
            values = _draw(part.size, size, rng)
            factor = part.size.factor
            if uncertain_means and factor is not None and part.key not in factors:
                factors[part.key] = _draw(factor, conversations, rng)
            return values

        calls = int(turns.sum())
        thought = tokens(sizes.reasoning, calls)
        answer = tokens(sizes.visible, calls)
        added = tokens(sizes.followup, calls)
        opening = tokens(sizes.first, conversations)
        return cls._of(sizes, turns, (opening, added, answer, thought), factors)

    @classmethod
    def certain(cls, sizes: Sizes, number: Callable[[Any], Any]) -> Drawn:
        """Return the one conversation that sizes without any spread have, in any type of number."""
        turns = np.array([sizes.turns.as_number(int)])
        first, *each = (part.size.as_number(number) for part in sizes.parts)
        kind = np.float64 if number is float else object
        calls = (np.full(turns[0], one, dtype=kind) for one in each)
        return cls._of(sizes, turns, (np.array([first], dtype=kind), *calls), {})

    @classmethod
    def _of(
        cls, sizes: Sizes, turns: Places, tokens: tuple[Any, ...], factors: dict[str, Array]
    ) -> Drawn:
        conversation = np.repeat(np.arange(len(turns)), turns)
        turn = np.arange(len(conversation)) - np.repeat(np.cumsum(turns) - turns, turns) + 1
        opening, added, answer, thought = tokens
        followup = np.where(turn > 1, added, 0)
        return cls(sizes, conversation, turn, opening, followup, answer, thought, factors)

    def repeated(self, factors: Mapping[str, Array]) -> Drawn:
        """Return the same conversations once for each of some values of the factors."""
        copies = max((len(values) for values in factors.values()), default=1)
        conversations = len(self.opening)
        first = np.repeat(np.arange(copies) * conversations, len(self.turn))
        return replace(
            self,
            conversation=first + np.tile(self.conversation, copies),
            factors={key: np.repeat(values, conversations) for key, values in factors.items()},
            **{  # type: ignore[arg-type]  # none of these names is that of a mapping
                name: np.tile(getattr(self, name), copies)
                for name in ("turn", "opening", "followup", "visible", "thought")
            },
        )

    def calls(self, factors: Mapping[str, Any] | None = None) -> CallSample:
        """Return the calls with the factors drawn, or with one factor for all by key."""

        def scaled(part: Part, values: Any) -> Any:
            factor = (self.factors if factors is None else factors).get(part.key)
            if factor is None:
                return values
            by_call = factors is None and len(values) != len(factor)
            return values * (factor[self.conversation] if by_call else factor)

        sizes, cap = self.sizes, self.sizes.cap
        thought, answer = scaled(sizes.reasoning, self.thought), scaled(sizes.visible, self.visible)
        if cap is not None:
            thought = np.minimum(thought, cap)
            answer = np.minimum(answer, cap - thought)
        opening = scaled(sizes.first, self.opening)
        earlier = np.concatenate([np.zeros(1, dtype=answer.dtype), answer[:-1]])
        history = np.cumsum(scaled(sizes.followup, self.followup) + earlier)
        history -= history[self.turn == 1][self.conversation]
        completion = answer + thought
        prompt, reserved = opening[self.conversation] + history, sizes.reserved(completion)
        return CallSample(self.conversation, self.turn, prompt, completion, reserved, answer)


def _draw(quantity: Quantity, size: int, rng: np.random.Generator) -> Array:
    if quantity.is_certain:
        return np.full(size, quantity.mean)
    shuffled: Array = rng.permutation(quantity.spread(size))
    return shuffled
