"""What a client does with a call that its model's context window has no room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.workload.check import refused, whole_tokens

__all__ = ["Overflow", "parse_overflow"]

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
        raise refused("overflow", value, _FORMS)
    return Overflow(
        "summarise", whole_tokens("overflow.summarise_to_tokens", value["summarise_to_tokens"])
    )
