"""Opening a file of prompts by the ending of its name."""

from __future__ import annotations

import tokenize
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kimi_planner.errors import RequestError, Where, shown
from kimi_planner.files import read_text
from kimi_planner.tokens.prompts.parts import PromptFile, PromptTemplate
from kimi_planner.tokens.prompts.placeholders import (
    BRACES_NOTE,
    STYLES,
    filled_parts,
    might_have_placeholders,
)
from kimi_planner.tokens.prompts.python import python_templates
from kimi_planner.tokens.prompts.script import ENDINGS, script_templates

__all__ = ["read_file", "read_templates"]

MAX_BYTES = 10_000_000


def read_templates(
    path: str | Path,
    *,
    names: Sequence[str] | None = None,
    style: str | None = None,
    shown_as: str | None = None,
) -> list[PromptTemplate]:
    """Read the prompts of a file, without running anything.

    Parameters
    ----------
    path : str or Path
        ``.py``: strings, f-strings and templates that are named like prompts, or marked by a
        comment ``# kimi-planner: prompt``, and literal chat messages. ``.yaml``, ``.yml``,
        ``.json`` and ``.toml``: texts under keys that are named like prompts. ``.jinja``,
        ``.jinja2`` and ``.j2``: one prompt. Any other file: one prompt, as it stands or with
        placeholders.
    names : sequence of str, optional
        Globs of the names to take, such as ``*PROMPT*`` or ``agents.*.system``; not for files that
        are one prompt.
    style : {"none", "format", "percent", "dollar", "mustache", "jinja"}, optional
        How texts are filled: ``{name}``, ``%(name)s``, ``$name``, ``{{name}}`` or Jinja. If not
        given, Python is read for it, a Jinja file is Jinja, and other texts stand as they are.
    shown_as : str, optional
        Path to name in messages and results.

    Returns
    -------
    list of PromptTemplate
        In the order of their lines; empty if nothing in the file is named like a prompt.

    Raises
    ------
    FileError
        If the file cannot be read or is not of its form.
    RequestError
        If the style is not known, or a template is malformed or too deep to be read.
    MissingExtraError
        If YAML or Jinja is asked for and its reader is not installed.
    """
    return list(read_file(path, names=names, style=style, shown_as=shown_as).prompts)


def read_file(
    path: str | Path,
    *,
    names: Sequence[str] | None = None,
    style: str | None = None,
    shown_as: str | None = None,
) -> PromptFile:
    """Read all that a file has to say of prompts; as `read_templates`, which has only the prompts."""
    path = Path(path)
    if style is not None and style not in (*STYLES, "jinja"):
        raise RequestError(
            f"Unknown style {shown(style)}. Styles: {', '.join((*STYLES, 'jinja'))}."
        )
    name = str(path) if shown_as is None else shown_as
    ending = path.suffix.lower()
    text = _source(path) if ending == ".py" else read_text(path, limit=MAX_BYTES)
    if ending == ".py":
        return python_templates(text, name, names=names, style=style)
    if ending in ENDINGS:
        return script_templates(text, name, grammar=ENDINGS[ending], names=names, style=style)
    if ending in (".yaml", ".yml", ".json", ".toml"):
        from kimi_planner.tokens.prompts.keyed import keyed_templates

        return keyed_templates(text, name, form=ending[1:], names=names, style=style)
    if style is None and ending in (".jinja", ".jinja2", ".j2"):
        style = "jinja"
    parts = filled_parts(text, style or "none", Where(name))
    notes = (BRACES_NOTE,) if style is None and might_have_placeholders(text) else ()
    return PromptFile(
        prompts=(PromptTemplate(name="", path=name, line=1, parts=parts, notes=notes),)
    )


def _source(path: Path) -> str:
    """Return the text of a Python file, which may declare that it is not UTF-8."""
    with suppress(OSError, SyntaxError, ValueError):
        if path.stat().st_size <= MAX_BYTES:
            with tokenize.open(path) as file:
                return file.read()
    return read_text(path, limit=MAX_BYTES)  # says what is wrong with it
