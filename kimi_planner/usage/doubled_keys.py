"""Keys that stand twice in one object of a log, where parsers take the last in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import spelled

#: What else of an entry changes its cost, or which call it is.
_TELLING = frozenset(("model", "id", "created", "created_at", "timestamp", "service_tier", "batch"))
_USAGE = re.compile(r"(?:^|[._])(?:tokens?|usage|cost|cached)(?:$|[._])")
#: How the names of counts end, all over.
_END = 'tokens"'
_NAMES = re.compile(r'"([^"\\]*tokens)"')
_MOST = 10_000
#: What objects of usage were without their digits in which no name of a count stood twice.
_sound: set[bytes] = set()


def mentions_usage(value: Any) -> bool:
    """Whether an entry has a field, however deep in it, whose name is about usage."""
    if isinstance(value, dict):
        names = (spelled(str(key)) for key in value)
        return any(map(_USAGE.search, names)) or any(map(mentions_usage, value.values()))
    return isinstance(value, list) and any(map(mentions_usage, value))


def check_keys(text: str) -> None:
    """Raise if a count stands twice in the last object of usage of an entry, with different values.

    Parameters
    ----------
    text : str
        JSON, or what is none, in which there is nothing to find.

    Raises
    ------
    UsageError
        If one does.

    Notes
    -----
    It is as fast as may be: searched from the end, where usage mostly stands, and nearly all
    objects differ in digits alone from one before. What is left is parsed with care.

    Examples
    --------
    >>> check_keys('{"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}}}')
    >>> check_keys('{"usage": {"prompt_tokens": 5, "prompt_tokens": 6}}')
    Traceback (most recent call last):
    kimi_planner.errors.UsageError: the key 'prompt_tokens' stands twice in one object. Keep one.
    """
    last = text.rfind(_END)
    if last < 0:
        return
    counts = text[max(text.rfind('usage"', 0, last), 0) : last + len(_END)]
    shape = counts.encode("utf-8", "replace").translate(None, b"0123456789")
    if shape in _sound:
        return
    names = _NAMES.findall(counts)
    if (len(set(names)) == len(names) or not check_every_key(text)) and len(_sound) < _MOST:
        _sound.add(shape)


def check_every_key(text: str) -> bool:
    """Return whether a key stands twice in an object; raise if that changes what a call is or costs.

    Raises
    ------
    UsageError
        If it has different values there.
    """
    is_doubled = False

    def held(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_doubled
        made = dict(pairs)
        if len(made) < len(pairs):
            is_doubled = True
            for key, value in pairs:
                if made[key] != value and (
                    spelled(key) in _TELLING or mentions_usage({key: value})
                ):
                    raise UsageError(f"the key {quoted(key)} stands twice in one object. Keep one.")
        return made

    try:
        json.loads(text.removeprefix("data:"), object_pairs_hook=held)
    except UsageError:
        raise
    except (ValueError, RecursionError):
        return True  # whoever reads it says so
    return is_doubled
