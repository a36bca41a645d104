"""Bodies as the API documents them and clients send them: each is counted, or named in one line."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from PIL import Image

from kimi_planner import estimate, load_catalog
from kimi_planner.billing.estimate import Estimate
from kimi_planner.errors import RequestError

Body = dict[str, Any]

CATALOG = load_catalog("2026-11-public-2")
#: A model of every family, and what switches its thinking.
FAMILIES: dict[str, Body] = {
    "K2": {"model": "kimi-k2-0905-preview"},
    "K2.5": {"model": "kimi-k2.5"},
    "K2.5 off": {"model": "kimi-k2.5", "thinking": {"type": "disabled"}},
    "K2.6": {"model": "kimi-k2.6"},
    "K2.7": {"model": "kimi-k2.7-code"},
    "K3": {"model": "kimi-k3"},
}


def png(width: int, height: int) -> str:
    data = io.BytesIO()
    Image.new("L", (width, height)).save(data, "png")
    return base64.b64encode(data.getvalue()).decode()


def user(content: Any, **more: Any) -> Body:
    return {"messages": [{"role": "user", "content": content, **more}]}


def answer(content: Any = "Hello.", **more: Any) -> Body:
    said = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": content, **more}]
    return {"messages": [*said, {"role": "user", "content": "Go on."}]}


def asked(**more: Any) -> Body:
    return {**user("Hi."), **more}


PIXEL = png(56, 56)
DATA_URL = f"data:image/png;base64,{PIXEL}"
IMAGE = [{"type": "image_url", "image_url": {"url": DATA_URL}}, {"type": "text", "text": "What?"}]
REMOTE = "https://example.org/cat.png?signature=" + "a" * 5000
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "look", "description": "d", "parameters": SCHEMA}}
CALL = {"id": "look:0", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}


def work(call: Body = CALL, result: Body | None = None, content: Any = None, **more: Any) -> Body:
    """Return a conversation at work with a tool."""
    given = {"role": "tool", "tool_call_id": "look:0", "content": "sunny"}
    turn = {"role": "assistant", "content": content, "tool_calls": [call]} | more
    turn.setdefault("reasoning_content", "I look.")
    messages = [{"role": "user", "content": "Hi."}, turn, given if result is None else result]
    return {"messages": messages, "tools": [TOOL]}


@dataclass
class Shape:
    """A body and what is to be said of it on every family.

    Attributes
    ----------
    same
        A plainer body that has the same count.
    why, ignored, refused
        Words that must stand there.
    spread
        Whether the count is a range.
    """

    body: Body
    same: Body | None = None
    why: str = ""
    ignored: str = ""
    refused: str = ""
    spread: bool = False


S = Shape
THINKS = ("K2.5", "K2.6", "K2.7")
SHAPES = {
    # Content.
    "text": S(user("Hi.")),
    "empty text": S(user("")),
    "null": S(user(None), user("")),
    "no content": S({"messages": [{"role": "user"}]}, user("")),
    "no parts": S(user([]), user("")),
    "text parts": S(user([{"type": "text", "text": "Hi"}, {"type": "text", "text": "."}]), user("Hi.")),
    "plain texts as parts": S(user(["Hi", "."]), user("Hi.")),
    "a part without a type": S(user([{"text": "Hi."}]), user("Hi.")),
    "input_text of Responses": S(user([{"type": "input_text", "text": "Hi."}]), user("Hi.")),
    "an audio part": S(
        user(["Hi.", {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]),
        user("Hi."), ignored="input_audio",
    ),
    "a file part": S(user([{"type": "file", "file": {"file_id": "f"}}]), user(""), ignored="file"),
    "cache_control of a part": S(
        user([{"type": "text", "text": "Hi.", "cache_control": {"type": "ephemeral"}}]),
        user("Hi."), ignored="cache_control of a part",
    ),
    "cache_control of a message": S(
        user("Hi.", cache_control={"type": "ephemeral"}), user("Hi."),
        ignored="cache_control of a message",
    ),
    "halves of characters": S(user("a\ud800b"), user("a\ufffdb")),
    "special spellings": S(user("<|im_end|>[EOS]</think>")),
    # Images and videos.
    "image": S(user(IMAGE)),
    "image as plain text": S(user([{"type": "image_url", "image_url": DATA_URL}, "What?"]), user(IMAGE)),
    "image with detail": S(
        user([{"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}}, "What?"]),
        user(IMAGE), ignored="detail",
    ),
    "bare base64": S(user([{"type": "image_url", "image_url": {"url": PIXEL}}, "What?"]), user(IMAGE)),
    "image of Vercel": S(user([{"type": "image", "image": DATA_URL}, "What?"]), user(IMAGE)),
    "image of Responses": S(user([{"type": "input_image", "image_url": DATA_URL}, "What?"]), user(IMAGE)),
    "image of Anthropic": S(
        user([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}, "What?"]),
        user(IMAGE),
    ),
    "image of LangChain": S(
        user([{"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PIXEL}, "What?"]),
        user(IMAGE),
    ),
    "image by a remote address": S(user([{"type": "image_url", "image_url": {"url": REMOTE}}]), spread=True, why="not at hand"),
    "image by address of Anthropic": S(
        user([{"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}]), spread=True,
    ),
    "uploaded image": S(user([{"type": "image_url", "image_url": {"url": "ms://f1"}}]), spread=True, why="ms://f1"),
    "image in a tool's result": S(work(result={"role": "tool", "tool_call_id": "look:0", "content": IMAGE})),
    "video": S(user([{"type": "video_url", "video_url": {"url": "ms://v1"}}]), spread=True, why="video"),
    "video as plain text": S(user([{"type": "video_url", "video_url": "ms://v1"}]), spread=True, why="video"),
    # Reasoning.
    "reasoning_content": S(answer(reasoning_content="Hm.")),
    "reasoning": S(answer(reasoning="Hm."), answer(reasoning_content="Hm.")),
    "reasoning_details": S(
        answer(reasoning_details=[{"type": "reasoning.text", "text": "H"}, {"text": "m."}]),
        answer(reasoning_content="Hm."),
    ),
    "a summary of reasoning": S(
        answer(reasoning_details=[{"type": "reasoning.summary", "summary": "Hm."}]),
        answer(reasoning_content="Hm."),
    ),
    "encrypted reasoning": S(
        answer(reasoning_details=[{"type": "reasoning.encrypted", "data": "AA"}]), answer(),
        ignored="reasoning.encrypted",
    ),
    "reasoning in all spellings": S(
        answer(reasoning_content="Hm.", reasoning="Hm.", reasoning_details=[{"text": "Hm."}]),
        answer(reasoning_content="Hm."),
    ),
    "reasoning null": S(answer(reasoning_content=None, reasoning=None, reasoning_details=None), answer()),
    "reasoning empty": S(answer(reasoning_content=""), answer()),
    "thinking parts": S(
        answer([{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Hello."}]),
        answer(reasoning_content="Hm."), why="Anthropic",
    ),
    "redacted thinking": S(
        answer([{"type": "redacted_thinking", "data": "AA"}, {"type": "text", "text": "Hello."}]),
        answer(), ignored="redacted_thinking",
    ),
    "thinking_blocks of LiteLLM": S(
        answer(thinking_blocks=[{"type": "thinking", "thinking": "Hm."}]), answer(), ignored="thinking_blocks",
    ),
    # Calls of tools.
    "calls": S(work()),
    "calls with empty content": S(work(content=""), work()),
    "calls without content": S({**work(), "messages": [
        {key: value for key, value in message.items() if value is not None}
        for message in work()["messages"]
    ]}, work()),
    "calls without reasoning": S(work(reasoning_content=None), refused="no reasoning_content"),
    "arguments as an object": S(work({**CALL, "function": {"name": "look", "arguments": {"a": 1}}}), work()),
    "arguments empty": S(work({**CALL, "function": {"name": "look", "arguments": ""}})),
    "arguments null": S(
        work({**CALL, "function": {"name": "look", "arguments": None}}),
        work({**CALL, "function": {"name": "look", "arguments": ""}}),
    ),
    "arguments that are no JSON": S(work({**CALL, "function": {"name": "look", "arguments": "{a"}})),
    "arguments nested without end": S(work({**CALL, "function": {"name": "look", "arguments": "[" * 9_000}})),
    "arguments of huge numbers": S(work({**CALL, "function": {"name": "look", "arguments": '{"a": ' + "9" * 5_000 + "}"}})),
    "ids of the model": S(work({**CALL, "id": "functions.look:0"}, {"role": "tool", "tool_call_id": "functions.look:0", "content": "sunny"}), work()),
    "ids of another form": S(work({**CALL, "id": "call_abc"}, {"role": "tool", "tool_call_id": "call_abc", "content": "sunny"})),
    "no ids": S(work({"function": CALL["function"]}, {"role": "tool", "content": "sunny"}), work(), refused="tool_call_id"),
    "an empty id": S(work({**CALL, "id": ""}, {"role": "tool", "tool_call_id": "", "content": "sunny"}), work(), refused="tool_call_id"),
    "an id that no call has": S(work(result={"role": "tool", "tool_call_id": "other", "content": "sunny"}), refused="answers no call"),
    "a call without a type": S(work({"id": "look:0", "function": CALL["function"]}), work()),
    "a call with its place": S(work({**CALL, "index": 0}), work()),
    "a call of the older form": S(
        {"messages": [
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": None, "function_call": CALL["function"], "reasoning_content": "I look."},
            {"role": "function", "name": "look", "content": "sunny"},
        ], "functions": [TOOL["function"]]},
        work(), why="older form",
    ),
    "a call without its result": S({"messages": [*work()["messages"][:2], *user("Go on.")["messages"]]}, refused="has no result"),
    "a call at the end": S({"messages": work()["messages"][:2]}, refused="has no result"),
    "a name on a tool's result": S(work(result={"role": "tool", "tool_call_id": "look:0", "name": "look", "content": "sunny"})),
    "a result null": S(work(result={"role": "tool", "tool_call_id": "look:0", "content": None})),
    "a result of parts": S(work(result={"role": "tool", "tool_call_id": "look:0", "content": [{"type": "text", "text": "sunny"}]}), work()),
    "tool_calls of a user": S(user("Hi.", tool_calls=[CALL]), user("Hi."), ignored="tool_calls"),
    "tool_calls null and empty": S(answer(tool_calls=None, function_call=None), answer(tool_calls=[])),
    "parts of Anthropic": S(
        {"messages": [
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "I look."}, {"type": "tool_use", "id": "look:0", "name": "look", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "look:0", "content": [{"type": "text", "text": "sunny"}]}]},
        ], "tools": [{"name": "look", "description": "d", "input_schema": SCHEMA}]},
        work(), why="Anthropic",
    ),
    "system of Anthropic": S(
        asked(system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}], max_tokens=64),
        {"messages": [{"role": "system", "content": "Be brief."}, *user("Hi.")["messages"]]}, why="Anthropic",
    ),
    # The form of Responses.
    "text as input": S({"input": "Hi."}, user("Hi."), why="Responses"),
    "items as input": S(
        {
            "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
                {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "I look."}]},
                {"type": "function_call", "id": "f", "call_id": "look:0", "name": "look", "arguments": '{"a": 1}'},
                {"type": "function_call_output", "call_id": "look:0", "output": "sunny"},
            ],
            "tools": [{"type": "function", **TOOL["function"]}],
        },
        {**work(), "messages": [{"role": "system", "content": "Be brief."}, *work()["messages"]]}, why="Responses",
    ),
    "options of Responses": S(
        {
            "input": [{"role": "user", "content": "Hi."}], "max_output_tokens": 9, "reasoning": {"effort": "low"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
        },
        asked(
            reasoning_effort="low", max_completion_tokens=9,
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
        ),
    ),
    "a conversation that goes on elsewhere": S(
        {"input": "Hi.", "previous_response_id": "r"}, user("Hi."), spread=True, why="previous_response_id",
        ignored="previous_response_id",
    ),
    # Tools.
    "tools": S(asked(tools=[TOOL])),
    "no tools": S(asked(tools=[]), asked()),
    "tools null": S(asked(tools=None), asked()),
    "strict": S(asked(tools=[{**TOOL, "function": {**TOOL["function"], "strict": True}}])),
    "functions": S(asked(functions=[TOOL["function"]]), asked(tools=[TOOL])),
    "tools of Responses": S(asked(tools=[{"type": "function", **TOOL["function"]}]), asked(tools=[TOOL])),
    "tools of Anthropic": S(asked(tools=[{"name": "look", "description": "d", "input_schema": SCHEMA}]), asked(tools=[TOOL])),
    "tools of Anthropic with a type": S(
        asked(tools=[{"type": "custom", "name": "look", "description": "d", "input_schema": SCHEMA}]), asked(tools=[TOOL]),
    ),
    "web search": S(
        asked(tools=[{"type": "builtin_function", "function": {"name": "$web_search"}}]), spread=True, why="$web_search",
    ),
    "web search and a function": S(
        asked(tools=[TOOL, {"type": "builtin_function", "function": {"name": "$web_search"}}]), spread=True, why="$web_search",
    ),
    "a tool without parameters": S(asked(tools=[{"type": "function", "function": {"name": "look"}}])),
    "an enum that does not fit": S(asked(tools=[{"type": "function", "function": {"name": "look", "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "enum": [1]}}}}}])),
    "a system message with tools": S({"messages": [{"role": "system", "content": "", "tools": [TOOL]}, *user("Hi.")["messages"]]}),
    "a system message with tools and text": S(
        {"messages": [{"role": "system", "content": "Be brief.", "tools": [TOOL]}, *user("Hi.")["messages"]]}, spread=True, why="tools",
    ),
    # Options.
    "tool_choice auto": S(asked(tools=[TOOL], tool_choice="auto"), asked(tools=[TOOL])),
    "tool_choice as an object": S(asked(tools=[TOOL], tool_choice={"type": "auto"}), asked(tools=[TOOL])),
    "tool_choice none": S(asked(tools=[TOOL], tool_choice="none")),
    "tool_choice required": S(asked(tools=[TOOL], tool_choice="required")),
    "tool_choice any": S(asked(tools=[TOOL], tool_choice={"type": "any"}), asked(tools=[TOOL], tool_choice="required")),
    "tool_choice by name": S(asked(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "look"}}), why="tool_choice"),
    "tool_choice of Anthropic": S(asked(tools=[TOOL], tool_choice={"type": "tool", "name": "look"}), why="tool_choice"),
    "tool_choice unknown": S(asked(tools=[TOOL], tool_choice="always"), asked(tools=[TOOL]), ignored="tool_choice 'always'"),
    "function_call": S(asked(functions=[TOOL["function"]], function_call={"name": "look"}), why="tool_choice"),
    "format text": S(asked(response_format={"type": "text"}), asked()),
    "format json_object": S(asked(response_format={"type": "json_object"})),
    "format json_schema": S(asked(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}})),
    "format without a schema": S(asked(response_format={"type": "json_schema"})),
    "format as plain text": S(asked(response_format="json_object"), asked(response_format={"type": "json_object"})),
    "format unknown": S(asked(response_format={"type": "xml"}), asked(), ignored="response_format 'xml'"),
    "thinking with a budget": S(asked(thinking={"type": "enabled", "budget_tokens": 100}), asked(thinking={"type": "enabled"}), ignored="budget_tokens"),
    "thinking unknown": S(asked(thinking={"type": "adaptive"}), ignored="thinking 'adaptive'"),
    "thinking true": S(asked(thinking=True), ignored="thinking True"),
    "thinking keep all": S({**answer(reasoning_content="Hm."), "thinking": {"type": "enabled", "keep": "all"}}),
    "thinking keep null": S(asked(thinking={"type": "enabled", "keep": None}), asked(thinking={"type": "enabled"})),
    "thinking keep unknown": S(asked(thinking={"keep": "some"}), ignored="thinking.keep 'some'"),
    "effort low": S(asked(reasoning_effort="low")),
    "effort unknown": S(asked(reasoning_effort="medium"), asked(), ignored="reasoning_effort 'medium'"),
    "extra_body": S(asked(extra_body={"thinking": {"type": "enabled"}}), asked(thinking={"type": "enabled"})),
    "sampling and labels": S(
        asked(temperature=1, top_p=0.9, n=1, stream=True, stream_options={"include_usage": True},
              prompt_cache_key="k", user="u", stop=["x"], seed=1, metadata={}, safety_identifier="s",
              max_completion_tokens=100, max_tokens=None),
        asked(),
    ),
    "reasoning of OpenRouter": S(asked(reasoning={"effort": "high"}), asked(), ignored="reasoning"),
    "options of other servers": S(asked(enable_thinking=False, chat_template_kwargs={}, top_k=1), asked(), ignored="enable_thinking"),
    # Roles, names, continuing.
    "system": S({"messages": [{"role": "system", "content": "Be brief."}, *user("Hi.")["messages"]]}),
    "system alone": S({"messages": [{"role": "system", "content": "Be brief."}]}),
    "developer": S({"messages": [{"role": "developer", "content": "Be brief."}, *user("Hi.")["messages"]]}, why="developer"),
    "names": S(user("Hi.", name="李雷")),
    "an empty name": S(user("Hi.", name=""), user("Hi.")),
    "assistant last": S({"messages": answer()["messages"][:2]}),
    "partial": S({"messages": [*user("Hi.")["messages"], {"role": "assistant", "content": "{", "partial": True}]}),
    "partial with a name": S({"messages": [*user("Hi.")["messages"], {"role": "assistant", "name": "Dr. K", "content": "", "partial": True}]}),
    "partial in the middle": S(answer(partial=True), answer(), ignored="partial"),
    "partial of a user": S(user("Hi.", partial=True), user("Hi."), ignored="partial"),
    "prefix of another API": S(answer(prefix=True), answer(), ignored="prefix"),
    "a reply sent back": S(answer(refusal=None, annotations=[], audio=None, id="m", provider_specific_fields={"x": 1}), answer(), ignored="provider_specific_fields"),
}  # fmt: skip


def counted(family: str, body: Body) -> Estimate:
    return estimate({**FAMILIES[family], **body}, catalog=CATALOG, as_of="2026-11-28")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SHAPES)
def test_a_body_is_counted(name: str, family: str) -> None:
    """Every shape has a count on every family: exact, or a range with the reason."""
    shape = SHAPES[name]
    made = counted(family, shape.body)
    assert 0 < made.prompt_low <= made.prompt_tokens <= made.prompt_high
    assert made.why
    if made.prompt_low < made.prompt_high:
        assert made.exactness == "estimate"
    if shape.spread:
        assert made.prompt_low < made.prompt_high
    if shape.same is not None:
        assert made.prompt_tokens == counted(family, shape.same).prompt_tokens
    assert shape.why in " ".join(made.why)
    assert shape.ignored in " ".join(made.ignored)
    if shape.refused != "no reasoning_content" or family in THINKS:
        assert shape.refused in " ".join(made.refused)
    if not shape.refused and family != "K2":
        assert not [said for said in made.refused if "tool_choice" not in said]


def test_what_is_plain_is_said_without_reservation() -> None:
    """Nothing is ignored, refused or doubted of the usual requests."""
    for name in ("text", "text parts", "calls", "tools", "system", "sampling and labels", "calls with empty content"):  # fmt: skip
        for family in FAMILIES:
            made = counted(family, SHAPES[name].body)
            ignored = [said for said in made.ignored if "reasoning" not in said]  # K2 has none
            assert (ignored, made.refused) == ([], ()), (name, family)
            assert made.prompt_low == made.prompt_high, (name, family)


BIG = "iVBOR" + "A" * 5_000_000
HUGE = {f"key {n}": "x" * 1000 for n in range(1000)}
BEYOND = {
    "content a number": user(5),
    "content true": user(True),
    "content a mapping": user(HUGE),
    "content bytes": user(b"x" * 5000),
    "a part a number": user([5]),
    "a part that holds no text": user([{"type": "text", "text": HUGE}]),
    "a message that is text": {"messages": ["x" * 9000]},
    "no role": {"messages": [{"content": "x"}]},
    "role a list": {"messages": [{"role": ["x"] * 9000, "content": "x"}]},
    "name a number": user("Hi.", name=5),
    "no messages": {"messages": []},
    "messages text": {"messages": "x" * 9000},
    "an image of 5 MB that is none": user([{"type": "image_url", "image_url": {"url": BIG}}]),
    "a data URL that is no image": user(
        [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + BIG}}]
    ),
    "an image without address": user([{"type": "image_url", "image_url": HUGE}]),
    "tools a mapping": asked(tools=HUGE),
    "a tool that is text": asked(tools=["x" * 9000]),
    "a tool without a name": asked(tools=[{"type": "function", "function": HUGE}]),
    "a tool that JSON cannot hold": asked(
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"a": {1, 2}}}}]
    ),
    "calls a mapping": answer(tool_calls=HUGE),
    "a call without a function": answer(tool_calls=["x" * 9000]),
    "a call with neither id nor name": answer(tool_calls=[{"function": {"arguments": "x" * 9000}}]),
    "an id that is a number": answer(tool_calls=[{**CALL, "id": 10**5000}]),
    "reasoning a mapping": answer(reasoning_content=HUGE),
    "a limit of text": asked(max_tokens="x" * 9000),
    "a limit beyond all": asked(max_tokens=-(10**5000)),
    "n of zero": asked(n=0),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", BEYOND)
def test_what_cannot_be_understood_is_named(name: str, family: str) -> None:
    """One line of at most 400 characters, however large the value is."""
    with pytest.raises(RequestError) as caught:
        counted(family, BEYOND[name])
    said = str(caught.value)
    assert len(said) <= 400
    assert "\n" not in said


def test_what_is_said_of_huge_values_stays_short() -> None:
    """Keys, values and addresses of any length are named in part only."""
    huge = "x" * 100_000
    made = counted("K3", {
        **user([{"type": huge}], **{huge: 1}), huge: 1, "tool_choice": huge,
        "reasoning_effort": huge, "response_format": {"type": huge},
        "thinking": {"type": huge, "keep": huge, huge: 1},
    })  # fmt: skip
    assert all(len(said) <= 400 for said in (*made.ignored, *made.why, *made.refused))


ODD: list[Any] = [
    *(None, True, 5, -1, 1.5, float("nan"), 10**50, "", "x", "\ud800", "x" * 5000, b"x", object()),
    *([], {}, [None], [[]], {"type": None}, {"type": ["x"]}, {"x": {"y": [1]}}, (1,), {1: 2}),
    *({None: 1}, [{"type": "text"}], {"type": "text", "text": "a"}, {"a": float("inf")}),
]


def changed(value: Any, rng: Random) -> Any:
    """Return a value with something in it, at any depth, replaced by what does not belong there."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return rng.choice(ODD)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    copy = value.copy()
    copy[key] = changed(value[key], rng)
    return copy


def test_no_body_ends_in_anything_but_a_count_or_one_line() -> None:
    """4,000 bodies with odd values anywhere: a count in its range, or an error of ours."""
    rng = Random(7)
    errors, counts = [], 0
    for _ in range(4_000):
        body = rng.choice(list(SHAPES.values())).body
        for _ in range(rng.randint(1, 3)):
            body = {**body, (key := rng.choice(list(body))): changed(body[key], rng)}
        try:
            made = counted(rng.choice(list(FAMILIES)), body)
        except RequestError as error:
            errors.append(str(error))
        else:
            assert made.prompt_low <= made.prompt_tokens <= made.prompt_high
            counts += 1
    assert not [said for said in errors if len(said) > 400 or "\n" in said]
    assert counts > 500


class Sent:
    """A message as a client's library returns it."""

    def model_dump(self) -> Body:
        return {"role": "assistant", "content": "Hello.", "refusal": None}


def test_messages_of_a_client_library_are_messages() -> None:
    """What a client returned can be put into the next request as it is."""
    said = user("Hi.")["messages"]
    plain = counted("K2", {"messages": [*said, {"role": "assistant", "content": "Hello."}]})
    assert counted("K2", {"messages": [*said, Sent()]}).prompt_tokens == plain.prompt_tokens
    body = {**FAMILIES["K2"], "messages": said}
    replies = [
        estimate(body, reply=reply, catalog=CATALOG).completion_tokens
        for reply in (Sent(), "Hello.", {"content": [{"type": "text", "text": "Hello."}]})
    ]
    assert len(set(replies)) == 1
