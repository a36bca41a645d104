"""A conversation is counted as the hosted API bills it and as the published templates spell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from renderers.kimi_k2 import KimiK2Renderer
from renderers.kimi_k25 import KimiK25Renderer

from kimi_planner import count_completion, count_messages, load_catalog
from kimi_planner.errors import CatalogError, RequestError, UnknownModelError
from kimi_planner.tokens.engine import tiktoken_encoding
from kimi_planner.tokens.vocabulary import SPECIAL_TOKENS

Message = dict[str, Any]

K2 = ["kimi-k2", "kimi-k2-instruct"]
K25 = ["kimi-k2-5", "kimi-k2-5-thinking"]

# A recorded conversation and its bills.
SYSTEM = (
    "你是 Kimi，由 Moonshot AI 提供的人工智能助手，你更擅长中文和英文的对话。"
    "你会为用户提供安全，有帮助，准确的回答。同时，你会拒绝一切涉及恐怖主义，种族歧视，"
    "黄色暴力等问题的回答。Moonshot AI 为专有名词，不可翻译成其他语言。"
)
QUESTION = "你好，我叫李雷，1+1等于多少？"
ANSWER = " 你好，李雷！1+1等于2。如果你有其他问题，请随时提问！"

TEMPLATE_THINKS = ("<think>", "<think></think>")


class PlainTokenizer:
    """The vocabulary as `renderers` asks for it: what it is given to encode is ordinary text.

    Only the think marks that the template itself writes are special tokens.
    """

    name_or_path = "kimi"
    unk_token_id = SPECIAL_TOKENS["[UNK]"]
    eos_token_id = SPECIAL_TOKENS["[EOS]"]

    def encode(self, text: str, **_: Any) -> list[int]:
        """Return the ids of text, or of the think marks that the template writes."""
        encoding = tiktoken_encoding()
        if text in TEMPLATE_THINKS:
            return encoding.encode(text, allowed_special="all")
        return encoding.encode_ordinary(text)

    def decode(self, token_ids: Sequence[int], **_: Any) -> str:
        """Return the text of ids."""
        return tiktoken_encoding().decode(token_ids)

    def convert_tokens_to_ids(self, token: str) -> int:
        """Return the id of a special token."""
        return SPECIAL_TOKENS.get(token, self.unk_token_id)


def tokens(text: str) -> int:
    """Count ordinary text with tiktoken."""
    return len(tiktoken_encoding().encode_ordinary(text))


steady = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)

texts = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                *SPECIAL_TOKENS,
                "hello ",
                "你好",
                "привет",
                "مرحبا",
                "नमस्ते",
                "\n",
                " ",
                "x = 1",
                "👩‍👧",
            ]
        ),
        max_size=12,
    ).map("".join),
).filter(lambda text: text not in TEMPLATE_THINKS)
contents = st.one_of(
    texts,
    st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), max_size=3),
)
names = st.one_of(st.none(), st.sampled_from(["Alice", "李雷", "a b"]), texts)


@st.composite
def conversations(draw: st.DrawFn, *, named: bool) -> list[Message]:
    """Draw a plain conversation that starts with a system message of its own."""
    roles = draw(st.lists(st.sampled_from(["user", "assistant", "system"]), max_size=6))
    messages: list[Message] = []
    for role in ["system", *roles]:
        message: Message = {"role": role, "content": draw(contents)}
        if named:
            message["name"] = draw(names)
        if role == "assistant":
            message["content"] = draw(st.one_of(st.none(), contents))
            message["reasoning_content"] = draw(texts)
        messages.append(message)
    return messages


def joined(message: Message) -> Message:
    """Write text parts as the one text that the template makes of them."""
    content = message["content"]
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    return {**message, "content": content}


@pytest.mark.parametrize("model", K2 + K25)
def test_recorded_bill_of_a_conversation(model: str) -> None:
    """The API billed 83 prompt tokens, and its estimate endpoint said 80."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    assert count_messages(messages, model=model) == 83
    assert count_messages(messages, model=model, generation_prompt=False) == 80


@pytest.mark.parametrize("model", K2 + K25)
def test_recorded_bill_of_one_message(model: str) -> None:
    """Without a system message 19 prompt tokens were billed: no default one is added."""
    assert count_messages([{"role": "user", "content": QUESTION}], model=model) == 19


@pytest.mark.parametrize("model", K2)
def test_recorded_bill_of_a_reply(model: str) -> None:
    """The reply was billed as 21 completion tokens: its text and the end token."""
    assert count_completion(ANSWER, model=model) == 21


@pytest.mark.parametrize("model", K25)
@pytest.mark.parametrize("reasoning", ["", "1+1 是二。\n", "<think>nested</think>"])
def test_reply_of_a_thinking_template(model: str, reasoning: str) -> None:
    """K2.5 adds two think marks and the reasoning between them, switched on or off."""
    expected = 21 + 2 + tokens(reasoning)
    assert count_completion(ANSWER, model=model, reasoning=reasoning) == expected


@pytest.mark.parametrize("model", K2)
def test_k2_has_no_reasoning(model: str) -> None:
    """A reply with reasoning is refused where the template has no place for it."""
    with pytest.raises(RequestError, match=rf"'{model}' does not reason"):
        count_completion(ANSWER, model=model, reasoning="so")


@pytest.mark.parametrize("content", [None, b"x", 3])
@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-5"])
def test_a_reply_is_text(model: str, content: object) -> None:
    """A reply that is not text is refused."""
    with pytest.raises(RequestError, match=type(content).__name__):
        count_completion(content, model=model)  # type: ignore[arg-type]


@steady
@given(conversations(named=False))
def test_k2_counts_as_an_independent_renderer(messages: list[Message]) -> None:
    """A plain conversation has the tokens of an independent rendering of K2's template."""
    renderer = KimiK2Renderer(PlainTokenizer())
    for asks in (True, False):
        rendered = renderer.render_ids(messages, add_generation_prompt=asks)
        for model in K2:
            assert count_messages(messages, model, generation_prompt=asks) == len(rendered)


@steady
@given(conversations(named=True))
def test_k25_counts_as_an_independent_renderer(messages: list[Message]) -> None:
    """K2.5 has the tokens of its rendering, less the think mark that is billed as completion."""
    renderer = KimiK25Renderer(PlainTokenizer())
    plain = [joined(message) for message in messages]
    for asks in (True, False):
        rendered = renderer.render_ids(plain, add_generation_prompt=asks)
        assert not asks or rendered.pop() == SPECIAL_TOKENS["<think>"]
        for model in K25:
            assert count_messages(messages, model, generation_prompt=asks) == len(rendered)


@pytest.mark.parametrize("model", K2 + K25)
@pytest.mark.parametrize("role", ["user", "system", "assistant", "developer"])
def test_a_name_stands_where_the_role_would(model: str, role: str) -> None:
    """A message costs three marks, its name or else its role, and its content."""
    thinks = 2 if model in K25 and role == "assistant" else 0
    for named in ("Li Lei, 李雷", "", None):
        message = {"role": role, "name": named, "content": QUESTION}
        count = count_messages([message], model, generation_prompt=False)
        assert count == 3 + thinks + tokens(named or role) + tokens(QUESTION)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"content": "x"}, "role is None"),
        ({"role": "", "content": "x"}, "role is ''"),
        ({"role": 3, "content": "x"}, "role is 3"),
        ("user: x", "must be a mapping"),
        (None, "must be a mapping"),
        ({"role": "user", "content": "x", "contents": "y"}, "unknown key 'contents'"),
        ({"role": "user"}, "content is None"),
        ({"role": "user", "content": 3}, "content is 3"),
        ({"role": "user", "content": {"type": "text"}}, "content is {"),
        ({"role": "user", "content": ["x"]}, "a part of type 'x'"),
        ({"role": "user", "content": [{"type": "text"}]}, "a part of type 'text'"),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            },
            "a part of type 'image_url'",
        ),
        ({"role": "user", "name": 3, "content": "x"}, "name is 3"),
        ({"role": "tool", "tool_call_id": "ping:0", "content": "pong"}, "tool calls"),
        (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "ping:0", "function": {"name": "ping", "arguments": "{}"}}],
            },
            "tool calls",
        ),
    ],
)
@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-5"])
def test_a_malformed_message_is_named(model: str, message: Any, reason: str) -> None:
    """One line names the message's number and what is wrong with it."""
    messages = [{"role": "user", "content": "x"}, message, {"content": "second mistake"}]
    with pytest.raises(RequestError) as caught:
        count_messages(messages, model)
    assert str(caught.value).startswith("Message 1")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "empty"),
        ("Hello", "list of messages, not str"),
        (b"Hello", "list of messages, not bytes"),
        ({"role": "user", "content": "x"}, "list of messages, not dict"),
        (None, "list of messages, not NoneType"),
        (iter([]), "list of messages, not list_iterator"),
    ],
)
def test_a_request_is_a_list_of_messages(messages: Any, reason: str) -> None:
    """Nothing but a list with at least one message is counted."""
    with pytest.raises(RequestError, match=reason):
        count_messages(messages, "kimi-k2")


@pytest.mark.parametrize("model", K2 + K25)
def test_tools_are_refused(model: str) -> None:
    """Tool declarations are refused, not left out of the count; no tools are no tools."""
    messages: list[Mapping[str, Any]] = [{"role": "user", "content": "Call the ping tool."}]
    tool = {
        "type": "function",
        "function": {
            "name": "ping",
            "description": "Return pong",
            "parameters": {"type": "object", "properties": {}},
        },
    }
    with pytest.raises(RequestError, match="Tool declarations"):
        count_messages(messages, model, tools=[tool])
    assert count_messages(messages, model, tools=[]) == count_messages(messages, model)


def test_an_unknown_model_is_refused() -> None:
    """The template is looked up, never guessed from the look of the model's id."""
    for count in (
        lambda: count_messages([{"role": "user", "content": "x"}], "kimi-k2-6"),
        lambda: count_completion("x", "kimi-k2-6"),
    ):
        with pytest.raises(UnknownModelError, match="kimi-k2-6"):
            count()


def test_a_catalog_without_a_template_cannot_count_messages() -> None:
    """A model whose catalog names no chat template is refused, with what to add."""
    catalog = load_catalog()
    models = tuple(replace(spec, chat_template=None) for spec in catalog.models)
    with pytest.raises(CatalogError, match="chat_template"):
        count_completion("x", "kimi-k2", catalog=replace(catalog, models=models))
