"""Several configurations in one run, and paths as seen from the root of the repository."""

import json
from dataclasses import replace
from pathlib import Path

import checking
import pytest

from kimi_planner import count_tokens
from kimi_planner.checks.formats.render import FORMATS
from kimi_planner.checks.growth import Comparison
from kimi_planner.checks.together import together

CONFIG = 'model = "kimi-k2"\n[[prompts]]\npaths = ["p/*.md"]\nmax_tokens = 3\n'


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Lay out two services in a repository, of which one has a prompt over its budget."""
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".git").mkdir()
    checking.lay_out(tmp_path / "one", CONFIG, p__a_dot_md="one two three four five")
    checking.lay_out(tmp_path / "two", CONFIG, p__b_dot_md="one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


BOTH = ("--config=one/kimi-planner.toml", "--config=two/kimi-planner.toml")


def test_each_configuration_of_a_run_is_checked(repository, check):
    """The last does not replace those before it; the worst of all decides."""
    code, text = check(*BOTH)
    assert code == 1
    assert [line.split(":")[0].split() for line in text.splitlines()[:-1]] == [
        ["OVER", "one/p/a.md"], ["PASSED", "two/p/b.md"],
    ]  # fmt: skip
    assert text.endswith("2 checks, 1 not passed\n")
    assert check(*BOTH[1:])[0] == 0


@pytest.mark.parametrize("form", FORMATS)
def test_paths_can_be_opened_from_the_root_in_every_form(repository, form, check, monkeypatch):
    """Wherever in the repository the check is run, and with one configuration too."""
    monkeypatch.chdir(repository / "one")
    _, text = check("--format", form)
    assert "one/p/a.md" in text
    assert Path(repository, "one/p/a.md").is_file()


def test_one_run_writes_every_report(repository, check):
    """A file has the form that its name ends with; what --format names is printed beside them."""
    names = ("o/a.sarif", "o/b.gitlab.json", "o/c.md", "o/d.xml", "o/e.json", "o/f.txt")
    outputs = [f"--output={name}" for name in names]
    code, printed = check(*BOTH, "--format=github", *outputs)
    assert code == 1
    assert printed.startswith("::error file=one/p/a.md,")
    forms = ("sarif", "gitlab", "markdown", "junit", "json", "text")
    for name, form in zip(names, forms, strict=True):
        assert (Path(name).read_text("utf-8"), form) == (
            check(*BOTH, "--format", form)[1],
            form,
        )


def test_a_report_is_printed_or_written(repository, check):
    """A file of the form, or of a name that says none, is in place of what is printed."""
    for form, name in (("markdown", "c.md"), ("sarif", "results.json"), ("junit", "out")):
        _, whole = check(*BOTH, "--format", form)
        assert check(*BOTH, "--format", form, "--output", name) == (1, f"wrote {name}\n")
        assert Path(name).read_text("utf-8") == whole
    _, whole = check(*BOTH, "--format", "markdown")
    assert check(*BOTH, "--output", "markdown=c=d.xml")[1].endswith(
        "2 checks, 1 not passed\nwrote c=d.xml\n"
    )
    assert Path("c=d.xml").read_text("utf-8") == whole


def test_quiet_says_only_what_did_not_pass(repository, check):
    """Nothing where all passed, not even of files that are written; else a line for each failure."""
    assert check(*BOTH[1:], "--quiet", "--output", "o.md") == (0, "")
    assert Path("o.md").is_file()
    code, text = check(*BOTH, "--quiet")
    assert (code, text) == (1, "OVER     one/p/a.md: 5 tokens, limit 3, 66.7% over\n")
    assert check("--quiet", "--update-baseline", *BOTH[1:]) == (0, "")


def test_a_workspace_that_is_elsewhere_is_no_root(repository, check, monkeypatch, tmp_path_factory):
    """GITHUB_WORKSPACE counts for what lies below it, and for nothing else."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path_factory.mktemp("elsewhere")))
    assert "one/p/a.md:" in check(*BOTH)[1].split()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository.parent))
    assert f"{repository.name}/one/p/a.md:" in check(*BOTH)[1].split()


def test_each_configuration_has_its_baseline(repository, check):
    """Both are written and compared; changes of both are one list, from the root."""
    assert check("--update-baseline", *BOTH)[0] == 1
    assert Path("two/kimi-planner-baseline.json").is_file()
    Path("one/p/a.md").write_text("one two", encoding="utf-8")
    Path("two/p/b.md").write_text("one two three", encoding="utf-8")
    code, text = check("--baseline", "--format=json", *BOTH)
    assert code == 0
    compared = json.loads(text)["baseline"]
    assert [one["new"]["path"] for one in compared["prompts"]] == ["one/p/a.md", "two/p/b.md"]
    assert compared["path"] == "one/kimi-planner-baseline.json, two/kimi-planner-baseline.json"


def test_a_report_alone_stays_what_it_is():
    """Also what it was compared with, if that is a commit and no file."""
    comparison = Comparison(
        baseline="main (0123)", is_file=False, prompts=(), workloads=(), unchanged=1, below=0, notes=(),
    )  # fmt: skip
    report = replace(checking.report_of(checking.over()), comparison=comparison)
    assert together([report]) == report


def test_two_configurations_never_write_one_baseline(repository, check):
    """One would hide the other."""
    code, text = check("--baseline=b.json", *BOTH)
    assert code == 2
    assert "for one --config" in text
    text = CONFIG.replace("p/*", "../two/p/*")
    Path("two/other.toml").write_text(text.replace("../two/", ""), encoding="utf-8")
    _, text = check("--update-baseline", *BOTH[1:], "--config=two/other.toml")
    assert "two configurations name one baseline" in text


def test_the_account_is_of_all_configurations(repository, check):
    """Files of both stand in it, from the root, and the share is that of all tokens."""
    long = "Answer every question of the user in one short sentence, and name the source of each number."
    checking.lay_out(
        repository / "two", CONFIG.replace("*.md", "*"), p__c_dot_py=f"log({long!r})\n"
    )
    _, text = check("--coverage", "--format=json", *BOTH)
    account = json.loads(text)["coverage"]
    states = {one["path"]: one["state"] for one in account["files"]}
    assert states == {"one/p/a.md": "counted", "two/p/b.md": "counted", "two/p/c.py": "skipped"}
    (left_out,) = account["left_out"]
    assert (left_out["path"], left_out["tokens"]) == ("two/p/c.py", count_tokens(long))
    assert account["counted_tokens"] == count_tokens("one two three four five") + count_tokens(
        "one"
    )
