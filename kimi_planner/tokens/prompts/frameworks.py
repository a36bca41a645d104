"""What keys mean to frameworks whose prompts stand in YAML and JSON."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from kimi_planner.tokens.prompts.names import Place

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
