"""Which of the texts of a file of code are its prompts; whatever the language is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from kimi_planner.tokens.prompts.names import Place, is_prose, is_unlikely, is_wanted, using
from kimi_planner.tokens.prompts.parts import PromptFile, PromptTemplate, fixed_text

__all__ = ["MARKER", "NO_MARKER", "Candidate", "take"]

#: A comment that makes a prompt of what stands on its line, or starts on the next.
MARKER = "kimi-planner: prompt"
#: One that says that it is none.
NO_MARKER = "kimi-planner: no prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An expression that may be a prompt.

    Attributes
    ----------
    place
        Where it stands.
    key
        What the expression is known by among those that others read.
    line
        That its statement or argument starts on.
    read
        Given whether it surely is a prompt, its template and what was read for it; ``None`` if no
        text stands there.
    by_size, by_name
        Whether it is a prompt if it only looks like one, and whether globs may take it.
    bound
        The name that it is, if it only names what is bound elsewhere.
    """

    place: Place
    key: int
    line: int
    read: Callable[[bool], tuple[PromptTemplate, Set[int]] | None]
    by_size: bool = False
    by_name: bool = True
    bound: str | None = None


def take(
    candidates: Iterable[Candidate],
    names: Sequence[str] | None,
    *,
    marked: Set[int],
    unmarked: Set[int],
    is_prompt: Callable[[str], bool],
) -> PromptFile:
    """Sort expressions into prompts, others that look like one, and the rest.

    Parameters
    ----------
    candidates : iterable of Candidate
        Outer ones before those inside them; what was read for one is not read again.
    names : sequence of str, optional
        Globs of the names to take.
    marked, unmarked : set of int
        Lines of what comments say is a prompt, and of what they say is none.
    is_prompt : callable
        Whether a name is that of a constant that is a prompt where it is bound.
    """
    taken: list[PromptTemplate] = []
    left_out: list[PromptTemplate] = []
    known: set[int] = set()
    used: set[str] = set()
    for one in candidates:
        if one.key in known or one.line in unmarked:
            continue
        wanted = one.by_name and is_wanted(one.place, names)
        wanted = (wanted and not (one.bound and is_prompt(one.bound))) or one.line in marked
        if not wanted and one.bound:
            continue
        found = one.read(wanted)
        if found is None or not (wanted or is_prose(fixed_text(found[0].parts))):
            continue
        template, read = found
        known |= read
        by_size = names is None and one.by_size and not is_unlikely(one.place)
        (taken if wanted or by_size else left_out).append(template)
        used.update(using(one.place, names) if one.by_name else ())
    return PromptFile(
        prompts=tuple(sorted(taken, key=_line)),
        left_out=tuple(sorted(left_out, key=_line)),
        used=frozenset(used),
    )


def _line(template: PromptTemplate) -> int:
    return template.line
