"""A check of changed files alone: what a commit touches, and nothing of the rest."""

import json
from pathlib import Path

import checking
import pytest

CONFIG = """\
model = "kimi-k2"
min_coverage = 1
[[prompts]]
paths = ["p/*.md", "gone.md", "app/*.py"]
exclude = ["p/none.md"]
max_tokens = 3
variables = { unknown = { max_tokens = 3 } }
[[workloads]]
path = "w.toml"
max_p90_usd_per_month = 1
[catalog_checks]
max_age_days = 1
[[overrides]]
paths = ["none/*"]
max_tokens = 5
"""


@pytest.fixture
def run(tmp_path, monkeypatch, invoke):
    """Lay out a repository with faults everywhere; check some of its files."""
    monkeypatch.chdir(tmp_path)
    Path(".git").mkdir()
    long = "one two three four five"
    checking.lay_out(
        tmp_path, CONFIG, p__a_dot_md="one", p__b_dot_md=long, app__a_dot_py="def (", x_dot_txt=long,
        w_dot_toml=checking.workloads(),
    )  # fmt: skip

    def call(*arguments):
        code, out, err = invoke("check", "--as-of", "2026-11-28", "--format", "json", *arguments)
        results = json.loads(out)["results"] if out else []
        return code, {(one["path"], one["outcome"]) for one in results}, err

    return call


def test_only_the_named_files_are_checked(run):
    """Faults elsewhere, in lines of the configuration, coverage and the catalog are for the whole check."""
    assert run("p/a.md") == (0, {("p/a.md", "passed")}, "")
    assert run("p/a.md", "p/b.md")[:2] == (1, {("p/a.md", "passed"), ("p/b.md", "over")})
    assert run(str(Path("app/a.py").resolve()))[:2] == (2, {("app/a.py", "invalid")})
    assert run("w.toml")[:2] == (1, {("w.toml", "over")})


def test_a_file_without_a_budget_passes(run):
    """A commit of other files has nothing to check."""
    Path("../elsewhere.md").write_text("one two three four", encoding="utf-8")
    assert run("x.txt", "../elsewhere.md") == (0, set(), "")


def test_a_file_that_is_not_there_is_no_pass(run):
    """A name that is misspelt is bad input, not nothing to check."""
    code, results, err = run("p/a.md", "p/aa.md")
    assert (code, results) == (2, set())
    assert "'p/aa.md' does not exist" in err


def test_a_folder_is_all_that_lies_below_it(run):
    """Also the current one, where it is still not the whole check."""
    assert run("p")[:2] == (1, {("p/a.md", "passed"), ("p/b.md", "over")})
    code, results, _ = run(".")
    assert code == 2
    assert {path for path, _ in results} == {"p/a.md", "p/b.md", "app/a.py", "w.toml"}


def test_a_changed_configuration_is_checked_whole(run):
    """What it says may change the verdict of every file."""
    code, whole, err = run()
    assert err == ""
    assert run("p/a.md", "kimi-planner.toml")[:2] == (code, whole)
    assert code == 2
    assert {path for path, _ in whole} >= {"p/a.md", "p/b.md", "gone.md", "app/a.py", "w.toml"}


def test_files_of_each_configuration_are_its_own(run):
    """Names are as seen from where the check is run, whichever configuration they belong to."""
    checking.lay_out(
        Path("sub"), '[[prompts]]\npaths = ["*.md"]\nmax_tokens = 1\n', a_dot_md="one two"
    )
    both = ("--config=kimi-planner.toml", "--config=sub/kimi-planner.toml")
    assert run(*both, "sub/a.md", "p/a.md")[:2] == (
        1, {("sub/a.md", "over"), ("p/a.md", "passed")},
    )  # fmt: skip


def test_a_file_beside_the_folder_of_the_configuration_is_checked(run):
    """What a configuration names above its folder belongs to it too."""
    Path("sub").mkdir()
    checking.lay_out(Path("sub"), '[[prompts]]\npaths = ["../p/*.md"]\nmax_tokens = 1\n')
    found = run("--config=sub/kimi-planner.toml", "p/b.md")
    assert found == (1, {("p/b.md", "over")}, "")


def test_only_the_named_files_are_compared(run, tmp_path):
    """With a baseline, what others became is not said, and nothing of them is gone."""
    checking.lay_out(
        tmp_path, 'max_growth_tokens = 1\n[[prompts]]\npaths = ["p/*.md"]\nmax_tokens = 9\n'
    )
    run("--update-baseline")
    Path("p/a.md").write_text("one two three", encoding="utf-8")
    Path("p/b.md").unlink()
    code, results, _ = run("--baseline=kimi-planner-baseline.json", "p/a.md")
    assert (code, results) == (1, {("p/a.md", "passed"), ("p/a.md", "over")})
    for option in ("--update-baseline", "--coverage"):
        code, _, err = run(option, "p/a.md")
        assert (code, "are of all files. Name none." in err) == (2, True)
