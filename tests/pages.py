"""Pages of the documentation as programs: files they show, code and commands they run, what comes out."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text
from PIL import Image

from kimi_planner.cli import main
from kimi_planner.plot import alt_text

FENCE = re.compile(
    r'^(?P<pad> *)```(?P<language>[\w-]*)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^(?P=pad)```$',
    re.M | re.S,
)
PICTURE = re.compile(r"^!\[(?P<words>[^\]]*)\]\((?P<path>[^)]+\.png)\)$", re.M)
#: Where a file of a picture states what it shows: words and numbers, the same on every machine.
KEY = "Description"
#: What becomes of a picture's axes, by the path that a page has for it.
Drawn = Callable[[str, Any], object]
#: What a page shows that is not ours to run: setting up, and other programs.
NOT_OURS = (
    "python3 -m venv",
    ".venv/bin/",
    ". .venv/",
    "pip install",
    "pre-commit ",
    "bash .ci/",
    "cd ",
    "#",
)
#: Who commits and when, where a page does, so that its commits have the same names every time.
AUTHOR = {
    f"GIT_{who}_{what}": text
    for who in ("AUTHOR", "COMMITTER")
    for what, text in (
        ("NAME", "A reader"),
        ("EMAIL", "reader@example.org"),
        ("DATE", "2026-11-28T09:00:00Z"),
    )
}


@dataclass(frozen=True)
class Fence:
    """A block of a page."""

    language: str
    title: str | None
    body: str
    start: int
    end: int


def fences(text: str) -> Iterator[Fence]:
    """Yield the blocks of a page, in its order."""
    for match in FENCE.finditer(text):
        yield Fence(match["language"], match["title"], match["body"], *match.span("body"))


def run_page(text: str, folder: Path, drawn: Drawn = lambda path, ax: None) -> str:
    """Run a page in a folder, and return it with the output that it has now.

    The axes `ax` that code leaves are handed to ``drawn`` for the picture that is shown below it, whose
    words become what a picture says of itself.
    """
    names: dict[str, Any] = {"__name__": "__page__"}
    said = ""
    parts, done = [], 0
    shown = [
        Fence("picture", match["path"], "", *match.span("words"))
        for match in PICTURE.finditer(text)
    ]
    for fence in sorted([*fences(text), *shown], key=lambda fence: fence.start):
        if fence.language == "picture":
            if "ax" in names:
                drawn(str(fence.title), names["ax"])
                parts += [text[done : fence.start], alt_text(names["ax"])]
                done = fence.end
        elif fence.title == "Output":
            parts += [text[done : fence.start], said]
            done, said = fence.end, ""
        elif fence.title is not None:
            (folder / fence.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / fence.title).write_text(fence.body, encoding="utf-8")
        elif fence.language == "python":
            said = run_python(fence.body, names)
        elif fence.language == "bash":
            said = "".join(
                run_command(line) for line in fence.body.replace("\\\n", " ").splitlines()
            )
    return "".join([*parts, text[done:]])


def told_by(ax: Any) -> str:
    """Return all that the figure of axes says, in one line."""
    words = [alt_text(ax), *(text.get_text() for text in ax.figure.figure.findobj(Text))]
    return " ".join(" ".join(words).split())


def told_in(file: Path) -> str | None:
    """Return what the picture in a file was told to show when it was drawn."""
    if not file.is_file():
        return None
    with Image.open(file) as picture:
        return str(picture.info.get(KEY))


def draw(ax: Any, file: Path) -> None:
    """Write a picture with what it says, and nothing that changes by itself."""
    file.parent.mkdir(exist_ok=True)
    ax.figure.figure.savefig(file, dpi=130, metadata={KEY: told_by(ax), "Software": None})


def run_python(code: str, names: dict[str, Any]) -> str:
    """Run code with the names of the page so far; return what it prints."""
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "<page>", "exec"), names)
    return tidy(out.getvalue())


def run_command(line: str) -> str:
    """Run one line of a shell, if it is ours; return what it prints.

    It must end with the exit code that its comment says, with 0 if that says none.
    """
    if not line.strip() or line.startswith(NOT_OURS):
        return ""
    program, *arguments = shlex.split(line, comments=True)
    told = re.search(r"# .*exit code (\d)", line)
    code, said, fault = PROGRAMS[program](arguments)
    assert code == int(told[1] if told else 0), f"{line} ends with {code}: {said}{fault}"
    return tidy(said)


def run_ours(arguments: list[str]) -> tuple[int, str, str]:
    """Run our command in this process; return its exit code and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def run_process(*command: str) -> tuple[int, str, str]:
    """Run another program; return its exit code and what it prints."""
    root = Path(__file__).parents[1]
    variables = {
        **os.environ,
        **AUTHOR,
        "PYTHONPATH": str(root),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "COLUMNS": "110",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    return done.returncode, done.stdout, done.stderr


#: Programs that pages call, each a function of its arguments.
PROGRAMS = {
    "kimi-planner": run_ours,
    "git": lambda arguments: run_process("git", *arguments),
    "pytest": lambda arguments: run_process(
        sys.executable, "-m", "pytest", "-p", "kimi_planner.pytest_plugin", *arguments
    ),
}


def tidy(text: str) -> str:
    """Return lines without spaces at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
