"""Public traces of LLM serving: Mooncake in JSON lines, BurstGPT and Azure in CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kimi_planner.errors import UsageError
from kimi_planner.usage.replies import relative
from kimi_planner.usage.row import Call, Row

__all__ = ["is_mooncake", "read_mooncake"]

_EPOCH_FROM = 1e11  # milliseconds: March 1973 as a date, three years as a length


def is_mooncake(entry: Mapping[str, Any]) -> bool:
    """Whether this is a call of a Mooncake trace."""
    return "input_length" in entry and "output_length" in entry


def read_mooncake(entry: Mapping[str, Any]) -> Row:
    """Return the row of a call.

    ``timestamp`` counts milliseconds from the start of the trace, or since 1970 from 1e11 upwards.
    The blocks of its prompt (``hash_ids``) are read by
    :func:`~kimi_planner.usage.prefix_log.read_prefix_log`.

    Raises
    ------
    UsageError
        If a length is missing, or the time is no number.
    """
    when, prompt, completion = (
        entry.get(name) for name in ("timestamp", "input_length", "output_length")
    )
    if prompt is None or completion is None:
        raise UsageError(
            f"{'input_length' if prompt is None else 'output_length'} is missing. A call has both."
        )
    if not (isinstance(when, int | float) and when >= _EPOCH_FROM):
        when = relative(when, name="timestamp", scale=0.001)
    return Call(when=when, model=entry.get("model"), prompt=prompt, completion=completion)
