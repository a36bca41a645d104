"""Where a text may be counted in two halves, whatever stands around it.

The vocabulary is applied to pieces that a pattern cuts, left to right, each from the end of the one
before. If no piece can hold two certain characters next to each other, the pattern always cuts
between them: what follows does not depend on what came before, and the tokens of the halves add up.
"""

from __future__ import annotations

from string import ascii_letters, digits, punctuation

__all__ = ["first_cut", "last_cut", "size_bytes"]

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


def size_bytes(text: str) -> int:
    """Return the bytes of a text, which are the most tokens it can have."""
    return len(text.encode("utf-8", "surrogatepass"))
