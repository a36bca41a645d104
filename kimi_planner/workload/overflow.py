"""What a client does with a call that its model's context window has no room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.errors import WorkloadError, shown

__all__ = ["POLICIES", "Overflow", "parse_overflow"]

POLICIES = ("reject", "drop_oldest", "summarise")
MAX_SUMMARY_TOKENS = 100_000_000
_FORMS = 'Give "reject", "drop_oldest" or { summarise_to_tokens = 2000 }.'


@dataclass(frozen=True)
class Overflow:
    """A policy for calls whose prompt and reserved output exceed the window.

    Attributes
    ----------
    policy
        ``reject``: the call is refused, costs nothing and ends the conversation. ``drop_oldest``:
        the oldest question with its answer leaves the history, and the next, until the call fits.
        ``summarise``: one call more turns the history into a summary.
    summary_tokens
        Length of the summary; ``None`` for the other policies.
    """

    policy: str = "reject"
    summary_tokens: int | None = None

    def __str__(self) -> str:
        if self.summary_tokens is None:
            return self.policy
        return f"summarise to {self.summary_tokens:,} tokens"


def parse_overflow(value: Any) -> Overflow:
    """Return the policy that a word or a table names.

    Raises
    ------
    WorkloadError
        If it is none of the forms.
    """
    if isinstance(value, Overflow):
        return value
    if isinstance(value, str) and value in ("reject", "drop_oldest"):
        return Overflow(value)
    if not isinstance(value, Mapping) or set(value) != {"summarise_to_tokens"}:
        raise WorkloadError(f"overflow is {shown(value)}. {_FORMS}")
    tokens = value["summarise_to_tokens"]
    if type(tokens) is not int or not 1 <= tokens <= MAX_SUMMARY_TOKENS:
        raise WorkloadError(
            f"overflow.summarise_to_tokens is {shown(tokens)}. It must be a whole number of tokens "
            "from 1."
        )
    return Overflow("summarise", tokens)
