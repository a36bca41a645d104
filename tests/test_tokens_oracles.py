"""Prompts are counted as public encoders of the same templates render them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from functools import cache
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import generated
import pytest
from generated import IMAGES, Body
from oracles import oracle
from PIL.Image import Resampling
from renderers import KimiK25RendererConfig
from renderers.kimi_k2 import KimiK2Renderer
from renderers.kimi_k25 import KimiK25Renderer

from kimi_planner.catalog import ModelSpec
from kimi_planner.catalog.rendering import Rendering
from kimi_planner.tokens.chat import count_prompt, prompt_parts
from kimi_planner.tokens.engine import tiktoken_encoding
from kimi_planner.tokens.images import image_tokens
from kimi_planner.tokens.requests import reply_of
from kimi_planner.tokens.templates import template_of
from kimi_planner.tokens.templates.tools import declared_typescript
from kimi_planner.tokens.vocabulary import SPECIAL_TOKENS

REQUESTS = 2_000
K3_PATCHES = 65_536


def model(template: str, **rule: Any) -> ModelSpec:
    """Return a model of a rule."""
    rules = (Rendering(template=template, **rule),)
    return ModelSpec(id="kimi", chat_template=template, renderings=rules)


K3 = ModelSpec(
    id="kimi", chat_template="kimi-k3", renderings=(Rendering.of("kimi-k3", reasons=True),)
)


def tokens(text: str) -> int:
    """Count ordinary text with tiktoken."""
    return len(tiktoken_encoding().encode_ordinary(text))


def ours(body: Body, spec: ModelSpec) -> int:
    """Return our count of a request's prompt."""
    return count_prompt(body, spec, image_sizes=IMAGES).tokens


# K3


@cache
def k3_encoder() -> ModuleType:
    """Return the public encoder of K3."""
    return oracle("llmcompressor", "llmcompressor/modeling/kimi_k3/encoding_k3.py")


def addresses(messages: Iterable[Body]) -> list[str]:
    """Return the addresses of all images, in order."""
    found = []
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                address = part["image_url"]
                found.append(address if isinstance(address, str) else address["url"])
    return found


def k3_segments(body: Body) -> list[Any]:
    """Return what the public encoder renders, segment by segment."""
    effort = body.get("reasoning_effort", "max")
    images = addresses(body["messages"])
    segments: list[Any] = k3_encoder().build_chat_segments(
        body["messages"],
        body.get("tools"),
        thinking=effort != "none",
        thinking_effort=None if effort == "none" else effort,
        tool_choice=body.get("tool_choice"),
        response_format=body.get("response_format"),
        image_prompts=["image {}x{}".format(*IMAGES[url]) for url in images] or None,
    )
    return segments


def k3_count(body: Body) -> int:
    """Count segments one by one, as they are billed."""
    labels = {"image {}x{}".format(*size): size for size in IMAGES.values()}
    count = 0
    for segment in k3_segments(body):
        if not segment.allow_special:
            count += tokens(segment.text)
        elif segment.text in labels:
            pads = image_tokens(*labels[segment.text], max_patches=K3_PATCHES)
            count += 3 + tokens(segment.text) + pads
        else:
            count += 1
    return count - 3  # what opens the thought, or the response, is billed as completion


def continued(rng: Random) -> Body:
    """Draw an answer of the assistant that is to be continued."""
    message: Body = {"role": "assistant", "content": generated.rich_content(rng, images=False)}
    if rng.random() < 0.7:
        message["reasoning_content"] = rng.choice(["", generated.text(rng)])
    return {**message, "partial": True}


def test_k3_is_counted_as_its_public_encoder_renders() -> None:
    """Tools, calls in every form, results in any order, images, efforts and forms of answers."""
    compared = 0
    for seed in range(REQUESTS + 500):
        body = generated.k3_body(Random(seed))
        try:
            expected = k3_count(body)
        except ValueError:  # a result without a call, of no name
            continue
        compared += 1
        assert ours(body, K3) == expected, (seed, body)
        if seed % 4 == 0:
            rest = iter(k3_segments(body))
            for text in filter(None, prompt_parts(body, K3)[0]):
                assert any(segment.text.endswith(text) for segment in rest), (seed, text, body)
    assert compared >= REQUESTS


def test_k3_continues_an_answer() -> None:
    """A partial answer has its elements without closing marks, an empty thought no element."""
    compared = 0
    for seed in range(REQUESTS + 500):
        rng = Random(seed)
        body, last = generated.k3_body(rng), continued(rng)
        try:
            expected = k3_count(body)
        except ValueError:
            continue
        reasoning, content = last.get("reasoning_content"), last["content"]
        texts = (
            [content or ""] if not isinstance(content, list) else [one["text"] for one in content]
        )
        if reasoning and reasoning.strip() and body.get("reasoning_effort") != "none":
            expected += 3 + tokens(reasoning) + (3 if any(texts) else 0)
        if any(texts):
            expected += 3 + sum(map(tokens, texts))
        body["messages"].append(last)
        compared += 1
        assert ours(body, K3) == expected, (seed, body)
    assert compared >= REQUESTS


def test_k3_bills_an_answer_as_its_history_holds_it() -> None:
    """A completion is the assistant's message without the seven tokens that open it."""
    asked = [{"role": "user", "content": "x"}]
    for seed in range(REQUESTS):
        rng = Random(seed)
        reply = {**continued(rng), "partial": False}
        if rng.random() < 0.5:
            reply["tool_calls"] = generated.calls(rng, "{name}:{number}")
        whole = k3_count({"messages": [*asked, {**reply, "role": "assistant"}]})
        expected = whole - k3_count({"messages": asked}) - 7
        pieces = template_of(K3.rendering()).completion(reply_of(reply))
        billed = sum(piece if isinstance(piece, int) else tokens(str(piece)) for piece in pieces)
        assert billed == expected, (seed, reply)


# Images


class Drawing:
    """As much of an image as a resizing rule asks for."""

    mode = "RGB"

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    @classmethod
    def new(cls, _mode: str, size: tuple[int, int], _colour: object) -> Drawing:
        """Return an empty one."""
        return cls(size)

    def convert(self, _mode: str) -> Drawing:
        """Return the same."""
        return self

    def resize(self, size: tuple[int, int], _filter: object) -> Drawing:
        """Return one of another size."""
        return Drawing(size)

    def paste(self, _image: Drawing, _place: object) -> None:
        """Draw nothing."""


@pytest.mark.parametrize(
    ("patches", "family", "processor"),
    [
        (16_384, "kimi_k25", "KimiK25ImageProcessor"),
        (K3_PATCHES, "kimi_k3", "KimiK3ImageProcessor"),
    ],
)
def test_images_have_the_tokens_of_a_public_processor(
    patches: int, family: str, processor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The padded size after scaling, in squares of 28 pixels, is the number of tokens."""
    folder = f"mlx_vlm/models/{family}"
    module = oracle(
        "mlx_vlm",
        *([f"{folder}/encoding_k3.py"] if family == "kimi_k3" else []),
        f"{folder}/processing_{family}.py",
        without=(
            "mlx",
            "mlx.core",
            "mlx_vlm.models.base",
            "transformers",
            "transformers.feature_extraction_utils",
            "transformers.image_processing_utils",
            "transformers.image_utils",
            "transformers.processing_utils",
        ),
    )
    monkeypatch.setattr(module, "Image", SimpleNamespace(new=Drawing.new, Resampling=Resampling))
    rescale = getattr(module, processor)().rescale
    rng = Random(0)
    for number in range(20_000):
        longest = rng.choice([30, 600, 8_000, 1_000_000]) if number else 1
        size = rng.randint(1, longest), rng.randint(1, longest)
        across, down = rescale(Drawing(size)).size
        assert across % 28 == down % 28 == 0
        assert image_tokens(*size, max_patches=patches) == across * down // 28**2, size


# K2.5, K2.6 and K2.7

K25 = model("kimi-k2.5", thinking="on")
K26 = model("kimi-k2.5", thinking="on", keeps_reasoning="asked")
K27 = model("kimi-k2.5", thinking="always", keeps_reasoning="always")
KEEPS_ALL = {"type": "enabled", "keep": "all"}
OFF = {"type": "disabled"}

MARKS = re.compile("|".join(re.escape(mark) for mark in SPECIAL_TOKENS if mark.startswith("<")))
#: Stands for "<" in all that users write, so that what looks like a mark is one of the template.
HIDDEN = "\ue000"
PAD = "<|media_pad|>"


def hidden(value: Any) -> Any:
    """Return the same with every "<" hidden."""
    return json.loads(json.dumps(value).replace("<", HIDDEN))


def k25_count(rendered: str, messages: list[Body]) -> int:
    """Count a rendering as it is billed: without the marks that open the answer."""
    rendered = rendered.removesuffix("</think>").removesuffix("<think>")
    pads = (image_tokens(*IMAGES[url]) for url in addresses(messages))
    texts = MARKS.split(rendered)
    return (
        len(texts) - 1 + sum(pads) - rendered.count(PAD)
        + sum(tokens(text.replace(HIDDEN, "<")) for text in texts)
    )  # fmt: skip


def id_of_model(identity: str) -> str:
    """Return an id of the API, `name:n`, as the model sees it; another form stays."""
    return (
        f"functions.{identity}" if re.fullmatch(r"(?!functions\.)[^:]+:\d+", identity) else identity
    )


def texts_of(content: Any) -> list[Body]:
    """Return a content as parts of type text or image_url."""
    if isinstance(content, list):
        return [part if "image_url" in part else {**part, "type": "text"} for part in content]
    return [{"type": "text", "text": content or ""}]


def as_model(message: Body) -> Body:
    """Return a message in the one spelling that public renderers know."""
    seen = {**message, "content": texts_of(message["content"])}
    if "tool_call_id" in seen:
        seen["tool_call_id"] = id_of_model(seen["tool_call_id"])
    if "tool_calls" in seen:
        seen["tool_calls"] = [
            {
                **call,
                "id": id_of_model(call["id"]),
                "function": {**call["function"], "arguments": arguments_of(call)},
            }
            for call in seen["tool_calls"]
        ]
    if seen["role"] == "assistant":
        seen["reasoning_content"] = seen.get("reasoning_content") or ""
    return seen


def arguments_of(call: Body) -> str:
    """Return the arguments of a call as text."""
    given = call["function"]["arguments"]
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


@cache
def typescript_writer() -> Callable[[list[Body]], str]:
    """Return the public writer of tools as TypeScript."""
    logging.getLogger("tinker_cookbook").setLevel(logging.ERROR)
    path = "tinker_cookbook/renderers/kimi_k2_5_tool_declaration_ts.py"
    write: Callable[[list[Body]], str] = oracle(
        "tinker_cookbook", path
    ).encode_tools_to_typescript_style
    return write


def typescript(tools: list[Body]) -> str:
    """Return functions in TypeScript, keys sorted first; empty where that cannot be."""
    try:
        return typescript_writer()(generated.in_order(tools))
    except (AttributeError, LookupError, TypeError, ValueError):
        return ""


def test_typescript_is_that_of_the_public_writer() -> None:
    """Schemas that keep to rules and such that keep to none have the same text, or none."""
    written = 0
    for seed in range(6_000):
        draw = generated.hostile_tools if seed % 3 else generated.tools
        functions = functions_of(draw(Random(seed)))
        expected = typescript(functions)
        written += bool(expected)
        assert declared_typescript(functions) == expected, (seed, functions)
    assert written > 3_000


def functions_of(tools: list[Body]) -> list[Body]:
    """Return the tools that are functions."""
    return [tool for tool in tools if tool["type"] == "function"]


def without_strict(tool: Body) -> Body:
    """Return a tool without what the API does not render."""
    function = {key: value for key, value in tool["function"].items() if key != "strict"}
    return {**tool, "function": function}


def in_json(tools: list[Body]) -> str:
    """Return tools in compact JSON, keys sorted at every depth."""
    return json.dumps(tools, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def declared(tools: list[Body]) -> str:
    """Return tools as they are declared: TypeScript of the functions, else all in JSON."""
    bare = [without_strict(tool) for tool in functions_of(tools) or tools]
    return typescript(functions_of(tools)) or in_json(bare)


def written(messages: list[Body], tools: list[Body], *, kept: Callable[[int], bool]) -> str:
    """Write a conversation from the words of the rules alone; `kept` are places of reasoning."""
    text = ""
    if tools:
        text += f"<|im_system|>tool_declare<|im_middle|>{declared(tools)}<|im_end|>"
    for place, message in enumerate(messages):
        role = message["role"]
        text += {"user": "<|im_user|>", "assistant": "<|im_assistant|>"}.get(role, "<|im_system|>")
        text += (message.get("name") or role) + "<|im_middle|>"
        if role == "assistant":
            thought = message["reasoning_content"] if kept(place) else ""
            text += f"<think>{thought}</think>"
        if role == "tool":
            text += f"## Return of {message['tool_call_id']}\n"
        for part in message["content"]:
            image = f"<|media_begin|>image<|media_content|>{PAD}<|media_end|>\n"
            text += image if "image_url" in part else part["text"]
        calls = [
            f"<|tool_call_begin|>{call['id']}<|tool_call_argument_begin|>{arguments_of(call)}<|tool_call_end|>"
            for call in message.get("tool_calls", ())
        ]
        if calls:
            text += f"<|tool_calls_section_begin|>{''.join(calls)}<|tool_calls_section_end|>"
        text += "<|im_end|>"
    return text + "<|im_assistant|>assistant<|im_middle|>"


def last_answer(messages: list[Body]) -> int:
    """Return the place of the last answer without tool calls; -1 if there is none."""
    answers = [
        place
        for place, message in enumerate(messages)
        if message["role"] == "assistant" and not message.get("tool_calls")
    ]
    return answers[-1] if answers else -1


def k25_request(seed: int) -> tuple[Body, list[Body], list[Body]]:
    """Draw a request, and its messages and tools as they are given to renderers."""
    rng = Random(seed)
    body = {"messages": generated.k25_conversation(rng)}
    draw = rng.choice([generated.tools, generated.hostile_tools, lambda _: []])
    body["tools"] = draw(rng)
    seen = [as_model(message) for message in hidden(body["messages"])]
    return body, seen, hidden(body["tools"])


def test_thinking_off_and_reasoning_kept_are_counted_by_the_rules() -> None:
    """Off: no reasoning at all. On: after the last answer. Kept: all of it."""
    for seed in range(REQUESTS):
        body, messages, tools = k25_request(seed)
        last = last_answer(messages)
        at_work = written(messages, tools, kept=lambda place, last=last: place > last)
        none = written(messages, tools, kept=lambda _: False)
        every = written(messages, tools, kept=lambda _: True)
        for spec, thinking, text in [
            (K25, OFF, none),
            (K25, None, at_work),
            (K26, KEEPS_ALL, every),
            (K25, KEEPS_ALL, at_work),
            (K26, OFF, none),
            (K26, None, at_work),
            (K27, None, every),
            (K27, OFF, every),
        ][seed % 2 :: 2]:
            expected = k25_count(text, body["messages"])
            assert ours({**body, "thinking": thinking}, spec) == expected, (seed, thinking, body)


class Text:
    """A tokenizer that encodes nothing: marks have their ids, and a text stays a text."""

    name_or_path = "kimi"
    unk_token_id = -1

    def encode(self, text: str, **_: Any) -> list[Any]:
        """Return the text as its one token."""
        return [text]

    def convert_tokens_to_ids(self, token: str) -> int:
        """Return the id of a special token."""
        return SPECIAL_TOKENS.get(token, self.unk_token_id)


NAMES = {number: name for name, number in SPECIAL_TOKENS.items()}


def test_k25_is_counted_as_renderers_renders() -> None:
    """Thinking on: an independent renderer, with names, images, calls, and tools where it can."""
    renderer = KimiK25Renderer(Text(), KimiK25RendererConfig(thinking=True))
    for seed in range(REQUESTS):
        body, messages, tools = k25_request(seed)
        if not typescript(tools):  # it writes what the template would not
            body["tools"] = tools = []
        messages = [
            {**message, "content": "".join(part["text"] for part in message["content"])}
            if message["role"] == "assistant"
            else message
            for message in messages
        ]
        rendered = renderer.render(
            messages,
            tools=generated.in_order(tools) or None,
            add_generation_prompt=True,
            process_multimodal=False,
        )
        text = "".join(NAMES.get(token, token) for token in rendered.token_ids)
        assert ours(body, K25) == k25_count(text, body["messages"]), (seed, body)


@cache
def tinker() -> ModuleType:
    """Return the public renderers of K2.5 and K2.6, of which only the frame is asked."""
    renderers = "tinker_cookbook/renderers"
    return oracle(
        "tinker_cookbook",
        "tinker_cookbook/exceptions.py",
        "tinker_cookbook/tokenizer_utils.py",
        "tinker_cookbook/image_processing_utils.py",
        f"{renderers}/base.py",
        f"{renderers}/kimi_k2.py",
        f"{renderers}/kimi_k2_5_tool_declaration_ts.py",
        f"{renderers}/kimi_k25.py",
        f"{renderers}/kimi_k26.py",
        without=("tinker", "torch"),
    )


def for_tinker(message: Body, calls: Any) -> Body:
    """Return a message in the form of that package."""
    parts = [
        {"type": "image", "image": part["image_url"]} if "image_url" in part else part
        for part in message["content"]
    ]
    if message.get("reasoning_content"):
        parts.insert(0, {"type": "thinking", "thinking": message["reasoning_content"]})
    given = {**message, "content": parts}
    if "tool_calls" in message:
        given["tool_calls"] = [
            calls(
                id=call["id"],
                function=calls.FunctionBody(
                    name=call["function"]["name"], arguments=arguments_of(call)
                ),
            )
            for call in message["tool_calls"]
        ]
    return given


@pytest.mark.filterwarnings("ignore::UserWarning")  # it wants a name of every result
def test_k25_and_k26_are_counted_as_tinker_renders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thinking on, reasoning dropped or preserved; it knows names of results only."""
    module = tinker()
    one_pad = SimpleNamespace(tokens=[PAD])
    k25 = module.KimiK25Renderer
    monkeypatch.setitem(
        k25._encode_multipart_content.__globals__, "image_to_chunk", lambda *_: one_pad
    )
    calls = k25.__mro__[1].render_message.__globals__["ToolCall"]
    dropping = k25(Text(), image_processor=object())
    preserving = module.KimiK26PreserveThinkingRenderer(Text(), image_processor=object())
    for seed in range(REQUESTS):
        body, messages, tools = k25_request(seed)
        for message, seen in zip(body["messages"], messages, strict=True):
            if message["role"] != "tool":
                message.pop("name", None)
                seen.pop("name", None)
        form = typescript(tools)
        if not form:
            body["tools"] = []
        frame = [{"role": "tool_declare", "content": form}] if form else []
        frame += [for_tinker(message, calls) for message in messages]
        for renderer, spec, thinking in [
            (dropping, K25, None),
            (dropping, K26, {"type": "enabled"}),
            (preserving, K27, None),
            (preserving, K26, KEEPS_ALL),
        ][seed % 2 :: 2]:
            chunks = renderer.build_generation_prompt(frame).chunks
            text = "".join(token for chunk in chunks for token in chunk.tokens)
            expected = k25_count(text, body["messages"])
            assert ours({**body, "thinking": thinking}, spec) == expected, (seed, thinking, body)


# K2


def test_k2_is_counted_as_renderers_renders() -> None:
    """No marks of thought, no line break; tools in JSON without `strict`, or in TypeScript."""
    renderer = KimiK2Renderer(Text())
    as_json, as_typescript = model("kimi-k2", tools="json"), model("kimi-k2")
    for seed in range(REQUESTS):
        body, messages, tools = k25_request(seed)
        for message, seen in zip(body["messages"], messages, strict=True):
            seen["content"] = message["content"] = [
                part for part in texts_of(message["content"]) if "image_url" not in part
            ]
            seen["content"] = hidden(seen["content"])
            if message["role"] != "tool":
                message.pop("name", None)
        bare = [without_strict(tool) for tool in functions_of(tools) or tools]
        rendered = renderer.render(messages, tools=bare or None, add_generation_prompt=True)
        text = "".join(NAMES.get(token, token) for token in rendered.token_ids)
        expected = k25_count(text, [])
        assert ours(body, as_json) == expected, (seed, body)
        if tools:
            expected += k25_count(declared(tools), []) - k25_count(in_json(bare), [])
        assert ours(body, as_typescript) == expected, (seed, body)
