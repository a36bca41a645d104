"""Pages of the documentation as programs: files they show, code and commands they run, what comes out."""

from __future__ import annotations

import io
import re
import shlex
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
    "git ",
    "pre-commit ",
    "bash .ci/",
    "cd ",
    "#",
)


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
    """Run one line of a shell, if it is ours; return what it prints."""
    if not line.strip() or line.startswith(NOT_OURS):
        return ""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "kimi-planner", f"not known how to run: {line}"
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (0, None), f"{line} ends with {ended.value.code}: {err.getvalue()}"
    return tidy(out.getvalue())


def tidy(text: str) -> str:
    """Return lines without spaces at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
