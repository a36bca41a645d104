"""One field of a workload: from what is written to its checked value."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from kimi_planner.catalog import CAPABILITIES
from kimi_planner.catalog.rendering import RENDERING_WORDS
from kimi_planner.errors import WorkloadError, did_you_mean, shown
from kimi_planner.workload.beyond_tokens import parse_fees_per_request, parse_written_share
from kimi_planner.workload.caching import parse_cache
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.check import exact_number, refused, whole_tokens
from kimi_planner.workload.dated import parse_date, parse_events, parse_price_changes
from kimi_planner.workload.overflow import parse_overflow
from kimi_planner.workload.parse import QUANTITIES, parse_quantity

__all__ = ["parse_field"]

MAX_NAME_CHARS = 200
MAX_PROFILE = 1_000_000
MAX_PROFILE_PLACES = 20
MAX_AMOUNT = Decimal(10**12)

_IN_FOLDER: dict[str, Callable[[Any, Path], Any]] = {
    "events": parse_events,
    "price_changes": parse_price_changes,
    "cache": parse_cache,
}


def parse_field(key: str, value: Any, folder: Path = Path()) -> Any:
    """Return the checked value of one field.

    Raises
    ------
    WorkloadError
        If the value is not allowed; the message names the field.
    """
    if key in QUANTITIES:
        return parse_quantity(key, value, folder)
    if key in _IN_FOLDER:
        return _IN_FOLDER[key](value, folder)
    return _PARSERS[key](value)


def _of_type(key: str, kind: type, advice: str, value: Any) -> Any:
    if not isinstance(value, kind):
        raise refused(key, value, advice)
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refused(key, value, "It must be text.")
    if len(value) > MAX_NAME_CHARS or not value.isprintable():
        raise WorkloadError(
            f"the {key} {shown(value)} must be at most {MAX_NAME_CHARS} printable characters."
        )
    return value


def _label(key: str, value: Any) -> str:
    return "" if value == "" else _text(key, value)


def _notes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise refused("notes", value, "It must be a list of sentences.")
    return tuple(value)


def _amount(key: str, unit: str, value: Any, *, may_be_zero: bool = False) -> Decimal:
    amount = exact_number(key, value, f"Give a number of {unit}.")
    if not 0 <= amount <= MAX_AMOUNT or (amount == 0 and not may_be_zero):
        least = "at least 0" if may_be_zero else "above 0"
        raise WorkloadError(f"{key} is {value}. It must be {least} and at most 1e12 {unit}.")
    return amount


def _correlation(value: Any) -> Decimal:
    share = exact_number("correlation", value, "Give a number from 0 to 1.")
    if not 0 <= share <= 1:
        raise refused("correlation", value, "Give a number from 0 to 1.")
    return share


def _capabilities(key: str, value: Any) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise refused(key, value, "It must be a list of capabilities.")
    for word in words:
        if not isinstance(word, str) or word not in CAPABILITIES:
            raise WorkloadError(
                f"unknown capability {shown(word)} in {key}.{did_you_mean(str(word), CAPABILITIES)} "
                f"Known: {', '.join(sorted(CAPABILITIES))}."
            )
    return tuple(dict.fromkeys(words))


def _weekday_profile(value: Any) -> tuple[Decimal, ...]:
    advice = "Give seven numbers from Monday to Sunday, none negative and not all zero."
    if not isinstance(value, list | tuple) or len(value) != 7:
        raise refused("weekday_profile", value, advice)
    profile = tuple(exact_number("weekday_profile", one, advice) for one in value)
    if min(profile) < 0 or max(profile) == 0 or max(profile) > MAX_PROFILE:
        raise refused("weekday_profile", value, advice)
    if any(-int(one.as_tuple().exponent) > MAX_PROFILE_PLACES for one in profile):
        raise refused("weekday_profile", value, f"Round it to {MAX_PROFILE_PLACES} places.")
    return profile


def _word(key: str, words: Collection[str], value: Any) -> str:
    if value not in words:
        raise refused(
            key, value, f"Give one of {', '.join(words)}.{did_you_mean(str(value), words)}"
        )
    return str(value)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "name": partial(_text, "name"),
    "max_tokens": partial(whole_tokens, "max_tokens"),
    "written_share": parse_written_share,
    "fees_per_request": parse_fees_per_request,
    "starts_on": partial(parse_date, "starts_on"),
    "ends_on": partial(parse_date, "ends_on"),
    "weekday_profile": _weekday_profile,
    "overflow": parse_overflow,
    "batch": partial(_of_type, "batch", bool, "It must be true or false."),
    "correlation": _correlation,
    "reasoning_effort": partial(_word, "reasoning_effort", RENDERING_WORDS["default_effort"]),
    "certainty": partial(_word, "certainty", CERTAINTIES),
    "needs": partial(_capabilities, "needs"),
    "assume": partial(_capabilities, "assume"),
    "model": partial(_text, "model"),
    "tokens_of": partial(_text, "tokens_of"),
    "budget_usd_per_month": partial(_amount, "budget_usd_per_month", "USD"),
    "value_usd_per_success": partial(_amount, "value_usd_per_success", "USD"),
    "failure_usd": partial(_amount, "failure_usd", "USD", may_be_zero=True),
    "seconds_at_most": partial(_amount, "seconds_at_most", "seconds"),
    "owner": partial(_label, "owner"),
    "cost_centre": partial(_label, "cost_centre"),
    "source": partial(_of_type, "source", str, "It must be text."),
    "notes": _notes,
}
