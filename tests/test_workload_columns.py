"""Columns of tables in files of others: each is read, or is one error of one line."""

import bz2
import gzip
import lzma
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from kimi_planner.errors import KimiPlannerError, WorkloadError
from kimi_planner.workload import Workload
from kimi_planner.workload.measured import read_column

TABLE = b"words,id\n5,a\n7,b\n"


def zipped(*names: str) -> bytes:
    """Return a zip of tables."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, TABLE)
    return file.getvalue()


READ = {
    "t.csv": TABLE,
    "t.csv.gz": gzip.compress(TABLE),
    "t.csv.bz2": bz2.compress(TABLE),
    "t.csv.zip": zipped("t.csv"),
    "t.csv.xz": lzma.compress(TABLE),
    "mark.csv": b"\xef\xbb\xbf" + TABLE,
    "semicolons.csv": b"sep=;\n" + TABLE.replace(b",", b";") + b";\n",
    "t.jsonl": b'{"words": 5}\n\n{"words": 7, "id": 1}\n',
    "t.ndjson.gz": gzip.compress(b'{"words": 5}\n{"words": 7}\n'),
}


@pytest.mark.parametrize("name", READ)
def test_a_column_is_read_however_it_is_packed(tmp_path: Path, name: str) -> None:
    """Its numbers in order."""
    (tmp_path / name).write_bytes(READ[name])
    assert read_column(tmp_path / name, "words") == [5, 7]


REFUSED = {
    "cut.csv.gz": (gzip.compress(TABLE * 100)[:-9], "gzip data is damaged or cut off"),
    "cut.csv.bz2": (bz2.compress(TABLE * 100)[:-9], "bz2 data is damaged or cut off"),
    "cut.csv.xz": (lzma.compress(TABLE * 100)[:-9], "xz data is damaged or cut off"),
    "damaged.csv.xz": (b"\xfd7zXZ\0" + bytes(50), "xz data is damaged or cut off"),
    "t.zip": (b"PK\x03\x04" + bytes(50), "zip data is damaged or cut off"),
    "two.zip": (zipped("a.csv", "b.csv"), "two.zip: this is a zip of 2 files. Unpack it"),
    "huge.csv.gz": (gzip.compress(b"words\n" + b"5\n" * 1_000_000), "unpacked it is more than"),
    "utf16.csv": (TABLE.decode().encode("utf-16"), "utf16.csv line 1: not UTF-8"),
    "longer.csv": (b"words\n1,2,3\n", "longer.csv line 2: 3 fields where the header has 1"),
    "quote.csv": (b'words\n"5\n', "quote.csv line 2: not CSV"),
    "twice.csv": (b"words,words\n5,6\n", "twice.csv has two columns 'words'"),
    "other.csv": (b"word\n5\n", "other.csv has no column 'words'. It has 'word'."),
    "empty.csv": (b"", "empty.csv has no column 'words'"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "deep.jsonl line 1: not JSON"),
    "list.jsonl": (b'{"words": 5}\n[5]\n', "list.jsonl line 2: [5] is not an object"),
    "twice.jsonl": (b'{"words": 5, "words": 6}\n', "line 1: not JSON (the key 'words' stands twice"),
    "other.jsonl": (b'{"word": 5}\n', "other.jsonl has no column 'words'. It has 'word'."),
    "damaged.parquet": (b"PAR1" + bytes(50) + b"PAR1", "damaged.parquet: cannot be read ("),
    "absent.parquet": (None, "absent.parquet: no such file"),
    "absent.csv": (None, "absent.csv: no such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_column_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    """Damage of every kind, and what stands for far more than it is long, names the file."""
    content, said = REFUSED[name]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(KimiPlannerError) as caught:
        Workload(
            name="w",
            requests_per_day=1,
            completion_tokens=1,
            prompt_tokens={"from": str(tmp_path / name), "column": "words"},
        )
    assert said in str(caught.value)
    assert "prompt_tokens.from: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (60_000_000, "unpacked it is more than 200 times as long"),
        (["5"], "column 'words' is of type string"),
        ([[5]], "column 'words' is of type list<element: int64>"),
    ],
)
def test_a_small_file_of_parquet_that_stands_for_a_huge_one_is_refused(
    tmp_path: Path, values: object, said: str
) -> None:
    """Before its values are made; and a column of anything but numbers is named."""
    pa = pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    column = pa.repeat(5, values) if isinstance(values, int) else values
    file = BytesIO()
    parquet.write_table(pa.table({"words": column}), file)
    (tmp_path / "t.parquet").write_bytes(file.getvalue())
    with pytest.raises(WorkloadError, match=said):
        read_column(tmp_path / "t.parquet", "words")


def test_a_number_too_large_for_a_machine_is_named() -> None:
    """In a list as in a file."""
    with pytest.raises(WorkloadError, match="value 2 of 2 is 1000"):
        Workload(name="w", requests_per_day=1, completion_tokens=1, prompt_tokens=[5, 10**400])


@pytest.mark.parametrize("path", ["-", "./-"])
@pytest.mark.parametrize("column", ["", ', column = "a"'])
def test_a_workload_never_reads_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, column: str
) -> None:
    """A check of a stranger's workload would wait for it, and tell what it says."""
    from kimi_planner.workload.load import load_workloads

    monkeypatch.chdir(tmp_path)
    Path("w.toml").write_text(
        '[[workload]]\nname = "w"\nrequests_per_day = 1\ncompletion_tokens = 5\n'
        f'prompt_tokens = {{ from = "{path}"{column} }}\n',
        encoding="utf-8",
    )
    with pytest.raises(WorkloadError, match=r"w\.toml line 5: .*prompt_tokens\.from is '\.?/?-'"):
        load_workloads("w.toml")
