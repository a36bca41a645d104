"""Parquet, Arrow and Feather: whoever wrote them, and however little of a file stands for how much."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimi_planner import read_usage
from kimi_planner.errors import UsageError
from kimi_planner.usage import arrow_files
from kimi_planner.usage.arrow_sizes import spelled_out

pa = pytest.importorskip("pyarrow")
from pyarrow import feather, ipc, parquet  # noqa: E402

ROWS = 3_000_000
ONES = pa.array(np.ones(ROWS, np.int64))
SIDES = ["prompt_tokens", "completion_tokens"]
LOG = pd.DataFrame({
    "timestamp": ["2026-11-01", "2026-11-02", "2026-11-02"] * 20_000,
    "model": pd.Categorical(["kimi-k2", "kimi-k2-5", "kimi-k2"] * 20_000),
    "prompt_tokens": range(60_000),
    "completion_tokens": 5,
    "prompt": "said " * 20,
})  # fmt: skip


def streamed(table, path, **options):
    with ipc.new_stream(path, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)


def feathered(table, path, compression):
    feather.write_feather(table, path, compression=compression, chunksize=len(table))


WRITERS = {
    "parquet": parquet.write_table,
    "parquet, zstd": lambda table, path: parquet.write_table(table, path, compression="zstd", use_dictionary=False),
    "feather": feather.write_feather,
    "feather, one batch": lambda table, path: feathered(table, path, "zstd"),
    "arrow": lambda table, path: feathered(table, path, "uncompressed"),
    "stream": streamed,
    "stream, zstd": lambda table, path: streamed(table, path, compression="zstd"),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_table_is_read_however_it_is_written(tmp_path, write):
    """Every row is read, dictionaries of text too, and what was said is not."""
    path = str(tmp_path / "log")
    write(pa.Table.from_pandas(LOG), path)
    read = read_usage(path)
    assert read["prompt_tokens"].tolist() == LOG["prompt_tokens"].tolist()
    assert read["model"].tolist() == LOG["model"].tolist()


@pytest.mark.parametrize("level", ["oldest", "newest"])
@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_what_polars_writes_is_read(tmp_path, compression, level):
    """Its text is of a type of its own, and its files are files of Arrow."""
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {"model": ["kimi-k2", None], "prompt_tokens": [5, 6], "completion_tokens": [1, 1]}
    )
    frame.write_ipc(
        tmp_path / "log.arrow", compression=compression, compat_level=polars.CompatLevel.oldest()
    )
    assert read_usage(tmp_path / "log.arrow")["prompt_tokens"].tolist() == [5, 6]


def of_many_rows():
    return pa.table([ONES, ONES], names=SIDES)


def of_nulls():
    return pa.table([pa.nulls(2**31 - 1)] * 2, names=SIDES)


def of_long_text():
    """Return a table with a text of 9,000 bytes, for which each row has but a number."""
    model = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000, np.int16)), ["x" * 9_000])
    return pa.table([model, ONES[:10_000], ONES[:10_000]], names=["model", *SIDES])


def of_longest_text():
    return pa.table([["x" * 15_000_000] * 3, *[ONES[:3]] * 2], names=["x", *SIDES])


def of_long_text_in(hold):
    """Return a table whose first column holds the same text 10,000 times, stored once."""
    column = hold(of_long_text()["model"].combine_chunks())
    return pa.table([column, *[ONES[: len(column)]] * 2], names=["x", *SIDES])


def of_a_list():
    items = pa.array(np.zeros(20_000_000, np.int8))
    column = pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items)
    return pa.table([column, ONES[:1], ONES[:1]], names=["x", *SIDES])


def in_a_struct(text):
    return pa.StructArray.from_arrays([text], ["a"])


def in_one_list(text):
    return pa.ListArray.from_arrays(pa.array([0, len(text)], pa.int32()), text)


def in_one_map(text):
    return pa.MapArray.from_arrays(pa.array([0, len(text)], pa.int32()), ["k"] * len(text), text)


def as_bytes_of_one_length(text):
    return pa.array([text.dictionary[0].as_py()] * len(text), pa.binary(9_000))


def as_views(text):
    one = pa.array(text.dictionary.to_pylist(), pa.string_view()).buffers()
    views = [None, pa.py_buffer(one[1].to_pybytes()[:16] * len(text)), one[2]]
    return pa.Array.from_buffers(pa.string_view(), len(text), views)


def as_views_of_a_list(text):
    starts, lengths = np.zeros(len(text), np.int32), np.full(len(text), 9_000, np.int32)
    return pa.ListViewArray.from_arrays(starts, lengths, np.zeros(9_000, np.int8))


def as_a_run(text):
    return pa.RunEndEncodedArray.from_arrays(pa.array([len(text)], pa.int32()), text.dictionary)


def written_by_prefix(table, path):
    """Write Parquet in which a text says how much of the one before it begins with."""
    text = table["model"].cast(pa.string())
    parquet.write_table(
        table.set_column(0, "x", text), path, use_dictionary=False, compression="zstd",
        column_encoding={"x": "DELTA_BYTE_ARRAY"},
    )  # fmt: skip


def varint(number, length=1):
    """Return a number as Thrift writes it, or longer than need be."""
    number, out = 2 * number, []
    while number or len(out) < length:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out[:-1], out[-1] & 127])


def lie(path, start, **told):
    """Write other numbers into a Parquet file: from its footer on, or everywhere."""
    content = path.read_bytes()
    head, tail = content[:start], content[start:]
    for true, other in told.values():
        assert varint(true) in tail
        tail = tail.replace(varint(true), varint(other, len(varint(true))))
    length = len(tail) - 8 if start else int.from_bytes(tail[-8:-4], "little")
    path.write_bytes(head + tail[:-8] + length.to_bytes(4, "little") + tail[-4:])


def footer_of(path):
    content = path.read_bytes()
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


def lying(table, path):
    """Write Parquet whose footer says that there is next to nothing in it."""
    WRITERS["parquet, zstd"](table, path)
    column = parquet.ParquetFile(path).metadata.row_group(0).column(0)
    size = column.total_uncompressed_size
    lie(Path(path), footer_of(Path(path)), size=(size, 9))


BOMBS = {
    "rows in parquet": (of_many_rows, WRITERS["parquet"]),
    "rows in feather": (of_many_rows, WRITERS["feather, one batch"]),
    "rows in a stream": (of_many_rows, WRITERS["stream, zstd"]),
    "rows of nothing": (of_nulls, WRITERS["stream"]),
    "text in parquet": (of_long_text, WRITERS["parquet"]),
    "text in feather": (of_long_text, WRITERS["feather, one batch"]),
    "a list in parquet": (of_a_list, WRITERS["parquet, zstd"]),
    "a list in feather": (of_a_list, WRITERS["feather, one batch"]),
    "text in a struct": (lambda: of_long_text_in(in_a_struct), WRITERS["parquet"]),
    "text in a list": (lambda: of_long_text_in(in_one_list), WRITERS["parquet"]),
    "text in a map": (lambda: of_long_text_in(in_one_map), WRITERS["parquet"]),
    "text in a struct of a stream": (lambda: of_long_text_in(in_a_struct), WRITERS["stream, zstd"]),
    "text in a list of a stream": (lambda: of_long_text_in(in_one_list), WRITERS["stream, zstd"]),
    "text in a map of a stream": (lambda: of_long_text_in(in_one_map), WRITERS["stream, zstd"]),
    "bytes of one length": (lambda: of_long_text_in(as_bytes_of_one_length), WRITERS["parquet"]),
    "views of a text": (lambda: of_long_text_in(as_views), WRITERS["stream"]),
    "views of a list": (lambda: of_long_text_in(as_views_of_a_list), WRITERS["stream"]),
    "a run": (lambda: of_long_text_in(as_a_run), WRITERS["stream, zstd"]),
    "text by its prefix": (of_long_text, written_by_prefix),
    "a footer that is not true": (of_longest_text, lying),
}


@pytest.mark.parametrize(("table", "write"), BOMBS.values(), ids=BOMBS)
def test_a_small_table_that_stands_for_a_huge_one_is_refused(tmp_path, monkeypatch, table, write):
    """It is told from what it says of itself, before anything of it is unpacked."""
    path = str(tmp_path / "log")
    write(table(), path)
    monkeypatch.setattr("kimi_planner.usage.arrow_files.UNPACKED_TIMES", 20)
    with pytest.raises(UsageError, match="unpacked it is more than 20 times as long"):
        read_usage(path)


def test_a_table_may_stand_for_as_many_times_its_length(tmp_path, monkeypatch):
    """However little any file may: one that is hardly packed is read at any size."""
    path = tmp_path / "log"
    streamed(pa.Table.from_pandas(LOG), path)
    monkeypatch.setattr("kimi_planner.usage.arrow_files.UNPACKED_BYTES", 1)
    assert len(read_usage(path)) == len(LOG)


@pytest.mark.parametrize("name", ["model", "note"])
def test_text_that_is_no_utf8_is_refused(tmp_path, name):
    """In every column, read or not: what a file says of itself is not believed of the rest then."""
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"k\xff")]
    )
    streamed(pa.table([text, ONES[:1], ONES[:1]], names=[name, *SIDES]), tmp_path / "log")
    with pytest.raises(UsageError, match=r"cannot be read \(.*UTF-?8"):
        read_usage(tmp_path / "log")


def test_a_table_says_what_it_is(tmp_path):
    """Of columns of no special form, of CSV, of a frame, and of a form that is known."""
    rows = pd.DataFrame({"prompt_tokens": [5], "completion_tokens": [1]})
    rows.to_parquet(tmp_path / "log.parquet")
    rows.to_csv(tmp_path / "log.csv", index=False)
    names = {"TIMESTAMP": ["2026-11-01"], "ContextTokens": [5], "GeneratedTokens": [1]}
    pd.DataFrame(names).to_parquet(tmp_path / "azure.parquet")
    said = [
        read_usage(source).attrs["forms"]
        for source in (tmp_path / "log.parquet", tmp_path / "log.csv", rows)
    ]
    assert said == [["usage table"], ["usage CSV"], ["usage frame"]]
    (form,) = read_usage(tmp_path / "azure.parquet").attrs["forms"]
    assert form.startswith("Azure")


@pytest.mark.parametrize("rows", [2**20 + 5, 2**27 - 1, 2**60])
def test_a_footer_of_more_rows_than_there_are_is_refused(tmp_path, rows):
    """Nothing waits for rows that do not come."""
    path = tmp_path / "log.parquet"
    parquet.write_table(pa.table([ONES[: 2**20]] * 2, names=SIDES), path)
    lie(path, footer_of(path), rows=(2**20, rows))
    with pytest.raises(UsageError, match=r"cannot be read|more than 200 times as long"):
        read_usage(path)


@pytest.mark.parametrize("said", ["rows", "values", "both"])
@pytest.mark.parametrize("rows", [1, 1_024, 2_047, 2_048, 4_999])
def test_a_footer_of_fewer_rows_than_there_are_is_refused(tmp_path, rows, said):
    """Rows that a footer keeps to itself are not left out in silence: in a page, or whole pages."""
    path = tmp_path / "log.parquet"
    settings = {"use_dictionary": False, "data_page_size": 1_024, "write_batch_size": 1_024}
    parquet.write_table(pa.table([ONES[:5_000]] * 2, names=SIDES), path, **settings)
    assert len(read_usage(path)) == 5_000
    content = path.read_bytes()
    true = varint(5_000)
    [_, first, *_, group] = [
        n for n in range(footer_of(path), len(content)) if content[n : n + 2] == true
    ]
    for place in {"rows": [group], "values": [first], "both": [first, group]}[said]:
        content = content[:place] + varint(rows, 2) + content[place + 2 :]
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"log\.parquet: cannot be read \("):
        read_usage(path)


@pytest.mark.parametrize("size", [0, 9_000, 1_000_000, 30_000_000])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip"])
def test_a_page_of_another_size_than_it_says_is_refused(tmp_path, compression, size):
    """It is unpacked to no more than it says, and no less will do."""
    path = tmp_path / "log.parquet"
    text = pa.array(["x" * 40_000] * 3)
    table = pa.table([text, ONES[:3], ONES[:3]], names=["model", *SIDES])
    parquet.write_table(table, path, use_dictionary=False, compression=compression)
    levels = 6
    lie(path, 0, size=(3 * (4 + 40_000) + levels, size))
    with pytest.raises(UsageError, match="cannot be read"):
        read_usage(path)


def test_a_dictionary_without_values_is_refused(tmp_path):
    """Values that point into it mean nothing."""
    path = tmp_path / "log.parquet"
    parquet.write_table(pa.table([ONES[:3], ONES[:3]], names=SIDES), path)
    content = path.read_bytes()
    one, none = (b"\x4c\x15" + varint(number) for number in (1, 0))
    assert one in content  # the header of a dictionary: a struct, and how many values it has
    path.write_bytes(content.replace(one, none))
    with pytest.raises(UsageError, match="cannot be read"):
        read_usage(path)


@pytest.mark.parametrize("length", [8, 2**20, 2**31, 2**40, 2**62])
def test_a_buffer_of_another_length_than_it_says_is_refused(tmp_path, length):
    """No value is read past the end of what there is."""
    path = tmp_path / "log.arrow"
    streamed(pa.table([ONES[:3], ONES[:3]], names=SIDES), path)
    content = path.read_bytes()
    true, other = (number.to_bytes(8, "little") for number in (24, length))
    assert true in content  # the length of either buffer
    path.write_bytes(content.replace(true, other))
    with pytest.raises(UsageError, match="cannot be read"):
        read_usage(path)


def test_long_text_is_read_a_few_rows_at_a_time(tmp_path):
    """A text that is stored once and meant in every row takes no more than a part of the memory."""
    path = tmp_path / "log.parquet"
    table = of_long_text()
    ids = pa.array([f"{n:0500}" for n in range(len(table))])  # so that the file is long enough
    table = table.append_column("trace", ids)
    parquet.write_table(table.rename_columns(["team", *SIDES, "trace"]), path, compression="none")
    taken = []
    real = arrow_files.rows_at_once
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            arrow_files, "rows_at_once", lambda *given: taken.append(real(*given)) or taken[-1]
        )
        assert len(read_usage(path)) == len(table)
    assert 1_000 < taken[0] < 2**27 / 9_000
    assert len(read_usage(path, keep=["team"])["team"].iloc[-1]) == 9_000


def test_what_was_said_is_not_unpacked(tmp_path):
    """Columns that are passed over take nothing, however much they stand for."""
    path = tmp_path / "log.parquet"
    table = of_long_text().rename_columns(["prompt", *SIDES])
    parquet.write_table(table, path)
    assert len(read_usage(path)) == len(table)


def test_batches_are_taken_together(tmp_path):
    """A stream of a few rows a batch, each with a dictionary of its own, is one table."""
    path = tmp_path / "log.arrow"
    parts = [
        pa.record_batch({"model": pa.array([f"kimi-{n}"]).dictionary_encode(), **dict.fromkeys(SIDES, ONES[:1])})
        for n in range(300)
    ]  # fmt: skip
    with ipc.new_stream(path, parts[0].schema) as writer:
        for part in parts:
            writer.write_batch(part)
    assert read_usage(path)["model"].tolist() == [f"kimi-{n}" for n in range(300)]


def test_a_damaged_message_is_an_error_of_one_line(tmp_path):
    """Every byte of what tells of a batch, turned around, is read or refused."""
    path = tmp_path / "log.arrow"
    streamed(pa.table([ONES[:3], ONES[:3]], names=SIDES), path, compression="zstd")
    sound = path.read_bytes()
    said = []
    for at in range(0, len(sound), 2):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        with suppress(UsageError):
            said.append(len(read_usage(path)))
    assert len(said) < len(sound) / 2  # the others are refused, and in no other way


@pytest.mark.parametrize(("values", "size"), [([], 8), ([1, 2, 3], 8 + 24)])
def test_a_list_takes_a_place_and_its_values(values, size):
    """Eight bytes where it begins, and eight for each number in it; an empty one is not nothing."""
    column = pa.array([values] * 1_000, pa.list_(pa.int64()))
    assert spelled_out(column) == 1_000 * size
    assert spelled_out(column.slice(100, 10)) == 10 * size
