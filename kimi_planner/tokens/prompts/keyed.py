"""Prompts in YAML, JSON and TOML: texts under keys, with the lines they stand on."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.errors import FileError, MissingExtraError, RequestError
from kimi_planner.files import TomlFile
from kimi_planner.tokens.prompts.names import Place, is_wanted
from kimi_planner.tokens.prompts.parts import Parts, PromptTemplate
from kimi_planner.tokens.prompts.placeholders import (
    BRACES_NOTE,
    might_have_placeholders,
    split_placeholders,
)

if TYPE_CHECKING:
    import yaml

__all__ = ["keyed_templates"]

MAX_DEPTH = 100
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


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
        Named by their path, ``agents.writer.messages[0].content``.

    Raises
    ------
    FileError
        If the file is not of its form; the message names the line.
    RequestError
        If a template is malformed.
    MissingExtraError
        If it is YAML and PyYAML is not installed.
    """
    texts = {"json": _json_texts, "toml": _toml_texts}.get(form, _yaml_texts)
    found = []
    try:
        for one in texts(text, path):
            if is_wanted(one.place, names):
                notes = style is None and might_have_placeholders(one.text)
                found.append(
                    PromptTemplate(
                        name=one.place.name,
                        path=path,
                        line=one.line,
                        parts=_parts(one, path, style),
                        notes=(BRACES_NOTE,) if notes else (),
                    )
                )
    except RecursionError:
        raise FileError(
            f"{path}: nested more than {MAX_DEPTH} deep, which cannot be meant."
        ) from None
    return found


@dataclass(frozen=True, slots=True)
class _Text:
    """A text, where it stands among the keys, and its line."""

    place: Place
    text: str
    line: int


def _parts(one: _Text, path: str, style: str | None) -> Parts:
    if style == "jinja":
        from kimi_planner.tokens.prompts.jinja import jinja_parts

        return jinja_parts(one.text, path, one.line)
    try:
        return split_placeholders(one.text, style or "none")
    except RequestError as error:
        raise RequestError(f"{path} line {one.line}: {error}") from None


def _yaml_texts(text: str, path: str) -> Iterator[_Text]:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError.of("PyYAML", "templates") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" line {mark.line + 1}"
        reason = getattr(error, "problem", None) or type(error).__name__
        raise FileError(f"{path}{line}: not YAML ({reason}). Correct that line.") from None
    seen: set[int] = set()
    for number, document in enumerate(documents):
        top = Place("" if len(documents) == 1 else f"[{number}]")
        yield from _yaml_below(document, top, seen)


def _yaml_below(node: yaml.Node | None, place: Place, seen: set[int]) -> Iterator[_Text]:
    import yaml

    if node is None or id(node) in seen:  # an alias is the text of its anchor
        return
    seen.add(id(node))
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        if node.tag == "tag:yaml.org,2002:str":
            yield _Text(place, node.value, line)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _yaml_below(item, _checked(place.item(number)), seen)
    elif isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        for key, (_, item) in zip(keys, node.value, strict=True):
            yield from _yaml_below(item, _checked(place.key(key, keys)), seen)


def _json_texts(text: str, path: str) -> Iterator[_Text]:
    try:
        json.loads(text)
    except RecursionError:
        raise
    except ValueError as error:
        line = f" line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise FileError(f"{path}{line}: not JSON ({reason}). Correct that line.") from None
    return _JsonLines(text).texts()


class _JsonLines:
    """A second walk over JSON that is known to be well formed, for the lines of its texts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _JSON_TOKEN.finditer(text)
        self._line, self._at = 1, 0
        self._token = next(self._tokens)

    def texts(self) -> Iterator[_Text]:
        yield from self._value(Place(""))

    def _advance(self) -> str:
        found = self._token[0]
        following = next(self._tokens, None)
        if following is not None:
            self._token = following
        return found

    def _value(self, place: Place) -> Iterator[_Text]:
        start = self._token.start()
        mark = self._advance()
        if mark.startswith('"'):
            self._line += self._text.count("\n", self._at, start)
            self._at = start
            yield _Text(place, json.loads(mark, strict=False), self._line)
        elif mark == "[":
            number = 0
            while self._token[0] != "]":
                yield from self._value(_checked(place.item(number)))
                number += 1
                if self._token[0] == ",":
                    self._advance()
            self._advance()
        elif mark == "{":
            below: list[tuple[str, list[_Text]]] = []
            while self._token[0] != "}":
                key = json.loads(self._advance())
                self._advance()  # the colon
                below.append((key, list(self._value(_checked(place.key(key, ()))))))
                if self._token[0] == ",":
                    self._advance()
            self._advance()
            keys = [key for key, _ in below]
            for key, texts in below:
                told = place.key(key, keys)
                for one in texts:
                    yield _Text(told, one.text, one.line) if one.place.name == told.name else one


def _toml_texts(text: str, path: str) -> Iterator[_Text]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path}: not TOML ({error}). Correct that line.") from None
    toml = TomlFile(Path(path), text, data)
    yield from _toml_below(data, Place(""), toml, ("", None, None))


def _toml_below(
    value: Any, place: Place, toml: TomlFile, at: tuple[str, int | None, str | None]
) -> Iterator[_Text]:
    table, index, key = at
    if isinstance(value, str):
        line = re.search(r" line (\d+)$", toml.where(table, index, key))
        yield _Text(place, value, int(line[1]) if line else 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            below = at
            if isinstance(item, dict) and key is not None:
                below = (f"{table}.{key}" if table else key, number, None)
            yield from _toml_below(item, _checked(place.item(number)), toml, below)
    elif isinstance(value, dict):
        if key is not None and toml.where(f"{table}.{key}" if table else key) != str(toml.path):
            table, index = (f"{table}.{key}" if table else key), None
        keys = list(value)
        for name, item in value.items():
            yield from _toml_below(
                item, _checked(place.key(name, keys)), toml, (table, index, name)
            )


def _checked(place: Place) -> Place:
    if place.depth > MAX_DEPTH:
        raise RecursionError
    return place
