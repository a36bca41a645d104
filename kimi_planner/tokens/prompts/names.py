"""Which named texts are prompts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["DEFAULT_NAMES", "Place", "is_wanted"]

#: Names that prompts have, unless others are given; case does not matter.
DEFAULT_NAMES = ("*PROMPT*", "*TEMPLATE*", "*SYSTEM*", "*INSTRUCTION*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands among names.

    Attributes
    ----------
    name
        The whole path, such as ``Agent.MESSAGES[0].content``.
    words
        The names on it that may tell a prompt, outermost first.
    is_message
        Whether it is the content of a literal chat message.
    depth
        How many steps lead to it.
    """

    name: str
    words: tuple[str, ...] = ()
    is_message: bool = False
    depth: int = 0

    def item(self, number: int) -> Place:
        """Return the place of one item of a list."""
        return Place(f"{self.name}[{number}]", self.words, self.is_message, self.depth + 1)

    def key(self, key: str, beside: Collection[str | None]) -> Place:
        """Return the place under a key that stands beside others."""
        # A message is {"role", "content"}; a part of its content is {"type", "text"}.
        message = (key == "content" and "role" in beside) or (
            self.is_message and key == "text" and "type" in beside
        )
        name = f"{self.name}.{key}" if self.name else key
        return Place(name, (*self.words, key), message, self.depth + 1)


def is_wanted(place: Place, globs: Sequence[str] | None) -> bool:
    """Whether a text is a prompt.

    Given globs are held against the last name and the whole path; without them `DEFAULT_NAMES`
    against every name on the path, and contents of messages are taken as well.
    """
    if globs is None:
        return place.is_message or _matches(place.words, DEFAULT_NAMES)
    return _matches((*place.words[-1:], place.name), globs)


def _matches(words: Sequence[str], globs: Sequence[str]) -> bool:
    return any(fnmatchcase(word.lower(), glob.lower()) for word in words for glob in globs)
