"""Requests, replies and usage are found where gateways put them."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kimi_planner.errors import FileError, RequestError
from kimi_planner.tokens.logged import call_in, read_rows

MESSAGES = [{"role": "user", "content": "Hi."}]
BODY = {"model": "kimi-k2", "messages": MESSAGES, "temperature": 1}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 2,
    "completion_tokens_details": {"reasoning_tokens": 1},
}
CHOICE = {"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
REPLY = {"id": "c", "created": 1_793_527_200, "choices": [CHOICE], "usage": USAGE}
FORMS: dict[str, Any] = {
    "request and response": {"request": BODY, "response": REPLY},
    "of Helicone": {"request_body": BODY, "response_body": REPLY, "request_created_at": "2026-11-01T10:00:00Z"},
    "as text": {"request": json.dumps(BODY), "response": json.dumps(REPLY)},
    "of LiteLLM's proxy": {
        "proxy_server_request": {"url": "/chat/completions", "method": "POST", "body": BODY},
        "response": REPLY, "startTime": 1_793_527_200.5, "custom_llm_provider": "moonshot",
        "prompt_tokens": 9,
    },
    "of LiteLLM's logging": {
        "model": "kimi-k2", "messages": MESSAGES, "model_parameters": {"temperature": 1},
        "response": REPLY, "startTime": 1_793_527_200.5, "prompt_tokens": 9, "completion_tokens": 2,
    },
    "of LiteLLM's spend": {
        "model": "kimi-k2", "messages": json.dumps(MESSAGES), "response": json.dumps(REPLY),
        "startTime": "2026-11-01T10:00:00.123Z",
    },
    "stored completions": {**REPLY, "model": "kimi-k2", "messages": MESSAGES, "object": "chat.completion"},
    "of Langfuse": {"model": "kimi-k2", "input": {"messages": MESSAGES}, "output": CHOICE["message"], "usage": USAGE, "start_time": "2026-11-01T10:00:00Z"},
    "messages as input": {"model": "kimi-k2", "input": MESSAGES, "output": CHOICE["message"], "usage": USAGE, "created": 1_793_527_200_000},
    "a batch line and its result": {"custom_id": "a", "url": "/v1", "body": BODY, "response": {"status_code": 200, "body": REPLY}},
    "usage in the choice": {"request": BODY, "response": {"created": 1_793_527_200, "choices": [{**CHOICE, "usage": USAGE}]}},
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_call_is_found_in_every_form(name: str) -> None:
    """The body, the reply, what was billed, and the day."""
    call = call_in(FORMS[name])
    assert call.body["messages"] == MESSAGES
    assert call.body["model"] == "kimi-k2"
    assert "response" not in call.body
    (reply,) = call.replies
    assert reply.get("message", reply)["content"] == "Hello."
    assert (call.prompt_tokens, call.completion_tokens, call.reasoning_tokens) == (9, 2, 1)
    assert call.day == date(2026, 11, 1)


def test_a_request_of_the_responses_form() -> None:
    """Its instructions are a system message, wherever the log has it."""
    sent = {"model": "kimi-k2", "instructions": "Be brief.", "input": "Hi."}
    for row in (sent, {"request": sent}, {"body": sent, "custom_id": "a"}):
        assert call_in(row).body["messages"] == [
            {"role": "system", "content": "Be brief."},
            *MESSAGES,
        ]


def test_a_body_alone_is_a_request() -> None:
    """Without a reply nothing is known of the bill."""
    call = call_in(json.dumps(BODY).encode())
    assert (call.body, call.replies, call.prompt_tokens, call.day) == (BODY, (), None, None)


def test_usage_of_anthropic_excludes_the_cache() -> None:
    """What was read from the cache or written to it is added back."""
    usage = {"input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 1}
    call = call_in({"request": BODY, "usage": {**usage, "output_tokens": 2}})
    assert (call.prompt_tokens, call.completion_tokens) == (9, 2)


@pytest.mark.parametrize("time", ["yesterday", 5, 61.5, True, None, -1, 10**400, float("inf")])
def test_what_is_no_time_is_no_day(time: Any) -> None:
    """Text of another form, and seconds since a log began, are no calendar day."""
    assert call_in({"request": BODY, "created": time}).day is None


@pytest.mark.parametrize("row", [{}, [], "x", 5, None, {"input": "text"}, {"body": {}}, b"{", b"5"])
def test_a_row_without_a_request_is_refused(row: Any) -> None:
    """One line that says what a row must be."""
    with pytest.raises(RequestError, match=r"no messages|not JSON"):
        call_in(row)


def test_rows_of_files(tmp_path: Path) -> None:
    """JSON lines, also packed; one value; a list; a list as data: each row with its place."""
    lines = b"\xef\xbb\xbf" + b"\n\n".join(json.dumps({"n": n}).encode() for n in range(2))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.log").write_bytes(lines)
    (tmp_path / "c.json").write_text('{"n": 0}')
    (tmp_path / "d.json").write_text('{"data": [{"n": 0}, {"n": 1}]}')

    def rows(name: str) -> list[tuple[str, Any]]:
        return [
            (
                str(place)[len(str(tmp_path)) + 1 :],
                json.loads(row) if isinstance(row, bytes) else row,
            )
            for place, row in read_rows(tmp_path / name)
        ]

    for name in ("a.jsonl.gz", "b.log"):
        assert rows(name) == [(f"{name} line 1", {"n": 0}), (f"{name} line 3", {"n": 1})]
    assert rows("c.json") == [("c.json", {"n": 0})]
    assert rows("d.json") == [("d.json row 1", {"n": 0}), ("d.json row 2", {"n": 1})]
    with pytest.raises(FileError, match="no such file"):
        rows("none.json")
    for text in (b"a,b\n1,2\n", b'{\n"messages": [,]\n}', b"", b"\xff\x00"):
        (tmp_path / "e.json").write_bytes(text)
        with pytest.raises(FileError, match=r"e\.json: not JSON"):
            rows("e.json")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines)[:-9])
    with pytest.raises(FileError, match="damaged"):
        rows("cut.jsonl.gz")
