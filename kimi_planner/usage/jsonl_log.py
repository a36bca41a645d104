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
    calls: dict[int | str, tuple[int, tuple[Any, ...] | None]] = {}
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        call: int | str = number
        try:
            entry = _object(line)
            reply = _reply(entry)
            call = _stream(reply) or number
            row = _row(entry, reply)
        except UsageError as error:
            rejects.add(f"{path} line {number}: {error}")
            calls.pop(call, None)
            continue
        if row is not None or call not in calls:
            calls[call] = (number, row)  # the last usage of a stream counts for all of it
    for stream, (number, row) in calls.items():
        if row is None:
            rejects.add(
                f"{path} line {number}: stream {shown(stream)} ends without a usage object, so its cost "
                "is unknown. Ask for usage in the stream (stream_options.include_usage)."
            )
    finished = [(number, row) for number, row in calls.values() if row is not None]
    names = (
        "timestamp",
        "model",
        "requests",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "reasoning_tokens",
    )
    columns = {name: [row[place] for _, row in finished] for place, name in enumerate(names)}
    return RawLog(columns=columns, lines=[number for number, _ in finished])


def _object(line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON ({error}). Each line must be one whole object.") from None
    if not isinstance(entry, Mapping):
        raise UsageError(f"{shown(entry)} is not an object. Each line must be one whole object.")
    return entry


def _reply(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    response = entry.get("response")  # batch results wrap the reply
    reply = response.get("body") if isinstance(response, Mapping) else entry
    return reply if isinstance(reply, Mapping) else {}


def _stream(reply: Mapping[str, Any]) -> str | None:
    """Return the id that the chunks of one streamed reply share."""
    stream = reply.get("id") if reply.get("object") == "chat.completion.chunk" else None
    return stream if isinstance(stream, str) and stream else None


def _row(entry: Mapping[str, Any], reply: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return one row, or ``None`` for a stream chunk without usage."""
    usage = _usage_of(reply)
    if usage is None:
        if _stream(reply):
            return None
        raise UsageError(
            "no usage object, so the call's cost is unknown. Log `usage` with every reply."
        )
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
        reply.get("requests", 1) if usage is reply else 1,
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
