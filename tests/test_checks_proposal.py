"""init: what it proposes passes and covers, whatever a repository holds, and nothing is written unasked."""

import json
import os
import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from test_tokens_prompts_forms import PYTHON, SCRIPT
from test_tokens_prompts_frameworks import AGENTS, FLOW, HUB, PROMPTY, TASKS, notebook

from kimi_planner import count_tokens, load_workloads
from kimi_planner.checks.proposal_text import configuration

DAY = ("--as-of", "2026-10-31")
SHORT = "Answer in one short sentence, and name your source."
BODY = {"model": "kimi-k2", "messages": [{"role": "user", "content": SHORT}], "max_tokens": 9}
PROMPTFOO = """\
prompts:
  - file://texts/first.txt
  - "Answer {{ question }} now."
providers: [openai:gpt]
"""
#: Every form of a repository: its files, by how they are named.
REPOSITORIES = {
    **{f"Python: {name}": {"src/agent.py": code} for name, (code, _) in PYTHON.items()},
    **{f"TypeScript: {name}": {"web/agent.ts": code} for name, (code, _) in SCRIPT.items()},
    "JavaScript": {"web/agent.js": f"const prompt = '{SHORT}';"},
    "text files": {"prompts/a.md": SHORT, "prompts/b/c.txt": SHORT, "README.md": SHORT},
    "texts by their name": {"patterns/x/system.md": SHORT, "patterns/x/README.md": SHORT},
    "a text at the root": {"system_prompt.txt": SHORT, "notes.txt": SHORT},
    "prompty": {"flows/x.prompty": PROMPTY},
    "promptfoo": {"evals/promptfooconfig.yaml": PROMPTFOO, "evals/texts/first.txt": SHORT},
    "promptflow": {"flow/flow.dag.yaml": FLOW, "flow/answer.jinja2": "system:\nBe kind.\n{{ q }}"},
    "CrewAI": {"crew/config/agents.yaml": AGENTS, "crew/config/tasks.yaml": TASKS},
    "the hub of LangChain": {"hub/x.json": json.dumps(HUB)},
    "a notebook": {"nb/a.ipynb": notebook(("code", f"PROMPT = {SHORT!r}"))},
    "a body": {"calls/a.json": json.dumps(BODY)},
    "a batch": {"calls/a.jsonl": json.dumps({"custom_id": "a", "body": BODY}) + "\n"},
    "Jinja": {"templates/a.j2": "{% include 'b.j2' %} {{ x }}", "templates/b.j2": SHORT},
    "odd names": {'a [b]/it\'s "q".py': f"PROMPT = {SHORT!r}", "é*?/prompts/x.md": SHORT},
}


@pytest.fixture
def run(tmp_path, monkeypatch, invoke):
    """Lay out a repository and run commands in it; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()

    def call(*arguments, files=None):
        for name, text in (files or {}).items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        return invoke(*arguments, *DAY)

    return call


def limits(text):
    """Return the budgets of a configuration by their first path."""
    return {one["paths"][0]: one for one in tomllib.loads(text)["prompts"]}


@pytest.mark.parametrize("form", REPOSITORIES)
def test_what_is_written_passes_and_covers(run, form):
    """After init --write a check with --coverage passes, and every text that looks like a prompt counts."""
    code, _, err = run("init", "--write", files=REPOSITORIES[form])
    assert code == 0, err
    code, out, _ = run("check", "--coverage", "--format", "json")
    assert code == 0, out
    coverage = json.loads(out)["coverage"]
    assert coverage["left_out"] == []
    assert coverage["counted_tokens"] > 0
    assert {one["state"] for one in coverage["files"]} <= {"counted", "skipped"}
    assert "counted" in {one["state"] for one in coverage["files"]}


def test_one_repository_of_all_forms_passes(run):
    """Forms beside each other, each in a folder of its own, with limits of their own."""
    files = {
        f"{number}/{name}": text
        for number, one in enumerate(REPOSITORIES.values())
        for name, text in one.items()
    }
    assert run("init", "--write", files=files)[0] == 0
    code, out, _ = run("check", "--coverage", "--format", "json")
    assert (code, json.loads(out)["coverage"]["left_out"]) == (0, [])


def test_nothing_is_written_unasked(run):
    """Without --write the proposal is printed, and says how to write it."""
    code, out, err = run("init", files={"src/a.py": f"PROMPT = {SHORT!r}"})
    assert code == 0
    assert sorted(path.name for path in Path().iterdir()) == [".git", "src"]
    text = out.removeprefix("# ----- kimi-planner.toml\n")
    assert limits(text).keys() == {"src/**/*.py"}
    assert err.endswith("Nothing is written. To write it: kimi-planner init --write\n")
    run("init", "--write")
    assert Path("kimi-planner.toml").read_text(encoding="utf-8") == text.removesuffix("\n")


def test_limits_are_todays_largest_count_with_headroom(run):
    """A fifth above it unless told, in two digits, and always above."""
    text = "word " * 500
    files = {"prompts/a.md": text, "prompts/b.md": SHORT, "tiny/prompts/c.md": "Hi"}
    tokens = count_tokens(text)
    _, out, _ = run("init", files=files)
    found = limits(out)
    assert tokens == 501
    assert found["prompts/**/*.md"]["max_tokens"] == 610, "601.2 in two digits"
    assert found["tiny/prompts/**/*.md"]["max_tokens"] == 2
    _, out, _ = run("init", "--headroom", "100")
    assert limits(out)["prompts/**/*.md"]["max_tokens"] == 1100, "1,002 in two digits"


def test_variables_are_listed_and_held_by_the_fixed_text(run):
    """How long they may be nobody knows, so the text without them is held until somebody says it."""
    _, out, _ = run("init", files={"src/a.py": f"PROMPT = f'{SHORT} {{topic}} {{user!r}}'"})
    assert limits(out)["src/**/*.py"]["hold"] == "fixed"
    for name in ("topic", "user!r"):
        assert f'\n# variables."{name}" = {{ max_tokens = 0 }}\n' in out


def test_what_cannot_be_counted_is_left_out_with_its_reason(run):
    """A file with a fault, a body of another vendor and tests are excluded, each by name and why."""
    files = {
        "src/good.py": f"PROMPT = {SHORT!r}",
        "src/bad.py": "def (",
        "src/tests/t.py": f"PROMPT = {SHORT!r}",
        "tests/t.py": f"PROMPT = {SHORT!r}",
        "calls/ours.json": json.dumps(BODY),
        "calls/theirs.json": json.dumps({**BODY, "model": "other-model"}),
    }
    code, _, _ = run("init", "--write", files=files)
    text = Path("kimi-planner.toml").read_text(encoding="utf-8")
    found = limits(text)
    assert (code, found.keys()) == (0, {"src/**/*.py", "calls/**/*.json"})
    assert found["src/**/*.py"]["exclude"] == ["src/bad.py", "src/**/tests/**"]
    assert found["calls/**/*.json"]["exclude"] == ["calls/theirs.json"]
    assert '"src/bad.py",  # not Python (invalid syntax)' in text
    assert "other-model" in text
    assert run("check")[0] == 0


def test_links_to_nothing_and_names_that_are_no_text_are_no_obstacle(run):
    """A dangling link and a malformed file with a byte in its name are excluded so that the check passes."""
    run("init", files={"src/good.py": f"PROMPT = {SHORT!r}"})
    Path("src/gone.py").symlink_to("nothing.py")
    Path("src/b\udcffd.py").write_text("def (", encoding="utf-8")
    assert run("init", "--write")[0] == 0
    assert limits(Path("kimi-planner.toml").read_text("utf-8"))["src/**/*.py"]["exclude"] == [
        "src/b?d.py",
        "src/gone.py",
    ]
    assert run("check")[0] == 0


def test_a_folder_that_cannot_be_listed_is_excluded(run, monkeypatch):
    """What is in it nobody can tell."""

    def listed(folder):
        if Path(folder).name == "closed":  # root may list every folder
            raise PermissionError(13, "Permission denied", str(folder))
        return os.scandir(folder)

    monkeypatch.setattr("kimi_planner.checks.globs.scandir", listed)
    files = {"src/good.py": f"PROMPT = {SHORT!r}", "src/closed/a.py": "x = 1"}
    assert run("init", "--write", files=files)[0] == 0
    text = Path("kimi-planner.toml").read_text(encoding="utf-8")
    assert limits(text)["src/**/*.py"]["exclude"] == ["src/closed/**"]
    assert run("check")[0] == 0


def test_bundled_scripts_are_excluded(run):
    """What a program wrote on a few long lines is nobody's prompt, and slow to read."""
    files = {
        "web/a.js": f"const prompt = '{SHORT}';",
        "web/b.js": f"const prompt = '{SHORT}';" * 900,
        "web/c.js": f"const prompt = '{SHORT}';\n" * 900,
    }
    assert run("init", "--write", files=files)[0] == 0
    text = Path("kimi-planner.toml").read_text(encoding="utf-8")
    assert limits(text)["web/**/*.js"]["exclude"] == ["web/b.js"]
    assert run("check")[0] == 0


def test_names_are_written_as_people_read_them(run):
    """Of any script, in both files that are written."""
    code = f"PROMPT = {SHORT!r}\nollama.chat(messages=[])\n"
    assert run("init", "--write", files={"提示/é.py": code})[0] == 0
    assert 'paths = ["提示/**/*.py"]' in Path("kimi-planner.toml").read_text(encoding="utf-8")
    assert "# 提示/é.py line 2:" in Path("workloads.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("bad", "good"), [(10, 1), (11, 11), (11, 12)])
def test_faults_are_named_where_they_are_few_or_fewer(run, bad, good):
    """Up to ten are left out by name, and more where still more can be counted; else the good are named."""
    files = {f"src/bad{number}.py": "def (" for number in range(bad)}
    files |= {f"src/good{number}.py": f"PROMPT = {SHORT!r}" for number in range(good)}
    _, out, _ = run("init", files=files)
    (found,) = limits(out).values()
    assert (len(found["paths"]), len(found.get("exclude", []))) == (1, bad)


def test_many_faults_name_the_others(run):
    """Where more files cannot be counted than can, and many, the good ones are named, whatever lies beside."""
    files = {f"src/bad{number}.py": "def (" for number in range(12)}
    files |= {"src/good.py": f"PROMPT = {SHORT!r}", "src/tests/t.py": f"PROMPT = {SHORT!r}"}
    assert run("init", "--write", files=files)[0] == 0
    found = limits(Path("kimi-planner.toml").read_text(encoding="utf-8"))
    assert found.keys() == {"src/good.py"}
    assert "exclude" not in found["src/good.py"]
    assert run("check")[0] == 0


def test_a_body_with_a_range_is_held_by_its_upper_end(run):
    """An image of unknown size is a range, and the limit lies above the end that is held."""
    image = {"type": "image_url", "image_url": {"url": "https://e.xample/a.png"}}
    body = {**BODY, "model": "kimi-k2-5", "messages": [{"role": "user", "content": [image]}]}
    assert run("init", "--write", files={"calls/a.json": json.dumps(body)})[0] == 0
    code, out, _ = run("check", "--format", "json")
    (result,) = json.loads(out)["results"][:1]
    assert (code, result["outcome"]) == (0, "passed")


def test_ignored_files_and_hidden_folders_are_not_looked_into(run):
    """What .gitignore names, and what begins with a dot, is not the repository's own prompt."""
    files = {
        ".gitignore": "out/\n",
        "out/prompts/a.md": SHORT,
        ".github/prompts/b.md": SHORT,
        "node_modules/x/prompts/c.md": SHORT,
    }
    code, out, err = run("init", files=files)
    assert (code, out) == (2, "")
    assert "no prompt is found in" in err


@pytest.mark.parametrize(
    ("share", "least"), [("0.04", None), ("0.05", "0.05"), ("0.74", "0.7"), ("0.75", "0.75")]
)
def test_the_coverage_that_is_asked_for_is_that_there_is_in_twentieths(share, least):
    """Rounded down, so that what is proposed passes; under one of them nothing is asked for."""
    settings = tomllib.loads(configuration([], Fraction(share), 50))
    assert settings.get("min_coverage") == (least and float(least))


def test_each_call_of_a_model_is_a_stub_of_a_workload(run):
    """With its place and what is counted there; a plan of it asks for what nobody but the user knows."""
    code = (
        f"SYSTEM_PROMPT = {SHORT!r}\n\n"
        "def ask(q):\n"
        "    # client.chat.completions.create(\n"
        "    return client.chat.completions.create(model='m', messages=[])\n"
    )
    script = "export const run = () => generateText({ model, prompt });"
    other = f"PROMPT = {SHORT[:20]!r}\n"
    files = {"src/agent.py": code, "src/a.py": other, "src/b.py": other, "web/a.ts": script}
    files |= {"README.md": "ollama.chat(", "src/aside.md": "ollama.chat("}
    run("init", "--write", files=files)
    text = Path("workloads.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    stubs = [block for block in text.split("\n\n") if "[[workload]]" in block]
    assert [block.splitlines()[0] for block in stubs] == [
        "# src/agent.py line 5: client.chat.completions.create",
        "# web/a.ts line 1: generateText",
    ]
    filled = re.sub("^# ", "", stubs[0].partition("\n")[2], flags=re.MULTILINE)
    filled = filled.replace("_day =", "_day = 10").replace(
        "completion_tokens =", "completion_tokens = 5"
    )
    Path("w.toml").write_text(filled, encoding="utf-8")
    (workload,) = load_workloads("w.toml")
    assert workload.name == "src-agent-5"
    assert workload.prompt_tokens.value == count_tokens(SHORT)


def test_a_configuration_that_is_there_is_kept(run):
    """Init is for repositories without one, and overwrites nothing."""
    files = {
        "prompts/a.md": SHORT,
        "workloads.toml": "mine",
        "src/a.py": "x = ollama.chat(messages=[])",
    }
    code, _, err = run("init", "--write", files=files)
    assert code == 2
    assert "workloads.toml is there already" in err
    assert not Path("kimi-planner.toml").exists()
    code, _, err = run("init", files={"kimi-planner.toml": "model = 'kimi-k2'\n"})
    assert code == 2
    assert "there is a configuration already" in err


def test_a_first_check_tells_of_init(run):
    """Without any configuration, and with a pyproject.toml that has none."""
    for files in ({}, {"pyproject.toml": "[project]\nname = 'x'\n"}):
        code, out, err = run("check", files=files)
        assert (code, out) == (2, "")
        assert "Propose one with: kimi-planner init." in err


def test_readers_that_are_not_installed_are_named(run, monkeypatch):
    """What cannot be looked into without an extra is said, and the rest proposed."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    code, out, err = run("init", files={"c/a.yaml": f"prompt: {SHORT}", "prompts/a.md": SHORT})
    assert (code, limits(out).keys()) == (0, {"prompts/**/*.md"})
    assert "Note: c/**/*.yaml was not looked into: PyYAML is not installed." in err
