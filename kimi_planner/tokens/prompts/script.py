"""Prompts in TypeScript and JavaScript, read from the syntax tree of tree-sitter; none of it is run."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from kimi_planner.errors import RequestError, Where, needs
from kimi_planner.tokens.prompts.names import ROLES, Place
from kimi_planner.tokens.prompts.parts import (
    Choice,
    Part,
    Parts,
    PromptFile,
    PromptTemplate,
    Unread,
    Variable,
    joined,
)
from kimi_planner.tokens.prompts.placeholders import (
    BRACES_NOTE,
    filled_parts,
    might_have_placeholders,
)
from kimi_planner.tokens.prompts.taking import MARKER, NO_MARKER, Candidate, take

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

__all__ = ["ENDINGS", "script_templates"]

#: Ending of a name to the grammar of the file.
ENDINGS = {
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
}
MAX_DEPTH = 100
_DEDENTING = ("dedent", "outdent", "stripIndent", "stripIndents")
_FILLING = ("fromTemplate", "fromMessages")
_WRAPPERS = (
    *("parenthesized_expression", "as_expression", "satisfies_expression"),
    "non_null_expression",
)
_SCOPES = ("function_declaration", "class_declaration", "method_definition")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_HELD = "\ue000"  # for a variable while lines are cut; a private character


def script_templates(
    source: str,
    path: str,
    *,
    grammar: str,
    names: Sequence[str] | None = None,
    style: str | None = None,
) -> PromptFile:
    """Return the prompts of a module, and what looks like one and was not taken.

    Parameters
    ----------
    source, path : str
        Text of the module, and its path for messages.
    grammar : {"typescript", "tsx", "javascript"}
        What it is written in.
    names, style
        As of `python_templates`.

    Returns
    -------
    PromptFile
        In the order of their lines. Where a part of the module cannot be read, it says so in
        ``unread``, and has what stands around that.

    Raises
    ------
    RequestError
        If it is nested too deeply, or a template of a prompt is malformed.
    MissingExtraError
        If tree-sitter is not installed.
    """
    tree = _parsed(source, grammar)
    module = _Module(tree.root_node, path, style)
    comments = [node for node in module.nodes if node.type == "comment"]
    marked, unmarked = (_lines(comments, marker) for marker in (MARKER, NO_MARKER))
    try:
        file = take(module, _named(tree.root_node), names, marked=marked, unmarked=unmarked)
    except RecursionError:
        raise RequestError("nested too deeply to be read.", at=path) from None
    faults = sorted({_line(node) for node in module.nodes if node.type == "ERROR"})
    why = f"is not {grammar} that can be read; what stands there was not counted"
    return PromptFile(
        prompts=file.prompts,
        left_out=file.left_out,
        used=file.used,
        unread=tuple(Unread(path, line, f"line {line} {why}") for line in faults[:1]),
    )


def _parsed(source: str, grammar: str) -> Tree:
    with needs("tree-sitter", "templates"):
        from tree_sitter import Language, Parser

        if grammar == "javascript":
            import tree_sitter_javascript

            language = tree_sitter_javascript.language()
        else:
            import tree_sitter_typescript

            language = getattr(tree_sitter_typescript, f"language_{grammar}")()
    return Parser(Language(language)).parse(source.encode("utf-8", "surrogatepass"))


class _Module:
    """What a module says about its names, and its expressions as text."""

    def __init__(self, root: Node, path: str, style: str | None) -> None:
        self._path, self._style = path, style
        self.nodes = list(_every(root))
        self.has_plain_braces = False
        self.read: set[int] = set()
        self._resolving: list[str] = []
        bound: Counter[str] = Counter()
        values: dict[str, Node] = {}
        for node in self.nodes:
            for field in _BINDING.get(node.type, ()):
                target = node.child_by_field_name(field)
                if target is not None and target.type in ("identifier", "type_identifier"):
                    bound[_text(target)] += 1
                    value = node.child_by_field_name("value")
                    if node.type == "variable_declarator" and value and _is_at_top(node):
                        values[_text(target)] = value
        self.constants = {name: node for name, node in values.items() if bound[name] == 1}

    def key(self, node: Node) -> int:
        return node.id

    def bound(self, node: Node) -> str | None:
        return _text(node) if node.type == "identifier" else None

    def constant(self, name: str) -> Parts | None:
        return self.parts(self.constants[name], "none") if name in self.constants else None

    def template(
        self, candidate: Candidate, *, wanted: bool
    ) -> tuple[PromptTemplate, set[int]] | None:
        self.read, self.has_plain_braces = set(), False
        try:
            parts = self.parts(
                candidate.node, self._style or candidate.style or candidate.place.style or "none"
            )
        except (RequestError, RecursionError):
            if wanted:
                raise
            parts = None  # it may be anything
        if parts is None:
            return None
        braces = self._style is None and self.has_plain_braces
        template = PromptTemplate(
            name=candidate.place.name,
            path=self._path,
            line=_line(candidate.node),
            parts=joined(parts),
            notes=(BRACES_NOTE,) if braces else (),
        )
        return template, self.read

    def parts(self, node: Node, style: str) -> Parts | None:
        """Return the parts of an expression, or ``None`` if it is not known to be text."""
        parts = self._parts(node, style)
        if parts is not None and not self._resolving:
            self.read.add(node.id)
        return parts

    def _parts(self, node: Node, style: str) -> Parts | None:
        kind = node.type
        if kind in _WRAPPERS:
            return self.parts(node.named_children[0], style) if node.named_children else None
        if kind == "string":
            return self._plain("".join(map(_decoded, node.named_children)), node, style)
        if kind == "template_string":
            return self._template(node, style)
        if kind == "binary_expression":
            return self._sum(node, style)
        if kind == "ternary_expression":
            sides = [_child(node, "consequence"), _child(node, "alternative")]
            known = self._known(sides, style)
            return None if known is None else (Choice(tuple(known)),)
        if kind == "call_expression":
            return self._call(node, style)
        if kind == "identifier":
            return self._constant(_text(node), style)
        return None

    def _plain(self, text: str, node: Node, style: str) -> Parts:
        self.has_plain_braces |= style == "none" and might_have_placeholders(text)
        return filled_parts(text, style, Where(self._path, _line(node)))

    def _template(self, node: Node, style: str, *, raw: bool = False) -> Parts:
        parts: list[Part] = []
        self.read |= set() if self._resolving else {node.id}
        for piece in node.named_children:
            if piece.type == "template_substitution":
                inner = piece.named_children[0] if piece.named_children else piece
                known = self.parts(inner, style)
                parts += (Variable(_text(inner)),) if known is None else known
            else:
                parts += self._plain(_text(piece) if raw else _decoded(piece), node, style)
        return joined(tuple(parts))

    def _known(self, nodes: Sequence[Node], style: str) -> list[Parts] | None:
        """Return the parts of each, a variable where they are not known; ``None`` if all are not."""
        found = [self.parts(node, style) for node in nodes]
        if all(parts is None for parts in found):
            return None
        pairs = zip(found, nodes, strict=True)
        return [(Variable(_text(node)),) if parts is None else parts for parts, node in pairs]

    def _sum(self, node: Node, style: str) -> Parts | None:
        terms, left = [], node
        while left.type == "binary_expression" and _text(_child(left, "operator")) == "+":
            terms.append(_child(left, "right"))
            left = _child(left, "left")
        known = self._known([left, *reversed(terms)], style) if terms else None
        return None if known is None else tuple(chain.from_iterable(known))

    def _constant(self, name: str, style: str) -> Parts | None:
        value = self.constants.get(name)
        if value is None or name in self._resolving:
            return None
        if len(self._resolving) > MAX_DEPTH:
            raise RecursionError
        self._resolving.append(name)
        try:
            return self.parts(value, style)
        finally:
            self._resolving.pop()

    def _call(self, node: Node, style: str) -> Parts | None:
        arguments, called = _child(node, "arguments"), _child(node, "function")
        word = _word(called)
        if arguments.type == "template_string":
            if _text(called) == "String.raw":
                return self._template(arguments, style, raw=True)
            return self._dedented(arguments, style) if word in _DEDENTING else None
        if called.type != "member_expression":
            return None
        subject, given = _child(called, "object"), arguments.named_children
        if word == "fromTemplate" and given:
            return self.parts(given[0], "format")
        if word == "join" and subject.type == "array" and len(given) <= 1:
            between = self.parts(given[0], style) if given else (",",)
            known = self._known(subject.named_children, style) if between else None
            if known is None or between is None:
                return None
            return tuple(
                chain.from_iterable(
                    (*(between if at else ()), *one) for at, one in enumerate(known)
                )
            )
        if word == "trim" and not given:
            parts = self.parts(subject, style)
            fixed = parts is not None and all(isinstance(part, str) for part in parts)
            return ("".join(map(str, parts)).strip(),) if fixed and parts else None
        return None

    def _dedented(self, node: Node, style: str) -> Parts:
        """Return a text without the indent of its lines, and without white space around it."""
        parts = self._template(node, style)
        if any(isinstance(part, str) and _HELD in part for part in parts):
            return (Variable(_text(node)),)
        text = "".join(part if isinstance(part, str) else _HELD for part in parts)
        first, _, rest = text.partition("\n")
        text = f"{first}\n{textwrap.dedent(rest)}".strip()
        fixed = text.split(_HELD)
        filled = [part for part in parts if not isinstance(part, str)]
        return joined((fixed[0], *chain.from_iterable(zip(filled, fixed[1:], strict=True))))


# Fields in which a node has a name that it binds or sets.
_BINDING = {
    "variable_declarator": ("name",),
    "function_declaration": ("name",),
    "class_declaration": ("name",),
    "required_parameter": ("pattern",),
    "optional_parameter": ("pattern",),
    "assignment_pattern": ("left",),
    "assignment_expression": ("left",),
    "augmented_assignment_expression": ("left",),
    "update_expression": ("argument",),
    "import_specifier": ("name", "alias"),
    "arrow_function": ("parameter",),
}


def _every(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _is_at_top(declarator: Node) -> bool:
    statement = declarator.parent
    above = statement and statement.parent
    return above is not None and above.type in ("program", "export_statement")


def _child(node: Node, field: str) -> Node:
    child = node.child_by_field_name(field)
    return node if child is None else child


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _decoded(piece: Node) -> str:
    """Return what a piece of a text stands for."""
    text = _text(piece).replace("\r\n", "\n")
    if piece.type != "escape_sequence":
        return text
    if match := re.fullmatch(r"\\(?:x|u\{?)([0-9a-fA-F]+)\}?", text):
        return chr(int(match[1], 16))
    return "" if text == "\\\n" else _ESCAPES.get(text[1:], text[1:])


def _word(node: Node) -> str:
    """Return the last word of a name or a member."""
    if node.type == "member_expression":
        node = _child(node, "property")
    return _text(node)


def _lines(comments: Sequence[Node], marker: str) -> frozenset[int]:
    return frozenset(
        node.start_point.row + (1 if _stands_behind(node) else 2)
        for node in comments
        if _text(node).strip("/* \t") == marker
    )


def _stands_behind(comment: Node) -> bool:
    before = comment.prev_sibling
    return before is not None and before.end_point.row == comment.start_point.row


def _named(root: Node) -> Iterator[Candidate]:
    """Yield every expression that may be a text, outer ones before those inside them."""
    waiting: list[tuple[Node, str]] = [(root, "")]
    while waiting:
        node, scope = waiting.pop()
        if node.type in ("string", "template_string"):
            yield Candidate(Place(f"{scope}text"), node, _line(node), by_name=False)
        else:
            yield from _of_node(node, scope)
        if node.type in _SCOPES or _is_function(node.child_by_field_name("value")):
            scope = f"{scope}{_text(_child(node, 'name'))}."
        waiting += [(child, scope) for child in reversed(node.named_children)]


def _is_function(node: Node | None) -> bool:
    return node is not None and node.type in ("arrow_function", "function_expression")


# Fields of the name and of the value of what binds a text to a name.
_BOUND = {
    "variable_declarator": ("name", "value"),
    "assignment_expression": ("left", "right"),
    "augmented_assignment_expression": ("left", "right"),
    "public_field_definition": ("name", "value"),
    "field_definition": ("property", "value"),
    "required_parameter": ("pattern", "value"),
    "assignment_pattern": ("left", "right"),
    "enum_assignment": ("name", "value"),
}


def _of_node(node: Node, scope: str) -> Iterator[Candidate]:
    kind = node.type
    if kind in _BOUND:
        target, value = (node.child_by_field_name(field) for field in _BOUND[kind])
        if target is not None and value is not None:
            place = Place(f"{scope}{_text(target)}", (_word(target),))
            yield from _inside(value, place, _line(node), by_size=True)
    elif kind in ("return_statement", "yield_expression", "export_statement"):
        for value in node.named_children[:1]:
            place = Place(f"{scope}{kind.partition('_')[0]}")
            yield from _inside(value, place, _line(node), by_size=True)
    elif kind == "arrow_function":
        place = Place(f"{scope}return")
        yield from _inside(_child(node, "body"), place, _line(node), by_size=True)
    elif kind in ("call_expression", "new_expression"):
        yield from _of_call(node, scope)


def _of_call(node: Node, scope: str) -> Iterator[Candidate]:
    called = _word(_child(node, "function" if node.type == "call_expression" else "constructor"))
    arguments = node.child_by_field_name("arguments")
    if arguments is None or arguments.type != "arguments":
        return
    style = "format" if called in _FILLING or called.endswith("PromptTemplate") else None
    is_message = called == "fromTemplate" or called.endswith(("PromptTemplate", "Message"))
    is_message &= called == "fromTemplate" or called[0].isupper()
    for number, value in enumerate(arguments.named_children):
        place = Place(f"{scope}{called}({number})", is_message=is_message and number == 0)
        if place.is_message and value.type == "object":
            for key, item in _pairs(value):
                message = key in ("content", "template")
                inner = Place(f"{place.name}.{key}", (key,), is_message=message, depth=1)
                yield from _inside(item, inner, _line(item), style=style)
        else:
            yield from _inside(value, place, _line(value), style=style)


def _pairs(node: Node) -> list[tuple[str, Node]]:
    """Return the keys of an object and their values."""
    pairs = [one for one in node.named_children if one.type == "pair"]
    return [(_key(_child(one, "key")), _child(one, "value")) for one in pairs]


def _key(node: Node) -> str:
    return "".join(map(_decoded, node.named_children)) if node.type == "string" else _text(node)


def _inside(
    node: Node, place: Place, line: int, *, by_size: bool = False, style: str | None = None
) -> Iterator[Candidate]:
    """Yield an expression, and the values of the objects and arrays that it writes out."""
    if place.depth > MAX_DEPTH:
        raise RecursionError
    while node.type in _WRAPPERS and node.named_children:
        node = node.named_children[0]
    yield Candidate(place, node, line, by_size, style)
    if node.type == "array":
        items = node.named_children
        of_role = len(items) == 2 and items[0].type == "string" and _key(items[0]) in ROLES
        for number, item in enumerate(items):
            inner = place.item(number)
            if of_role and number:
                inner = replace(inner, is_message=True)
            yield from _inside(item, inner, _line(item), by_size=by_size, style=style)
    elif node.type == "object":
        keys = [one for one, _ in _pairs(node)]
        for key, item in _pairs(node):
            inner = place.key(key, keys)
            yield from _inside(item, inner, _line(item), by_size=by_size, style=style)


def _line(node: Node) -> int:
    return node.start_point.row + 1
