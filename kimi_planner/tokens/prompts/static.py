"""What a text expression of Python is made of, told from its syntax without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain

from kimi_planner.errors import Where
from kimi_planner.tokens.prompts.forms import might_have_placeholders
from kimi_planner.tokens.prompts.parts import Choice, Part, Parts, Variable, joined, stripped
from kimi_planner.tokens.prompts.placeholders import filled_parts

__all__ = ["ModuleText", "TextReader", "template_style", "text_of", "word_of"]

MAX_NAMES = (
    1_000  # that one expression stands for; a few lines can double their text again and again
)

# Functions of text that depend on nothing but the text.
_PURE: dict[str, Callable[[str], str]] = {
    "dedent": textwrap.dedent,
    "cleandoc": inspect.cleandoc,
}
# Methods of a text that give another text, which is not worked out here.
_RESHAPED = {
    *("capitalize", "casefold", "center", "expandtabs", "ljust", "lower", "lstrip", "replace"),
    *("removeprefix", "removesuffix", "rjust", "rstrip", "strip", "swapcase", "title"),
    *("translate", "upper", "zfill"),
}


@dataclass
class ModuleText:
    """What a module says about its names.

    Attributes
    ----------
    path
        Of the module, for messages.
    tree
        The module.
    constants
        Values of names that are bound once, at the top of the module.
    styles
        How texts of a name are filled somewhere in the module.
    grown
        Names that ``+=`` adds to.
    template_style
        What ``Template(…)`` fills: Jinja's if the module imports it from there.
    """

    path: str
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)
    grown: set[str] = field(default_factory=set)
    template_style: str = "dollar"

    def __post_init__(self) -> None:
        nodes: list[ast.AST] = [self.tree]
        for node in nodes:  # which grows meanwhile
            nodes += children(node)
        bound = Counter(map(_bound_name, nodes))
        for statement in self.tree.body:
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                continue
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in (target.id for target in targets if isinstance(target, ast.Name)):
                # A name that is bound anywhere else as well may hold something else.
                # So may a name that Python binds itself, such as __name__.
                if bound[name] == 1 and not name.startswith("__"):
                    self.constants[name] = statement.value
        if any(isinstance(node, ast.ImportFrom) and node.module == "jinja2" for node in nodes):
            self.template_style = "jinja"
        for node in nodes:
            filled = self.filled(node) if isinstance(node, ast.Call | ast.BinOp) else None
            if filled and (word := word_of(filled[1])):
                self.styles[word] = filled[0]
            if isinstance(node, ast.AugAssign) and (word := word_of(node.target)):
                self.grown.add(word)

    def filled(self, node: ast.AST) -> tuple[str, ast.expr] | None:
        """Return the style in which an expression fills a text, and that text; ``None`` if it does not.

        Such are ``NAME.format(…)``, ``NAME % …`` and ``Template(NAME)``.
        """
        match node:
            case ast.BinOp(text, ast.Mod()):
                return "percent", text
            case ast.Call(ast.Attribute(text, "format" | "format_map")):
                return "format", text
            case ast.Call(ast.Attribute(_, "from_template"), [text, *_], words):
                return template_style(words), text
            case ast.Call(called, [text, *_], words) if _makes_template(called):
                return template_style(words), text
            case ast.Call(called, [], words) if _makes_template(called):
                texts = [word.value for word in words if word.arg == "template"]
                return (template_style(words), texts[0]) if texts else None
            case ast.Call(ast.Name("Template"), [text, *_]):
                return self.template_style, text
            case ast.Call(ast.Attribute(module, "Template"), [text, *_]):
                return ("jinja" if word_of(module) == "jinja2" else "dollar"), text
        return None


def children(node: ast.AST) -> list[ast.AST]:
    """Return what a node is made of, but for contexts, which are half of all nodes and say little."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = None if name == "ctx" else getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _makes_template(called: ast.expr) -> bool:
    """Whether a class is called that LangChain, or one like it, fills: ``PromptTemplate(…)``."""
    return (word_of(called) or "").endswith("PromptTemplate")


def template_style(words: list[ast.keyword]) -> str:
    """Return how a template is filled, as its ``template_format`` says."""
    given = [text_of(word.value) for word in words if word.arg == "template_format"]
    return {"jinja2": "jinja", "mustache": "mustache"}.get(
        given[0] or "" if given else "", "format"
    )


# The attribute in which a node has the name that it binds in some scope.
_BINDERS: dict[type[ast.AST], str] = {
    ast.arg: "arg",
    ast.MatchMapping: "rest",
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef), "name"),
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar), "name"),
}


def _bound_name(node: ast.AST) -> str | None:
    """Return the name that a node binds in some scope, ``None`` if it binds none."""
    if isinstance(node, ast.Name):
        return None if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    return getattr(node, _BINDERS.get(type(node), ""), None)


class TextReader:
    """Reads one expression as text, variables and branches.

    Attributes
    ----------
    has_plain_braces
        Whether a text was taken as it stands that has names in braces.
    read
        Expressions that were read as text where they stand, by their `id`.
    """

    def __init__(self, module: ModuleText) -> None:
        self._module = module
        self.read: set[int] = set()
        self._resolving: set[str] = set()
        self._resolved = 0
        self.has_plain_braces = False

    def parts(self, node: ast.expr, style: str = "none") -> Parts | None:
        """Return the parts of an expression, or ``None`` if it is not known to be text.

        ``style`` is how plain texts in it are filled.
        """
        parts = self._parts(node, style)
        if parts is not None and not self._resolving:
            self.read.add(id(node))
        return parts

    def _parts(self, node: ast.expr, style: str) -> Parts | None:
        if filled := self._module.filled(node):
            return self.parts(filled[1], filled[0])
        if (text := text_of(node)) is not None:
            return self._plain(text, node.lineno, style)
        if isinstance(node, ast.JoinedStr):
            return self._f_string(node, style)
        if isinstance(node, ast.BinOp):
            return self._operation(node, style)
        if isinstance(node, ast.IfExp | ast.BoolOp):  # such as: given or "a default"
            nodes = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            branches = self._known(nodes, style)
            return None if branches is None else (Choice(tuple(branches)),)
        if isinstance(node, ast.Call):
            return self._call(node, style)
        if isinstance(node, ast.Name):
            return self._constant(node.id, style)
        return None

    def _plain(self, text: str, line: int, style: str) -> Parts:
        self.has_plain_braces |= style == "none" and might_have_placeholders(text)
        return filled_parts(text, style, Where(self._module.path, line))

    def _f_string(self, node: ast.JoinedStr, style: str) -> Parts:
        parts: list[Part] = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                self.read.add(id(value))
                parts += self._plain(str(value.value), node.lineno, style)
            elif isinstance(value, ast.FormattedValue):
                plain = value.conversion == -1 and value.format_spec is None
                known = self.parts(value.value, style) if plain else None
                parts += (Variable(_spelled(value)),) if known is None else known
        return tuple(parts)

    def _known(self, nodes: list[ast.expr], style: str) -> list[Parts] | None:
        """Return the parts of each, a variable where they are not known; ``None`` if all are not."""
        found = [self.parts(node, style) for node in nodes]
        if all(parts is None for parts in found):
            return None
        pairs = zip(found, nodes, strict=True)
        return [_unknown(node) if parts is None else parts for parts, node in pairs]

    def _operation(self, node: ast.BinOp, style: str) -> Parts | None:
        if isinstance(node.op, ast.Mult):
            sides = (self.parts(node.left, style), self.parts(node.right, style))
            return None if sides == (None, None) else _unknown(node)
        terms: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
            terms.append(left.right)
            left = left.left
        known = self._known([left, *reversed(terms)], style) if terms else None
        return None if known is None else tuple(chain.from_iterable(known))

    def _constant(self, name: str, style: str) -> Parts | None:
        value = self._module.constants.get(name)
        if value is None or name in self._resolving:
            return None
        self._resolved += 1
        if self._resolved > MAX_NAMES:
            raise RecursionError
        self._resolving.add(name)
        try:
            return self.parts(value, style)
        finally:
            self._resolving.discard(name)

    def _call(self, node: ast.Call, style: str) -> Parts | None:
        match node:
            case ast.Call(ast.Attribute(text, "substitute" | "safe_substitute" | "render")):
                return self.parts(text, style)
            case ast.Call(ast.Attribute(text, "join")):
                return self._join(node, text, style)
            case ast.Call(ast.Attribute(text, "strip" | "lstrip" | "rstrip" as name), [], []):
                parts = self.parts(text, style)
                known = parts and stripped(parts, name != "rstrip", name != "lstrip")
                return _unknown(node) if parts and known is None else known
            case ast.Call(called, [text], []) if (word := word_of(called)) in (
                "dedent",
                "cleandoc",
            ):
                return self._worked_out(node, _PURE[word], text, style)
            case ast.Call(ast.Attribute(text, name)) if name in _RESHAPED:
                return None if self.parts(text) is None else _unknown(node)
        return None

    def _worked_out(
        self, node: ast.Call, function: Callable[[str], str], subject: ast.expr, style: str
    ) -> Parts | None:
        braces = self.has_plain_braces
        parts = self.parts(subject)
        self.has_plain_braces = braces  # of what is left, which is read once more
        if parts is None:
            return None
        fixed = joined(parts)
        if any(not isinstance(part, str) for part in fixed):  # what is cut depends on the values
            return _unknown(node)
        return self._plain(function("".join(map(str, fixed))), node.lineno, style)

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


def _spelled(node: ast.FormattedValue) -> str:
    """Return a field of an f-string with its conversion and format, which change its text."""
    name = ast.unparse(node.value) + (f"!{chr(node.conversion)}" if node.conversion != -1 else "")
    if not isinstance(node.format_spec, ast.JoinedStr):
        return name
    spec = [
        f"{{{_spelled(part)}}}" if isinstance(part, ast.FormattedValue) else text_of(part) or ""
        for part in node.format_spec.values
    ]
    return f"{name}:{''.join(spec)}"


def _unknown(node: ast.expr) -> Parts:
    return (Variable(ast.unparse(node)),)


def word_of(node: ast.AST) -> str | None:
    """Return the last word of a name or an attribute, or ``None`` for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def text_of(node: ast.AST | None) -> str | None:
    """Return the text of a plain text, or ``None`` for anything else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None
