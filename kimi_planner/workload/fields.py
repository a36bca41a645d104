"""One field of a workload: from what is written to its checked value."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import normalize

from kimi_planner.catalog import CAPABILITIES
from kimi_planner.catalog.rendering import RENDERING_WORDS
from kimi_planner.errors import WorkloadError, did_you_mean, shown
from kimi_planner.workload.beyond_tokens import parse_fees_per_request, parse_written_share
from kimi_planner.workload.caching import parse_cache
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.check import exact_number, refused, whole_tokens
from kimi_planner.workload.currency import parse_currency
from kimi_planner.workload.dated import parse_date, parse_events, parse_price_changes
from kimi_planner.workload.overflow import parse_overflow
from kimi_planner.workload.parse import QUANTITIES, parse_quantity

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
    return _PARSERS[key](key, value)


def _of_type(kind: type, advice: str, key: str, value: Any) -> Any:
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


def looks(name: str) -> str:
    """Return what a name looks like on a page: in one form, each white space as one blank."""
    return " ".join(normalize("NFC", name).split())


def _name(key: str, value: Any) -> str:
    name = _text(key, value)
    if looks(name).casefold() == "all":
        raise WorkloadError(f"name is {shown(name)}, which means all together. Rename it.")
    return name


def _label(key: str, value: Any) -> str:
    return "" if value == "" else _text(key, value)


def _notes(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise refused(key, value, "It must be a list of sentences.")
    return tuple(value)


def _amount(unit: str, key: str, value: Any, *, may_be_zero: bool = False) -> Decimal:
    amount = exact_number(key, value, f"Give a number of {unit}.")
    if not 0 <= amount <= MAX_AMOUNT or (amount == 0 and not may_be_zero):
        least = "at least 0" if may_be_zero else "above 0"
        raise WorkloadError(f"{key} is {value}. It must be {least} and at most 1e12 {unit}.")
    return amount


def _correlation(key: str, value: Any) -> Decimal:
    share = exact_number(key, value, "Give a number from 0 to 1.")
    if not 0 <= share <= 1:
        raise refused(key, value, "Give a number from 0 to 1.")
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


def _weekday_profile(key: str, value: Any) -> tuple[Decimal, ...]:
    advice = "Give seven numbers from Monday to Sunday, none negative and not all zero."
    if not isinstance(value, list | tuple) or len(value) != 7:
        raise refused(key, value, advice)
    profile = tuple(exact_number(key, one, advice) for one in value)
    if min(profile) < 0 or max(profile) == 0 or max(profile) > MAX_PROFILE:
        raise refused(key, value, advice)
    if any(-int(one.as_tuple().exponent) > MAX_PROFILE_PLACES for one in profile):
        raise refused(key, value, f"Round it to {MAX_PROFILE_PLACES} places.")
    return profile


def _word(words: Collection[str], key: str, value: Any) -> str:
    if value not in words:
        raise refused(
            key, value, f"Give one of {', '.join(words)}.{did_you_mean(str(value), words)}"
        )
    return str(value)


_PARSERS: dict[str, Callable[[str, Any], Any]] = {
    "name": _name,
    **dict.fromkeys(("model", "tokens_of"), _text),
    **dict.fromkeys(("owner", "cost_centre"), _label),
    **dict.fromkeys(("needs", "assume"), _capabilities),
    **dict.fromkeys(("starts_on", "ends_on"), parse_date),
    "max_tokens": whole_tokens,
    "written_share": lambda _, value: parse_written_share(value),
    "fees_per_request": lambda _, value: parse_fees_per_request(value),
    "weekday_profile": _weekday_profile,
    "overflow": lambda _, value: parse_overflow(value),
    "currency": lambda _, value: parse_currency(value),
    "batch": partial(_of_type, bool, "It must be true or false."),
    "correlation": _correlation,
    "reasoning_effort": partial(_word, RENDERING_WORDS["default_effort"]),
    "certainty": partial(_word, CERTAINTIES),
    **dict.fromkeys(("budget_usd_per_month", "value_usd_per_success"), partial(_amount, "USD")),
    "failure_usd": partial(_amount, "USD", may_be_zero=True),
    "seconds_at_most": partial(_amount, "seconds"),
    "source": partial(_of_type, str, "It must be text."),
    "notes": _notes,
}
