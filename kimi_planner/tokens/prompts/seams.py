"""Where a text may be counted in two halves, whatever stands around it.

The vocabulary is applied to pieces that a pattern cuts, left to right, each from the end of the one
before. If no piece can hold two certain characters next to each other, the pattern always cuts
between them: what follows does not depend on what came before, and the tokens of the halves add up.

At any other seam they do not. A token may form across it and take the start of one of the vocabulary
away, whose rest is then several: `` YYYYMMDDHH`` is 5 where ``YYYYMMDDHH`` is 1. That much is rare, and
`VALUE_TOKENS`, `TEXT_SHARE` and `PROMPT_TOKENS` are what was measured: see `benchmarks.seams`.
"""

from __future__ import annotations

from functools import lru_cache
from string import ascii_letters, digits, punctuation

from kimi_planner.tokens.text import count_tokens

#: Tokens that all seams of a prompt may cost together beside what each of them may.
PROMPT_TOKENS = 4.0
#: Tokens that a value may cost at each seam, as part of a prompt with many.
VALUE_TOKENS = 0.25
#: The part of what a text may cost at a seam that it has in a prompt with many.
TEXT_SHARE = 0.5
#: Most characters of a text that are torn off.
MOST_TORN_OFF = 8

# What never stands after a letter in a piece. The apostrophe does, as in "it's".
_MARKS = frozenset(punctuation.replace("'", "") + "，。！？：；、（）「」")
_DIGITS = frozenset(digits)
_NO_DIGITS = frozenset(ascii_letters + punctuation)
_PLAIN = _NO_DIGITS | _DIGITS | _MARKS


def _always_cut(before: str, after: str) -> bool:
    """Whether the pattern surely cuts between two characters.

    Each rule reads off the alternatives of the pattern. Other pairs may be cut as well, so ``False``
    means not known.
    """
    if before in "\r\n":
        # A piece goes on after a line end only with white space. Other white space cannot be
        # decided: the pattern looks at the character behind it.
        return not after.isspace()
    if before.isspace():
        return False
    if after in " \t":  # stands only first in a piece, or after white space
        return True
    if before.isalpha() and (after in _MARKS or after in "\r\n"):
        return True
    if (before in _DIGITS) != (after in _DIGITS):  # a piece with a digit has nothing else
        return (after if before in _DIGITS else before) in _NO_DIGITS or after in "\r\n"
    if _is_han(before) != _is_han(after):  # so has a piece with a Chinese character
        other = after if _is_han(before) else before
        return other in _PLAIN or other in "\r\n" or _is_kana(other)
    return False


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u3096" or "\u30a1" <= character <= "\u30fa"


def first_cut(text: str) -> int | None:
    """Return the first place where the text is surely cut, or ``None``."""
    return next((at for at in range(1, len(text)) if _always_cut(text[at - 1], text[at])), None)


def last_cut(text: str) -> int | None:
    """Return the last place where the text is surely cut, or ``None``."""
    places = range(len(text) - 1, 0, -1)
    return next((at for at in places if _always_cut(text[at - 1], text[at])), None)


def tokens_before_a_value(text: str) -> int:
    """Return the most tokens that a text has where a value follows it, without those of a seam.

    Before a word the last of several spaces is cut off: it belongs to the word.
    """
    tokens = count_tokens(text)
    if text[-2:].isspace() and len(text) > 1:
        return max(tokens, count_tokens(text[:-1]) + 1)
    return tokens


@lru_cache(maxsize=4096)
def seam_before_a_value(text: str) -> float:
    """Return the tokens that a seam may cost where a value follows a text."""
    if text[-1:] in "\r\n":
        return 0.0
    if text[-1].isspace():
        return VALUE_TOKENS
    return VALUE_TOKENS + _torn(text, [text[:-size] for size in _torn_off(text)])


@lru_cache(maxsize=4096)
def seam_after_a_value(text: str) -> float:
    """Return the tokens that a seam may cost where a text follows a value."""
    if not text or text[0].isspace():
        return 0.0
    return VALUE_TOKENS + _torn(text, [text[size:] for size in _torn_off(text)])


def _torn_off(text: str) -> range:
    return range(1, min(len(text), MOST_TORN_OFF) + 1)


def _torn(text: str, rests: list[str]) -> float:
    """Return what a text costs where a value tears off one of its ends, and that becomes a token."""
    return TEXT_SHARE * max(0, max(map(count_tokens, rests)) + 1 - count_tokens(text))


def size_bytes(text: str) -> int:
    """Return the bytes of a text, which are the most tokens it can have."""
    return len(text.encode("utf-8", "surrogatepass"))
