"""Every number and time of a usage frame survives a way through each form of file."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kimi_planner import read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage import csv_log

COUNTS = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
MODELS = (None, "kimi-k2", "月-k2", "a b")


@st.composite
def calls(draw):
    """Draw one call: the microsecond, the model, and counts that agree."""
    prompt, completion = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    return {
        "micros": draw(st.integers(1_600_000_000_000_000, 1_690_000_000_000_000)),
        "model": draw(st.sampled_from(MODELS)),
        "requests": draw(st.integers(1, 9)),
        "prompt_tokens": prompt,
        "cached_tokens": draw(st.none() | st.integers(0, prompt)),
        "completion_tokens": completion,
        "reasoning_tokens": draw(st.none() | st.integers(0, completion)),
    }


def usage(call):
    return {
        "prompt_tokens": call["prompt_tokens"],
        "completion_tokens": call["completion_tokens"],
        "total_tokens": call["prompt_tokens"] + call["completion_tokens"],
        "prompt_tokens_details": {"cached_tokens": call["cached_tokens"]},
        "completion_tokens_details": {"reasoning_tokens": call["reasoning_tokens"]},
    }


def iso(call):
    return str(pd.Timestamp(call["micros"], unit="us", tz="UTC").isoformat())


def replies(call, _):
    return {
        "object": "chat.completion",
        "created": call["micros"] // 10**6,
        "model": call["model"],
        "usage": usage(call),
    }


def batches(call, n):
    return {"custom_id": str(n), "response": {"status_code": 200, "body": replies(call, n)}}


def responses(call, _):
    return {
        "object": "response", "created_at": call["micros"] // 10**6, "model": call["model"],
        "usage": {"input_tokens": call["prompt_tokens"], "output_tokens": call["completion_tokens"],
                  "input_tokens_details": {"cached_tokens": call["cached_tokens"]},
                  "output_tokens_details": {"reasoning_tokens": call["reasoning_tokens"]}},
    }  # fmt: skip


def messages(call, _):
    cached = call["cached_tokens"]
    parts = (
        {}
        if cached is None
        else {"cache_read_input_tokens": cached, "cache_creation_input_tokens": 0}
    )
    return {"type": "message", "timestamp": iso(call), "model": call["model"],
            "usage": {"input_tokens": call["prompt_tokens"] - (cached or 0), "output_tokens": call["completion_tokens"], **parts}}  # fmt: skip


def bare(call, _):
    return {"timestamp": iso(call), **{name: call[name] for name in ("model", *COUNTS)}}


def relative(call, _):
    return {
        "timestamp_s": call["micros"] / 10**6 - 1_600_000_000,
        **{name: call[name] for name in ("model", *COUNTS)},
    }


def spans(call, n):
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.response.model": call["model"],
        "gen_ai.usage.input_tokens": call["prompt_tokens"], "gen_ai.usage.output_tokens": call["completion_tokens"],
        "gen_ai.usage.cache_read.input_tokens": call["cached_tokens"],
        "gen_ai.usage.reasoning.output_tokens": call["reasoning_tokens"],
    }  # fmt: skip
    return {
        "traceId": "1",
        "spanId": str(n),
        "startTimeUnixNano": f"{call['micros']}999",
        "attributes": attributes,
    }


def otlp(call, n):
    span = spans(call, n)
    span["attributes"] = [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in span["attributes"].items() if value is not None
    ]  # fmt: skip
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def buckets(call, _):
    start = call["micros"] // 10**6
    result = {"num_model_requests": call["requests"], "model": call["model"], "input_tokens": call["prompt_tokens"],
              "input_cached_tokens": call["cached_tokens"], "output_tokens": call["completion_tokens"]}  # fmt: skip
    return {"object": "bucket", "start_time": start, "end_time": start + 3600, "results": [result]}


def spend(call, n):
    return {"request_id": str(n), "startTime": iso(call), "model": call["model"] or "", "status": "success",
            "metadata": {"additional_usage_values": usage(call)}, **usage(call)}  # fmt: skip


def observations(call, n):
    details = {"input": call["prompt_tokens"] - (call["cached_tokens"] or 0),
               "output": call["completion_tokens"] - (call["reasoning_tokens"] or 0)}  # fmt: skip
    if call["cached_tokens"] is not None:
        details["input_cached_tokens"] = call["cached_tokens"]
    if call["reasoning_tokens"] is not None:
        details["output_reasoning_tokens"] = call["reasoning_tokens"]
    return {"id": str(n), "type": "GENERATION", "start_time": iso(call), "provided_model_name": call["model"] or "",
            "usage_details": {**details, "total": sum(details.values())}}  # fmt: skip


def mooncake(call, _):
    return {"timestamp": call["micros"] // 1000 - 1_600_000_000_000, "input_length": call["prompt_tokens"],
            "output_length": call["completion_tokens"], "hash_ids": []}  # fmt: skip


#: Each form: how a call is written, which columns it carries, the microseconds of its clock.
FORMS = {
    "replies": (replies, {"model", "cached_tokens", "reasoning_tokens"}, 10**6),
    "batches": (batches, {"model", "cached_tokens", "reasoning_tokens", "batch"}, 10**6),
    "responses": (responses, {"model", "cached_tokens", "reasoning_tokens"}, 10**6),
    "messages": (messages, {"model", "cached_tokens"}, 1),
    "bare": (bare, {"model", "requests", "cached_tokens", "reasoning_tokens"}, 1),
    "relative": (relative, {"model", "requests", "cached_tokens", "reasoning_tokens"}, 1),
    "spans": (spans, {"model", "cached_tokens", "reasoning_tokens"}, 1),
    "otlp": (otlp, {"model", "cached_tokens", "reasoning_tokens"}, 1),
    "buckets": (buckets, {"model", "requests", "cached_tokens"}, 10**6),
    "spend": (spend, {"model", "cached_tokens", "reasoning_tokens"}, 1),
    "observations": (observations, {"model", "cached_tokens", "reasoning_tokens"}, 1),
    "mooncake": (mooncake, set(), 1000),
}


def as_lines(entries):
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def as_document(entries):
    return json.dumps(entries, indent=2)


def expected(drawn, carried, clock, *, is_relative):
    """Return the frame of calls, made without the package: what a form cannot carry is unknown."""
    frame = pd.DataFrame(drawn)
    micros = frame["micros"].to_numpy() // clock * clock
    if is_relative:
        frame["timestamp"] = pd.to_timedelta(micros - 1_600_000_000_000_000, unit="us").as_unit(
            "us"
        )
    else:
        frame["timestamp"] = pd.to_datetime(micros, unit="us", utc=True).as_unit("us")
    frame["model"] = pd.Series(
        [c["model"] if "model" in carried else None for c in drawn], dtype=object
    )
    for name in COUNTS:
        known = name in carried or name in ("prompt_tokens", "completion_tokens")
        if name in ("cached_tokens", "reasoning_tokens"):
            frame[name] = pd.array([c[name] if known else None for c in drawn], dtype="Int64")
        else:
            frame[name] = np.array([c[name] if known else 1 for c in drawn], dtype=np.int64)
    frame["batch"] = True
    more = ["batch"] if "batch" in carried else []
    return frame[["timestamp", "model", *COUNTS, *more]]


@pytest.mark.parametrize("write", [as_lines, as_document])
@pytest.mark.parametrize("form", FORMS)
@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(drawn=st.lists(calls(), min_size=1, max_size=8))
def test_a_frame_survives_each_json_form(tmp_path, form, write, drawn):
    """What is written in a form is read back to the last token and tick of its clock."""
    entry, carried, clock = FORMS[form]
    path = tmp_path / "log.json"
    path.write_text(write([entry(call, n) for n, call in enumerate(drawn)]), encoding="utf-8")
    wanted = expected(drawn, carried, clock, is_relative=form in ("relative", "mooncake"))
    pd.testing.assert_frame_equal(read_usage(path), wanted)


@pytest.mark.parametrize("is_relative", [False, True])
@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(drawn=st.lists(calls(), min_size=1, max_size=8))
def test_a_frame_survives_csv(tmp_path, is_relative, drawn):
    """The canonical columns written by pandas are read back as the same frame."""
    carried = {"model", "requests", "cached_tokens", "reasoning_tokens"}
    wanted = expected(drawn, carried, 1, is_relative=is_relative)
    written = wanted
    if is_relative:
        written = wanted.rename(columns={"timestamp": "timestamp_s"})
        written["timestamp_s"] = wanted["timestamp"].dt.total_seconds()
    written.to_csv(tmp_path / "log.csv", index=False)
    pd.testing.assert_frame_equal(read_usage(tmp_path / "log.csv"), wanted)
    pd.testing.assert_frame_equal(read_usage(wanted), wanted)


CELLS = st.sampled_from(
    ["", "0", "7", " 7", "7 ", "7.0", "1e2", "+7", "007", "1_0", "-1", "nan", "NaN", "NA", "null", "inf", "true", "0x1",
     "9" * 19, "9" * 30, "1000000000000001", '"7"', '"7', "7,", "\r", "７", "kimi", " kimi ", "None",
     "2026-01-01", "2026-01-01T00:00:00Z", " 2026-01-01", "20260101", "1767225600", "1767225600.25", "1767225600123", "0.1", "soon"]
)  # fmt: skip


@settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=3),
    st.sampled_from(["timestamp", "timestamp_s"]),
    st.sampled_from(["\n", "\r\n"]),
)
@example([["", " 7", "", "0"]], "timestamp", "\n")
def test_reading_in_one_go_is_reading_cell_by_cell(tmp_path, monkeypatch, cells, clock, end):
    """Whatever stands in the cells, both ways give the same rows and the same words of refusal."""
    path = tmp_path / "log.csv"
    good = "2026-01-01,kimi-k2,5,9" if clock == "timestamp" else "1.5,kimi-k2,5,9"
    rows = [good, *(",".join(row) for row in cells), good]
    content = end.join(
        [
            f"{clock},model,cached_tokens,prompt_tokens,completion_tokens",
            *(f"{row},1" for row in rows),
            "",
        ]
    )
    path.write_bytes(content.encode())

    def outcome(on_error):
        try:
            frame = read_usage(path, on_error=on_error)
        except UsageError as error:
            return str(error), None
        return {key: frame.attrs[key] for key in ("rejected", "rejected_examples")}, frame

    fast = [outcome(mode) for mode in ("raise", "skip")]
    with monkeypatch.context() as patch:
        patch.setattr(csv_log._Header, "_regular", lambda *_: None)
        slow = [outcome(mode) for mode in ("raise", "skip")]
    for (said, frame), (also_said, other) in zip(fast, slow, strict=True):
        assert said == also_said
        if frame is not None:
            pd.testing.assert_frame_equal(frame, other)
