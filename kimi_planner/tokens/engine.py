"""Engines: what applies the vocabulary to a piece of text; all give the same counts.

The package's own engine is the default where it was compiled, and splintr elsewhere; tiktoken is
the reference, and fastokens for bulk where it is installed and the own engine is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from struct import unpack
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from kimi_planner.errors import MissingExtraError, RequestError, VocabularyError, unknown
from kimi_planner.lazy import making
from kimi_planner.tokens import native, vocabulary
from kimi_planner.tokens.batch import count_in_chunks
from kimi_planner.tokens.pieces import without_surrogates

if TYPE_CHECKING:
    import tiktoken


DEFAULT = "native" if native.is_built() else "splintr"

#: From so many bytes the start of fastokens pays; `python -m benchmarks.tokens` measures where.
FASTOKENS_FROM = 150_000_000

#: Fewer characters are counted one text at a time, without waking threads.
BATCH_FROM = 500_000


class Engine(Protocol):
    """What applies the vocabulary; special spellings are ordinary text."""

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""

    def count_batch(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, on all cores where the engine can."""


class SplintrEngine:
    """splintr's byte-level BPE over the proven ranks.

    Its fast calls match special spellings in a text: one that may have such is counted as ordinary
    text. Characters that are newer than its tables it takes for marks: texts with such are tiktoken's.
    """

    def __init__(self) -> None:
        self._tokenizer = vocabulary.proven_tokenizer()

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        if _is_newer(piece):
            return tiktoken_encoding().encode_ordinary(piece)
        ids: list[int] = _taken(self._tokenizer.encode_ordinary, piece)
        return ids

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""
        if _is_special(piece):
            return len(self.encode(piece))
        try:
            flat = self._tokenizer.encode_flat(piece)
        except UnicodeEncodeError:
            flat = self._tokenizer.encode_flat(without_surrogates(piece))
        return len(flat) // 4

    def count_batch(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, on all cores."""
        return _overlapped(self, pieces)

    def count_chunk(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, in one call of splintr."""
        _, ends = _taken(self._tokenizer.encode_batch_flat, pieces)
        counts = _differences(ends)
        for place, piece in enumerate(pieces):
            if _is_special(piece):
                counts[place] = len(self.encode(piece))
        return counts


# Letters of Unicode 17, which splintr's tables lack; a test compares all of Unicode.
_NEWER = re.compile(
    "[\U00016ff2-\U00016ff6\U0002b73a-\U0002b73f\U0002cea2-\U0002cead\U000323b0-\U00033479]"
)
_FAR = re.compile("[\U00016ff2-\U00033479]")  # one range is searched for much faster


def _is_newer(piece: str) -> bool:
    return not piece.isascii() and _FAR.search(piece) is not None and bool(_NEWER.search(piece))


def _is_special(piece: str) -> bool:
    """Whether splintr's fast calls may take a text for another."""
    return _is_newer(piece) or any(mark in piece for mark in _MARKS)


def _differences(ends: bytes) -> list[int]:
    """Return the lengths of what ends at some places, little-endian in eight bytes each."""
    places = unpack(f"<{len(ends) // 8}Q", ends)
    return [end - start for start, end in pairwise(places)]


# What begins a special spelling of Moonshot's or of splintr's; a test compares.
_MARKS = ("<|", "[BOS]", "[EOS]", "[EOT]", "[UNK]", "[PAD]", "<think>", "</think>")

# splintr's threads do not live on in a forked process, and a batch there would wait for them.
_forked = False


def _after_fork() -> None:
    global _forked  # noqa: PLW0603 - a fact about this process
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class TiktokenEngine:
    """The reference engine: tiktoken over the ranks of the published file."""

    def __init__(self) -> None:
        self._encode = tiktoken_encoding().encode_ordinary

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        return self._encode(piece)

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""
        return len(self._encode(piece))

    def count_batch(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece."""
        return [self.count(piece) for piece in pieces]


class FastokensEngine:
    """fastokens over the ranks of the published file: slow to start, fastest in bulk."""

    def __init__(self) -> None:
        try:
            import fastokens
        except ImportError:
            raise MissingExtraError.of("fastokens", "bulk") from None
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            path = Path(folder, "tiktoken.model")
            path.write_bytes(vocabulary.model_file())
            self._tokenizer = fastokens.Tokenizer.from_tiktoken(
                str(path), pattern=vocabulary.pattern(), special_tokens={}
            )

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        ids: list[int] = _taken(self._tokenizer.encode, piece).ids
        return ids

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""
        return len(_taken(self._tokenizer.encode, piece))

    def count_batch(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, on all cores."""
        return _overlapped(self, pieces)

    def count_chunk(self, pieces: list[str]) -> list[int]:
        """Return the number of ranks of each piece, in one call of fastokens."""
        _, ends = _taken(self._tokenizer.encode_batch_flat, pieces)
        return _differences(ends)


def _taken(take: Callable[[Any], Any], text: str | list[str]) -> Any:
    """Hand a text, or several, to an engine that takes no lone surrogates."""
    try:
        return take(text)
    except UnicodeEncodeError:
        if isinstance(text, str):
            return take(without_surrogates(text))
        return take(list(map(without_surrogates, text)))


def _overlapped(engine: SplintrEngine | FastokensEngine, pieces: list[str]) -> list[int]:
    # The engines have threads of their own. They let go of Python's lock while they work, but not
    # while they take texts over: one chunk is handed over while others are counted.
    if _forked or sum(map(len, pieces)) < BATCH_FROM:
        return [engine.count(piece) for piece in pieces]
    return count_in_chunks(pieces, list, engine.count_chunk, chars=1_000_000, threads=3)


#: The engines that this installation may use; fastokens is an extra, native a matter of a compiler.
ENGINES: dict[str, Callable[[], Engine]] = {
    "native": native.NativeEngine,
    "splintr": SplintrEngine,
    "tiktoken": TiktokenEngine,
    "fastokens": FastokensEngine,
}


def engine(name: str = DEFAULT) -> Engine:
    """Return an engine, built once per process.

    Raises
    ------
    RequestError
        If there is no engine of that name.
    """
    if not isinstance(name, str) or name not in ENGINES:
        raise RequestError(unknown("Unknown engine", name, ENGINES, "Engines:"))
    if name not in _built:
        with making:  # the first to ask builds it, and the others wait
            if name not in _built:
                _built[name] = ENGINES[name]()
    return _built[name]


_built: dict[str, Engine] = {}


def bulk_engine(size: int) -> str:
    """Return the name of the fastest installed engine for so many bytes or characters."""
    if DEFAULT == "native" or size < FASTOKENS_FROM or _forked or find_spec("fastokens") is None:
        return DEFAULT
    return "fastokens"


def load_ahead() -> None:
    """Load the default engine in the background, for a program that has other things to import."""

    def load() -> None:
        with suppress(ImportError, VocabularyError):  # said where it is asked for
            engine().count("antidisestablishmentarianism")  # no token; splintr makes its tables now

    Thread(target=load, name="kimi_planner vocabulary").start()


@lru_cache(maxsize=1)
def tiktoken_encoding() -> tiktoken.Encoding:
    """Return the vocabulary as a `tiktoken.Encoding`, built offline from the proven ranks."""
    import tiktoken

    return tiktoken.Encoding(**encoding_parts())


def encoding_parts() -> dict[str, Any]:
    """Return what a `tiktoken.Encoding` of the vocabulary is built from."""
    return {
        "name": "kimi_k2",
        "pat_str": vocabulary.pattern(),
        "mergeable_ranks": vocabulary.ranks(),
        "special_tokens": vocabulary.SPECIAL_TOKENS,
    }
