"""Prompts in Python source, read from its syntax tree; none of it is run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from kimi_planner.errors import RequestError
from kimi_planner.tokens.prompts.names import Place, is_wanted
from kimi_planner.tokens.prompts.parts import Choice, Part, Parts, PromptTemplate, Variable, joined
from kimi_planner.tokens.prompts.placeholders import (
    BRACES_NOTE,
    might_have_placeholders,
    split_placeholders,
)

__all__ = ["MARKER", "python_templates"]

#: A comment that makes a prompt of what stands on its line, or starts on the next.
MARKER = "kimi-planner: prompt"

# Methods and functions of text that depend on nothing but the text.
_PURE: dict[str, Callable[[str], str]] = {
    "dedent": textwrap.dedent,
    "cleandoc": inspect.cleandoc,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
}
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
        the name, ``%``, ``string.Template`` or ``from_template``; otherwise not at all.

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
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise RequestError(f"{path}{line}: not Python ({reason}). Correct that line.") from None
    module = _Module(path, style, tree)
    marked = _marked_lines(source)
    found: dict[tuple[int, int], PromptTemplate] = {}
    try:
        for one in _named(tree, ""):
            if is_wanted(one.place, names) or one.line in marked:
                template = module.template(one)
                if template is not None:
                    found.setdefault((template.line, one.node.col_offset), template)
    except RecursionError:
        raise RequestError(f"{path}: nested too deeply to be read.") from None
    return [found[place] for place in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Found:
    """An expression that has a name, and the line its statement or argument starts on."""

    place: Place
    node: ast.expr
    line: int


def _marked_lines(source: str) -> frozenset[int]:
    if MARKER not in source:
        return frozenset()
    import io
    import tokenize

    comments = (
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and token.string.lstrip("#").strip() == MARKER
    )
    return frozenset(
        line if text[:column].strip() else line + 1
        for (line, column), text in ((token.start, token.line) for token in comments)
    )


def _named(node: ast.AST, scope: str) -> Iterator[_Found]:
    """Yield every named expression below a node, outer ones first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _SCOPES):
            inner = f"{scope}{child.name}."
            if not isinstance(child, ast.ClassDef):
                yield from _defaults(child, inner)
            yield from _named(child, inner)
            continue
        if isinstance(child, ast.Assign):
            for target in child.targets:
                yield from _assigned(target, child.value, child.lineno, scope)
        elif isinstance(child, ast.AnnAssign | ast.NamedExpr) and child.value is not None:
            yield from _assigned(child.target, child.value, child.lineno, scope)
        elif isinstance(child, ast.Return) and child.value is not None:
            yield from _inside(child.value, Place(f"{scope}return"), child.lineno)
        elif isinstance(child, ast.Call):
            called = getattr(child.func, "attr", None) or getattr(child.func, "id", "call")
            for key, value in [
                *((word.arg, word.value) for word in child.keywords),
                *((str(number), value) for number, value in enumerate(child.args)),
            ]:
                words = (key,) if key and not key.isdigit() else ()
                place = Place(f"{scope}{called}({key or '**'})", words)
                yield from _inside(value, place, value.lineno)
        yield from _named(child, scope)


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef, scope: str) -> Iterator[_Found]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, value in pairs:
        if value is not None:
            place = Place(f"{scope}{argument.arg}", (argument.arg,))
            yield from _inside(value, place, argument.lineno)


def _assigned(target: ast.expr, value: ast.expr, line: int, scope: str) -> Iterator[_Found]:
    if isinstance(target, ast.Name | ast.Attribute):
        word = target.id if isinstance(target, ast.Name) else target.attr
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
        keys = [_text_of(key) for key in node.keys]
        for key, item in zip(keys, node.values, strict=True):
            if key is not None:
                yield from _inside(item, place.key(key, keys), item.lineno)


def _text_of(node: ast.expr | None) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


@dataclass
class _Module:
    """What a module says about its names."""

    path: str
    style: str | None
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)
    grown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        bound = Counter(
            node.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        )
        bound.update(node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg))
        for statement in self.tree.body:
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                continue
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                # A name that is bound anywhere else as well may hold something else.
                if isinstance(target, ast.Name) and bound[target.id] == 1:
                    self.constants[target.id] = statement.value
        for node in ast.walk(self.tree):
            self._note_style(node)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self.grown.add(node.target.id)

    def _note_style(self, node: ast.AST) -> None:
        """Learn from ``NAME.format(…)``, ``NAME % …`` and ``Template(NAME)`` how a name is filled."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            self._learn(node.left, "percent")
        elif isinstance(node, ast.Call):
            style = _style_of(node)
            if style == "format" and isinstance(node.func, ast.Attribute) and not _is_from(node):
                self._learn(node.func.value, style)
            elif style is not None and node.args:
                self._learn(node.args[0], style)

    def _learn(self, node: ast.expr, style: str) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            self.styles[node.id if isinstance(node, ast.Name) else node.attr] = style

    def template(self, found: _Found) -> PromptTemplate | None:
        """Return the prompt at a place, or ``None`` if no text stands there."""
        reader = _Reader(self)
        word = found.place.words[-1] if found.place.words else ""
        learned = self.styles.get(word)
        notes = set()
        try:
            parts = reader.parts(found.node, self.style or learned or "none")
        except RequestError:
            if self.style is not None or learned is None:
                raise
            # Another text of the same name is filled so; this one cannot be.
            parts = reader.parts(found.node)
            notes.add(BRACES_NOTE)
        if parts is None:
            return None
        if self.style is None and reader.has_plain_braces:
            notes.add(BRACES_NOTE)
        if found.place.depth == 0 and word in self.grown:
            parts += (Variable(f"{word} += …"),)
        return PromptTemplate(
            name=found.place.name,
            path=self.path,
            line=found.node.lineno,
            parts=joined(parts),
            notes=tuple(notes),
        )


def _is_from(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "from_template"


def _style_of(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if name in ("format", "format_map", "from_template"):
        return "format"
    if name in ("substitute", "safe_substitute"):
        return None
    if name == "Template" or (isinstance(call.func, ast.Name) and call.func.id == "Template"):
        return "dollar"
    return None


class _Reader:
    """Reads one expression as text, variables and branches."""

    def __init__(self, module: _Module) -> None:
        self._module = module
        self._resolving: set[str] = set()
        self.has_plain_braces = False

    def parts(self, node: ast.expr, style: str = "none") -> Parts | None:
        """Return the parts of an expression, or ``None`` if it is not known to be text.

        ``style`` is how plain texts in it are filled.
        """
        if isinstance(node, ast.Constant):
            text = _text_of(node)
            return None if text is None else self._plain(text, node.lineno, style)
        if isinstance(node, ast.JoinedStr):
            return self._f_string(node)
        if isinstance(node, ast.BinOp):
            return self._operation(node, style)
        if isinstance(node, ast.IfExp):
            branches = [self.parts(one, style) for one in (node.body, node.orelse)]
            if all(branch is None for branch in branches):
                return None
            either = zip(branches, (node.body, node.orelse), strict=True)
            return (Choice(tuple(_unknown(one) if got is None else got for got, one in either)),)
        if isinstance(node, ast.Call):
            return self._call(node, style)
        if isinstance(node, ast.Name):
            return self._constant(node.id, style)
        return None

    def _plain(self, text: str, line: int, style: str) -> Parts:
        self.has_plain_braces |= style == "none" and might_have_placeholders(text)
        try:
            return split_placeholders(text, style)
        except RequestError as error:
            raise RequestError(f"{self._module.path} line {line}: {error}") from None

    def _f_string(self, node: ast.JoinedStr) -> Parts:
        parts: list[Part] = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append(str(value.value))
            elif isinstance(value, ast.FormattedValue):
                plain = value.conversion == -1 and value.format_spec is None
                known = self.parts(value.value) if plain else None
                parts += _unknown(value.value) if known is None else known
        return tuple(parts)

    def _operation(self, node: ast.BinOp, style: str) -> Parts | None:
        if isinstance(node.op, ast.Mod):
            return self.parts(node.left, "percent")
        if not isinstance(node.op, ast.Add):
            return None
        left, right = self.parts(node.left, style), self.parts(node.right, style)
        if left is None and right is None:
            return None
        return (_unknown(node.left) if left is None else left) + (
            _unknown(node.right) if right is None else right
        )

    def _constant(self, name: str, style: str) -> Parts | None:
        value = self._module.constants.get(name)
        if value is None or name in self._resolving:
            return None
        self._resolving.add(name)
        try:
            return self.parts(value, style)
        finally:
            self._resolving.discard(name)

    def _call(self, node: ast.Call, style: str) -> Parts | None:
        called = node.func
        name = getattr(called, "attr", None) or getattr(called, "id", None)
        if isinstance(called, ast.Attribute) and name in ("format", "format_map"):
            return self.parts(called.value, "format")
        if isinstance(called, ast.Attribute) and name in ("substitute", "safe_substitute"):
            return self.parts(called.value, "dollar")
        if _style_of(node) is not None and node.args:  # Template("…"), X.from_template("…")
            return self.parts(node.args[0], _style_of(node) or style)
        if isinstance(called, ast.Attribute) and name == "join":
            return self._join(node, called.value, style)
        if name in ("strip", "lstrip", "rstrip"):
            subject = called.value if isinstance(called, ast.Attribute) and not node.args else None
        else:
            subject = node.args[0] if name in _PURE and len(node.args) == 1 else None
        if subject is None or node.keywords:
            return None
        braces = self.has_plain_braces
        parts = self.parts(subject)
        self.has_plain_braces = braces  # of what is left, which is read once more
        if parts is None:
            return None
        fixed = joined(parts)
        if any(not isinstance(part, str) for part in fixed):  # what is cut depends on the values
            return _unknown(node)
        return self._plain(_PURE[str(name)]("".join(map(str, fixed))), node.lineno, style)

    def _join(self, node: ast.Call, separator: ast.expr, style: str) -> Parts | None:
        between = self.parts(separator, style)
        if between is None or len(node.args) != 1:
            return None
        if not isinstance(node.args[0], ast.List | ast.Tuple):
            return _unknown(node)
        parts: Parts = ()
        for number, item in enumerate(node.args[0].elts):
            if isinstance(item, ast.Starred):
                return _unknown(node)
            known = self.parts(item, style)
            parts += (between if number else ()) + (_unknown(item) if known is None else known)
        return parts


def _unknown(node: ast.expr) -> Parts:
    return (Variable(ast.unparse(node)),)
