"""Exact token counts: vocabulary, engines, chat templates."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimi_planner.tokens.chat import count_completion, count_messages
    from kimi_planner.tokens.engine import count_tokens, count_tokens_batch

__all__ = ["count_completion", "count_messages", "count_tokens", "count_tokens_batch"]

_HOMES = {
    "count_completion": "chat",
    "count_messages": "chat",
    "count_tokens": "engine",
    "count_tokens_batch": "engine",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
