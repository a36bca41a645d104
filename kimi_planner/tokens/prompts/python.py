"""Prompts in Python source, read from its syntax tree; none of it is run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kimi_planner.errors import RequestError, Where
from kimi_planner.tokens.prompts.names import Place, is_wanted
from kimi_planner.tokens.prompts.parts import PromptTemplate, Variable, joined
from kimi_planner.tokens.prompts.placeholders import BRACES_NOTE
from kimi_planner.tokens.prompts.static import ModuleText, TextReader, text_of, word_of

__all__ = ["MARKER", "python_templates"]

#: A comment that makes a prompt of what stands on its line, or starts on the next.
MARKER = "kimi-planner: prompt"

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
MAX_DEPTH = 100


def python_templates(
    source: str, path: str, *, names: Sequence[str] | None = None, style: str | None = None
) -> list[PromptTemplate]:
    """Return the prompts of a module.

    Parameters
    ----------
    source : str
        Text of the module.
    path : str
        Its path, for messages.
    names : sequence of str, optional
        Globs of names of variables, attributes, arguments and keys, such as ``*PROMPT*``. If not
        given, `names.DEFAULT_NAMES` and the ``content`` of every literal chat message.
    style : str, optional
        How plain texts are filled. If not given, what the module shows: a call of ``.format`` on
        the name, ``%``, a ``Template`` or ``from_template``; otherwise not at all.

    Returns
    -------
    list of PromptTemplate
        In the order of their lines.

    Raises
    ------
    RequestError
        If the source is not Python, or a template is not well formed; with file and line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the module; they are its own linter's affair
            tree = ast.parse(source)
    except SyntaxError as error:
        where = Where(path, error.lineno or None)
        raise RequestError(f"not Python ({error.msg}). Correct that line.", at=where) from None
    except ValueError as error:
        raise RequestError(f"not Python ({error}).", at=path) from None
    except (RecursionError, MemoryError):
        raise RequestError("nested too deeply to be read.", at=path) from None
    module = ModuleText(path, tree)
    marked = _marked_lines(source)
    found: dict[tuple[int, int], PromptTemplate] = {}
    try:
        for one in _named(tree):
            wanted = is_wanted(one.place, names) and not _is_found_elsewhere(one, module, names)
            if wanted or one.line in marked:
                template = _template(one, module, path, style)
                if template is not None:
                    found.setdefault((template.line, one.node.col_offset), template)
    except RecursionError:
        raise RequestError("nested too deeply to be read.", at=path) from None
    return [found[place] for place in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Found:
    """An expression that has a name, and the line its statement or argument starts on."""

    place: Place
    node: ast.expr
    line: int


def _is_found_elsewhere(found: _Found, module: ModuleText, names: Sequence[str] | None) -> bool:
    """Whether a place only names a constant that is a prompt where it is bound."""
    node = found.node
    if not isinstance(node, ast.Name) or node.id not in module.constants:
        return False
    return is_wanted(Place(node.id, (node.id,)), names)


def _marked_lines(source: str) -> frozenset[int]:
    if MARKER not in source:
        return frozenset()
    import io
    import tokenize

    return frozenset(
        line if text[:column].strip() else line + 1
        for kind, comment, (line, column), _, text in tokenize.generate_tokens(
            io.StringIO(source).readline
        )
        if kind == tokenize.COMMENT and comment.lstrip("#").strip() == MARKER
    )


def _named(tree: ast.Module) -> Iterator[_Found]:
    """Yield every named expression of a module, outer ones before those inside them."""
    # A stack of its own: a long sum of texts is nested as deeply as it has terms.
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, scope = waiting.pop()
        if isinstance(node, _SCOPES):
            scope = f"{scope}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield from _defaults(node, scope)
        else:
            yield from _of_statement(node, scope)
        waiting += [(child, scope) for child in reversed(list(ast.iter_child_nodes(node)))]


def _of_statement(node: ast.AST, scope: str) -> Iterator[_Found]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value, node.lineno, scope)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _assigned(node.target, node.value, node.lineno, scope)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield from _inside(node.value, Place(f"{scope}return"), node.lineno)
    elif isinstance(node, ast.Call):
        called = word_of(node.func) or "call"
        for number, value in enumerate(node.args):
            yield from _inside(value, Place(f"{scope}{called}({number})"), value.lineno)
        for word in node.keywords:
            if word.arg is not None:
                place = Place(f"{scope}{called}({word.arg})", (word.arg,))
                yield from _inside(word.value, place, word.value.lineno)


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef, scope: str) -> Iterator[_Found]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    values = [*arguments.defaults, *arguments.kw_defaults]
    # The last positional arguments have the defaults, and every keyword has one or None.
    for argument, value in zip(every[len(every) - len(values) :], values, strict=True):
        if value is not None:
            place = Place(f"{scope}{argument.arg}", (argument.arg,))
            yield from _inside(value, place, argument.lineno)


def _assigned(target: ast.expr, value: ast.expr, line: int, scope: str) -> Iterator[_Found]:
    if word := word_of(target):
        yield from _inside(value, Place(scope + ast.unparse(target), (word,)), line)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, part, line, scope)


def _inside(node: ast.expr, place: Place, line: int) -> Iterator[_Found]:
    """Yield an expression, and the values of the dicts and lists that it writes out."""
    if place.depth > MAX_DEPTH:
        raise RecursionError
    yield _Found(place, node, line)
    if isinstance(node, ast.List | ast.Tuple):
        for number, item in enumerate(node.elts):
            yield from _inside(item, place.item(number), item.lineno)
    elif isinstance(node, ast.Dict):
        keys = [text_of(key) for key in node.keys]
        for key, item in zip(keys, node.values, strict=True):
            if key is not None:
                yield from _inside(item, place.key(key, keys), item.lineno)


def _template(
    found: _Found, module: ModuleText, path: str, style: str | None
) -> PromptTemplate | None:
    """Return the prompt at a place, or ``None`` if no text stands there."""
    reader = TextReader(module)
    word = found.place.words[-1] if found.place.words else ""
    learned = module.styles.get(word)
    notes = set()
    try:
        parts = reader.parts(found.node, style or learned or "none")
    except RequestError:
        if style is not None or learned is None:
            raise
        # Another text of the same name is filled so; this one cannot be.
        parts = reader.parts(found.node)
        notes.add(BRACES_NOTE)
    if parts is None:
        return None
    if style is None and reader.has_plain_braces:
        notes.add(BRACES_NOTE)
    if found.place.depth == 0 and word in module.grown:
        parts += (Variable(f"{word} += …"),)
    return PromptTemplate(
        name=found.place.name,
        path=path,
        line=found.node.lineno,
        parts=joined(parts),
        notes=tuple(notes),
    )
