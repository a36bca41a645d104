"""Logs as the tools of other people write them: variants of each form, with their totals by hand."""

import bz2
import csv
import gzip
import io
import json
import lzma
import subprocess
import sys
import zipfile
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from logs import lines, totals

from kimi_planner import price_usage, read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage import lines as blocks
from kimi_planner.usage import total_usage

AT = "2026-03-05T10:00:00Z"
SECONDS = 1_772_704_800
PARTS = {"input_tokens": 1000, "output_tokens": 300}
MESSAGE = {
    "id": "msg_aaaaaaaaaa", "type": "message", "model": "kimi-k2",
    "usage": {"input_tokens": 11, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 90, "output_tokens": 33},
}  # fmt: skip
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "kimi-k2", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300}  # fmt: skip
CACHED = {"gen_ai.usage.cache_read.input_tokens": 640, "gen_ai.usage.reasoning.output_tokens": 40}
LANGFUSE = {"id": "obs-00000001", "type": "GENERATION", "startTime": AT, "model": "kimi-k2"}
HELICONE = {
    "request_id": "aaaa-bbbb-cccc", "request_created_at": AT, "response_status": 200, "model": "kimi-k2",
    "prompt_tokens": 1000, "completion_tokens": 300, "cache_reference_id": "00000000-0000-0000-0000-000000000000",
}  # fmt: skip
NEW_API = {"id": 7, "created_at": SECONDS, "type": 2, "token_name": "T", "model_name": "kimi-k2", "quota": 5}  # fmt: skip
REPORT = {"usage_date_utc": "2026-03-05", "model_version": "kimi-k2", "usage_type": "message_batch", "usage_input_tokens_no_cache": 150,
          "usage_input_tokens_cache_write_5m": 5, "usage_input_tokens_cache_write_1h": 10, "usage_input_tokens_cache_read": 40, "usage_output_tokens": 50}  # fmt: skip


def table(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tagged(name, parent, tags):
    """Return a span as Jaeger writes it."""
    return {
        "traceID": "t", "spanID": name, "startTime": SECONDS * 10**6, "tags": [{"key": key, "value": value} for key, value in tags.items()],
        "references": [{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}] if parent else [],
    }  # fmt: skip


def logged(name, parent, **metrics):
    """Return a row of Braintrust's logs, of a call."""
    return {
        "id": f"row-{name}", "span_id": name, "root_span_id": "r", "span_parents": [parent] if parent else None,
        "span_attributes": {"type": "llm"}, "created": AT, "metrics": {"prompt_tokens": 1000, "completion_tokens": 300, **metrics},
    }  # fmt: skip


#: From a name: what a log holds, and the totals that it means (None where it does not say).
VARIANTS = {
    "a span below another, by a reference": (lines({"data": [{"traceID": "t", "spans": [tagged("a0", "", CHAT), tagged("a1", "a0", CHAT | CACHED)]}]}), (1, 1000, 640, 300, 40, 0, 0)),
    "a span of Zipkin below another": (lines([
        {"traceId": "t", "id": "a0aaaaaaaa", "timestamp": SECONDS * 10**6, "tags": CHAT},
        {"traceId": "t", "id": "a1aaaaaaaa", "parentId": "a0aaaaaaaa", "timestamp": SECONDS * 10**6, "tags": CHAT},
    ]), (1, 1000, None, 300, None, 0, 0)),
    "a row of Braintrust below another": (lines(logged("r", ""), logged("c", "r", prompt_cached_tokens=640)), (1, 1000, 640, 300, None, 0, 0)),
    "spans whose total holds the cached tokens": (lines({"spanId": "a1", "attributes": {
        "gen_ai.system": "anthropic", "gen_ai.usage.input_tokens": 801, "gen_ai.usage.output_tokens": 33, "gen_ai.usage.cache_read_input_tokens": 700,
        "gen_ai.usage.cache_creation_input_tokens": 90, "llm.usage.total_tokens": 834}}), (1, 801, 700, 33, None, 90, 0)),
    "a gateway's own cache, by a reference": (lines(HELICONE, HELICONE | {"request_id": "dddd-eeee-ffff", "cache_reference_id": "aaaa-bbbb-cccc"}), (1, 1000, None, 300, None, 0, 0)),
    "a failure with counts of nothing": (lines(
        {"uuid": "0190-aaaa", "event": "$ai_generation", "timestamp": AT, "properties": {"$ai_input_tokens": 1000, "$ai_output_tokens": 300}},
        {"uuid": "0190-bbbb", "event": "$ai_generation", "timestamp": AT, "properties": {"$ai_input_tokens": 0, "$ai_output_tokens": 0, "$ai_is_error": True}},
    ), (1, 1000, None, 300, None, 0, 0)),
    "a failure without an answer": (lines({"timestamp": AT, "usage": PARTS}, {"timestamp": AT, "status": "error", "usage": {"input_tokens": 50}}), (1, 1000, None, 300, None, 0, 0)),
    "writes of each lifetime and their sum": (lines(LANGFUSE | {"usageDetails": {
        "input": 11, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 90, "input_cache_creation_5m": 30, "input_cache_creation_1h": 60, "output": 33}}),
        (1, 801, 700, 33, None, 30, 60)),
    "writes of each lifetime in LiteLLM": (lines({"id": "x-123456789", "startTime": SECONDS, "prompt_tokens": 1000, "completion_tokens": 300, "metadata": {"usage_object": {"prompt_tokens_details": {
        "cached_tokens": 640, "cache_creation_tokens": 100, "cache_creation_token_details": {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}}}}}), (1, 1000, 640, 300, None, 40, 60)),
    "usage in the message of a run": (lines({"id": "run-00000001", "run_type": "llm", "trace_id": "t", "start_time": AT, "prompt_tokens": 1000, "completion_tokens": 300, "outputs": {"generations": [[
        {"message": {"kwargs": {"usage_metadata": PARTS | {"input_token_details": {"cache_read": 640}, "output_token_details": {"reasoning": 40}}}}}]]}}), (1, 1000, 640, 300, 40, 0, 0)),
    "objects for each side": (lines({"timestamp": AT, "usage": {"inputTokens": {"total": 1000, "noCache": 360, "cacheRead": 640, "cacheWrite": 0}, "outputTokens": {"total": 300, "text": 260, "reasoning": 40}}}),
        (1, 1000, 640, 300, 40, 0, 0)),
    "times of a call beside its counts": (lines({"created": SECONDS, "usage": PARTS | {"queue_time": 0.01, "total_time": 1.2}}), (1, 1000, None, 300, None, 0, 0)),
    "an expired request of a batch": (lines({"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}}, {"custom_id": "b", "result": {"type": "expired"}}), (1, 801, 700, 33, None, 90, 0)),
    "the gaps of ccusage": (lines({"blocks": [
        {"id": AT, "startTime": AT, "isGap": False, "tokenCounts": {"inputTokens": 100, "outputTokens": 60, "cacheCreationInputTokens": 20, "cacheReadInputTokens": 800}, "totalTokens": 980},
        {"id": "gap", "startTime": AT, "isGap": True, "tokenCounts": {"inputTokens": 0, "outputTokens": 0, "cacheCreationInputTokens": 0, "cacheReadInputTokens": 0}, "totalTokens": 0},
    ]}), (1, 920, 800, 60, None, 20, 0)),
    "the projects of ccusage": (lines({"projects": {name: [{"date": "2026-03-05", "inputTokens": 100, "outputTokens": 60, "cacheCreationTokens": 20, "cacheReadTokens": 800}] for name in "ab"}}),
        (2, 1840, 1600, 120, None, 40, 0)),
    "a relay's call in the form of messages": (lines(NEW_API | {"prompt_tokens": 811, "completion_tokens": 33, "other": json.dumps({"claude": True, "cache_tokens": 700, "cache_creation_tokens": 90})}),
        (1, 1601, 700, 33, None, 90, 0)),
    "a report as a table": (table(REPORT), (1, 205, 40, 50, None, 5, 10)),
    "the older usage of OpenAI": (lines({"object": "list", "data": [{"n_requests": 5, "snapshot_id": "kimi-k2", "aggregation_timestamp": SECONDS, "n_context_tokens_total": 1000,
        "n_cached_context_tokens_total": 640, "n_generated_tokens_total": 300}]}), (5, 1000, 640, 300, None, 0, 0)),
    "a failed row of a table": ("date,model,prompt_tokens,completion_tokens,status\n2026-03-05,kimi-k2,1000,300,ok\n2026-03-05,kimi-k2,,,error\n", (1, 1000, None, 300, None, 0, 0)),
    "a table of spans, one below another": (lines(
        {"Timestamp": AT, "TraceId": "t", "SpanId": "a0", "ParentSpanId": "", "SpanAttributes": {key: str(value) for key, value in CHAT.items()}},
        {"Timestamp": AT, "TraceId": "t", "SpanId": "a1", "ParentSpanId": "a0", "SpanAttributes": {key: str(value) for key, value in (CHAT | CACHED).items()}},
    ), (1, 1000, 640, 300, 40, 0, 0)),
    "columns of spans, one below another": (table(*[{"Timestamp": AT, "trace.trace_id": "t", "trace.span_id": name, "trace.parent_id": parent, **CHAT} for name, parent in (("a0", ""), ("a1", "a0"))]),
        (1, 1000, None, 300, None, 0, 0)),
    "spans whose fields are in an object of any name": (lines(
        {"span_id": "a1", "parent_span_id": "r", "trace_id": "t", "start_timestamp": SECONDS, "data": {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300}},
        {"span_id": "a2", "parent_span_id": "a1", "trace_id": "t", "start_timestamp": SECONDS, "data": {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.input_tokens.cached": 640, "gen_ai.usage.output_tokens": 300}},
    ), (1, 1000, 640, 300, None, 0, 0)),
    "cached input beside writes of nought": (lines({"timestamp": AT, **PARTS, "cached_input_tokens": 640, "cache_creation_input_tokens": 0}), (1, 1000, 640, 300, None, 0, 0)),
    "input whose total holds the cached tokens": (lines({"timestamp": AT, "usage": PARTS | {"cache_read_input_tokens": 640, "total_tokens": 1300}}), (1, 1000, 640, 300, None, 0, 0)),
    "values of OTLP in another spelling": (lines({"resource_spans": [{"scope_spans": [{"spans": [{"span_id": "a1", "start_time_unix_nano": SECONDS * 10**9, "attributes": [
        {"key": key, "value": {"int_value" if type(value) is int else "string_value": value}} for key, value in CHAT.items()]}]}]}]}), (1, 1000, None, 300, None, 0, 0)),
    "messages of one conversation are no spans": (lines(*[{"id": name, "parentId": parent, "timestamp": AT, "usage": PARTS} for name, parent in (("m1-aaaaaaaa", None), ("m2-aaaaaaaa", "m1-aaaaaaaa"))]),
        (2, 2000, None, 600, None, 0, 0)),
    "steps beside their sum": (lines({"timestamp": AT, "usage": PARTS | {"input_tokens_details": {"cached_tokens": 640}}, "steps": [{"usage": PARTS | {"cached_tokens": 640}}]}),
        (1, 1000, 640, 300, None, 0, 0)),
    "replies by their ids": (lines({name: {"id": name, "created": SECONDS, "usage": PARTS} for name in ("reply-00001", "reply-00002")}), (2, 2000, None, 600, None, 0, 0)),
    "a reply in a field of any name, twice": (lines(*[{"ts": AT, "resp_body": {"id": "reply-00001", "model": "kimi-k2", "usage": PARTS}}] * 2), (1, 1000, None, 300, None, 0, 0)),
    "usage by model": (lines({"ts": AT, "usage_metadata": dict.fromkeys(("kimi-k2", "kimi-k2-5"), PARTS)}), (2, 2000, None, 600, None, 0, 0)),
    "a reply that is text": (lines(*[{"ts": AT, "response": json.dumps({"id": "reply-00001", "usage": PARTS})}] * 2), (1, 1000, None, 300, None, 0, 0)),
    "a year with strokes after it": ("date,prompt_tokens,completion_tokens\n2026/03/05 10:00:00,1000,300\n", (1, 1000, None, 300, None, 0, 0)),
    "a line for Excel": ("sep=;\ndate;prompt_tokens;completion_tokens\n2026-03-05;1000;300\n", (1, 1000, None, 300, None, 0, 0)),
    "an object as pandas writes it": (table({"timestamp": AT, "model": "kimi-k2", "usage": str(PARTS | {"input_tokens_details": {"cached_tokens": 640}, "x": None})}), (1, 1000, 640, 300, None, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_means_its_totals(tmp_path, read, variant):
    """Rows alone and totals of the file are those by hand."""
    content, expected = VARIANTS[variant]
    frame = read(content, "log")
    assert totals(frame) == expected
    assert frame["timestamp"].notna().all() or "spans" in variant or "batch" in variant
    added = total_usage(tmp_path / "log", by=()).total
    assert added["prompt_tokens"] == expected[1]
    assert added["requests"] == expected[0]


def test_the_batches_of_a_report_are_batches(read):
    """What a dashboard calls a batch of messages is billed as one."""
    assert read(table(REPORT), "log.csv")["batch"].tolist() == [True]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (LANGFUSE | {"usageDetails": {"inp": 11, "input_cached": 5, "output": 33, "total": 49}}, "usage_details.inp is 11, which is no known kind of input or output"),
        (LANGFUSE | {"usageDetails": {"input": 11, "input_2": 12, "output": 33}}, "usage_details.input_2 is 12, which is no known kind"),
        ({"usage": PARTS | {"cache_creation_input_tokens": -5}}, "written_tokens is negative"),
        ({"usage": PARTS | {"total_tokens": [1300]}}, "total_tokens is [1300]. It must be a whole number"),
        ({"usage": PARTS | {"input_tokens_details": [{"cached_tokens": 640}]}}, "usage.input_tokens_details is [{'cached_tokens': 640}], which looks like"),
        ({"usage": PARTS, "cache_creation": '{"ephemeral_1h_input_tokens": 10}'}, "cache_creation is '{\"ephemeral_1h_input_tokens\": 10}', which looks like cache"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId": "a", "attributes": [
            *({"key": key, "value": {"intValue": "5"}} for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")),
            {"key": "gen_ai.usage.cache_read.input_tokens", "val": {"intValue": "4"}}]}]}]}]}, "which looks like cache and was not read"),
        ({"spanId": "a", "attributes": {"llm.token.counts": '{"input_tokens": 1000}'}}, "llm.token.counts is '{\"input_tokens\": 1000}', which looks like"),
        ({"timestamp": AT, "message": {"type": "StatusUpdate", "payload": {"tokens_used": {"input_other": 5, "output": 5}}}}, "tokens_used.input_other is 5, which looks like tokens"),
        ({"input_length": 5, "type": "text", "chat_id": 1, "length_of_output": 5}, "completion_tokens is missing"),
        ({"date": "2026-03-05", "uncached_input_tokens": 360, "output_tokens": 300}, "cached_tokens are missing, and the prompt is stated without them"),
        ({"usage": PARTS, "cachedreadtokens": 640}, "cachedreadtokens is 640, which looks like cache"),
        ({"daily": [{"date": "2026-03-05", "inputTokens": 100, "outputTokens": 60, "cacheCreationTokens": 20, "cacheReadTokens": [8], "modelBreakdowns": [
            {"modelName": "m", "inputTokens": 100, "outputTokens": 60, "cacheCreationTokens": 20, "cacheReadTokens": 8}]}]}, "cached_tokens is [8]"),
    ],
    ids=str,
)  # fmt: skip
def test_a_count_that_is_not_one_stops_the_run(read, entry, said):
    """What stands in a place of its own, and what no meter has, is checked like the others."""
    with pytest.raises(UsageError) as caught:
        read(lines(entry))
    assert said in str(caught.value)


def test_writes_beyond_those_of_each_lifetime_are_kept(read):
    """A host may state the sum and nought for each lifetime."""
    usage = MESSAGE["usage"] | {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 30}}  # fmt: skip
    assert totals(read(lines(MESSAGE | {"usage": usage}))) == (1, 801, 700, 33, None, 60, 30)


def test_breakdowns_whose_counts_are_text_are_added_up(read):
    """Parts stand for the whole only where they are all of it."""
    part = {"inputTokens": "50", "outputTokens": "30", "cacheCreationTokens": "10", "cacheReadTokens": "400"}  # fmt: skip
    day = {"date": "2026-03-05", "inputTokens": "100", "outputTokens": "60", "cacheCreationTokens": "20", "cacheReadTokens": "800"}  # fmt: skip
    for n in (2, 1):
        parts = [part | {"modelName": f"m{k}"} for k in range(n)]
        frame = read(lines({"daily": [day | {"modelBreakdowns": parts}]}))
        assert (len(frame), totals(frame)) == (n, (n, 920, 800, 60, None, 20, 0))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cache_hit": True}, "cache_hit is True, which looks like cache and was not read. An answer from a gateway's own cache is not billed"),
        ({"my_request_count": 12}, "my_request_count is 12, which looks like requests"),
        ({"count": 12}, "count is 12, which looks like requests"),
        ({"Invocations": 12}, "Invocations is 12, which looks like requests"),
        ({"cache_status": "HIT"}, "cache_status is 'HIT', which looks like cache"),
        ({"finished_at": AT}, "finished_at is '2026-03-05T10:00:00Z', which looks like time"),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_be_no_call_stops_the_run(read, more, said):
    """An answer of a cache may not be billed, and a day that is not read has other prices."""
    call = {"model": "kimi-k2", "prompt_tokens": 1000, "completion_tokens": 300}
    with pytest.raises(UsageError, match=r"line 1: ") as caught:
        read(lines(call | more))
    assert said in str(caught.value)
    assert len(read(lines(call | dict.fromkeys(more, False)))) == 1


def test_epochs_are_no_seconds_since_the_start(read):
    """A log in the form of a trace may have dates, which have prices."""
    head = "Timestamp,Model,Request tokens,Response tokens\n"
    for written in (SECONDS, AT):
        frame = read(f"{head}{written},kimi-k2,1000,300\n", "log.csv")
        assert frame["timestamp"].tolist() == [pd.Timestamp(AT)]


def test_a_cost_in_another_currency_is_not_one_in_usd(read):
    """Unknown in USD, and said to be nothing."""
    call = {"timestamp": AT, "prompt_tokens": 1000, "completion_tokens": 300, "total_price": "0.5"}
    frame = read(lines(call | {"currency": "RMB"}, call | {"currency": "USD"}))
    assert (frame.attrs["logged_cost_usd"], frame.attrs["logged_cost_rows"]) == (0.5, 1)


def test_a_cursor_inside_of_a_page_says_that_there_are_more(read):
    """However deep it is in what is said of the page."""
    spans = {"data": [{"id": "x", "attributes": {"span_id": "222222222", "metrics": PARTS}}]}
    frame = read(lines(spans | {"meta": {"page": {"after": "abc"}}}))
    assert frame.attrs["completeness"] == "partial"


DATED = [f"2026-03-0{day},m,{day}00,{day}0" for day in (1, 2, 5)]
UNDATED = [f",m,{n}00,{n}0" for n in range(1, 21)]
HEADER = "date,model,prompt_tokens,completion_tokens"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([*DATED, *DATED], "every row without an id is there twice"),
        ([row for row in DATED for _ in (1, 2)], "every row without an id is there twice"),
        ([*UNDATED, *UNDATED], "every row without an id is there twice"),
        ([*DATED, "2026-03-06,m,800,80"], "its last row is the sum of all others"),
        ([*DATED, ",,800,80"], "its last row is the sum of all others"),
        (DATED, None),
        ([*UNDATED[:3], *UNDATED[:3]], None),
        ([*DATED, *DATED[:2]], None),
        ([DATED[0], DATED[0]], None),
    ],
)
def test_a_doubled_log_is_told_however_it_is_read(tmp_path, read, rows, why):
    """One after the other, side by side or in two files: frames and totals say the same."""
    frame = read("\n".join((HEADER, *rows, "")), "log.csv")
    assert frame.attrs["completeness"] == ("doubled" if why else "whole")
    middle = len(rows) // 2
    for name, part in (("a.csv", rows[:middle]), ("b.csv", rows[middle:])):
        (tmp_path / name).write_text("\n".join((HEADER, *part, "")), encoding="utf-8")
    parts = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for said in (
        frame.attrs["notes"],
        read_usage(parts).attrs["notes"],
        total_usage(parts, by="model").notes,
    ):
        assert [why in str(one) for one in said] == ([True] if why else [])


def test_a_frame_of_a_file_is_priced_as_the_file(tmp_path):
    """A call that pandas has read twice costs once; other columns stay."""
    rows = [
        {"call_id": name, "timestamp": AT, "model": "kimi-k2", "prompt_tokens": 1000, "completion_tokens": 300, "team": "a"}
        for name in ("call-00001", "call-00002", "call-00001")
    ]  # fmt: skip
    path = tmp_path / "log.csv"
    path.write_text(table(*rows), encoding="utf-8")
    priced = price_usage(pd.read_csv(path))
    assert priced["total_usd"].tolist() == price_usage(read_usage(path))["total_usd"].tolist()
    assert priced["team"].tolist() == ["a", "a"]
    assert priced.attrs["duplicates"] == 1
    other = {
        "model": "kimi-k2",
        "input_tokens": 1000,
        "cached_input_tokens": 640,
        "output_tokens": 300,
    }
    path.write_text(
        table(other, other | {"status": "error", "output_tokens": ""}), encoding="utf-8"
    )
    priced = price_usage(pd.read_csv(path).set_axis(["x", "y"]))
    assert priced["total_usd"].tolist() == price_usage(read_usage(path))["total_usd"].tolist()
    assert (priced.index.tolist(), priced["cached_tokens"].tolist()) == (["x"], [640])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.astype({"prompt_tokens": "float64"}),
        lambda frame: frame.astype({"completion_tokens": "object"}),
        lambda frame: frame.astype({"requests": "Int64"}),
        lambda frame: frame.astype({"prompt_tokens": "int32"}),
        lambda frame: frame.astype({"cached_tokens": "float64"}),
        lambda frame: frame.astype({"timestamp": "str"}),
        lambda frame: frame.astype({"model": "category"}),
        lambda frame: frame.assign(batch=["true", "false", ""]),
        lambda frame: frame.assign(batch=[1, 0, 0]),
        lambda frame: frame.drop(columns="reasoning_tokens"),
        lambda frame: frame.assign(team="a")[["team", *frame]],
    ],
)
def test_a_frame_costs_the_same_in_any_types(change):
    """Whole numbers as floats, as objects or with missing ones, times as text: each row's exact amount."""
    frame = read_usage(pd.DataFrame({
        "timestamp": [AT] * 3, "model": "kimi-k2-5", "prompt_tokens": [1000, 2000, 3000],
        "cached_tokens": [640, None, 0], "completion_tokens": [300, 0, 7],
    }))  # fmt: skip
    changed = change(frame)
    tokens = zip([1000, 2000, 3000], [300, 0, 7], strict=True)
    hand = [
        (prompt * Decimal("2.50") + out * Decimal("7.50")) / 1_000_000 for prompt, out in tokens
    ]
    if "batch" in changed:
        assert read_usage(changed)["batch"].tolist() == [True, False, False]
        return
    assert price_usage(changed, catalog="2026-06")["total_usd"].tolist() == hand


def test_a_total_of_floats_is_exact():
    """Past what a float holds: each of the rows is a whole number, and so is their sum."""
    most = 10**15 - 1
    rows = {"timestamp": [AT] * 100, "model": "m", "prompt_tokens": most, "completion_tokens": 1}
    frame = read_usage(pd.DataFrame(rows)).astype({"prompt_tokens": "float64"})
    assert total_usage(frame, ()).total["prompt_tokens"] == 100 * most


def test_a_repeated_call_costs_once_also_in_a_frame_that_was_read():
    """Where the caller has put its id beside the columns of a usage frame."""
    rows = {
        "timestamp": [AT] * 3,
        "model": "kimi-k2",
        "prompt_tokens": 1000,
        "completion_tokens": 300,
    }
    frame = read_usage(pd.DataFrame(rows)).assign(
        call_id=["call-00001", "call-00002", "call-00001"]
    )
    assert price_usage(frame, catalog="2026-06")["total_usd"].tolist() == [Decimal("0.00228")] * 2


def test_a_streamed_message_keeps_what_its_start_says(read):
    """How the input was cached, and that it was a batch; output is what its end says."""
    usage = {"input_tokens": 10, "cache_read_input_tokens": 30, "output_tokens": 1, "service_tier": "batch"}  # fmt: skip
    start = {"type": "message_start", "message": {"id": "m", "model": "kimi-k2", "usage": usage}}
    frame = read(lines(start, {"type": "message_delta", "usage": {"output_tokens": 7}}))
    columns = ["prompt_tokens", "cached_tokens", "completion_tokens", "batch"]
    assert frame[columns].to_numpy().tolist() == [[40, 30, 7, True]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_was_changed_for_the_worse_is_named_by_its_label(place):
    """Of a frame that was read and sound, the first row as any other."""
    rows = {
        "timestamp": [AT] * 3,
        "model": "kimi-k2",
        "prompt_tokens": 1000,
        "completion_tokens": 300,
    }
    frame = read_usage(pd.DataFrame(rows)).set_axis(["x", "y", "z"])
    frame.iloc[place, frame.columns.get_loc("prompt_tokens")] = -5
    with pytest.raises(UsageError, match=rf"usage frame row {'xyz'[place]}: prompt_tokens is -5"):
        price_usage(frame, catalog="2026-06")


def test_a_key_that_no_column_has_is_refused_before_the_whole_table_is_read(tmp_path, monkeypatch):
    """The header says it, whatever stands below; a folder may still state it."""
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 1 << 12)
    rows = [f"2026-03-05,kimi-k2,{n},1" for n in range(1, 1000)]
    path = tmp_path / "team=a" / "log.csv"
    path.parent.mkdir()
    path.write_text("\n".join((HEADER, *rows, "2026-03-05,kimi-k2,bad,1", "")), encoding="utf-8")
    with pytest.raises(UsageError, match="There is no column 'tema' to add up by"):
        total_usage(path, by="tema")
    with pytest.raises(UsageError, match="line 1001: prompt_tokens is 'bad'"):
        total_usage(tmp_path, by="team")


def test_one_line_of_something_else_is_no_table_without_rows(read):
    """What was taken for a header is said."""
    with pytest.raises(
        UsageError, match=r"line 1: no column 'prompt_tokens'\. Found: '2026-03-05 INFO started'"
    ):
        read("2026-03-05 INFO started\n", "log")
    with pytest.raises(UsageError, match="no rows"):
        read(f"{HEADER}\n", "log")


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (gzip.compress, None), (bz2.compress, None), (lzma.compress, None), (bytes, None),
        (lambda text: b"PK\x03\x04" + text, "this is a zip on standard input. Unpack it first: unzip -p FILE."),
        (lambda text: b"PAR1" + text, "this is a Parquet or Arrow file that is packed, or comes on standard input"),
        (lambda text: gzip.compress(b"x" * 257 + b"ustar" + text), "this is a tar archive. Unpack it"),
        (lambda text: gzip.compress(b"SQLite format 3" + text), "this is an SQLite database. Write its table as CSV"),
    ],
)  # fmt: skip
def test_what_packs_standard_input_is_read_or_named(packed, said):
    """Told by its first bytes, as a file is; what needs its end first is named."""
    text = f"{HEADER}\n2026-03-05,kimi-k2,1000,300\n".encode()
    run = subprocess.run(
        [sys.executable, "-m", "kimi_planner", "usage", "price", "-", "--format", "json"],
        input=packed(text), capture_output=True, check=False,
    )  # fmt: skip
    if said is None:
        assert json.loads(run.stdout)["spend"][0]["prompt_tokens"] == 1000
    else:
        assert run.returncode == 2
        assert said in run.stderr.decode()


def test_what_macos_adds_to_a_zip_is_no_file_of_it(tmp_path):
    """Nor is the folder in which the log is."""
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("logs/", "")
        archive.writestr("logs/log.csv", f"{HEADER}\n2026-03-05,kimi-k2,1000,300\n")
        archive.writestr("__MACOSX/logs/._log.csv", "x")
    assert read_usage(tmp_path / "log.zip")["prompt_tokens"].tolist() == [1000]


def test_a_stream_of_arrow_is_read(tmp_path):
    """It has no footer, and is told by its first bytes."""
    made = pa.table(
        {"model": ["m", "m"], "prompt_tokens": [1000, 5], "completion_tokens": [300, 5]}
    )
    with pa.ipc.new_stream(str(tmp_path / "log"), made.schema) as stream:
        stream.write_table(made)
    assert read_usage(tmp_path / "log")["prompt_tokens"].tolist() == [1000, 5]
