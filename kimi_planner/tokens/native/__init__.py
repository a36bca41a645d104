"""The package's own engine, in C: the fastest, and the default where it was compiled.

``counter.c`` is compiled when the package is built on a machine with a C compiler. The library
touches no Python, so texts are counted on all cores.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from struct import unpack_from
from threading import Lock

from kimi_planner.errors import RequestError, VocabularyError
from kimi_planner.tokens import vocabulary
from kimi_planner.tokens.batch import cores, count_in_chunks
from kimi_planner.tokens.pieces import without_surrogates

__all__ = ["SWITCH", "NativeEngine", "is_built"]

#: What :func:`library` expects of the compiled file; ``VERSION`` of ``counter.c``.
VERSION = 1

#: The file that the build writes the SHA-256 of the library to, beside it.
DIGEST = "counter.compiled.sha256"

#: What switches this engine off, in the environment of a build and of a run.
SWITCH = "KIMI_PLANNER_NO_NATIVE"

# Bytes after a text that the library may read; PADDING of ranks.h.
_PADDING = bytes(32)

# Enough that a thread is not woken for little, and little enough that all of them have work.
_CHUNK_CHARS = 500_000

# One core has counted fewer by the time that threads are imported.
_ALONE_CHARS = 3_000_000


_loading = Lock()


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """Return the compiled library, or None where there is none, whole, that this process can, or may, load."""
    if os.environ.get(SWITCH):
        return None
    try:
        path = Path(__file__).with_name("counter.compiled")
        if not _is_whole(path):
            return None
        found = ctypes.CDLL(str(path))
        if found.kimi_version() != VERSION:
            return None
    except (OSError, AttributeError):
        return None
    found.kimi_load.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
    found.kimi_load.restype = ctypes.c_int64
    found.kimi_encode.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_void_p]
    found.kimi_encode.restype = ctypes.c_int64
    found.kimi_count.argtypes = [
        ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p,
    ]  # fmt: skip
    return found


def _is_whole(path: Path) -> bool:
    """Whether a library is as it was compiled: Linux loads a damaged one, and ends the process at a touch.

    The build writes its digest beside it. Without that, the header of an ELF file says where its last
    table stands; of other systems' files the loader refuses a part.
    """
    content = path.read_bytes()
    head, size = content[:64], len(content)
    written = path.with_name(DIGEST)
    if written.exists():
        return sha256(content).hexdigest() == written.read_text("ascii", "replace").strip()
    if not head.startswith(b"\x7fELF"):
        return True
    if len(head) < 64:
        return False
    order = "<" if head[5] == 1 else ">"
    form, at, counts = ("Q", 40, 58) if head[4] == 2 else ("I", 32, 46)
    (place,) = unpack_from(order + form, head, at)
    each, number = unpack_from(f"{order}HH", head, counts)
    return size >= int(place + each * number)


def is_built() -> bool:
    """Whether the library was compiled with the package."""
    return library() is not None


class NativeEngine:
    """Byte-level BPE over the proven ranks, by the package's own library.

    Raises
    ------
    RequestError
        If the library was not compiled.
    VocabularyError
        If the library does not take the vocabulary.
    """

    def __init__(self) -> None:
        found = library()
        if found is None:
            if os.environ.get(SWITCH):
                raise RequestError(f"The engine 'native' is off, as {SWITCH} is set. Unset it.")
            raise RequestError(
                "The engine 'native' was not compiled when kimi-planner was installed, or its file is "
                "damaged. Install a C compiler, and install kimi-planner again from its sources."
            )
        stream = vocabulary.proven_stream()
        with _loading:
            loaded = found.kimi_load(stream, len(stream))
        if loaded != vocabulary.RANKS:
            raise VocabularyError("The engine 'native' cannot hold the vocabulary; is memory full?")
        self._encode = found.kimi_encode
        self._count = found.kimi_count

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        text = _utf8(piece)
        ranks = array("I", bytes(4 * len(text)))
        count = self._encode(text + _PADDING, len(text), ranks.buffer_info()[0])
        return ranks[: _counted(count)].tolist()

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""
        text = _utf8(piece)
        return _counted(self._encode(text + _PADDING, len(text), None))

    def count_batch(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, on all cores."""
        if sum(map(len, pieces)) <= _ALONE_CHARS:
            return self._count_chunk(_chunk_of(pieces))
        threads = cores()
        return count_in_chunks(
            pieces, _chunk_of, self._count_chunk, chars=_CHUNK_CHARS, threads=threads
        )

    def _count_chunk(self, chunk: tuple[bytes, array[int]]) -> list[int]:
        blob, ends = chunk
        counts = array("q", bytes(8 * len(ends)))
        _counted(self._count(blob, ends.buffer_info()[0], len(ends), counts.buffer_info()[0]))
        return counts.tolist()


def _chunk_of(pieces: list[str]) -> tuple[bytes, array[int]]:
    """Return pieces as one text, padded, and where each of them ends in it."""
    texts = list(map(_utf8, pieces))
    ends = array("Q", accumulate(map(len, texts)))
    texts.append(_PADDING)
    return b"".join(texts), ends


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


def _counted(count: int) -> int:
    if count < 0:
        raise MemoryError("no memory to count tokens with")
    return count
