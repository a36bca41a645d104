"""The Kimi vocabulary for tiktoken: `tiktoken.get_encoding("kimi_k2")`, offline.

tiktoken finds the modules of the namespace package `tiktoken_ext` by itself.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ENCODING_CONSTRUCTORS", "kimi_k2"]


def kimi_k2() -> dict[str, Any]:
    """Return what tiktoken builds the encoding from; the ranks are proven by their sha256."""
    from kimi_planner.tokens.engine import encoding_parts

    return encoding_parts()


ENCODING_CONSTRUCTORS = {"kimi_k2": kimi_k2}
