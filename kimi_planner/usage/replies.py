"""What an API answers: chat completions, Responses and Anthropic messages, streams, batch results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kimi_planner.billing.record import part_of, read_counts, usage_of
from kimi_planner.errors import UsageError, shown
from kimi_planner.usage.row import LeftOut, OpenStream, Row, more_of

__all__ = ["is_reply", "is_request", "is_usage", "read_reply", "refuse_request", "relative"]

#: Fields that no API writes into a reply, but those who log it do.
_OWN_FIELDS = frozenset({"call_id", "request_id", "timestamp", "timestamp_s"})
_CHUNK = "chat.completion.chunk"


def is_reply(entry: Mapping[str, Any]) -> bool:
    """Whether this is a reply, a chunk of one, or a batch result that wraps one."""
    return "usage" in entry or "choices" in entry or "response" in entry


def is_usage(entry: Mapping[str, Any]) -> bool:
    """Whether this is a usage object by itself."""
    return "prompt_tokens" in entry or "input_tokens" in entry


def is_request(entry: Mapping[str, Any]) -> bool:
    """Whether this is a line of a batch input, or a bare request body."""
    return ("body" in entry and "url" in entry) or "messages" in entry


def refuse_request(entry: Mapping[str, Any]) -> Row:
    """Say that a request has no usage yet.

    Raises
    ------
    UsageError
        Always.
    """
    raise UsageError(
        "a request that was not sent yet, so it has no usage. Count what it will be billed with "
        "`kimi-planner count FILE` or count_corpus."
    )


def read_reply(entry: Mapping[str, Any]) -> Row | OpenStream | LeftOut:
    """Return the row of a reply, or the id of a stream whose chunk has no usage.

    A batch result with an HTTP status of 400 or more is a failed call. What has a ``custom_id``, or
    the service tier ``batch``, is part of a batch. Times stand in ``timestamp_s`` (from the start of the log), ``timestamp``, ``created`` or
    ``created_at``, of the reply or of the entry that wraps it; ids in ``call_id``, ``request_id``
    or the reply's ``id``.

    Raises
    ------
    UsageError
        If there is no usage object, or it lacks a count.
    """
    reply = entry
    if "response" in entry:
        response = entry["response"]
        inner = response.get("body", response) if isinstance(response, Mapping) else None
        reply = inner if isinstance(inner, Mapping) else {}
    get = reply.get
    usage = get("usage")
    if usage is None:
        usage = usage_of(reply)
    call, requests = get("id"), 1
    is_chunk = get("object") == _CHUNK and isinstance(call, str) and call != ""
    if usage is None:
        if not is_usage(reply):
            if is_chunk:
                return OpenStream(call)
            if reply is not entry and _has_failed(entry["response"]):
                return LeftOut.FAILED
            raise UsageError(
                "no usage object, so the call's cost is unknown. Log `usage` with every reply."
            )
        usage, call, requests = reply, None, get("requests", 1)
    in_batch = get("service_tier") == "batch" or (usage is reply and get("batch") is True)
    when = get("created")
    if reply is not entry or when is None or not _OWN_FIELDS.isdisjoint(reply):
        for holder in (reply, entry):
            call = holder.get("call_id") or holder.get("request_id") or call
        when = _when(reply, entry)
        in_batch = in_batch or "custom_id" in entry
    return (
        call, is_chunk, when, get("model"), requests, *read_counts(usage),
        more_of(usage, batch=in_batch or part_of(usage, "service_tier") == "batch"),
    )  # fmt: skip


def relative(seconds: Any, *, name: str = "timestamp_s", scale: float = 1.0) -> timedelta | None:
    """Return a time from the start of the log.

    Raises
    ------
    UsageError
        If it is no number, or no log can be that long.
    """
    if seconds is None:
        return None
    if type(seconds) not in (int, float) or not abs(seconds * scale) < 9e9:
        raise UsageError(
            f"{name} is {shown(seconds)}. It must be a number, counted from the log's start."
        )
    return timedelta(seconds=seconds * scale)


def _has_failed(response: Any) -> bool:
    """Whether a batch result says that its request was refused."""
    status = response.get("status_code") if isinstance(response, Mapping) else None
    return isinstance(status, int) and status >= 400


def _when(reply: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    for holder in (reply, entry):
        if holder.get("timestamp_s") is not None:
            return relative(holder["timestamp_s"])
        for name in ("timestamp", "created", "created_at"):
            when = holder.get(name)
            if when is not None:
                return when
    return None
