"""Whatever stands in a log: rows, or one error of ours in one line; never a traceback."""

import json

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_planner import KimiPlannerError, read_usage
from kimi_planner.usage import read_prefix_log

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
