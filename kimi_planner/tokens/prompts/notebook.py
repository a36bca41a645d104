"""Prompts in notebooks: their cells of Python, as one module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kimi_planner.errors import FileError, RequestError, Where
from kimi_planner.tokens.prompts.keyed import Text, Tree, json_tree
from kimi_planner.tokens.prompts.newer import parse_python
from kimi_planner.tokens.prompts.parts import PromptFile, PromptTemplate, Unread
from kimi_planner.tokens.prompts.python import python_templates

_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w, ]+=\s*[%!]|.*\?\s*$)")
_TIMED = ("%%time", "%%timeit", "%%capture")  # magics of a cell that is Python


def notebook_templates(
    text: str, path: str, *, names: Sequence[str] | None = None, style: str | None = None
) -> PromptFile:
    """Return the prompts of a notebook; outputs and cells of text are none.

    Parameters
    ----------
    text, path : str
        The notebook, and its path for messages.
    names, style
        As of `python_templates`.

    Returns
    -------
    PromptFile
        Each prompt at its line of the file, where that is spelled a line a line.

    Raises
    ------
    FileError
        If it is no notebook.
    """
    tree = json_tree(text, path)
    cells = tree.get("cells") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(cells, list):
        raise FileError("no notebook; it has no cells.", at=path)
    language = _text(_under(tree, "metadata", "language_info", "name")) or "python"
    if language != "python":
        return PromptFile(unread=(Unread(path, 1, f"its cells are {language}, which is not read"),))
    code = [line for cell in cells for line in _code(cell)]
    lines = [line for line, _ in code]
    try:
        source = "\n".join(text for _, text in code)
        file = python_templates(source, path, names=names, style=style)
    except RequestError as error:
        raise RequestError(
            error.reason, at=Where(path, error.line and lines[error.line - 1])
        ) from None

    def placed(one: PromptTemplate) -> PromptTemplate:
        return replace(one, line=lines[one.line - 1])

    prompts, left_out = (tuple(map(placed, some)) for some in (file.prompts, file.left_out))
    return replace(file, prompts=prompts, left_out=left_out)


def _under(tree: Tree, *keys: str) -> Tree:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _text(tree: Tree) -> str | None:
    return tree.text if isinstance(tree, Text) else None


def _code(cell: Tree) -> Iterator[tuple[int, str]]:
    """Yield the lines of a cell of code, each with its line of the file; magics are left out."""
    if _text(_under(cell, "cell_type")) != "code":
        return
    source = _under(cell, "source")
    spelled = [
        one for one in (source if isinstance(source, list) else [source]) if isinstance(one, Text)
    ]
    lines = [
        (one.line, line) for one in spelled for line in one.text.removesuffix("\n").split("\n")
    ]
    first = next((line for _, line in lines if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in _TIMED:
        return  # another language
    yield from zip(
        (number for number, _ in lines), _python([line for _, line in lines]), strict=True
    )


def _python(lines: list[str]) -> list[str]:
    """Return the lines of a cell with those that are no Python, and look like magics, passed over."""
    for _ in lines:
        try:
            parse_python("\n".join(lines))
        except SyntaxError as error:
            at = (error.lineno or 0) - 1
            magic = _MAGIC.match(lines[at]) if 0 <= at < len(lines) else None
            if magic is None:
                break
            lines = [*lines[:at], f"{magic[1]}pass", *lines[at + 1 :]]
        except (ValueError, RecursionError, MemoryError):
            break
        else:
            break
    return lines  # what is wrong with them is said of the whole
