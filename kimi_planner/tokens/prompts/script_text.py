"""What a text expression of TypeScript or JavaScript is made of, told from its syntax alone."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from kimi_planner.tokens.prompts.expressions import Candidate, TextReader
from kimi_planner.tokens.prompts.parts import Choice, Part, Parts, changed, joined, stripped

if TYPE_CHECKING:
    from tree_sitter import Node


_DEDENTING = ("dedent", "outdent", "stripIndent", "stripIndents")
#: What changes nothing about the expression inside it.
WRAPPERS = (
    *("parenthesized_expression", "as_expression", "satisfies_expression"),
    "non_null_expression",
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_HELD = "\ue000"  # for a variable while lines are cut; a private character


class ScriptText(TextReader):
    """What a module says about its names, and its expressions as text."""

    def __init__(self, root: Node, path: str, style: str | None) -> None:
        super().__init__(path, style)
        self.nodes = list(_every(root))
        bound: Counter[str] = Counter()
        values: dict[str, Node] = {}
        for node in self.nodes:
            for field in _BINDING.get(node.type, ()):
                target = node.child_by_field_name(field)
                if target is not None and target.type in ("identifier", "type_identifier"):
                    bound[text_of(target)] += 1
                    value = node.child_by_field_name("value")
                    if node.type == "variable_declarator" and value and _is_at_top(node):
                        values[text_of(target)] = value
        self.constants = {name: node for name, node in values.items() if bound[name] == 1}

    def key(self, node: Node) -> int:
        """Return what an expression is known by."""
        return node.id

    def bound(self, node: Node) -> str | None:
        """Return the name that an expression is, if it is no more than that."""
        return text_of(node) if node.type == "identifier" else None

    def line(self, node: Node) -> int:
        """Return the line that an expression starts on."""
        return line_of(node)

    def spelled(self, node: Node) -> str:
        """Return an expression as its file spells it."""
        return text_of(node)

    def _filled(self, candidate: Candidate) -> Parts | None:
        parts = super()._filled(candidate)
        return parts and changed(parts, _paired)

    def _parts(self, node: Node, style: str) -> Parts | None:
        kind = node.type
        if kind in WRAPPERS:
            return self.parts(node.named_children[0], style) if node.named_children else None
        if kind == "string":
            return self.plain("".join(map(decoded, node.named_children)), node, style)
        if kind == "template_string":
            return self._template(node, style)
        if kind == "binary_expression":
            return self._sum(node, style)
        if kind == "ternary_expression":
            sides = [child_of(node, "consequence"), child_of(node, "alternative")]
            known = self.known(sides, style)
            return None if known is None else (Choice(tuple(known)),)
        if kind == "call_expression":
            return self._call(node, style)
        if kind == "identifier":
            return self.named(text_of(node), style)
        return None

    def _template(self, node: Node, style: str, *, raw: bool = False) -> Parts:
        parts: list[Part] = []
        self.read |= set() if self._resolving else {node.id}
        for piece in node.named_children:
            if piece.type == "template_substitution":
                inner = piece.named_children[0] if piece.named_children else piece
                known = self.parts(inner, style)
                parts += self.unknown(inner) if known is None else known
            else:
                parts += self.plain(text_of(piece) if raw else decoded(piece), node, style)
        return joined(tuple(parts))

    def _sum(self, node: Node, style: str) -> Parts | None:
        terms, left = [], node
        while left.type == "binary_expression" and text_of(child_of(left, "operator")) == "+":
            terms.append(child_of(left, "right"))
            left = child_of(left, "left")
        return self.summed([left, *reversed(terms)], style)

    def _call(self, node: Node, style: str) -> Parts | None:
        arguments, called = child_of(node, "arguments"), child_of(node, "function")
        word = word_of(called)
        if arguments.type == "template_string":
            if text_of(called) == "String.raw":
                return self._template(arguments, style, raw=True)
            return self._dedented(arguments, style) if word in _DEDENTING else None
        if called.type != "member_expression":
            return None
        subject, given = child_of(called, "object"), arguments.named_children
        if word == "fromTemplate" and given:
            return self.parts(given[0], "format")
        if word == "join" and subject.type == "array" and len(given) <= 1:
            between = self.parts(given[0], style) if given else (",",)
            known = self.known(subject.named_children, style) if between else None
            if known is None or between is None:
                return None
            return tuple(
                chain.from_iterable(
                    (*(between if at else ()), *one) for at, one in enumerate(known)
                )
            )
        if word == "trim" and not given:
            parts = self.parts(subject, style)
            return parts and stripped(parts)
        return None

    def _dedented(self, node: Node, style: str) -> Parts:
        """Return a text without the indent of its lines, and without white space around it."""
        parts = self._template(node, style)
        if any(isinstance(part, str) and _HELD in part for part in parts):
            return self.unknown(node)
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
        waiting += reversed(node.named_children)


def _is_at_top(declarator: Node) -> bool:
    statement = declarator.parent
    above = statement and statement.parent
    return above is not None and above.type in ("program", "export_statement")


def child_of(node: Node, field: str) -> Node:
    """Return the child in a field, the node itself if there is none."""
    child = node.child_by_field_name(field)
    return node if child is None else child


def text_of(node: Node) -> str:
    """Return a node as its file spells it."""
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _paired(text: str) -> str:
    """Return a text in which characters that were spelled in two halves are one."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decoded(piece: Node) -> str:
    """Return what a piece of a text stands for."""
    text = text_of(piece).replace("\r\n", "\n")
    if piece.type != "escape_sequence":
        return text
    if match := re.fullmatch(r"\\(?:x|u\{?)([0-9a-fA-F]+)\}?", text):
        return chr(min(int(match[1], 16), 0x10FFFF))
    return "" if text == "\\\n" else _ESCAPES.get(text[1:], text[1:])


def word_of(node: Node) -> str:
    """Return the last word of a name or a member."""
    if node.type == "member_expression":
        node = child_of(node, "property")
    return text_of(node)


def line_of(node: Node) -> int:
    """Return the line that a node starts on, from 1."""
    return node.start_point.row + 1
