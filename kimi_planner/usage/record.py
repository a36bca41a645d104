"""One call's tokens, read from whatever form of usage object an API or a client returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.errors import UsageError, shown

__all__ = ["MAX_TOKENS", "UsageRecord", "contradiction"]

#: More tokens than this in one row is an error in the log, not a quantity.
MAX_TOKENS = 10**15


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
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is None and name in ("cached_tokens", "reasoning_tokens"):
                continue
            object.__setattr__(self, name, _whole_tokens(name, value))
        problem = contradiction(
            self.prompt_tokens, self.cached_tokens, self.completion_tokens, self.reasoning_tokens
        )
        if problem:
            raise UsageError(problem)

    @classmethod
    def of(cls, usage: Any) -> UsageRecord:
        """Read a usage object.

        Parameters
        ----------
        usage : UsageRecord, mapping or object
            A chat-completions usage object of OpenAI or Kimi, as JSON or as a client returns it,
            or a mapping with the names of this class.

        Raises
        ------
        UsageError
            If a count is missing, is not a whole number, or contradicts another.

        Notes
        -----
        Cached tokens stand in ``prompt_tokens_details.cached_tokens``, else at the top level
        (Kimi); both may be there and are never added. Reasoning tokens stand in
        ``completion_tokens_details.reasoning_tokens``, else at the top level.
        """
        if isinstance(usage, cls):
            return usage
        prompt, completion, cached, reasoning = (
            _field(usage, "prompt_tokens"),
            _field(usage, "completion_tokens"),
            _nested(usage, "prompt_tokens_details", "cached_tokens"),
            _nested(usage, "completion_tokens_details", "reasoning_tokens"),
        )
        for name, value in (("prompt_tokens", prompt), ("completion_tokens", completion)):
            if value is None:
                raise UsageError(f"{name} is missing from the usage object {shown(usage)}.")
        record = cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            cached_tokens=cached,
            reasoning_tokens=reasoning,
        )
        stated = _field(usage, "total_tokens")
        if stated is not None and stated != record.prompt_tokens + record.completion_tokens:
            raise UsageError(
                f"total_tokens ({shown(stated)}) is not prompt_tokens + completion_tokens "
                f"({record.prompt_tokens} + {record.completion_tokens})."
            )
        return record


def contradiction(
    prompt: int, cached: int | None, completion: int, reasoning: int | None
) -> str | None:
    """Say in one sentence how the counts of a row contradict each other, or return ``None``."""
    if cached is not None and cached > prompt:
        return f"cached_tokens ({cached}) cannot exceed prompt_tokens ({prompt}), of which they are a part."
    if reasoning is not None and reasoning > completion:
        return (
            f"reasoning_tokens ({reasoning}) cannot exceed completion_tokens ({completion}), "
            "of which they are a part."
        )
    return None


def _field(usage: Any, name: str) -> Any:
    return usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)


def _nested(usage: Any, details: str, name: str) -> Any:
    inner = _field(usage, details)
    value = None if inner is None else _field(inner, name)
    return _field(usage, name) if value is None else value


def _whole_tokens(name: str, value: Any) -> int:
    try:
        whole = int(value)
        if isinstance(value, bool | str | bytes) or whole != value:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
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
