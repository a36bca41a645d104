"""What a prompt is made of: fixed text, variables, branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from kimi_planner.errors import RequestError, Where
from kimi_planner.limits import INCLUDED_BYTES, INCLUDED_EACH
from kimi_planner.notes import Note


@dataclass(frozen=True, slots=True)
class Variable:
    """A place that is filled when the prompt is sent.

    Attributes
    ----------
    name
        Name or expression, as its file spells it.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts, such as the branches of a condition."""

    branches: tuple[Parts, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A text that is repeated for each of some items.

    Attributes
    ----------
    name
        What is walked through, as its file spells it.
    body
        What is written for one item.
    """

    name: str
    body: Parts


Part: TypeAlias = str | Variable | Choice | Repeat
Parts: TypeAlias = tuple[Part, ...]


@dataclass(slots=True)
class Allowance:
    """How much a file of prompts may still include, one file in another and beside another."""

    left: int = INCLUDED_BYTES

    def take(self, size: int, where: Where) -> None:
        """Include a file of that many bytes.

        Raises
        ------
        RequestError
            If that is more than is left.
        """
        self.left -= size + INCLUDED_EACH
        if self.left < 0:
            raise RequestError(
                f"more than {INCLUDED_BYTES // INCLUDED_EACH:,} files or {INCLUDED_BYTES:,} bytes are "
                "included, which cannot be meant.",
                at=where,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTemplate:
    """One prompt found in a file.

    Attributes
    ----------
    name
        Where in its file it stands: ``SYSTEM_PROMPT``, ``Agent.prompt``, ``create(messages)[0].content``
        or a path of keys; empty for a file that is one prompt.
    path, line
        File, and the line it starts on, from 1.
    parts
        Fixed text, variables, branches and loops, in order.
    notes
        What the reader must know, such as braces that were counted as text.
    """

    name: str
    path: str
    line: int
    parts: Parts
    notes: tuple[Note, ...] = ()

    @property
    def where(self) -> str:
        """File, line and name, for messages."""
        return f"{self.path} line {self.line}" + (f" ({self.name})" if self.name else "")

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of variables and of loops, in order of their first use."""
        named = (part for part in every_part(self.parts) if isinstance(part, Variable | Repeat))
        return tuple(dict.fromkeys(part.name for part in named))

    @property
    def text(self) -> str | None:
        """The prompt, if it is fixed text alone; otherwise ``None``."""
        fixed = joined(self.parts)
        if not fixed:
            return ""
        return fixed[0] if len(fixed) == 1 and isinstance(fixed[0], str) else None


@dataclass(frozen=True, slots=True)
class Unread:
    """A prompt that a file names, and that cannot be read without running something.

    Attributes
    ----------
    path, line
        Where it is named.
    why
        In words.
    """

    path: str
    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """What became of the texts of a file.

    Attributes
    ----------
    prompts
        Taken as prompts, in the order of their lines.
    left_out
        Texts that look like prompts and were not taken.
    unread
        Prompts that could not be read.
    used
        Those of the given globs that took a prompt.
    """

    prompts: tuple[PromptTemplate, ...] = ()
    left_out: tuple[PromptTemplate, ...] = ()
    unread: tuple[Unread, ...] = ()
    used: frozenset[str] = frozenset()

    @classmethod
    def of(cls, files: Iterable[PromptFile]) -> PromptFile:
        """Return several as one."""
        every = list(files)
        return cls(
            prompts=tuple(one for file in every for one in file.prompts),
            left_out=tuple(one for file in every for one in file.left_out),
            unread=tuple(one for file in every for one in file.unread),
            used=frozenset().union(*(file.used for file in every)),
        )


def fixed_text(parts: Parts) -> str:
    """Return all fixed text of a prompt, of every branch, one after the other."""
    return "".join(part for part in every_part(parts) if isinstance(part, str))


def joined(parts: Parts) -> Parts:
    """Return the same parts with texts that touch put together and empty ones left out."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def stripped(parts: Parts, left: bool = True, right: bool = True) -> Parts | None:
    """Return the parts without white space at their ends, ``None`` where values decide of that.

    >>> stripped((" Dear ", Variable("name"), "! "))
    ('Dear ', Variable(name='name'), '!')
    """
    found = list(joined(parts))
    for wanted, at, strip in ((left, 0, str.lstrip), (right, -1, str.rstrip)):
        if wanted and found:
            end = found[at]
            if not isinstance(end, str) or not (end.strip() or len(found) == 1):
                return None
            found[at] = strip(end)
    return joined(tuple(found))


def changed(parts: Parts, change: Callable[[str], str]) -> Parts:
    """Return the parts with every fixed text changed, also inside branches and loops."""

    def of(part: Part) -> Part:
        if isinstance(part, str):
            return change(part)
        if isinstance(part, Choice):
            return Choice(tuple(changed(one, change) for one in part.branches))
        return Repeat(part.name, changed(part.body, change)) if isinstance(part, Repeat) else part

    return joined(tuple(map(of, parts)))


def every_part(parts: Parts) -> Iterator[Part]:
    """Yield the parts, and those inside branches and loops, each after what it is part of."""
    for part in parts:
        yield part
        inner = part.branches if isinstance(part, Choice) else ()
        for body in (part.body,) if isinstance(part, Repeat) else inner:
            yield from every_part(body)
