"""JSON in which no key of an object says two things: the last one would win in silence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from kimi_planner.boundary import quoted
from kimi_planner.errors import FileError, KimiPlannerError, Where
from kimi_planner.limits import NODES


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of an object as a mapping; an ``object_pairs_hook`` of `json.loads`.

    Raises
    ------
    ValueError
        If a key stands there twice, with different values.

    Examples
    --------
    >>> once([("a", 1), ("b", 2), ("a", 1)])
    {'a': 1, 'b': 2}
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        for key, value in pairs:
            if made[key] != value:
                raise ValueError(f"the key {quoted(key)} stands twice in one object")
    return made


_decoder = json.JSONDecoder(object_pairs_hook=once)


def loaded(text: str | bytes) -> Any:
    """Return what JSON holds.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or a key stands twice in one object.

    Examples
    --------
    >>> loaded(b'{"a": [1]}')
    {'a': [1]}
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")  # as `json.loads` does
    return _decoder.decode(text)


def parsed_json(
    text: str,
    path: str | Path,
    advice: str,
    *,
    fault: type[KimiPlannerError] = FileError,
    **options: Any,
) -> Any:
    """Return what JSON holds; ``options`` are those of `json.loads`, beside which no key may repeat.

    Raises
    ------
    FileError
        Or another ``fault``, if it is not JSON; the message names file and line, and ends with the ``advice``.
    """
    if sum(map(text.count, "[{,")) > NODES:
        raise fault(f"more than {NODES:,} values. Split the file.", at=path)
    try:
        return json.loads(text, **{"object_pairs_hook": once, **options})
    except json.JSONDecodeError as error:
        raise fault(f"not JSON ({error.msg}). {advice}", at=Where(path, error.lineno)) from None
    except InvalidOperation:  # of `parse_float`
        raise fault(f"a number has more digits than can be meant. {advice}", at=path) from None
    except (RecursionError, ValueError) as error:  # or a number of thousands of digits
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise fault(f"not JSON that can be read ({why}). {advice}", at=path) from None
