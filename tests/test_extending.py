"""What the page on extending says to do is done in a copy of the package, and is all there is to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from pages import fences

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
#: Lines that the page names, and above which other they are written.
LINES = {
    "kimi_planner/checks/formats/render.py": ('"tsv": "tsv",', '    "json": "json_form",\n'),
    "kimi_planner/plot/__init__.py": ('"plot.traffic": "traffic",', '        "plot.waterfall": '),
}
USED = """
import kimi_planner as kp
from kimi_planner.cli import main

row = {"acme_call": {"at": "2026-11-02T09:00:00Z", "engine": "kimi-k2"},
       "usage": {"input_tokens": 1200, "output_tokens": 300}}
import json, pathlib
pathlib.Path("log.json").write_text(json.dumps([row]))
usage = kp.read_usage("log.json")
print(usage.attrs["forms"], int(usage["prompt_tokens"].sum()), usage["model"][0])

chat = kp.Workload(name="chat", requests_per_day=10, prompt_tokens=100, completion_tokens=10)
plan = kp.project(chat, 2, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
print(kp.plot.alt_text(kp.plot.traffic(plan, "chat", title="Mine")))

pathlib.Path("p.md").write_text("Be brief.")
pathlib.Path("kimi-planner.toml").write_text('[[prompts]]\\npaths = ["p.md"]\\nmax_tokens = 9\\n')
main(["check", "--format", "tsv"])
"""


def add(path, lines, before):
    """Write lines into a file, above others."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, lines + before, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Copy the package, and do what the page says."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("kimi_planner", "data"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for fence in fences(PAGE):
        path, body = copy / fence.title, dedent(fence.body)
        if fence.language == "python":
            path.write_text(body, encoding="utf-8")
        else:
            add(path, f"{body}\n", before="[[dialect]]\n")
    for name, (line, entry) in LINES.items():
        assert f"`{line}`" in PAGE
        add(copy / name, f"    {line}\n", before=entry)
    return copy


def test_what_is_added_as_told_is_there(copy, tmp_path):
    """A form of log, a picture and a form of report work with nothing else changed."""
    done = subprocess.run(
        [sys.executable, "-c", USED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(copy), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['Acme gateway'] 1200 kimi-k2",
        "Calls of chat by month, the first 310.",
        "PASSED\tp.md\t3 tokens, limit 9",
    ]


def test_each_thing_touches_three_files_at_most():
    """Steps are numbered, and no list of them has a fourth."""
    assert "\n4. " not in PAGE
    assert PAGE.count("\n1. ") == PAGE.count("\n## ") == 5
