"""Expressions of code that are texts, whatever the language: what they are made of, without running it, and which are prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any

from kimi_planner.errors import RequestError, Where
from kimi_planner.tokens.prompts.forms import BRACES_NOTE, might_have_placeholders
from kimi_planner.tokens.prompts.names import Place, is_prose, is_unlikely, is_wanted, using
from kimi_planner.tokens.prompts.parts import (
    Parts,
    PromptFile,
    PromptTemplate,
    Variable,
    fixed_text,
    joined,
)
from kimi_planner.tokens.prompts.placeholders import filled_parts

#: Of one expression; a few lines can double their text again and again.
MAX_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expression that may be a prompt.

    Attributes
    ----------
    place, node
        Where it stands, and the expression.
    line
        That its statement or argument starts on.
    by_size, by_name
        Whether it is a prompt if it only looks like one, and whether a glob or a mark may take it.
    style
        How it is filled, as what it stands in shows.
    """

    place: Place
    node: Any
    line: int
    by_size: bool = False
    style: str | None = None
    by_name: bool = True


class TextReader(ABC):
    """Reads the expressions of a module as text, variables and branches, one by one.

    Parameters
    ----------
    path : str
        Of the module, for messages.
    style : str, optional
        How all texts are filled.

    Attributes
    ----------
    constants
        Values of names that are bound once, at the top of the module.
    has_plain_braces
        Whether a text was taken as it stands that has names in braces.
    read
        The keys of expressions that were read as text where they stand.
    """

    constants: Mapping[str, Any]

    def __init__(self, path: str, style: str | None) -> None:
        self.path, self.style = path, style
        self._begin()

    def _begin(self) -> None:
        self.read: set[int] = set()
        self.has_plain_braces = False
        self._resolving: set[str] = set()
        self._resolved = 0

    @abstractmethod
    def key(self, node: Any) -> int:
        """Return what an expression is known by."""

    @abstractmethod
    def line(self, node: Any) -> int:
        """Return the line that an expression starts on."""

    @abstractmethod
    def spelled(self, node: Any) -> str:
        """Return an expression as its file spells it, or nearly so."""

    @abstractmethod
    def bound(self, node: Any) -> str | None:
        """Return the name that an expression is, if it is no more than that."""

    @abstractmethod
    def _parts(self, node: Any, style: str) -> Parts | None:
        """Return the parts of an expression, as the language has it."""

    def _filled(self, candidate: Candidate) -> Parts | None:
        """Return the parts of an expression that may be a prompt, filled as what is around it shows."""
        style = self.style or candidate.style or candidate.place.style or "none"
        return self.parts(candidate.node, style)

    def constant(self, name: str) -> Parts | None:
        """Return the text that a name always has, ``None`` if there is none."""
        self._begin()
        return self.parts(self.constants[name]) if name in self.constants else None

    def template(self, candidate: Candidate, *, wanted: bool) -> PromptTemplate | None:
        """Return the text of an expression, ``None`` if there is none; `read` is what was read for it.

        Only of what is ``wanted`` a fault is raised.
        """
        self._begin()
        try:
            parts = self._filled(candidate)
        except (RequestError, RecursionError):
            if wanted:
                raise
            parts = None  # it may be anything
        if parts is None:
            return None
        return PromptTemplate(
            name=candidate.place.name,
            path=self.path,
            line=self.line(candidate.node),
            parts=joined(parts),
            notes=(BRACES_NOTE,) if self.style is None and self.has_plain_braces else (),
        )

    def parts(self, node: Any, style: str = "none") -> Parts | None:
        """Return the parts of an expression, or ``None`` if it is not known to be text.

        ``style`` is how plain texts in it are filled.
        """
        parts = self._parts(node, style)
        if parts is not None and not self._resolving:
            self.read.add(self.key(node))
        return parts

    def plain(self, text: str, node: Any, style: str) -> Parts:
        """Return the parts of a text as it is written."""
        self.has_plain_braces |= style == "none" and might_have_placeholders(text)
        return filled_parts(text, style, Where(self.path, self.line(node)))

    def unknown(self, node: Any) -> Parts:
        """Return an expression as a variable."""
        return (Variable(self.spelled(node)),)

    def known(self, nodes: Sequence[Any], style: str) -> list[Parts] | None:
        """Return the parts of each, a variable where they are not known; ``None`` if all are not."""
        found = [self.parts(node, style) for node in nodes]
        if all(parts is None for parts in found):
            return None
        pairs = zip(found, nodes, strict=True)
        return [self.unknown(node) if parts is None else parts for parts, node in pairs]

    def summed(self, terms: Sequence[Any], style: str) -> Parts | None:
        """Return the parts of what is added up, ``None`` where it is not known to be text."""
        known = self.known(terms, style) if len(terms) > 1 else None
        return None if known is None else tuple(chain.from_iterable(known))

    def named(self, name: str, style: str) -> Parts | None:
        """Return the parts of what a name is bound to."""
        if name not in self.constants or name in self._resolving:
            return None
        self._resolved += 1
        if self._resolved > MAX_NAMES:
            raise RecursionError
        self._resolving.add(name)
        try:
            return self.parts(self.constants[name], style)
        finally:
            self._resolving.discard(name)


#: A comment that makes a prompt of what stands on its line, or starts on the next.
MARKER = "kimi-planner: prompt"
#: One that says that it is none.
NO_MARKER = "kimi-planner: no prompt"


def take(
    module: TextReader,
    candidates: Iterable[Candidate],
    names: Sequence[str] | None,
    *,
    marked: Set[int],
    unmarked: Set[int],
) -> PromptFile:
    """Sort expressions into prompts, others that look like one, and the rest.

    Parameters
    ----------
    module, candidates
        The file and its expressions, outer ones before those inside them; what was read for one is
        not read again.
    names : sequence of str, optional
        Globs of the names to take.
    marked, unmarked : set of int
        Lines of what comments say is a prompt, and of what they say is none.
    """
    taken: list[PromptTemplate] = []
    left_out: list[PromptTemplate] = []
    known: set[int] = set()
    used: set[str] = set()
    for one in candidates:
        if module.key(one.node) in known or one.line in unmarked:
            continue
        name = module.bound(one.node)
        wanted = is_wanted(one.place, names) and not _is_prompt(name, module, names)
        wanted = one.by_name and (wanted or one.line in marked)
        if not wanted and name is not None:
            continue
        template = module.template(one, wanted=wanted)
        if template is None or not (wanted or is_prose(fixed_text(template.parts))):
            continue
        known |= module.read
        by_size = names is None and one.by_size and not is_unlikely(one.place)
        (taken if wanted or by_size else left_out).append(template)
        used.update(using(one.place, names) if one.by_name else ())
    return PromptFile(
        prompts=tuple(sorted(taken, key=_line)),
        left_out=tuple(sorted(left_out, key=_line)),
        used=frozenset(used),
    )


def _is_prompt(name: str | None, module: TextReader, names: Sequence[str] | None) -> bool:
    """Whether a name is that of a constant that is a prompt where it is bound."""
    parts = None if name is None else module.constant(name)
    if name is None or parts is None:
        return False
    place = Place(name, (name,))
    by_size = names is None and is_prose(fixed_text(parts)) and not is_unlikely(place)
    return by_size or is_wanted(place, names)


def _line(template: PromptTemplate) -> int:
    return template.line
