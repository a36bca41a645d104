"""What a prompt says, in a few numbers: enough to know it again under another name, and grown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from kimi_planner.checks.baseline import PromptEntry


SIZE = 32  # of a sketch; more would know smaller parts again
BITS, DIGITS = 24, 6  # of the hash of three words in a row
MIN_SHARED = 3  # pieces, of texts that differ
MIN_OVERLAP = 0.5  # of the smaller of two

_FACTOR = 0x9E3779B1
_MASK = (1 << BITS) - 1
_WORD = r"[\u3040-\u9fff]|[^\s\u3040-\u9fff]+"  # compiled where it is used: few checks do


class Content:
    """What a prompt says; its sketch is made where it is asked for, as few prompts come or go.

    Parameters
    ----------
    text, recorded : str
        Its text, or else the sketch that a baseline has of it, ``""`` if it has none.
    """

    def __init__(self, text: str | None = None, recorded: str = "") -> None:
        self._text = text
        self._recorded = recorded

    @cached_property
    def digits(self) -> str:
        """The sketch."""
        return self._recorded if self._text is None else sketch(self._text)


def sketch(text: str) -> str:
    """Return the smallest hashes of the rows of words of a text, as hexadecimal digits.

    Notes
    -----
    A bottom-k sketch [1]_: what two of them share below the smaller of their largest hashes
    estimates how much of one text is part of the other, whatever their lengths.

    References
    ----------
    .. [1] E. Cohen, H. Kaplan: Summarizing data using bottom-k sketches. PODC 2007.
    """
    words = [crc32(word.encode("utf-8", "surrogatepass")) for word in re.findall(_WORD, text)]
    rows = zip(words, words[1:], words[2:], strict=False) if len(words) > 2 else [(*words, 0, 0, 0)]
    hashes = {((row[0] * _FACTOR + row[1]) * _FACTOR + row[2]) & _MASK for row in rows}
    return "".join(f"{one:0{DIGITS}x}" for one in sorted(hashes)[:SIZE])


def renamed(
    gone: Iterable[PromptEntry], new: Iterable[PromptEntry]
) -> Iterator[tuple[PromptEntry, PromptEntry]]:
    """Yield prompts that are the same under another name or in another file, the surest first.

    A prompt that took in, or lost, up to half of what the smaller of the two says is the same.
    """
    before = [(entry, _pieces(entry)) for entry in gone]
    having: defaultdict[int, list[int]] = defaultdict(list)
    for number, (_, pieces) in enumerate(before):
        for piece in pieces:
            having[piece].append(number)
    pairs = []
    for now in new:
        pieces = _pieces(now)
        for number in Counter(one for piece in pieces for one in having[piece]):
            then, known = before[number]
            overlap = 1.5 if known == pieces else _overlap(known, pieces)
            same = then.model == now.model and (then.kind == "fixed") == (now.kind == "fixed")
            if same and overlap >= MIN_OVERLAP:
                pairs.append((-overlap, then.key, now.key, then, now))
    taken: set[tuple[str, ...]] = set()
    for _, old_key, new_key, then, now in sorted(pairs, key=lambda pair: pair[:3]):
        if not taken & {("old", *old_key), ("new", *new_key)}:
            taken |= {("old", *old_key), ("new", *new_key)}
            yield then, now


def _pieces(entry: PromptEntry) -> frozenset[int]:
    digits = entry.content.digits
    return frozenset(int(digits[at : at + DIGITS], 16) for at in range(0, len(digits), DIGITS))


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """Return the part of the smaller that is in the other, 0 where too little is known."""
    bound = min(max(some) if len(some) == SIZE else 1 << BITS for some in (one, other))
    counted = [{piece for piece in some if piece <= bound} for some in (one, other)]
    shared = len(counted[0] & counted[1])
    return shared / min(map(len, counted)) if shared >= MIN_SHARED else 0.0
