"""Exit codes: one table, and every command keeps to it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kimi_planner.cli
from kimi_planner.checks.results import Outcome
from kimi_planner.cli import main
from kimi_planner.cli.exits import Exit

DOCS = Path(__file__).resolve().parents[1] / "docs" / "exit-codes.md"
CONFIG = 'model = "kimi-k2"\n[[prompts]]\npaths = ["{}"]\nmax_tokens = {}\n'
WORKLOAD = """
[[workload]]
name = "w"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
budget_usd_per_month = {budget}
"""
ROW = '{{"created": "2026-10-{day:02}T00:00:00Z", "model": "{model}", "usage": {{"prompt_tokens": 900, "completion_tokens": 5}}}}\n'
BODY = {"model": "kimi-k2", "messages": [{"role": "user", "content": "Hi"}]}
FILES = {
    "pass.toml": CONFIG.format("p.md", 99),
    "over.toml": CONFIG.format("p.md", 1),
    "unknown.toml": CONFIG.format("none/*.md", 9),
    "p.md": "one two three",
    "bad.md": "\udcff",
    "rich.toml": WORKLOAD.format(budget=9_000),
    "poor.toml": WORKLOAD.format(budget=1),
    "known.jsonl": "".join(ROW.format(day=day, model="kimi-k2") for day in range(1, 31)),
    "strange.jsonl": "".join(ROW.format(day=day, model="other") for day in range(1, 31)),
    "call.json": json.dumps(BODY),
    "strange.json": json.dumps({**BODY, "model": "other"}),
    "evaluations.csv": "workload,model,successes,trials\nw,kimi-k2,9,10\n",
}
PLAN = "--months 1 --start 2026-12 --as-of 2026-11-24"
#: Commands with what they end in; those that bad input ends are all.
ENDS = {
    f"plan rich.toml {PLAN} --fail-over-budget": Exit.PASSED,
    f"plan poor.toml {PLAN} --fail-over-budget": Exit.OVER,
    f"plan poor.toml {PLAN}": Exit.PASSED,
    "plan none.toml": Exit.BAD_INPUT,
    f"recommend rich.toml {PLAN} --fail-over-budget": Exit.PASSED,
    f"recommend poor.toml {PLAN} --fail-over-budget": Exit.OVER,
    "recommend rich.toml --need nothing-known": Exit.BAD_INPUT,
    f"report poor.toml {PLAN} --format json --out o --fail-over-budget": Exit.OVER,
    "report none.toml": Exit.BAD_INPUT,
    f"portfolio rich.toml {PLAN} --budget 9000 --evaluations evaluations.csv": Exit.PASSED,
    "portfolio rich.toml --budget 9000 --evaluations none.csv": Exit.BAD_INPUT,
    "throughput rich.toml --as-of 2026-11-24": Exit.PASSED,
    "throughput none.toml": Exit.BAD_INPUT,
    "usage price known.jsonl --as-of 2026-11-24": Exit.PASSED,
    "usage price strange.jsonl --as-of 2026-11-24": Exit.CANNOT_TELL,
    "usage price none.jsonl": Exit.BAD_INPUT,
    "usage outlook known.jsonl --budget 0.01 --fail-above 0.5": Exit.OVER,
    "usage outlook strange.jsonl --budget 1 --fail-above 0.5": Exit.CANNOT_TELL,
    "usage outlook known.jsonl --fail-above 0.5": Exit.BAD_INPUT,
    "check --config pass.toml": Exit.PASSED,
    "check --config over.toml": Exit.OVER,
    "check --config unknown.toml": Exit.CANNOT_TELL,
    "check --config unknown.toml --config over.toml": Exit.CANNOT_TELL,
    "check --config none.toml": Exit.BAD_INPUT,
    "check --none": Exit.BAD_INPUT,
    "count p.md": Exit.PASSED,
    "count p.md bad.md": Exit.CANNOT_TELL,
    "count none.md": Exit.BAD_INPUT,
    "estimate call.json": Exit.PASSED,
    "estimate strange.json": Exit.CANNOT_TELL,
    "estimate p.md": Exit.BAD_INPUT,
    "catalog list": Exit.PASSED,
    "catalog show none": Exit.BAD_INPUT,
    "catalog check --as-of 2026-11-24": Exit.PASSED,
    "catalog check --as-of 2027-11-24 --max-age-days 9": Exit.OVER,
    "catalog check none": Exit.BAD_INPUT,
    "init --config none/x.toml": Exit.BAD_INPUT,
    "": Exit.BAD_INPUT,
    "none": Exit.BAD_INPUT,
    "--help": Exit.PASSED,
    "--version": Exit.PASSED,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Lay out what the commands read."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_documented_table_is_that_of_the_code():
    """Every code, with its meaning, in order."""
    rows = re.findall(r"^\| (\d+) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(str(int(one)), one.meaning) for one in Exit]


def test_results_of_checks_end_with_these_codes():
    """The outcomes of a check are codes of the table; a warning passes."""
    assert {one.name: Exit(one.exit_code) for one in Outcome} == {
        "PASSED": Exit.PASSED,
        "WARNING": Exit.PASSED,
        "OVER": Exit.OVER,
        "UNKNOWN": Exit.CANNOT_TELL,
        "INVALID": Exit.BAD_INPUT,
    }


def test_every_command_is_tried():
    """A command that is added is tried here, and with bad input at that."""
    tried = {line.split()[0] for line, end in ENDS.items() if line and end is Exit.BAD_INPUT}
    assert set(kimi_planner.cli._COMMANDS) <= tried


@pytest.mark.parametrize("line", ENDS)
def test_a_command_ends_as_documented(folder, capsys, line):
    """Passed, over a limit, bad input on one line, cannot tell."""
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    printed = capsys.readouterr()
    assert stopped.value.code == ENDS[line], printed.err + printed.out
    if ENDS[line] is Exit.BAD_INPUT and line:
        assert printed.out == ""
        assert re.fullmatch(r"kimi-planner: .+\n", printed.err), printed.err


def test_what_did_not_end_is_neither_passed_nor_over(folder, monkeypatch, capsys):
    """An error of ours, Ctrl-C and a closed pipe have codes of their own."""

    def failing(error):
        def run(*_args, **_kwargs):
            raise error

        monkeypatch.setattr("kimi_planner.checks.config.load_config", run)
        with pytest.raises(SystemExit) as stopped:
            main(["check", "--config", "pass.toml"])
        return stopped.value.code

    assert failing(ZeroDivisionError("a fault")) == Exit.INTERNAL
    assert failing(KeyboardInterrupt()) == Exit.INTERRUPTED
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("kimi-planner: internal error: ZeroDivisionError: a fault.")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kimi_planner", "count", "p.md"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (Exit.NO_READER, b"")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device that is always full")
@pytest.mark.parametrize("where", ["printed", "written"])
def test_a_full_disk_is_one_line(folder, where):
    """Where nothing more fits, the message names where, and the check has not passed."""
    command = [sys.executable, "-m", "kimi_planner", "check", "--config", "pass.toml"]
    options = ["--output", "/dev/full"] if where == "written" else []
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command, *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    name = "/dev/full" if where == "written" else "standard output"
    assert re.fullmatch(
        rf"kimi-planner: {name}: cannot be .*\(No space left on device\)\.\n", done.stderr
    )
    assert done.returncode == Exit.BAD_INPUT
