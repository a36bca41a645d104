"""Logs as they lie on disk: cut off, written to, split, out of order, repeated, in several zones."""

import gzip
import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from backports import zstd
from logs import lines as text

from kimi_planner import read_usage, usage
from kimi_planner.errors import MissingExtraError, UsageError
from kimi_planner.usage import json_log, lines, reading

USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
HEADER = "timestamp,prompt_tokens,completion_tokens\n"


def call(name, **more):
    return {
        "id": name,
        "object": "chat.completion",
        "created": 1_767_225_600,
        "usage": USAGE | more,
    }


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (text(USAGE, USAGE) + json.dumps(USAGE)[:20], "log.jsonl"),
        (text(USAGE, USAGE).encode() + '{"model": "月'.encode()[:-1], "log.jsonl"),
        (json.dumps([USAGE, USAGE, USAGE], indent=2)[:-30], "log.json"),
        (json.dumps([USAGE, USAGE])[:-1], "log.json"),
        (f'[{text(USAGE)}, {text(USAGE)}, {{"model": "kim', "log.json"),
        (f'[{text(USAGE)}, {text(USAGE)}, {{"model": "a\\u00', "log.json"),
        (f'[{text(USAGE)}, {text(USAGE)}, {{"batch": fal', "log.json"),
        (f'[{text(USAGE)}, {text(USAGE)}, {{"cost": 1.', "log.json"),
        (HEADER + ",1,1\n,1,1\n2026-", "log.csv"),
        (HEADER + ',1,1\n,1,1\n"2026', "log.csv"),
    ],
    ids=[
        "line",
        "character",
        "document",
        "array",
        "text",
        "escape",
        "word",
        "number",
        "row",
        "quoted cell",
    ],
)
def test_an_incomplete_last_line_is_left_out_and_counted(read, content, name, on_error):
    """What a file that is still being written ends in is no bad row in either mode."""
    frame = read(content, name, on_error=on_error)
    assert len(frame) == 2
    assert (frame.attrs["incomplete_last_line"], frame.attrs["rejected"]) == (1, 0)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (text(USAGE, USAGE) + json.dumps(USAGE), "log.jsonl"),
        (json.dumps([USAGE, USAGE, USAGE]), "log.json"),
        (HEADER + ",1,1\n,1,1\n,1,1", "log.csv"),
    ],
)
def test_a_last_line_without_its_end_is_a_row_if_it_is_whole(read, content, name):
    """Many programs write no line end after the last line."""
    frame = read(content, name)
    assert (len(frame), frame.attrs["incomplete_last_line"]) == (3, 0)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (text(USAGE)[:-5] + "\n", "log.jsonl", "line 1: not JSON"),
        (text(USAGE) + '{"a\n' + text(USAGE), "log.jsonl", "line 2: not JSON"),
        ("[\n" + json.dumps(USAGE) + ",\n{oops}\n]", "log.json", "line 3: not JSON"),
        ("[\n" + json.dumps(USAGE) + "\n] 5\n", "log.json", "line 3: not JSON (text after the end"),
        ("{\n" + json.dumps(USAGE)[1:] + "\n{\n", "log.json", "line 3: not JSON"),
        (HEADER + ",1\n", "log.csv", "line 2: 2 fields where the header has 3"),
    ],
)
def test_a_broken_line_that_has_its_end_is_an_error(read, content, name, said):
    """Only the last line of a file may be incomplete, and only without a line end."""
    with pytest.raises(UsageError, match=f"{name} {said}".replace("(", r"\(")):
        read(content, name)


def test_a_file_of_nothing_but_an_incomplete_line_is_refused(read):
    """No whole row is no log, and the error says why."""
    with pytest.raises(UsageError, match=r"no rows.* Left out: 1 incomplete last lines"):
        read('{"usage": {"prompt')


def test_a_log_that_grows_while_it_is_read(tmp_path):
    """Another process appends in small pieces; every read sees whole rows in order, never an error."""
    path = tmp_path / "log.jsonl"
    path.write_text(text(USAGE), encoding="utf-8")
    script = (
        "import json, sys\n"
        "with open(sys.argv[1], 'a', buffering=1) as log:\n"
        "    for n in range(1, 20000):\n"
        "        line = json.dumps({'prompt_tokens': n, 'completion_tokens': 5, 'x': '月' * 9})\n"
        "        log.write(line[:30]); log.flush(); log.write(line[30:] + '\\n')\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
    seen = []
    while writer.poll() is None:
        frame = read_usage(path)
        assert frame["prompt_tokens"].tolist()[1:] == list(range(1, len(frame)))
        seen.append(len(frame))
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert len(read_usage(path)) == 20_000


@pytest.mark.parametrize("cut", [6, 300, -1])
def test_damaged_zstd_is_never_half_a_log(read, cut):
    """A cut archive is refused with its place and the remedy."""
    packed = zstd.compress(text(*({**USAGE, "n": f"{n:x}" * 9} for n in range(2000))).encode())
    with pytest.raises(UsageError, match=r"after line [0-9]+: the zstd data is damaged or cut off"):
        read(packed[:cut], "log.jsonl.zst", on_error="skip")


def test_without_a_reader_of_zstd_the_extra_is_named(read, monkeypatch):
    """The error says which extra to install."""
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(MissingExtraError, match=r"extra \[corpora\] adds with: pip install"):
        read(zstd.compress(text(USAGE).encode()), "log.jsonl.zst")


def test_a_call_that_is_logged_twice_is_one(read):
    """Rows with one id and the same tokens are one call; rows without an id never are."""
    frame = read(
        text(
            call("a"),
            call("b"),
            call("a"),
            USAGE,
            USAGE,
            call("a"),
            {"call_id": "z", **USAGE},
            {"request_id": "z", **USAGE},
        )
    )
    assert len(frame) == 5
    assert frame.attrs["duplicates"] == 3


def test_one_id_with_other_tokens_is_a_contradiction(read, tmp_path):
    """Which of the two is right cannot be told, so it is said."""
    content = text(call("a"), call("b"), call("a", completion_tokens=6), call("c"))
    path = tmp_path / "log.jsonl"
    with pytest.raises(UsageError) as caught:
        read(content)
    assert str(caught.value).startswith(
        f"{path} line 3: a call with the id of {path} line 1, but with other tokens."
    )
    frame = read(content, on_error="skip")
    assert (len(frame), frame.attrs["rejected"], frame.attrs["duplicates"]) == (3, 1, 0)


def test_a_contradiction_names_the_files_of_both_rows(tmp_path):
    """Each row with its own file and line, whichever files come before and after."""
    for name, calls in {"a": ["x"], "b": ["y", "z"], "c": ["v"], "d": ["w"]}.items():
        (tmp_path / f"{name}.jsonl").write_text(text(*map(call, calls)), encoding="utf-8")
    (tmp_path / "c.jsonl").write_text(text(call("v"), call("z", prompt_tokens=9)), encoding="utf-8")
    said = rf"{tmp_path / 'c.jsonl'} line 2: .* the id of {tmp_path / 'b.jsonl'} line 2, but with"
    with pytest.raises(UsageError, match=said):
        read_usage(tmp_path)


def test_of_two_rows_of_a_call_the_one_that_states_cached_tokens_counts(read):
    """Two libraries that trace one call do not state the same things."""
    frame = read(text(call("a"), call("b"), call("a", cached_tokens=4)))
    assert frame["cached_tokens"].isna().tolist() == [True, False]
    assert frame.attrs["duplicates"] == 1


def test_a_stream_and_its_assembled_reply_are_one_call(read):
    """Chunks are no repetition of each other, but a reply with their id is one of the stream."""
    chunk = {"id": "a", "object": "chat.completion.chunk", "choices": []}
    frame = read(text(chunk, {**chunk, "usage": USAGE}, call("b"), call("a")))
    assert len(frame) == 2
    assert frame.attrs["duplicates"] == 1


@pytest.mark.parametrize("column", ["call_id", "request_id"])
def test_a_csv_may_name_its_calls(read, column):
    """An id column of CSV is used as ids are in JSON; an empty one is no id."""
    frame = read(
        f"{column},prompt_tokens,completion_tokens\na,1,1\nb,1,1\na,1,1\n,1,1\n,1,1\n", "a.csv"
    )
    assert (len(frame), frame.attrs["duplicates"]) == (4, 1)
    assert frame.attrs["ignored_columns"] == []


def test_chunks_that_are_checked_apart_are_still_one_call(read, monkeypatch):
    """Ids are compared over the whole log, however many rows are checked together."""
    monkeypatch.setattr(json_log, "READ_CHARS", 300)
    monkeypatch.setattr(lines, "_BLOCK_BYTES", 300)
    chunk = {"id": "s", "object": "chat.completion.chunk", "choices": [], "created": 1_767_225_600}
    filler = [call(f"c{n}", prompt_tokens=n + 5) for n in range(20)]
    many = [
        chunk,
        *filler,
        {**chunk, "usage": USAGE},
        *filler,
        {**chunk, "usage": USAGE | {"completion_tokens": 9}},
        chunk,
    ]
    frame = read(text(*many))
    assert frame["prompt_tokens"].tolist() == [10, *range(5, 25)]
    assert frame["completion_tokens"][0] == 9
    assert frame.attrs["duplicates"] == 20


def test_rotated_files_are_one_log(tmp_path):
    """A glob and a list are read in order; a call at both sides of a cut counts once."""
    (tmp_path / "log.1.jsonl").write_text(text(call("a"), call("b")), encoding="utf-8")
    (tmp_path / "log.2.jsonl.gz").write_bytes(gzip.compress(text(call("b"), call("c")).encode()))
    by_glob = read_usage(tmp_path / "log.*")
    by_list = read_usage([tmp_path / "log.1.jsonl", str(tmp_path / "log.2.jsonl.gz")])
    pd.testing.assert_frame_equal(by_glob, by_list)
    assert len(by_glob) == 3
    assert by_glob.attrs["duplicates"] == 1
    assert by_glob.attrs["source"].endswith("(2 files)")


def test_an_error_in_one_of_several_files_names_that_file(tmp_path):
    """The line is that of the file it stands in."""
    (tmp_path / "1.csv").write_text(f"{HEADER},1,1\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text(f"{HEADER},1,1\n,x,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"2\.csv line 3: prompt_tokens is 'x'"):
        read_usage([tmp_path / "1.csv", tmp_path / "2.csv"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "source names no file"),
        (["a.csv", 5], "Give paths of a log"),
        ("*.none", "no such file"),
        (b"a", "source is b'a'"),
    ],
)
def test_sources_that_name_no_log_are_refused(tmp_path, monkeypatch, source, said):
    """An empty list, a list of something else, a glob without files."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        read_usage(source)


def test_a_name_with_brackets_is_a_name(tmp_path):
    """A file that exists under a name is not taken for a pattern."""
    path = tmp_path / "log[1].csv"
    path.write_text(f"{HEADER},1,1\n", encoding="utf-8")
    assert len(read_usage(path)) == 1


def test_dates_after_seconds_from_the_start_are_refused(read):
    """One log has one clock; the line where the other begins is named."""
    timed = USAGE | {"timestamp_s": 5}
    dated = USAGE | {"timestamp": "2026-01-01T00:00:00Z"}
    clocks = {"a date": dated, "seconds from the start of the log": timed}
    for (before, first), (name, second) in permutations(clocks.items()):
        said = f"log.jsonl line 2: the time is {name}; before it stands {before}. One log has one clock"
        with pytest.raises(UsageError, match=said):
            read(text(first, second))
    frame = read(text(USAGE, timed, USAGE))
    assert frame["timestamp"].isna().tolist() == [True, False, True]


def test_a_clock_must_be_one_across_files(tmp_path):
    """A file without dates after one with dates is refused with its line."""
    (tmp_path / "1.csv").write_text(f"{HEADER}2026-01-01,1,1\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text(
        f"{HEADER},1,1\n".replace("timestamp", "timestamp_s"), encoding="utf-8"
    )
    frame = read_usage([tmp_path / "1.csv", tmp_path / "2.csv"])
    assert frame["timestamp"].dtype == "datetime64[us, UTC]"
    assert frame["timestamp"].isna().tolist() == [False, True]
    (tmp_path / "2.csv").write_text(
        "timestamp_s,prompt_tokens,completion_tokens\n5,1,1\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"2\.csv line 2: the time is seconds from the start"):
        read_usage([tmp_path / "1.csv", tmp_path / "2.csv"])


def test_zones_and_a_change_of_clocks(read):
    """Offsets tell the repeated hour apart; without one a time is UTC."""
    stamps = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00",
              "2026-10-25T04:00:00Z", "2026-10-24T23:30:00-05:00"]  # fmt: skip
    frame = read(HEADER + "".join(f"{stamp},1,1\n" for stamp in stamps), "log.csv")
    hours = [time.strftime("%d %H:%M") for time in frame["timestamp"]]
    assert hours == ["25 00:30", "25 01:30", "25 02:30", "25 04:00", "25 04:30"]
    assert frame.attrs["out_of_order"] == 0


def test_times_that_python_made(read):
    """A frame may hold times of Python, of different zones or of none."""
    east = timezone(timedelta(hours=8))
    stamps = [datetime(2026, 1, 1, 8, tzinfo=east), datetime(2026, 1, 1, 1), "2026-01-01T02:00:00"]  # noqa: DTZ001
    frame = pd.DataFrame(
        {"timestamp": pd.Series(stamps, dtype=object), "prompt_tokens": 1, "completion_tokens": 1}
    )
    assert read_usage(frame)["timestamp"].dt.hour.tolist() == [0, 1, 2]


def test_rows_out_of_order_are_kept_and_counted(read):
    """The order of the log is kept; times say what is early, and what the log spans."""
    rows = "".join(f"2026-01-0{day},1,1\n" for day in (2, 1, 4, 3, 3)) + ",1,1\n"
    frame = read(HEADER + rows, "log.csv")
    assert frame["timestamp"].dt.day.tolist()[:5] == [2, 1, 4, 3, 3]
    assert frame.attrs["out_of_order"] == 2
    assert frame.attrs["observed_start"] == pd.Timestamp("2026-01-01", tz="UTC")
    assert frame.attrs["observed_end"] == pd.Timestamp("2026-01-04", tz="UTC")


@pytest.mark.parametrize(
    ("unit", "spelled"),
    [
        *product([1, 10**3, 10**6, 10**9], [int, str]),
        (1, float),
        (1, "{}.5".format),
        (10**3, float),
    ],
)
def test_a_short_id_is_one_of_its_day(read, unit, spelled):
    """Who counts ids begins again: 7 twice on one day is one call, on two days it is two, in any unit."""
    noon, day = 1_772_668_800 + 43_200, 86_400
    seconds = [noon, noon + 3_600, noon + day]
    stamps = [spelled(one * unit) for one in seconds]
    entries = [USAGE | {"call_id": "7", "timestamp": stamp} for stamp in stamps]
    frame = read(text(*entries))
    assert (len(frame), frame.attrs["duplicates"]) == (2, 1)
    assert frame["timestamp"].dt.day.tolist() == [5, 6]


def test_several_files_are_named_and_their_bad_rows_counted(tmp_path):
    """The first and the last of them, and each bad row once."""
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text(text(USAGE, {"prompt_tokens": -1}, USAGE))
    paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
    frame = read_usage(paths, on_error="skip")
    assert (len(frame), frame.attrs["rejected"]) == (6, 3)
    assert frame.attrs["source"] == f"{paths[0]} to {paths[2]} (3 files)"


def test_names_of_one_letter_are_names(tmp_path):
    """In a folder only those that begin with a dot or an underscore are passed over."""
    for name in ("a/b", "a/.b", "_c/d", ".e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text(USAGE))
    assert len(read_usage(tmp_path)) == 1


def test_a_line_of_absurd_length_is_refused(read, monkeypatch):
    """A line is held in memory only up to a limit, and named when it is longer."""
    monkeypatch.setattr(lines, "LINE_BYTES", 5_000)
    monkeypatch.setattr(lines, "_BLOCK_BYTES", 1_000)
    with pytest.raises(UsageError, match="line 2: longer than 5,000 bytes"):
        read(text(USAGE) + '{"a": "' + "x" * 9_000 + '"}\n')


def test_a_document_of_absurd_size_is_refused(read, monkeypatch):
    """An object that spans lines is held in memory only up to a limit; an array has none."""
    monkeypatch.setattr(json_log, "DOCUMENT_CHARS", 5_000)
    monkeypatch.setattr(lines, "_BLOCK_BYTES", 1_000)
    many = [USAGE | {"prompt_tokens": n} for n in range(500)]
    assert read(json.dumps(many, indent=2), "a.json")["prompt_tokens"].tolist() == list(range(500))
    with pytest.raises(UsageError, match="line 1: a JSON value of more than 5,000 characters"):
        read(json.dumps({"data": many}, indent=2), "a.json")


def test_progress_counts_the_bytes_on_disk(tmp_path):
    """Steps add up to the size of the file, packed or not."""
    for name, pack in (("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.zst", zstd.compress)):
        path = tmp_path / name
        path.write_bytes(pack(text(*({**USAGE, "n": n} for n in range(50_000))).encode()))
        steps = []
        read_usage(path, progress=lambda step, total, steps=steps: steps.append((step, total)))
        assert sum(step for step, _ in steps) == path.stat().st_size
        assert {total for _, total in steps} == {path.stat().st_size}


def test_standard_input_is_a_log(tmp_path):
    """A log comes through a pipe under the name of a dash."""
    script = "from kimi_planner import read_usage; print(len(read_usage('-')))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=text(USAGE, USAGE),
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == "2"


def test_texts_of_a_log_are_not_kept(tmp_path):
    """Reading takes memory for rows, not for what was said in the calls."""
    import tracemalloc

    path = tmp_path / "log.jsonl"
    with path.open("w", encoding="utf-8") as log:
        for n in range(600):
            log.write(
                json.dumps({**call(f"c{n}"), "choices": [{"message": {"content": "x" * 100_000}}]})
                + "\n"
            )
    assert path.stat().st_size > 60_000_000
    read_usage(path)
    tracemalloc.start()
    try:
        read_usage(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_odd_columns_of_parquet_are_named(tmp_path):
    """A column twice, text that is no UTF-8, and whole numbers beyond 64 bits with a sign."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    raw = pa.array([b"\xff\xfe"], pa.binary())
    text = pa.StringArray.from_buffers(1, *raw.buffers()[1:])
    model, one = pa.array(["kimi-k2"]), pa.array([1])
    cases = (
        ([model, one, one, one], "twice (completion_tokens)"),
        ([text, one, one], "Invalid UTF8"),
        ([model, pa.array([2**63], pa.uint64()), one], "More than 1e+15 in one row"),
    )
    names = ["model", "prompt_tokens", "completion_tokens", "completion_tokens"]
    for columns, said in cases:
        path = tmp_path / "log.parquet"
        parquet.write_table(pa.Table.from_arrays(columns, names=names[: len(columns)]), path)
        with pytest.raises(UsageError, match=re.escape(said)):
            read_usage(path)


def test_a_blank_line_first_among_rows_is_no_row(tmp_path):
    """Blank lines of a CSV are passed over wherever they stand, also right below the header."""
    path = tmp_path / "log.csv"
    path.write_text(f"{HEADER}\n2026-11-01,10,5\n\n2026-11-02,10,5\n", encoding="utf-8")
    assert len(read_usage(path)) == 2
    path.write_text(f"{HEADER}\n2026-11-01,10,5\n2026-11-02,10,5\n", encoding="utf-8")
    assert len(read_usage(path)) == 2
    path.write_bytes(f"{HEADER}\n2026-11-01,10,5\n2026-11-02,10,5".replace("\n", "\r\n").encode())
    assert len(read_usage(path)) == 2


TWICE = '{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens": 11}'
OTHER = '{"model": "kimi-k2", "id": 7, "input_tokens": 5, "output_tokens": 5}'
DOUBLED = {
    "alike": f"{json.dumps(USAGE)}\n{TWICE}\n",
    "alone": f"{TWICE}\n",
    "mixed": f"{json.dumps(USAGE)}\n{OTHER}\n{TWICE}\n",
    "usage": f'{OTHER}\n{{"model": "kimi-k2", "usage": {TWICE}}}\n',
    "cached": f'{OTHER}\n{json.dumps({"usage": USAGE | {"cached_tokens": 1, "d": 0}})}\n'.replace(
        '"d": 0', '"prompt_tokens_details": {"cached_tokens": 1}, "cached_tokens": 2'
    ),
    "details": '{"usage": {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": '
    '{"cached_tokens": 1}, "prompt_tokens_details": {"cached_tokens": 2}}}\n',
    "objects": f'{{"usage": {json.dumps(USAGE)}, "usage": {{"prompt_tokens": 1, "completion_tokens": 1}}}}\n',
    "model": f'{{"model": "kimi-k2", "model": "kimi-k2-5", "usage": {json.dumps(USAGE)}}}\n' * 2,
    "model of a document": f'[{{"model": "kimi-k2",\n"model": "kimi-k2-5", "usage": {json.dumps(USAGE)}}}]\n',
    "reply": f'{{"response": {{"usage": {json.dumps(USAGE)}}}, "response": {{"usage": {{"prompt_tokens": 1, "completion_tokens": 1}}}}}}\n',
    "apart": f'{{"response": {{"model": "kimi-k2", "model" : "x", "usage": {json.dumps(USAGE)}}}}}\n',
    "escapes": f'{{"response": {{"model": "kimi-k2", "mod\\u0065l": "x", "usage": {json.dumps(USAGE)}}}}}\n',
    "hidden": f'{{"a": "\\u0022:", "response": {{"model": "kimi-k2", "model": "x", "usage": {json.dumps(USAGE)}}}}}\n',
    "document": f'[\n{json.dumps(USAGE)},\n{TWICE}\n]\n',
    "event": f"data: {TWICE}\n\ndata: [DONE]\n",
    "text": json.dumps({"log": TWICE + "\n", "stream": "stdout"}) + "\n",
    "cell": 'model,usage\nkimi-k2,"' + TWICE.replace('"', '""') + '"\n',
}  # fmt: skip


@pytest.mark.parametrize("content", DOUBLED.values(), ids=DOUBLED)
def test_a_key_that_stands_twice_is_not_the_last_of_them(tmp_path, content):
    """What an object of usage says twice, and differently, is said with its line, however it is read."""
    path = tmp_path / ("log.csv" if content.startswith("model,") else "log.jsonl")
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"line \d: .*stands twice in one object"):
        read_usage(path)


def test_a_key_that_says_the_same_twice_does_no_harm(tmp_path):
    """Kimi states cached tokens in two objects, and what stands twice with one value has that value."""
    path = tmp_path / "log.jsonl"
    kimi = USAGE | {"cached_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}
    same = TWICE.replace("11", "10")
    path.write_text(f"{json.dumps({'usage': kimi})}\n{OTHER}\n{same}\n", encoding="utf-8")
    assert read_usage(path)["prompt_tokens"].tolist() == [10, 5, 10]
    path.write_text(f"{OTHER}\n{same}\n{TWICE}\n", encoding="utf-8")  # same but for the digits
    with pytest.raises(UsageError, match="line 3"):
        read_usage(path)


def test_of_many_bad_rows_the_first_are_kept_and_all_counted(tmp_path):
    """A log of bad rows takes memory for a few messages, whichever reads them."""
    import tracemalloc

    path = tmp_path / "log.jsonl"
    good, bad = f"{json.dumps(USAGE)}\n", "{}\n" * 15_000 + "x\n" * 15_000
    path.write_text(good + bad + good, encoding="utf-8")
    read_usage(path, on_error="skip")
    tracemalloc.start()
    try:
        attrs = read_usage(path, on_error="skip").attrs
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert attrs["rejected"] == 30_000
    assert [int(re.search(r"line (\d+)", one)[1]) for one in attrs["rejected_examples"]] == list(range(2, 22))  # fmt: skip
    with pytest.raises(UsageError, match="line 2: no usage object"):
        read_usage(path)
    parts = usage.total_usage([path, path], by="model", on_error="skip")
    assert (parts.rejected, len(parts.rejected_examples)) == (60_000, 20)


def test_bad_rows_behind_the_first_are_not_put_into_words(tmp_path, monkeypatch):
    """Of very many only those are that are shown, so that counting the rest takes next to nothing."""
    said = []
    quoted = reading.quoted
    monkeypatch.setattr(reading, "quoted", lambda value: said.append(value) or quoted(value))
    path = tmp_path / "log.csv"
    rows = "x,1\n" * 5_000 + "1,1\n"
    path.write_text(f"prompt_tokens,completion_tokens\n{rows}", encoding="utf-8")
    assert read_usage(path, on_error="skip").attrs["rejected"] == 5_000
    assert len(said) < 100


def test_fields_of_their_own_in_every_line_are_no_columns_of_all(tmp_path, monkeypatch):
    """As Arrow would have it: lines times fields. Fields that are rare are no reason not to ask it."""
    asked = []
    table_of_lines = json_log.table_of_lines
    monkeypatch.setattr(
        json_log, "table_of_lines", lambda *given: asked.append(1) or table_of_lines(*given)
    )
    path = tmp_path / "log.jsonl"
    path.write_text(
        text(*(USAGE | {f"user_{n}": {"n": 1}} for n in range(3_000))), encoding="utf-8"
    )
    assert len(read_usage(path)) == 3_000
    assert not asked
    rare = (USAGE | ({f"rare_{n % 5}": 1} if n % 50 == 0 else {}) for n in range(3_000))
    path.write_text(text(*rare), encoding="utf-8")
    assert len(read_usage(path)) == 3_000
    assert asked


def test_lines_that_are_alike_are_never_objects(read, monkeypatch):
    """Arrow reads them whole, with objects and lists in them; a field that only some lines have is no reason not to."""
    monkeypatch.setattr(json_log.Entries, "take", lambda *_: pytest.fail("read one by one"))
    entries = [
        call(f"chatcmpl-{n:09}", prompt_tokens_details={"cached_tokens": n % 10}) for n in range(99)
    ]
    entries = [
        one | {"choices": [{"index": 0}], "seen": ["a"], "note": {"by": "b"}} for one in entries
    ]
    entries[7] |= {"user": "c"}
    frame = read(text(*entries))
    assert frame["cached_tokens"].tolist() == [n % 10 for n in range(99)]


@pytest.mark.parametrize("cell", [np.array([1, 2]), pd.Series([1]), np.array([]), [1, 2]])
@pytest.mark.parametrize("name", ["model", "prompt_tokens", "timestamp", "messages"])
def test_a_list_in_a_cell_of_a_frame_is_named_or_passed_over(name, cell):
    """Tables of pandas have arrays in their cells, which compare with nothing."""
    columns = {
        "model": "kimi-k2",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "timestamp": "2026-11-01",
    }
    frame = pd.DataFrame({key: [value] * 2 for key, value in columns.items()}, dtype=object)
    frame[name] = pd.Series([cell, frame.get(name, [None])[0]], dtype=object)
    if name == "messages":
        assert len(read_usage(frame)) == 2
    else:
        with pytest.raises(UsageError, match=f"row 0: {name} is"):
            read_usage(frame)
        assert len(read_usage(frame, on_error="skip")) == 1
