"""A conversation is counted as the hosted API bills it and as the published templates spell it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kimi_planner import count_messages, load_catalog
from kimi_planner.errors import CatalogError, RequestError, UnknownModelError
from kimi_planner.tokens import count_completion
from kimi_planner.tokens.chat import count_prompt
from kimi_planner.tokens.engine import tiktoken_encoding

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


def tokens(text: str) -> int:
    """Count ordinary text with tiktoken."""
    return len(tiktoken_encoding().encode_ordinary(text))


PING = {
    "type": "function",
    "function": {
        "name": "ping",
        "description": "Return pong",
        "parameters": {"type": "object", "properties": {}},
    },
}


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
def test_k2_has_no_place_for_reasoning(model: str) -> None:
    """What a client sends as reasoning is in no count of a template without thoughts."""
    assert count_completion(ANSWER, model=model, reasoning="so") == 21
    thought = {"role": "assistant", "content": ANSWER, "reasoning_content": "so"}
    count = count_prompt({"messages": [thought]}, load_catalog().model(model))
    assert count.tokens == count_messages([{**thought, "reasoning_content": ""}], model)
    assert count.ignored == ("reasoning of a message",)


@pytest.mark.parametrize("content", [None, b"x", 3])
@pytest.mark.parametrize("model", ["kimi-k2", "kimi-k2-5"])
def test_a_reply_is_text(model: str, content: object) -> None:
    """A reply that is not text is refused."""
    with pytest.raises(RequestError, match=type(content).__name__):
        count_completion(content, model=model)  # type: ignore[arg-type]


@pytest.mark.parametrize(("model", "marks"), [("kimi-k2", 0), ("kimi-k2-5-thinking", 2)])
def test_a_reply_with_tool_calls(model: str, marks: int) -> None:
    """A call costs its markers, its id and its arguments, the section two markers; no end token."""
    call = {"id": "functions.ping:0", "function": {"name": "ping", "arguments": '{"n": 1}'}}
    one = 3 + tokens("functions.ping:0") + tokens('{"n": 1}')
    assert count_completion(None, model, tool_calls=[call]) == marks + 2 + one
    twice = count_completion("Wait.", model, tool_calls=[call, call])
    assert twice == marks + tokens("Wait.") + 2 + 2 * one


def test_the_recorded_bill_of_a_cut_reply() -> None:
    """Of 32 completion tokens at the cut 31 were reasoning: the prefilled mark is billed."""
    thirty_one = "so " * 31
    reasoning = tokens(thirty_one)
    whole = count_completion("", "kimi-k2-5-thinking", reasoning=thirty_one)
    assert whole == 1 + reasoning + 1 + 1


def test_the_recorded_bill_of_a_tool() -> None:
    """With one tool declared in the TypeScript form 41 prompt tokens were billed."""
    messages = [{"role": "user", "content": "Call the ping tool."}]
    assert count_messages(messages, "kimi-k2-5-thinking", [PING]) == 41


@pytest.mark.parametrize("model", K2 + K25)
def test_the_head_of_a_tool_result_meets_its_content(model: str) -> None:
    """Head and content are one text, so line breaks that meet join; the id is of `functions`."""
    message = {"role": "tool", "tool_call_id": "ping:0", "content": "\n\n  pong"}
    expected = 3 + tokens("tool") + tokens("## Return of functions.ping:0\n\n\n  pong")
    assert count_messages([message], model, generation_prompt=False) == expected


def test_reasoning_is_dropped_up_to_the_last_answer() -> None:
    """Only answers after the last one without tool calls, still at work, keep their reasoning."""
    call = {"id": "a:0", "function": {"name": "a", "arguments": "{}"}}
    works = {"role": "assistant", "content": "", "reasoning_content": "long " * 50}
    calls = {**works, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "a:0", "content": "ok"}
    ask = {"role": "user", "content": "x"}

    def dropped(*messages: Message) -> int:
        bare = [{**one, "reasoning_content": ""} for one in messages]
        model = "kimi-k2-5-thinking"
        return count_messages(messages, model) - count_messages(bare, model)

    assert dropped(ask, works, ask) == 0
    assert dropped(ask, calls, result) == tokens("long " * 50)
    assert dropped(ask, calls, result, works, ask) == 0
    assert dropped(ask, works, ask, calls, result) == tokens("long " * 50)
    assert count_messages([ask, calls, result], "kimi-k2") == count_messages(
        [ask, {**calls, "reasoning_content": ""}, result], "kimi-k2"
    )


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
        ({"role": "user", "content": 3}, "content is 3"),
        ({"role": "user", "content": {"type": "text"}}, "content is {"),
        ({"role": "user", "content": [{"type": "text"}]}, "text is None"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "the address of an image is None"),
        ({"role": "user", "name": 3, "content": "x"}, "name is 3"),
        ({"role": "assistant", "tool_calls": 3}, "tool_calls is 3"),
        ({"role": "assistant", "tool_calls": ["x"]}, "the tool call 'x' has no function"),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, "neither id nor name"),
        ({"role": "assistant", "content": "", "reasoning_content": 3}, "reasoning_content is 3"),
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
def test_no_tools_are_no_tools(model: str) -> None:
    """An empty list of tools declares nothing; what is no list is refused."""
    messages = [{"role": "user", "content": "x"}]
    assert count_messages(messages, model, []) == count_messages(messages, model)
    with pytest.raises(RequestError, match="tools must be a list"):
        count_messages(messages, model, PING)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["annotations", "audio", "function_call", "partial", "refusal"])
def test_empty_keys_of_clients_cost_nothing(key: str) -> None:
    """What clients add to a history and leave empty is no reason to refuse it."""
    messages = [{"role": "assistant", "content": "x"}]
    assert count_messages([{**messages[0], key: None}], "kimi-k2") == count_messages(
        messages, "kimi-k2"
    )


@pytest.mark.parametrize(
    ("more", "ignored"),
    [
        ({"contents": "y"}, ("contents of a message",)),
        ({"content": [{"type": "input_audio"}]}, ("a part of type 'input_audio'",)),
        ({"content": None}, ()),
    ],
)
def test_what_no_template_writes_is_named(more: Message, ignored: tuple[str, ...]) -> None:
    """Unknown keys and parts add nothing to the count, and are said; no content is empty."""
    message = {"role": "user", "content": "", **more}
    count = count_prompt({"messages": [message]}, load_catalog().model("kimi-k2-5"))
    assert count.tokens == 7
    assert count.ignored == ignored


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
