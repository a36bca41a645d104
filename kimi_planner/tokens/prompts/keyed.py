"""Prompts in YAML, JSON and TOML: texts under keys, with the lines they stand on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kimi_planner.errors import FileError, Where, needs
from kimi_planner.json_text import parsed_json
from kimi_planner.limits import ALIASES, DEPTH, NODES
from kimi_planner.tokens.prompts.forms import BRACES_NOTE, might_have_placeholders
from kimi_planner.tokens.prompts.names import Place, is_prose, is_wanted, using
from kimi_planner.tokens.prompts.parts import PromptFile, PromptTemplate
from kimi_planner.tokens.prompts.placeholders import filled_parts
from kimi_planner.toml_file import parsed_toml

if TYPE_CHECKING:
    import yaml

_YAML_SIGNS = ("\n", ",", "[", "{", ": ", "- ", "? ")  # each begins a value at most
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def keyed_templates(
    text: str,
    path: str,
    *,
    form: str,
    names: Sequence[str] | None = None,
    style: str | None = None,
    follow: Callable[[str, int, str | None], PromptFile] | None = None,
) -> PromptFile:
    """Return the prompts of a file of keys and values, and what looks like one and was not taken.

    Parameters
    ----------
    text, path : str
        Text of the file, and its path for messages.
    form : {"yaml", "json", "toml", "lines"}
        What the file is; lines are values of JSON.
    names : sequence of str, optional
        Globs of keys, or of whole paths of keys such as ``agents.*.system``. If not given, keys
        that are named like prompts, all below them, and ``content`` beside ``role``.
    style : str, optional
        How the texts are filled; if not given, as their framework does, else not at all.
    follow : callable, optional
        Returns the prompts of the file that a text names, given the text, its line and the style.

    Returns
    -------
    PromptFile
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
    read = {"json": json_tree, "toml": _read_toml, "lines": _read_lines}.get(form, _read_yaml)
    try:
        tree = read(text, path)
        texts = list(_texts(tree, Place(""), Counter()))
    except RecursionError:
        raise FileError(f"nested more than {DEPTH} deep, which cannot be meant.", at=path) from None
    except OverflowError:
        raise FileError(
            f"aliases stand for more than {ALIASES:,} values. Write fewer of them.", at=path
        ) from None
    used: set[str] = set()
    wanted: dict[int, PromptTemplate | PromptFile] = {}
    others: dict[int, PromptTemplate] = {}
    for place, prompt in texts:  # one that aliases repeat counts where it is first a prompt
        if REFERENCE.fullmatch(prompt.text):
            continue
        if is_wanted(place, names):
            used.update(using(place, names))
            if id(prompt) not in wanted:
                led = follow is not None and names_file(place, prompt.text)
                filled = style or place.style
                wanted[id(prompt)] = (
                    follow(prompt.text, prompt.line, filled)
                    if led and follow is not None
                    else _template(place, prompt, path, filled)
                )
        elif is_prose(prompt.text):
            others.setdefault(id(prompt), _template(place, prompt, path, "none"))
    own = PromptFile(
        prompts=tuple(one for one in wanted.values() if isinstance(one, PromptTemplate)),
        left_out=tuple(one for key, one in others.items() if key not in wanted),
        used=frozenset(used),
    )
    return PromptFile.of([own, *(one for one in wanted.values() if isinstance(one, PromptFile))])


def _template(place: Place, prompt: Text, path: str, style: str | None) -> PromptTemplate:
    braces = style is None and might_have_placeholders(prompt.text)
    return PromptTemplate(
        name=place.name,
        path=path,
        line=prompt.line,
        parts=filled_parts(prompt.text, style or "none", Where(path, prompt.line)),
        notes=(BRACES_NOTE,) if braces else (),
    )


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its line."""

    line: int
    text: str


# What a file holds: texts, by number or by key, and None for anything else.
Tree: TypeAlias = "Text | list[Tree] | dict[str, Tree] | None"


def _texts(tree: Tree, place: Place, visits: Counter[int]) -> Iterator[tuple[Place, Text]]:
    if place.depth > DEPTH:
        raise RecursionError
    if tree is None:
        return
    visits[id(tree)] += 1
    if visits[id(tree)] > 1:
        visits[0] += 1
        if visits[0] > ALIASES:
            raise OverflowError
    if isinstance(tree, Text):
        yield place, tree
    elif isinstance(tree, list):
        for number, item in enumerate(tree):
            yield from _texts(item, place.item(number), visits)
    else:
        said = {key: item.text for key, item in tree.items() if isinstance(item, Text)}
        for key, item in tree.items():
            inner = hinted(place.key(key, tree), key, tree.keys(), said)
            yield from _texts(item, inner, visits)


def _read_yaml(text: str, path: str) -> Tree:
    with needs("PyYAML", "templates"):
        import yaml
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if sum(map(text.count, _YAML_SIGNS)) > NODES // 10:
        raise FileError(f"more than {NODES // 10:,} values. Split the file.", at=path)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = Where(path, mark and mark.line + 1)
        reason = getattr(error, "problem", None) or type(error).__name__
        raise FileError(f"not YAML ({reason}). Correct that line.", at=where) from None
    known: dict[int, Tree] = {}
    trees = [_yaml_tree(document, known, 0) for document in documents]
    return trees[0] if len(trees) == 1 else trees


def _yaml_tree(node: yaml.Node, known: dict[int, Tree], depth: int) -> Tree:
    import yaml

    if depth > DEPTH:
        raise RecursionError
    if id(node) in known:  # an alias; its line is that of the anchor
        return known[id(node)]
    if isinstance(node, yaml.SequenceNode):
        items: list[Tree] = []
        known[id(node)] = items  # before its items, which may hold it
        items += [_yaml_tree(item, known, depth + 1) for item in node.value]
    elif isinstance(node, yaml.MappingNode):
        pairs: dict[str, Tree] = {}
        known[id(node)] = pairs
        for key, item in node.value:
            name = (
                key.value if isinstance(key, yaml.ScalarNode) else "?"
            )  # aliases may be in others
            pairs[name] = _yaml_tree(item, known, depth + 1)
    else:
        is_text = node.tag == "tag:yaml.org,2002:str"
        known[id(node)] = Text(node.start_mark.line + 1, node.value) if is_text else None
    return known[id(node)]


def _read_lines(text: str, path: str) -> Tree:
    """Return a list of what each line holds, with the lines of the file."""
    trees: list[Tree] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                trees.append(json_tree(line, path, number))
            except FileError as error:
                raise FileError(error.reason, at=Where(path, number)) from None
    return trees


def json_tree(text: str, path: str, first_line: int = 1) -> Tree:
    """Return what JSON holds, texts with their lines; the first is ``first_line``."""
    parsed_json(text, path, "Correct that line.")
    line, end = first_line, 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal line, end
        line, end = line + text.count("\n", end, found.start()), found.start()
        return f'"{line}:{found[0][1:]}'

    def unnumbered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key.partition(":")[2]: item for key, item in pairs}

    def read(value: str, *_place: object) -> Text:
        number, _, content = value.partition(":")
        return Text(int(number), content)

    data = json.loads(_JSON_TEXT.sub(numbered, text), object_pairs_hook=unnumbered)
    return _tree(data, read, (), {})


def _read_toml(text: str, path: str) -> Tree:
    toml = parsed_toml(text, Path(path))

    def read(value: str, keys: tuple[str, ...], numbers: Mapping[str, int]) -> Text:
        # In the innermost table that has a header of its own.
        for depth in range(len(keys) - 1, -1, -1):
            table = ".".join(keys[:depth])
            if line := toml.where(table, numbers.get(table), keys[depth]).line:
                return Text(line, value)
        return Text(1, value)

    return _tree(toml.data, read, (), {})


def _tree(
    value: Any,
    read: Callable[[str, tuple[str, ...], Mapping[str, int]], Text],
    keys: tuple[str, ...],
    numbers: Mapping[str, int],
) -> Tree:
    """Return a tree; ``numbers`` says which item of each list under some keys a value stands in."""
    if isinstance(value, str):
        return read(value, keys, numbers)
    if isinstance(value, list):
        table = ".".join(keys)
        return [
            _tree(item, read, keys, {**numbers, table: number}) for number, item in enumerate(value)
        ]
    if isinstance(value, dict):
        return {key: _tree(item, read, (*keys, key), numbers) for key, item in value.items()}
    return None


#: How LangChain calls the ways to fill a template.
LANGCHAIN_STYLES = {"f-string": "format", "jinja2": "jinja", "mustache": "mustache"}

#: What a flow puts in the place of a text: the output of another node, or an input.
REFERENCE = re.compile(r"\s*\$\{[\w.\[\]-]+\}\s*")

_FILE = re.compile(
    r"(?:file://)?[\w./*?\[\]@-]+\.(?:txt|md|json|ya?ml|j2|jinja2?|py|[cm]?[jt]s)(?::\w+)?"
)
_PATH_KEYS = ("_path", "_file")


def hinted(place: Place, key: str, keys: Collection[str], texts: Mapping[str, str]) -> Place:
    """Return a place with what its framework makes of it.

    Parameters
    ----------
    place : Place
        Of a value.
    key : str
        Its key.
    keys : collection of str
        All keys beside it.
    texts : mapping of str to str
        Those of them whose values are texts.
    """
    if place.depth == 1 and key == "prompts" and {"providers", "targets", "tests"} & set(keys):
        return replace(place, style="jinja", is_message=True)  # promptfoo
    if "input_variables" in keys or "template_format" in keys or texts.get("_type") == "few_shot":
        style = LANGCHAIN_STYLES.get(texts.get("template_format", "f-string"))
        is_text = key in ("template", "prefix", "suffix")
        if is_text or not key.endswith(_PATH_KEYS):
            return replace(place, style=style, words=(), is_message=is_text)
        return replace(place, style=style)
    if "lc" in keys:  # an object of LangChain, written out with the names of its classes
        return replace(place, words=())
    if place.style == "jinja" and place.words[0] == "prompts":
        told = key in ("raw", "prompt") or texts.get(key, "").startswith("file://")
        return replace(place, words=place.words if told else (), is_message=told)
    if key == "source" and texts.get("type") in ("llm", "prompt"):  # a node of promptflow
        return replace(place, style="jinja")
    if key == "path" and place.style == "jinja" and place.words[-2:-1] == ("source",):
        return replace(place, is_message=True)
    return place


def names_file(place: Place, text: str) -> bool:
    """Whether a text where a prompt is meant is the name of the file that has it."""
    if text.startswith("file://"):
        return True
    is_path = place.style == "jinja" and place.words[:1] == ("prompts",)
    is_path |= place.words[-1:] != () and place.words[-1].endswith(_PATH_KEYS)
    is_path |= place.is_message and place.words[-2:] == ("source", "path")
    return is_path and _FILE.fullmatch(text) is not None
