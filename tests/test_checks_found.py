"""Files that budgets name: found, missing, without a prompt, or malformed beside good ones."""

import json
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import checking
import jsonschema
import pytest

from kimi_planner.checks.baseline_file import read_baseline
from kimi_planner.checks.formats.render import FORMATS, render
from kimi_planner.checks.results import Outcome
from kimi_planner.errors import ConfigError, MissingExtraError

HEAD = 'catalog = "own.toml"\nmodel = "m"\nmax_growth_percent = 10\n'
SPEND = '[[workloads]]\npath = "w.toml"\nmax_usd_per_month = 1e9\n'


def budget(*paths, kind="text", limit=100):
    return f'[[prompts]]\npaths = {json.dumps(paths)}\nkind = "{kind}"\nmax_tokens = {limit}\n'


def laid_out(folder, config, **files):
    return checking.lay_out(folder, HEAD + config, own_dot_toml=checking.catalog(), **files)


def outcomes(path):
    return {one.path: one.outcome for one in checking.check_of(path).report().results}


def test_a_named_file_without_a_prompt_is_unknown(tmp_path):
    """A file named in full that is gone or holds no prompt is unknown by itself, and says which."""
    config = budget("app/a.py", "./app/b.py", "app/gone.py", "app", "app/c*.py", kind="templates")
    path = laid_out(
        tmp_path,
        config,
        app__a_dot_py="A_PROMPT = 'Be kind.'\n",
        app__b_dot_py="GREETING = 'Be kind.'\n",
        app__c_dot_py="x = 1\n",
    )
    results = {one.path: one for one in checking.results_of(path)}
    assert results.pop("app/a.py").outcome is Outcome.PASSED
    assert {(one.outcome, one.rule) for one in results.values()} == {
        (Outcome.UNKNOWN, "missing-input")
    }
    assert {name: one.message.partition(",")[0] for name, one in results.items()} == {
        "app/b.py": "no prompt is found in it",
        "app/gone.py": "no such file",
        "app": "a folder",
    }
    assert all("line 4 of kimi-planner.toml names it" in one.message for one in results.values())


def test_a_named_file_that_is_gone_is_no_pass(tmp_path):
    """A prompt or workload that is deleted is not passed over, whatever else matches."""
    path = laid_out(tmp_path, budget("p/*.md", "p/gone.md") + SPEND, p__a_dot_md="Be kind.")
    assert outcomes(path) == {
        "p/a.md": Outcome.PASSED, "p/gone.md": Outcome.UNKNOWN, "w.toml": Outcome.UNKNOWN,
    }  # fmt: skip


def test_a_named_file_that_is_left_out_is_not_missed(tmp_path):
    """What `exclude` leaves out need not be there."""
    config = budget("p/*.md", "p/gone.md").replace("kind", 'exclude = ["p/g*"]\nkind')
    path = laid_out(tmp_path, config, p__a_dot_md="Be kind.")
    assert outcomes(path) == {"p/a.md": Outcome.PASSED}


def test_a_request_of_an_unknown_model_is_unknown(tmp_path):
    """What its tokens are cannot be told, and is no pass; the other bodies are still counted."""
    body = '{"model": "%s", "messages": [{"role": "user", "content": "x"}]}'
    path = laid_out(
        tmp_path, budget("p/*", kind="request"), p__a_dot_json=body % "m", p__b_dot_json=body % "k9"
    )
    passed, unknown = sorted(checking.results_of(path), key=lambda one: one.path)
    assert (passed.path, passed.outcome) == ("p/a.json", Outcome.PASSED)
    assert (unknown.path, unknown.rule, unknown.outcome) == (
        "p/b.json", "unknown-model", Outcome.UNKNOWN,
    )  # fmt: skip
    assert unknown.message.startswith("Unknown model 'k9'.")  # its path stands beside it


MALFORMED = {
    "not UTF-8": ("text", "md", b"one\ntwo\xff", 2, "not UTF-8"),
    "a body cut off": ("request", "json", b'{\n"messages": [\n', 3, "not JSON"),
    "a body that is not UTF-8": ("request", "json", b'{\n"\xff": 1}', 2, "not UTF-8"),
    "a body of nothing": ("request", "json", b"{}", None, "no messages"),
    "broken Python": ("templates", "py", b"x = 1\nA_PROMPT = )\n", 2, "not Python"),
    "broken YAML": ("templates", "yaml", b"a: 1\nb: [\n", 3, "not YAML"),
    "broken JSON": ("templates", "json", b'{\n"a": }', 2, "not JSON"),
    "broken TOML": ("templates", "toml", b"a = 1\nb = \n", 2, "not TOML"),
    "broken Jinja": ("templates", "j2", b"one\n{% for %}\n", 2, "not Jinja"),
    "a broken template": ("templates", "py", b"\nA_PROMPT = '{a' .format(a=1)\n", 2, "template"),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_each_kind_of_file_may_be_malformed(tmp_path, fault):
    """Whatever a budget is for, a file that is not that is a result at its line; others stand."""
    kind, ending, content, line, words = MALFORMED[fault]
    good = {
        "md": "Be kind.",
        "json": '{"model": "m", "messages": [{"role": "user", "content": "x"}]}',
    }
    good |= {
        "py": "A_PROMPT = 'x'\n",
        "yaml": "a_prompt: x\n",
        "toml": "a_prompt = 'x'\n",
        "j2": "x",
    }
    if kind == "templates":
        good["json"] = '{"a_prompt": "x"}'
    path = laid_out(tmp_path, budget("p/*", kind=kind), **{f"p__a_dot_{ending}": good[ending]})
    (tmp_path / "p" / f"b.{ending}").write_bytes(content)
    passed, bad = sorted(checking.results_of(path), key=lambda one: one.path)
    assert (passed.path, passed.outcome) == (f"p/a.{ending}", Outcome.PASSED)
    assert (bad.rule, bad.outcome) == ("bad-input", Outcome.INVALID)
    assert (bad.path, bad.line, bad.value) == (f"p/b.{ending}", line, None)
    assert words in bad.message
    assert str(tmp_path) not in bad.message.replace(str(path), "")


@pytest.mark.parametrize(("text", "line", "words"), [
    ("[[workload]]\nname =\n", 2, "not TOML"),
    (checking.workloads().replace("2000", "-1"), 5, "cannot be negative"),
    (checking.workloads().replace("2000", '{ from = "no.csv" }'), 5, "no.csv: no such file"),
    (checking.workloads().replace("2000", '{ from = "l.csv" }'), 5, "l.csv"),
    ("", None, "the file is empty"),
])  # fmt: skip
def test_a_malformed_workload_or_log_is_one_result(tmp_path, text, line, words):
    """Two budgets of one malformed workload file say so once; the prompts are still checked."""
    config = budget("p.md") + SPEND + SPEND.replace("w.toml", 'w.toml"\nname = "chat')
    files = {"p_dot_md": "x", "l_dot_csv": "no,log\n1,2\n", "w_dot_toml": text}
    first, bad = checking.results_of(laid_out(tmp_path, config, **files))
    assert (first.path, first.outcome) == ("p.md", Outcome.PASSED)
    assert (bad.path, bad.line, bad.rule) == ("w.toml", line, "bad-input")
    assert words in bad.message


def test_a_file_that_two_budgets_cannot_read_is_one_result(tmp_path):
    """What is wrong with it is said once; what another kind makes of it is held."""
    config = budget("p.json", kind="request") * 2 + budget("p.json")
    bad, text = checking.results_of(laid_out(tmp_path, config, p_dot_json="{"))
    assert (bad.outcome, text.outcome) == (Outcome.INVALID, Outcome.PASSED)


def test_a_broken_configuration_still_stops(tmp_path):
    """A workload that the file does not have is a fault of the configuration."""
    config = budget("p.md") + SPEND.replace("w.toml", 'w.toml"\nname = "no')
    path = laid_out(tmp_path, config, p_dot_md="x", w_dot_toml=checking.workloads())
    with pytest.raises(ConfigError, match="no workload named 'no'"):
        checking.results_of(path)


def test_a_reader_that_is_not_installed_is_no_malformed_file(tmp_path, monkeypatch):
    """Without PyYAML the error says what to install, whatever the files hold."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    path = laid_out(tmp_path, budget("p.yaml", kind="templates"), p_dot_yaml="a_prompt: x\n")
    with pytest.raises(MissingExtraError, match=r"extra \[templates\] adds with: pip install "):
        checking.results_of(path)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Lay out three prompts, of which one passes, one is over and one is no Python, and a workload."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return laid_out(
        tmp_path,
        budget("p/*.py", kind="templates") + SPEND,
        p__a_dot_py="A_PROMPT = 'Be kind.'\n",
        p__b_dot_py="x = 1\nA_PROMPT = )\n",
        p__c_dot_py=f"A_PROMPT = {'a b ' * 100!r}\n",
        w_dot_toml=checking.workloads(),
    )


def test_a_malformed_file_does_not_hide_the_others(broken, check):
    """All results are printed, worst first, and the exit code is that of bad input."""
    code, text = check()
    assert code == 2
    lines = text.splitlines()
    assert [tuple(line.split(": ")[0].split()) for line in lines[:4]] == [
        ("INVALID", "p/b.py:2"), ("OVER", "p/c.py:1"), ("PASSED", "p/a.py:1"), ("PASSED", "w.toml"),
    ]  # fmt: skip
    assert lines[0].startswith("INVALID  p/b.py:2: not Python (")
    assert lines[0].endswith("Correct that line.")
    assert lines[-1] == "4 checks, 2 not passed"


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_is_clean_beside_a_malformed_file(broken, form, check):
    """Every form shows the malformed file before what is over, and the exit code is 2."""
    code, text = check("--format", form)
    assert code == 2
    assert 0 <= text.index("p/b.py") < text.index("p/c.py") or form == "junit"
    assert "not Python" in text


def test_every_form_is_well_formed_beside_a_malformed_file(broken):
    """What reads a form finds rule, place and level in it."""
    report = checking.check_of(broken).report()
    assert "::error file=p/b.py,line=2,title=kimi-planner bad-input::" in render(report, "github")
    log = json.loads(render(report, "sarif"))
    schema = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"
    jsonschema.validate(log, json.loads(schema.read_text(encoding="utf-8")))
    first = log["runs"][0]["results"][0]
    assert (first["ruleId"], first["level"]) == ("bad-input", "error")
    assert log["runs"][0]["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "bad-input"
    suite = ET.fromstring(render(report, "junit"))
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["4", "1", "1"]
    case = next(one for one in suite.iter("testcase") if one.get("classname") == "p/b.py")
    assert case.find("error").get("type") == "bad-input"
    assert json.loads(render(report, "json"))["results"][0]["outcome"] == "invalid"
    assert "| **bad input** | <code>p/b.py:2</code> |" in render(report, "markdown")


def write(path, text):
    path.write_text(text, encoding="utf-8")


def test_a_malformed_file_keeps_its_entry_in_the_baseline(broken, check):
    """It is neither gone nor changed, the others are compared, and no baseline is written."""
    folder = broken.parent
    bad = (folder / "p" / "b.py").read_text(encoding="utf-8")
    kept = folder / "kimi-planner-baseline.json"
    code, text = check("--update-baseline")
    assert code == 2
    assert not kept.exists()
    assert "did not write kimi-planner-baseline.json" in text
    write(folder / "p" / "b.py", "A_PROMPT = 'b'\nB_PROMPT = 'b'\n")
    assert check("--update-baseline")[0] == 1
    before = kept.read_bytes()
    write(folder / "p" / "b.py", bad)
    write(folder / "p" / "a.py", "A_PROMPT = 'Be kind, and be very brief too.'\n")
    assert check("--update-baseline")[0] == check("--baseline", "--update-baseline")[0] == 2
    assert kept.read_bytes() == before
    report = checking.check_of(broken).report(read_baseline(kept))
    assert [one.entry.path for one in report.comparison.prompts] == ["p/a.py"]
    assert report.comparison.unchanged == 2  # the prompt that is over, and the workload
    (growth,) = [one for one in report.results if one.rule == "prompt-growth"]
    assert (growth.path, growth.outcome) == ("p/a.py", Outcome.OVER)
    (note,) = report.notes
    assert note == "Not compared with the baseline, because they cannot be read: p/b.py."
    write(folder / "p" / "b.py", "A_PROMPT = 'b'\nB_PROMPT = 'b'\n")
    again = checking.check_of(broken).report(read_baseline(kept))
    assert (again.comparison.unchanged, again.notes) == (4, ())


def test_a_malformed_workload_is_not_gone(broken):
    """Its entry stays out of the comparison; a workload file that is deleted is gone."""
    accepted = checking.check_of(broken).moment
    assert [one.path for one in accepted.workloads] == ["w.toml"]
    plan = broken.parent / "w.toml"
    write(plan, plan.read_text(encoding="utf-8").replace("2000", "-1"))
    malformed = checking.check_of(broken).report(accepted)
    assert malformed.comparison.workloads == ()
    assert "w.toml" in malformed.notes[0]
    plan.unlink()
    (gone,) = checking.check_of(broken).report(accepted).comparison.workloads
    assert (gone.state, gone.entry.path) == ("gone", "w.toml")


def test_overrides_of_a_malformed_file_are_not_said_to_match_nothing(broken):
    """The file is there, and would be checked if it could be read."""
    text = broken.read_text(encoding="utf-8")
    write(broken, f'{text}[[overrides]]\npaths = ["p/b.py"]\nmax_tokens = 5\n')
    assert checking.check_of(broken).report().notes == ()


def test_the_worst_comes_first_and_decides():
    """Bad input outweighs what is unknown, which outweighs what is over."""
    results = [checking.over(f"{one}", outcome=one, value=Decimal(1)) for one in Outcome]
    found = json.loads(render(checking.report_of(*results), "json"))["results"]
    assert [one["outcome"] for one in found] == ["invalid", "unknown", "over", "warning", "passed"]
    assert [one.exit_code for one in Outcome] == [0, 0, 1, 3, 2]
