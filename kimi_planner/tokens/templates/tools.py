"""Tool declarations as the chat templates write them: compact JSON for K2, TypeScript for K2.5."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from kimi_planner.errors import RequestError

Schema = Mapping[str, Any]

INDENT = "  "

_TYPES = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "{}",
    "array": "Array<any>",
}
_ENUM_TYPES: dict[Any, Any] = {
    "string": str,
    "number": int | float,
    "integer": int,
    "boolean": bool,
}
_CONSTRAINTS = {
    "string": ("maxLength", "minLength", "pattern"),
    "number": ("maximum", "minimum"),
    "integer": ("maximum", "minimum"),
    "array": ("maxItems", "minItems"),
}


def is_function(tool: Mapping[str, Any]) -> bool:
    """Whether a declared tool is a function."""
    return bool(tool.get("type", "function") == "function")


def declared_json(tools: Sequence[Mapping[str, Any]], *, spaces: bool = False) -> str:
    """Return tools as compact JSON, without ``strict``, which the API does not write for K2."""
    return compact_json([_without_strict(tool) for tool in tools], spaces=spaces)


def compact_json(value: Any, *, spaces: bool = False) -> str:
    """Return a value as JSON, keys sorted at every depth, non-ASCII text kept.

    Raises
    ------
    RequestError
        If it holds what JSON cannot.
    """
    try:
        return json.dumps(
            value,
            separators=(", ", ": ") if spaces else (",", ":"),
            sort_keys=True,
            ensure_ascii=False,
            allow_nan=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"tools cannot be written as JSON ({error}).") from None


def _without_strict(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = tool.get("function")
    if not isinstance(function, Mapping) or "strict" not in function:
        return tool
    return {**tool, "function": {key: one for key, one in function.items() if key != "strict"}}


def declared_typescript(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return functions as K2.5's template writes them, and K2's since April 2026.

    Parameters
    ----------
    tools : sequence of mapping
        Functions among the ``tools`` of a request; keys are sorted first, as the model's own code
        does.

    Returns
    -------
    str
        A ``namespace functions`` block; empty if there is no function, or one has no such form.

    Examples
    --------
    >>> print(declared_typescript([{"type": "function", "function": {"name": "ping"}}]), end="")
    # Tools
    <BLANKLINE>
    ## functions
    namespace functions {
    type ping = (_: {}) => any;
    }
    """
    try:
        written = [_declaration(_sorted(tool["function"])) for tool in tools]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return ""
    if not written:
        return ""
    body = "\n".join(written)
    return f"# Tools\n\n## functions\nnamespace functions {{\n{body}\n}}\n"


def _sorted(value: Any) -> Any:
    """Return the same value with the keys of every mapping in order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@dataclass(slots=True)
class _Scope:
    """What the schema of a function shares: definitions that were met, and whether it names itself."""

    shared: dict[str, Schema] = field(default_factory=dict)
    is_recursive: bool = False


def _declaration(function: Mapping[str, Any]) -> str:
    """Return one function: the interfaces it needs, its description, its type."""
    root = function.get("parameters") or {}
    scope = _Scope()
    parameters = _object(root, "", scope)
    lines = []
    if scope.is_recursive:
        fields = ",\n".join(text for _, text in _fields(root, INDENT, scope))
        lines.append(
            f"interface parameters {{\n{fields}\n}}" if fields else "interface parameters {}"
        )
        parameters = "parameters"
    for name, schema in list(scope.shared.items()):
        lines += _comment_lines(schema.get("description"), "")
        lines.append(f"interface {name} {_type(schema, '', scope)}")
    lines += _comment_lines(function.get("description"), "")
    lines.append(f"type {function['name']} = (_: {parameters}) => any;")
    return "\n".join(lines)


def _type(schema: Any, indent: str, scope: _Scope) -> str:
    if isinstance(schema, bool):
        return "any" if schema else "null"
    if "$ref" in schema:
        return _reference(schema["$ref"], scope)
    if "anyOf" in schema:
        return " | ".join(_type(choice, indent, scope) for choice in schema["anyOf"])
    if "enum" in schema:
        _refuse_misfits(schema)
        return " | ".join(
            f'"{value}"' if isinstance(value, str) else str(value) for value in schema["enum"]
        )
    if schema == {}:
        return "any"
    kind = schema["type"]
    if isinstance(kind, list):
        return " | ".join(_TYPES[each] for each in kind)
    if kind in ("object", "array"):
        return (_object if kind == "object" else _array)(schema, indent, scope)
    return "number" if kind == "integer" else str(kind)


def _refuse_misfits(schema: Schema) -> None:
    """Refuse an enum with a value that is not of its type; nothing is of three types."""
    given = schema.get("type")
    kinds = given if isinstance(given, list) else [given]
    if len(kinds) == 2 and "null" in kinds:
        kinds = [kind for kind in kinds if kind != "null"] or ["null"]
    (kind,) = kinds
    for value in schema["enum"]:
        if value is not None and not isinstance(value, _ENUM_TYPES.get(kind, object)):
            raise ValueError(f"{value!r} is not of type {kind}")


def _reference(target: str, scope: _Scope) -> str:
    if target == "#":
        scope.is_recursive = True
        return "parameters"
    name = target.rpartition("/")[2]
    if not target.startswith("#/$defs/") or not isinstance(scope.shared[name], Mapping):
        raise ValueError(f"the reference {target!r} leads nowhere")
    return name


def _object(schema: Schema, indent: str, scope: _Scope) -> str:
    inner = indent + INDENT
    scope.shared.update(schema.get("$defs") or {})
    others = schema.get("additionalProperties")
    open_end = []
    if others is not None:
        if not isinstance(others, bool | Mapping):
            raise TypeError("additionalProperties is no schema")
        kind = "never" if others is False else _type(others, inner, scope)
        open_end.append(f"{inner}[k: string]: {kind}")
    fields = sorted(_fields(schema, inner, scope), key=itemgetter(0))
    written = [*(text for _, text in fields), *open_end]
    return "{\n" + ",\n".join(written) + f"\n{indent}}}" if written else "{}"


def _fields(schema: Schema, indent: str, scope: _Scope) -> Iterator[tuple[bool, str]]:
    """Yield whether a property is optional, and its lines, by name."""
    if "properties" not in schema:
        return
    required = set(schema.get("required", ()))
    for name, part in schema["properties"].items():
        lines = _comments(part, indent)
        if isinstance(part, Mapping) and part.get("default") is not None:
            given = part["default"]
            plain = isinstance(given, int | float)  # which Python's own form stands for
            default = repr(given) if plain else json.dumps(given, ensure_ascii=False)
            lines.append(f"{indent}// Default: {default}")
        mark = "" if name in required else "?"
        lines.append(f"{indent}{name}{mark}: {_type(part, indent, scope)}")
        yield bool(mark), "\n".join(lines)


def _array(schema: Schema, indent: str, scope: _Scope) -> str:
    item = schema.get("items") or {}
    inner = indent + INDENT
    lines = _comments(item, inner)
    if not lines:
        return f"Array<{_type(item, indent, scope)}>"
    return "\n".join(["Array<", *lines, f"{inner}{_type(item, inner, scope)}", f"{indent}>"])


def _comments(schema: Any, indent: str) -> list[str]:
    """Return the description and the constraints of a schema as comment lines."""
    if not isinstance(schema, Mapping):
        return []
    lines = _comment_lines(schema.get("description"), indent)
    kind = schema.get("type")
    if isinstance(kind, str) and not {"$ref", "anyOf", "enum"} & set(schema):
        known = [key for key in _CONSTRAINTS.get(kind, ()) if key in schema]
        if known:
            lines.append(f"{indent}// " + ", ".join(f"{key}: {schema[key]}" for key in known))
    return lines


def _comment_lines(text: str | None, indent: str) -> list[str]:
    return [f"{indent}// {line}" if line else "" for line in text.split("\n")] if text else []
