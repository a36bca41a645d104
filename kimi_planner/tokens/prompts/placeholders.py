"""Placeholders inside a text: which characters are variables, by the way the text is filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from string import Formatter, Template

from kimi_planner.errors import RequestError, Where, restated, shown, unknown
from kimi_planner.tokens.prompts.jinja import jinja_parts
from kimi_planner.tokens.prompts.parts import Part, Parts, Variable, joined

_PERCENT = re.compile(
    r"%(?:\((?P<name>[^)]*)\))?(?P<how>[#0\- +]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?)[hlL]?(?P<kind>.)?",
    re.DOTALL,
)
_MUSTACHE = re.compile(r"\{\{\{\s*([^{}]+?)\s*\}\}\}|\{\{\s*([^{}]+?)\s*\}\}")
_NAMES = re.compile(r"\{([A-Za-z_][\w-]*)\}")


def split_placeholders(text: str, style: str) -> Parts:
    """Split a text into fixed text and variables.

    Parameters
    ----------
    text : str
        The text as its program holds it, escapes of its style included.
    style : {"none", "format", "percent", "dollar", "mustache", "names"}
        How the text is filled: not at all, ``text.format(name=…)``, ``text % {…}``,
        ``string.Template(text)``, ``{{name}}`` replaced, or ``{name}`` replaced and all other
        braces left.

    Returns
    -------
    tuple of str and Variable
        In order; a placeholder without a name is named by its position. One that changes its value
        is another variable, named with how: ``name!r``, ``name:>80``.

    Raises
    ------
    RequestError
        If the style is not known, or the text is not well formed in it.

    Examples
    --------
    >>> split_placeholders("Dear {name}, {{sic}}", "format")
    ('Dear ', Variable(name='name'), ', {sic}')
    """
    if style == "none":
        return joined((text,))
    if style not in _SPLITTERS:
        raise RequestError(unknown("Unknown style", style, STYLES, "Styles:"))
    try:
        return joined(tuple(_SPLITTERS[style](text)))
    except ValueError as error:
        raise RequestError(f"{shown(text)} is not a {style} template: {error}.") from None


def filled_parts(text: str, style: str, where: Where, folder: Path | None = None) -> Parts:
    """Split a text that is filled in a style, Jinja included; errors name where it stands.

    ``folder`` is where a template of Jinja finds what it includes.
    """
    if style == "jinja":
        return jinja_parts(text, where.path, where.line or 1, folder)
    with restated(at=where, of=RequestError):
        return split_placeholders(text, style)


def _format(text: str) -> list[Part]:
    parts: list[Part] = []
    unnamed = 0
    for literal, field, spec, conversion in Formatter().parse(text):
        parts.append(literal)
        if field is not None:
            how = (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            parts.append(Variable((field or str(unnamed)) + how))
            inner = [one for _, one, _, _ in Formatter().parse(spec or "")]
            unnamed += (not field) + inner.count("")
    return parts


def _percent(text: str) -> list[Part]:
    numbers = count()

    def part(found: re.Match[str]) -> Part:
        name, how, kind = found["name"], found["how"], found["kind"]
        if kind is None:
            raise ValueError("it ends within a placeholder")
        if kind == "%":
            return "%"
        if kind not in "diouxXeEfFgGcrsa":
            raise ValueError(f"{found[0]!r} is no placeholder; write a percent sign as %%")
        for _ in range(how.count("*")):  # a width or precision is an argument of its own
            next(numbers)
        change = f":{how}{kind}" if how or kind not in "sdiu" else ""
        return Variable((str(next(numbers)) if name is None else name) + change)

    return _replaced(_PERCENT, text, part)


def _dollar(text: str) -> list[Part]:
    def part(found: re.Match[str]) -> Part:
        if name := found["named"] or found["braced"]:
            return Variable(name)
        if found["escaped"] is None:
            raise ValueError("a dollar sign is no placeholder; write it as $$")
        return "$"

    return _replaced(Template.pattern, text, part)


def _mustache(text: str) -> list[Part]:
    def part(found: re.Match[str]) -> Part:
        name = found[1] or found[2].removeprefix("&").lstrip()
        if name[:1] in "#^/>!=":
            raise ValueError(f"{found[0]} is no variable, and nothing else is read")
        return Variable(name)

    return _replaced(_MUSTACHE, text, part)


def _names(text: str) -> list[Part]:
    return _replaced(_NAMES, text, lambda found: Variable(found[1]))


def _replaced(
    pattern: re.Pattern[str], text: str, part: Callable[[re.Match[str]], Part]
) -> list[Part]:
    """Return the text with a part in the place of each match."""
    parts: list[Part] = []
    end = 0
    for found in pattern.finditer(text):
        parts += [text[end : found.start()], part(found)]
        end = found.end()
    return [*parts, text[end:]]


_SPLITTERS: dict[str, Callable[[str], list[Part]]] = {
    "format": _format,
    "percent": _percent,
    "dollar": _dollar,
    "mustache": _mustache,
    "names": _names,
}

#: Ways to fill a text; ``"none"`` takes every character as it stands.
STYLES = ("none", *_SPLITTERS)
