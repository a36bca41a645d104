"""Calls in files and logs: what was sent, and what came back, where gateways put them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from kimi_planner.errors import FileError, RequestError, Where, shown
from kimi_planner.files import no_such_file
from kimi_planner.json_text import loaded
from kimi_planner.packed import DamagedFileError, open_unpacked
from kimi_planner.tokens.blocks import chat_body
from kimi_planner.tokens.requests import BODY_KEYS

_REQUESTS = ("body", "request", "proxy_server_request", "request_body", "input", "kwargs")
_OPTIONS = ("model_parameters", "optional_params")
_REPLIES = ("response", "reply", "output", "response_body", "completion")
_DAYS = ("created", "created_at", "startTime", "start_time", "request_created_at", "timestamp")
_HOSTS = ("provider", "custom_llm_provider", "host")
_FIRST_SECOND = 10**9  # of 2001; less is the time since a log began
_DEEPEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """A call as a log has it; what is not in it is ``None``.

    Attributes
    ----------
    body
        What was sent, with the model that the log names where the body names none.
    replies
        The answers, each a choice, a message or text.
    prompt_tokens, completion_tokens, reasoning_tokens
        What was billed, cached tokens included.
    day, host
        When, and who served it.
    """

    body: Mapping[str, Any]
    replies: tuple[Any, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    day: date | None = None
    host: str | None = None


def read_rows(path: str | Path) -> Iterator[tuple[Where, Any]]:
    """Yield the rows of a file with their places: JSON lines, or one JSON value.

    That is one row, or a list of them, alone or as ``data``. Lines come unparsed, as bytes.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    path = Path(path)
    try:
        with open_unpacked(path) as handle:
            if any(ending in (".jsonl", ".ndjson") for ending in path.suffixes):
                yield from _lines(path, handle)
                return
            raw = handle.read()
    except FileNotFoundError:
        raise no_such_file(path) from None
    except (OSError, DamagedFileError) as error:
        raise FileError(f"cannot be read ({error}).", at=path) from None
    try:
        value = loaded(raw)
    except (ValueError, RecursionError) as error:
        lines = list(_lines(path, BytesIO(raw)))
        if len(lines) < 2 or not _is_json(lines[0][1]):
            raise FileError(f"not JSON ({shown(str(error), 80)}).", at=path) from None
        yield from lines
        return
    if isinstance(value, Mapping) and isinstance(value.get("data"), list):
        value = value["data"]
    if not isinstance(value, list):
        yield Where(path), value
        return
    for number, row in enumerate(value, start=1):
        yield Where(path, number, "row"), row


def call_in(row: Any) -> LoggedCall:
    """Return the call that a row of a file or a log holds.

    Parameters
    ----------
    row : mapping or bytes
        A body, a line of a batch input, or a row of a log with a request (also as JSON text) and
        perhaps a reply and usage; bytes are JSON.

    Raises
    ------
    RequestError
        If there is no request in it.

    Examples
    --------
    >>> call_in({"request": {"messages": []}, "usage": {"prompt_tokens": 5}}).prompt_tokens
    5
    """
    if isinstance(row, bytes):
        try:
            row = loaded(row)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"not JSON ({shown(str(error), 80)}).") from None
    body = body_in(row)
    row = row if isinstance(row, Mapping) else {}
    reply = next((value for key in _REPLIES if (value := _parsed(row.get(key)))), None)
    if isinstance(reply, Mapping) and isinstance(reply.get("body"), Mapping):
        reply = reply["body"]
    if reply is None and row.get("choices"):
        reply = row
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    replies = choices if isinstance(choices, list) else [] if reply is None else [reply]
    usage = _usage(row, reply, *replies[:1])
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    if prompt is not None and "prompt_tokens" not in usage:  # of Anthropic, without cached ones
        added = (usage.get(f"cache_{kind}_input_tokens") for kind in ("read", "creation"))
        prompt += sum(tokens for tokens in added if type(tokens) is int)
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    hosts = (
        one[key] for one in (row, reply) if isinstance(one, Mapping) for key in _HOSTS if key in one
    )
    return LoggedCall(
        body=body,
        replies=tuple(reply for reply in replies if isinstance(reply, Mapping | str)),
        prompt_tokens=prompt,
        completion_tokens=_first(usage, "completion_tokens", "output_tokens"),
        reasoning_tokens=_first(details, "reasoning_tokens"),
        day=_day(row, reply),
        host=next((host for host in hosts if isinstance(host, str)), None),
    )


def body_in(row: Any) -> Mapping[str, Any]:
    """Return the body of the request that a row holds, with the row's model if it names none.

    Raises
    ------
    RequestError
        If there is none.
    """
    body = _body(row, _DEEPEST)
    if body is None:
        raise RequestError(
            "no messages. A row must be a chat body, a batch line or a log's row with a request."
        )
    model = row.get("model") if isinstance(row, Mapping) else None
    return {**body, "model": model} if isinstance(model, str) and not body.get("model") else body


def _body(row: Any, deep: int) -> Mapping[str, Any] | None:
    row = _parsed(row)
    if isinstance(row, list) and row and isinstance(row[0], Mapping) and "role" in row[0]:
        return {"messages": row}
    if not isinstance(row, Mapping) or not deep:
        return None
    if "model" in row and "input" in row and not isinstance(row["input"], Mapping):
        row = chat_body(row)
    if "messages" in row:
        options = [value for key in _OPTIONS if isinstance(value := row.get(key), Mapping)]
        if not options and not any(key in row for key in (*_REPLIES, "usage", "choices")):
            return row if not isinstance(row["messages"], str) else _opened(row)
        known = {key: value for key, value in row.items() if key in BODY_KEYS}
        return _opened(dict(pair for option in options for pair in option.items()) | known)
    bodies = (_body(row[key], deep - 1) for key in _REQUESTS if key in row)
    return next((body for body in bodies if body is not None), None)


def _opened(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**body, "messages": _parsed(body["messages"])}


def _parsed(value: Any) -> Any:
    """Return what JSON text holds; a log may have a request as text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            return loaded(value)
    return value


def _usage(*holders: Any) -> Mapping[str, Any]:
    for holder in holders:
        if isinstance(holder, Mapping):
            usage = _parsed(holder.get("usage"))
            if isinstance(usage, Mapping) and _first(usage, "prompt_tokens", "input_tokens"):
                return usage
    return holders[0] if "prompt_tokens" in holders[0] else {}


def _first(usage: Any, *keys: str) -> int | None:
    values = (usage.get(key) for key in keys) if isinstance(usage, Mapping) else ()
    return next((value for value in values if type(value) is int and value >= 0), None)


def _day(*holders: Any) -> date | None:
    for holder in holders:
        for key in _DAYS if isinstance(holder, Mapping) else ():
            time = holder.get(key)
            with suppress(ValueError, OverflowError, OSError):
                if isinstance(time, str):
                    return datetime.fromisoformat(time).date()
                if isinstance(time, int | float) and _FIRST_SECOND < time < 10**20:
                    while time > 100 * _FIRST_SECOND:  # in thousandths or less
                        time /= 1000
                    return datetime.fromtimestamp(time, UTC).date()
    return None


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[Where, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Where(path, number), line.removeprefix(b"\xef\xbb\xbf")
