"""Requests drawn at random from a seed: conversations and tools in all their forms."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from kimi_planner.tokens.vocabulary import SPECIAL_TOKENS

Body = dict[str, Any]

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


XTML = ["<|open|>", "<|close|>message<|sep|>", "<|end_of_msg|>", 'a="b" & c', "&amp;", '"']
CALLERS = ["Alice", "李雷", "a b", 'Li "Lei" & <|sep|>', "R&amp;D"]
TOOL = {"type": "function", "function": {"name": "ping"}}
FUNCTIONS = ["get_weather", "find", 'say "hi" & go', "搜索", "a.b-c"]
IMAGES = {
    f"https://example.org/{width}x{height}.png": (width, height)
    for width, height in [(1, 1), (27, 29), (640, 480), (1920, 1080), (3000, 40), (8000, 9000)]
}


def rich_content(rng: Random, *, images: bool = True) -> Any:
    """Draw a content: nothing, text, or parts of text and images."""
    if rng.random() < 0.15:
        return rng.choice([None, "", [], [{"type": "text", "text": ""}]])
    if rng.random() < 0.5:
        return text(rng) + rng.choice(XTML)
    parts: list[Body] = []
    for _ in range(rng.randint(1, 4)):
        if images and rng.random() < 0.4:
            url: Any = rng.choice([*IMAGES])
            parts.append({"type": "image_url", "image_url": rng.choice([url, {"url": url}])})
        else:
            kind = "text" if rng.random() < 0.9 else "input_text"
            parts.append({"type": kind, "text": text(rng, 4) + rng.choice(["", *XTML])})
    return parts


def value(rng: Random, depth: int = 0) -> Any:
    """Draw a value of JSON."""
    if depth < 2 and rng.random() < 0.3:
        if rng.random() < 0.5:
            return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
        return {rng.choice(NAMES): value(rng, depth + 1) for _ in range(rng.randint(0, 3))}
    plain = [0, -7, 12345678, 1.5, 2.0, 1e30, True, False, None, "", "b", 'q"&', "<think>"]
    return rng.choice([*plain, text(rng, 4)])


def arguments(rng: Random) -> Any:
    """Draw arguments of a call: an object, its JSON, JSON that is broken, or none."""
    keys = [*NAMES, 'k"&', "a b", ""]
    given = {rng.choice(keys): value(rng) for _ in range(rng.randint(0, 3))}
    written = json.dumps(given, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
    broken = written[: rng.randrange(1, len(written))]
    return rng.choice([given, written, written, broken, "", "  ", None, "{,}", "not json"])


def calls(rng: Random, form: str) -> list[Body]:
    """Draw the calls of a message, with ids of a form."""
    drawn = []
    for number in range(rng.choice([1, 1, 2, 3, 11])):
        name = rng.choice(FUNCTIONS)
        function = {"name": name, "arguments": arguments(rng)}
        identity = form.format(name=name, number=number)
        drawn.append({"id": identity, "type": "function", "function": function})
    return drawn


def k3_conversation(rng: Random) -> list[Body]:
    """Draw messages of K3: calls with results in any order, or of none, and tools that come later."""
    messages: list[Body] = []
    for _ in range(rng.randint(1, 6)):
        role = rng.choice(["user", "user", "assistant", "assistant", "system", "more tools"])
        if role == "more tools":
            unread = rng.choice([None, None, text(rng)])  # beside tools no content is written
            messages.append({"role": "system", "content": unread, "tools": tools(rng) or [TOOL]})
            continue
        message: Body = {"role": role, "content": rich_content(rng)}
        messages.append(message)
        if rng.random() < 0.3:
            message["name"] = rng.choice(CALLERS)
        if role != "assistant":
            continue
        if rng.random() < 0.6:
            thought = rng.choice(["", " \n", text(rng), text(rng)])
            message[rng.choice(["reasoning_content", "reasoning"])] = thought
        if rng.random() < 0.6:
            form = rng.choice(["{name}:{number}", "call_{number}", "functions.{name}:0", "alike"])
            message["tool_calls"] = calls(rng, form)
            messages += k3_results(rng, message["tool_calls"])
    return messages


def k3_results(rng: Random, called: list[Body]) -> list[Body]:
    """Draw results of calls: all or some, in any order, some of no call, some after a question."""
    ids = [call["id"] for call in called]
    answered = rng.sample(ids, len(ids) if rng.random() < 0.7 else rng.randint(0, len(ids)))
    if rng.random() < 0.1:
        answered.append("call_of_none")
    results: list[Body] = []
    for identity in answered:
        result = {"role": "tool", "tool_call_id": identity, "content": rich_content(rng)}
        if rng.random() < 0.2:
            result["name"] = rng.choice(FUNCTIONS)
        results.append(result)
        if rng.random() < 0.1:
            results.append({"role": rng.choice(["user", "system"]), "content": text(rng)})
    return results


def k3_body(rng: Random) -> Body:
    """Draw a request to K3."""
    body: Body = {"messages": k3_conversation(rng)}
    if rng.random() < 0.5:
        body["tools"] = rng.choice([tools, hostile_tools])(rng)
    effort = rng.choice([None, None, "low", "high", "max", "none"])
    if effort:
        body["reasoning_effort"] = effort
    choice = rng.choice([None, "auto", "required", "none"])
    if choice:
        body["tool_choice"] = choice
    schema_of = {"name": "answer", "strict": True, "schema": an_object(rng, [])}
    form = rng.choice(
        [
            None,
            {"type": "text"},
            {"type": "json_object"},
            {"type": "json_schema", "json_schema": schema_of},
        ]
    )
    if form:
        body["response_format"] = form
    return body


def k25_conversation(rng: Random) -> list[Body]:
    """Draw messages of K2.5 that start with a system message, in any order of roles."""
    messages: list[Body] = [{"role": "system", "content": f"{text(rng)}."}]
    ids = ["find:0"]
    for _ in range(rng.randint(0, 7)):
        role = rng.choice(["user", "assistant", "assistant", "tool", "system"])
        message: Body = {
            "role": role,
            "content": rich_content(rng, images=role in ("user", "tool")),
        }
        messages.append(message)
        if rng.random() < 0.2:
            message["name"] = rng.choice([None, "", *CALLERS])
        if role == "tool":
            message["tool_call_id"] = rng.choice(ids)
        if role != "assistant":
            continue
        if rng.random() < 0.7:
            message["reasoning_content"] = rng.choice([None, "", text(rng), text(rng)])
        if rng.random() < 0.6:
            form = rng.choice(
                ["{name}:{number}", "call_{number}", "functions.{name}:{number}", "a:b:{number}"]
            )
            message["tool_calls"] = calls(rng, form)
            for call in message["tool_calls"]:
                call["function"]["arguments"] = call["function"]["arguments"] or ""
            ids += [call["id"] for call in message["tool_calls"]]
    return messages


_KEYWORDS = {
    "type": [
        *["string", "number", "integer", "boolean", "null", "object", "array", "any", ""],
        *[["string"], ["null"], ["string", "null"], ["null", "integer"], ["boolean", "number"]],
        *[["string", "null", "integer"], [], ["object", "array"], ["date"]],
    ],
    "enum": [
        ["a"],
        [1, 2],
        [1, "1"],
        [2.5],
        [True, None],
        [None],
        [],
        ['q"', "b\nc"],
        "ab",
        3,
        None,
    ],
    "description": ["", "Short.", "Two\nlines", "A blank\n\nline\n", "查询 <|sep|>", None, 3],
    "default": [None, 0, -1, 1.0, 1e30, True, False, "", 'ü"', [], [1, {"b": 1, "a": "é"}], {}],
    "additionalProperties": [True, False, None, {}, {"type": "string"}, {"enum": [1]}, 0, "x", []],
    "required": [[], ["q"], ["q", "x", "no such"], None, "q", [1]],
    "maxLength": [3, "3"],
    "minLength": [0],
    "pattern": ["^a|b$", ""],
    "minimum": [0, -1.5, 1e30],
    "maximum": [7],
    "minItems": [1],
    "maxItems": [2.0],
    "format": ["date"],
    "$ref": ["#", "#/$defs/Node", "#/$defs/项", "#/$defs/No", "#/$defs/a/Node", "other.json", None],
}


def hostile(rng: Random, depth: int = 0) -> Any:
    """Draw what may stand for a schema: keywords that contradict each other, or nothing of use."""
    if rng.random() < 0.08:
        return rng.choice([True, False, {}, None, [], "string", 1])
    drawn: Body = {}
    if rng.random() < 0.85:
        plain = ["string", "number", "integer", "boolean", "null"]
        drawn["type"] = rng.choice([*plain, *(["object", "array"] if depth < 3 else [])])
    for key, values in _KEYWORDS.items():
        if rng.random() < 0.12:
            drawn[key] = rng.choice(values)
    if depth < 3:
        if drawn.get("type") == "object" or rng.random() < 0.05:
            names = rng.sample(NAMES, rng.randint(0, 3))
            drawn["properties"] = {name: hostile(rng, depth + 1) for name in names}
        if drawn.get("type") == "array" or rng.random() < 0.05:
            drawn["items"] = hostile(rng, depth + 1)
        if rng.random() < 0.1:
            drawn["anyOf"] = [hostile(rng, depth + 1) for _ in range(rng.randint(0, 3))]
        if rng.random() < (0.3 if depth == 0 else 0.06):
            names = rng.sample(SHARED, rng.randint(0, 3))
            drawn["$defs"] = {name: hostile(rng, depth + 1) for name in names}
    if not depth and not isinstance(drawn.get("additionalProperties"), bool | dict | None):
        del drawn["additionalProperties"]
    items = list(drawn.items())
    rng.shuffle(items)
    return dict(items)


def hostile_tools(rng: Random) -> list[Body]:
    """Draw tools with schemas that keep to no rule."""
    drawn = []
    for number in range(rng.randint(1, 2)):
        function: Body = {"name": f"find_{number}"}
        if rng.random() < 0.9:
            given = hostile(rng)
            function["parameters"] = {"type": "object", **given} if type(given) is dict else given
        if rng.random() < 0.5:
            function["description"] = rng.choice(_KEYWORDS["description"])
        if rng.random() < 0.2:
            function["strict"] = rng.choice([True, False])
        kind = {"type": "function"} if rng.random() < 0.95 else {"type": "builtin_function"}
        drawn.append({**kind, "function": function})
    return drawn
