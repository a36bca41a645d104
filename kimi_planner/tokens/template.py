"""The published chat templates: a conversation as the pieces that become tokens.

A piece is ordinary text, a special token that the template itself writes, or an image. Text that
spells a special token stays text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

from kimi_planner.errors import RequestError, shown
from kimi_planner.tokens.tools import declared, declared_json

__all__ = [
    "GENERATION_PROMPT",
    "Image",
    "Piece",
    "Special",
    "completion_pieces",
    "prompt_pieces",
    "thinks",
]


class Special(Enum):
    """Special tokens that the templates write; each is one token."""

    USER = "<|im_user|>"
    ASSISTANT = "<|im_assistant|>"
    SYSTEM = "<|im_system|>"
    MIDDLE = "<|im_middle|>"
    END = "<|im_end|>"
    THINK = "<think>"
    END_THINK = "</think>"
    CALLS = "<|tool_calls_section_begin|>"
    END_CALLS = "<|tool_calls_section_end|>"
    CALL = "<|tool_call_begin|>"
    ARGUMENTS = "<|tool_call_argument_begin|>"
    END_CALL = "<|tool_call_end|>"
    MEDIA = "<|media_begin|>"
    MEDIA_CONTENT = "<|media_content|>"
    END_MEDIA = "<|media_end|>"


@dataclass(frozen=True)
class Image:
    """An image in a message, by the address that the request gives."""

    url: str


Piece = str | Special | Image

#: What asks for an answer. The `<think>` that K2.5 adds is billed as completion.
GENERATION_PROMPT: tuple[Piece, ...] = (Special.ASSISTANT, "assistant", Special.MIDDLE)

_OPENERS = {"user": Special.USER, "assistant": Special.ASSISTANT}
_KEYS = frozenset(
    {"role", "name", "content", "reasoning_content", "tool_calls", "tool_call_id", "refusal"}
)
# Keys that clients write into a history and that are empty in all that a Kimi model answers.
_EMPTY_KEYS = frozenset({"annotations", "audio", "function_call", "partial"})


def thinks(template: str) -> bool:
    """Whether a template writes ``<think>`` and ``</think>`` into every answer."""
    return template == "kimi-k2.5"


def prompt_pieces(
    messages: Sequence[Mapping[str, Any]], template: str, tools: Sequence[Any] | None
) -> Iterator[Piece]:
    """Yield what the hosted API bills as the prompt, without the generation prompt.

    Parameters
    ----------
    messages : sequence of mapping
        Chat-completions messages.
    template : {"kimi-k2", "kimi-k2.5"}
        Whose template.
    tools : sequence of mapping or None
        Tool declarations.

    Raises
    ------
    RequestError
        If a message or a tool is malformed; the message's number from 0 is named.

    Notes
    -----
    K2.5 drops the reasoning of every assistant message up to the last one without tool calls; only
    the answers after it, which are still at work with tools, keep theirs.
    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
        raise RequestError(f"messages must be a list of messages, not {type(messages).__name__}.")
    if not messages:
        raise RequestError("messages is empty. A request has at least one message.")
    if tools:
        text = declared(tools)[0] if thinks(template) else declared_json(tools)
        yield from _framed(Special.SYSTEM, "tool_declare", [text])
    answered = max(
        (
            number
            for number, message in enumerate(messages)
            if isinstance(message, Mapping)
            and message.get("role") == "assistant"
            and not message.get("tool_calls")
        ),
        default=-1,
    )
    for number, message in enumerate(messages):
        try:
            yield from _message(message, template, at_work=number > answered)
        except RequestError as error:
            raise RequestError(f"Message {number}: {error}") from None


def completion_pieces(message: Mapping[str, Any], template: str) -> Iterator[Piece]:
    """Yield what the hosted API bills as the completion.

    Parameters
    ----------
    message : mapping
        The assistant's message: ``content``, ``reasoning_content``, ``tool_calls``.
    template : {"kimi-k2", "kimi-k2.5"}
        Whose template.

    Raises
    ------
    RequestError
        If the message is malformed.
    """
    yield from _answer(message, template, with_reasoning=True)
    yield Special.END


def _message(message: Any, template: str, *, at_work: bool) -> Iterator[Piece]:
    if not isinstance(message, Mapping):
        raise RequestError(f"it must be a mapping with role and content, not {shown(message)}.")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise RequestError(f"role is {shown(role)}. Use system, user, assistant or tool.")
    for key, value in message.items():
        if key not in _KEYS and (value if key in _EMPTY_KEYS else value is not None):
            raise RequestError(f"unknown key {shown(key)}. Known: {', '.join(sorted(_KEYS))}.")
    name = message.get("name") or role
    if not isinstance(name, str):
        raise RequestError(f"name is {shown(name)}. A name is text.")
    body: Iterator[Piece]
    if role == "assistant":
        body = _answer(message, template, with_reasoning=at_work)
    elif role == "tool":
        head = f"## Return of {_text_of(message, 'tool_call_id')}\n"
        body = _joined([head, *_content(message.get("content"))])
    else:
        body = _joined(_content(message.get("content")))
    yield from _framed(_OPENERS.get(role, Special.SYSTEM), name, body)


def _framed(opener: Special, name: str, body: Sequence[Piece] | Iterator[Piece]) -> Iterator[Piece]:
    yield opener
    yield name
    yield Special.MIDDLE
    yield from body
    yield Special.END


def _answer(message: Mapping[str, Any], template: str, *, with_reasoning: bool) -> Iterator[Piece]:
    """Yield an assistant's reasoning, text and tool calls."""
    reasoning = message.get("reasoning_content") or ""
    if not isinstance(reasoning, str):
        raise RequestError(f"reasoning_content is {shown(reasoning)}. It must be text.")
    if thinks(template):
        yield Special.THINK
        if with_reasoning:
            yield reasoning
        yield Special.END_THINK
    content = message.get("content")
    for piece in _joined([] if content is None else _content(content)):
        if isinstance(piece, Image):
            raise RequestError("an assistant's content holds an image. Only text can be counted.")
        yield piece
    yield from _calls(message.get("tool_calls") or [])


def _calls(calls: Any) -> Iterator[Piece]:
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        raise RequestError(f"tool_calls is {shown(calls)}. It must be a list.")
    if not calls:
        return
    yield Special.CALLS
    for call in calls:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            raise RequestError(f"the tool call {shown(call)} has no function.")
        arguments = function.get("arguments", "")
        if not isinstance(arguments, str):
            try:
                arguments = json.dumps(arguments, ensure_ascii=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise RequestError(f"arguments cannot be written as JSON ({error}).") from None
        yield from (Special.CALL, _text_of(call, "id"), Special.ARGUMENTS, arguments)
        yield Special.END_CALL
    yield Special.END_CALLS


def _content(content: Any) -> list[Piece]:
    if isinstance(content, str):
        return [content]
    if not isinstance(content, Sequence):
        raise RequestError(f"content is {shown(content)}. It must be text or a list of parts.")
    return [piece for part in content for piece in _part(part)]


def _part(part: Any) -> tuple[Piece, ...]:
    kind = part.get("type") if isinstance(part, Mapping) else part
    if not isinstance(part, Mapping) or kind not in ("text", "image_url"):
        raise RequestError(
            f"a part of type {shown(kind)} cannot be counted. Use text or image_url."
        )
    if kind == "text":
        return (_text_of(part, "text"),)
    image = part.get("image_url")
    url = _text_of(image, "url") if isinstance(image, Mapping) else _text_of(part, "image_url")
    return (Special.MEDIA, "image", Special.MEDIA_CONTENT, Image(url), Special.END_MEDIA)


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Join texts that meet: the template writes them as one text, and it is cut as one."""
    for is_text, run in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from run
        elif text := "".join(map(str, run)):
            yield text


def _text_of(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if not isinstance(value, str):
        raise RequestError(f"{key} is {shown(value)}. It must be text.")
    return value
