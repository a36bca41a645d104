"""Numbers for ids of calls and of places in a tree: equal ids of one scope have equal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from kimi_planner.usage.fields import Fields
from kimi_planner.usage.hashing import numbers_of
from kimi_planner.usage.table import as_objects, equal, is_text

__all__ = ["call_ids", "tree_nodes"]

_CHUNK = "chat.completion.chunk"
#: Shorter ids with digits are counted by those who log, and begin again: such an id is one of its day.
_LONG_ID = 9
_NO_NODE = (None, 0, "0", "undefined", "null", "")
#: From so many on, a number is a time in seconds, or in smaller units.
_SECONDS = 1e8


def call_ids(fields: Fields) -> tuple[Any, Any]:
    """Return a number for each entry's id, 0 without one, and which entries are chunks of a call."""
    values = fields.values("call_id")
    if values is None:
        return np.zeros(len(fields), dtype=np.int64), fields.none()
    scopes: list[list[Any]] = [
        as_objects(column)
        for path in fields.dialect.within
        if (column := fields.table.get(path)) is not None
    ]
    if scopes or not _are_long(values):
        names = as_objects(values)
        if any(map(_is_small, names)):
            stamps = zip(names, fields.objects("timestamp"), strict=True)
            scopes.append([_day(stamp) if _is_small(name) else None for name, stamp in stamps])
        keys = zip(map(_name, names), *scopes, strict=True)
        values = ["" if key[0] is None else _text(key) for key in keys]
    ids = numbers_of(values)
    if fields.dialect.chunks:
        return ids, ids != 0
    kinds = fields.table.get("object")
    return ids, fields.none() if kinds is None else equal(kinds, _CHUNK) & (ids != 0)


def _are_long(names: Any) -> bool:
    """Whether all ids are texts that are too long to be counted."""
    if not is_text(names):
        return set(map(type, names)) == {str} and min(map(len, names)) >= _LONG_ID
    import pyarrow.compute as pc

    return (pc.min(pc.utf8_length(names)).as_py() or 0) >= _LONG_ID


def tree_nodes(fields: Fields) -> Any:
    """Return a number for each entry's place in a tree and one for its parent's, 0 without one."""
    if not fields.dialect.names.get("node") or fields.values("node") is None:
        return None
    traces = fields.objects("trace")

    def numbers(field: str) -> Any:
        keys = zip(fields.objects(field), traces, strict=True)
        return numbers_of("" if key[0] in _NO_NODE else _text(key) for key in keys)

    return numbers("node"), numbers("parent")


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
