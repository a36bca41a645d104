"""Numbers for ids of calls and of places in a tree: equal ids of one scope have equal numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.usage.fields import Fields
from kimi_planner.usage.table import as_objects

__all__ = ["call_ids", "tree_nodes"]

_CHUNK = "chat.completion.chunk"
#: Shorter ids with digits are counted by those who log, and begin again: such an id is one of its day.
_LONG_ID = 9
_NO_NODE = (None, 0, "0", "undefined", "null", "")
#: From so many on, a number is a time in seconds, or in smaller units.
_SECONDS = 1e8


def call_ids(fields: Fields) -> tuple[Any, Any]:
    """Return a number for each entry's id, 0 without one, and which entries are chunks of a call.

    Two of ten million ids that differ have the same number with a chance of 3 in a million.
    """
    if fields.values("call_id") is None:
        ids = np.zeros(len(fields), dtype=np.int64)
        return ids, ids != 0
    names = fields.objects("call_id")
    scopes: list[list[Any]] = [
        as_objects(column)
        for path in fields.dialect.within
        if (column := fields.table.get(path)) is not None
    ]
    are_texts = set(map(type, names)) == {str}
    if not (are_texts and min(map(len, names)) >= _LONG_ID) and any(map(_is_small, names)):
        stamps = zip(names, fields.objects("timestamp"), strict=True)
        scopes.append([_day(stamp) if _is_small(name) else None for name, stamp in stamps])
    elif are_texts and not scopes:
        ids = _numbers(names)
        return ids, _are_chunks(fields, ids)
    keys = zip(map(_name, names), *scopes, strict=True)
    ids = _numbers("" if key[0] is None else _text(key) for key in keys)
    return ids, _are_chunks(fields, ids)


def _are_chunks(fields: Fields, ids: Any) -> Any:
    if fields.dialect.chunks:
        return ids != 0
    kinds = fields.table.get("object")
    if kinds is None:
        return fields.none()
    return np.array([kind == _CHUNK for kind in as_objects(kinds)], dtype=bool) & (ids != 0)


def tree_nodes(fields: Fields) -> Any:
    """Return a number for each entry's place in a tree and one for its parent's, 0 without one."""
    if not fields.dialect.names.get("node") or fields.values("node") is None:
        return None
    traces = fields.objects("trace")

    def numbers(field: str) -> Any:
        keys = zip(fields.objects(field), traces, strict=True)
        return _numbers("" if key[0] in _NO_NODE else _text(key) for key in keys)

    return numbers("node"), numbers("parent")


def _numbers(texts: Iterable[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a number for each text, 0 for an empty one; the same in every process."""
    words = np.array([*texts], dtype=object)
    numbers: np.ndarray[Any, Any] = pd.util.hash_array(words, categorize=False).view(np.int64)
    return np.where(words == "", 0, numbers)


def _text(key: tuple[Any, ...]) -> str:
    while len(key) > 1 and key[-1] is None:
        key = key[:-1]
    return "\0".join(map(str, key))


def _name(name: Any) -> str | None:
    return None if isinstance(name, bool | float | dict | list | None) or name == "" else str(name)


def _is_small(name: Any) -> bool:
    return name is not None and len(str(name)) < _LONG_ID and any(map(str.isdigit, str(name)))


def _day(stamp: Any) -> Any:
    """Return something that is the same for times of one day."""
    if isinstance(stamp, str) and not stamp.isdecimal():
        return stamp[:10]
    if isinstance(stamp, bool) or not isinstance(stamp, int | float | str):
        return None if stamp is None else str(stamp)[:10]
    seconds = float(stamp)
    while _SECONDS * 1e3 <= seconds < float("inf"):
        seconds /= 1e3
    return seconds // 86_400 if abs(seconds) < float("inf") else None
