"""Tool declarations are written as the published templates write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kimi_planner import count_messages, count_tokens, load_catalog
from kimi_planner.errors import RequestError
from kimi_planner.tokens.chat import count_prompt
from kimi_planner.tokens.templates.tools import declared_json, declared_typescript

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather for a city.\nUse the local name.",
        "parameters": {
            "type": "object",
            "properties": {
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "city": {"type": "string", "description": "City name, e.g. 北京"},
            },
            "required": ["city"],
        },
    },
}
ORDERS = {
    "type": "function",
    "function": {
        "name": "search_orders",
        "description": "Find orders",
        "parameters": {
            "type": "object",
            "properties": {
                "filter": {
                    "type": "object",
                    "properties": {
                        "min_total": {"type": "integer", "minimum": 0},
                        "status": {"type": ["string", "null"]},
                    },
                    "required": ["status"],
                },
                "ids": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["ids"],
            "additionalProperties": False,
        },
    },
}
ASK = [{"role": "user", "content": "x"}]
WRITTEN = """# Tools

## functions
namespace functions {
// Current weather for a city.
// Use the local name.
type get_weather = (_: {
  // City name, e.g. 北京
  city: string,
  // Default: "celsius"
  unit?: "celsius" | "fahrenheit"
}) => any;
// Find orders
type search_orders = (_: {
  ids: Array<number>,
  filter?: {
    status: string | null,
    // minimum: 0
    min_total?: number
  },
  [k: string]: never
}) => any;
}
"""


def function(parameters: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "f", "parameters": parameters}}]


def test_typescript_of_the_documented_example() -> None:
    """Two tools come out as the documentation of the form shows them, letter by letter."""
    assert declared_typescript([WEATHER, ORDERS]) == WRITTEN


def test_json_is_compact_sorted_and_keeps_its_script() -> None:
    """K2's form is JSON without spaces, keys sorted at every depth, non-ASCII text kept."""
    written = declared_json([WEATHER])
    assert json.loads(written) == [WEATHER]
    assert "北京" in written
    assert ": " not in written.replace("City name, e.g. ", "")
    assert written.index('"description"') < written.index('"name"') < written.index('"parameters"')
    assert written.index('"city"') < written.index('"unit"')


@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-5"])
def test_tools_that_are_no_functions_are_left_out_of_typescript(model: str) -> None:
    """The template declares functions only; without any there is no block."""
    assert declared_typescript([]) == ""
    builtin = {"type": "builtin_function", "function": {"name": "$web_search"}}
    count = count_messages(ASK, model, [builtin, WEATHER])
    assert count == count_messages(ASK, model, [WEATHER])


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("ping", "must be a list"),
        ({"name": "ping"}, "must be a list"),
        (["ping"], "Tool 0 must be a mapping, not 'ping'"),
        ([WEATHER, {"type": "function"}], "Tool 1: function is None"),
        ([{"type": "function", "function": {"description": "x"}}], "with a name"),
    ],
)
def test_malformed_tools_are_named(tools: Any, words: str) -> None:
    """One error names the tool and what is wrong with it."""
    with pytest.raises(RequestError) as caught:
        count_messages(ASK, "kimi-k2-5", tools)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        [1],
        {"properties": [1]},
        {"properties": {"a": 3}},
        {"properties": {"a": {"format": "date"}}},
        {"properties": {"a": {"type": ["str"]}}},
        {"properties": {"a": {"$ref": "#/$defs/No"}}},
        {"properties": {"a": {"$ref": "other.json"}}},
        {"properties": {"a": {"type": "string", "description": 3}}},
        {"properties": {"a": {"type": "string", "enum": ["a", 1]}}},
        {"properties": {"a": {"type": ["string", "null", "integer"], "enum": ["a"]}}},
    ],
)
def test_a_schema_without_a_typescript_form_writes_none_of_the_tools(parameters: Any) -> None:
    """One such schema is enough: its tools are all declared in JSON."""
    assert declared_typescript([WEATHER, *function(parameters)]) == ""


def test_definitions_are_known_from_where_they_are_met() -> None:
    """A reference leads to definitions of a schema that is written before it, by their last name."""
    inner = {"type": "object", "$defs": {"Node": {"type": "string"}}}
    after = {"properties": {"a": inner, "b": {"$ref": "#/$defs/x/Node"}}}
    assert "interface Node string" in declared_typescript(function(after))
    before = {"properties": {"b": inner, "a": {"$ref": "#/$defs/Node"}}}
    assert declared_typescript(function(before)) == ""


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """A declaration that no request could carry is an error, not a guess."""
    with pytest.raises(RequestError, match="cannot be written as JSON"):
        declared_json(function({"default": value}))


def test_endless_nesting_is_refused() -> None:
    """A schema nested thousands deep is refused in one line."""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(5_000):
        deep = {"type": "array", "items": deep}
    tools = function({"properties": {"a": deep}})
    assert declared_typescript(tools) == ""
    with pytest.raises(RequestError, match="cannot be written as JSON"):
        count_messages(ASK, "kimi-k2-5", tools)


@pytest.mark.parametrize(
    "part",
    [
        {"description": "anything"},
        {"oneOf": [{"type": "string"}, {"type": "null"}]},
        {"const": "x"},
        {"$ref": "#/definitions/x"},
        {"type": "string", "enum": 5},
        {"anyOf": None},
        {"type": ["string", {}]},
    ],
)
def test_what_has_no_typescript_form_is_declared_in_json(part: Any) -> None:
    """The template falls back to JSON, and the count says that it is an estimate, with its range."""
    tools = function({"type": "object", "properties": {"a": part}})
    assert declared_typescript(tools) == ""
    body = {"messages": ASK, "tools": tools}
    found = count_prompt(body, load_catalog().model("kimi-k2-5-thinking"))
    assert found.exactness == "estimate"
    assert found.tokens == count_messages(ASK, "kimi-k2", tools)
    spaced = count_tokens(json.dumps(tools, sort_keys=True, ensure_ascii=False))
    assert found.high == found.tokens + spaced - count_tokens(declared_json(tools)) > found.low
    assert any("no TypeScript form" in reason for reason in found.why)


def test_builtin_tools_alone_are_declared_in_json() -> None:
    """Without any function there is no TypeScript block, and the template writes JSON."""
    tools = [{"type": "builtin_function", "function": {"name": "$web_search"}}]
    json_tokens = 3 + count_tokens("tool_declare") + count_tokens(declared_json(tools))
    for model in ("kimi-k2", "kimi-k2-5"):
        assert count_messages(ASK, model, tools) - count_messages(ASK, model) == json_tokens


def test_defaults_are_written_with_their_keys_in_order() -> None:
    """Keys of a default are sorted, as the model's own code sorts them before it writes."""
    default = {"zeta": "a", "_id": 1.5, "alpha": {"b": 1, "a": 2}}
    text = declared_typescript(
        function({"properties": {"a": {"type": "object", "default": default}}})
    )
    assert '// Default: {"_id": 1.5, "alpha": {"a": 2, "b": 1}, "zeta": "a"}' in text
