r"""Showing what hides: control characters, marks of direction and the like as ``\u202e``."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category

# Controls, format marks (also those that turn text round), surrogates, private and unassigned code
# points, and the separators of lines and paragraphs.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    r"""Return text on one line in which nothing is hidden.

    >>> visible("a\nb" + chr(0x202E))
    'a\\nb\\u202e'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


@lru_cache(maxsize=4096)
def _shown(mark: str) -> str:
    if category(mark) not in _HIDDEN:
        return mark
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(mark)
    return named or (f"\\u{ord(mark):04x}" if ord(mark) < 0x10000 else f"\\U{ord(mark):08x}")


def json_text(value: object) -> str:
    r"""Return JSON that holds the text as it is, with what hides in it escaped.

    >>> json_text(chr(0x202E) + "é")
    '"\\u202eé"'
    """
    import json  # the form for people needs none of it

    plain = json.dumps(value, indent=2, ensure_ascii=False)
    if plain.isascii():
        return plain.replace("\x7f", "\\u007f")  # the one control that JSON leaves as it is
    return "".join(
        json.dumps(mark)[1:-1].replace("\x7f", "\\u007f")
        if mark != "\n" and category(mark) in _HIDDEN
        else mark
        for mark in plain
    )
