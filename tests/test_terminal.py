"""What a terminal shows: names of others as text, whatever they would make it do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_planner.files import data_dir

pty = pytest.importorskip("pty")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202eevil\x9b31m\u2066"


def shown(arguments: list[str], folder: Path, stream: str = "stdout") -> str:
    """Return what a command shows on a terminal in place of one of its streams."""
    master, worker = pty.openpty()
    command = [sys.executable, "-m", "kimi_planner", *arguments]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: worker}
    with subprocess.Popen(command, cwd=folder, **streams) as process:
        os.close(worker)
        parts = []
        try:
            while part := os.read(master, 65_536):
                parts.append(part)
        except OSError:  # as Linux says that it is closed
            pass
        os.close(master)
    assert process.returncode in (0, 2)
    return b"".join(parts).decode()


@pytest.mark.parametrize("arguments", [["catalog", "show", "./c.toml"], ["count", "."]])
def test_what_a_terminal_would_obey_is_shown(tmp_path: Path, arguments: list[str]) -> None:
    """Titles of a catalog and names of files write no title, clear nothing and turn no text around."""
    card = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    title = HOSTILE.encode("unicode_escape").decode().replace("\\x", "\\u00")
    escaped = 'title = "' + title + " "
    (tmp_path / "c.toml").write_text(card.replace('title = "', escaped, 1), encoding="utf-8")
    (tmp_path / f"{HOSTILE}.md").write_text("x", encoding="utf-8")
    text = shown(arguments, tmp_path)
    assert "evil" in text
    assert "\\x1b[2J\\u202eevil\\x9b31m\\u2066" in text
    assert not set(HOSTILE) & set(text) - set("]0;owned[2Jevil31m")


def test_an_error_on_a_terminal_is_one_line_of_text(tmp_path: Path) -> None:
    """So is what is said of a file that is not there, and of one that was written."""
    text = shown(["plan", f"{HOSTILE}.toml"], tmp_path, "stderr")
    assert text.startswith("kimi-planner: \\x1b]0;owned\\x07\\x1b[2J\\u202eevil")
    assert text.count("\n") == 1
