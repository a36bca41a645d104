"""Usage logs of every form: the rows that each one means, and what is refused."""

import csv
import gzip
import io
import json

import pandas as pd
import pytest
from backports import zstd
from logs import counts, lines

from kimi_planner import read_usage
from kimi_planner.errors import UsageError

START = pd.Timestamp("2026-01-01", tz="UTC")
NANOSECONDS = 1_767_225_600_000_000_000


def table(*rows):
    """Return CSV of dicts; what is no text or number becomes JSON, as exports write it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        packed = (dict, list)
        writer.writerow(
            {name: json.dumps(x) if isinstance(x, packed) else x for name, x in row.items()}
        )
    return text.getvalue()


@pytest.fixture
def refused(read):
    def refused(content, name="log.jsonl", **options):
        with pytest.raises(UsageError) as caught:
            read(content, name, **options)
        said = str(caught.value)
        assert "\n" not in said
        return said.partition(name)[2].removeprefix(" ")

    return refused


RESPONSE = {
    "object": "response", "created_at": 1_767_225_600, "model": "kimi-k2",
    "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
              "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 15},
}  # fmt: skip
MESSAGE = {
    "type": "message", "model": "kimi-k2", "timestamp": "2026-01-01T00:00:00Z",
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3,
              "output_tokens": 5},
}  # fmt: skip
BUCKET = {
    "object": "bucket", "start_time": 1_767_225_600, "end_time": 1_767_229_200,
    "results": [{"object": "organization.usage.completions.result", "input_tokens": 100,
                 "input_cached_tokens": 40, "output_tokens": 50, "num_model_requests": 7,
                 "model": "kimi-k2", "batch": None}],
}  # fmt: skip
ATTRIBUTES = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "moonshot_ai",
    "gen_ai.request.model": "kimi-latest", "gen_ai.response.model": "kimi-k2",
    "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.cache_read.input_tokens": 4, "gen_ai.usage.reasoning.output_tokens": 3,
}  # fmt: skip
SPAN = {"name": "chat", "startTimeUnixNano": str(NANOSECONDS), "attributes": ATTRIBUTES}
SPEND = {
    "request_id": "chatcmpl-1", "call_type": "acompletion", "spend": 0.1, "total_tokens": 15,
    "prompt_tokens": 10, "completion_tokens": 5, "startTime": "2026-01-01 00:00:00.000",
    "endTime": "2026-01-01 00:00:09", "model": "kimi-k2", "cache_hit": "False", "status": "success",
    "metadata": {"usage_object": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                                  "prompt_tokens_details": {"cached_tokens": 4},
                                  "completion_tokens_details": {"reasoning_tokens": 3}}},
}  # fmt: skip
GENERATION = {
    "id": "o-1", "type": "GENERATION", "start_time": "2026-01-01 00:00:00.000000",
    "provided_model_name": "kimi-k2",
    "usage_details": {"input": 6, "input_cached_tokens": 4, "output": 2,
                      "output_reasoning_tokens": 3, "total": 15},
}  # fmt: skip
MOONCAKE = {"timestamp": 27482, "input_length": 10, "output_length": 5, "hash_ids": [46]}


def otlp(*spans):
    """Return spans as OTLP writes them in JSON."""
    return {"resourceSpans": [{"scopeSpans": [{"spans": [
        span | {"attributes": [
            {"key": key, "value": {"intValue": str(value)} if type(value) is int else {"stringValue": value}}
            for key, value in span["attributes"].items()
        ]} for span in spans
    ]}]}]}  # fmt: skip


WHOLE = (1, 10, 4, 5, 3)


@pytest.mark.parametrize(
    ("content", "name", "expected", "form"),
    [
        (lines(RESPONSE), "a.jsonl", WHOLE, "replies"),
        (lines({"response": RESPONSE}), "a.jsonl", WHOLE, "replies"),
        (lines(MESSAGE), "a.jsonl", (1, 10, 4, 5, None), "replies"),
        (lines(BUCKET), "a.jsonl", (7, 100, 40, 50, None), "OpenAI usage export"),
        (json.dumps({"object": "page", "data": [BUCKET]}, indent=2), "a.json", (7, 100, 40, 50, None), "OpenAI usage export"),
        (table({"start_time": 1_767_225_600, "end_time": 1_767_229_200, **BUCKET["results"][0]}), "a.csv", (7, 100, 40, 50, None), "OpenAI usage export"),
        (lines(SPAN), "a.jsonl", WHOLE, "OpenTelemetry GenAI spans"),
        (lines({"start_time": "2026-01-01T00:00:00Z", **ATTRIBUTES}), "a.jsonl", WHOLE, "OpenTelemetry GenAI spans"),
        (lines(otlp(SPAN)), "a.jsonl", WHOLE, "OpenTelemetry GenAI spans"),
        (json.dumps(otlp(SPAN), indent=4), "a.json", WHOLE, "OpenTelemetry GenAI spans"),
        (lines(SPEND), "a.jsonl", WHOLE, "LiteLLM spend logs"),
        (json.dumps([SPEND]), "a.json", WHOLE, "LiteLLM spend logs"),
        (table(SPEND), "a.csv", WHOLE, "LiteLLM spend logs"),
        (lines(GENERATION), "a.jsonl", WHOLE, "Langfuse observations"),
        (json.dumps([GENERATION], indent=1), "a.json", WHOLE, "Langfuse observations"),
        (json.dumps({"data": [GENERATION], "meta": {"page": 1}}), "a.json", WHOLE, "Langfuse observations"),
        (table(GENERATION), "a.csv", WHOLE, "Langfuse observations"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2026-01-01 00:00:00.0000000,10,5\n", "a.csv", (1, 10, None, 5, None), "Azure LLM trace"),
    ],
)  # fmt: skip
def test_a_dated_call_in_every_form(read, content, name, expected, form):
    """Each form says the same call at the same time, and which form it was is told."""
    frame = read(content, name)
    assert counts(frame) == [expected]
    assert frame["timestamp"].tolist() == [START]
    assert frame["model"].tolist() == [None if "Azure" in form else "kimi-k2"]
    assert frame.attrs["forms"] == [form]
    assert frame.attrs["rejected"] == frame.attrs["other_entries"] == 0


@pytest.mark.parametrize(
    ("content", "name", "expected", "seconds"),
    [
        (lines(MOONCAKE), "a.jsonl", (1, 10, None, 5, None), 27.482),
        (lines({"timestamp_s": 0.25, "prompt_tokens": 10, "completion_tokens": 5}), "a.jsonl", (1, 10, None, 5, None), 0.25),
        ("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,10,5,15,API log\n", "a.csv", (1, 10, None, 5, None), 5),
    ],
)  # fmt: skip
def test_a_log_without_dates_in_every_form(read, content, name, expected, seconds):
    """Times count from the start of the log, whatever unit the form has."""
    frame = read(content, name)
    assert counts(frame) == [expected]
    assert frame["timestamp"].tolist() == [pd.Timedelta(seconds=seconds)]


def test_forms_may_be_mixed_line_by_line(read):
    """Every line is read as what its own fields say."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    frame = read(lines(RESPONSE, GENERATION, SPEND, {"usage": usage}, otlp(SPAN, SPAN), usage))
    assert counts(frame) == [WHOLE] * 3 + [(1, 10, None, 5, None)] + [WHOLE] * 2 + [
        (1, 10, None, 5, None)
    ]
    assert len(frame.attrs["forms"]) == 5


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, (1, 10, None, 5, None)),
        ({"input_tokens": 10, "input_tokens_details": {}, "output_tokens": 5}, (1, 10, None, 5, None)),
        ({"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 5}, (1, 10, 4, 5, None)),
        ({"input_tokens": 6, "cache_creation_input_tokens": 4, "output_tokens": 5}, (1, 10, None, 5, None)),
        ({"input_tokens": 9, "cache_read_input_tokens": None, "cache_creation_input_tokens": 1, "output_tokens": 5}, (1, 10, None, 5, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 4}, (1, 10, 4, 5, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "input_tokens": 10, "output_tokens": 5}, (1, 10, None, 5, None)),
    ],
)  # fmt: skip
def test_inclusive_and_exclusive_input_tokens_are_told_apart(read, usage, expected):
    """Cached tokens are added only where input tokens leave them out."""
    assert counts(read(lines({"usage": usage}))) == [expected]


def test_windows_of_an_export_say_what_they_cover(read):
    """Buckets without requests are no rows, but the log covers them."""
    quiet = {
        "object": "bucket",
        "start_time": 1_767_229_200,
        "end_time": 1_767_232_800,
        "results": [],
    }
    idle = BUCKET["results"][0] | {"num_model_requests": 0, "input_tokens": 0, "output_tokens": 0}
    before = {
        "object": "bucket",
        "start_time": 1_767_222_000,
        "end_time": 1_767_225_600,
        "results": [idle],
    }
    frame = read(json.dumps({"object": "page", "data": [before, BUCKET, quiet]}, indent=2))
    assert counts(frame) == [(7, 100, 40, 50, None)]
    assert frame.attrs["observed_start"] == START - pd.Timedelta(hours=1)
    assert frame.attrs["observed_end"] == START + pd.Timedelta(hours=2)
    assert frame.attrs["other_entries"] == 1


def test_only_calls_of_a_model_are_rows_of_a_trace(read):
    """Tools and agents repeat or have no usage; what failed is not billed; each is counted."""
    agent = SPAN | {"attributes": ATTRIBUTES | {"gen_ai.operation.name": "invoke_agent"}}
    tool = SPAN | {"attributes": {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}}
    http = SPAN | {"attributes": {"http.request.method": "POST"}}
    failed = SPAN | {"attributes": {"gen_ai.operation.name": "chat", "error.type": "timeout"}}
    refused = SPAN | {"attributes": {"gen_ai.operation.name": "chat"}, "status": {"code": 2}}
    old = {"gen_ai.system": "moonshot", "gen_ai.request.model": "kimi-k2",
           "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5}  # fmt: skip
    frame = read(lines(otlp(agent, tool, http, failed, refused, SPAN), SPAN | {"attributes": old}))
    assert counts(frame) == [WHOLE, (1, 10, None, 5, None)]
    assert frame["model"].tolist() == ["kimi-k2"] * 2
    assert (frame.attrs["other_entries"], frame.attrs["failures"]) == (3, 2)


def test_the_console_exporter_of_opentelemetry_is_read(read):
    """Objects that span lines, one after the other, are read one by one."""
    spans = [
        {"name": "chat", "context": {"trace_id": "0x1", "span_id": f"0x{n}"}, "status": {"status_code": "UNSET"},
         "start_time": "2026-01-01T00:00:00.000000Z", "attributes": ATTRIBUTES} for n in (1, 2, 2)
    ]  # fmt: skip
    frame = read("\n".join(json.dumps(span, indent=4) for span in spans) + "\n", "spans.log")
    assert counts(frame) == [WHOLE] * 2
    assert frame.attrs["duplicates"] == 1


def test_what_a_gateway_did_not_send_is_left_out(read):
    """Failures of LiteLLM have no tokens, and its own cache was no call."""
    failed = SPEND | {
        "request_id": "b",
        "status": "failure",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "metadata": {},
    }
    hit = SPEND | {"request_id": "c", "cache_hit": "True"}
    flagged = failed | {
        "request_id": "d",
        "status": None,
        "metadata": json.dumps({"status": "failure"}),
    }
    billed = SPEND | {"request_id": "e", "status": "failure"}
    frame = read(lines(SPEND, failed, hit, flagged, billed))
    assert counts(frame) == [WHOLE] * 2
    assert (frame.attrs["failures"], frame.attrs["other_entries"]) == (2, 1)


@pytest.mark.parametrize(
    ("metadata", "cached", "reasoning"),
    [
        ({}, None, None),
        (None, None, None),
        ({"additional_usage_values": {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 1}}, 4, None),
        ({"additional_usage_values": {"prompt_tokens_details": {"cached_tokens": 4}, "reasoning_tokens": 2}}, 4, 2),
        ({"usage_object": None, "additional_usage_values": {}}, None, None),
    ],
)  # fmt: skip
def test_cached_tokens_of_a_spend_log(read, metadata, cached, reasoning):
    """They stand in the metadata, in the places of different versions, else are unknown."""
    expected = [(1, 10, cached, 5, reasoning)]
    assert counts(read(lines(SPEND | {"metadata": metadata}))) == expected
    assert counts(read(table(SPEND | {"metadata": metadata}), "log.csv")) == expected


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"input": 10, "output": 5, "total": 15}, (10, None, 5, None)),
        ({"input": 10, "output": 5}, (10, None, 5, None)),
        ({"input": 6, "cache_read_input_tokens": 4, "output": 5}, (10, 4, 5, None)),
        ({"input": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1, "output": 5, "total": 15}, (10, 4, 5, None)),
        ({"input": 10, "input_cached_tokens": 4, "output": 5, "total": 15}, (10, 4, 5, None)),
        ({"input": 10, "input_cached_tokens": 4, "output": 5, "output_reasoning_tokens": 3, "total": 15}, (10, 4, 5, 3)),
        ({"input": 6, "input_cached_tokens": 4, "output": 5, "output_reasoning_tokens": 3, "total": 15}, (10, 4, 5, 3)),
        ({"input": 10, "input_cached_tokens": 0, "output": 2, "reasoning_tokens": 3, "total": 15}, (10, 0, 5, 3)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total": 15}, (10, None, 5, None)),
        ({"input": 10, "output": 5, "web_searches": 2, "total": 17}, (10, None, 5, None)),
    ],
)  # fmt: skip
def test_kinds_of_usage_in_langfuse_exclude_each_other_unless_the_total_says_no(
    read, details, expected
):
    """All kinds add up to the total; where only input and output do, the others are parts of them."""
    prompt, cached, completion, reasoning = expected
    frame = read(lines(GENERATION | {"usage_details": details}))
    assert counts(frame) == [(1, prompt, cached, completion, reasoning)]


def test_only_generations_of_langfuse_are_calls(read):
    """Spans and events are left out, failed generations counted; both spellings are read."""
    camel = {"id": "o-2", "type": "GENERATION", "startTime": "2026-01-01T00:00:00.000Z", "model": "kimi-k2",
             "usage": {"input": 10, "output": 5}, "usageDetails": {"input": 10, "output": 5}}  # fmt: skip
    span = GENERATION | {"id": "s", "type": "SPAN", "usage_details": {}}
    failed = GENERATION | {"id": "f", "level": "ERROR", "usage_details": {}}
    frame = read(json.dumps([span, GENERATION, failed, camel]), "a.json")
    assert counts(frame) == [WHOLE, (1, 10, None, 5, None)]
    assert (frame.attrs["other_entries"], frame.attrs["failures"]) == (1, 1)


def test_failures_of_burstgpt_are_counted_and_not_billed(read):
    """A call with no response tokens failed; both layouts of the trace are read."""
    short = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    frame = read(
        f"{short}5,ChatGPT,472,18,490,Conversation log\n7,GPT-4,300,0,300,API log\n", "a.csv"
    )
    assert counts(frame) == [(1, 472, None, 18, None)]
    assert frame.attrs["failures"] == 1
    assert frame.attrs["ignored_columns"] == ["Log Type"]
    long = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    row = '45,"a","",ChatGPT,472,18,490,"Conversation log"\n46,b,,GPT-4,1,0,1,API log\n'
    frame = read(long + row, "a.csv")
    assert counts(frame) == [(1, 472, None, 18, None)]
    assert frame.attrs["failures"] == 1


def test_failed_requests_of_a_batch_are_counted(read):
    """A result with an HTTP error has no usage and was not billed."""
    failed = {
        "custom_id": "b",
        "response": {"status_code": 400, "body": {"error": {"code": "bad"}}},
    }
    frame = read(
        lines({"custom_id": "a", "response": {"status_code": 200, "body": RESPONSE}}, failed)
    )
    assert counts(frame) == [WHOLE]
    assert frame.attrs["failures"] == 1


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"]
)
@pytest.mark.parametrize("name", ["log", "log.jsonl.gz", "log.zst"])
def test_what_packs_a_log_is_told_by_its_bytes(read, pack, name):
    """Plain, gzip and zstd give the same rows under any name."""
    assert counts(read(pack(lines(SPEND, SPAN).encode()), name)) == [WHOLE] * 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "kimi-k2", "messages": []}},
         "a request that was not sent yet, so it has no usage. Count what it will be billed with `kimi-planner count"),
        ({"model": "kimi-k2", "messages": []}, "a request that was not sent yet"),
        ({"tokens": 5, "cost": 1}, "no usage object, so the call's cost is unknown. Log `usage` with every reply. Found: 'tokens, cost'. Forms that are read: Langfuse"),
        (SPEND | {"metadata": "{'a': f}"}, "metadata is \"{'a': f}\". It must be a JSON object."),
        (SPEND | {"metadata": [1]}, "metadata is [1]. It must be a JSON object."),
        (SPEND | {"total_tokens": 16}, "total_tokens (16) is not prompt_tokens + completion_tokens (10 + 5)."),
        (GENERATION | {"usage_details": {}, "level": "DEFAULT"}, "a generation without usage_details"),
        (GENERATION | {"usage_details": {"input": 10, "output": 5, "total": 99}}, "usage_details.total (99) is neither the sum of all kinds (15) nor input + output (15)."),
        (GENERATION | {"usage_details": {"input": 10, "input_cached_tokens": 4, "output": 5, "total": 99}}, "usage_details.total (99) is neither the sum of all kinds (19) nor input + output (15)."),
        (SPEND | {"total_tokens": -15}, "total_tokens is negative. It cannot be."),
        (GENERATION | {"usage_details": {"input": 1.5}}, "usage_details.input is 1.5. It must be a whole number."),
        (GENERATION | {"usage_details": {"total": 9}}, "usage_details has neither input nor output"),
        (GENERATION | {"usage_details": [1]}, "usage_details is [1]. It must be a JSON object."),
        (BUCKET | {"results": [{"amount": {"value": 1}, "num_model_requests": 1}]}, "no input_tokens. Export completions usage"),
        (BUCKET | {"results": [{"input_tokens": 5}]}, "num_model_requests is missing, so"),
        (BUCKET | {"results": 5}, "results is 5. A bucket has a list of objects."),
        (BUCKET | {"end_time": None}, "None is no start or end of a bucket"),
        (SPAN | {"attributes": {"gen_ai.operation.name": "chat"}}, "a span without gen_ai.usage.input_tokens"),
        (SPAN | {"attributes": {"gen_ai.usage.output_tokens": 5}}, "prompt_tokens is missing."),
        (SPAN | {"attributes": {"gen_ai.usage.input_tokens": 5}}, "completion_tokens is missing."),
        (SPAN | {"attributes": [5]}, "attributes is [5]. A span has a mapping, or a list of keys."),
        (SPAN | {"attributes": ATTRIBUTES | {"gen_ai.usage.cache_read.input_tokens": 11}}, "cached_tokens (11) cannot exceed prompt_tokens (10)"),
        ({"resourceSpans": 5}, "resourceSpans is 5. It must be a list of objects."),
        ({"resourceSpans": {"a": 1}}, "resourceSpans is {'a': 1}. It must be a list of objects."),
        ({"scopeSpans": {"a": 1}}, "scopeSpans is {'a': 1}. It must be a list of objects."),
        ({"scopeSpans": [5]}, "scopeSpans is [5]. It must be a list of objects."),
        ({"results": [5]}, "results is [5]. It must be a list of objects."),
        (SPEND | {"total_tokens": True}, "total_tokens is True. It must be a whole number."),
        (SPEND | {"total_tokens": [15]}, "total_tokens is [15]. It must be a whole number."),
        (SPEND | {"prompt_tokens": "1.234"}, "prompt_tokens is '1.234'. It must be a whole number, and may be two here."),
        (MOONCAKE | {"output_length": None}, "completion_tokens is missing."),
        (MOONCAKE | {"timestamp": "now"}, "timestamp is 'now'. Write ISO 8601"),
        ({"timestamp_s": "x", "prompt_tokens": 1, "completion_tokens": 1}, "timestamp is 'x'. Write ISO 8601"),
        ({"timestamp_s": 1e12, "prompt_tokens": 1, "completion_tokens": 1}, "timestamp is 1000000000000.0. Write"),
        ({"usage": {"input_tokens": 5}}, "completion_tokens is missing."),
        ({"usage": {"input_tokens": "a", "cache_read_input_tokens": 1, "output_tokens": 5}}, "prompt_tokens is 'a'. It must be a whole number"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_bad_entry_is_named(refused, read, entry, said):
    """Each fault names line, value and remedy; with skip it is counted and the rest kept."""
    good = {"prompt_tokens": 10, "completion_tokens": 5}
    assert refused(lines(good, entry)).startswith(f"line 2: {said}")
    frame = read(lines(good, entry, good), on_error="skip")
    assert len(frame) == 2
    assert frame.attrs["rejected"] == 1


#: Of a call, all of them different, so that no two sums are the same by chance.
PROMPT, CACHED, WRITTEN, COMPLETION, REASONING = 1000, 300, 70, 50, 20


@pytest.mark.parametrize(
    ("total", "prompt", "completion"),
    [
        (PROMPT + COMPLETION, 1000, 50),
        (PROMPT + CACHED + WRITTEN + COMPLETION, 1370, 50),
        (PROMPT + WRITTEN + COMPLETION, 1070, 50),
        (PROMPT + CACHED + COMPLETION, 1300, 50),
        (PROMPT + COMPLETION + REASONING, 1000, 70),
        (PROMPT + CACHED + WRITTEN + COMPLETION + REASONING, 1370, 70),
        (PROMPT + CACHED + COMPLETION + 1, None, None),
    ],
)
def test_a_stated_total_decides_what_is_part_of_what(read, total, prompt, completion):
    """Cached, written and reasoning tokens are in their sides or beside them, as the sum says; else it is a fault."""
    entry = {
        "prompt_tokens": PROMPT, "cached_tokens": CACHED, "written_5m_tokens": WRITTEN,
        "completion_tokens": COMPLETION, "reasoning_tokens": REASONING, "total_tokens": total,
    }  # fmt: skip
    plain = {"prompt_tokens": 10, "completion_tokens": 5}
    frame = read(lines(plain, entry, plain), on_error="skip")
    rows = [(10, 5), (10, 5)] if prompt is None else [(10, 5), (prompt, completion), (10, 5)]
    assert frame[["prompt_tokens", "completion_tokens"]].to_numpy().tolist() == [*map(list, rows)]
    assert frame.attrs["rejected"] == (prompt is None)


@pytest.mark.parametrize(
    ("total", "prompt"), [(None, 103), (103 + 5, 103), (60 + 5, 60), (99, None)]
)
def test_input_beside_a_cache_leaves_it_out_unless_the_total_has_none(read, total, prompt):
    """As Anthropic counts, 60 + 33 + 10; a total of input and output alone says that they are inside."""
    usage = {
        "input_tokens": 60,
        "cache_read_input_tokens": 33,
        "cache_creation_input_tokens": 10,
        "output_tokens": 5,
    }
    usage |= {} if total is None else {"total_tokens": total}
    entry = {"model": "kimi-k2", "usage": usage}
    if prompt is None:
        said = r"total_tokens \(99\) is not prompt_tokens \+ completion_tokens \(103 \+ 5\)"
        with pytest.raises(UsageError, match=said):
            read(lines(entry))
        return
    assert read(lines(entry))["prompt_tokens"].tolist() == [prompt]


@pytest.mark.parametrize(
    "more",
    [{"tags": [{"name": "a"}]}, {"tags": {"key": "x"}}, {"tags": []}, {"results": {"x": 1}}],
    ids=str,
)  # fmt: skip
def test_what_stands_beside_a_call_in_a_form_of_its_own_is_no_fault(read, more):
    """Tags and results of any shape that says nothing of usage."""
    entry = {"prompt_tokens": 10, "completion_tokens": 5}
    assert counts(read(lines(entry | more))) == [(1, 10, None, 5, None)]


PARTS_OF_TWO = {
    "a": {"input_tokens": 10, "output_tokens": 1}, "b": {"input_tokens": 20, "output_tokens": 2},
}  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "rows"),
    [
        ({"usage": {"input_tokens": 30, "output_tokens": 3}, "model_usage": PARTS_OF_TWO}, [("a", 10, 1), ("b", 20, 2)]),
        ({"model_usage": PARTS_OF_TWO}, [("a", 10, 1), ("b", 20, 2)]),
        ({"usage": {"input_tokens": 31, "output_tokens": 3}, "model_usage": PARTS_OF_TWO}, [(None, 31, 3)]),
        ({"usage": {"input_tokens": 31, "output_tokens": 3}, "model_usage": {"a": PARTS_OF_TWO["a"]}}, [("a", 31, 3)]),
        ({"date": "2026-11-01", "metrics": {"prompt_tokens": 30, "completion_tokens": 3, "api_requests": 2},
          "breakdown": {"models": {name: {"metrics": {"prompt_tokens": n, "completion_tokens": m, "api_requests": 1}}
                                   for name, n, m in (("a", 10, 1), ("b", 20, 2))}}}, [("a", 10, 1), ("b", 20, 2)]),
    ],
)  # fmt: skip
def test_what_each_model_used_is_a_row_where_it_adds_up(read, entry, rows):
    """Else the whole is one, of the model if there is but one."""
    frame = read(lines(entry))
    names = [None if pd.isna(one) else one for one in frame["model"]]
    tokens = frame[["prompt_tokens", "completion_tokens"]].itertuples(index=False)
    assert [(name, *map(int, row)) for name, row in zip(names, tokens, strict=True)] == rows


def test_an_unknown_header_names_the_forms(refused):
    """What was found and which forms exist are both told."""
    said = refused("when,tokens\n1,2\n", "log.csv")
    assert said.startswith("line 1: no column 'prompt_tokens'. Found: 'when, tokens'.")
    assert "Other forms that are read: Langfuse observations, LiteLLM daily activity" in said


def test_a_log_of_nothing_but_other_entries_says_so(refused):
    """No rows is an error that tells what was left out."""
    tool = SPAN | {"attributes": {"gen_ai.operation.name": "execute_tool"}}
    failed = SPAN | {"attributes": {"gen_ai.operation.name": "chat", "error.type": "x"}}
    said = refused(lines(tool, tool, failed))
    assert said == (
        ": no rows. A usage log has at least one call. Left out: 1 failed calls, 2 entries that are no call."
    )


def test_cells_that_look_like_numbers_stay_what_they_are(read):
    """An id of digits is an id, a model of digits a name; a fraction of a token is refused."""
    rows = [SPEND | {"request_id": "17", "model": "4"}, SPEND | {"request_id": "17", "model": "4"}]
    frame = read(table(*rows), "a.csv")
    assert frame["model"].tolist() == ["4"]
    assert frame.attrs["duplicates"] == 1
    with pytest.raises(UsageError, match=r"line 2: prompt_tokens is 10\.5\. It must be a whole"):
        read(table(SPEND | {"prompt_tokens": 10.5, "total_tokens": 15.5}), "a.csv")


def test_failures_of_a_trace_that_names_its_calls(read):
    """A failed call takes its id with it, in regular CSV and in quoted."""
    head = "call_id,Timestamp,Model,Request tokens,Response tokens\n"
    for quote in ("", '"'):
        rows = "".join(
            f"{quote}{name}{quote},5,m,9,{n}\n"
            for name, n in (("a", 1), ("a", 0), ("b", 1), ("b", 1))
        )
        frame = read(head + rows, "a.csv")
        assert counts(frame) == [(1, 9, None, 1, None)] * 2
        assert (frame.attrs["failures"], frame.attrs["duplicates"]) == (1, 1)


@pytest.mark.parametrize("write", [json.dumps, str])
def test_a_cell_may_hold_an_object_as_json_or_as_python_writes_it(tmp_path, write):
    """Exports of frames write mappings as Python shows them."""
    run = {
        "id": "run-1-of-many", "run_type": "llm", "parent_run_id": None, "trace_id": "trace-1",
        "start_time": "2026-11-06T10:00:01", "prompt_tokens": 10, "completion_tokens": 3,
        "extra": write({"metadata": {"ls_model_name": "kimi-k2.5", "user's": None}}),
    }  # fmt: skip
    path = tmp_path / "runs.jsonl"
    path.write_text(json.dumps(run) + "\n", encoding="utf-8")
    assert read_usage(path)["model"].tolist() == ["kimi-k2.5"]
