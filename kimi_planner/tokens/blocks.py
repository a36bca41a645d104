"""Other forms as chat: bodies of Responses, blocks of Anthropic's, objects of client libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BLOCKS = ("thinking", "tool_use", "tool_result")


def plain(message: Any) -> Any:
    """Return what a client's library returned as the mapping that it dumps; others as they are."""
    if type(message) is dict:  # nearly all
        return message
    dump = getattr(message, "model_dump", None)
    return dump() if callable(dump) else message


def chat_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the chat body that one of the Responses form stands for; others as they are.

    It keeps the key ``input``, with nothing in it, so that what it was can be said.

    Examples
    --------
    >>> chat_body({"input": "Hi.", "max_output_tokens": 5})["messages"]
    [{'role': 'user', 'content': 'Hi.'}]
    """
    items = body.get("input")
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    if "messages" in body or not isinstance(items, list):
        return body
    instructions = body.get("instructions")
    messages = [{"role": "system", "content": instructions}] if instructions else []
    chat = {key: value for key, value in body.items() if key not in ("instructions", "text")}
    chat |= {"messages": messages + _messages(items), "input": None}
    if "max_output_tokens" in chat:
        chat["max_completion_tokens"] = chat.pop("max_output_tokens")
    if isinstance(body.get("reasoning"), Mapping):
        chat["reasoning_effort"] = chat.pop("reasoning").get("effort")
    text = body.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    if isinstance(form, Mapping):
        chat["response_format"] = {**form, "json_schema": form}
    return chat


def _messages(items: list[Any]) -> list[Any]:
    """Return the messages of items; thoughts and calls that follow each other are of one turn."""
    messages: list[Any] = []
    turn: dict[str, Any] = {}
    for item in items:
        kind = _type(item)
        if kind not in ("reasoning", "function_call"):
            turn = {}
        elif not turn:
            turn = {"role": "assistant", "content": None}
            messages.append(turn)
        if kind == "reasoning":
            turn["reasoning_details"] = item.get("content") or item.get("summary")
        elif kind == "function_call":
            call = {"id": item.get("call_id"), "function": item}
            turn["tool_calls"] = [*turn.get("tool_calls", ()), call]
        elif kind == "function_call_output":
            result = {"role": "tool", "tool_call_id": item.get("call_id")}
            messages.append({**result, "content": item.get("output")})
        elif kind == "message":
            messages.append({key: item[key] for key in item if key not in ("type", "status")})
        else:
            messages.append(item)
    return messages


def chat_messages(message: Any) -> list[dict[str, Any]] | None:
    """Return the chat messages that one with blocks stands for; ``None`` if it has none.

    A thought is reasoning, a use of a tool a call, and each result a message of its own, before
    what else the user says.

    Examples
    --------
    >>> block = {"type": "tool_result", "tool_use_id": "f:0", "content": "5"}
    >>> chat_messages({"role": "user", "content": [block]})
    [{'role': 'tool', 'tool_call_id': 'f:0', 'content': '5'}]
    """
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return None
    blocks = {kind: [part for part in content if _type(part) == kind] for kind in _BLOCKS}
    if not any(blocks.values()):
        return None
    rest = {**message, "content": [part for part in content if _type(part) not in _BLOCKS]}
    if blocks["thinking"]:
        thoughts = (part.get("thinking") for part in blocks["thinking"])
        rest["reasoning_content"] = "".join(text for text in thoughts if isinstance(text, str))
    if blocks["tool_use"]:
        rest["tool_calls"] = [
            {
                "id": part.get("id"),
                "function": {"name": part.get("name"), "arguments": part.get("input")},
            }
            for part in blocks["tool_use"]
        ]
    results = [
        {
            "role": "tool",
            "tool_call_id": part.get("tool_use_id"),
            "content": part.get("content"),
        }
        for part in blocks["tool_result"]
    ]
    return [*results, rest] if rest["content"] or not results else results


def _type(part: Any) -> Any:
    return part.get("type") if isinstance(part, Mapping) else None
