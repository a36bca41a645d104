"""The GitHub Action, its steps run one after the other as the runner runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
import yaml
from checking import git

from kimi_planner.checks.config import load_config

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
CONFIG = """\
[tool.kimi-planner]
model = "kimi-k2"
[[tool.kimi-planner.prompts]]
paths = ["prompts/*.md"]
max_tokens = {limit}
"""


class Runner:
    """As much of GitHub's runner as a composite action needs."""

    def __init__(self, workspace, temporary, inputs):
        self.workspace = workspace
        self.temporary = temporary
        declared = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
        assert inputs.keys() <= declared.keys()
        self.inputs = declared | inputs
        self.outputs = {}
        self.summary = temporary / "summary.md"
        self.log = ""
        # Installing needs the network: the package under test stands in for what is installed.
        self.pip, self.calls = temporary / "pip.log", temporary / "calls.log"
        python = temporary / "bin" / "python"
        python.parent.mkdir()
        python.write_text(
            f'#!/bin/sh\nif [ "$3" = pip ]; then printf "%s\\n" "$@" >>"{self.pip}"; exit 0; fi\n'
            f'echo "$@" >>"{self.calls}"; exec "{sys.executable}" "$@"\n',
            encoding="utf-8",
        )
        python.chmod(0o755)

    def value(self, expression):
        """Return what an expression of the action stands for."""
        scope, _, name = expression.partition(".")
        if scope == "inputs":
            return self.inputs[name]
        if expression == "github.action_path":
            return str(ROOT)
        step = re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression)
        return self.outputs.get(step[1], {}).get(step[2], "")

    def filled(self, text):
        return EXPRESSION.sub(lambda found: self.value(found[1]), str(text))

    def run(self):
        """Run the steps; return the exit code of the first that fails, or 0."""
        for number, step in enumerate(ACTION["runs"]["steps"]):
            if "uses" in step:
                continue
            script, output = self.temporary / f"{number}.sh", self.temporary / f"{number}.out"
            script.write_text(self.filled(step["run"]), encoding="utf-8")
            output.touch()
            environment = {
                "PATH": f"{self.temporary / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.temporary),
                "PYTHONPATH": str(ROOT),
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_OUTPUT": str(output),
                **{name: self.filled(value) for name, value in step.get("env", {}).items()},
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=self.workspace / self.filled(step.get("working-directory", ".")),
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.log += done.stdout + done.stderr
            lines = output.read_text(encoding="utf-8").splitlines()
            self.outputs[step.get("id", str(number))] = dict(line.split("=", 1) for line in lines)
            if done.returncode:
                return done.returncode
        return 0

    @property
    def checks(self):
        """How often a check was run."""
        return self.calls.read_text(encoding="utf-8").count("-m kimi_planner check ")

    def output(self, name):
        return self.filled(ACTION["outputs"][name]["value"])


@pytest.fixture
def act(tmp_path):
    """Run the action on a repository with one prompt of eleven tokens."""

    def run(limit, prompt="hello world this is a long prompt, 100%", name="a.md", **inputs):
        workspace, temporary = tmp_path / "repo", tmp_path / "runner"
        (workspace / "prompts").mkdir(parents=True)
        temporary.mkdir()
        (workspace / "prompts" / name).write_text(prompt, encoding="utf-8")
        text = limit if isinstance(limit, str) else CONFIG.format(limit=limit)
        (workspace / "pyproject.toml").write_text(text, encoding="utf-8")
        runner = Runner(
            workspace, temporary, {key.replace("_", "-"): value for key, value in inputs.items()}
        )
        code = runner.run()
        assert runner.output("exit-code") == str(code)
        return runner, code

    return run


@pytest.mark.parametrize("written", ["comment_file", "sarif_file"])
def test_no_link_leads_a_report_out_of_the_workspace(act, tmp_path, written):
    """A pull request that commits a link where a report is written changes no file of the runner."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("kept", encoding="utf-8")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "out").symlink_to(outside)
    runner, code = act(1000, **{written: "out/a.txt"})
    assert code == 2
    assert "::error title=kimi-planner could not check::out/a.txt is led out" in runner.log
    assert [path.read_text(encoding="utf-8") for path in outside.iterdir()] == ["kept"]


def test_a_prompt_within_its_budget_passes(act):
    """A passing check leaves a summary, a comment file and no annotation."""
    runner, code = act(1000, python_version="")
    assert code == 0
    assert "::error" not in runner.log
    comment = Path(runner.output("comment-file"))
    assert comment == runner.workspace / "kimi-planner-comment.md"
    assert comment.read_text(encoding="utf-8").startswith("<!-- kimi-planner -->\n")
    assert "kimi-planner" in runner.summary.read_text(encoding="utf-8")
    assert f"{ROOT}[templates]" in runner.pip.read_text(encoding="utf-8").splitlines()


def test_a_prompt_over_its_budget_fails_and_is_annotated(act):
    """A breach is an annotation, in the summary and in the comment, and fails the last step."""
    runner, code = act(5, comment_file="new/out.md", sarif_file="out.sarif", as_of="2026-07-01")
    assert code == 1
    assert "::error file=prompts/a.md,title=kimi-planner prompt-tokens::11 tokens, limit 5, " in (
        runner.log
    )
    assert "120.0%25 over" in runner.log
    for text in (runner.summary, runner.workspace / "new" / "out.md"):
        assert "prompts/a.md" in text.read_text(encoding="utf-8")
    sarif = json.loads((runner.workspace / "out.sarif").read_text(encoding="utf-8"))
    assert len(sarif["runs"][0]["results"]) == 1


@pytest.mark.parametrize("limit", ["[tool.other]\n", CONFIG.format(limit="'many'")])
def test_bad_input_says_so_everywhere(act, limit):
    """A configuration that cannot be read is an error, in the comment and the summary too."""
    runner, code = act(limit)
    assert code == 2
    assert "::error title=kimi-planner could not check::kimi-planner: " in runner.log
    assert "pyproject.toml" in runner.log
    for text in (runner.summary, runner.workspace / "kimi-planner-comment.md"):
        assert "could not check" in text.read_text(encoding="utf-8")


def test_a_malformed_file_is_annotated_beside_the_others(act):
    """The report is whole: annotation, comment and SARIF name the file, and the code is 2."""
    config = CONFIG.format(limit=5)
    body = config.partition("[[")[2].replace("max", 'kind = "request"\nmax')
    runner, code = act(f"{config}[[{body}", sarif_file="out.sarif")
    assert code == 2
    for words in (
        "title=kimi-planner prompt-tokens::11 tokens",
        "line=1,title=kimi-planner bad-input",
    ):
        assert f"::error file=prompts/a.md,{words}" in runner.log
    assert "could not check" not in runner.log
    for text in (runner.summary, runner.workspace / "kimi-planner-comment.md"):
        assert "**bad input**" in text.read_text(encoding="utf-8")
    sarif = json.loads((runner.workspace / "out.sarif").read_text(encoding="utf-8"))
    rules = [one["ruleId"] for one in sarif["runs"][0]["results"]]
    assert rules == ["bad-input", "prompt-tokens"]


def test_a_comment_that_cannot_be_written_is_no_pass(act):
    """Where a folder stands in the way of the comment, a passing check fails, and says so."""
    runner, code = act(1000, comment_file="prompts")
    assert code == 2
    assert "could not check" in runner.log


def test_modules_of_the_checked_folder_are_not_imported(act):
    """A module of a pull request that is named like one of Python's is not run."""
    runner, code = act(1000)
    assert code == 0
    for name in ("json.py", "click.py", "kimi_planner.py", "pip.py"):
        (runner.workspace / name).write_text("raise SystemExit('stung')\n", encoding="utf-8")
    assert runner.run() == 0
    assert "stung" not in runner.log
    modules = re.findall(r"python (.*?)-m ", (ROOT / "action.yml").read_text(encoding="utf-8"))
    assert modules == ["-P ", "-P "]


def test_every_report_is_of_one_run(act):
    """The check runs once, whatever reports are asked for, and extras are what is asked for."""
    runner, code = act(5, sarif_file="a/out.json", comment_file="report", extras="plan,templates")
    assert code == 1
    assert runner.checks == 1
    sarif = json.loads((runner.workspace / "a" / "out.json").read_text(encoding="utf-8"))
    assert sarif["version"] == "2.1.0"
    assert (runner.workspace / "report").read_text("utf-8").startswith("<!-- kimi-planner -->\n")
    assert f"{ROOT}[plan,templates]" in runner.pip.read_text(encoding="utf-8").splitlines()
    runner.inputs["extras"] = ""
    runner.run()
    assert str(ROOT) in runner.pip.read_text(encoding="utf-8").splitlines()


def test_a_report_that_cannot_be_written_is_no_pass(act):
    """Results are annotated, the comment is there, and what is wrong is an annotation of its own."""
    runner, code = act(5, sarif_file="prompts")
    assert code == 2
    assert "title=kimi-planner prompt-tokens::11 tokens, limit 5, " in runner.log
    assert (
        "::error title=kimi-planner could not check::kimi-planner: cannot be written" in runner.log
    )
    comment = Path(runner.output("comment-file")).read_text(encoding="utf-8")
    assert "prompts/a.md" in comment
    assert "could not check" in comment


def test_what_cannot_be_told_is_no_pass(act):
    """Where no file matches, the check cannot tell, and fails with its own code."""
    runner, code = act(1000, name="a.txt")
    assert code == 3
    assert "no file matches" in (runner.workspace / "kimi-planner-comment.md").read_text()


def test_inputs_cannot_be_run(act, tmp_path):
    """No value of an input becomes part of a script: none is run, all are plain options."""
    sting = tmp_path / "stung"
    evil = f'"; touch {sting}; echo "$(touch {sting})`touch {sting}`'
    _, code = act(1000, config=evil, as_of=evil, baseline=evil)
    assert code == 2
    assert not sting.exists()
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_action_needs_no_token():
    """Nothing in the action asks for a token or a secret, so it runs on forks."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8").lower()
    for word in ("secrets.", "github.token", "github_token", "api_key"):
        assert word not in text
    assert all(step.get("shell") == "bash" for step in ACTION["runs"]["steps"] if "run" in step)


def test_the_documented_budgets_and_inputs_are_real(tmp_path):
    """The configuration in the documentation is read as it stands, and every input is described."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    config = tmp_path / "pyproject.toml"
    config.write_text(
        text.split('```toml title="pyproject.toml"\n')[1].split("```")[0], encoding="utf-8"
    )
    assert [budget.kind for budget in load_config(config).prompts] == [None, "templates"]
    assert set(re.findall(r"^\| `([a-z-]+)` \|.*\|.*\|$", text, re.M)) == set(ACTION["inputs"])


@pytest.mark.skipif(which("git") is None, reason="Git is not installed")
def test_a_branch_is_compared_with(act):
    """The input reaches the check as one argument, also one that looks like an option or a command."""
    runner, code = act(1000)
    assert code == 0

    git(runner.workspace, "init", "--quiet", "--initial-branch", "main")
    git(runner.workspace, "add", "--all")
    git(runner.workspace, "commit", "--quiet", "--message", "x")
    (runner.workspace / "prompts" / "new.md").write_text("new words", encoding="utf-8")
    runner.inputs["base"] = "main"
    assert runner.run() == 0
    assert "new: prompts/new.md on kimi-k2, 2 tokens" in runner.log
    runner.inputs["base"] = "$(touch ran) --help"
    assert runner.run() == 2
    assert "no such commit" in runner.log
    assert not (runner.workspace / "ran").exists()


HOSTILE = [
    "-rf",
    "--help",
    "a b'c\"d.md",
    "$(touch owned).md",
    "`touch owned`;touch owned.md",
    "* ?.md",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("limit", [1000, 1, "[tool.kimi-planner]\nmodel = 5\n"])
def test_a_hostile_name_of_a_report_is_a_name(act, name, limit):
    """Neither an option of what the steps call, nor a command; the report is there, whatever comes out."""
    runner, code = act(limit, comment_file=name, base="", baseline="")
    assert code == {1000: 0, 1: 1}.get(limit, 2)
    written = runner.workspace / name
    assert runner.output("comment-file") == str(written)
    assert written.read_text(encoding="utf-8").startswith("<!-- kimi-planner -->\n")
    assert not list(runner.workspace.rglob("owned*"))


@pytest.mark.parametrize(
    "inputs",
    [
        {"base": "--output=/tmp/owned"}, {"base": "$(touch owned)"}, {"base": "-h"},
        {"baseline": "--help"}, {"baseline": "-q"},
        {"as_of": "$(touch owned)"}, {"config": "--help"},
        {"config": "a\n::error::owned"}, {"as_of": "2026-11-01\n::set-output name=x::y"},
    ],
)  # fmt: skip
def test_hostile_inputs_are_values(act, inputs):
    """Each is bad input in one line, and no line of the log is a command of its own making."""
    runner, code = act(1000, **inputs)
    assert code == 2
    assert not list(runner.workspace.rglob("owned*"))
    commands = [line for line in runner.log.splitlines() if line.startswith("::")]
    assert [line for line in commands if not line.startswith("::error title=kimi-planner")] == []


def test_a_name_of_several_lines_that_is_led_out_is_one_line(act, tmp_path):
    """The line that says so carries no other command."""
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "out").symlink_to(tmp_path)
    runner, code = act(1000, comment_file="out/a\n::warning::b")
    assert code == 2
    assert [line for line in runner.log.splitlines() if line.startswith("::warning")] == []
