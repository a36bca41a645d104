"""Prompts in Python source, read from its syntax tree; none of it is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kimi_planner.errors import RequestError, Where
from kimi_planner.limits import DEPTH
from kimi_planner.tokens.prompts.expressions import MARKER, NO_MARKER, Candidate, take
from kimi_planner.tokens.prompts.names import CREW, ROLES, Place
from kimi_planner.tokens.prompts.newer import parse_python
from kimi_planner.tokens.prompts.parts import PromptFile
from kimi_planner.tokens.prompts.static import (
    PythonText,
    children,
    template_style,
    text_of,
    word_of,
)

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DOCUMENTED = (ast.Module, *_SCOPES)
# Most of the nodes of a module, and none of them holds a text.
_TEXTLESS = (ast.Name, ast.operator, ast.cmpop, ast.alias, ast.Pass)
# Which argument of these calls is a chat message, from 1.
_MESSAGES = {"from_template": 1, "PromptTemplate": 1, "Signature": 2, "make_signature": 2}
_FILLING = ("from_template", "from_messages")


def python_templates(
    source: str, path: str, *, names: Sequence[str] | None = None, style: str | None = None
) -> PromptFile:
    """Return the prompts of a module, and what looks like one and was not taken.

    Parameters
    ----------
    source : str
        Text of the module.
    path : str
        Its path, for messages.
    names : sequence of str, optional
        Globs of names of variables, attributes, arguments and keys, such as ``*PROMPT*``. If not
        given, `names.DEFAULT_NAMES`, chat messages, templates and signatures of frameworks, and
        every text that looks like a prompt and is bound to a name, returned or added.
    style : str, optional
        How plain texts are filled. If not given, what the module shows: a call of ``.format`` on
        the name, ``%``, a ``Template`` or ``from_template``; otherwise not at all.

    Returns
    -------
    PromptFile
        In the order of their lines.

    Raises
    ------
    RequestError
        If the source is not Python, or a template is not well formed; with file and line.
    """
    try:
        tree = parse_python(source)
    except SyntaxError as error:
        where = Where(path, error.lineno or None)
        raise RequestError(f"not Python ({error.msg}). Correct that line.", at=where) from None
    except ValueError as error:
        raise RequestError(f"not Python ({error}).", at=path) from None
    except (RecursionError, MemoryError):
        raise RequestError("nested too deeply to be read.", at=path) from None
    module = PythonText(tree, path, style)
    marked, unmarked = (_lines_after(marker, source) for marker in (MARKER, NO_MARKER))
    try:
        return take(module, _named(tree), names, marked=marked, unmarked=unmarked)
    except RequestError:
        raise
    except ValueError as error:  # a number whose digits cannot be written
        raise RequestError(f"not Python that can be read ({error}).", at=path) from None
    except RecursionError:
        raise RequestError("nested too deeply to be read.", at=path) from None


def _lines_after(marker: str, source: str) -> frozenset[int]:
    """Return the lines of what a comment marks: its own, or the next if it stands alone.

    Found by its spelling: `tokenize` reads no syntax that is newer than itself.
    """
    if marker not in source:
        return frozenset()
    found = re.finditer(rf"^(.*)#[ \t]*{re.escape(marker)}[ \t]*$", source, re.MULTILINE)
    return frozenset(
        source.count("\n", 0, one.start()) + (1 if one[1].strip() else 2) for one in found
    )


def _named(tree: ast.Module) -> Iterator[Candidate]:
    """Yield every expression that may be a text, outer ones before those inside them."""
    # A stack of its own: a long sum of texts is nested as deeply as it has terms.
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, scope = waiting.pop()
        inner = [one for one in children(node) if not isinstance(one, _TEXTLESS)]
        if isinstance(node, _DOCUMENTED):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and text_of(first.value) is not None:
                inner.remove(first)  # its docstring
                if isinstance(node, ast.ClassDef) and _is_signature(node):
                    place = Place(f"{scope}{node.name}.__doc__", is_message=True)
                    cleaned = ast.Call(ast.Name("cleandoc"), [first.value], [])
                    yield Candidate(place, ast.copy_location(cleaned, first.value), first.lineno)
        if isinstance(node, _SCOPES):
            scope = f"{scope}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield from _defaults(node, scope)
        elif isinstance(node, ast.JoinedStr) or text_of(node) is not None:
            assert isinstance(node, ast.expr)  # noqa: S101 - narrows the type
            yield Candidate(Place(f"{scope}text"), node, node.lineno, by_name=False)
        else:
            yield from _of_statement(node, scope)
        waiting += ((child, scope) for child in reversed(inner))


def _is_signature(node: ast.ClassDef) -> bool:
    """Whether a class is a signature of DSPy, whose docstring is sent."""
    return any((word_of(base) or "").endswith("Signature") for base in node.bases)


def _of_statement(node: ast.AST, scope: str) -> Iterator[Candidate]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value, node.lineno, scope)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _assigned(node.target, node.value, node.lineno, scope)
    elif isinstance(node, ast.AugAssign):
        place = Place(f"{scope}{ast.unparse(node.target)} +=")
        yield Candidate(place, node.value, node.lineno, by_size=True)
    elif isinstance(node, ast.Return | ast.Yield) and node.value is not None:
        word = "return" if isinstance(node, ast.Return) else "yield"
        yield from _inside(node.value, Place(f"{scope}{word}"), node.lineno, by_size=True)
    elif isinstance(node, ast.Lambda):
        yield from _inside(node.body, Place(f"{scope}lambda"), node.lineno, by_size=True)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, scope)
    elif isinstance(node, ast.Dict):
        yield from _inside(node, Place(f"{scope}dict"), node.lineno, by_size=True)


def _of_call(node: ast.Call, scope: str) -> Iterator[Candidate]:
    called = word_of(node.func) or "call"
    keywords = {word.arg: word.value for word in node.keywords if word.arg is not None}
    first = _MESSAGES.get(called, called.endswith("Message") and called[0].isupper())
    filling = called in _FILLING or called.endswith("PromptTemplate")
    style = template_style(node.keywords) if filling else None
    for number, value in enumerate(node.args):
        place = Place(
            f"{scope}{called}({number})", is_message=bool(first) and number == int(first) - 1
        )
        yield from _inside(value, place, value.lineno, style=style)
    for word, value in keywords.items():
        if word == "template_format":
            continue
        message = word == "content" and (first or "role" in keywords)
        crew = any(word in shape and shape <= keywords.keys() for shape in CREW)
        message |= word == "desc" and called in ("InputField", "OutputField")
        place = Place(f"{scope}{called}({word})", (word,), is_message=bool(message or crew))
        yield from _inside(value, place, value.lineno, style="names" if crew else style)


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef, scope: str) -> Iterator[Candidate]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    values = [*arguments.defaults, *arguments.kw_defaults]
    # The last positional arguments have the defaults, and every keyword has one or None.
    for argument, value in zip(every[len(every) - len(values) :], values, strict=True):
        if value is not None:
            place = Place(f"{scope}{argument.arg}", (argument.arg,))
            yield from _inside(value, place, argument.lineno)


def _assigned(target: ast.expr, value: ast.expr, line: int, scope: str) -> Iterator[Candidate]:
    if word := word_of(target):
        place = Place(scope + ast.unparse(target), (word,))
        yield from _inside(value, place, line, by_size=True)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, part, line, scope)
    elif isinstance(target, ast.Subscript):
        words = tuple(filter(None, (word_of(target.value), text_of(target.slice))))
        place = Place(scope + ast.unparse(target), words)
        yield from _inside(value, place, line, by_size=True)


def _inside(
    node: ast.expr, place: Place, line: int, *, by_size: bool = False, style: str | None = None
) -> Iterator[Candidate]:
    """Yield an expression, and the values of the dicts and lists that it writes out."""
    if place.depth > DEPTH:
        raise RecursionError
    yield Candidate(place, node, line, by_size, style)
    if isinstance(node, ast.List | ast.Tuple):
        of_role = len(node.elts) == 2 and text_of(node.elts[0]) in ROLES
        for number, item in enumerate(node.elts):
            inner = place.item(number)
            if of_role and number:
                inner = replace(inner, is_message=True)
            yield from _inside(item, inner, item.lineno, by_size=by_size, style=style)
    elif isinstance(node, ast.Dict):
        keys = [text_of(key) for key in node.keys]
        for key, item in zip(keys, node.values, strict=True):
            if key is not None:
                inner = place.key(key, keys)
                yield from _inside(item, inner, item.lineno, by_size=by_size, style=style)
