"""Python source that is newer than the Python that reads it: the same tree on every version.

What `ast` of this version does not know is found by tree-sitter and read here: type parameters and
aliases are left out, f-strings are put together from their pieces.
"""

from __future__ import annotations

import ast
import warnings
from ast import literal_eval
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


_HELD = "__text_{}__"


def parse_python(source: str) -> ast.Module:
    """Return the syntax tree of a module, also of one that is written for a newer Python.

    Raises
    ------
    SyntaxError
        If no Python can read it, or only a newer one and tree-sitter is not installed.
    ValueError, RecursionError, MemoryError
        As `ast.parse` raises them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the module; they are its own linter's affair
        try:
            return ast.parse(source)
        except SyntaxError as error:
            try:
                return _Newer(source).tree()
            except ImportError:
                raise error from None


class _Newer:
    """A module with what is new in it replaced: by nothing, or by names that stand for f-strings."""

    def __init__(self, source: str) -> None:
        import tree_sitter
        import tree_sitter_python

        self._bytes = source.encode("utf-8", "surrogatepass")
        self._texts: list[Node] = []
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
        self._root = parser.parse(self._bytes).root_node

    def tree(self) -> ast.Module:
        """Return the tree of the module."""
        written = self._rewritten(self._root).decode("utf-8", "surrogatepass")
        tree = ast.parse(written)
        held = {_HELD.format(number): node for number, node in enumerate(self._texts)}
        _Filling({name: self._text(node) for name, node in held.items()}).visit(tree)
        return ast.fix_missing_locations(tree)

    def _rewritten(self, node: Node) -> bytes:
        text = self._raw(node)
        lines = b"\n" * text.count(b"\n")
        if node.type == "type_alias_statement":
            return b"pass" + lines
        if node.type == "type_parameter" and node.parent and "definition" in node.parent.type:
            return lines and b"\\\n" * len(lines)
        is_text = node.type in ("string", "concatenated_string")
        if is_text and _is_filled(node) and not node.has_error:
            self._texts.append(node)
            return b"(" + _HELD.format(len(self._texts) - 1).encode() + lines + b")"
        pieces, end = [], node.start_byte
        values = node.children_by_field_name("value") if node.type == "except_clause" else []
        for child in node.children:
            pieces.append(self._bytes[end : child.start_byte])
            inner = self._rewritten(child)
            # Several exceptions need no parentheses from 3.14 on.
            before = b"(" if len(values) > 1 and child == values[0] else b""
            after = b")" if len(values) > 1 and child == values[-1] else b""
            pieces.append(before + inner + after)
            end = child.end_byte
        return b"".join([*pieces, self._bytes[end : node.end_byte]])

    def _raw(self, node: Node) -> bytes:
        return self._bytes[node.start_byte : node.end_byte]

    def _text(self, node: Node) -> ast.expr:
        """Return an f-string, or several texts side by side, as one expression."""
        strings = node.children if node.type == "concatenated_string" else [node]
        values = [value for one in strings if one.type == "string" for value in self._values(one)]
        made = ast.JoinedStr(values, lineno=node.start_point.row + 1, col_offset=0)
        return ast.fix_missing_locations(made)

    def _values(self, string: Node) -> list[ast.expr]:
        start, *inner, end = string.children
        opening = self._raw(start).decode()
        prefix, quote = opening.rstrip("'\"").lower(), opening.lstrip("bBfFrRtTuU")
        is_filled = "f" in prefix or "t" in prefix
        values: list[ast.expr] = []
        at = start.end_byte

        def fixed(until: int) -> None:
            text = self._bytes[at:until].decode("utf-8", "surrogatepass")
            if is_filled:
                text = text.replace("{{", "{").replace("}}", "}")
            if "r" not in prefix:
                text = literal_eval(f"{quote}{text} {quote}")[:-1]  # it may end with a backslash
            values.append(ast.Constant(text))

        for piece in inner:
            if piece.type == "interpolation":
                fixed(piece.start_byte)
                values += self._field(piece)
                at = piece.end_byte
        fixed(end.start_byte)
        return values

    def _field(self, node: Node) -> list[ast.expr]:
        """Return what fills a place of an f-string."""
        expression = node.child_by_field_name("expression")
        assert expression is not None  # noqa: S101 - of every interpolation that has no error
        written = self._raw(expression).decode("utf-8", "surrogatepass")
        value = ast.increment_lineno(_expression(written), expression.start_point.row)
        conversion = node.child_by_field_name("type_conversion")
        spec = node.child_by_field_name("format_specifier")
        letter = self._raw(conversion)[1] if conversion else -1
        values: list[ast.expr] = []
        if any(child.type == "=" for child in node.children):
            letter = ord("r") if letter == -1 and spec is None else letter
            values.append(ast.Constant(f"{written}="))
        filled = None if spec is None else ast.JoinedStr(self._spec(spec))
        return [*values, ast.FormattedValue(value, letter, filled)]

    def _spec(self, node: Node) -> list[ast.expr]:
        values: list[ast.expr] = []
        at = node.start_byte + 1
        for piece in node.children:
            if piece.type in ("format_expression", "interpolation"):
                values += [ast.Constant(self._bytes[at : piece.start_byte].decode())]
                values += self._field(piece)
                at = piece.end_byte
        return [*values, ast.Constant(self._bytes[at : node.end_byte].decode())]


def _expression(written: str) -> ast.expr:
    statement = parse_python(f"({written}\n)").body[0]
    assert isinstance(statement, ast.Expr)  # noqa: S101 - as all in parentheses is
    return statement.value


def _is_filled(node: Node) -> bool:
    if node.type == "concatenated_string":
        return any(map(_is_filled, node.children))
    return node.type == "string" and any(one.type == "interpolation" for one in node.children)


class _Filling(ast.NodeTransformer):
    def __init__(self, texts: dict[str, ast.expr]) -> None:
        self._texts = texts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._texts.get(node.id, node)
