"""JSON-lines logs of chat completions: OpenAI and Kimi replies, streams and batch results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.lines import RawLog, Rejects, numbered_lines
from kimi_planner.usage.record import UsageRecord

__all__ = ["read_jsonl"]


def read_jsonl(path: Path, rejects: Rejects) -> RawLog:
    """Read JSON lines of replies, stream chunks, batch results or bare usage objects.

    Raises
    ------
    UsageError
        If a line is bad and errors are not skipped.
    """
    rows: list[tuple[Any, ...]] = []
    lines: list[int] = []
    unfinished: dict[str, int] = {}
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        try:
            row = _json_row(line, number, unfinished)
        except UsageError as error:
            rejects.add(f"{path} line {number}: {error}")
            continue
        if row is not None:
            rows.append(row)
            lines.append(number)
    for stream, number in unfinished.items():
        rejects.add(
            f"{path} line {number}: stream {shown(stream)} ends without a usage object, so its cost is "
            "unknown. Ask for usage in the stream (stream_options.include_usage)."
        )
    names = (
        "timestamp",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "reasoning_tokens",
    )
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return RawLog(columns=dict(zip(names, map(list, columns), strict=True)), lines=lines)


def _json_row(line: str, number: int, unfinished: dict[str, int]) -> tuple[Any, ...] | None:
    """Return one row, or ``None`` for a stream chunk whose usage is still to come."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON ({error}). Each line must be one whole object.") from None
    if not isinstance(entry, Mapping):
        raise UsageError(f"{shown(entry)} is not an object. Each line must be one whole object.")
    response = entry.get("response")  # batch results wrap the reply
    reply = response.get("body") if isinstance(response, Mapping) else entry
    reply = reply if isinstance(reply, Mapping) else {}
    usage = _usage_of(reply)
    stream = reply.get("id") if reply.get("object") == "chat.completion.chunk" else None
    if usage is None:
        if stream is not None:
            unfinished.setdefault(str(stream), number)
            return None
        raise UsageError(
            "no usage object, so the call's cost is unknown. Log `usage` with every reply."
        )
    unfinished.pop(str(stream), None)
    record = UsageRecord.of(usage)
    when = next(
        (reply[key] for key in ("timestamp", "created") if reply.get(key) is not None), None
    )
    model = reply.get("model")
    if model is not None and not isinstance(model, str):
        raise UsageError(f"model is {shown(model)}. A model id is text.")
    return (
        when if when is not None else entry.get("timestamp"),
        model,
        record.prompt_tokens,
        record.completion_tokens,
        record.cached_tokens,
        record.reasoning_tokens,
    )


def _usage_of(reply: Mapping[str, Any]) -> Any:
    if reply.get("usage") is not None:
        return reply["usage"]
    choices = reply.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        usage = choices[0].get("usage")  # Kimi, last chunk of a stream
        if usage is not None:
            return usage
    return reply if "prompt_tokens" in reply else None
