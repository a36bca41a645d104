"""Parquet, Arrow and Feather: whoever wrote them, and however little of a file stands for how much."""

from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

from kimi_planner import read_usage
from kimi_planner.errors import UsageError

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


def of_a_list():
    items = pa.array(np.zeros(20_000_000, np.int8))
    column = pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items)
    return pa.table([column, ONES[:1], ONES[:1]], names=["x", *SIDES])


BOMBS = {
    "rows in parquet": (of_many_rows, WRITERS["parquet"]),
    "rows in feather": (of_many_rows, WRITERS["feather, one batch"]),
    "rows in a stream": (of_many_rows, WRITERS["stream, zstd"]),
    "rows of nothing": (of_nulls, WRITERS["stream"]),
    "text in parquet": (of_long_text, WRITERS["parquet"]),
    "text in feather": (of_long_text, WRITERS["feather, one batch"]),
    "a list in parquet": (of_a_list, WRITERS["parquet, zstd"]),
    "a list in feather": (of_a_list, WRITERS["feather, one batch"]),
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
