"""Messages of other forms as chat messages: blocks of Anthropic's, objects of client libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["chat_messages", "plain"]

_BLOCKS = ("thinking", "tool_use", "tool_result")


def plain(message: Any) -> Any:
    """Return what a client's library returned as the mapping that it dumps; others as they are."""
    dump = None if isinstance(message, Mapping) else getattr(message, "model_dump", None)
    return dump() if callable(dump) else message


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
    content = message.get("content") if isinstance(message, Mapping) else None
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
