"""Corpora are counted whole, whatever holds the texts; a sample's interval covers the truth."""

from __future__ import annotations

import csv
import gzip
import json
import math
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import fmean, variance
from typing import Any

import generated
import pytest
from backports import zstd
from pyarrow import parquet, table
from scipy.stats import t as student

from kimi_planner import count_messages, count_tokens
from kimi_planner.billing.corpus import records
from kimi_planner.billing.corpus.result import CorpusCount
from kimi_planner.billing.corpus.sample import Block, Frame, block_bytes_for, ratio_interval
from kimi_planner.errors import FileError, UnknownModelError
from kimi_planner.tokens import count_corpus

TEXTS = [generated.text(Random(seed), 40) for seed in range(60)]
TOTAL = sum(map(count_tokens, TEXTS))


def write_rows(path: Path, texts: list[str]) -> Path:
    """Write texts in the form that the name says."""
    plain = path.name.removesuffix(".gz").removesuffix(".zst")
    if plain.endswith(".parquet"):
        parquet.write_table(table({"id": list(range(len(texts))), "prompt": texts}), path)
        return path
    if plain.endswith((".csv", ".tsv")):
        inner = path.with_name("rows.tmp")
        with inner.open("w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle, delimiter="\t" if plain.endswith(".tsv") else ",")
            rows.writerows([["id", "prompt"], *enumerate(texts)])
        data = inner.read_bytes()
        inner.unlink()
    else:
        rows_ = [
            json.dumps({"id": 1, "a": [{"prompt": text}]}, ensure_ascii=False) for text in texts
        ]
        data = ("\n".join(rows_) + "\n\n").encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif path.suffix == ".zst":
        half = len(data) // 2
        data = zstd.compress(data[:half]) + zstd.compress(data[half:])
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("rows.jsonl", "a.0.prompt"),
        ("rows.ndjson.gz", "a.0.prompt"),
        ("rows.jsonl.zst", "a.0.prompt"),
        ("rows.csv", "prompt"),
        ("rows.tsv", "prompt"),
        ("rows.csv.gz", "prompt"),
        ("rows.parquet", "prompt"),
    ],
)
def test_every_form_gives_the_same_total(tmp_path: Path, name: str, field: str) -> None:
    """JSON lines, CSV and Parquet, plain or packed, have the tokens of their texts."""
    found = count_corpus(write_rows(tmp_path / name, TEXTS), field=field)
    assert (found.tokens, found.low, found.high, found.rows) == (TOTAL, TOTAL, TOTAL, len(TEXTS))
    assert (found.rejected, found.share_read, found.seed) == (0, 1.0, None)
    assert found.cost_usd["kimi-k2"] == TOTAL * Decimal("1.20") / 1_000_000


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_a_text_file_is_one_text(tmp_path: Path, packed: str) -> None:
    """A text counts as a whole, line ends and all, though it is read in parts."""
    text = "\r\n".join(TEXTS) * 60 + "\ufeff你好"
    assert len(text) > 400_000
    data = text.encode()
    path = tmp_path / f"text.md{packed}"
    path.write_bytes(
        {"": data, ".gz": gzip.compress(data, mtime=0), ".zst": zstd.compress(data)}[packed]
    )
    found = count_corpus(path)
    assert found.tokens == count_tokens(text)
    assert (found.rows, found.size_bytes) == (1, len(data))


def test_folders_and_globs(tmp_path: Path) -> None:
    """A folder holds all its files but hidden and binary ones; the latter are told."""
    for name in ("a.txt", "deep/b.py", "deep/er/c", ".hidden/d.txt", "deep/.e"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} has words", encoding="utf-8")
    (tmp_path / "deep" / "picture.png").write_bytes(b"\x89PNG\0\0\0")
    (tmp_path / "empty.txt").touch()
    found = count_corpus(tmp_path)
    names = [Path(one.path).relative_to(tmp_path).as_posix() for one in found.files]
    assert names == ["a.txt", "empty.txt", "deep/b.py", "deep/er/c"]
    assert found.tokens == sum(
        count_tokens(f"{name} has words") for name in names if "e" not in name[:1]
    )
    assert (found.left_out, found.rejected) == (1, 0)
    globbed = count_corpus([tmp_path / "**/*.py", tmp_path / "deep"])
    assert [Path(one.path).name for one in globbed.files] == ["b.py", "c"]


def test_chat_bodies_and_batch_lines_count_as_billed(tmp_path: Path) -> None:
    """Each row counts as the prompt of its own model, and costs on it."""
    bodies = []
    for seed in range(40):
        rng = Random(seed)
        model = rng.choice(["kimi-k2", "kimi-k2-5-thinking"])
        body = {
            "model": model,
            "messages": generated.conversation(rng, named=True),
            "max_tokens": 5,
        }
        bodies.append({**body, "tools": generated.tools(rng)} if seed % 2 else body)
    lines = [
        {"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": body}
        if n % 3 == 0
        else body
        for n, body in enumerate(bodies)
    ]
    path = tmp_path / "batch.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    tokens = {
        model: sum(
            count_messages(body["messages"], model, body.get("tools"))
            for body in bodies
            if body["model"] == model
        )
        for model in ("kimi-k2", "kimi-k2-5-thinking")
    }
    found = count_corpus(path)
    assert found.tokens == sum(tokens.values())
    assert found.cost_usd == {
        "kimi-k2": tokens["kimi-k2"] * Decimal("1.20") / 1_000_000,
        "kimi-k2-5-thinking": tokens["kimi-k2-5-thinking"] * Decimal("3.50") / 1_000_000,
    }
    as_one = count_corpus(path, model="kimi-k2")
    assert as_one.tokens == sum(
        count_messages(body["messages"], "kimi-k2", body.get("tools")) for body in bodies
    )


def test_bad_rows_are_told_and_counted(tmp_path: Path) -> None:
    """A row that cannot be counted is named with its line; the others count."""
    path = tmp_path / "rows.jsonl"
    rows = ['{"t": "one two"}', "{broken", '{"t": 3}', '{"u": "x"}', '"t"', "", '{"t": "\\ud800"}']
    path.write_text("\n".join(rows), encoding="utf-8")
    found = count_corpus(path, field="t")
    assert (found.rows, found.rejected) == (2, 4)
    assert found.tokens == count_tokens("one two") + count_tokens("\ud800")
    for line, words in (
        (2, "not JSON"),
        (3, "the field 't' is 3"),
        (4, "no field"),
        (5, "no field"),
    ):
        assert any(f"{path} line {line}: " in one and words in one for one in found.messages)
    assert "4 could not be counted and are not in it" in str(found)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"id,prompt\n1,x\n2\n3,y\n", "a.csv line 3: 1 fields where the header has 2"),
        ("a.csv", b"id,text\n1,x\n", "a.csv: no column 'prompt'. Columns: id, text."),
        ("a.csv", b"", "no column"),
        ("a.csv", b'id,prompt\n1,"x\n', "not CSV"),
        ("a.csv", b"id,prompt\n1,caf\xe9\n", "not UTF-8 (byte 0xe9)"),
        ("a.csv.gz", gzip.compress(b"id,prompt\n" + os.urandom(4000).hex().encode())[:600], "damaged"),
        ("a.parquet", b"PAR1 no parquet at all PAR1", "not Parquet"),
        ("a.jsonl", b"\xff\xfe{}\n", "not JSON"),
        ("a.txt", b"ok\nnot caf\xe9\n", "a.txt line 2: not UTF-8 (byte 0xe9)"),
        ("a.txt.zst", zstd.compress(os.urandom(2000).hex().encode())[:500], "damaged"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    """A damaged file is named with the reason; nothing of it is in the total, all else is."""
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.md").write_text("some words", encoding="utf-8")
    found = count_corpus([tmp_path / name, tmp_path / "good.md"], field="prompt")
    assert words in " ".join(found.messages)
    assert found.rejected == 1
    broken, good = found.files
    assert found.tokens == sum(one.tokens or 0 for one in found.files)
    assert good.tokens == count_tokens("some words")
    assert found.tokens == good.tokens + (broken.tokens or 0)
    assert broken.tokens in (None, count_tokens("x") + count_tokens("y"), 0)


def test_a_file_that_fails_takes_nothing_from_others(tmp_path: Path) -> None:
    """The total is the sum of the files that were read, whatever fails between them."""
    (tmp_path / "a.txt").write_text("some words in a good file", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"words, then \xff")
    (tmp_path / "c.txt").write_text("more words", encoding="utf-8")
    found = count_corpus(tmp_path)
    assert [one.tokens for one in found.files] == [
        count_tokens("some words in a good file"), None, count_tokens("more words"),
    ]  # fmt: skip
    assert found.tokens == sum(one.tokens or 0 for one in found.files)
    assert found.cost_usd["kimi-k2"] == found.tokens * Decimal("1.20") / 1_000_000


def test_a_file_cut_off_in_the_middle_has_no_total(tmp_path: Path) -> None:
    """What was counted of a file before its damage is taken back."""
    rows = "".join(json.dumps({"t": text}) + "\n" for text in TEXTS * 40).encode()
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(rows, mtime=0)[:-2000])
    found = count_corpus(path, field="t")
    assert (found.tokens, found.files[0].tokens, found.rejected) == (0, None, 1)
    assert found.frame["tokens"].isna().all()


@pytest.mark.parametrize(
    ("paths", "options", "error", "words"),
    [
        ("no-such-file", {}, FileError, "no such file"),
        ("*.nothing", {}, FileError, "no such file"),
        ([], {}, FileError, "No text files"),
        (__file__, {"form": "xml"}, FileError, "Unknown form 'xml'"),
        (__file__, {"sample": 0}, FileError, "sample is 0"),
        (__file__, {"sample": 1.5}, FileError, "sample is 1.5"),
        (__file__, {"sample": "half"}, FileError, "sample is 'half'"),
        (__file__, {"model": "kimi-k9"}, UnknownModelError, "kimi-k9"),
    ],
)
def test_bad_arguments_are_refused(paths: Any, options: Any, error: Any, words: str) -> None:
    """A path that names nothing, an unknown form or model, and an absurd share are errors."""
    with pytest.raises(error, match=words.replace("*", r"\*")):
        count_corpus(paths, **options)


def test_progress_reaches_the_size_of_the_files(tmp_path: Path) -> None:
    """The steps add up to the bytes on disk, also of packed and broken files."""
    paths = [
        write_rows(tmp_path / "rows.jsonl", TEXTS),
        write_rows(tmp_path / "rows.jsonl.gz", TEXTS),
    ]
    (tmp_path / "bad.txt").write_bytes(b"\xff" * 500)
    steps: list[int] = []
    size = sum(path.stat().st_size for path in (*paths, tmp_path / "bad.txt"))

    def progress(step: int, total: int) -> None:
        assert total == size
        steps.append(step)

    count_corpus([*paths, tmp_path / "bad.txt"], field="a.0.prompt", progress=progress)
    assert sum(steps) == size


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a corpus of 5 MB whose parts differ, as JSON lines and as text."""
    folder = tmp_path_factory.mktemp("library")
    rng = Random(5)
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as handle:
        for number in range(6_000):
            word = "你好世界，" if number % 3 == 0 else "some words of text "
            text = word * int(rng.lognormvariate(3, 1))
            handle.write(json.dumps({"t": text}, ensure_ascii=False) + "\n")
    with (folder / "text.md").open("w", encoding="utf-8") as handle:
        for number in range(20_000):
            handle.write("    " * rng.randint(0, 3) + f"{rng.choice(TEXTS)[:90]} {number}\n")
            handle.write("\n" * rng.randint(0, 2))
    return folder


@pytest.mark.parametrize(("name", "field"), [("rows.jsonl", "t"), ("text.md", None)])
def test_a_sample_covers_the_truth(library: Path, name: str, field: str | None) -> None:
    """Of 40 intervals of 95% at most 6 miss; each says how much it read, and costs in proportion."""
    truth = count_corpus(library / name, field=field)
    missed = 0
    for seed in range(40):
        found = count_corpus(library / name, field=field, sample=0.05, seed=seed)
        missed += not found.low <= truth.tokens <= found.high
        assert 0.03 < found.share_read < 0.07
        assert found.high - found.low < 0.2 * truth.tokens
        assert found.seed == seed
        assert found.size_bytes == truth.size_bytes
        assert found.cost_usd["kimi-k2"] == Decimal(found.tokens) * Decimal("1.20") / 1_000_000
    assert missed <= 6  # a binomial of 40 and 5% is above that once in 200


def test_a_sample_through_a_packed_file(tmp_path: Path) -> None:
    """A packed file is read through, and its chosen blocks counted; same seed, same answer."""
    rng = Random(2)
    rows = [json.dumps({"t": rng.randbytes(rng.randint(20, 400)).hex()}) for _ in range(4_000)]
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress("\n".join(rows).encode(), mtime=0))
    truth = count_corpus(packed, field="t").tokens
    found = count_corpus(packed, field="t", sample=0.2)
    assert found == count_corpus(packed, field="t", sample=0.2)
    assert found.low <= truth <= found.high
    assert 0.15 < found.share_read < 0.25
    assert "tokens (95%), 2" in str(found)


def test_a_sample_of_rows_with_blank_lines_between(tmp_path: Path) -> None:
    """Blank lines have bytes but no tokens, in the blocks that are counted as in the others."""
    path = tmp_path / "rows.jsonl"
    rng = Random(4)
    rows = [
        json.dumps({"t": generated.text(rng, 30)}) + "\n" * rng.randint(1, 5) for _ in range(9_000)
    ]
    path.write_text("".join(rows), encoding="utf-8")
    truth = count_corpus(path, field="t").tokens
    samples = [count_corpus(path, field="t", sample=0.1, seed=seed) for seed in range(20)]
    assert sum(one.low <= truth <= one.high for one in samples) >= 16
    assert sum(one.tokens for one in samples) / 20 == pytest.approx(truth, rel=0.01)


def test_a_sample_leaves_out_a_file_that_fails(tmp_path: Path) -> None:
    """A file that cannot be read to its end is in no total, of a sample neither; it is told."""
    rng = Random(6)
    rows = "".join(json.dumps({"t": rng.randbytes(150).hex()}) + "\n" for _ in range(6_000))
    (tmp_path / "good.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(rows.encode(), mtime=0)[:-5_000])
    truth = count_corpus(tmp_path / "good.jsonl", field="t").tokens
    found = count_corpus(tmp_path, field="t", sample=0.1)
    assert found.low <= truth <= found.high
    assert found.rejected == 1
    assert found.size_bytes == len(rows)
    assert [one.tokens for one in found.files] == [None, None]


def test_a_sample_of_equal_rows_says_that_it_is_one(tmp_path: Path) -> None:
    """An interval of no width is still that of a sample: its rows are not the corpus's."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"t": "the same words"}\n' * 60_000, encoding="utf-8")
    found = count_corpus(path, field="t", sample=0.05)
    assert found.low == found.high == found.tokens == 60_000 * count_tokens("the same words")
    assert "(95%), 5% read" in str(found)
    for seed in (None, -1):
        with pytest.raises(FileError, match="whole number from 0"):
            count_corpus(path, field="t", sample=0.05, seed=seed)  # type: ignore[arg-type]


def test_lines_end_at_line_feeds_alone(tmp_path: Path) -> None:
    """A carriage return inside a row is white space, in a sample as in a full count."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"t":\r"a b c"}\n' * 60_000)
    assert (
        count_corpus(path, field="t", sample=0.1).tokens == count_corpus(path, field="t").tokens > 0
    )


def test_marks_of_the_order_of_bytes_are_no_part_of_a_line(tmp_path: Path) -> None:
    """At the start of a file, and further down where files were joined; a line of nothing else is blank."""
    path = tmp_path / "rows.jsonl"
    mark = b"\xef\xbb\xbf"
    path.write_bytes(mark + b'{"t": "one"}\n{"t": "two"}\n' + mark + b'{"t": "three"}\n' + mark)
    found = count_corpus(path, field="t")
    assert (found.tokens, found.rows, found.rejected) == (3, 3, 0)


def test_a_line_may_be_as_long_as_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end of line included; a byte more is an error with the number of the line."""
    monkeypatch.setattr(records, "LINE_BYTES", 20)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"t": "one"}\n' + b'{"t": "two 2 two"'.ljust(18) + b"}\n")
    assert count_corpus(path, field="t").rows == 2
    path.write_bytes(b'{"t": "one"}\n' + b'{"t": "two 2 two"'.ljust(19) + b"}\n")
    found = count_corpus(path, field="t")
    assert (found.rejected, "rows.jsonl line 2: longer than 20 bytes" in found.messages[0]) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    "messages", ['["hello", "you"]', "[]", '"hello"', "{}", '{"role": "user"}']
)
def test_an_object_whose_messages_are_none_is_a_text(tmp_path: Path, messages: str) -> None:
    """Only a list of messages makes a file of JSON a request, which is billed as a prompt."""
    path = tmp_path / "a.json"
    path.write_text(f'{{"messages": {messages}}}', encoding="utf-8")
    found = count_corpus(path)
    assert (found.tokens, found.rejected) == (count_tokens(path.read_text("utf-8")), 0)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 0, "0 to 0"),
        (950, 999, "950 to 999"),
        (1_000, 9_000, "1.0 k to 9.0 k"),
        (8_120, 8_140, "8.12 k to 8.14 k"),
        (8_120, 8_139, "8.120 k to 8.139 k"),
        (999_000, 1_500_000, "1.0 M to 1.5 M"),
        (1_234_000, 1_236_000, "1.234 M to 1.236 M"),
        (2_000_000_000, 3_500_000_000, "2.0 B to 3.5 B"),
        (5_000, 5_000, "5.000 k to 5.000 k"),
    ],
)
def test_an_interval_is_written_with_the_digits_that_tell_its_ends_apart(
    low: int, high: int, said: str
) -> None:
    """In thousands, millions or billions, never with digits that are not there."""
    found = CorpusCount(
        tokens=low, low=low, high=high, share_read=0.05, rows=1, size_bytes=1, files=(), rejected=0,
        messages=(), seed=0,
    )  # fmt: skip
    assert found.sentence() == f"{said} tokens (95%), 5% read."


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("size", [10**6, 10**7, 10**9, 10**11])
def test_blocks_are_as_large_as_leaves_enough_of_them(size: int, share: float) -> None:
    """Six hundred are read, or as many as blocks of 1 KiB at least, of 1 MiB at most, give."""
    block = block_bytes_for(size, share)
    least, most = 1 << 10, 1 << 20
    assert least <= block <= most
    read = size * share / block
    assert read >= 600 or block == least
    assert size * share / (block + 1) < 600 or block == most


def test_packed_binary_files_in_folders_are_left_out(tmp_path: Path) -> None:
    """An archive is no text, packed or not."""
    (tmp_path / "a.txt").write_text("words", encoding="utf-8")
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(b"name" + bytes(512) + b"words", mtime=0))
    (tmp_path / "c.tar").write_bytes(b"name" + bytes(512) + b"words")
    found = count_corpus(tmp_path)
    assert (found.tokens, found.left_out) == (count_tokens("words"), 2)


def test_one_absurd_tool_is_a_row_not_a_crash(tmp_path: Path) -> None:
    """A row with a schema that is none is counted as the template would, or told; others count."""
    body = {"model": "kimi-k2-5", "messages": [{"role": "user", "content": "x"}]}
    tool = {
        "type": "function",
        "function": {"name": "f", "parameters": {"properties": {"a": {"anyOf": None}}}},
    }
    path = tmp_path / "rows.jsonl"
    rows = [body, {**body, "tools": [tool]}, {**body, "tools": [5]}, body]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = count_corpus(path)
    assert (found.rows, found.rejected) == (3, 1)
    assert "line 3: Tool 0 must be a mapping" in found.messages[0]


@pytest.mark.parametrize("sample", [None, 0.1])
def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: float | None
) -> None:
    """A file without permission is counted in `rejected`, and the others still count."""
    for name in ("a.md", "secret.md"):
        (tmp_path / name).write_text("a line of words\n" * 40_000, encoding="utf-8")
    really_open = Path.open

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "secret.md":
            raise PermissionError(13, "Permission denied")
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    found = count_corpus(tmp_path, sample=sample)
    assert found.low <= 40_000 * count_tokens("a line of words\n") <= found.high
    assert (found.rejected, len(found.messages)) == (1, 1)
    assert "secret.md: cannot be read" in found.messages[0]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of them is meant cannot be known."""
    path = tmp_path / "rows.csv"
    path.write_text("prompt,prompt\na,b\n", encoding="utf-8")
    assert "two columns are named 'prompt'" in count_corpus(path, field="prompt").messages[0]


def test_names_that_are_not_utf8_are_printed(tmp_path: Path) -> None:
    """A file name of any bytes comes out, escaped where it must be."""
    name = os.fsencode(tmp_path) + b"/\xff.txt"
    Path(os.fsdecode(name)).write_text("words", encoding="utf-8")
    command = [sys.executable, "-m", "kimi_planner", "count", str(tmp_path), "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\\xff.txt" in done.stdout


def test_a_small_corpus_is_counted_whole(tmp_path: Path) -> None:
    """Where a sample would be a handful of blocks, all is counted and said to be exact."""
    path = write_rows(tmp_path / "rows.jsonl", TEXTS)
    found = count_corpus(path, field="a.0.prompt", sample=0.02)
    assert (found.tokens, found.low, found.seed) == (TOTAL, TOTAL, None)


def test_cutting_a_text_into_blocks_changes_no_count(library: Path) -> None:
    """All blocks of a text together have the tokens of the whole."""
    from kimi_planner import load_catalog
    from kimi_planner.billing.corpus.inputs import find_sources
    from kimi_planner.billing.corpus.records import Reading, Record
    from kimi_planner.billing.corpus.sample import walk_places

    class Everything(Frame):
        def takes_next(self) -> bool:
            self.blocks += 1
            return True

    (source,), _ = find_sources(library / "text.md", form=None, field=None)
    reading = Reading(None, None, load_catalog())
    records = [
        record
        for _, block in walk_places(source, reading, 3_000, Everything(0.1, 0))
        for record in block
        if isinstance(record, Record)
    ]
    whole = (library / "text.md").read_bytes().decode()
    assert "".join(text for record in records for text in record.texts) == whole
    tokens = sum(count_tokens(text) for record in records for text in record.texts)
    # The model's own cut every 400,000 characters falls elsewhere: at most a token or two each.
    assert abs(tokens - count_tokens(whole)) <= 2 * (len(whole) // 400_000 + 1)


def test_the_interval_is_the_textbook_one() -> None:
    """With one stretch the interval is that of a simple random sample's ratio estimate."""
    rng = Random(3)
    drawn = [
        Block(0, size := rng.randint(900, 1100), size // 4 + rng.randint(-9, 9)) for _ in range(30)
    ]
    total, margin = ratio_interval(drawn, [300], 300_000)
    rate = sum(one.tokens for one in drawn) / sum(one.size for one in drawn)
    assert total == pytest.approx(rate * 300_000)
    errors = [one.tokens - rate * one.size for one in drawn]
    spread = sum(error**2 for error in errors) / 29  # their mean is zero
    mean_size = sum(one.size for one in drawn) / 30
    sd = 300_000 / mean_size * ((1 - 30 / 300) * spread / 30) ** 0.5
    assert margin == pytest.approx(2.0452 * sd, rel=1e-4)  # Student's t with 29 degrees


def test_the_interval_of_several_stretches_is_the_textbook_one() -> None:
    """Stratified, combined ratio estimate: Cochran (6.52), its variance, and (5.16) for the degrees."""
    rng, lengths, taken = Random(8), [90, 40, 7], [12, 5, 3]
    drawn = [
        Block(stretch, size := rng.randint(50, 150), size // 4 + rng.randint(-4, 4) * stretch)
        for stretch, count in enumerate(taken)
        for _ in range(count)
    ]
    held = [[one for one in drawn if one.stretch == stretch] for stretch in range(3)]

    def of_all(values: list[list[float]]) -> float:
        return sum(n * fmean(some) for n, some in zip(lengths, values, strict=True))

    bytes_seen = of_all([[one.size for one in some] for some in held])
    rate = of_all([[one.tokens for one in some] for some in held]) / bytes_seen
    spreads = [variance([one.tokens - rate * one.size for one in some]) for some in held]
    parts = [n * (n - m) / m * s for n, m, s in zip(lengths, taken, spreads, strict=True)]
    degrees = sum(parts) ** 2 / sum(v**2 / (m - 1) for v, m in zip(parts, taken, strict=True))
    total, margin = ratio_interval(drawn, lengths, 123_456)
    assert total == pytest.approx(rate * 123_456)
    assert margin == pytest.approx(
        student.ppf(0.975, degrees) * math.sqrt(sum(parts)) / bytes_seen * 123_456
    )


def test_interruption_leaves_no_output(tmp_path: Path) -> None:
    """Ctrl-C in the middle ends with code 130 and leaves no half-written file."""
    out = tmp_path / "count.json"
    command = [
        sys.executable,
        "-m",
        "kimi_planner",
        "count",
        "-",
        "--form",
        "jsonl",
        "--field",
        "t",
    ]
    rows = [
        json.dumps({"t": f"row {number} with some words in it " * 12}) for number in range(5_000)
    ]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind ignores it
    try:
        process = subprocess.Popen(
            [*command, "--format", "json", "--out", str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdin is not None
    process.stdin.write("\n".join(rows))
    process.stdin.flush()
    time.sleep(1)  # it has read all that, and waits for the rest
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert process.stderr is not None
    assert process.stderr.read().strip() == "kimi-planner: stopped."
    assert not list(tmp_path.iterdir())
    process.communicate()
