"""What the vocabulary is applied to: texts cut by the model's own rule, lone surrogates replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CHUNK_CHARS = 400_000
MAX_RUN_CHARS = 25_000

_SPACE = re.compile(r"\s")
_OTHER = re.compile(r"\S")
# A run is matched from its first character only, so that the search is linear.
_LONG_RUN = re.compile(
    rf"(?<!\s)\s{{{MAX_RUN_CHARS + 1},}}|(?<!\S)\S{{{MAX_RUN_CHARS + 1},}}",
)


def is_one_piece(text: str) -> bool:
    """Whether a text is surely not cut; nearly every text is that short."""
    return len(text) <= MAX_RUN_CHARS


def cut(text: str) -> Iterator[str]:
    """Cut a text as Moonshot's tokenizer does.

    First every 400,000 characters; inside those, runs of more than 25,000 characters without a
    change between white space and others, every 25,000.
    """
    for start in range(0, len(text), MAX_CHUNK_CHARS):
        chunk = text[start : start + MAX_CHUNK_CHARS]
        if _may_hold_long_run(chunk):
            yield from _cut_runs(chunk)
        else:
            yield chunk


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
        for end in range(run.start() + MAX_RUN_CHARS, run.end(), MAX_RUN_CHARS):
            yield chunk[start:end]
            start = end
    yield chunk[start:]


def without_surrogates(text: str) -> str:
    """Return what tiktoken sees of a text: U+FFFD for each lone surrogate."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
