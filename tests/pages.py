"""Pages of the documentation as programs: files they show, code and commands they run, what comes out."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kimi_planner.cli import main

FENCE = re.compile(
    r'^(?P<pad> *)```(?P<language>[\w-]*)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^(?P=pad)```$',
    re.M | re.S,
)
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


def run_page(text: str, folder: Path) -> str:
    """Run a page in a folder, and return it with the output that it has now."""
    names: dict[str, Any] = {"__name__": "__page__"}
    said = ""
    parts, done = [], 0
    for fence in fences(text):
        if fence.title == "Output":
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
