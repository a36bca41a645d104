"""Numbers for texts and for ids of calls: equal ones have equal numbers, in every process, however they are stored."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from kimi_planner.usage.fields import Fields
from kimi_planner.usage.table import as_objects, equal, is_text, number_of

#: Longer texts are few; each is hashed by itself.
_LONG = 128
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
Numbers = np.ndarray[Any, np.dtype[np.int64]]


def numbers_of(texts: Any) -> Numbers:
    """Return a number for each text, 0 for an empty one.

    Parameters
    ----------
    texts : iterable of str, or text of Arrow without missing ones
        Ids of calls, or what tells them apart.

    Notes
    -----
    Two of ten million texts that differ have the same number with a chance of 3 in a million.
    """
    if hasattr(texts, "buffers"):
        _, places, data = texts.buffers()
        ends = np.frombuffer(places, np.int32)[texts.offset :][: len(texts) + 1].astype(np.int64)
        return _hashed(np.frombuffer(data or b"", np.uint8), ends)
    coded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, coded)])
    return _hashed(np.frombuffer(b"".join(coded), np.uint8), ends)


def _hashed(data: Any, ends: Numbers) -> Numbers:
    """Return a number for each part of bytes, by parts of one length at a time."""
    lengths = np.diff(ends)
    numbers = np.zeros(len(lengths), dtype=np.uint64)
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        starts = ends[:-1][rows]
        if length > _LONG:
            numbers[rows] = [_long(data[start : start + length]) for start in starts.tolist()]
            continue
        words = -(-length // 8)
        padded = np.zeros((len(rows), 8 * words), dtype=np.uint8)
        if len(rows) == len(lengths):
            padded[:, :length] = data[ends[0] : ends[-1]].reshape(-1, length)
        else:
            padded[:, :length] = data[starts[:, None] + np.arange(length)]
        mixed = np.full(len(rows), length, dtype=np.uint64)
        for word in padded.view("<u8").T:
            mixed = (mixed ^ word) * _MIX[0]
            mixed = (mixed ^ (mixed >> np.uint64(32))) * _MIX[1]
            mixed ^= mixed >> np.uint64(29)
        numbers[rows] = np.maximum(mixed, 1)
    return numbers.view(np.int64)


def _long(data: Any) -> int:
    return int.from_bytes(blake2b(data.tobytes(), digest_size=8).digest(), "little") or 1


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
    if isinstance(stamp, str):
        number = number_of(stamp)
        if isinstance(number, str):
            return stamp[:10]
        stamp = number
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None if stamp is None else str(stamp)[:10]
    seconds = float(stamp)
    while _SECONDS * 1e3 <= seconds < float("inf"):
        seconds /= 1e3
    return seconds // 86_400 if abs(seconds) < float("inf") else None
