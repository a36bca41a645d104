"""A repository on its way: prompts grow, the check fails with every form, the baseline moves on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import checking
import jsonschema
import pytest

from kimi_planner import count_tokens

CONFIG = """
[tool.kimi-planner]
model = "kimi-k2"
warn_fraction = 0.9
max_growth_percent = 10
ignore_below_tokens = 3

[[tool.kimi-planner.prompts]]
paths = ["prompts/**/*.md"]
max_tokens = 50

[[tool.kimi-planner.prompts]]
paths = ["app/**/*.py"]
kind = "templates"
max_tokens = 60
variables = { question = { max_tokens = 20, max_word_bytes = 8 } }

[[tool.kimi-planner.workloads]]
path = "workloads.toml"
percentile = 90
max_usd_per_month = 200
"""
CODE = '''"""Answering."""


def prompt(question):
    """Return the prompt."""
    answer_prompt = f"""Answer the question. {question}
Be brief.{more}"""
    return answer_prompt
'''
SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Lay out a repository whose budgets hold, with a prompt in a file and one inside Python."""
    (tmp_path / "pyproject.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "workloads.toml").write_text(checking.workloads(), encoding="utf-8")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "system.md").write_text("You are helpful. " * 5, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "ask.py").write_text(CODE.replace("{more}", ""), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_from_a_green_check_over_a_red_one_to_a_green_one(repository, check, monkeypatch):
    """The whole way, as a team goes it; the first step in a process of its own."""
    first = subprocess.run(
        [sys.executable, "-m", "kimi_planner", "check", "--update-baseline", "--as-of",
         "2026-10-31"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (first.returncode, first.stderr) == (0, "wrote kimi-planner-baseline.json\n")
    assert first.stdout.endswith("3 checks, 0 not passed\n")
    kept = (repository / "kimi-planner-baseline.json").read_bytes()
    assert check("--baseline")[0] == 0

    # A prompt in a file doubles, one inside Python outgrows its budget, traffic rises by a half.
    (repository / "prompts" / "system.md").write_text("You are helpful. " * 10, encoding="utf-8")
    more = "\nDo not make anything up." * 6
    (repository / "app" / "ask.py").write_text(CODE.replace("{more}", more), encoding="utf-8")
    (repository / "workloads.toml").write_text(checking.workloads(1500), encoding="utf-8")

    code, text = check("--baseline")
    tokens = [count_tokens("You are helpful. " * times) for times in (5, 10)]
    assert code == 1
    assert f"prompts/system.md on kimi-k2: {tokens[0]} -> {tokens[1]} tokens (+" in text
    # 1,000 calls of 0.0042 USD on 365 days a year, and half as many again
    assert "chat on kimi-k2: 127.75 -> 191.63 USD a month (+50.0%): traffic +63.88" in text

    summary = repository / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository.parent))
    code, text = check("--baseline", "--format", "github")
    assert code == 1
    place = f"file={repository.name}/app/ask.py,line=6,"
    assert (
        f"::error {place}title=kimi-planner prompt-growth%2C prompt-tokens::prompt.answer" in text
    )
    assert summary.read_text(encoding="utf-8").startswith("before\n<!-- kimi-planner -->\n")
    monkeypatch.delenv("GITHUB_WORKSPACE")

    for form, name in (("sarif", "a.sarif"), ("junit", "a.xml"), ("markdown", "a.md")):
        assert check("--baseline", "--format", form, "--output", name) == (1, f"wrote {name}\n")
    log = json.loads((repository / "a.sarif").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(log)
    found = {(one["ruleId"], one["level"]) for one in log["runs"][0]["results"]}
    assert found == {
        ("prompt-tokens", "error"), ("prompt-growth", "error"), ("workload-growth", "error"),
        ("workload-spend", "warning"),
    }  # fmt: skip
    (place,) = [
        one["locations"][0]["physicalLocation"]
        for one in log["runs"][0]["results"]
        if one["ruleId"] == "prompt-tokens"
    ]
    assert place == {"artifactLocation": {"uri": "app/ask.py"}, "region": {"startLine": 6}}
    suite = ET.parse(repository / "a.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "3")
    comment = (repository / "a.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- kimi-planner -->\n### kimi-planner: 6 checks, 4 not passed")
    assert (repository / "kimi-planner-baseline.json").read_bytes() == kept

    # What grew is accepted; the one over its budget stays over until its budget is raised.
    code, text = check("--baseline", "--update-baseline")
    assert (code, "3 changed" in text, "prompt-growth" in text) == (1, True, False)
    assert (repository / "kimi-planner-baseline.json").read_bytes() != kept
    override = '[[tool.kimi-planner.overrides]]\npaths = ["app/ask.py"]\nmax_tokens = 200\n'
    (repository / "pyproject.toml").write_text(CONFIG + override, encoding="utf-8")
    code, text = check("--baseline")
    assert code == 0
    assert "0 not passed" in text
    assert "3 unchanged" in text


def test_a_baseline_elsewhere_and_none_at_all(repository, check):
    """A path on the command line comes before the configuration's; a missing one is bad input."""
    assert check("--baseline")[0] == 2
    assert check("--baseline", "ci/kept.json", "--update-baseline")[0] == 2
    config = CONFIG.replace("warn", 'baseline = "ci/kept.json"\nwarn')
    (repository / "pyproject.toml").write_text(config, encoding="utf-8")
    assert check("--update-baseline")[0] == 0
    assert (repository / "ci" / "kept.json").is_file()
    assert check("--baseline")[0] == 0
    (repository / "pyproject.toml").write_text(CONFIG, encoding="utf-8")
    assert check("--baseline", "ci/kept.json")[0] == 0


def test_prompts_alone_are_checked_without_heavy_libraries(repository):
    """A check of prompts against a baseline, in any form, imports no pandas, scipy or matplotlib."""
    config = CONFIG[: CONFIG.index("[[tool.kimi-planner.workloads]]")]
    (repository / "pyproject.toml").write_text(config, encoding="utf-8")
    script = (
        "import sys\n"
        "from kimi_planner.cli import main\n"
        "forms = ('text', 'json', 'markdown', 'github', 'sarif', 'junit')\n"
        "for form in forms:\n"
        "    for more in (['--update-baseline'], ['--baseline']):\n"
        "        try:\n"
        "            main(['check', '--format', form, '--output', 'x', *more])\n"
        "        except SystemExit as stopped:\n"
        "            assert stopped.code == 0, stopped.code\n"
        "heavy = ('numpy', 'pandas', 'scipy', 'matplotlib', 'tabulate')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout == "[]\n"


def test_a_check_without_a_baseline_does_not_load_what_compares(repository):
    """What only a baseline needs is imported only for one."""
    config = CONFIG[: CONFIG.index("[[tool.kimi-planner.workloads]]")]
    (repository / "pyproject.toml").write_text(config, encoding="utf-8")
    script = (
        "import sys\n"
        "from kimi_planner.cli import main\n"
        "try:\n"
        "    main(['check', '--output', 'x'])\n"
        "except SystemExit:\n"
        "    names = ('baseline', 'changes', 'growth')\n"
        "    print([one for one in names if f'kimi_planner.checks.{one}' in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout == "[]\n"
