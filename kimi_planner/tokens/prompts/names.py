"""Which named texts are prompts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

#: Names that prompts have, unless others are given; case does not matter.
DEFAULT_NAMES = ("*PROMPT*", "*TEMPLATE*", "*SYSTEM*", "*INSTRUCTION*")

# Names of texts for people or machines, which are no prompts only because they look like one.
_UNLIKELY_NAMES = (
    "msg",
    "*err*",
    "*warn*",
    "*help*",
    "*usage*",
    "*doc",
    "*sql*",
    "*html*",
    "*css*",
)

#: Keys of an agent and of a task of CrewAI.
CREW = (frozenset({"role", "goal", "backstory"}), frozenset({"description", "expected_output"}))

#: Who a chat message is from, where a pair of role and text writes one.
ROLES = frozenset({"system", "developer", "user", "human", "assistant", "ai", "tool", "function"})

MIN_WORDS = 12  # of a text that looks like a prompt
MIN_CHARS = 80
MAX_LOOK = 20_000  # characters; what begins as words goes on as them
MIN_LETTERS = 0.6  # as a share, with white space; less is code or data
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_STATEMENT = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WITH)\s|\s*<(?:!DOCTYPE|html)"
)


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
    style
        How texts there are filled, as what they stand in shows.
    """

    name: str
    words: tuple[str, ...] = ()
    is_message: bool = False
    depth: int = 0
    style: str | None = None

    def item(self, number: int) -> Place:
        """Return the place of one item of a list."""
        return replace(self, name=f"{self.name}[{number}]", depth=self.depth + 1)

    def key(self, key: str, beside: Collection[str | None]) -> Place:
        """Return the place under a key that stands beside others."""
        # A message is {"role", "content"}; a part of its content is {"type", "text"}.
        message = (key == "content" and "role" in beside) or (
            self.is_message and key == "text" and "type" in beside
        )
        # An agent or a task of CrewAI is all sent, and filled where a name stands in braces.
        crew = any(key in shape and shape <= set(beside) for shape in CREW)
        return Place(
            f"{self.name}.{key}" if self.name else key,
            (*self.words, key),
            message or crew,
            self.depth + 1,
            "names" if crew else self.style,
        )


def is_prose(text: str) -> bool:
    """Whether a text is long enough, and words enough, to look like a prompt.

    >>> is_prose("You are a careful assistant. Answer every question of the user in one short sentence.")
    True
    >>> is_prose("usage: tool [--help]"), is_prose("SELECT name FROM users WHERE " * 9)
    (False, False)
    """
    if len(text) < MIN_CHARS // 2 or _STATEMENT.match(text):
        return False
    text = text[:MAX_LOOK]
    han = len(_HAN.findall(text))  # written without spaces; two of them are about a word
    words = len(_WORD.findall(text)) + han // 2
    spaces = sum(map(str.isspace, text)) + han
    letters = sum(map(str.isalpha, text)) + spaces - han
    long = words >= MIN_WORDS and len(text) + han >= MIN_CHARS
    return long and spaces >= words / 2 and letters >= MIN_LETTERS * len(text)


def is_unlikely(place: Place) -> bool:
    """Whether a text is named as what is no prompt, such as ``error_msg``."""
    return _matches(place.words[-1:], _UNLIKELY_NAMES)


def using(place: Place, globs: Sequence[str] | None) -> list[str]:
    """Return those of some given globs that take a text."""
    words = (*place.words[-1:], place.name)
    return [glob for glob in globs or () if _matches(words, [glob])]


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
