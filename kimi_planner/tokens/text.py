"""Counting text, one or many, exactly as the Kimi models do."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from kimi_planner.arguments import public
from kimi_planner.errors import RequestError, needs, shown
from kimi_planner.tokens.engine import DEFAULT, bulk_engine, engine
from kimi_planner.tokens.pieces import cut, is_one_piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def count_tokens(text: str, *, engine_name: str = DEFAULT) -> int:
    """Count the tokens of a text, exactly as the Kimi models do.

    Parameters
    ----------
    text : str
        Any text. Special spellings such as ``<|im_end|>`` are counted as ordinary text.
    engine_name : {"native", "splintr", "tiktoken", "fastokens"}, optional
        Which implementation applies the vocabulary; the counts are the same. If not given, the
        package's own where it was compiled, else splintr.

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
    count = engine(engine_name).count
    return count(text) if is_one_piece(text) else sum(map(count, cut(text)))


@public
def count_tokens_batch(
    texts: Iterable[str], *, engine_name: str | None = None
) -> NDArray[np.int64]:
    """Count the tokens of many texts.

    Parameters
    ----------
    texts : iterable of str
        A list, a generator, or a pandas Series without missing values.
    engine_name : {"native", "splintr", "tiktoken", "fastokens"}, optional
        Which implementation applies the vocabulary; if not given, the fastest installed one for
        so much text. The counts are the same.

    Returns
    -------
    ndarray of int64, shape (n_texts,)
        Tokens of each text, in order.

    Raises
    ------
    RequestError
        If one of them is not a string; the message names its position.
    MissingExtraError
        If numpy is not installed.

    Examples
    --------
    >>> count_tokens_batch(["Hello, world!", "", "你好"])
    array([4, 0, 1])
    """
    with needs("numpy"):
        import numpy as np

    if isinstance(texts, str):
        raise RequestError("count_tokens_batch takes many texts. For one text use count_tokens.")
    if hasattr(texts, "columns"):  # its texts would be the names of its columns
        raise RequestError(f"texts is {shown(texts)}. Give one column of it.")
    checked = []
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise RequestError(
                f"Text {position} must be str, not {type(text).__name__} ({shown(text)})."
            )
        checked.append(text)
    engine_name = engine_name or bulk_engine(sum(map(len, checked)))
    return np.array(count_many(checked, engine_name), dtype=np.int64)


def count_many(texts: list[str], engine_name: str) -> list[int]:
    """Count the tokens of texts that are known to be texts, on all cores where it pays."""
    if all(map(is_one_piece, texts)):
        return engine(engine_name).count_batch(texts)
    pieces: list[str] = []
    shares = []  # how many pieces each text has
    for text in texts:
        before = len(pieces)
        pieces += cut(text) if text else [text]
        shares.append(len(pieces) - before)
    counts = iter(engine(engine_name).count_batch(pieces))
    return [sum(islice(counts, share)) for share in shares]
