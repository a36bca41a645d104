"""Counting chat: what the API bills as prompt and as completion for a plain conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import CatalogError, RequestError, shown
from kimi_planner.tokens.engine import count_tokens

__all__ = ["count_completion", "count_messages"]

# Special tokens: one opens a message and names its kind, one parts the role from the content, one
# ends the message. They cost one token each, whatever the kind.
MESSAGE_MARKERS = 3
GENERATION_MARKERS = 2  # <|im_assistant|> and <|im_middle|>; the role between them is text
THINK_MARKERS = 2  # <think> and </think>
END_TOKEN = 1

_MESSAGE_KEYS = frozenset({"role", "name", "content", "reasoning_content", "refusal"})


def count_messages(
    messages: Sequence[Mapping[str, Any]],
    model: str,
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    generation_prompt: bool = True,
    catalog: Catalog | None = None,
) -> int:
    """Count the prompt tokens that a plain conversation is billed.

    Parameters
    ----------
    messages : sequence of mapping
        Chat-completions messages: ``role``, ``content`` (text, or a list of text parts), and
        optionally ``name``. ``reasoning_content`` of earlier answers is not resent by the
        template and costs nothing.
    model : str
        Model id in the catalog; it decides the chat template.
    tools : sequence of mapping, optional
        Tool declarations. Conversations with tools are refused, not miscounted.
    generation_prompt : bool
        Whether to count the tokens that ask for an answer. They are billed; Moonshot's
        ``estimate-token-count`` endpoint leaves them out.
    catalog : Catalog, optional
        Where to look the model up; the default catalog if not given.

    Returns
    -------
    int
        ``usage.prompt_tokens`` of the reply.

    Raises
    ------
    RequestError
        If a message is malformed, or holds what a plain conversation does not: tools, tool
        calls, images.
    UnknownModelError
        If the catalog has no such model.

    Notes
    -----
    The form is that of the chat templates Moonshot publishes with the weights, checked against
    recorded bills of the hosted API, which adds no default system prompt. K2.5 puts an empty
    ``<think></think>`` before each earlier answer of the assistant.

    Examples
    --------
    >>> count_messages([{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}], model="kimi-k2")
    19
    """
    thinks = _template(model, catalog) == "kimi-k2.5"
    if tools:
        raise RequestError(
            "Tool declarations cannot be counted by this version. Count the messages without tools."
        )
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
        raise RequestError(f"messages must be a list of messages, not {type(messages).__name__}.")
    if not messages:
        raise RequestError("messages is empty. A request has at least one message.")
    count = sum(_count_message(message, number, thinks) for number, message in enumerate(messages))
    if generation_prompt:
        count += GENERATION_MARKERS + count_tokens("assistant")
    return count


def count_completion(
    content: str, model: str, *, reasoning: str = "", catalog: Catalog | None = None
) -> int:
    """Count the completion tokens that a plain reply is billed.

    Parameters
    ----------
    content : str
        The visible answer.
    model : str
        Model id in the catalog; it decides the chat template.
    reasoning : str
        The chain of thought before it, where the model has one.
    catalog : Catalog, optional
        Where to look the model up; the default catalog if not given.

    Returns
    -------
    int
        ``usage.completion_tokens`` of the reply: its text and the end token; for K2.5 also
        ``<think>`` and ``</think>``, which the hosted API bills as completion. With thinking
        switched off that is inferred from bills with thinking on, not recorded.

    Raises
    ------
    RequestError
        If ``content`` or ``reasoning`` is not text, or the template has no reasoning.
    UnknownModelError
        If the catalog has no such model.

    Examples
    --------
    >>> count_completion(" 你好，李雷！1+1等于2。如果你有其他问题，请随时提问！", model="kimi-k2")
    21
    """
    if _template(model, catalog) == "kimi-k2.5":
        return THINK_MARKERS + count_tokens(reasoning) + count_tokens(content) + END_TOKEN
    if reasoning:
        raise RequestError(f"Model {model!r} does not reason. Leave reasoning out.")
    return count_tokens(content) + END_TOKEN


def _template(model: str, catalog: Catalog | None) -> str:
    catalog = catalog or load_catalog()
    template = catalog.model(model).chat_template
    if template is None:
        raise CatalogError(
            f"Catalog {catalog.version} names no chat template for {model!r}, so its messages cannot be "
            "counted. Add chat_template in a new catalog version."
        )
    return template


def _count_message(message: Any, number: int, thinks: bool) -> int:
    if not isinstance(message, Mapping):
        raise RequestError(
            f"Message {number} must be a mapping with role and content, not {shown(message)}."
        )
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise RequestError(
            f"Message {number}: role is {shown(role)}. Use system, user or assistant."
        )
    if role == "tool" or message.get("tool_calls"):
        raise RequestError(
            f"Message {number}: tool calls and their results cannot be counted by this version."
        )
    for key, value in message.items():
        if key not in _MESSAGE_KEYS and value is not None and key != "tool_calls":
            raise RequestError(
                f"Message {number}: unknown key {shown(key)}. Known: {', '.join(sorted(_MESSAGE_KEYS))}."
            )
    name = message.get("name") or role
    if not isinstance(name, str):
        raise RequestError(f"Message {number}: name is {shown(name)}. A name is text.")
    markers = MESSAGE_MARKERS + (THINK_MARKERS if thinks and role == "assistant" else 0)
    return markers + count_tokens(name) + count_tokens(_text(message, number))


def _text(message: Mapping[str, Any], number: int) -> str:
    content = message.get("content")
    if content is None and message["role"] == "assistant":
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise RequestError(
            f"Message {number}: content is {shown(content)}. It must be text or a list of text parts."
        )
    texts = []
    for part in content:
        if (
            not isinstance(part, Mapping)
            or part.get("type") != "text"
            or not isinstance(part.get("text"), str)
        ):
            kind = part.get("type") if isinstance(part, Mapping) else part
            raise RequestError(
                f"Message {number}: a part of type {shown(kind)} cannot be counted by this version; only text can."
            )
        texts.append(part["text"])
    return "".join(texts)
