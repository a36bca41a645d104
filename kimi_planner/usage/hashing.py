"""Numbers for texts: equal texts have equal numbers, in every process, however they are stored."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

__all__ = ["numbers_of"]

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
