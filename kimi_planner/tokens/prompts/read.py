"""Opening a file of prompts by the ending of its name."""

from __future__ import annotations

import os
import re
import tokenize
from collections.abc import Sequence
from contextlib import suppress
from os.path import isfile
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.boundary import beyond, opening
from kimi_planner.errors import RequestError, Where, shown, unknown
from kimi_planner.files import globbed, read_text
from kimi_planner.limits import CODE_BYTES, DATA_BYTES
from kimi_planner.notes import Note
from kimi_planner.tokens.prompts.chat import chat_prompts, without_front_matter
from kimi_planner.tokens.prompts.forms import (
    BRACES_NOTE,
    CODE,
    SCRIPTS,
    form_of,
    might_have_placeholders,
)
from kimi_planner.tokens.prompts.jinja import within_repository
from kimi_planner.tokens.prompts.parts import Allowance, PromptFile, PromptTemplate, Unread
from kimi_planner.tokens.prompts.placeholders import STYLES, filled_parts
from kimi_planner.tokens.prompts.python import python_templates
from kimi_planner.tokens.prompts.script import script_templates


@public
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
        ``.py`` and ``.ipynb``, TypeScript and JavaScript: texts that are named like prompts, that
        look like one, or that a comment ``kimi-planner: prompt`` marks, and chat messages and
        templates of frameworks. ``.yaml``, ``.yml``, ``.json``, ``.jsonl`` and ``.toml``: texts under
        keys that are named like prompts, messages, and the files that ``file://`` names.
        ``.prompty``, ``.jinja``, ``.jinja2`` and ``.j2``: a prompt for each message, or one. Any
        other file: one prompt, as it stands or with placeholders.
    names : sequence of str, optional
        Globs of the names to take, such as ``*PROMPT*`` or ``agents.*.system``; not for files that
        are one prompt.
    style : {"none", "format", "percent", "dollar", "mustache", "names", "jinja"}, optional
        How texts are filled: ``{name}``, ``%(name)s``, ``$name``, ``{{name}}``, ``{name}`` among
        other braces, or Jinja. If not given, Python is read for it, a Jinja file is Jinja, and other texts stand as they are.
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
        If YAML, Jinja or a script is asked for and its reader is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "agent.py"
    >>> _ = file.write_text('PROMPT = "Answer the question of {name} in two sentences.".format(name=name)')
    >>> [prompt] = read_templates(file)
    >>> prompt.name
    'PROMPT'
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
    styles = (*STYLES, "jinja")
    if style not in (None, *styles):
        raise RequestError(unknown("Unknown style", style, styles, "Styles:"))
    return _read(path, str(path) if shown_as is None else shown_as, names, style, (), Allowance())


def _read(
    path: Path,
    name: str,
    names: Sequence[str] | None,
    style: str | None,
    above: tuple[Path, ...],
    left: Allowance,
) -> PromptFile:
    """Read a file that some others led to."""
    form = form_of(path)
    limit = CODE_BYTES if form in CODE else DATA_BYTES
    text = _source(path) if form == "python" else read_text(path, limit=limit)
    if form == "python":
        return python_templates(text, name, names=names, style=style)
    if form in SCRIPTS:
        return script_templates(text, name, grammar=str(form), names=names, style=style)
    if form == "notebook":
        from kimi_planner.tokens.prompts.notebook import notebook_templates

        return notebook_templates(text, name, names=names, style=style)
    if form in ("yaml", "json", "toml", "lines"):
        from kimi_planner.tokens.prompts.keyed import keyed_templates

        def follow(spelled: str, line: int, inner: str | None) -> PromptFile:
            where, led = Where(name, line), (*above, path)
            return _followed(spelled, where, path, inner or style, led, left)

        return keyed_templates(text, name, form=form, names=names, style=style, follow=follow)
    return _chat(text, path, name, style)


def _chat(text: str, path: Path, name: str, style: str | None) -> PromptFile:
    """Return the prompts of a file that is one, or a chat of several messages."""
    form, line = form_of(path), 1
    notes: tuple[Note, ...] = ()
    if form is not None:
        text = text.replace("\r\n", "\n")  # as who opens a template as text reads it
    if form == "prompty":
        front, text, line = without_front_matter(text)
        style = style or ("mustache" if re.search(r":\s*mustache\s*$", front, re.M) else "jinja")
    elif form == "jinja":
        style = style or "jinja"
    elif style is None and might_have_placeholders(text):
        notes = (BRACES_NOTE,)
    if form is None:
        parts = filled_parts(text, style or "none", Where(name), path.parent)
        whole = PromptTemplate(name="", path=name, line=1, parts=parts, notes=notes)
        return PromptFile(prompts=(whole,))
    return PromptFile(prompts=tuple(chat_prompts(text, name, str(style), line, path.parent)))


def _followed(
    spelled: str,
    where: Where,
    path: Path,
    style: str | None,
    above: tuple[Path, ...],
    left: Allowance,
) -> PromptFile:
    """Return the prompts of the files that a file names, or why they cannot be read."""

    def unread(why: str) -> PromptFile:
        return PromptFile(unread=(Unread(where.path, where.line or 1, f"{shown(spelled)} {why}"),))

    target = spelled.removeprefix("file://")
    if re.search(r"\.(?:py|[cm]?[jt]s|rb|sh|go)(?::\w+)?$", target) or "://" in target:
        return unread("is made by code or elsewhere, and nothing is run")
    found = next(
        (found for folder in within_repository(path.parent) if (found := _at(folder, target))), []
    )
    if not found:
        return unread("is named, and there is no such file here or in a folder above")
    files = []
    for one in found:
        if one in above:
            return unread("leads back to a file that names it")
        name = Path(
            os.path.normpath(Path(where.path).parent / os.path.relpath(one, path.parent.resolve()))
        )
        left.take(one.stat().st_size, where)
        if one.suffix == ".txt" and style == "jinja":  # of promptfoo: lines of dashes part prompts
            files.append(_parted(read_text(one, limit=CODE_BYTES), name.as_posix(), style))
        else:
            files.append(_read(one, name.as_posix(), None, style, above, left))
    return PromptFile.of(files)


def _at(folder: Path, target: str) -> list[Path]:
    """Return the files below a folder that a name or a glob means."""
    if any(mark in target for mark in "*?["):
        found = [] if beyond(folder / target) else globbed(target, folder=folder)
        return [one for one in found if not beyond(one) and isfile(one)]
    path = folder / target
    return [path] if not beyond(path) and isfile(path) else []


def _parted(text: str, name: str, style: str) -> PromptFile:
    prompts, line = [], 1
    for piece in text.split("---"):
        if piece.strip():
            first = line + piece[: len(piece) - len(piece.lstrip())].count("\n")
            parts = filled_parts(piece.strip(), style, Where(name, first))
            prompts.append(PromptTemplate(name="", path=name, line=first, parts=parts))
        line += piece.count("\n")
    return PromptFile(prompts=tuple(prompts))


def _source(path: Path) -> str:
    """Return the text of a Python file, which may declare that it is not UTF-8."""
    opening(path)
    with suppress(OSError, SyntaxError, ValueError):
        if path.stat().st_size <= CODE_BYTES:
            with tokenize.open(path) as file:
                return file.read()
    return read_text(path, limit=CODE_BYTES)  # says what is wrong with it
