"""Chat files: a text whose lines ``system:`` and ``user:`` begin messages, as in `.prompty`."""

from __future__ import annotations

import re
from pathlib import Path

from kimi_planner.errors import RequestError, Where
from kimi_planner.tokens.prompts.parts import Parts, PromptTemplate, changed
from kimi_planner.tokens.prompts.placeholders import filled_parts

_ROLE = re.compile(
    r"^[ \t]*#?[ \t]*(system|developer|user|assistant|tool|function)[ \t]*:[ \t]*\n", re.I | re.M
)
_FRONT = re.compile(r"---[ \t]*\n(.*?\n)?---[ \t]*\n", re.DOTALL)


def without_front_matter(text: str) -> tuple[str, str, int]:
    r"""Return the YAML between two lines of dashes, the text behind it, and the line of that.

    >>> without_front_matter("---\nname: x\n---\nsystem:\nHi")
    ('name: x\n', 'system:\nHi', 4)
    """
    front = _FRONT.match(text)
    if front is None:
        return "", text, 1
    return front[1] or "", text[front.end() :], 1 + front[0].count("\n")


def chat_prompts(
    text: str, path: str, style: str, line: int = 1, folder: Path | None = None
) -> list[PromptTemplate]:
    """Return the messages of a chat file, or all of it as one prompt if no role begins it.

    Parameters
    ----------
    text, path : str
        The text, and its file for messages.
    style : str
        How it is filled.
    line : int
        Line of the file that the text starts on.
    folder : Path, optional
        Where what it includes is found.

    Returns
    -------
    list of PromptTemplate
        Named by their roles, without the white space around them. Where a loop or a condition holds
        more than one message, all is one prompt, without the lines of roles.

    Raises
    ------
    RequestError
        If the text is not well formed in its style.
    """

    def parts(content: str, first: int) -> Parts:
        return filled_parts(content, style, Where(path, first), folder)

    roles = list(_ROLE.finditer(text + "\n"))
    lead = text[: roles[0].start()] if roles else text
    if not roles or lead.strip():
        return [PromptTemplate(name="", path=path, line=line, parts=parts(text, line))]
    prompts = []
    ends = [role.start() for role in roles[1:]] + [len(text)]
    try:
        for role, end in zip(roles, ends, strict=True):
            content = text[role.end() : end]
            stripped = content.strip()
            first = line + text.count("\n", 0, role.end() + content.find(stripped))
            if stripped:
                read = parts(stripped, first)
                prompts.append(
                    PromptTemplate(name=role[1].lower(), path=path, line=first, parts=read)
                )
    except RequestError:
        whole = parts(text, line)  # raises what is wrong with it
        bare = changed(whole, lambda fixed: _ROLE.sub("", fixed))
        return [PromptTemplate(name="", path=path, line=line, parts=bare)]
    return prompts
