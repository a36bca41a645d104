"""Which of the texts of a file of code are its prompts; whatever the language is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from kimi_planner.tokens.prompts.expressions import Candidate, TextReader
from kimi_planner.tokens.prompts.names import Place, is_prose, is_unlikely, is_wanted, using
from kimi_planner.tokens.prompts.parts import PromptFile, PromptTemplate, fixed_text

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
