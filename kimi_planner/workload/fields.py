"""One field of a workload: from what is written to its checked value."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.catalog import CAPABILITIES
from kimi_planner.errors import WorkloadError, did_you_mean, shown
from kimi_planner.money import decimal_places, exact_decimal
from kimi_planner.workload.beyond_tokens import parse_fees_per_request, parse_written_share
from kimi_planner.workload.caching import parse_cache
from kimi_planner.workload.dated import parse_date, parse_events, parse_price_changes
from kimi_planner.workload.overflow import parse_overflow
from kimi_planner.workload.parse import QUANTITIES, parse_quantity

__all__ = ["MAX_RESERVED_TOKENS", "parse_field"]

MAX_NAME_CHARS = 200
MAX_RESERVED_TOKENS = 100_000_000
MAX_PROFILE = 1_000_000
MAX_PROFILE_PLACES = 20
MAX_BUDGET_USD = Decimal(10**12)

_OPTIONAL = frozenset(
    {
        "reasoning_tokens",
        "max_tokens",
        "cached_share",
        "followup_tokens",
        "starts_on",
        "ends_on",
        "weekday_profile",
        "retry_share",
        "cache",
        "written_share",
        "peak_hour_share",
        "budget_usd_per_month",
    }
)
_PARSERS: dict[str, Callable[[Any, Path], Any]] = {
    "starts_on": lambda value, _: parse_date("starts_on", value),
    "ends_on": lambda value, _: parse_date("ends_on", value),
    "weekday_profile": lambda value, _: _weekday_profile(value),
    "events": parse_events,
    "price_changes": parse_price_changes,
    "cache": parse_cache,
    "written_share": parse_written_share,
    "fees_per_request": parse_fees_per_request,
    "overflow": lambda value, _: parse_overflow(value),
    "needs": lambda value, _: _needs(value),
    "budget_usd_per_month": lambda value, _: _budget(value),
}


def parse_field(key: str, value: Any, folder: Path = Path()) -> Any:
    """Return the checked value of one field.

    Raises
    ------
    WorkloadError
        If the value is not allowed; the message names the field.
    """
    if value is None and key in _OPTIONAL:
        return None
    if key in QUANTITIES:
        return parse_quantity(key, value, folder)
    if key in _PARSERS:
        return _PARSERS[key](value, folder)
    if key == "batch":
        if not isinstance(value, bool):
            raise WorkloadError(f"batch is {shown(value)}. It must be true or false.")
        return value
    if key == "max_tokens":
        if type(value) is not int or not 1 <= value <= MAX_RESERVED_TOKENS:
            raise WorkloadError(
                f"max_tokens is {shown(value)}. It must be a whole number of tokens from 1."
            )
        return value
    if key == "notes":
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise WorkloadError(f"notes is {shown(value)}. It must be a list of sentences.")
        return tuple(value)
    if not isinstance(value, str) or (key == "name" and not value.strip()):
        raise WorkloadError(f"{key} is {shown(value)}. It must be text.")
    if key == "name" and (len(value) > MAX_NAME_CHARS or not value.isprintable()):
        raise WorkloadError(
            f"the name {shown(value)} must be at most {MAX_NAME_CHARS} printable characters."
        )
    return value


def _budget(value: Any) -> Decimal:
    try:
        budget = exact_decimal(value)
    except ValueError as error:
        raise WorkloadError(f"budget_usd_per_month: {error}. Give an amount in USD.") from None
    if not 0 < budget <= MAX_BUDGET_USD:
        raise WorkloadError(
            f"budget_usd_per_month is {value}. It must be above 0 and at most 1e12 USD."
        )
    return budget


def _needs(value: Any) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise WorkloadError(f"needs is {shown(value)}. It must be a list of capabilities.")
    for word in words:
        if not isinstance(word, str) or word not in CAPABILITIES:
            raise WorkloadError(
                f"unknown capability {shown(word)} in needs.{did_you_mean(str(word), CAPABILITIES)} "
                f"Known: {', '.join(sorted(CAPABILITIES))}."
            )
    return tuple(dict.fromkeys(words))


def _weekday_profile(value: Any) -> tuple[Decimal, ...]:
    words = "seven numbers from Monday to Sunday, none negative and not all zero"
    if not isinstance(value, list | tuple) or len(value) != 7:
        raise WorkloadError(f"weekday_profile is {shown(value)}. Give {words}.")
    try:
        profile = tuple(exact_decimal(one) for one in value)
    except ValueError as error:
        raise WorkloadError(f"weekday_profile: {error}. Give {words}.") from None
    if min(profile) < 0 or max(profile) == 0 or max(profile) > MAX_PROFILE:
        raise WorkloadError(f"weekday_profile is {shown(value)}. Give {words}.")
    if max(decimal_places(one) for one in profile) > MAX_PROFILE_PLACES:
        raise WorkloadError(
            f"weekday_profile is {shown(value)}. Round it to {MAX_PROFILE_PLACES} places."
        )
    return profile
