"""Tool declarations as the chat templates write them: compact JSON for K2, TypeScript for K2.5."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kimi_planner.errors import RequestError, shown

__all__ = ["compact_json", "declared_json", "declared_typescript", "is_function"]

Schema = Mapping[str, Any]

INDENT = "  "
MAX_DEPTH = 100

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
    except (RequestError, TypeError, ValueError, AttributeError, RecursionError):
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


def _declaration(function: Mapping[str, Any]) -> str:
    """Return one function: the interfaces it needs, its description, its type."""
    root = function.get("parameters") or {}
    if not isinstance(root, Mapping):
        raise RequestError(f"parameters is {shown(root)}. It must be a JSON schema of an object.")
    nodes = list(_walk({**root, "type": "object"}))
    shared = {name: schema for node in nodes for name, schema in _object_of(node, "$defs").items()}
    lines = []
    parameters = _object(root, "", shared)
    if any(node.get("$ref") == "#" for node in nodes):
        fields = ",\n".join(_fields(root, INDENT, shared, ordered=False))
        lines.append(
            f"interface parameters {{\n{fields}\n}}" if fields else "interface parameters {}"
        )
        parameters = "parameters"
    for name, schema in shared.items():
        lines += _comment_lines(_described(schema), "")
        lines.append(f"interface {name} {_type(schema, '', shared)}")
    lines += _comment_lines(_described(function), "")
    lines.append(f"type {function['name']} = (_: {parameters}) => any;")
    return "\n".join(lines)


def _walk(schema: Any, depth: int = 0) -> Iterator[Schema]:
    """Yield a schema and every one inside it, as they are written, without its shared definitions."""
    if depth > MAX_DEPTH:
        raise RequestError(f"the schema is nested more than {MAX_DEPTH} deep.")
    if not isinstance(schema, Mapping):
        return
    yield schema
    inner: list[Any] = [] if "$ref" in schema else list(schema.get("anyOf", ()))
    if not inner and "$ref" not in schema and "enum" not in schema:
        if schema.get("type") == "object":
            inner = [schema.get("additionalProperties"), *_object_of(schema, "properties").values()]
        elif schema.get("type") == "array":
            inner = [schema.get("items")]
    for part in inner:
        yield from _walk(part, depth + 1)


def _type(schema: Any, indent: str, shared: Mapping[str, Any]) -> str:
    if isinstance(schema, bool):
        return "any" if schema else "null"
    if not isinstance(schema, Mapping):
        raise RequestError(f"{shown(schema)} is not a JSON schema.")
    if "$ref" in schema:
        return _reference(schema["$ref"], shared)
    if "anyOf" in schema:
        return " | ".join(_type(choice, indent, shared) for choice in schema["anyOf"])
    if "enum" in schema:
        _refuse_misfits(schema)
        return " | ".join(
            f'"{value}"' if isinstance(value, str) else str(value) for value in schema["enum"]
        )
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_named(each) for each in kind)
    if kind in ("object", "array"):
        return (_object if kind == "object" else _array)(schema, indent, shared)
    if isinstance(kind, str):
        return "number" if kind == "integer" else kind
    if not schema:
        return "any"
    raise RequestError(f"the schema {shown(dict(schema))} names no type.")


def _refuse_misfits(schema: Schema) -> None:
    """Refuse an enum with a value that is not of its type; nothing is of three types."""
    if "type" not in schema:
        return
    given = schema["type"]
    kinds = given if isinstance(given, list) else [given]
    if len(kinds) == 2 and "null" in kinds:
        kinds = [kind for kind in kinds if kind != "null"] or ["null"]
    if len(kinds) != 1:
        raise RequestError(f"an enum has the types {shown(given)}.")
    fitting = _ENUM_TYPES.get(kinds[0], object)
    for value in schema["enum"]:
        if value is not None and not isinstance(value, fitting):
            raise RequestError(f"the enum's value {shown(value)} is not of type {kinds[0]}.")


def _named(kind: Any) -> str:
    if kind not in _TYPES:
        raise RequestError(f"unknown type {shown(kind)}. Types: {', '.join(_TYPES)}.")
    return _TYPES[kind]


def _reference(target: Any, shared: Mapping[str, Any]) -> str:
    if target == "#":
        return "parameters"
    name = str(target).removeprefix("#/$defs/")
    if name not in shared or name == target:
        raise RequestError(f"the reference {shown(target)} leads nowhere. Use '#/$defs/…' or '#'.")
    return name


def _object(schema: Schema, indent: str, shared: Mapping[str, Any]) -> str:
    inner = indent + INDENT
    fields = _fields(schema, inner, shared, ordered=True)
    others = schema.get("additionalProperties")
    if others is not None:
        kind = "never" if others is False else _type(others, inner, shared)
        fields.append(f"{inner}[k: string]: {kind}")
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}" if fields else "{}"


def _fields(schema: Schema, indent: str, shared: Mapping[str, Any], *, ordered: bool) -> list[str]:
    """Return the properties, if ``ordered`` the required ones first and each group by name."""
    properties = _object_of(schema, "properties")
    required = set(schema.get("required", ()))
    names = list(properties)
    if ordered:
        names.sort(key=lambda name: (name not in required, name))
    fields = []
    for name in names:
        part = properties[name]
        lines = _comments(part, indent)
        if isinstance(part, Mapping) and part.get("default") is not None:
            given = part["default"]
            plain = isinstance(given, int | float)  # which Python's own form stands for
            default = repr(given) if plain else json.dumps(given, ensure_ascii=False)
            lines.append(f"{indent}// Default: {default}")
        mark = "" if name in required else "?"
        lines.append(f"{indent}{name}{mark}: {_type(part, indent, shared)}")
        fields.append("\n".join(lines))
    return fields


def _array(schema: Schema, indent: str, shared: Mapping[str, Any]) -> str:
    item = schema.get("items") or {}
    inner = indent + INDENT
    lines = _comments(item, inner)
    if not lines:
        return f"Array<{_type(item, indent, shared)}>"
    return "\n".join(["Array<", *lines, f"{inner}{_type(item, inner, shared)}", f"{indent}>"])


def _comments(schema: Any, indent: str) -> list[str]:
    """Return the description and the constraints of a schema as comment lines."""
    if not isinstance(schema, Mapping):
        return []
    lines = _comment_lines(_described(schema), indent)
    kind = schema.get("type")
    if isinstance(kind, str) and not {"$ref", "anyOf", "enum"} & set(schema):
        known = [key for key in _CONSTRAINTS.get(kind, ()) if key in schema]
        if known:
            lines.append(f"{indent}// " + ", ".join(f"{key}: {schema[key]}" for key in known))
    return lines


def _comment_lines(text: str, indent: str) -> list[str]:
    return [f"{indent}// {line}" if line else "" for line in text.split("\n")] if text else []


def _described(schema: Any) -> str:
    text = schema.get("description") if isinstance(schema, Mapping) else None
    if text is not None and not isinstance(text, str):
        raise RequestError(f"description is {shown(text)}. It must be text.")
    return text or ""


def _object_of(schema: Schema, key: str) -> Mapping[str, Any]:
    value = schema.get(key) or {}
    if not isinstance(value, Mapping):
        raise RequestError(f"{key} is {shown(value)}. It must be an object.")
    return value
