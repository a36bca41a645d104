"""What a variable of a prompt may be filled with, as declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from itertools import pairwise
from math import inf
from typing import Any, TypeAlias

from kimi_planner.errors import RequestError, shown, unknown

#: Most bytes of a character in UTF-8.
BYTES_PER_CHAR = 4

#: Most bytes, unless declared, of a value's first and last word.
WORD_BYTES = 64

#: What the names of declared sizes begin with, the smallest first.
_ENDS = ("min", "typical", "max")

#: Most items that a loop may be declared to have.
MAX_ITEMS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRange:
    """What a variable may be filled with, or how often a loop may run.

    Attributes
    ----------
    min_tokens, typical_tokens, max_tokens
        Tokens of the value, counted alone: the fewest, what it usually has, and the most that whoever
        fills it guarantees; ``None`` if not declared. Without a typical size the most stands for it.
    max_chars, max_bytes
        Most characters of the value, and most bytes in UTF-8. A token has at least one byte, a
        character up to four.
    max_word_bytes
        Most bytes of the first and of the last word of a value of ``min_tokens``. Those words may
        become part of the template's where they touch them. A word counts with the white space before
        it, and ends at white space, at most punctuation, and where digits or Chinese characters begin
        or end.
    values
        The only values; then nothing else is declared.
    min_items, typical_items, max_items
        Items of a loop.
    """

    min_tokens: int = 0
    typical_tokens: int | None = None
    max_tokens: int | None = None
    max_chars: int | None = None
    max_bytes: int | None = None
    max_word_bytes: int = WORD_BYTES
    values: tuple[str, ...] | None = None
    min_items: int = 0
    typical_items: int | None = None
    max_items: int | None = None

    @classmethod
    def of(cls, value: Declaration, name: str) -> ValueRange:
        """Read and check what was declared for the variable ``name``; a number is ``max_tokens``.

        Raises
        ------
        RequestError
            If a key is not known, a number is not a whole one in its bounds, or the declarations
            contradict each other.
        """
        if isinstance(value, ValueRange):
            return value
        if type(value) is int:
            value = {"max_tokens": value}
        if not isinstance(value, Mapping) or not value:
            known = ", ".join(field.name for field in fields(cls))
            raise _wrong(name, f"{shown(value)} is no range. Declare {known}.")
        for key, given in value.items():
            _check(key, given, name)
        if "values" in value:
            if len(value) > 1:
                raise _wrong(name, "values says all; declare nothing beside it.")
            return cls(values=tuple(value["values"]))
        declared = cls(**value)
        declared._check_bounds(name)
        return declared

    def _check_bounds(self, name: str) -> None:
        if self.max_items is not None and self.max_items > MAX_ITEMS:
            raise _wrong(name, f"max_items is {self.max_items:,}. It may be up to {MAX_ITEMS:,}.")
        for what in ("tokens", "items"):
            given = [(key, getattr(self, key)) for key in (f"{end}_{what}" for end in _ENDS)]
            sizes = [(key, size) for key, size in given if size is not None]
            for (least, low), (most, high) in pairwise(sizes):
                if low > high:
                    raise _wrong(name, f"{least} ({low:,}) is above {most} ({high:,}).")
        for tokens in (self.min_tokens, self.typical_tokens or 0):
            if tokens > self.size_bytes:
                raise _wrong(name, f"{self.size_bytes:,.0f} bytes cannot have {tokens:,} tokens.")

    @property
    def size_bytes(self) -> float:
        """Most bytes of the value, which are the most tokens it can have."""
        by_chars = inf if self.max_chars is None else BYTES_PER_CHAR * self.max_chars
        return min(by_chars, inf if self.max_bytes is None else self.max_bytes)

    @property
    def most(self) -> float:
        """Most tokens of the value, counted alone."""
        return min(self.size_bytes, inf if self.max_tokens is None else self.max_tokens)

    @property
    def typical(self) -> float:
        """Tokens that the value usually has, counted alone; the most where nobody says."""
        return self.most if self.typical_tokens is None else self.typical_tokens

    @property
    def within(self) -> int:
        """Tokens that lie surely between the first and the last word of the value."""
        return max(0, self.min_tokens - 2 * self.max_word_bytes + 1)


#: A number is the most tokens.
Declaration: TypeAlias = ValueRange | Mapping[str, Any] | int


def declaration_of(name: str, declared: Iterable[str]) -> str | None:
    """Return the declared name or pattern that is for a variable: its own, else the first that matches.

    >>> declaration_of("user_id", ["*_id", "user_*"]), declaration_of("user", ["*_id"])
    ('*_id', None)
    """
    patterns = list(declared)
    if name in patterns:
        return name
    return next((one for one in patterns if fnmatchcase(name, one)), None)


def _check(key: object, given: object, name: str) -> None:
    known = [field.name for field in fields(ValueRange)]
    if key not in known:
        raise _wrong(name, unknown("unknown key", key, known, "Known keys:"))
    if key == "values":
        texts = isinstance(given, list | tuple) and all(isinstance(one, str) for one in given)
        if not texts or not given:
            raise _wrong(name, f"values is {shown(given)}. It must list texts.")
    elif type(given) is not int or given < (1 if key == "max_word_bytes" else 0):
        raise _wrong(name, f"{key} is {shown(given)}. It must be a whole number.")


def _wrong(name: str, what: str) -> RequestError:
    return RequestError(f"variable {shown(name)}: {what}")
