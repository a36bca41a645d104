"""What a client does with a call that its model's context window has no room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kimi_planner.workload.check import refused, whole_tokens

_WORDS = ("price_all", "reject", "drop_oldest")
_FORMS = 'Give "price_all", "reject", "drop_oldest" or { summarise_to_tokens = 2000 }.'


@dataclass(frozen=True)
class Overflow:
    """A policy for calls whose prompt and reserved output exceed the window.

    Attributes
    ----------
    policy
        ``price_all``: the call is priced whole, as if the window held it, so that the spend is what
        serving all of the demand would cost. ``reject``: it is refused, costs nothing and ends the
        conversation. ``drop_oldest``:
        the oldest question with its answer leaves the history, and the next, until the call fits.
        ``summarise``: one call more turns the history into a summary.
    summary_tokens
        Length of the summary; ``None`` for the other policies.
    """

    policy: str = "price_all"
    summary_tokens: int | None = None

    @property
    def shortens(self) -> bool:
        """Whether a call is made to fit by leaving out of its history."""
        return self.policy in ("drop_oldest", "summarise")

    def billed_window(self, window: int | None) -> int | None:
        """Return the window that calls are billed in; ``None`` where each is priced whole."""
        return None if self.policy == "price_all" else window

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
    if isinstance(value, str) and value in _WORDS:
        return Overflow(value)
    if not isinstance(value, Mapping) or set(value) != {"summarise_to_tokens"}:
        raise refused("overflow", value, _FORMS)
    return Overflow(
        "summarise", whole_tokens("overflow.summarise_to_tokens", value["summarise_to_tokens"])
    )
