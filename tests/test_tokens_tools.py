"""Tool declarations are written as the published templates write them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import generated
import pytest
from kimi_planner.tokens.tools import declared, declared_json, declared_typescript
from renderers.kimi_k25 import _encode_tools_typescript

from kimi_planner import count_messages, count_tokens, load_catalog
from kimi_planner.errors import RequestError
from kimi_planner.tokens.chat import count_prompt

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


def test_typescript_agrees_with_an_independent_writer() -> None:
    """5,000 sets of tools have the text that another implementation of the template gives."""
    for seed in range(5_000):
        tools = generated.tools(Random(seed))
        assert declared_typescript(tools) == _encode_tools_typescript(generated.in_order(tools)), (
            tools
        )


def test_json_is_compact_sorted_and_keeps_its_script() -> None:
    """K2's form is JSON without spaces, keys sorted at every depth, non-ASCII text kept."""
    written = declared_json([WEATHER])
    assert json.loads(written) == [WEATHER]
    assert "北京" in written
    assert ": " not in written.replace("City name, e.g. ", "")
    assert written.index('"description"') < written.index('"name"') < written.index('"parameters"')
    assert written.index('"city"') < written.index('"unit"')


def test_tools_that_are_no_functions_are_left_out_of_typescript() -> None:
    """The template declares functions only; without any there is no block."""
    builtin = {"type": "builtin_function", "function": {"name": "$web_search"}}
    assert declared_typescript([builtin]) == declared_typescript([]) == ""
    assert declared_typescript([builtin, WEATHER]) == declared_typescript([WEATHER])


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("ping", "must be a list"),
        ({"name": "ping"}, "must be a list"),
        (["ping"], "Tool 0 must be a mapping, not 'ping'"),
        ([WEATHER, {"type": "function"}], "Tool 1: function is None"),
        ([{"type": "function", "function": {"description": "x"}}], "with a name"),
        (function([1]), "Tool 'f': parameters is [1]"),
        (function({"properties": [1]}), "properties is [1]"),
        (function({"properties": {"a": 3}}), "3 is not a JSON schema"),
        (function({"properties": {"a": {"format": "date"}}}), "names no type"),
        (function({"properties": {"a": {"type": ["str"]}}}), "unknown type 'str'"),
        (function({"properties": {"a": {"$ref": "#/$defs/No"}}}), "leads nowhere"),
        (function({"properties": {"a": {"$ref": "other.json"}}}), "leads nowhere"),
        (function({"properties": {"a": {"type": "string", "description": 3}}}), "description is 3"),
    ],
)
def test_malformed_tools_are_named(tools: Any, words: str) -> None:
    """One error names the tool and what is wrong with it."""
    with pytest.raises(RequestError) as caught:
        declared_typescript(tools)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """A declaration that no request could carry is an error, not a guess."""
    with pytest.raises(RequestError, match="cannot be written as JSON"):
        declared_json(function({"default": value}))


def test_endless_nesting_is_refused() -> None:
    """A schema nested hundreds deep is refused in one line."""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(500):
        deep = {"type": "array", "items": deep}
    with pytest.raises(RequestError, match="nested"):
        declared_typescript(function({"properties": {"a": deep}}))


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
    assert declared(tools) == (declared_json(tools), False)
    messages = [{"role": "user", "content": "x"}]
    found = count_prompt(messages, load_catalog().model("kimi-k2-5-thinking"), tools)
    assert found.exactness == "estimate"
    assert found.tokens == count_messages(messages, "kimi-k2", tools)
    spaced = count_tokens(json.dumps(tools, ensure_ascii=False))
    assert found.high == found.tokens + spaced - count_tokens(declared_json(tools)) > found.low
    assert any("no TypeScript form" in reason for reason in found.why)


def test_builtin_tools_alone_are_declared_in_json() -> None:
    """Without any function there is no TypeScript block, and the template writes JSON."""
    tools = [{"type": "builtin_function", "function": {"name": "$web_search"}}]
    messages = [{"role": "user", "content": "x"}]
    assert declared(tools) == (declared_json(tools), False)
    assert count_messages(messages, "kimi-k2-5", tools) == count_messages(
        messages, "kimi-k2", tools
    )


def test_defaults_are_written_with_their_keys_in_order() -> None:
    """Keys of a default are sorted, as the model's own code sorts them before it writes."""
    default = {"zeta": "a", "_id": 1.5, "alpha": {"b": 1, "a": 2}}
    text = declared_typescript(
        function({"properties": {"a": {"type": "object", "default": default}}})
    )
    assert '// Default: {"_id": 1.5, "alpha": {"a": 2, "b": 1}, "zeta": "a"}' in text
