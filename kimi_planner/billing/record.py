"""One call's tokens, read from whatever form of usage object an API or a client returned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.billing.meters import Usage
from kimi_planner.errors import UsageError, shown

#: More tokens than this in one row is an error in the log, not a quantity.
MAX_TOKENS = 10**15

#: Prompt, completion, cached, reasoning and stated total tokens, as a source gives them.
Counts = tuple[Any, Any, Any, Any, Any]
Getter = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """Tokens billed for one call.

    Attributes
    ----------
    prompt_tokens
        All input tokens, cached ones included.
    completion_tokens
        All output tokens, reasoning included.
    cached_tokens
        Part of ``prompt_tokens`` served from cache; ``None`` if the source does not say.
    reasoning_tokens
        Part of ``completion_tokens``; ``None`` if the source does not say.
    written_5m_tokens, written_1h_tokens
        Parts of ``prompt_tokens``, none of them cached, that were written to a cache for five
        minutes or an hour; ``None`` if the source does not say.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    written_5m_tokens: int | None = None
    written_1h_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is None and name not in ("prompt_tokens", "completion_tokens"):
                continue
            object.__setattr__(self, name, _whole_tokens(name, value))
        problem = contradiction(
            self.prompt_tokens,
            self.cached_tokens or 0,
            self.completion_tokens,
            self.reasoning_tokens or 0,
            (self.written_5m_tokens or 0) + (self.written_1h_tokens or 0),
        )
        if problem:
            raise UsageError(problem)

    @classmethod
    def of(cls, usage: Any) -> UsageRecord:
        """Read a usage object.

        Parameters
        ----------
        usage : UsageRecord, mapping or object
            A usage object of chat completions (OpenAI, Kimi), of the Responses form or of
            Anthropic's, as JSON or as a client returns it, or the whole reply that has one; or a
            mapping with the names of this class.

        Raises
        ------
        UsageError
            If a count is missing, is not a whole number, or contradicts another.

        Notes
        -----
        Chat completions: cached tokens stand in ``prompt_tokens_details.cached_tokens``, else at
        the top level as ``cached_tokens`` (Kimi) or ``cache_read_input_tokens`` (gateways); several
        may be there and are never added. Reasoning tokens stand in
        ``completion_tokens_details.reasoning_tokens``, else at the top level.

        Responses: ``input_tokens`` includes cached ones (``input_tokens_details.cached_tokens``).
        Anthropic: ``input_tokens`` leaves out what ``cache_read_input_tokens`` and
        ``cache_creation_input_tokens`` count, so the three are added. The two are told apart by
        those names; ``input_tokens`` and ``output_tokens`` alone mean the same in both.

        Tokens written to a cache stand by lifetime in ``cache_creation``, else together in
        ``cache_creation_input_tokens``, ``created_cache_tokens`` or the details of the prompt; those
        of which no lifetime is stated are kept for five minutes, the default of the interface.
        """
        if isinstance(usage, cls):
            return usage
        inner = usage_of(usage)
        bare = usage if inner is None else inner
        return cls.checked(read_counts(bare), read_written(bare))

    @classmethod
    def checked(cls, counts: Counts, written: tuple[Any, Any] = (None, None)) -> UsageRecord:
        """Return the record of counts as a source states them, checked against its own total.

        Raises
        ------
        UsageError
            If a count is not a whole number, or contradicts another.
        """
        *tokens, stated_total = counts
        record = cls(**dict(zip(cls.__slots__, (*tokens, *written), strict=True)))
        if stated_total not in (None, record.prompt_tokens + record.completion_tokens):
            raise UsageError(
                f"total_tokens ({shown(stated_total)}) is not prompt_tokens + completion_tokens "
                f"({record.prompt_tokens} + {record.completion_tokens})."
            )
        return record

    def as_usage(self, fees: Mapping[str, int] | None = None, *, batch: bool = False) -> Usage:
        """Return the call's usage by meter; a count that is not stated is 0."""
        return Usage.of(
            self.prompt_tokens,
            self.completion_tokens,
            cached=self.cached_tokens or 0,
            written_5m=self.written_5m_tokens or 0,
            written_1h=self.written_1h_tokens or 0,
            reasoning=self.reasoning_tokens or 0,
            fees=fees,
            batch=batch,
        )


def contradiction(
    prompt: int, cached: int, completion: int, reasoning: int, written: int
) -> str | None:
    """Say in one sentence how the counts of a row contradict each other, or return ``None``."""
    if cached > prompt:
        return f"cached_tokens ({cached}) cannot exceed prompt_tokens ({prompt}), of which they are a part."
    if reasoning > completion:
        return (
            f"reasoning_tokens ({reasoning}) cannot exceed completion_tokens ({completion}), "
            "of which they are a part."
        )
    uncached = prompt - cached
    if written > uncached:
        return (
            f"{written} tokens are written to a cache, but only {uncached} prompt tokens were not "
            "cached. Written tokens are part of the prompt."
        )
    return None


def usage_of(reply: Any) -> Any:
    """Return the usage object of a reply or of the last chunk of a stream, ``None`` without one."""
    get = _getter(reply)
    usage = get("usage")
    if usage is not None:
        return usage
    choices = get("choices")
    if isinstance(choices, list) and choices:
        return _getter(choices[0])("usage")  # Kimi, last chunk of a stream
    return None


def read_counts(usage: Any) -> Counts:
    """Return prompt, completion, cached, reasoning and stated total tokens, not yet checked.

    Raises
    ------
    UsageError
        If a count that every call has is missing.
    """
    get = usage.get if type(usage) is dict else _getter(usage)
    prompt = get("prompt_tokens")
    if prompt is None and get("input_tokens") is not None:
        return _input_counts(usage, get)
    completion = get("completion_tokens")
    if prompt is None or completion is None:
        name = "prompt_tokens" if prompt is None else "completion_tokens"
        raise UsageError(f"{name} is missing from the usage object {shown(usage)}.")
    details = get("prompt_tokens_details")
    cached = (
        details.get("cached_tokens") if type(details) is dict else part_of(details, "cached_tokens")
    )
    if cached is None:
        cached = get("cached_tokens")
        if cached is None:
            cached = get("cache_read_input_tokens")
    details = get("completion_tokens_details")
    reasoning = (
        details.get("reasoning_tokens")
        if type(details) is dict
        else part_of(details, "reasoning_tokens")
    )
    if reasoning is None:
        reasoning = get("reasoning_tokens")
    return prompt, completion, cached, reasoning, get("total_tokens")


def _input_counts(usage: Any, get: Getter) -> Counts:
    """Read ``input_tokens`` and ``output_tokens``: Responses has details, Anthropic cache parts."""
    prompt, completion = get("input_tokens"), get("output_tokens")
    if completion is None:
        raise UsageError(f"output_tokens is missing from the usage object {shown(usage)}.")
    details = get("input_tokens_details")
    read, created = get("cache_read_input_tokens"), get("cache_creation_input_tokens")
    reasoning = part_of(get("output_tokens_details"), "reasoning_tokens")
    if details is not None or (read is None and created is None):
        return prompt, completion, part_of(details, "cached_tokens"), reasoning, get("total_tokens")
    parts = {
        "input_tokens": prompt,
        "cache_read_input_tokens": read or 0,
        "cache_creation_input_tokens": created or 0,
    }
    whole = sum(_whole_tokens(name, value) for name, value in parts.items())
    return whole, completion, read, reasoning, None


#: Names of the tokens written to a cache for any time, where sources put them.
_WRITTEN = ("cache_creation_input_tokens", "created_cache_tokens")
_WRITTEN_DETAILS = frozenset(("cache_creation_tokens", "cache_write_tokens"))
_SAY_WRITTEN = frozenset(("cache_creation", "written_5m_tokens", "written_1h_tokens", *_WRITTEN))


def read_written(usage: Any) -> tuple[Any, Any]:
    """Return the tokens written to a cache for five minutes and for an hour, not yet checked."""
    if type(usage) is dict and _SAY_WRITTEN.isdisjoint(usage):  # nearly all rows of a log
        details = usage.get("prompt_tokens_details")
        if not details or (type(details) is dict and _WRITTEN_DETAILS.isdisjoint(details)):
            return None, None
    get = _getter(usage)
    creation = get("cache_creation")
    five, hour = (
        _first(part_of(creation, f"ephemeral_{time}_input_tokens"), get(f"written_{time}_tokens"))
        for time in ("5m", "1h")
    )
    if five is not None:
        return five, hour
    details = get("prompt_tokens_details")
    parts = (part_of(details, name) for name in _WRITTEN_DETAILS)
    whole = _first(*map(get, _WRITTEN), *parts)
    if whole is None or hour is None:
        return whole, hour
    return _whole_tokens("cache_creation_input_tokens", whole) - hour, hour


def _first(*values: Any) -> Any:
    """Return the first value that is stated."""
    return next((one for one in values if one is not None), None)


def _getter(thing: Any) -> Getter:
    """Return how to read a field of a mapping or of an object; a missing one is ``None``."""
    if isinstance(thing, Mapping):
        return thing.get
    return lambda name: getattr(thing, name, None)


def part_of(details: Any, name: str) -> Any:
    """Return a field of a part of a usage object that may not be there."""
    if type(details) is dict:
        return details.get(name)
    return None if details is None else _getter(details)(name)


def _whole_tokens(name: str, value: Any) -> int:
    try:
        # a decimal of a few signs may have more digits than memory holds as a whole number
        whole = value if MAX_TOKENS < abs(value) < math.inf else int(value)
        if isinstance(value, bool | str | bytes) or whole != value:
            raise ValueError
    except (TypeError, ValueError, ArithmeticError):
        raise UsageError(
            f"{name} is {shown(value)}. It must be a whole number of tokens."
        ) from None
    if whole < 0:
        raise UsageError(f"{name} is {shown(value)}. A number of tokens cannot be negative.")
    if whole > MAX_TOKENS:
        raise UsageError(
            f"{name} is {shown(value)}. More than {MAX_TOKENS:.0e} tokens in one row cannot be meant."
        )
    return whole
