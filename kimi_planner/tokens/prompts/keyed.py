"""Prompts in YAML, JSON and TOML: texts under keys, with the lines they stand on."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.errors import FileError, MissingExtraError, Where
from kimi_planner.files import TomlFile, toml_fault
from kimi_planner.tokens.prompts.names import Place, is_wanted
from kimi_planner.tokens.prompts.parts import PromptTemplate
from kimi_planner.tokens.prompts.placeholders import (
    BRACES_NOTE,
    filled_parts,
    might_have_placeholders,
)

if TYPE_CHECKING:
    import yaml

__all__ = ["keyed_templates"]

MAX_DEPTH = 100
MAX_ALIASES = 10_000  # of YAML, followed; a few lines of them can stand for more than memory holds
_JSON_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def keyed_templates(
    text: str, path: str, *, form: str, names: Sequence[str] | None = None, style: str | None = None
) -> list[PromptTemplate]:
    """Return the prompts of a file of keys and values.

    Parameters
    ----------
    text, path : str
        Text of the file, and its path for messages.
    form : {"yaml", "yml", "json", "toml"}
        What the file is.
    names : sequence of str, optional
        Globs of keys, or of whole paths of keys such as ``agents.*.system``. If not given, keys
        that are named like prompts, all below them, and ``content`` beside ``role``.
    style : str, optional
        How the texts are filled; if not given, not at all.

    Returns
    -------
    list of PromptTemplate
        Named by their path, ``agents.writer.messages[0].content``. What aliases of YAML repeat is
        one prompt, named where it is first named like one.

    Raises
    ------
    FileError
        If the file is not of its form; the message names the line.
    RequestError
        If a template is malformed.
    MissingExtraError
        If it is YAML and PyYAML is not installed.
    """
    tree = {"json": _json_tree, "toml": _toml_tree}.get(form, _yaml_tree)
    try:
        texts = list(_texts(tree(text, path), Place(""), Counter()))
    except RecursionError:
        raise FileError(
            f"nested more than {MAX_DEPTH} deep, which cannot be meant.", at=path
        ) from None
    except OverflowError:
        raise FileError(
            f"aliases stand for more than {MAX_ALIASES:,} values. Write fewer of them.", at=path
        ) from None
    wanted: dict[int, tuple[Place, _Node, str]] = {}
    for place, node, prompt in texts:  # one that aliases repeat counts where it is first a prompt
        if is_wanted(place, names):
            wanted.setdefault(id(node), (place, node, prompt))
    return [
        PromptTemplate(
            name=place.name,
            path=path,
            line=node.line,
            parts=filled_parts(prompt, style or "none", Where(path, node.line)),
            notes=(BRACES_NOTE,) if style is None and might_have_placeholders(prompt) else (),
        )
        for place, node, prompt in wanted.values()
    ]


@dataclass(frozen=True, slots=True)
class _Node:
    """A value and its line: a text, nodes by number or by key, or ``None`` for anything else."""

    line: int
    value: str | list[_Node] | dict[str, _Node] | None


def _texts(node: _Node, place: Place, visits: Counter[int]) -> Iterator[tuple[Place, _Node, str]]:
    if place.depth > MAX_DEPTH:
        raise RecursionError
    visits[id(node)] += 1
    if visits[id(node)] > 1:
        visits[0] += 1
        if visits[0] > MAX_ALIASES:
            raise OverflowError
    if isinstance(node.value, str):
        yield place, node, node.value
    elif isinstance(node.value, list):
        for number, item in enumerate(node.value):
            yield from _texts(item, place.item(number), visits)
    elif isinstance(node.value, dict):
        for key, item in node.value.items():
            yield from _texts(item, place.key(key, node.value), visits)


def _yaml_tree(text: str, path: str) -> _Node:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError.of("PyYAML", "templates") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = Where(path, mark and mark.line + 1)
        reason = getattr(error, "problem", None) or type(error).__name__
        raise FileError(f"not YAML ({reason}). Correct that line.", at=where) from None
    known: dict[int, _Node] = {}
    nodes = [_yaml_node(document, known, 0) for document in documents]
    return nodes[0] if len(nodes) == 1 else _Node(1, nodes)


def _yaml_node(node: yaml.Node, known: dict[int, _Node], depth: int) -> _Node:
    import yaml

    if depth > MAX_DEPTH:
        raise RecursionError
    if id(node) in known:  # an alias; its line is that of the anchor
        return known[id(node)]
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        items: list[_Node] = []
        known[id(node)] = _Node(line, items)  # before its items, which may hold it
        items += [_yaml_node(item, known, depth + 1) for item in node.value]
    elif isinstance(node, yaml.MappingNode):
        pairs: dict[str, _Node] = {}
        known[id(node)] = _Node(line, pairs)
        for key, item in node.value:
            pairs[str(key.value)] = _yaml_node(item, known, depth + 1)
    else:
        known[id(node)] = _Node(line, node.value if node.tag == "tag:yaml.org,2002:str" else None)
    return known[id(node)]


def _json_tree(text: str, path: str) -> _Node:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = Where(path, error.lineno)
        raise FileError(f"not JSON ({error.msg}). Correct that line.", at=where) from None
    except ValueError as error:
        raise FileError(f"not JSON ({error}).", at=path) from None
    marks = []
    line, at = 1, 0
    for found in _JSON_MARK.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        if found[0] not in ",:":
            marks.append((found[0], line))
    walk = iter(marks)
    return _json_node(*next(walk), walk)


def _json_node(mark: str, line: int, rest: Iterator[tuple[str, int]]) -> _Node:
    """Build the node that a mark begins, of JSON that is known to be well formed."""
    if mark.startswith('"'):
        return _Node(line, json.loads(mark, strict=False))
    if mark == "[":
        items = []
        for inner, at in rest:
            if inner == "]":
                break
            items.append(_json_node(inner, at, rest))
        return _Node(line, items)
    if mark == "{":
        pairs = {}
        for key, _ in rest:
            if key == "}":
                break
            pairs[json.loads(key)] = _json_node(*next(rest), rest)
        return _Node(line, pairs)
    return _Node(line, None)


def _toml_tree(text: str, path: str) -> _Node:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = toml_fault(str(error), text)
        raise FileError(f"not TOML ({message}). Correct that line.", at=Where(path, line)) from None
    return _toml_node(data, TomlFile(Path(path), text, data), (), {})


def _toml_node(value: Any, toml: TomlFile, keys: tuple[str, ...], numbers: dict[str, int]) -> _Node:
    """Build a node; ``numbers`` says which table of each array of tables it stands in."""
    line = _toml_line(toml, keys, numbers)
    if isinstance(value, str):
        return _Node(line, value)
    if isinstance(value, list):
        table = ".".join(keys)
        return _Node(
            line,
            [
                _toml_node(item, toml, keys, {**numbers, table: number})
                for number, item in enumerate(value)
            ],
        )
    if isinstance(value, dict):
        items = {key: _toml_node(item, toml, (*keys, key), numbers) for key, item in value.items()}
        return _Node(line, items)
    return _Node(line, None)


def _toml_line(toml: TomlFile, keys: tuple[str, ...], numbers: dict[str, int]) -> int:
    """Return the line of a value: in the innermost table that has a header of its own."""
    for depth in range(len(keys) - 1, -1, -1):
        table = ".".join(keys[:depth])
        if line := toml.where(table, numbers.get(table), keys[depth]).line:
            return line
    return 1
