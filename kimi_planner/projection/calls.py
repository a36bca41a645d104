"""The calls of a workload on one model: expected tokens of a call, and how single calls differ.

A conversation resends its history: call ``k`` has the first prompt, the follow-ups up to ``k``, and
the visible answers before ``k``; reasoning is dropped from the history, as the chat templates do.
A cap (``max_tokens``) cuts reasoning and answer together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.workload import Constant, Geometric, Quantity, WholeTurns, Workload
from kimi_planner.workload.quantity import Array, midpoints

__all__ = [
    "CallSample",
    "CallTokens",
    "exact_tokens",
    "expected_tokens",
    "sample_calls",
    "turn_means",
]

SAMPLE_CONVERSATIONS = 65_536
MAX_SAMPLE_CALLS = 1_000_000
MAX_TURNS = 10_000  # of one conversation, however long its tail
FACTOR_KEYS = ("prompt_tokens", "followup_tokens", "completion_tokens", "reasoning_tokens")
_TURN_GRID = 20_000
_NODES = 64  # for a mean in each of many scenarios
_FINE_NODES = 512  # for one mean
_SLICE = 64
_BATCH = 256


@dataclass(frozen=True)
class CallTokens:
    """Expected tokens of one call: decimals where exact, else arrays over scenarios."""

    prompt: Any
    completion: Any
    reasoning: Any


@dataclass(frozen=True)
class CallSample:
    """Calls drawn from a workload.

    Attributes
    ----------
    conversation, turn
        Which conversation a call belongs to, and its place in it from 1.
    prompt, completion
        Tokens of the call; completion after the cap.
    reserved
        Output tokens that the call reserves in the context window.
    """

    conversation: np.ndarray[Any, Any]
    turn: np.ndarray[Any, Any]
    prompt: Array
    completion: Array
    reserved: Array


def turn_means(turns: Quantity) -> tuple[float, float]:
    """Return the expected number of turns, and of pairs of an earlier and a later turn."""
    if isinstance(turns, Geometric | WholeTurns):
        return turns.mean, turns.mean_pairs
    if isinstance(turns, Constant):
        return turns.mean, turns.mean * (turns.mean - 1) / 2
    counts = _whole_turns(turns.ppf(midpoints(_TURN_GRID)))
    return float(counts.mean()), float((counts * (counts - 1) / 2).mean())


def expected_tokens(workload: Workload, reasons: bool, factors: Mapping[str, Array]) -> CallTokens:
    """Return the expected tokens of a call in each scenario.

    Parameters
    ----------
    workload : Workload
        What is sent.
    reasons : bool
        Whether the model spends reasoning tokens; in nothing else do calls differ between models.
    factors : mapping of str to ndarray, shape (n_paths,)
        For each uncertain mean, the factor on it by scenario.

    Returns
    -------
    CallTokens
        Arrays of shape (n_paths,) or (1,).
    """

    def scale(key: str) -> Array:
        return factors.get(key, np.ones(1))

    first, followup, visible, reasoning = _parts(workload, reasons)
    answer, thought, completion = _answers(
        visible,
        reasoning,
        workload.max_tokens,
        scale("completion_tokens"),
        scale("reasoning_tokens"),
    )
    prompt = first.mean * scale("prompt_tokens")
    mean, pairs = turn_means(_turns(workload))
    if pairs:
        added = followup.mean * scale(_followup_key(workload)) + answer
        prompt = prompt + pairs / mean * added
    return CallTokens(prompt=prompt, completion=completion, reasoning=thought)


def exact_tokens(workload: Workload, reasons: bool) -> CallTokens:
    """Return the same for a workload of plain numbers, in exact decimals.

    Call it in a context of sufficient precision.
    """
    first, followup, visible, reasoning = (
        part.value if isinstance(part, Constant) else Decimal(0)
        for part in _parts(workload, reasons)
    )
    turns = _turns(workload)
    later = (turns.value - 1) / 2 if isinstance(turns, Constant) else Decimal(0)
    if workload.max_tokens is not None:
        cap = Decimal(workload.max_tokens)
        reasoning = min(reasoning, cap)
        visible = min(visible, cap - reasoning)
    prompt = first + later * (followup + visible)
    return CallTokens(prompt=prompt, completion=visible + reasoning, reasoning=reasoning)


def sample_calls(
    workload: Workload, reasons: bool, rng: np.random.Generator, *, uncertain_means: bool
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
    """
    first, followup, visible, reasoning = _parts(workload, reasons)
    mean_turns, _ = turn_means(_turns(workload))
    conversations = max(100, min(SAMPLE_CONVERSATIONS, int(MAX_SAMPLE_CALLS / mean_turns)))
    turns = _whole_turns(_draw(_turns(workload), conversations, rng)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(turns)[:-1]])
    conversation = np.repeat(np.arange(conversations), turns)
    calls = len(conversation)
    turn = np.arange(calls) - starts[conversation] + 1

    factors: dict[str, Array] = {}

    def tokens(key: str, quantity: Quantity, owner: np.ndarray[Any, Any]) -> Array:
        values = _draw(quantity, len(owner), rng)
        if uncertain_means and quantity.factor is not None:
            if key not in factors:
                factors[key] = _draw(quantity.factor, conversations, rng)
            values = values * factors[key][owner]
        return values

    thought = tokens("reasoning_tokens", reasoning, conversation)
    answer = tokens("completion_tokens", visible, conversation)
    if workload.max_tokens is not None:
        thought = np.minimum(thought, workload.max_tokens)
        answer = np.minimum(answer, workload.max_tokens - thought)
    added = np.where(turn > 1, tokens(_followup_key(workload), followup, conversation), 0.0)
    opening = tokens("prompt_tokens", first, np.arange(conversations))
    history = np.cumsum(added + np.concatenate([[0.0], answer[:-1]]))
    history -= history[starts][conversation]
    prompt = opening[conversation] + history
    reserved = (
        np.full(calls, float(workload.max_tokens)) if workload.max_tokens else answer + thought
    )
    return CallSample(conversation, turn, prompt, answer + thought, reserved)


def _turns(workload: Workload) -> Quantity:
    return workload.quantity("turns") or Constant(Decimal(1))


def _followup_key(workload: Workload) -> str:
    return "prompt_tokens" if workload.followup_tokens is None else "followup_tokens"


def _parts(workload: Workload, reasons: bool) -> tuple[Quantity, Quantity, Quantity, Quantity]:
    nothing = Constant(Decimal(0))
    first = workload.quantity("prompt_tokens") or nothing
    return (
        first,
        workload.quantity("followup_tokens") or first,
        workload.quantity("completion_tokens") or nothing,
        (workload.quantity("reasoning_tokens") if reasons else None) or nothing,
    )


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
    nodes = [
        np.broadcast_to(_nodes(part, count) * scale[:, None], (paths, _node_count(part, count)))
        for part, scale in ((visible, visible_scale), (reasoning, reasoning_scale))
    ]
    answers, thoughts = np.empty(paths), np.empty(paths)
    for start in range(0, paths, _BATCH):
        batch = slice(start, start + _BATCH)
        thought = np.minimum(nodes[1][batch], cap)
        thoughts[batch] = thought.mean(axis=1)
        answer = np.minimum(nodes[0][batch, :, None], cap - thought[:, None, :])
        answers[batch] = answer.mean(axis=(1, 2))
    return answers, thoughts, answers + thoughts


def _node_count(quantity: Quantity, count: int) -> int:
    return 1 if isinstance(quantity, Constant) else count


def _nodes(quantity: Quantity, count: int) -> Array:
    """Return equally likely values that stand for a quantity, with exactly its mean."""
    if isinstance(quantity, Constant):
        return np.array([float(quantity.value)])
    values: Array = quantity.ppf(midpoints(count * _SLICE)).reshape(count, _SLICE).mean(axis=1)
    values[-1] += (quantity.mean - values.mean()) * count
    return values


def _draw(quantity: Quantity, size: int, rng: np.random.Generator) -> Array:
    if quantity.is_certain:
        return quantity.ppf(np.full(size, 0.5))
    shuffled: Array = rng.permutation(quantity.ppf(midpoints(size)))
    return shuffled


def _whole_turns(values: Array) -> Array:
    whole: Array = np.clip(np.rint(values), 1.0, MAX_TURNS)
    return whole
