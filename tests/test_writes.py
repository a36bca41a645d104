"""Writes that are all or nothing."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kimi_planner.errors import FileError
from kimi_planner.writes import write_files, write_text


def content_of(folder):
    """Return what is in a folder, also hidden files."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("fails", range(1, 7))
def test_a_write_that_fails_leaves_the_old_files(tmp_path, monkeypatch, fails):
    """Whichever step stops, all old files stay as they were and nothing is left beside them."""
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "c").write_bytes(b"old c")
    before, steps = content_of(tmp_path), 0

    def counted(step):
        def run(*given, **more):
            nonlocal steps
            steps += 1
            if steps == fails:
                raise OSError(28, "No space left on device")
            return step(*given, **more)

        return run

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    new = {tmp_path / name: f"new {name}".encode() for name in "abc"}
    with pytest.raises(FileError, match=r"[abc]: cannot be written \(No space left on device\)"):
        write_files(new, overwrite=True)
    assert content_of(tmp_path) == before


def test_ctrl_c_between_two_files_leaves_the_old_ones(tmp_path, monkeypatch):
    """What interrupts is passed on, once all is as it was."""
    (tmp_path / "a").write_bytes(b"old")
    renames = iter([Path.replace, None, Path.replace, Path.replace])

    def replace(path, target):
        step = next(renames)
        if step is None:
            raise KeyboardInterrupt
        return step(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"}, overwrite=True)
    assert content_of(tmp_path) == {"a": b"old"}


KILLED = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kimi_planner.writes import write_files
folder = Path(sys.argv[1])
for n in range(10**6):
    write_files({folder / name: bytes([97 + n % 26]) * 300_000 for name in "ab"}, overwrite=True)
"""


def test_a_killed_writer_leaves_whole_files_and_the_next_one_cleans(tmp_path):
    """Killed at any moment, each file is whole; what was left beside is removed when it is old."""
    for moment in range(int(os.environ.get("KIMI_PLANNER_MOMENTS", "12"))):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)]) as child:
            while not (tmp_path / "b").exists():
                time.sleep(0.01)
            time.sleep(0.003 * (moment % 12) + 0.0001 * moment)
            child.send_signal(signal.SIGKILL)
        for name in "ab":
            written = (tmp_path / name).read_bytes()
            assert written == written[:1] * 300_000
    left = [path for path in tmp_path.iterdir() if path.name not in "ab"]
    for path in left:
        os.utime(path, (0, 0))
    write_text(tmp_path / "a", "x")
    assert sorted(content_of(tmp_path)) == ["a", "b"]


def test_a_writer_at_work_is_left_alone(tmp_path):
    """Only what is old was left by a writer that was killed."""
    beside = tmp_path / ".a.0.kimi-planner-part"
    beside.write_bytes(b"half")
    write_text(tmp_path / "a", "x")
    assert sorted(content_of(tmp_path)) == [beside.name, "a"]


def test_links_and_modes_stay(tmp_path):
    """A link still leads to its file, whose mode is kept; a dangling one makes the file it names."""
    secret, link, dangling = (tmp_path / name for name in ("secret", "link", "dangling"))
    secret.write_text("old")
    secret.chmod(0o600)
    link.symlink_to("secret")
    dangling.symlink_to("new")
    write_files({link: b"x", dangling: b"y"}, overwrite=True)
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert secret.read_bytes() == b"x"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").read_bytes() == b"y"
    link.unlink()
    link.symlink_to("link")
    with pytest.raises(FileError, match="link: cannot be written"):
        write_text(link, "x")


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


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    """What is no file is not replaced by one: a device, or a pipe that another program reads."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reading:
        read = reading.submit(pipe.read_bytes)
        write_files({pipe: b"all of it", tmp_path / "file": b"and this"})
        assert read.result(timeout=30) == b"all of it"
    assert pipe.is_fifo()
    assert (tmp_path / "file").read_bytes() == b"and this"


@pytest.mark.parametrize("room", [*range(0, 20_000, 400)])
def test_a_full_disk_leaves_the_old_files_at_any_size(tmp_path, room):
    """However much still fits, it is all of the new files, or all of the old ones and no others."""
    resource = pytest.importorskip("resource")
    files = {tmp_path / name: name.encode() * 10_000 for name in "ab"}
    for path in files:
        path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler, said = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), ""
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # of a file: as a quota that is full
    try:
        write_files(files, overwrite=True)
    except FileError as error:
        said = str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert ("cannot be written (File too large)" in said) == (room < 10_000)
    new = {path.name: content for path, content in files.items()}
    assert content_of(tmp_path) == ({"a": b"old", "b": b"old"} if said else new)


def test_two_writers_of_the_same_files_leave_those_of_one(tmp_path):
    """Writers at the same time do not mix within a file, and leave nothing beside it."""

    def write(number):
        for _ in range(20):
            write_text(tmp_path / "a", str(number) * 5_000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    [(name, content)] = content_of(tmp_path).items()
    assert (name, len(content), len(set(content))) == ("a", 5_000, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_is_read_only_is_named(tmp_path):
    """Nothing is left in it, and it is not made writable."""
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="a: cannot be written"):
        write_text(tmp_path / "a", "x")
    assert (os.listdir(tmp_path), tmp_path.stat().st_mode & 0o777) == ([], 0o500)
