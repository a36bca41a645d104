"""Counts held against a log: what is met, and the one rule that would explain the rest."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image
from test_tokens_requests import changed

from kimi_planner import count_messages, count_tokens, load_catalog
from kimi_planner.errors import FileError, RequestError
from kimi_planner.tokens import audit, count_completion
from kimi_planner.tokens.auditing import EXACT, IN_RANGE, UNKNOWN
from kimi_planner.tokens.causes import DEFAULT_SYSTEM

CATALOG = load_catalog("2026-11-public-2")
BILLS = Path(__file__).parents[2] / "shared" / "data" / "recorded_bills.jsonl"
K2, K25, K3 = "kimi-k2-0905-preview", "kimi-k2.5", "kimi-k3"
DAY = "2026-05-01"
THOUGHT = "They ask for the weather, so I look it up."

ASKED = [{"role": "user", "content": "What is the weather in 北京?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}


def at_work(identity: str) -> list[dict[str, Any]]:
    function = {"name": "look", "arguments": '{"city": "北京"}'}
    call = {"id": identity, "type": "function", "function": function}
    turn = {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": THOUGHT}
    return [*ASKED, turn, {"role": "tool", "tool_call_id": identity, "content": "sunny"}]


def picture() -> list[dict[str, Any]]:
    data = io.BytesIO()
    Image.new("L", (56, 56)).save(data, "png")
    url = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Describe"}]
    return [{"role": "user", "content": parts}]


def row(billed: int, messages: Any = ASKED, model: str = K2, **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": messages, **more.pop("options", {})}
    return {"created_at": DAY, "request": body, "usage": {"prompt_tokens": billed}, **more}


def count(messages: Any = ASKED, model: str = K2, as_of: str = DAY, **options: Any) -> int:
    return count_messages(messages, model, as_of=as_of, catalog=CATALOG, **options)


def cause(*rows: dict[str, Any]) -> str:
    """Return the one cause of all rows."""
    (found,) = {call.cause for call in audit(rows, catalog=CATALOG).calls if call.what == "prompt"}
    return found


def test_recorded_bills_are_met_or_explained() -> None:
    """Every recorded call of Moonshot is exact, or a rule, a day or a missing suffix explains it."""
    if not BILLS.exists():
        pytest.skip(f"recorded bills are not at {BILLS.name} beside the checkout")
    rows = []
    for line in map(json.loads, BILLS.read_text("utf-8").splitlines()):
        days = re.findall(r"20\d\d-\d\d-\d\d", line.get("commit") or "")
        line["request"]["model"] = line["hosted_model"]
        rows.append({**line, "created_at": days[-1]} if days else line)
    ids = {"moonshotai/kimi-k2-0905": K2, "moonshotai/kimi-k2.5-0127": K25}
    made = audit(rows, ids, catalog=CATALOG, image_sizes={"x": (224, 224)})  # as its note says
    assert not [call for call in made.calls if call.cause in (UNKNOWN, IN_RANGE)]
    assert len(made.of("prompt", EXACT)) > 70
    assert len(made.of("reply")) == len(made.of("reply", EXACT)) > 50
    assert made.left_out == 0
    (image,) = [call for call in made.calls if call.cause == "the prefill <think> billed as prompt"]
    assert (image.model, image.billed_tokens) == ("kimi-k2.5", 81)


def test_what_is_met_is_exact() -> None:
    """A prompt and a reply as they are billed, with the sums in the sentence."""
    reply = {"choices": [{"message": {"role": "assistant", "content": "Sunny."}}]}
    usage = {"prompt_tokens": count(), "completion_tokens": count_completion("Sunny.", K2, catalog=CATALOG)}  # fmt: skip
    made = audit([row(0, response={**reply, "usage": usage}, usage=None)], catalog=CATALOG)
    assert [(call.what, call.cause, call.difference) for call in made.calls] == [
        ("prompt", EXACT, 0),
        ("reply", EXACT, 0),
    ]
    assert "1 prompts 1 are exact, 0 explained, 0 unknown" in made.sentence()
    assert made.sentence() in " ".join(repr(made).split())
    assert made.sentence().replace("'", "&#x27;") in made._repr_html_()


RULES = {
    "tools in JSON, the form of another day": lambda: row(
        count(tools=[TOOL], as_of="2025-09-10"), options={"tools": [TOOL]}
    ),
    "tools in TypeScript, the form of another day": lambda: row(
        count(tools=[TOOL]), options={"tools": [TOOL]}, created_at="2025-09-10"
    ),
    "ids of calls as they were sent": lambda: row(
        count(at_work("look:0")) + 2 * (count_tokens("look:0") - count_tokens("functions.look:0")),
        at_work("look:0"),
    ),
    "ids of calls written name:n": lambda: row(count(at_work("look:0")), at_work("call_abcdef")),
    "no message of effort": lambda: row(count(model=K3) - 67, model=K3),
    "no line break after an image": lambda: row(
        count(picture(), K25) - count_tokens("\nDescribe") + count_tokens("Describe"),
        picture(),
        K25,
    ),
    "reasoning of the history kept": lambda: row(
        count([*at_work("look:0"), {"role": "assistant", "content": "Sunny."}, *ASKED], K25)
        + count_tokens(THOUGHT),
        [*at_work("look:0"), {"role": "assistant", "content": "Sunny."}, *ASKED],
        K25,
    ),
    "thinking off": lambda: row(
        count(at_work("look:0"), K25, thinking={"type": "disabled"}), at_work("look:0"), K25
    ),
    "a default system prompt": lambda: row(
        count([{"role": "system", "content": DEFAULT_SYSTEM}, *ASKED])
    ),
    "the prefill <think> billed as prompt": lambda: row(count(model=K25) + 1, model=K25),
    "the prefill <think></think> billed as prompt": lambda: row(count(model=K25) + 2, model=K25),
    "without the tokens that ask for an answer": lambda: row(count(generation_prompt=False)),
    "the template of another host (Groq)": lambda: row(count() + 37, provider="Groq"),
    UNKNOWN: lambda: row(count() + 37),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_that_was_changed_is_named(rule: str) -> None:
    """A log in which one rule was changed is explained by that rule."""
    assert cause(RULES[rule]()) == rule


def test_the_same_difference_on_several_calls_is_named() -> None:
    """Five tokens more on each of three calls of other lengths have something in common."""
    asked = [[{"role": "user", "content": "word " * times}] for times in (1, 20, 300)]
    rows = [row(count(messages) + 5, messages) for messages in asked]
    assert cause(*rows).startswith("always +5 tokens")
    assert cause(*rows[:2]) == UNKNOWN


def test_a_bill_within_the_range_of_an_estimate_is_said() -> None:
    """An image that is not at hand has a range, and a bill in it is no surprise."""
    parts = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    assert cause(row(300, [{"role": "user", "content": parts}], K25)) == IN_RANGE


def reply_cause(billed: int, reply: Any, model: str = K2, reasoning_tokens: int = 0) -> str:
    usage = {
        "completion_tokens": billed,
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    logged = row(0, model=model, response={"choices": [reply]})
    logged["usage"] = {"prompt_tokens": count(model=model), **usage}
    (found,) = audit([logged], catalog=CATALOG).of("reply")
    return found.cause


def test_replies_are_explained() -> None:
    """A cut answer, an end token, other ids, thoughts that were not logged, and none of these."""
    said = {"message": {"role": "assistant", "content": "Sunny."}}
    call = at_work("look:0")[1]["tool_calls"][0]
    calls = {"message": {"role": "assistant", "content": "", "tool_calls": [call]}}
    plain, called = (
        count_completion(reply["message"], K2, catalog=CATALOG) for reply in (said, calls)
    )
    thought = count_completion("Sunny.", K25, reasoning="Hm, so.", catalog=CATALOG)
    ids = count_tokens("functions.look:0") - count_tokens("look:0")
    assert reply_cause(plain - 1, {**said, "finish_reason": "length"}) == "cut at its limit"
    assert reply_cause(called + 1, calls) == "an end token after calls of tools"
    assert reply_cause(called - ids, calls) == "ids of calls as they were sent"
    assert reply_cause(thought, said, K25, count_tokens("Hm, so.")) == (
        "reasoning that is not in the log"
    )
    assert reply_cause(plain, said, K25) == "no marks of thinking"
    assert reply_cause(plain + 9, said) == UNKNOWN


def test_rows_that_hold_no_bill_are_left_out_with_the_reason(tmp_path: Path) -> None:
    """No usage, no request, no JSON, an unknown model: each is named with its line."""
    log = tmp_path / "log.jsonl"
    rows = [row(count()), {**row(0), "usage": None}, {"a": 1}, row(1, model="other/gpt")]
    log.write_text("\n".join(map(json.dumps, rows)) + "\nno json\n", "utf-8")
    made = audit(log, catalog=CATALOG)
    assert (len(made.calls), made.left_out) == (1, 4)
    for number, words in ((2, "no usage"), (3, "no messages"), (4, "Unknown model"), (5, "JSON")):
        assert any(f"line {number}: " in said and words in said for said in made.messages)
    assert "4 rows left out" in made.sentence()
    with pytest.raises(FileError, match="no such file"):
        audit(tmp_path / "none.jsonl")


def test_odd_rows_are_left_out_and_nothing_else_happens() -> None:
    """2,000 rows with odd values anywhere are held against their bill or named, whatever they are."""
    rng = Random(3)
    calls = row(9, reply={"choices": [{"message": at_work("look:0")[1]}]}, provider="Groq")
    calls["usage"]["completion_tokens"] = 5
    rows = [changed(rng.choice([calls, row(9)]), rng) for _ in range(2_000)]
    made = audit([*rows, at_work("look:0"), 5], catalog=CATALOG)
    assert made.left_out + len(made.of("prompt")) == 2_002
    assert min(made.left_out, len(made.of("reply"))) > 100
    assert all(len(said) <= 420 and "\n" not in said for said in made.messages)
    with pytest.raises(RequestError, match="log is 5"):
        audit(5)  # type: ignore[arg-type]


def test_an_empty_log_says_so() -> None:
    """Nothing to hold is no success."""
    made = audit([])
    assert made.sentence().startswith("No call has a request and its usage")
    assert made.frame.empty


def test_the_frame_has_a_row_for_each_cause() -> None:
    """Calls and tokens of each model, prompts or replies, and cause."""
    frame = audit([row(count()), row(count()), row(count() + 37)], catalog=CATALOG).frame
    assert frame.cause.tolist() == [EXACT, UNKNOWN]
    assert frame.calls.tolist() == [2, 1]
    assert frame.difference_tokens.tolist() == [0, 37]
