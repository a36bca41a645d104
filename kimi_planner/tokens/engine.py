"""Engines: what applies the vocabulary to a piece of text; all give the same counts.

splintr is the default, tiktoken the reference.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from kimi_planner.errors import RequestError, shown
from kimi_planner.tokens import vocabulary

if TYPE_CHECKING:
    import numpy as np
    import tiktoken
    from numpy.typing import NDArray

__all__ = ["DEFAULT", "ENGINES", "Engine", "engine", "tiktoken_encoding"]

DEFAULT = "splintr"


class Engine(Protocol):
    """What applies the vocabulary; special spellings are ordinary text."""

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""

    def count_batch(self, pieces: list[str]) -> NDArray[np.int64]:
        """Return the number of ranks of each piece."""


class SplintrEngine:
    """splintr's byte-level BPE over the proven ranks.

    Its fastest calls match special spellings in a text, so they are used only where a text has
    none; `encode_ordinary` never matches them.
    """

    def __init__(self) -> None:
        self._tokenizer = vocabulary.proven_tokenizer()
        spellings = self._tokenizer.special_tokens()
        self._marks = ("<|", *(word for word in spellings if not word.startswith("<|")))

    def _is_plain(self, piece: str) -> bool:
        return not any(mark in piece for mark in self._marks)

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        try:
            ids: list[int] = self._tokenizer.encode_ordinary(piece)
        except UnicodeEncodeError:
            ids = self._tokenizer.encode_ordinary(without_surrogates(piece))
        return ids

    def count(self, piece: str) -> int:
        """Return the number of ranks of a piece."""
        if not self._is_plain(piece):
            return len(self.encode(piece))
        try:
            flat = self._tokenizer.encode_flat(piece)
        except UnicodeEncodeError:
            flat = self._tokenizer.encode_flat(without_surrogates(piece))
        return len(flat) // 4

    def count_batch(self, pieces: list[str]) -> NDArray[np.int64]:
        """Return the number of ranks of each piece."""
        import numpy as np

        marked = [place for place, piece in enumerate(pieces) if not self._is_plain(piece)]
        plain = pieces
        if marked:
            plain = list(pieces)
            for place in marked:
                plain[place] = ""
        try:
            _, ends = self._tokenizer.encode_batch_flat(plain)
        except UnicodeEncodeError:
            _, ends = self._tokenizer.encode_batch_flat([without_surrogates(one) for one in plain])
        counts: NDArray[np.int64] = np.diff(np.frombuffer(ends, dtype="<i8"))
        for place in marked:
            counts[place] = len(self.encode(pieces[place]))
        return counts


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

    def count_batch(self, pieces: list[str]) -> NDArray[np.int64]:
        """Return the number of ranks of each piece."""
        import numpy as np

        return np.fromiter(map(self.count, pieces), dtype=np.int64, count=len(pieces))


ENGINES: dict[str, type[SplintrEngine] | type[TiktokenEngine]] = {
    "splintr": SplintrEngine,
    "tiktoken": TiktokenEngine,
}


@lru_cache(maxsize=len(ENGINES))
def engine(name: str = DEFAULT) -> Engine:
    """Return an engine, built once per process.

    Raises
    ------
    RequestError
        If there is no engine of that name.
    """
    if name not in ENGINES:
        raise RequestError(f"Unknown engine {shown(name)}. Engines: {', '.join(ENGINES)}.")
    return ENGINES[name]()


@lru_cache(maxsize=1)
def tiktoken_encoding() -> tiktoken.Encoding:
    """Return the vocabulary as a `tiktoken.Encoding`, built offline from the proven ranks."""
    import tiktoken

    return tiktoken.Encoding(
        "kimi_k2",
        pat_str=vocabulary.pattern(),
        mergeable_ranks=vocabulary.ranks(),
        special_tokens=vocabulary.SPECIAL_TOKENS,
    )


def without_surrogates(text: str) -> str:
    """Return what tiktoken sees of a text: U+FFFD for each lone surrogate."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
