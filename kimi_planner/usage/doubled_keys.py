"""Keys that stand twice in one object of a log, where parsers take the last in silence."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from kimi_planner.boundary import quoted
from kimi_planner.errors import UsageError
from kimi_planner.usage.dialects import spelled


def _written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


_dumps: Callable[[Any], bytes] = _written
with suppress(ImportError):  # where no wheel of it is made
    import orjson

    _dumps = orjson.dumps

#: What else of an entry changes its cost, or which call it is.
_TELLING = frozenset(("model", "id", "created", "created_at", "timestamp", "service_tier", "batch"))
_USAGE = re.compile(r"(?:^|[._])(?:tokens?|usage|cost|cached)(?:$|[._])")
#: The end of a key that is written otherwise than by those who write most logs.
_APART = re.compile(r'"[ \t\r\n]+:')


def mentions_usage(value: Any) -> bool:
    """Whether an entry has a field, however deep in it, whose name is about usage."""
    if isinstance(value, dict):
        names = (spelled(str(key)) for key in value)
        return any(map(_USAGE.search, names)) or any(map(mentions_usage, value.values()))
    return isinstance(value, list) and any(map(mentions_usage, value))


def check_keys(text: str, value: Any) -> None:
    """Raise if a key stands twice in an object of an entry, and that changes what a call is or costs.

    Parameters
    ----------
    text : str
        JSON.
    value : object
        What was read from it.

    Raises
    ------
    UsageError
        If it has different values there.

    Notes
    -----
    It is as fast as may be: what is written again from the value has fewer keys than the text if one
    was dropped. What may be so is parsed with care.

    Examples
    --------
    >>> import json
    >>> check_keys(text := '{"usage": {"prompt_tokens": 5, "total_tokens": 6}}', json.loads(text))
    >>> check_keys(text := '{"usage": {"prompt_tokens": 5, "prompt_tokens": 6}}', json.loads(text))
    Traceback (most recent call last):
    kimi_planner.errors.UsageError: the key 'prompt_tokens' stands twice in one object. Keep one.
    """
    with suppress(ValueError, TypeError, RecursionError):
        is_plain = "\\u00" not in text and not _APART.search(text)
        if is_plain and text.count('":') == _dumps(value).count(b'":'):
            return
    try:
        json.loads(text.removeprefix("data:"), object_pairs_hook=_held)
    except UsageError:
        raise
    except (ValueError, RecursionError):  # whoever reads it says so
        return


def check_literal(tree: ast.Expression) -> None:
    """Raise as `check_keys` does, of a value that Python has printed.

    Raises
    ------
    UsageError
        If a key that tells something has different values in one object.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            _held(
                [
                    (ast.literal_eval(key), ast.literal_eval(value))
                    for key, value in zip(node.keys, node.values, strict=True)
                    if key is not None
                ]
            )


def _held(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    for key, value in pairs if len(made) < len(pairs) else ():
        if made[key] != value and (spelled(key) in _TELLING or mentions_usage({key: value})):
            raise UsageError(f"the key {quoted(key)} stands twice in one object. Keep one.")
    return made
