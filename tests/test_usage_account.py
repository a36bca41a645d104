"""What a log says and was not read, how whole it is, and what it is packed in."""

import bz2
import io
import json
import lzma
import sys
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from logs import lines
from pyarrow import feather, parquet

from kimi_planner import read_usage
from kimi_planner.cli.usage import command
from kimi_planner.errors import MissingExtraError, UsageError

AT = "2026-03-05T10:00:00Z"
CALL = {"timestamp": AT, "model": "kimi-k2", "prompt_tokens": 1000, "completion_tokens": 300}
HEADER = "timestamp,model,prompt_tokens,completion_tokens\n"


@pytest.mark.parametrize(
    ("more", "looks_like", "remedy"),
    [
        ({"cache_tokens": 640}, "cache", "cached_tokens=cache_tokens"),
        ({"prefix_cached": 640}, "cache", "cached_tokens=prefix_cached"),
        ({"thinking_tokens": 40}, "tokens", "reasoning_tokens=thinking_tokens"),
        ({"sentRequests": 7}, "requests", "requests=sentRequests"),
        ({"cacheWritten": 64}, "cache", "written_5m_tokens=cacheWritten"),
        ({"price_paid": 0.5}, "cost", "logged_cost_usd=price_paid"),
        ({"cache_tokens": 1}, "cache", "cached_tokens=cache_tokens"),
        ({"aside": None, "cache_tokens": 640}, "cache", "cached_tokens=cache_tokens"),
        ({"usage_more": {"hit_tokens": 64}}, "tokens", "prompt_tokens=usage_more.hit_tokens"),
    ],
)
def test_a_field_that_looks_like_usage_stops_the_run(read, more, looks_like, remedy):
    """Its name, a value and the remedy are told, in JSON and in CSV; ignored, it is only counted."""
    entry = CALL | more
    with pytest.raises(UsageError) as caught:
        read(lines(CALL, entry))
    said = str(caught.value)
    assert "log.jsonl line 2: " in said
    assert f"which looks like {looks_like} and was not read" in said
    assert f"--map {remedy}" in said
    path = remedy.partition("=")[2]
    frame = read(lines(CALL, entry), ignore=[path])
    assert frame.attrs["unread"] == {path: 1}
    if not isinstance(next(iter(more.values())), dict):
        table = pd.DataFrame([CALL, entry]).to_csv(index=False)
        with pytest.raises(UsageError, match=r"log\.csv line 3: .* was not read"):
            read(table, "log.csv")


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 4096}, {"tokens_per_second": 31.5}, {"total_tokens": 1300}, {"tokens": 1300}, {"token_name": "T"},
        {"cache_tokens": 0}, {"latency_ms": 900}, {"request_id": "aaaaaaaaaa"}, {"uncached_tokens": 1000}, {"cache_enabled": True},
        {"cache_key": "x"}, {"cost": 0.5, "cost_input": 0.2}, {"cache_hit": False}, {"cache_hit": "miss"},
        {"requests": 7, "failed_requests": 2}, {"cached_tokens": 640, "uncached_tokens": 360},
        {"cached_tokens": 640, "written_5m_tokens": 100, "uncached_tokens": 360},
        {"cached_tokens": 640, "written_5m_tokens": 100, "uncached_tokens": 260}, {"note": '{"cached_tokens": 640}'},
    ],
    ids=str,
)  # fmt: skip
def test_what_says_nothing_new_does_not_stop_the_run(read, more):
    """Limits, rates, restatements, zeros and names are passed over."""
    assert len(read(lines(CALL | more))) == 1


def test_what_is_ignored_is_that_field_alone(read):
    """However it is spelled; another one stops the run all the same."""
    entry = lines(CALL | {"cache_tokens": 5, "thinking_tokens": 7})
    for ignored, other in (("cacheTokens", "thinking_tokens"), ("thinking_tokens", "cache_tokens")):
        with pytest.raises(UsageError, match=f"{other} is ., which looks like"):
            read(entry, ignore=[ignored])
    assert len(read(entry, ignore=["cacheTokens", "thinking_tokens"])) == 1


def test_a_field_is_named_by_the_caller(read):
    """The map says where a count stands, at any depth and in CSV, and a file may lack it."""
    entry = CALL | {"more": {"cacheTokens": 640}, "n_req": 3}
    names = {"cached_tokens": "cacheTokens", "requests": "n_req"}
    frame = read(lines(CALL, entry), map=names)
    assert frame["cached_tokens"].tolist() == [pd.NA, 640]
    assert frame["requests"].tolist() == [1, 3]
    frame = read("when,inp,out\n5,1000,300\n", "log.csv",
                 map={"prompt_tokens": "inp", "completion_tokens": "out", "timestamp_s": "when"})  # fmt: skip
    assert frame["prompt_tokens"].tolist() == [1000]
    assert frame["timestamp"].tolist() == [pd.Timedelta(seconds=5)]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"map": {"cache": "x"}}, "map is"), ({"map": {"cached_tokens": 5}}, "map is"), ({"ignore": "x"}, "ignore is 'x'"), ({"keep": [5]}, "keep is")],
)  # fmt: skip
def test_what_is_no_map_is_refused(read, options, said):
    """Only columns of a usage frame have fields."""
    with pytest.raises(UsageError, match=said):
        read(lines(CALL), **options)


def test_two_fields_of_one_meaning_must_agree(read):
    """Which of them is right cannot be told, so both are said."""
    entry = CALL | {"input_tokens": 999}
    with pytest.raises(UsageError, match="prompt_tokens says 1000 and input_tokens says 999"):
        read(lines(entry))
    assert read(lines(entry), ignore=["input_tokens"])["prompt_tokens"].tolist() == [1000]


def test_the_command_line_takes_the_same(tmp_path):
    """--map and --ignore are those of read_usage, also by a column of the log."""
    path = tmp_path / "log.jsonl"
    path.write_text(lines(CALL | {"cache_tokens": 640, "team": "a", "tok_x": 5}), encoding="utf-8")
    run = CliRunner().invoke(command, ["price", str(path), "--model", "kimi-k2-5"])
    assert run.exit_code != 0
    args = [
        "--map",
        "cached_tokens=cache_tokens",
        "--ignore",
        "tok_x",
        "--by",
        "team",
        "--format",
        "json",
    ]
    run = CliRunner().invoke(command, ["price", str(path), "--model", "kimi-k2-5", *args])
    assert json.loads(run.output)["spend"][0]["cached_tokens"] == 640


def test_what_a_log_says_of_its_cost_is_kept(read):
    """The sum of what stands there, over the rows that are calls."""
    calls = [CALL | {"call_id": f"call-000{n}", "cost": 0.25} for n in (1, 2, 2)]
    frame = read(lines(*calls, CALL))
    assert (frame.attrs["logged_cost_usd"], frame.attrs["logged_cost_rows"]) == (0.5, 2)


PAGE = {"data": [CALL], "meta": {"page": 1, "totalPages": 3}}


@pytest.mark.parametrize(
    ("entries", "verdict", "why"),
    [
        ([PAGE], "partial", "it has page 1 of 3"),
        ([PAGE | {"meta": {"page": n, "totalPages": 3}} for n in (1, 2, 3)], "whole", ""),
        ([{"data": [CALL], "has_more": True}], "partial", "there are more"),
        ([{"data": [CALL], "has_more": True}, {"data": [CALL], "has_more": False}], "whole", ""),
        ([{"items": [CALL], "page": 1, "page_size": 1, "total": 9}], "partial", "page 1 of 9"),
        ([CALL | {"timestamp": f"2026-03-0{day}"} for day in (1, 2, 1, 2)], "doubled", "every row without an id is there twice"),
        ([CALL | {"timestamp": f"2026-03-0{day}"} for day in (1, 2, 1, 3)], "whole", ""),
    ],
)  # fmt: skip
def test_a_log_says_whether_it_is_whole(read, entries, verdict, why):
    """Pages, cursors and repetition are told, and said in a note."""
    frame = read(lines(*entries))
    assert frame.attrs["completeness"] == verdict
    assert why in " ".join(map(str, frame.attrs["notes"]))
    assert bool(frame.attrs["notes"]) == (verdict != "whole")


def test_windows_with_a_gap_are_partial(read):
    """What no window covers is said; the ends of windows are the ends of the log."""
    day = 86_400
    start = 1_772_668_800
    buckets = [
        {"object": "bucket", "start_time": start + n * day, "end_time": start + (n + 1) * day, "results": [
            {"num_model_requests": 1, "input_tokens": 5, "output_tokens": 5}]} for n in (0, 2)
    ]  # fmt: skip
    frame = read(lines(*buckets))
    assert frame.attrs["completeness"] == "partial"
    assert "nothing covers 2026-03-06" in str(frame.attrs["notes"][0])
    assert frame.attrs["observed_end"] == pd.Timestamp("2026-03-08", tz="UTC")


def test_windows_of_a_table_cover_what_they_say(read):
    """As those of an export in JSON; that of a whole day says but when it begins."""
    start, hour = 1_772_668_800, 3_600
    head = "start_time,end_time,num_model_requests,input_tokens,output_tokens,model\n"
    rows = [f"{start + n * hour},{start + (n + 1) * hour},1,5,5,m\n" for n in (0, 1, 5)]
    frame = read(head + "".join(rows), "log.csv")
    assert frame.attrs["completeness"] == "partial"
    assert "nothing covers 2026-03-05" in str(frame.attrs["notes"][0])
    assert frame.attrs["observed_end"] == pd.Timestamp("2026-03-05T06:00", tz="UTC")
    assert read(head + "".join(rows[:2]), "log.csv").attrs["completeness"] == "whole"


@pytest.mark.parametrize("row", [",,,", '"",,,', "2026-03-05,m,,"])
def test_a_row_of_a_table_without_counts_is_a_bad_row(read, row):
    """Of a log of JSON an entry may be no call; of a table each row is one."""
    with pytest.raises(UsageError, match=r"line 3: prompt_tokens is missing"):
        read(f"{HEADER}{AT},m,5,5\n{row}\n", "log.csv")


def zipped(*names):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, lines(CALL))
    return held.getvalue()


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, lambda _: zipped("log.jsonl")])
def test_a_packed_log_is_read(read, pack):
    """Told by its first bytes, under any name."""
    packed = pack(lines(CALL).encode())
    assert len(read(packed, "log.jsonl.packed")) == 1
    with pytest.raises(UsageError, match="damaged or cut off"):
        read(packed[:-9], "log.cut")


@pytest.mark.parametrize("write", [parquet.write_table, feather.write_feather])
def test_arrow_files_are_read(tmp_path, write):
    """Parquet and Feather keep their types; strings and missing values are those of CSV."""
    table = pa.table({
        "timestamp": pa.array(pd.to_datetime([AT, AT]).tolist(), pa.timestamp("ms", "UTC")),
        "model": pa.array(["kimi-k2", None]).dictionary_encode(),
        "prompt_tokens": pa.array([1000, 5], pa.int32()), "completion_tokens": pa.array([3.0, 4.0]),
        "cached_tokens": pa.array(["640", None]), "reasoning_tokens": pa.array([None, 2], pa.int64()),
    })  # fmt: skip
    write(table, tmp_path / "log.bin")
    frame = read_usage(tmp_path / "log.bin")
    assert frame["timestamp"].tolist() == [pd.Timestamp(AT)] * 2
    assert frame[["prompt_tokens", "completion_tokens"]].to_numpy().tolist() == [[1000, 3], [5, 4]]
    assert frame["cached_tokens"].tolist() == [640, pd.NA]
    assert frame["reasoning_tokens"].tolist() == [pd.NA, 2]
    bad = table.set_column(3, "completion_tokens", pa.array([3.5, 4.0]))
    write(bad, tmp_path / "log.bin")
    with pytest.raises(UsageError, match=r"line 1: completion_tokens is 3\.5"):
        read_usage(tmp_path / "log.bin")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SQLite format 3\0" + b"x" * 99, "this is an SQLite database. Write its table as CSV"),
        (zipped("xl/workbook.xml", "[Content_Types].xml"), "this is an Excel workbook. Save the sheet"),
        (zipped("a", "b"), "this is a zip of 2 files. Unpack it"),
        (b"Obj\x01" + b"x" * 99, "this is an Avro file"),
        (b"x" * 257 + b"ustar" + b"x" * 99, "this is a tar archive"),
        (b"PK\x03\x04" + b"x" * 99, "the zip data is damaged"),
        (b"PAR1" + b"x" * 99, "cannot be read"),
        (HEADER.encode() + "2026-01-01,modèle,1,1\n".encode("latin-1"), "line 2: not UTF-8 (byte 0xe8)"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_with_a_way_out(read, content, said):
    """One line says what a file is and what to do."""
    with pytest.raises(UsageError) as caught:
        read(content, "log.dat")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log"])
def test_a_mark_tells_the_encoding(read, encoding, name):
    """Files with a mark are read, whatever the width of their characters."""
    text = f"{HEADER}{AT},月,1000,300\n" if name == "log.csv" else lines(CALL | {"model": "月"})
    frame = read(text.encode(encoding), name)
    assert frame["model"].tolist() == ["月"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_what_parts_the_cells_is_told_by_the_header(read, sign):
    """Commas, semicolons, tabs and bars."""
    text = f"{HEADER}{AT},kimi-k2,1000,300\n".replace(",", sign)
    assert read(text, "log.csv")["prompt_tokens"].tolist() == [1000]
    assert read(text, "log.tsv")["prompt_tokens"].tolist() == [1000]


@pytest.mark.parametrize(
    ("written", "meant"),
    [('"1,000"', 1000), ("1000", 1000), (" 1000 ", 1000), ("1000.0", 1000), ("1e3", 1000), ('"1,234,567"', 1234567),
     ("12.000", None), ("1.234", None), ("0x10", None), ('"1,00"', None), ("1 000", None), ('"1000,0"', None), ("1_0", None)],
)  # fmt: skip
def test_a_count_as_text_is_read_right_or_refused(read, written, meant):
    """Twelve or twelve thousand is never guessed."""
    text = f"{HEADER}{AT},kimi-k2,{written},300\n"
    if meant is None:
        with pytest.raises(UsageError, match="line 2: prompt_tokens is"):
            read(text, "log.csv")
    else:
        assert read(text, "log.csv")["prompt_tokens"].tolist() == [meant]
        value = written.strip('" ')
        assert read(lines(CALL | {"prompt_tokens": value}))["prompt_tokens"].tolist() == [meant]


def test_a_decimal_comma_is_refused_where_it_may_be_one(read):
    """Beside semicolons a comma may part thousands or decimals."""
    text = f"{HEADER}{AT},kimi-k2,1@000,300\n".replace(",", ";").replace("@", ",")
    with pytest.raises(UsageError, match=r"prompt_tokens is '1,000'"):
        read(text, "log.csv")


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-05 10:00:00 UTC",
        "2026-03-05T10:00:00+00:00",
        1_772_704_800,
        1_772_704_800_000,
        "1772704800",
    ],
)
def test_times_of_many_tools_are_one(read, written):
    """A name of the zone, an offset, seconds and milliseconds."""
    assert read(lines(CALL | {"timestamp": written}))["timestamp"].tolist() == [pd.Timestamp(AT)]


def test_small_ids_are_those_of_a_day(read):
    """A counter that begins again each day swallows no call; within a day it tells a repetition."""
    calls = [CALL | {"call_id": 1, "timestamp": f"2026-03-0{day}T10:00:00Z"} for day in (5, 6, 6)]
    frame = read(lines(*calls))
    assert (len(frame), frame.attrs["duplicates"]) == (2, 1)


def test_a_frame_is_read_once_per_call():
    """What pandas has read is treated as the file would be."""
    frame = pd.DataFrame(
        [CALL | {"call_id": name} for name in ("call-00001", "call-00002", "call-00001")]
    )
    assert len(read_usage(frame)) == 2
    other = pd.DataFrame({"TIMESTAMP": [AT], "ContextTokens": [10], "GeneratedTokens": [5]})
    assert read_usage(other)["prompt_tokens"].tolist() == [10]


def test_fields_are_kept_beside_the_frame(read):
    """Any field of a log may be a column, at its name."""
    frame = read(lines(CALL | {"team": "a", "tags": {"x": 1}}, CALL), keep=["team", "x"])
    assert frame["team"].tolist() == ["a", None]


def test_without_arrow_text_is_read_all_the_same(read, monkeypatch):
    """What Arrow does is speed; only its own files need it."""
    logs = {
        "log.csv": f"{HEADER}{AT},kimi-k2,1000,300\n",
        "log.jsonl": lines(CALL, CALL | {"model": None}),
    }
    before = {name: read(text, name) for name, text in logs.items()}
    for module in ("pyarrow", "pyarrow.csv", "pyarrow.json"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, text in logs.items():
        pd.testing.assert_frame_equal(read(text, name), before[name])
    with pytest.raises(MissingExtraError, match=r"extra \[corpora\] adds with: pip install"):
        read(b"PAR1" + b"x" * 99, "log.parquet")


def test_names_of_users_are_no_fields(read):
    """An object with thousands of keys is looked through for usage alone."""
    calls = [CALL | {"metadata": {f"user-{n}-{m}": m for m in range(9)}} for n in range(200)]
    frame = read(lines(*calls))
    assert len(frame) == 200
    assert not any("user-" in name for name in frame.attrs["unread"])
    with pytest.raises(UsageError, match=r"metadata\.cached_part is 5, which looks like cache"):
        read(lines(*calls, CALL | {"metadata": {"cached_part": 5}}))


def test_an_operation_that_is_not_known_is_a_call_if_it_states_tokens(read):
    """Nothing that states tokens is left out for a name alone; what states none is no call."""
    usage = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 5}
    spans = [
        {"spanId": f"span-000{n}", "attributes": {"gen_ai.operation.name": name, **more}}
        for n, (name, more) in enumerate(
            [("responses", usage), ("rerank", {}), ("execute_tool", {})]
        )
    ]
    frame = read(lines(*spans))
    assert (len(frame), frame.attrs["other_entries"]) == (1, 2)


def test_entries_of_several_forms_do_not_change_each_other(read):
    """Whether input leaves out cached tokens is told entry by entry, whatever stands beside it."""
    responses = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40},
        "output_tokens": 5,
    }
    message = {"input_tokens": 100, "cache_read_input_tokens": 40, "output_tokens": 5}
    span = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5}
    old = span | {"gen_ai.system": "anthropic", "gen_ai.usage.cache_read_input_tokens": 40}
    new = span | {"gen_ai.system": "anthropic", "gen_ai.usage.cache_read.input_tokens": 40}
    frame = read(
        lines(
            {"usage": responses},
            {"usage": message},
            {"usage": responses},
            {"attributes": old},
            {"attributes": new},
        )
    )
    assert frame["prompt_tokens"].tolist() == [100, 140, 100, 140, 100]
    assert frame["cached_tokens"].tolist() == [40] * 5


def test_an_event_that_holds_usage_is_never_passed_over(read):
    """Events of a type are no calls, but what has usage somewhere in it must be understood."""
    event = {"type": "done", "message": {"usage": {"input_tokens": 5, "output_tokens": 5}}}
    assert read(lines(CALL, {"type": "start"})).attrs["other_entries"] == 1
    with pytest.raises(UsageError, match="line 2: no usage object"):
        read(lines(CALL, event))
