"""How a workload refuses what is written: one line with the thing, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from kimi_planner.errors import WorkloadError, is_whole, restated, shown, unknown
from kimi_planner.money import exact_decimal

MAX_RESERVED_TOKENS = 100_000_000


def refused(what: str, value: object, advice: str) -> WorkloadError:
    """Return the error that says what a value is, and what it may be."""
    return WorkloadError(f"{what} is {shown(value)}. {advice}")


def check_keys(what: str, table: Iterable[object], known: Sequence[str]) -> None:
    """Raise WorkloadError if a table has a key that is not known."""
    for key in table:
        if key not in known:
            raise WorkloadError(unknown(f"{what} has an unknown key", key, known, "Known keys:"))


def exact_number(what: str, value: int | float | str | Decimal, advice: str) -> Decimal:
    """Return a number as an exact decimal, or raise WorkloadError with the advice."""
    with restated(about=what, then=f". {advice}", of=ValueError, fault=WorkloadError):
        return exact_decimal(value)


def whole_tokens(what: str, value: object, least: int = 1) -> int:
    """Return a whole number of tokens, or raise WorkloadError."""
    if not is_whole(value, least, MAX_RESERVED_TOKENS):
        advice = f"It must be a whole number of tokens from {least} to {MAX_RESERVED_TOKENS:,}."
        raise refused(what, value, advice)
    return value
