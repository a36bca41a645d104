"""Whatever stands in a log: rows, or one error of ours in one line; never a traceback."""

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_planner import KimiPlannerError, read_usage
from kimi_planner.usage import json_log, read_prefix_log

NAMES = st.sampled_from(
    ["usage", "choices", "response", "body", "object", "id", "call_id", "model", "timestamp", "timestamp_s", "created",
     "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "prompt_tokens_details", "requests",
     "input_tokens", "output_tokens", "input_tokens_details", "cache_read_input_tokens", "usage_details", "type",
     "input", "output", "total", "input_cached_tokens", "start_time", "startTime", "metadata", "usage_object", "status",
     "additional_usage_values", "cache_hit", "results", "data", "end_time", "num_model_requests", "attributes", "key",
     "value", "intValue", "resourceSpans", "scopeSpans", "spans", "gen_ai.usage.input_tokens", "context", "level",
     "gen_ai.usage.output_tokens", "gen_ai.operation.name", "input_length", "output_length", "hash_ids", "url", "messages"]
)  # fmt: skip
LEAVES = st.sampled_from(
    [None, True, False, 0, 5, -1, 10**12, 10**30, 0.5, 1e300, float("nan"), float("inf"), "", "5", "chat", "chat.completion",
     "chat.completion.chunk", "GENERATION", "2026-01-01", "1767225600000000000", "{}", '{"a": 1}', "\ud800", [], {}]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
COLUMNS = [
    "timestamp",
    "model",
    "requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
]


def check(read):
    try:
        found = read()
    except KimiPlannerError as error:
        found = str(error)
    if isinstance(found, str):
        assert "\n" not in found
    if isinstance(found, pd.DataFrame):
        assert list(found.columns) == COLUMNS
        assert (found["cached_tokens"].fillna(0) <= found["prompt_tokens"]).all()
        assert (found["reasoning_tokens"].fillna(0) <= found["completion_tokens"]).all()
        pd.testing.assert_frame_equal(read_usage(found), found)


@settings(
    max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=6), min_size=1, max_size=4),
    st.booleans(),
)
def test_any_json_is_rows_or_an_error_of_ours(tmp_path, entries, skip):
    """Known fields in any place, with values of any type."""
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    check(lambda: read_usage(path, on_error="skip" if skip else "raise"))
    check(lambda: read_prefix_log(path))


@settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.binary(max_size=60),
    st.sampled_from(["log", "log.csv", "log.json"]),
    st.sampled_from([b"", b"prompt_tokens,completion_tokens\n", b"[", b"{"]),
)
def test_any_bytes_are_rows_or_an_error_of_ours(tmp_path, data, name, start):
    """Files of noise, also after a good beginning."""
    path = tmp_path / name
    path.write_bytes(start + data)
    check(lambda: read_usage(path, on_error="skip"))


ALIKE = st.fixed_dictionaries(
    {"prompt_tokens": st.sampled_from([5, 7, 0, "5", None, 1.0, 1.5, -1, 10**19]),
     "completion_tokens": st.sampled_from([5, 5, 5, 5.0, "x"])},
    optional={
        "timestamp": st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00.5", 1_767_225_600, 1_767_225_600.5, None, ""]),
        "model": st.sampled_from(["kimi-k2", "2026-01-01", "", 5, None]),
        "call_id": st.sampled_from(["call-000001", "call-000002", "1", 1, None, ""]),
        "prompt_tokens_details": st.sampled_from([{"cached_tokens": 4}, {"cached_tokens": None}, {}, None, 5]),
        "cached_tokens": st.sampled_from([4, 4, None, "4"]),
        "choices": st.sampled_from([[], [{"message": {"content": "x"}}], [{"usage": {"prompt_tokens": 5, "completion_tokens": 5}}]]),
        "usage": st.sampled_from([None, {"prompt_tokens": 5, "completion_tokens": 5}]),
        "cost": st.sampled_from([0.5, 1, None, "0.5"]),
        "cache_x": st.sampled_from([0, 3, None]),
        "batch": st.sampled_from([True, False, "true", "x"]),
        "team": st.sampled_from(["a", 5, [1], {"b": 1}]),
    },
)  # fmt: skip


PLAIN = {"prompt_tokens": 5, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("last", "prompts"),
    [
        ({"data": [PLAIN | {"prompt_tokens": 7}, PLAIN | {"prompt_tokens": 9}]}, [5, 7, 9]),
        (PLAIN | {"data": [PLAIN | {"prompt_tokens": 7}]}, [5, 7]),
        (PLAIN | {"events": [PLAIN | {"prompt_tokens": 7}]}, [5, 7]),
        ({"usage": {"prompt_tokens": 7, "completion_tokens": 1}}, [5, 7]),
        (
            {"object": "chat.completion", "usage": {"prompt_tokens": 7, "completion_tokens": 1}},
            [5, 7],
        ),
    ],
)
def test_a_line_of_another_form_among_others_is_read_as_alone(read, last, prompts):
    """Whatever the first lines are, and however many of them."""
    assert read(f"{json.dumps(PLAIN)}\n{json.dumps(last)}\n")["prompt_tokens"].tolist() == prompts
    many = read(f"{json.dumps(PLAIN)}\n" * 300 + f"{json.dumps(last)}\n")
    assert many["prompt_tokens"].tolist() == [5] * 299 + prompts


@settings(
    max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(ALIKE, min_size=1, max_size=4), st.booleans(), st.sampled_from(["\n", "\n\n", "\r\n"])
)
def test_lines_in_one_go_are_lines_one_by_one(tmp_path, monkeypatch, entries, skip, end):
    """Whatever stands in lines that are alike, both ways give the same rows and the same words."""
    path = tmp_path / "log.jsonl"
    good = {"prompt_tokens": 5, "completion_tokens": 5, "call_id": "call-000009"}
    text = "".join(f"{json.dumps(entry)}{end}" for entry in (good, *entries))
    path.write_bytes(text.encode())

    def outcome():
        try:
            frame = read_usage(path, on_error="skip" if skip else "raise")
        except KimiPlannerError as error:
            return str(error), None
        return {key: str(value) for key, value in frame.attrs.items()}, frame

    said, frame = outcome()
    with monkeypatch.context() as patch:
        patch.setattr(json_log, "table_of_lines", lambda *_: None)
        also_said, other = outcome()
    assert said == also_said
    if frame is not None:
        pd.testing.assert_frame_equal(frame, other)
