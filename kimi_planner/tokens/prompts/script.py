"""Prompts in TypeScript and JavaScript, read from the syntax tree of tree-sitter; none of it is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kimi_planner.errors import RequestError, needs
from kimi_planner.limits import DEPTH
from kimi_planner.tokens.prompts.expressions import MARKER, NO_MARKER, Candidate, take
from kimi_planner.tokens.prompts.names import ROLES, Place
from kimi_planner.tokens.prompts.parts import PromptFile, Unread
from kimi_planner.tokens.prompts.script_text import (
    WRAPPERS,
    ScriptText,
    child_of,
    decoded,
    line_of,
    text_of,
    word_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


_FILLING = ("fromTemplate", "fromMessages")
_SCOPES = ("function_declaration", "class_declaration", "method_definition")


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
    module = ScriptText(tree.root_node, path, style)
    comments = [node for node in module.nodes if node.type == "comment"]
    marked, unmarked = (_lines(comments, marker) for marker in (MARKER, NO_MARKER))
    try:
        file = take(module, _named(tree.root_node), names, marked=marked, unmarked=unmarked)
        faults = sorted(_faults(tree.root_node))
    except RecursionError:
        raise RequestError("nested too deeply to be read.", at=path) from None
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


def _faults(node: Node) -> Iterator[int]:
    """Yield the lines of what the grammar does not know."""
    if node.type == "ERROR" or node.is_missing:
        yield line_of(node)
    elif node.has_error:
        for child in node.children:
            yield from _faults(child)


def _lines(comments: Sequence[Node], marker: str) -> frozenset[int]:
    return frozenset(
        node.start_point.row + (1 if _stands_behind(node) else 2)
        for node in comments
        if text_of(node).strip("/* \t") == marker
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
            yield Candidate(Place(f"{scope}text"), node, line_of(node), by_name=False)
        else:
            yield from _of_node(node, scope)
        if node.type in _SCOPES or _is_function(node.child_by_field_name("value")):
            scope = f"{scope}{text_of(child_of(node, 'name'))}."
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
            place = Place(f"{scope}{text_of(target)}", (word_of(target),))
            yield from _inside(value, place, line_of(node), by_size=True)
    elif kind in ("return_statement", "yield_expression", "export_statement"):
        for value in node.named_children[:1]:
            place = Place(f"{scope}{kind.partition('_')[0]}")
            yield from _inside(value, place, line_of(node), by_size=True)
    elif kind == "arrow_function":
        place = Place(f"{scope}return")
        yield from _inside(child_of(node, "body"), place, line_of(node), by_size=True)
    elif kind in ("call_expression", "new_expression"):
        yield from _of_call(node, scope)


def _of_call(node: Node, scope: str) -> Iterator[Candidate]:
    called = word_of(
        child_of(node, "function" if node.type == "call_expression" else "constructor")
    )
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
                yield from _inside(item, inner, line_of(item), style=style)
        else:
            yield from _inside(value, place, line_of(value), style=style)


def _pairs(node: Node) -> list[tuple[str, Node]]:
    """Return the keys of an object and their values."""
    pairs = [one for one in node.named_children if one.type == "pair"]
    return [(_key(child_of(one, "key")), child_of(one, "value")) for one in pairs]


def _key(node: Node) -> str:
    return "".join(map(decoded, node.named_children)) if node.type == "string" else text_of(node)


def _inside(
    node: Node, place: Place, line: int, *, by_size: bool = False, style: str | None = None
) -> Iterator[Candidate]:
    """Yield an expression, and the values of the objects and arrays that it writes out."""
    if place.depth > DEPTH:
        raise RecursionError
    while node.type in WRAPPERS and node.named_children:
        node = node.named_children[0]
    yield Candidate(place, node, line, by_size, style)
    if node.type == "array":
        items = node.named_children
        of_role = len(items) == 2 and items[0].type == "string" and _key(items[0]) in ROLES
        for number, item in enumerate(items):
            inner = place.item(number)
            if of_role and number:
                inner = replace(inner, is_message=True)
            yield from _inside(item, inner, line_of(item), by_size=by_size, style=style)
    elif node.type == "object":
        keys = [one for one, _ in _pairs(node)]
        for key, item in _pairs(node):
            inner = place.key(key, keys)
            yield from _inside(item, inner, line_of(item), by_size=by_size, style=style)
