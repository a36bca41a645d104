"""Counting text: the model's own cutting rule, over an engine that applies the ranks.

splintr is the fast engine and the default; tiktoken is the reference. Both see the same pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from kimi_planner.errors import RequestError, shown
from kimi_planner.tokens import vocabulary

if TYPE_CHECKING:
    import numpy as np
    import tiktoken
    from numpy.typing import NDArray

__all__ = ["ENGINES", "Engine", "count_tokens", "count_tokens_batch", "engine", "tiktoken_encoding"]

MAX_CHUNK_CHARS = 400_000
MAX_RUN_CHARS = 25_000

_SPACE = re.compile(r"\s")
_OTHER = re.compile(r"\S")
# A run is matched from its first character only, so that the search is linear.
_LONG_RUN = re.compile(
    rf"(?<!\s)\s{{{MAX_RUN_CHARS + 1},}}|(?<!\S)\S{{{MAX_RUN_CHARS + 1},}}",
)


class Engine(Protocol):
    """What applies the vocabulary to one piece of text."""

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece; special spellings are ordinary text."""


class SplintrEngine:
    """The fast engine: splintr's byte-level BPE over the proven ranks."""

    def __init__(self) -> None:
        self._encode = vocabulary.proven_tokenizer().encode_ordinary

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        try:
            ids: list[int] = self._encode(piece)
        except UnicodeEncodeError:  # as tiktoken does, and after the cut, as Moonshot's code does
            ids = self._encode(_without_surrogates(piece))
        return ids


class TiktokenEngine:
    """The reference engine: tiktoken over the ranks of the published file."""

    def __init__(self) -> None:
        self._encode = tiktoken_encoding().encode_ordinary

    def encode(self, piece: str) -> list[int]:
        """Return the ranks of a piece."""
        return self._encode(piece)


ENGINES: dict[str, type[SplintrEngine] | type[TiktokenEngine]] = {
    "splintr": SplintrEngine,
    "tiktoken": TiktokenEngine,
}


@lru_cache(maxsize=len(ENGINES))
def engine(name: str = "splintr") -> Engine:
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


def count_tokens(text: str, *, engine_name: str = "splintr") -> int:
    """Count the tokens of a text, exactly as the Kimi models do.

    Parameters
    ----------
    text : str
        Any text. Special spellings such as ``<|im_end|>`` are counted as ordinary text.
    engine_name : {"splintr", "tiktoken"}
        Which implementation applies the vocabulary; the counts are the same.

    Returns
    -------
    int
        Number of tokens; 0 for the empty text.

    Raises
    ------
    RequestError
        If ``text`` is not a string.

    Notes
    -----
    The vocabulary is Moonshot's published one, proven by sha256. As in Moonshot's own tokenizer,
    a text is first cut every 400,000 characters, and inside those after 25,000 characters
    without a change between white space and others; that changes counts of such extreme texts
    only. A lone surrogate counts as U+FFFD, the replacement character.

    Examples
    --------
    >>> count_tokens("Hello, world!")
    4
    """
    if not isinstance(text, str):
        raise RequestError(f"Text must be str, not {type(text).__name__} ({shown(text)}).")
    encode = engine(engine_name).encode
    return sum(len(encode(piece)) for piece in pieces(text))


def count_tokens_batch(texts: Iterable[str]) -> NDArray[np.int64]:
    """Count the tokens of many texts.

    Parameters
    ----------
    texts : iterable of str
        A list, a generator, or a pandas Series without missing values.

    Returns
    -------
    ndarray of int64, shape (n_texts,)
        Tokens of each text, in order.

    Raises
    ------
    RequestError
        If one of them is not a string; the message names its position.
    """
    import numpy as np

    if isinstance(texts, str):
        raise RequestError("count_tokens_batch takes many texts. For one text use count_tokens.")

    def counts() -> Iterator[int]:
        for position, text in enumerate(texts):
            if not isinstance(text, str):
                raise RequestError(
                    f"Text {position} must be str, not {type(text).__name__} ({shown(text)})."
                )
            yield count_tokens(text)

    return np.fromiter(counts(), dtype=np.int64)


def pieces(text: str) -> Iterator[str]:
    """Cut a text as Moonshot's tokenizer does; nearly every text is one piece."""
    for start in range(0, len(text), MAX_CHUNK_CHARS):
        chunk = text[start : start + MAX_CHUNK_CHARS]
        if _may_hold_long_run(chunk):
            yield from _cut_runs(chunk)
        else:
            yield chunk


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _may_hold_long_run(chunk: str) -> bool:
    # A run longer than the limit covers a whole aligned window of half the limit.
    half = MAX_RUN_CHARS // 2
    return len(chunk) > MAX_RUN_CHARS and not all(
        _SPACE.search(chunk, start, start + half) and _OTHER.search(chunk, start, start + half)
        for start in range(0, len(chunk) - half + 1, half)
    )


def _cut_runs(chunk: str) -> Iterator[str]:
    start = 0
    for run in _LONG_RUN.finditer(chunk):
        for cut in range(run.start() + MAX_RUN_CHARS, run.end(), MAX_RUN_CHARS):
            yield chunk[start:cut]
            start = cut
    yield chunk[start:]
