"""Usage logs: every form and place, every fault with its line."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from logs import counts, lines

from kimi_planner import read_usage
from kimi_planner.errors import UsageError

COLUMNS = [
    "timestamp", "model", "requests", "prompt_tokens", "cached_tokens", "completion_tokens",
    "reasoning_tokens",
]  # fmt: skip
HEADER = "prompt_tokens,completion_tokens\n"
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
NESTED = USAGE | {
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
CREATED = 1_767_225_600  # 2026-01-01T00:00:00Z
REPLY = {"object": "chat.completion", "created": CREATED, "model": "kimi-k2", "usage": NESTED}


def chunk(stream="s", choices=(), **more):
    return {"id": stream, "object": "chat.completion.chunk", "choices": list(choices), **more}


@pytest.fixture
def refused(tmp_path, read):
    def refused(content, name="log.jsonl", **options):
        with pytest.raises(UsageError) as caught:
            read(content, name, **options)
        said = str(caught.value)
        assert said.startswith(str(tmp_path / name))
        assert "\n" not in said
        return said.removeprefix(str(tmp_path / name)).removeprefix(" ")

    return refused


WHOLE = (1, 10, 4, 5, 3)
BARE = (1, 10, None, 5, None)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([USAGE], [BARE]),
        ([NESTED], [WHOLE]),
        ([USAGE | {"cached_tokens": 4, "reasoning_tokens": 3}], [WHOLE]),
        ([NESTED | {"cached_tokens": 4, "reasoning_tokens": 3}], [WHOLE]),
        ([REPLY, {"usage": USAGE}], [WHOLE, BARE]),
        ([{"custom_id": "a", "response": {"status_code": 200, "body": REPLY}}], [WHOLE]),
        ([chunk(choices=[{"usage": NESTED}])], [WHOLE]),
        ([chunk(choices=[{"delta": {}}]), chunk(choices=[{"usage": NESTED}])], [WHOLE]),
        ([chunk(usage=None), chunk(usage=NESTED)], [WHOLE]),
        ([chunk(choices=[{"usage": NESTED}]), chunk(usage=NESTED)], [WHOLE]),
        ([chunk(choices=[{"usage": NESTED}]), chunk()], [WHOLE]),
        ([chunk(usage={"prompt_tokens": 10, "completion_tokens": n}) for n in (1, 5)], [BARE]),
        ([chunk("a"), chunk("b"), chunk("b", usage=USAGE), chunk("a", usage=NESTED)], [WHOLE, BARE]),
    ],
    ids=["bare", "nested", "top level", "both places", "whole replies", "batch result",
         "last chunk's choice", "stream of Kimi", "stream of OpenAI", "stream with usage twice",
         "chunk after the usage", "running totals", "interleaved streams"],
)  # fmt: skip
def test_a_call_is_read_once_wherever_its_usage_stands(read, entries, expected):
    """Each call gives one row; cached and reasoning tokens are parts and are never added."""
    frame = read(lines(*entries))
    assert counts(frame) == expected
    assert frame.columns[: len(COLUMNS)].tolist() == COLUMNS
    assert frame.attrs["rejected"] == 0


def test_model_and_time_of_a_reply_are_kept(read):
    """The model and the time of creation stand beside the counts."""
    frame = read(lines(REPLY, {"response": {"body": REPLY | {"model": "kimi-k2-5"}}}, USAGE))
    assert frame["model"].tolist()[:2] == ["kimi-k2", "kimi-k2-5"]
    assert frame["model"].isna().tolist() == [False, False, True]
    assert frame["timestamp"].tolist()[:2] == [pd.Timestamp("2026-01-01", tz="UTC")] * 2
    assert pd.isna(frame["timestamp"][2])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", f"{HEADER}10,5\n"),
        ("log.csv", f"{HEADER}10,5"),
        ("log.csv", f"\ufeff\n{HEADER}\n10,5\n\n"),
        ("log.csv", "prompt_tokens,completion_tokens\r\n10,5\r\n"),
        ("log.csv", ' prompt_tokens , completion_tokens,note\n 10 ,"5","a, b"\n'),
        ("log.csv", "completion_tokens,prompt_tokens,cached_tokens,,\n5,10,,,\n"),
        ("log.csv", f"{HEADER}10.0,5e0\n"),
        ("log.csv.gz", gzip.compress(f"{HEADER}10,5\n".encode(), mtime=0)),
        ("log.csv", gzip.compress(f"{HEADER}10,5\n".encode(), mtime=0)),
        ("log.csv.gz", f"{HEADER}10,5\n"),
        ("log", f"{HEADER}10,5\n"),
        ("log", lines(USAGE)),
        ("log.jsonl.gz", gzip.compress(lines(USAGE).encode(), mtime=0)),
        ("log.ndjson", f"\ufeff\n{lines(USAGE)}\n"),
    ],
)
def test_one_call_in_every_file_form(read, name, content):
    """Plain or gzip, named so or not, with mark, blank lines, quotes or spaces: the same row."""
    assert counts(read(content, name)) == [BARE]


def test_a_csv_with_all_columns(read):
    """Windows keep their number of requests; empty cells are unknown; other columns are named."""
    frame = read(
        "timestamp,model,requests,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens,x\n"
        "2026-01-01T00:00:00Z,kimi-k2,3,900,100,60,0,a\n"
        "2026-01-01T00:10:00Z,,0,0,,0,,b\n",
        "log.csv",
    )
    assert counts(frame) == [(3, 900, 100, 60, 0), (0, 0, None, 0, None)]
    assert frame["model"][0] == "kimi-k2"
    assert pd.isna(frame["model"][1])
    assert frame.attrs["ignored_columns"] == ["x"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-01T09:30:00Z", "2026-01-01T09:30:00"),
        ("2026-01-01T09:30:00", "2026-01-01T09:30:00"),
        ("2026-01-01 09:30", "2026-01-01T09:30:00"),
        ("2026-01-01", "2026-01-01T00:00:00"),
        ("2026-01-01T09:30:00+08:00", "2026-01-01T01:30:00"),
        ("2026-01-01T09:30:00.123456Z", "2026-01-01T09:30:00.123456"),
        ("20260101", "2026-01-01T00:00:00"),
        ("100000000", "1973-03-03T09:46:40"),
        ("1767225600", "2026-01-01T00:00:00"),
        ("1767225600.25", "2026-01-01T00:00:00.25"),
        ("1767225600123", "2026-01-01T00:00:00.123"),
    ],
)
@pytest.mark.parametrize("neighbour", ["2020-02-02T00:00:00Z", "1580601600"])
def test_times_are_read_in_every_form(read, written, meant, neighbour):
    """ISO 8601 with or without offset, seconds and milliseconds, also beside another form."""
    rows = f"{written},1,1\n{neighbour},1,1\n,1,1\n"
    frame = read("timestamp,prompt_tokens,completion_tokens\n" + rows, "log.csv")
    first, second, third = frame["timestamp"]
    assert first == pd.Timestamp(meant, tz="UTC")
    assert second == pd.Timestamp(2020, 2, 2, tz="UTC")
    assert pd.isna(third)


def test_json_times_are_numbers_or_text(read):
    """A number, a whole number of milliseconds and text name the same instant."""
    stamps = [CREATED + 0.5, CREATED * 1000 + 500, "2026-01-01T00:00:00.5Z"]
    frame = read(lines(*({"timestamp": stamp, "usage": USAGE} for stamp in stamps)))
    assert set(frame["timestamp"]) == {pd.Timestamp("2026-01-01T00:00:00.5", tz="UTC")}


def test_a_usage_frame_written_as_json_lines_is_read_back(read):
    """Windows keep their number of requests, and every other column its values."""
    frame = read(
        "timestamp,model,requests,prompt_tokens,cached_tokens,completion_tokens,reasoning_tokens\n"
        "2026-01-01T00:00:00Z,kimi-k2,3,900,100,60,0\n2026-01-01T01:00:00Z,,1,5,,7,\n",
        "log.csv",
    )
    written = frame.to_json(orient="records", lines=True, date_format="iso")
    pd.testing.assert_frame_equal(read(written), frame)


def test_requests_of_a_bare_usage_object_are_checked(refused):
    """A number of requests that is none is named with its line, as in a CSV."""
    said = refused(lines(USAGE | {"requests": 1.5}))
    assert said == "line 1: requests is 1.5. It must be a whole number."


def test_a_log_without_dates_counts_from_its_start(read):
    """Seconds in timestamp_s become times since the start of the log."""
    frame = read("timestamp_s,prompt_tokens,completion_tokens\n0.0,1,1\n0.1,1,1\n90,1,1\n", "a.csv")
    assert frame["timestamp"].tolist() == [
        pd.Timedelta(0), pd.Timedelta(milliseconds=100), pd.Timedelta(seconds=90)
    ]  # fmt: skip


@pytest.mark.parametrize("stamp", ["now", "today", "yesterday", "2026-13-01", "nan", "inf", "1e30"])
@pytest.mark.parametrize("column", ["timestamp", "timestamp_s"])
def test_what_is_no_time_is_refused(refused, stamp, column):
    """No clock is read, and no time is guessed."""
    said = refused(f"{column},prompt_tokens,completion_tokens\n,1,1\n{stamp},1,1\n", "log.csv")
    assert said == (
        f"line 3: timestamp is '{stamp}'. Write ISO 8601, such as 2026-11-24T09:30:00Z, "
        "or seconds since 1970; seconds since the start of the log stand in timestamp_s."
    )


@pytest.mark.parametrize("stamp", ["2026", "20261399", "20261101.0", "99999999.5", "0", "-1"])
def test_a_number_too_small_for_an_epoch_is_refused(refused, stamp):
    """Years, seconds from the start of a log and wrong dates do not become days of 1970."""
    said = refused(f"timestamp,prompt_tokens,completion_tokens\n{stamp},1,1\n", "log.csv")
    assert said.startswith(f"line 2: timestamp is '{stamp}'.")
    assert "timestamp_s" in said


def test_a_relative_time_of_centuries_is_refused(refused):
    """Seconds since the start of the log that no log can span are refused."""
    said = refused("timestamp_s,prompt_tokens,completion_tokens\n0,1,1\n1e11,1,1\n", "log.csv")
    assert said.startswith("line 3: timestamp is '1e11'.")


@pytest.mark.parametrize("stamp", [True, 1e300, -1e300, 1e30, [1], "soon"])
def test_a_json_time_that_is_none_is_refused(refused, stamp):
    """Values of another type or of absurd size are named."""
    said = refused(lines({"timestamp": stamp, "usage": USAGE}))
    assert said.startswith(f"line 1: timestamp is {stamp!r}. Write ISO 8601")


BAD_NUMBERS = [
    ("nan", "is 'nan'. It must be a whole number."),
    ("-1", "is -1. It cannot be negative."),
    ("inf", "is inf. It must be a whole number."),
    ("-inf", "is -inf. It cannot be negative."),
    ("1e30", "is 1e+30. More than 1e+15 in one row cannot be meant."),
    ("1000000000000001", "is 1000000000000001. More than 1e+15 in one row cannot be meant."),
    ("9" * 5000, "is inf. It must be a whole number."),
    ("1.5", "is 1.5. It must be a whole number."),
    ("many", "is 'many'. It must be a whole number."),
    ("0x10", "is '0x10'. It must be a whole number."),
    ("true", "is 'true'. It must be a whole number."),
]


@pytest.mark.parametrize(("cell", "said"), BAD_NUMBERS, ids=[cell[:9] for cell, _ in BAD_NUMBERS])
@pytest.mark.parametrize("column", ["prompt_tokens", "cached_tokens", "requests"])
def test_a_bad_number_is_named_with_its_line(refused, column, cell, said):
    """The error names line, column, value and what is allowed, whatever stands beside it."""
    names = dict.fromkeys([column, "prompt_tokens", "completion_tokens"], "1000000000000000")
    good = ",".join(names.values())
    bad = ",".join((names | {column: cell}).values())
    assert refused(f"{','.join(names)}\n{good}\n{bad}\n", "log.csv") == f"line 3: {column} {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ": the file is empty. A usage CSV starts with a header line."),
        ("\n\n", ": the file is empty. A usage CSV starts with a header line."),
        (HEADER, ": no rows. A usage log has at least one call."),
        (f"{HEADER}1,\n", "line 2: completion_tokens is missing. Fill it in, or leave the row out."),
        (f"{HEADER}1,2\n1,2,3\n", "line 3: 3 fields where the header has 2. Correct the row."),
        (f'{HEADER}1,"2\n', "line 2: not CSV"),
        ("prompt_tokens,cached_tokens,completion_tokens\n5,6,1\n",
         "line 2: cached_tokens (6) cannot exceed prompt_tokens (5), of which they are a part."),
        ("prompt_tokens,completion_tokens,reasoning_tokens\n5,1,2\n",
         "line 2: reasoning_tokens (2) cannot exceed completion_tokens (1)"),
        ("requests,prompt_tokens,completion_tokens\n0,5,1\n",
         "line 2: the row has tokens but requests is 0. It must be at least 1."),
        ("prompt_token,completion_tokens\n1,2\n",
         "line 1: no column 'prompt_tokens'. Found: 'prompt_token, completion_tokens'. "
         "Did you mean 'prompt_token'? Say which it is: --map prompt_tokens=NAME,"),
        ("prompt_tokens,model\n1,2\n",
         "line 1: no column 'completion_tokens'. Found: 'prompt_tokens, model'. Say which it is: "
         "--map completion_tokens=NAME, in Python map={'completion_tokens': NAME}. A usage CSV has"),
        ("prompt_tokens,prompt_tokens,completion_tokens\n1,1,1\n",
         "line 1: the header names a column twice (prompt_tokens). Keep one."),
        ("timestamp,timestamp_s,prompt_tokens,completion_tokens\n1,1,1,1\n",
         "line 1: the header names a column twice (timestamp, timestamp_s). Keep one."),
        (HEADER.encode() + b"1,2\n\xe9,2\n", "line 3: not UTF-8 (byte 0xe9). Save the file as UTF-8."),
        (HEADER.encode("utf-16"), ": no rows. A usage log has at least one call."),
        (HEADER.encode("utf-16-le") * 9, "line 1: not UTF-8: it has many zero bytes"),
    ],
)  # fmt: skip
def test_a_damaged_csv_is_one_error_with_its_line(refused, content, said):
    """Each fault names file, line, value and remedy."""
    assert refused(content, "log.csv").startswith(said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "[1] is not an object. Each line must be one whole object."),
        ('"text"', "'text' is not an object. Each line must be one whole object."),
        ("{", "not JSON ("),
        ("[" * 100_000, "not JSON ("),
        ('{"id": "x"}', "no usage object, so the call's cost is unknown. Log `usage` with every"),
        ('{"object": "chat.completion.chunk", "choices": []}', "no usage object"),
        ('{"usage": {}}', "no usage object, so the call's cost is unknown."),
        ('{"usage": [1]}', "no usage object, so the call's cost is unknown."),
        ('{"usage": {"prompt_tokens": NaN, "completion_tokens": 1}}', "prompt_tokens is missing. Fill"),
        ('{"usage": {"prompt_tokens": 1e400, "completion_tokens": 1}}', "prompt_tokens is inf. It"),
        ('{"usage": {"prompt_tokens": -1, "completion_tokens": 1}}', "prompt_tokens is -1. It cannot"),
        ('{"usage": {"prompt_tokens": 1e30, "completion_tokens": 1}}', "prompt_tokens is 1e+30. More"),
        ('{"usage": {"prompt_tokens": "x9", "completion_tokens": 1}}', "prompt_tokens is 'x9'. It must"),
        (f'{{"usage": {{"prompt_tokens": {"9" * 5000}, "completion_tokens": 1}}}}', "not JSON ("),
        ('{"prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 2}',
         "cached_tokens (2) cannot exceed prompt_tokens (1)"),
        ('{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 3}',
         "total_tokens (3) is not prompt_tokens + completion_tokens (1 + 1)."),
        ('{"model": 5, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
         "model is 5. A model id is text."),
        (json.dumps(chunk("abc")),
         "stream 'abc' ends without a usage object, so its cost is unknown. Ask for usage in the"),
    ],
    ids=lambda value: value[:32],
)  # fmt: skip
def test_a_bad_json_line_is_named(refused, read, line, said):
    """Each fault names file, line, value and remedy; with skip it is counted and the rest kept."""
    content = f"{lines(USAGE)}\n{line}\n{lines(NESTED)}"
    assert refused(content).startswith(f"line 3: {said}")
    frame = read(content, on_error="skip")
    assert counts(frame) == [BARE, WHOLE]
    assert frame.attrs["rejected"] == 1
    assert f"log.jsonl line 3: {said}" in frame.attrs["rejected_examples"][0]


def test_a_stream_with_bad_usage_is_one_bad_call(read):
    """A stream counts once among the rejected, however many chunks it has."""
    entries = [chunk("a"), chunk("a", usage={"prompt_tokens": -1, "completion_tokens": 1}), USAGE]
    frame = read(lines(*entries), on_error="skip")
    assert counts(frame) == [BARE]
    assert frame.attrs["rejected"] == 1


def test_bad_rows_are_counted_and_named(read, tmp_path):
    """Skipping keeps the good rows, counts every bad one and names lines of the first twenty."""
    rows = ["2026-01-01,1,2,0", "2026-01-01,1,2", "soon,1,2,0", "2026-01-01,x,2,0", ",1,2,3"]
    content = "timestamp,prompt_tokens,completion_tokens,cached_tokens\n" + "\n".join(rows * 6)
    frame = read(content, "log.csv", on_error="skip")
    assert counts(frame) == [(1, 1, 0, 2, None)] * 6
    assert frame.index.tolist() == list(range(6))
    assert frame.attrs["rejected"] == 24
    assert frame.attrs["source"] == str(tmp_path / "log.csv")
    examples = frame.attrs["rejected_examples"]
    assert len(examples) == 20
    for number, word in ((3, "3 fields"), (4, "'soon'"), (5, "'x'"), (6, "cached_tokens (3)")):
        assert any(f"log.csv line {number}: " in said and word in said for said in examples)


def test_a_log_with_no_good_row_is_refused(refused):
    """If every row is bad, skipping is an error that tells the first."""
    said = refused(f"{HEADER}x,1\ny,1\n", "log.csv", on_error="skip")
    assert said.startswith(": every row is bad; the first: ")
    assert "line 2: prompt_tokens is 'x'" in said


@pytest.mark.parametrize("cut", [5, 200, -9, -1])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_truncated_gzip_is_never_half_a_log(refused, cut, on_error):
    """A cut archive is refused, also where bad rows are skipped."""
    rng = np.random.default_rng(0)
    rows = "".join(f"{n},1\n" for n in rng.integers(0, 10**6, 5000))
    said = refused(
        gzip.compress((HEADER + rows).encode(), mtime=0)[:cut], "log.csv.gz", on_error=on_error
    )
    assert "the gzip data is damaged or cut off" in said
    assert said.endswith("Copy the file again.")


def test_an_archive_that_is_none_is_refused(refused):
    """Two magic bytes are no archive."""
    assert "damaged or cut off" in refused(b"\x1f\x8b and then text", "log.csv.gz")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no.csv", "no.csv: no such file. Check the path; it is relative to "),
        (".", ".: the folder has no logs in it."),
        ("a\0.csv", "cannot be read"),
        (None, "source is None. Give the path of a log, or a DataFrame."),
        ([USAGE], "source is [{'prompt_tokens': 10"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, monkeypatch, source, said):
    """Missing files, folders and other objects end in one error."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        read_usage(source)
    assert said in str(caught.value)


def test_an_unknown_way_with_errors_is_refused():
    """Only raise and skip are ways."""
    with pytest.raises(UsageError, match=r"on_error is 'ignore'\. Use 'raise' or 'skip'\."):
        read_usage("log.csv", on_error="ignore")


def test_a_frame_is_read_like_a_file():
    """A frame of one's own gets the canonical columns; its labels and its data stay as they were."""
    own = pd.DataFrame(
        {
            "prompt_tokens": [10.0, 20.0],
            "completion_tokens": pd.array([5, 6], dtype="Int64"),
            "cached_tokens": [4, None],
            "timestamp": pd.to_datetime(["2026-01-01T08:00+08:00", "2026-01-01T09:00+08:00"]),
            "team": ["a", "b"],
        },
        index=["x", "y"],
    )
    before = own.copy()
    frame = read_usage(own)
    assert counts(frame) == [(1, 10, 4, 5, None), (1, 20, None, 6, None)]
    assert frame["timestamp"][0] == pd.Timestamp("2026-01-01", tz="UTC")
    assert frame.attrs["ignored_columns"] == ["team"]
    pd.testing.assert_frame_equal(own, before)
    pd.testing.assert_frame_equal(read_usage(frame), frame)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, -3], "row b: prompt_tokens is -3. It cannot be negative."),
        ([1.0, float("nan")], "row b: prompt_tokens is missing."),
        ([1.0, float("inf")], "row b: prompt_tokens is inf. It must be a whole number."),
        ([False, True], "row a: prompt_tokens is False. It must be a whole number."),
        (pd.Series([1, True], dtype=object), "row b: prompt_tokens is True. It must be"),
        (np.array([1, 2**63], dtype=np.uint64), f"row b: prompt_tokens is {2**63}. More than"),
        (pd.Series([1, 10**400], dtype=object), "row b: prompt_tokens is 1000"),
        ([1j, 2j], "row a: prompt_tokens is 1j. It must be a whole number."),
        (pd.to_timedelta([1, 2], unit="s"), "row a: prompt_tokens is Timedelta("),
        ([[1], {}], "row a: prompt_tokens is [1]. It must be a whole number."),
    ],
    ids=["negative", "nan", "inf", "bool", "mixed", "unsigned", "huge", "complex", "time", "list"],
)
def test_a_bad_value_in_a_frame_is_named_by_its_label(values, said):
    """The row is named by its index label, and the value as it stands there."""
    frame = pd.DataFrame({"prompt_tokens": np.zeros(2), "completion_tokens": 1}, index=["a", "b"])
    frame["prompt_tokens"] = values.to_numpy() if isinstance(values, pd.Series) else values
    with pytest.raises(UsageError) as caught:
        read_usage(frame)
    assert str(caught.value).startswith(f"usage frame {said}")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["prompt_tokens", "tokens"], "usage frame: no column 'completion_tokens'"),
        (["prompt_tokens", "prompt_tokens"], "usage frame: column 'prompt_tokens' stands there twice"),
        (["timestamp", "timestamp_s"], "usage frame: column 'timestamp' stands there twice"),
    ],
)  # fmt: skip
def test_a_frame_without_its_columns_is_refused(columns, said):
    """A missing column and a doubled one are named."""
    with pytest.raises(UsageError, match=said):
        read_usage(pd.DataFrame([[1, 2]], columns=columns))


def test_an_empty_frame_is_refused():
    """No rows is no log."""
    with pytest.raises(UsageError, match="usage frame: no rows"):
        read_usage(pd.DataFrame({"prompt_tokens": [], "completion_tokens": []}))


def test_times_in_a_column_of_objects_are_those_they_are():
    """Of whatever zone, beside days, text and none: a frame need not have a column of times alone."""
    times = [
        pd.Timestamp("2026-11-01 12:00", tz="UTC"),
        pd.Timestamp("2026-11-02 02:00", tz="Pacific/Kiritimati"),
        pd.Timestamp("2026-11-01 12:00"),
        "2026-11-01T13:00:00+01:00",
    ]
    for some in (times[:1], times[:2], times[:3], times, [*times[:2], None], [*times[:2], pd.NaT]):
        calls = {"model": "kimi-k2", "prompt_tokens": 9, "completion_tokens": 1}
        frame = pd.DataFrame(calls, index=range(len(some)))
        frame["timestamp"] = pd.Series(some, dtype=object)
        read = read_usage(frame)["timestamp"]
        assert set(read.dropna()) == {times[0]}
        assert read.isna().sum() == sum(one is None or one is pd.NaT for one in some)


def test_a_cell_that_compares_with_nothing_is_refused_as_another_value_is():
    """A table in a table is no number, and no bare error from inside."""
    frame = pd.DataFrame({"model": "kimi-k2", "prompt_tokens": [9, 9], "completion_tokens": 1})
    for cell in (
        pd.DataFrame({"a": [1, 2]}),
        pd.Series([1, 2]),
        np.array([1, 2]),
        pd.Index([1, 2]),
    ):
        frame["prompt_tokens"] = pd.Series([9, cell], dtype=object)
        with pytest.raises(UsageError, match="row 1"):
            read_usage(frame)


@pytest.mark.parametrize("mark", [("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le")])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_lines_may_end_in_a_carriage_return_alone(tmp_path, monkeypatch, form, mark):
    """As spreadsheets still save for a Macintosh; also where a block ends inside a line."""
    monkeypatch.setattr("kimi_planner.usage.lines._BLOCK_BYTES", 250)
    rows = [{"model": "kimi-k2", "prompt_tokens": n, "completion_tokens": 5} for n in range(30)]
    head = [] if form == "jsonl" else [",".join(rows[0])]
    lines = [
        json.dumps(row) if form == "jsonl" else ",".join(map(str, row.values())) for row in rows
    ]
    path = tmp_path / f"log.{form}"
    first, encoding = mark
    path.write_bytes((first + "".join(f"{line}\r" for line in [*head, *lines])).encode(encoding))
    frame = read_usage(path)
    assert frame["prompt_tokens"].tolist() == list(range(30))
    assert not frame.attrs["incomplete_last_line"]


@pytest.mark.parametrize(
    "doubled", ["{'prompt_tokens': 5, 'prompt_tokens': 6, 'completion_tokens': 1}"]
)
def test_a_key_that_stands_twice_in_a_cell_of_python_is_refused(tmp_path, doubled):
    """As in JSON, where it tells what a call costs; elsewhere the last of them counts."""
    path = tmp_path / "log.csv"
    path.write_text(f'model,usage\nkimi-k2,"{doubled}"\n', "utf-8")
    with pytest.raises(UsageError, match="the key 'prompt_tokens' stands twice"):
        read_usage(path)
    fine = doubled.replace("6", "5").replace("1}", "1, 'note': 'a', 'note': 'b'}")
    path.write_text(f'model,usage\nkimi-k2,"{fine}"\n', "utf-8")
    assert read_usage(path)["prompt_tokens"].tolist() == [5]
