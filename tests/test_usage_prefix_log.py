"""Logs with prefix blocks: the arrays a cache is modelled from."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage import read_prefix_log

CALL = {"timestamp": 27482, "input_length": 700, "output_length": 52, "hash_ids": [46, 47]}


def write(path, entries):
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return path


calls = st.builds(
    lambda when, prompt, ids: CALL | {"timestamp": when, "input_length": prompt + 512 * len(ids), "hash_ids": ids},
    st.integers(0, 10**9), st.integers(0, 512), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6),
)  # fmt: skip


@given(st.lists(calls, min_size=1, max_size=20))
def test_every_call_is_read_as_it_is_written(tmp_path_factory, entries):
    """Arrays give back each call's time, length and blocks, also where it has none."""
    log = read_prefix_log(write(tmp_path_factory.mktemp("p") / "a.jsonl", entries))
    assert len(log) == len(entries)
    assert log.seconds.tolist() == [entry["timestamp"] / 1000 for entry in entries]
    assert log.prompt_tokens.tolist() == [entry["input_length"] for entry in entries]
    assert [log.blocks_of(n).tolist() for n in range(len(log))] == [e["hash_ids"] for e in entries]
    assert log.offsets[0] == 0
    assert log.offsets[-1] == len(log.blocks)
    assert (log.seconds.dtype, log.blocks.dtype, log.offsets.dtype) == (
        np.float64,
        np.int64,
        np.int64,
    )
    assert log.block_tokens == 512


def test_a_call_may_be_as_small_and_as_large_as_any(tmp_path):
    """At the first moment without a token, and at the last with all that a row may have."""
    ends = [CALL | {"timestamp": 0, "input_length": 0, "hash_ids": []},
            CALL | {"timestamp": 10**15 - 1, "input_length": 10**15}]  # fmt: skip
    log = read_prefix_log(write(tmp_path / "a.jsonl", ends))
    assert log.prompt_tokens.tolist() == [0, 10**15]
    assert log.seconds.tolist() == [0, (10**15 - 1) / 1000]


def test_the_same_file_is_a_usage_log(tmp_path):
    """Calls and lengths are those that `read_usage` finds."""
    path = write(tmp_path / "a.jsonl", [CALL, CALL | {"timestamp": 30535, "input_length": 900}])
    log, frame = read_prefix_log(path), read_usage(path)
    assert log.prompt_tokens.tolist() == frame["prompt_tokens"].tolist()
    assert log.seconds.tolist() == frame["timestamp"].dt.total_seconds().tolist()


def test_packed_and_unfinished_logs(tmp_path):
    """A packed file is unpacked, blank lines and an incomplete last one are left out."""
    text = f"{json.dumps(CALL)}\n\n{json.dumps(CALL)}\n{json.dumps(CALL)[:30]}"
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert len(read_prefix_log(path)) == 2


def test_blocks_of_another_size(tmp_path):
    """The size of a block is kept, and bounds how many a prompt can have."""
    path = write(tmp_path / "a.jsonl", [CALL | {"hash_ids": [1, 2, 3]}])
    assert read_prefix_log(path, block_tokens=256).block_tokens == 256
    with pytest.raises(
        UsageError, match="line 1: 3 hash_ids are more than 700 tokens in blocks of 512"
    ):
        read_prefix_log(path)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"usage": {}}, "no hash_ids in {'usage': {}}. Prefix blocks stand in logs of Mooncake's form"),
        ([1], "no hash_ids in [1]."),
        (CALL | {"timestamp": "now"}, "timestamp is 'now'. It must be a number of milliseconds."),
        (CALL | {"timestamp": -1}, "timestamp is -1."),
        (CALL | {"timestamp": 10**15}, "timestamp is 1000000000000000."),
        (CALL | {"input_length": -1}, "input_length is -1."),
        (CALL | {"input_length": 10**15 + 1}, "input_length is 1000000000000001."),
        (CALL | {"hash_ids": [46.0]}, "hash_ids is [46.0]."),
        (CALL | {"hash_ids": [-(2**63) - 1]}, "hash_ids is [-9223372036854775809]."),
        (CALL | {"input_length": 1.5}, "input_length is 1.5. It must be a whole number of tokens."),
        (CALL | {"hash_ids": ["a"]}, "hash_ids is ['a']. It must be a list of whole numbers."),
        (CALL | {"hash_ids": [True]}, "hash_ids is [True]."),
        (CALL | {"hash_ids": [2**63]}, "hash_ids is [9223372036854775808]."),
        (CALL | {"hash_ids": None}, "hash_ids is None."),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_bad_call_is_named(tmp_path, entry, said):
    """The error names file, line, value and what is allowed."""
    path = write(tmp_path / "a.jsonl", [CALL, entry])
    with pytest.raises(UsageError) as caught:
        read_prefix_log(path)
    assert str(caught.value).startswith(f"{path} line 2: {said}")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", {}, "no calls. A log in Mooncake's form has one on each line."),
        ("{\n", {}, "line 1: not JSON"),
        ("", {"block_tokens": 0}, "block_tokens is 0. It must be a whole number above 0."),
        ("", {"block_tokens": True}, "block_tokens is True."),
    ],
)
def test_a_file_without_calls_is_refused(tmp_path, content, options, said):
    """Empty and broken files, and blocks of no size, end in one error."""
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_prefix_log(path, **options)


def test_what_is_no_path_is_refused():
    """A value of another type is named."""
    with pytest.raises(UsageError, match="path is None"):
        read_prefix_log(None)
