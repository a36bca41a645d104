"""Prompts in Jinja: fixed text, variables, conditions and loops; nothing is rendered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_planner.boundary import beyond
from kimi_planner.errors import RequestError, Where, needs
from kimi_planner.files import read_text, repository
from kimi_planner.limits import CODE_BYTES
from kimi_planner.tokens.prompts.parts import Allowance, Choice, Parts, Repeat, Variable, joined

if TYPE_CHECKING:
    from jinja2 import nodes


# What a tag is called in messages.
_REFUSED = {
    "Include": "include",
    "Extends": "extends",
    "CallBlock": "call",
    "FilterBlock": "filter",
}
_SILENT = ("Assign", "AssignBlock", "ExprStmt", "Macro", "Import", "FromImport")
MAX_INCLUDES = 20  # one inside the other; more are a circle


def jinja_parts(
    source: str,
    where: str,
    first_line: int = 1,
    folder: Path | None = None,
    depth: int = 0,
    left: Allowance | None = None,
) -> Parts:
    """Return the parts of a Jinja template.

    Parameters
    ----------
    source : str
        The template. As Jinja does by default, one line end at its end is left out.
    where : str
        File, for messages.
    first_line : int
        Line of the file that the template starts on.
    folder : Path, optional
        Where the files of ``{% include %}`` are sought, and in the folders above, up to the root of
        the repository; if not given, none is read.
    depth : int
        In how many files it is included.
    left : Allowance, optional
        How much may still be included.

    Returns
    -------
    tuple
        ``{{ x }}`` is a variable, ``{% if %}`` and ``a if b else c`` are choices, ``{% for %}`` is
        a repetition named by what it walks through. What a macro or a filter gives is a variable.

    Raises
    ------
    RequestError
        If it is not Jinja, or takes text from other templates; the message names the line.
    MissingExtraError
        If Jinja2 is not installed.
    """
    with needs("Jinja2", "templates"):
        from jinja2 import Environment, TemplateSyntaxError
    reader = _Reader(where, first_line, folder, depth, left or Allowance())
    try:
        tree = Environment(autoescape=False).parse(source)  # noqa: S701 - parsed, never rendered
        return joined(reader.body(tree.body))
    except TemplateSyntaxError as error:
        line = reader.line(error.lineno)
        raise RequestError(f"not Jinja ({error.message}). Correct that line.", at=line) from None
    except ValueError as error:  # a number of thousands of digits
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"not Jinja that can be read ({error}).", at=where) from None
    except RecursionError:
        raise RequestError("nested too deeply to be read.", at=where) from None


class _Reader:
    def __init__(
        self, where: str, first_line: int, folder: Path | None, depth: int, left: Allowance
    ) -> None:
        self._where = where
        self._first_line = first_line
        self._folder = folder
        self._depth = depth
        self._left = left

    def line(self, number: int) -> Where:
        return Where(self._where, number + self._first_line - 1)

    def body(self, statements: list[nodes.Node]) -> Parts:
        return joined(tuple(chain.from_iterable(map(self._statement, statements))))

    def _statement(self, node: nodes.Node) -> Parts:
        from jinja2 import nodes

        if isinstance(node, nodes.Output):
            return tuple(chain.from_iterable(map(self._expression, node.nodes)))
        if isinstance(node, nodes.If):
            branches = [node, *node.elif_]
            return (Choice((*(self.body(one.body) for one in branches), self.body(node.else_))),)
        if isinstance(node, nodes.For):
            if node.recursive:
                raise RequestError("a recursive loop cannot be read.", at=self.line(node.lineno))
            loop = Repeat(_name(node.iter), self.body(node.body))
            return (Choice(((loop,), self.body(node.else_))),) if node.else_ else (loop,)
        if isinstance(node, nodes.With | nodes.Scope | nodes.Block):
            return self.body(node.body)
        if isinstance(node, nodes.Include) and self._folder is not None:
            return self._included(node, self._folder)
        kind = type(node).__name__
        if kind in _SILENT:
            return ()
        raise RequestError(
            f"text behind {{% {_REFUSED.get(kind, kind.lower())} %}} "
            "cannot be read from this file alone. Write it out, or check the rendered prompt.",
            at=self.line(node.lineno),
        )

    def _included(self, node: nodes.Include, folder: Path) -> Parts:
        """Return the parts of the first file there is of those that a tag names."""
        from jinja2 import nodes

        named = node.template
        listed = named.items if isinstance(named, nodes.List | nodes.Tuple) else [named]
        names = [one.value for one in listed if isinstance(one, nodes.Const)]
        if len(names) < len(listed) or not all(isinstance(name, str) for name in names):
            raise RequestError(
                "the name of an included file is worked out, so it cannot be read.",
                at=self.line(node.lineno),
            )
        for name in names:
            for above in within_repository(folder):
                path = above / name
                if beyond(path) is None and isfile(path):
                    if self._depth >= MAX_INCLUDES:
                        raise RecursionError
                    text = read_text(path, limit=CODE_BYTES)
                    # The line end at the end of a template is left out in an included one as well.
                    self._left.take(len(text), self.line(node.lineno))
                    inner = (self._depth + 1, self._left)
                    return jinja_parts(text, str(path), 1, path.parent, *inner)
        if node.ignore_missing:
            return ()
        raise RequestError(
            f"no file {' or '.join(map(repr, names))} to include, here or in a folder above.",
            at=self.line(node.lineno),
        )

    def _expression(self, node: nodes.Node) -> Parts:
        from jinja2 import nodes

        if isinstance(node, nodes.TemplateData):
            return (node.data,)
        if isinstance(node, nodes.Const):
            return (str(node.value),)
        if isinstance(node, nodes.CondExpr):
            other = () if node.expr2 is None else self._expression(node.expr2)
            return (Choice((self._expression(node.expr1), other)),)
        return (Variable(_name(node)),)


def within_repository(folder: Path) -> Iterator[Path]:
    """Yield a folder and those above it, up to the root of its repository; alone outside of one."""
    here = folder.resolve()
    root = repository(here) or here
    yield from (one for one in (here, *here.parents) if one.is_relative_to(root))


def _name(node: nodes.Node) -> str:
    """Return an expression as its template spells it, or nearly so."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Const):
        return repr(node.value)
    if isinstance(node, nodes.Getattr):
        return f"{_name(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem):
        return f"{_name(node.node)}[{_name(node.arg)}]"
    if isinstance(node, nodes.Filter) and node.node is not None:
        return f"{_name(node.node)}|{node.name}"
    if isinstance(node, nodes.Call):
        return f"{_name(node.node)}({', '.join(map(_name, node.args))})"
    return f"{type(node).__name__.lower()} on line {node.lineno}"
