"""No command overwrites what it was not told to overwrite, its own input least of all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from kimi_planner.cli import _cli
from kimi_planner.plan import example_path

LOG = "call_id,timestamp,model,prompt_tokens,completion_tokens\n" + "".join(
    f"call-number-{n},2026-05-{1 + n // 24:02d}T{n % 24:02d}:00:00Z,kimi-k2,{900 + n},40\n"
    for n in range(480)
)
REQUEST = '{"model": "kimi-k2", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}\n'
#: What each command needs before its output.
COMMANDS = {
    "count {log} --format csv --out {out}": "log.csv",
    "estimate {request} --format csv --out {out}": "request.json",
    "usage fit {log} --name chat --out {out}": "log.csv",
    "usage focus {log} --out {out}": "log.csv",
    "catalog new 2027-01-own --out {out}": "other.txt",
}
FOLDERS = {
    "usage forecast {log} --horizon 24h --out {out}": "forecast.json",
    "usage outlook {log} --out {out}": "outlook.json",
    "plan --paths 1000 --out {out}": "plan.csv",
}


Run = Callable[..., tuple[Any, ...]]


@pytest.fixture
def run(folder: Path, invoke: Run) -> Run:
    """Run a command on the files of the folder; return its exit code and stderr."""
    files = {"log": folder / "log.csv", "request": folder / "request.json"}

    def call(command: str, out: Path, *more: str) -> tuple[Any, ...]:
        words = [word.format(out=out, **files) for word in command.split()]
        return invoke(*words, *more)[::2]

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of inputs and of a file of somebody else."""
    for name, text in (("log.csv", LOG), ("request.json", REQUEST), ("other.txt", "mine\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", [*COMMANDS, *FOLDERS])
def test_other_content_is_never_overwritten_unasked(command: str, folder: Path, run: Run) -> None:
    """Neither an input nor a file that lies there; with --force it is."""
    if command in COMMANDS:
        out = target = folder / COMMANDS[command]
    else:
        out, target = folder / "made", folder / "made" / FOLDERS[command]
        out.mkdir()
        target.write_text("mine\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, said = run(command, out)
    assert code == 2, said
    assert f"{target} is there already, with other content" in said
    assert "--force" in said
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert run(command, out, "--force")[0] == 0
    assert target.read_bytes() != before[target]


def leaves(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name."""
    with click.Context(group) as context:
        for part in group.list_commands(context):
            command = group.get_command(context, part)
            if isinstance(command, click.Group):
                yield from leaves(command, f"{name}{part} ")
            elif command is not None:
                yield f"{name}{part}", command


def test_every_command_that_writes_a_file_can_be_told_to_overwrite() -> None:
    """A command that is added and forgets it is found here."""
    writing = {
        name: {option.name for option in command.params}
        for name, command in leaves(_cli)
        if any(option.name == "out" for option in command.params)
    }
    assert len(writing) >= len({*COMMANDS, *FOLDERS})
    assert [name for name, options in writing.items() if "force" not in options] == []


def test_the_mode_of_a_file_stays(folder: Path, run: Run) -> None:
    """What was readable by its owner alone still is."""
    secret = folder / "other.txt"
    secret.chmod(0o600)
    assert run("count {log} --out {out} --force", secret)[0] == 0
    assert os.stat(secret).st_mode & 0o777 == 0o600


def test_a_matplotlibrc_changes_no_picture(tmp_path: Path, invoke: Run) -> None:
    """Neither one in the folder, nor one that asks for a LaTeX that is not there."""
    command = ["plan", "--paths", "500", "--as-of", "2026-11-24", "--out"]
    assert invoke(*command, tmp_path / "without")[0] == 0
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: red\n")
    subprocess.run(
        [sys.executable, "-m", "kimi_planner", *command, "with"], cwd=tmp_path, check=True,
        capture_output=True,
    )  # fmt: skip
    for path in (tmp_path / "with").iterdir():
        assert path.read_bytes() == (tmp_path / "without" / path.name).read_bytes()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [("count log.csv", 0), ("usage price log.csv", 0), ("count no-such-file", 2)],
)
def test_closed_streams_change_no_exit_code(
    folder: Path, command: str, code: int, closed: str
) -> None:
    """Whoever starts a program without input, output or errors gets its verdict all the same."""
    line = f"exec {closed}; {sys.executable} -m kimi_planner {command}"
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=False)
    assert done.returncode == code


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("command", "to", "code"),
    [
        ("usage price log.csv", "2>/dev/full", 0),
        ("count log.csv --out made.txt", "2>/dev/full", 0),  # says what it wrote
        ("count no-such-file", "2>/dev/full", 2),
        ("count no-such-file", "2</dev/null", 2),  # open, but not to be written to
        ("usage price log.csv", ">/dev/full 2>/dev/full", 2),
        ("usage price log.csv", "1</dev/null", 2),
        ("--version", ">/dev/full 2>/dev/full", 2),
    ],
)
def test_streams_that_take_nothing_do_not_read_as_a_breach(
    folder: Path, command: str, to: str, code: int
) -> None:
    """What was to be printed is missing, which is an error; that nobody can be told is none."""
    line = f"exec {sys.executable} -m kimi_planner {command} {to}"
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=False)
    assert done.returncode == code
    if to == "1</dev/null":
        assert done.stderr.startswith(b"kimi-planner: standard output: cannot be read or written (")


AHEAD = ["--paths", "500", "--months", "1", "--as-of", "2026-11-24"]
#: Commands that write several files, and which of them is there already with other content.
SEVERAL = {
    "plan and its approval": (["plan", "first-plan.toml", *AHEAD, "--out", "made", "--approve", "made/approved.toml"], "approved.toml"),
    "plan": (["plan", "first-plan.toml", *AHEAD, "--out", "made"], "spend_fan.png"),
    "outlook": (["usage", "outlook", "log.csv", "--out", "made", "--also-in", "EUR=0.92@2026-11-24"], "outlook.png"),
    "report": (["report", "first-plan.toml", *AHEAD, "--format", "xlsx,csv,focus", "--also-in", "EUR=0.92@2026-11-24", "--out", "made"], "focus-eur.csv"),
    "forecast": (["usage", "forecast", "log.csv", "--horizon", "24h", "--out", "made", "--record", "made/record.csv"], "forecast.png"),
}  # fmt: skip


@pytest.mark.parametrize(("command", "last"), SEVERAL.values(), ids=SEVERAL)
def test_several_files_of_one_command_are_written_all_or_none(
    folder: Path, invoke: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], last: str
) -> None:
    """Whether the last of them lies there already, or the disk is full by then."""
    (folder / "first-plan.toml").write_bytes(example_path("first-plan").read_bytes())
    monkeypatch.chdir(folder)
    (folder / "made").mkdir()
    (folder / "made" / last).write_text("mine\n", encoding="utf-8")
    code, _, said = invoke(*command)
    assert (code, f"{last} is there already" in said) == (2, True), said
    whole, replaced = Path.replace, 0

    def full(path: Path, target: Path) -> Path:
        nonlocal replaced
        replaced += 1
        if target.name == last and path.name.startswith(f".{last}"):
            raise OSError(28, "No space left on device")
        return whole(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        code, _, said = invoke(*command, "--force")
    assert (code, "No space left on device" in said) == (2, True), said
    assert replaced > 1
    assert {path.name: path.read_text() for path in (folder / "made").iterdir()} == {last: "mine\n"}
    assert invoke(*command, "--force")[0] == 0
    assert (folder / "made" / last).read_bytes() != b"mine\n"


def test_two_outputs_are_not_one_file(folder: Path, invoke: Run) -> None:
    """What is approved does not take the place of what is written beside it."""
    approved = folder / "made" / "plan.csv"
    code, _, said = invoke("plan", *AHEAD, "--out", folder / "made", "--approve", approved)
    assert (code, "--approve and --out both write" in said) == (2, True), said
    assert not (folder / "made").exists()
