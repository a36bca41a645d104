"""``estimate``, ``count --audit`` and ``catalog evidence``: forms, places, exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kimi_planner import count_messages, load_catalog
from kimi_planner.tokens.evidence import EVIDENCE_KINDS, Evidence, evidence_rows

PAGE = Path(__file__).parents[1] / "docs" / "evidence.md"
MESSAGES = [{"role": "user", "content": "Say hi."}]
BODY = {"model": "kimi-k2", "messages": MESSAGES}
REPLY = {"choices": [{"message": {"role": "assistant", "content": "Hi."}}]}
USAGE = {"prompt_tokens": 10, "completion_tokens": 3}


def written(name: str, *rows: Any) -> str:
    Path(name).write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return name


def test_a_body_is_estimated_in_words(run):
    """Tokens, cost, fit, exactness; what it rests on and what is ignored on lines of their own."""
    code, out, err = run(
        "estimate", written("a.json", {**BODY, "top_k": 1}), "--completion-tokens", 3
    )
    assert (code, err) == (0, "")
    first, *rest = out.splitlines()
    assert first.startswith("a.json  kimi-k2: prompt 10 + completion 3 tokens, 0.000023 USD, fits;")
    assert any(line.startswith("    why: ") for line in rest)
    assert "    ignored: top_k" in rest


def test_a_batch_and_a_log_are_estimated_row_by_row(run):
    """Lines of a batch and rows of logs count alike; a reply in the log is the answer."""
    log = written(
        "log.jsonl", {"custom_id": "a", "body": BODY}, {"request": BODY, "response": REPLY}
    )
    code, out, _ = run("estimate", log, "--format", "json")
    made = json.loads(out)
    assert (code, made["format"], made["catalog"], made["as_of"]) == (0, 1, "2026-06", None)
    assert [row["place"] for row in made["requests"]] == ["log.jsonl line 1", "log.jsonl line 2"]
    assert [row["completion_tokens"] for row in made["requests"]] == [None, 3]
    prompt, answer = 10 * Decimal("1.20") / 10**6, 3 * Decimal("3.60") / 10**6
    assert [Decimal(row["cost_usd"]) for row in made["requests"]] == [prompt, prompt + answer]
    assert Decimal(made["total"]["cost_usd"]) == 2 * prompt + answer
    assert made["total"]["prompt_tokens"] == 20
    assert "2 requests: prompts 20 tokens" in run("estimate", log)[1]


def test_ranges_images_and_refusals_are_in_the_rows(run):
    """An image elsewhere has a range until its pixels are given; CSV has the same columns."""
    part = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    body = {"model": "kimi-k2-5", "messages": [{"role": "user", "content": [part]}]}
    path = written("a.json", {**body, "max_tokens": 127_999})
    (row,) = csv.DictReader(io.StringIO(run("estimate", path, "--format", "csv")[1]))
    assert int(row["prompt_low"]) < int(row["prompt_high"])
    assert (row["exactness"], row["completion_tokens"]) == ("estimate", "")
    assert "context window" in row["refused"]
    sizes = written("sizes.json", {"https://example.org/a.png": [280, 280]})
    (row,) = json.loads(run("estimate", path, "--image-sizes", sizes, "--format", "json")[1])["requests"]  # fmt: skip
    assert row["prompt_low"] == row["prompt_high"]
    assert run("estimate", path, "--image-sizes", written("bad.json", [1]))[0] == 2
    Path("bad.json").write_text("{")
    assert run("estimate", path, "--image-sizes", "bad.json")[0] == 2


def test_the_day_and_the_model_can_be_given(run):
    """The rules of the day count: JSON tools in September 2025, TypeScript later."""
    tool = {"type": "function", "function": {"name": "look", "description": "Look it up."}}
    path = written("a.json", {**BODY, "tools": [tool]})
    options = ("--catalog", "2026-11-public-2", "--model", "kimi-k2-0905-preview")
    counts = {}
    for day in ("2025-09-10", "2026-05-01"):
        code, out, _ = run("estimate", path, "--as-of", day, *options, "--format", "json")
        counts[day] = json.loads(out)["requests"][0]["prompt_tokens"]
        counted = run("count", path, "--as-of", day, *options, "--format", "json")
        assert json.loads(counted[1])["tokens"] == counts[day]
        assert code == 0
    assert len(set(counts.values())) == 2


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([{"x": 1}], 2, "a.jsonl line 1: no messages"),
        ([BODY, {"messages": MESSAGES}], 2, "line 2: model is None"),
        ([{**BODY, "model": "kimi-k9"}], 3, "Unknown model 'kimi-k9'"),
        ([{**BODY, "model": "kimi-k9"}, {"x": 1}], 2, "no messages"),
        ([{**BODY, "messages": [5]}], 2, "Message 0"),
    ],
)
def test_exit_codes(run, rows, code, words):
    """2 for bad input, 3 for an unknown model; one line for each; the rest is still printed."""
    found, out, err = run("estimate", written("a.jsonl", *rows))
    assert found == code
    assert words in err
    assert (BODY in rows) == ("kimi-k2: prompt 10" in out)


def test_files_that_cannot_be_read(run):
    """A missing file and one that is no JSON end with code 2 in one line."""
    for name in ("none.json", "bad.json"):
        Path("bad.json").write_text("{")
        code, out, err = run("estimate", name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert name in err


def test_many_faults_are_counted(run):
    """Twenty are shown, and how many there are."""
    _, _, err = run("estimate", written("a.jsonl", *[{"x": 1}] * 30))
    assert err.count("\n") == 21
    assert "30 requests could not be estimated" in err


def test_count_reads_a_request_as_the_prompt_it_is_billed(run):
    """A JSON file that is a request counts as one; other JSON counts as text."""
    for row in (BODY, {"custom_id": "a", "body": BODY}, {"request": BODY, "usage": USAGE}):
        _, out, _ = run("count", written("a.json", row), "--format", "json")
        assert json.loads(out)["tokens"] == count_messages(MESSAGES, "kimi-k2") == 10
        assert json.loads(out)["files"][0]["form"] == "json"
    for row in ({"messages": "text"}, {"messages": []}, [1, 2], {"messages": {"hello": "Hi."}}):
        _, out, _ = run("count", written("a.json", row), "--format", "json")
        assert json.loads(out)["files"][0]["form"] == "text"
    listed = written("a.json", [BODY, BODY])
    assert json.loads(run("count", listed, "--form", "json", "--format", "json")[1])["tokens"] == 20
    code, _, err = run("count", written("a.json", {"messages": MESSAGES}))
    assert (code, "model is None" in err) == (3, True)
    assert run("count", "a.json", "--model", "kimi-k2")[0] == 0


def test_count_holds_counts_against_a_log(run):
    """Causes with calls and tokens, as a table, JSON and CSV; what is left out ends with 3."""
    log = written("log.jsonl", {"request": BODY, "response": REPLY, "usage": USAGE})  # fmt: skip
    code, out, err = run("count", "--audit", log)
    assert (code, err) == (0, "")
    assert "kimi-k2  prompt  1  exact  (+0 tokens)" in out
    assert "Of 1 prompts 1 are exact" in out
    causes = json.loads(run("count", "--audit", log, "--format", "json")[1])["causes"]
    assert [(row["what"], row["cause"], row["calls"]) for row in causes] == [
        ("prompt", "exact", 1),
        ("reply", "exact", 1),
    ]
    rows = list(csv.DictReader(io.StringIO(run("count", "--audit", log, "--format", "csv")[1])))
    assert [row["billed_tokens"] for row in rows] == ["10", "3"]
    code, out, err = run("count", "--audit", written("none.jsonl", BODY))
    assert (code, "no usage" in err) == (3, True)
    assert run("count", "--audit", log, log)[0] == 2
    log = written("log.jsonl", {"request": {**BODY, "model": "k2-of-host"}, "usage": USAGE})
    assert run("count", "--audit", log, "--model", "k2-of-host=kimi-k2,other=kimi-k2-5")[0] == 0


def test_evidence_is_shown_for_each_model(run, monkeypatch):
    """Own bills first, else those of the family; thinking off and images have their words."""
    bill = {"model": "kimi-k2.5", "template": "kimi-k2.5", "hosts": ("h",)}
    recorded = (
        Evidence(**bill, kind="plain", met=2, recorded=3, explained=1),
        Evidence(**bill, kind="tools", met=1, recorded=2),
    )
    monkeypatch.setattr("kimi_planner.tokens.evidence.evidence", lambda: recorded)
    rows = {(row["model"], row["kind"]): row for row in evidence_rows(load_catalog())}
    assert len(rows) == 4 * len(EVIDENCE_KINDS)
    assert rows["kimi-k2-5-thinking", "plain"]["exactness"] == "billed"
    assert rows["kimi-k2-5-thinking", "plain"]["evidence"] == "2 and 1 explained of 3 of kimi-k2.5 (h)"  # fmt: skip
    assert rows["kimi-k2-5-thinking", "tools"]["exactness"] == "template"
    assert rows["kimi-k2-5", "plain"]["exactness"] == "template"
    assert rows["kimi-k2-5", "plain"]["evidence"].endswith("; none with thinking off")
    assert rows["kimi-k2", "reply"]["evidence"] == "no bill recorded"
    assert rows["kimi-k2", "images"]["evidence"].endswith("is not stated")
    code, out, _ = run("catalog", "evidence", "2026-06", "--format", "json")
    assert (code, json.loads(out)["evidence"]) == (0, list(rows.values()))
    printed = csv.DictReader(
        io.StringIO(run("catalog", "evidence", "2026-06", "--format", "csv")[1])
    )
    assert list(printed) == list(rows.values())
    lines = run("catalog", "evidence")[1].splitlines()
    assert len(lines) > len(rows)  # also the models that are still sold
    assert lines[0].split()[:3] == ["kimi-k2-5", "plain", "template"]


def test_the_page_shows_the_evidence(run, request):
    """The table of the page is what the command prints; --update-golden writes it."""
    table = run("catalog", "evidence", "--format", "markdown")[1]
    block = re.compile(r"(?<=<!-- evidence -->\n).*?(?=<!-- end -->)", re.DOTALL)
    page = PAGE.read_text("utf-8")
    if request.config.getoption("--update-golden"):
        page = block.sub(lambda _: table, page)
        PAGE.write_text(page, "utf-8")
    found = block.search(page)
    assert found is not None
    assert found[0] == table
