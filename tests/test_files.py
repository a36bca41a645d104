"""Files: packed ones, TOML that knows its lines, and writes that are all or nothing."""

import gzip
import re
import zipfile
from decimal import Decimal

import pytest
from backports import zstd

from kimi_planner.billing.corpus.count import count_corpus
from kimi_planner.errors import FileError, WorkloadError
from kimi_planner.files import data_dir, read_text
from kimi_planner.packed import DamagedFileError, open_unpacked
from kimi_planner.toml_file import TomlTable, read_toml

TOML = """# a comment with a separator\u2028 and a form feed \\f
title = "x"
note = '''
title = "y"
'''
"quoted key" = 1

[sources.card]
checked_on = 2026-11-24

[[model]]
id = "a"
[model.speed]
rating = 1

[[model]]
id = "b"
size.width = 1.10

[model.sources]
card = ["id"]

[[extra]]
id = "c"
"""


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "some.toml"
    path.write_bytes(TOML.encode())
    return read_toml(path)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ({"key": "title"}, 2),
        ({"key": "quoted key"}, 6),
        ({"key": "extra"}, 23),
        ({"table": "sources.card"}, 8),
        ({"table": "sources.card", "key": "checked_on"}, 9),
        ({"table": "model", "index": 0, "key": "id"}, 12),
        ({"table": "model", "index": 0, "key": "speed"}, 13),
        ({"table": "model", "index": 1, "key": "id"}, 17),
        ({"table": "model", "index": 1, "key": "size"}, 18),
        ({"table": "model", "index": 1, "key": "sources"}, 20),
        ({"table": "model", "index": 1, "key": "speed"}, 16),
        ({"table": "model", "index": 2}, None),
        ({"key": "id"}, None),
        ({"key": "absent"}, None),
    ],
)
def test_a_key_is_found_on_its_line(toml, place, line):
    """Keys are found in their own table; an absent one leads to the table's header, or the file."""
    assert toml.where(**place) == (f"{toml.path} line {line}" if line else str(toml.path))


def test_numbers_with_a_point_are_exact(toml):
    """A TOML float is read as the decimal it spells."""
    width = toml.data["model"][1]["size"]["width"]
    assert isinstance(width, Decimal)
    assert str(width) == "1.10"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "{path}: the file is empty. It must hold TOML."),
        (b" \n\t\n", "{path}: the file is empty. It must hold TOML."),
        (b"a = 1\nb = \xff\n", "{path} line 2: not UTF-8 (byte 0xff). Save the file as UTF-8."),
        (b"a = 1\nb: 2\n", "{path} line 2: not TOML"),
        (b"a = 1\na = 2\n", "{path} line 2: not TOML"),
        (b"a = 1\nb = [1,\n", "{path} line 2: not TOML"),
        (b"a = 1\nb = " + b"[" * 5000, "{path} line 2: nested more than 60 deep"),
        (b"a = 1\nb = " + b"[\n" * 5000, "{path} line 2: nested more than 60 deep"),
        (b"a = 1\nb" + b".c" * 100_000 + b" = 1\n", "{path} line 2: nested more than 60 deep"),
        (b"a = " + b"{b=" * 5000, "{path}: not TOML"),
        (b"#" * 10_000_001, "{path}: 10,000,001 bytes is more than the 10,000,000"),
    ],
    ids=["empty", "blank", "bytes", "colon", "twice", "cut", "deep", "tall", "dotted", "inline",
         "large"],
)  # fmt: skip
def test_a_damaged_file_is_one_error_with_its_line(tmp_path, content, said):
    """Whatever is wrong with a file ends in one line that names the file and the place."""
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_toml(path)
    assert str(caught.value).startswith(said.format(path=path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [("no.toml", "no such file"), ("", "cannot be read"), ("a\0b", "cannot be a path")],
)
def test_a_path_that_cannot_be_read_is_named(tmp_path, name, said):
    """A missing file, a folder and an impossible name are told apart."""
    with pytest.raises(FileError, match=said):
        read_text(tmp_path / name)


def test_a_byte_order_mark_is_no_text(tmp_path):
    """A leading byte order mark is dropped."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf\xe4\xbd\xa0")
    assert read_text(path) == "你"


def test_an_unknown_key_names_line_and_nearest_key(toml):
    """A misspelt key is refused with its line, its neighbour and all that is allowed."""
    said = f"{toml.path} line 17: unknown key 'id'. Did you mean 'ids'? Known keys: ids, size."
    table = TomlTable(read_toml(toml.path, WorkloadError), {"id": "b"}, "model", 1)
    with pytest.raises(WorkloadError, match=f"^{re.escape(said)}$"):
        table.refuse_unknown(["size", "ids"])


def test_the_data_folder_holds_the_catalogs():
    """The package finds its own data."""
    assert (data_dir() / "catalogs" / "2026-06.toml").is_file()


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"]
)
def test_a_file_is_unpacked_by_its_first_bytes(tmp_path, pack):
    """Whatever packs a file, its bytes come out, also of an empty one and in small reads."""
    for data in (b"", b"a", b"line\n" * 100_000):
        path = tmp_path / "file"
        path.write_bytes(pack(data))
        with open_unpacked(path) as handle:
            assert b"".join(iter(lambda: handle.read(70_000), b"")) == data


def checked_zstd(data):
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


@pytest.mark.parametrize(("pack", "kind"), [(gzip.compress, "gzip"), (checked_zstd, "zstd")])
def test_damage_is_told_while_reading(tmp_path, pack, kind):
    """Data that ends early, and data that was changed, are one error of ours."""
    whole = pack(bytes(range(256)) * 999)
    for broken in (whole[: len(whole) // 2], whole[:60] + b"\xff" * 40 + whole[100:]):
        (tmp_path / "file").write_bytes(broken)
        with (
            pytest.raises(DamagedFileError, match=f"the {kind} data is damaged or cut off"),
            open_unpacked(tmp_path / "file") as handle,
        ):
            handle.read()


def test_of_a_zip_of_several_files_none_is_taken_for_all(tmp_path):
    """The others would be left out in silence, also of a corpus that is counted."""
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.jsonl", '{"prompt": "hello"}\n')
        archive.writestr("b.jsonl", '{"prompt": "hello"}\n')
    with (
        pytest.raises(DamagedFileError, match="this is a zip of 2 files"),
        open_unpacked(tmp_path / "two.zip"),
    ):
        pass
    counted = count_corpus(tmp_path / "two.zip", field="prompt", form="jsonl")
    assert (counted.rows, counted.rejected) == (0, 1)
    assert "two.zip" in counted.messages[0]
    assert "this is a zip of 2 files. Unpack it" in counted.messages[0]
