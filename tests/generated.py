"""Requests drawn at random from a seed: conversations and tools in all their forms."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from kimi_planner.tokens.vocabulary import SPECIAL_TOKENS

WORDS = [
    "hello ", "  two", "你好，", "世界", "привет ", "مرحبا ", "नमस्ते ", "สวัสดี", "こんにちは", "안녕 ",
    "x = 1\n", "\n\n", "\t", "👩‍👧", "1234567", "don't ", "ﬁ", "e\u0301", *SPECIAL_TOKENS, "<think",
]  # fmt: skip
NAMES = ["city", "单位", "min_total", "x", "ids", "q", "späß", "z9"]
DESCRIPTIONS = ["Short.", "Two\nlines", "A blank\n\nline", "查询天气", "", "ends\n"]
SHARED = ["Node", "项", "Leaf"]


def text(rng: Random, longest: int = 9) -> str:
    """Draw a text of words, scripts, white space and special spellings.

    It does not start with a think mark: renderers take that for one of the template's own.
    """
    drawn = "".join(rng.choices(WORDS, k=rng.randint(0, longest)))
    return f"a{drawn}" if drawn.startswith("<think>") else drawn


def schema(rng: Random, shared: list[str], depth: int = 0) -> Any:
    """Draw a JSON schema with enums, unions, references, arrays and nested objects."""
    deep = ["enum", "union", "anyOf", "object", "array", "ref", "self", "bool", "any"]
    kind = rng.choice(
        ["string", "number", "integer", "boolean", "null", *(deep if depth < 4 else [])]
    )
    about: dict[str, Any] = {}
    if rng.random() < 0.4:
        about["description"] = rng.choice(DESCRIPTIONS)
    if rng.random() < 0.3:
        about["default"] = rng.choice([1, None, "c", [1, "ü"], {"a": False}, 0, ""])
    within = {
        "bool": lambda: rng.choice([True, False]),
        "any": dict,
        "ref": lambda: {**about, "$ref": f"#/$defs/{rng.choice(shared)}"} if shared else {},
        "self": lambda: {**about, "$ref": "#"} if rng.random() < 0.3 else {"type": "integer"},
        "enum": lambda: {
            **about,
            "type": "string",
            "enum": rng.sample(["a", "b", 1, None, True, 2.5, "ü"], rng.randint(1, 4)),
        },
        "union": lambda: {
            **about,
            "type": rng.sample(
                ["string", "number", "integer", "boolean", "null", "object", "array"],
                rng.randint(1, 3),
            ),
        },
        "anyOf": lambda: {
            **about,
            "anyOf": [schema(rng, shared, depth + 1) for _ in range(rng.randint(1, 3))],
        },
        "object": lambda: {**about, **an_object(rng, shared, depth + 1)},
    }
    if kind in within:
        return within[kind]()
    about["type"] = kind
    if kind == "array":
        if rng.random() < 0.8:
            about["items"] = schema(rng, shared, depth + 1)
        about |= rng.choice([{}, {"minItems": 1}, {"maxItems": 9, "minItems": 0}])
    elif kind == "string":
        about |= rng.choice([{}, {"maxLength": 3}, {"pattern": "^a|b$", "minLength": 1}])
    elif kind in ("number", "integer"):
        about |= rng.choice([{}, {"minimum": 0}, {"minimum": -2, "maximum": 1.5}])
    return about


def an_object(rng: Random, shared: list[str], depth: int = 0) -> dict[str, Any]:
    """Draw the schema of an object."""
    names = rng.sample(NAMES, rng.randint(0, 4))
    drawn: dict[str, Any] = {
        "type": "object",
        "properties": {name: schema(rng, shared, depth) for name in names},
    }
    if rng.random() < 0.6:
        drawn["required"] = rng.sample(names, rng.randint(0, len(names)))
    if rng.random() < 0.3:
        drawn["additionalProperties"] = rng.choice([True, False, schema(rng, shared, depth + 1)])
    return drawn


def tools(rng: Random) -> list[dict[str, Any]]:
    """Draw up to three tool declarations."""
    drawn = []
    for number in range(rng.randint(0, 3)):
        function: dict[str, Any] = {"name": f"find_{number}"}
        if rng.random() < 0.9:
            shared = rng.sample(SHARED, rng.randint(0, 3)) if rng.random() < 0.5 else []
            function["parameters"] = an_object(rng, shared)
            if shared:
                function["parameters"]["$defs"] = {name: an_object(rng, shared) for name in shared}
        if rng.random() < 0.7:
            function["description"] = rng.choice(DESCRIPTIONS)
        drawn.append({"type": "function", "function": function})
    return drawn


def content(rng: Random) -> str | list[dict[str, str]]:
    """Draw a content: text, or text parts."""
    if rng.random() < 0.7:
        return text(rng)
    return [{"type": "text", "text": text(rng, 4)} for _ in range(rng.randint(0, 3))]


def conversation(rng: Random, *, named: bool) -> list[dict[str, Any]]:
    """Draw a conversation that starts with a system message of its own."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": text(rng)}]
    for _ in range(rng.randint(0, 6)):
        role = rng.choice(["user", "assistant", "assistant", "tool", "system"])
        message: dict[str, Any] = {"role": role, "content": content(rng)}
        if named and rng.random() < 0.3:
            message["name"] = rng.choice(["Alice", "李雷", "a b"])
        if role == "assistant":
            message["reasoning_content"] = text(rng) if rng.random() < 0.6 else ""
            if rng.random() < 0.5:
                message["content"] = rng.choice([None, message["content"]])
                message["tool_calls"] = [
                    {
                        "id": f"functions.find_{number}:{number}",
                        "type": "function",
                        "function": {
                            "name": f"find_{number}",
                            "arguments": json.dumps({"q": text(rng, 4)}, ensure_ascii=False),
                        },
                    }
                    for number in range(rng.randint(1, 3))
                ]
        elif role == "tool":
            # Not white space first: the independent renderer cuts the head from what follows.
            message["content"] = "ok" + text(rng)
            message["tool_call_id"] = f"functions.find_0:{rng.randint(0, 99)}"
        messages.append(message)
    return messages


def in_order(value: Any) -> Any:
    """Sort the keys of every mapping, which the model's own code does before it writes tools."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value
