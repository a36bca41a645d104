"""What a text expression of Python is made of, told from its syntax without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable

from kimi_planner.errors import RequestError
from kimi_planner.tokens.prompts.expressions import Candidate, TextReader
from kimi_planner.tokens.prompts.parts import Choice, Part, Parts, Variable, joined, stripped

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


class PythonText(TextReader):
    """What a module says about its names, and its expressions as text.

    Attributes
    ----------
    styles
        How texts of a name are filled somewhere in the module.
    grown
        Names that ``+=`` adds to.
    template_style
        What ``Template(…)`` fills: Jinja's if the module imports it from there.
    """

    def __init__(self, tree: ast.Module, path: str, style: str | None) -> None:
        super().__init__(path, style)
        self.constants: dict[str, ast.expr] = {}
        self.styles: dict[str, str] = {}
        self.grown: set[str] = set()
        self.template_style = "dollar"
        nodes: list[ast.AST] = [tree]
        for node in nodes:  # which grows meanwhile
            nodes += children(node)
        bound = Counter(map(_bound_name, nodes))
        for statement in tree.body:
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

    def key(self, node: ast.expr) -> int:
        """Return what an expression is known by."""
        return id(node)

    def line(self, node: ast.expr) -> int:
        """Return the line that an expression starts on."""
        return node.lineno

    def spelled(self, node: ast.expr) -> str:
        """Return an expression as Python writes it."""
        return ast.unparse(node)

    def bound(self, node: ast.expr) -> str | None:
        """Return the name that an expression is, if it is no more than that."""
        return node.id if isinstance(node, ast.Name) else None

    def _filled(self, candidate: Candidate) -> Parts | None:
        place = candidate.place
        word = place.words[-1] if place.words else ""
        learned = self.styles.get(word) or candidate.style or place.style
        try:
            parts = self.parts(candidate.node, self.style or learned or "none")
        except RequestError:
            if self.style is not None or learned is None:
                raise
            parts = self.parts(candidate.node)
            self.has_plain_braces = True
        if parts is not None and place.depth == 0 and word in self.grown:
            parts += (Variable(f"{word} += …"),)
        return parts

    def _parts(self, node: ast.expr, style: str) -> Parts | None:
        if filled := self.filled(node):
            return self.parts(filled[1], filled[0])
        if (text := text_of(node)) is not None:
            return self.plain(text, node, style)
        if isinstance(node, ast.JoinedStr):
            return self._f_string(node, style)
        if isinstance(node, ast.BinOp):
            return self._operation(node, style)
        if isinstance(node, ast.IfExp | ast.BoolOp):  # such as: given or "a default"
            nodes = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            branches = self.known(nodes, style)
            return None if branches is None else (Choice(tuple(branches)),)
        if isinstance(node, ast.Call):
            return self._call(node, style)
        if isinstance(node, ast.Name):
            return self.named(node.id, style)
        return None

    def _f_string(self, node: ast.JoinedStr, style: str) -> Parts:
        parts: list[Part] = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                self.read.add(id(value))
                parts += self.plain(str(value.value), node, style)
            elif isinstance(value, ast.FormattedValue):
                plain = value.conversion == -1 and value.format_spec is None
                known = self.parts(value.value, style) if plain else None
                parts += (Variable(_spelled(value)),) if known is None else known
        return tuple(parts)

    def _operation(self, node: ast.BinOp, style: str) -> Parts | None:
        if isinstance(node.op, ast.Mult):
            sides = (self.parts(node.left, style), self.parts(node.right, style))
            return None if sides == (None, None) else self.unknown(node)
        terms: list[ast.expr] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
            terms.append(left.right)
            left = left.left
        return self.summed([left, *reversed(terms)], style)

    def _call(self, node: ast.Call, style: str) -> Parts | None:
        match node:
            case ast.Call(ast.Attribute(text, "substitute" | "safe_substitute" | "render")):
                return self.parts(text, style)
            case ast.Call(ast.Attribute(text, "join")):
                return self._join(node, text, style)
            case ast.Call(ast.Attribute(text, "strip" | "lstrip" | "rstrip" as name), [], []):
                parts = self.parts(text, style)
                known = parts and stripped(parts, name != "rstrip", name != "lstrip")
                return self.unknown(node) if parts and known is None else known
            case ast.Call(called, [text], []) if (word := word_of(called)) in (
                "dedent",
                "cleandoc",
            ):
                return self._worked_out(node, _PURE[word], text, style)
            case ast.Call(ast.Attribute(text, name)) if name in _RESHAPED:
                return None if self.parts(text) is None else self.unknown(node)
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
            return self.unknown(node)
        return self.plain(function("".join(map(str, fixed))), node, style)

    def _join(self, node: ast.Call, separator: ast.expr, style: str) -> Parts | None:
        between = self.parts(separator, style)
        if between is None or len(node.args) != 1:
            return None
        if not isinstance(node.args[0], ast.List | ast.Tuple):
            return self.unknown(node)
        parts: Parts = ()
        for number, item in enumerate(node.args[0].elts):
            if isinstance(item, ast.Starred):
                return self.unknown(node)
            known = self.parts(item, style)
            parts += (between if number else ()) + (self.unknown(item) if known is None else known)
        return parts


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


def word_of(node: ast.AST) -> str | None:
    """Return the last word of a name or an attribute, or ``None`` for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def text_of(node: ast.AST | None) -> str | None:
    """Return the text of a plain text, or ``None`` for anything else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None
