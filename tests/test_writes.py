"""Writes that are all or nothing."""

import os

import pytest

from kimi_planner.errors import FileError
from kimi_planner.writes import atomic_path, write_files, write_text


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    """If writing stops half way, the old content stays and nothing is left beside it."""
    path = tmp_path / "report.md"
    write_text(path, "old\n")

    def interrupted():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        interrupted()
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["report.md"]


def test_a_write_makes_folders_and_keeps_line_ends(tmp_path):
    """Missing folders are made, bytes are UTF-8 with plain line feeds, and the mask decides."""
    path = tmp_path / "a" / "b.txt"
    write_text(path, "你\n")
    assert path.read_bytes() == "你\n".encode()
    other = tmp_path / "plain.txt"
    other.write_text("")
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("target", ["file/x.md", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, target):
    """A folder in the place of the file, or a file in the place of its folder, is one error."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        write_text(tmp_path / target, "x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_files_are_written_all_or_none(tmp_path):
    """If one of several files cannot be written, the others are as they were."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_bytes(b"old")
    files = {tmp_path / "a": b"new", tmp_path / "c": b"new", tmp_path / "b": b"new"}
    for overwrite in (False, True):
        with pytest.raises(FileError, match="b"):
            write_files(files, overwrite=overwrite)
        assert (tmp_path / "a").read_bytes() == b"old"
        assert not (tmp_path / "c").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_other_content_is_kept_unless_asked(tmp_path):
    """The same bytes are written again in silence; other ones only where overwriting is asked for."""
    path = tmp_path / "folder" / "a"
    write_files({path: b"one"})
    write_files({path: b"one"})
    with pytest.raises(FileError, match=r"a is there already, with other content\. .*--force"):
        write_files({path.with_name("b"): b"x", path: b"two"})
    assert [one.name for one in path.parent.iterdir()] == ["a"]
    assert path.read_bytes() == b"one"
    write_files({path: b"two"}, overwrite=True)
    assert path.read_bytes() == b"two"
