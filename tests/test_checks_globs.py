"""Every line of a configuration does something: globs, exclusions, variables, links and folders."""

import os
import subprocess
from pathlib import Path

import checking
import pytest

from kimi_planner.checks import globs
from kimi_planner.checks.baseline import Baseline
from kimi_planner.checks.globs import find_files, matches
from kimi_planner.checks.results import Outcome

HEAD = "[[prompts]]\npaths = {paths}\nmax_tokens = 9\n"
NAMES = (
    *("prompts/a.md", "prompts/deep/b.md", ".git/c.md", ".venv/c.md", "node_modules/c.md"),
    *("app/node_modules/x/c.md", "build/c.md", "app/out/c.md", "app/out/kept.md", "app/x.log.md"),
)


def laid_out(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Be kind.", encoding="utf-8")


def results(folder, *paths, more="", **files):
    config = HEAD.format(paths=list(paths)) + more
    found = checking.results_of(checking.lay_out(folder, config, **files))
    return {one.path: one for one in found}


def names(folder, *paths, **options):
    return [name for name, _ in find_files(folder, paths, **options).files]


def test_a_last_double_star_is_every_file_below(tmp_path):
    """The same files on every Python: `pathlib` finds none before 3.13, and all from then on."""
    laid_out(tmp_path, *NAMES[:2])
    assert names(tmp_path, "prompts/**") == list(NAMES[:2])
    assert matches(NAMES[1], ["prompts/**"])
    assert not matches("prompts", ["prompts/**"])


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_find_the_same_files(tmp_path, version):
    """The module alone, run by another interpreter where there is one."""
    pythons = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python"))
    if not pythons:
        pytest.skip(f"needs Python {version}")
    laid_out(tmp_path, *NAMES)
    patterns = ["**", "prompts/**", "**/*.md", "*/deep/*", "[!p]*/**"]
    code = (
        f"import runpy; m = runpy.run_path({globs.__file__!r}); from pathlib import Path\n"
        f"for p in {patterns}: print([n for n, _ in m['find_files'](Path({str(tmp_path)!r}), [p]).files])"
    )
    done = subprocess.run([pythons[-1], "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(names(tmp_path, one)) for one in patterns]


def test_wildcards_find_nothing_that_git_ignores(tmp_path):
    """Rules of all files above count, the deepest first; three folders are never gone into."""
    laid_out(tmp_path, *NAMES)
    (tmp_path / ".gitignore").write_text("!\nbuild/\n*.log.md\n\\\n", encoding="utf-8")
    (tmp_path / "app" / ".gitignore").write_text("/out/*\n!kept.md\n", encoding="utf-8")
    assert names(tmp_path, "**") == [
        ".gitignore", "app/.gitignore", "app/out/kept.md", *NAMES[:2],
    ]  # fmt: skip
    # The root of the repository has rules for a folder deep inside it.
    assert names(tmp_path / "app", "**/*.md") == ["out/kept.md"]
    assert names(tmp_path, "build/*") == []
    # What is spelled in full is meant.
    assert names(tmp_path, "build/c.md", "node_modules/*.md") == ["build/c.md", "node_modules/c.md"]


def test_a_glob_that_matches_nothing_is_no_pass(tmp_path):
    """It is named, whatever matches beside it."""
    found = results(tmp_path, "p/*.md", "pormpts/**/*.md", p__a_dot_md="x")
    assert found["p/a.md"].outcome is Outcome.PASSED
    unused = found["kimi-planner.toml"]
    assert (unused.rule, unused.outcome, unused.line) == ("missing-input", Outcome.UNKNOWN, 1)
    assert "no file matches 'pormpts/**/*.md'" in unused.message


def test_an_exclusion_that_leaves_nothing_out_is_bad_input(tmp_path):
    """A misspelt one would let in what it is meant to keep out."""
    more = 'exclude = ["p/dratf/**", "p/old/**"]\n'
    found = results(tmp_path, "p/**", more=more, p__a_dot_md="x", p__old__b_dot_md="x")
    assert found["p/a.md"].outcome is Outcome.PASSED
    unused = found["kimi-planner.toml"]
    assert (unused.rule, unused.outcome) == ("unused-setting", Outcome.INVALID)
    assert "exclude 'p/dratf/**' leaves out no file" in unused.message
    assert "p/old" not in unused.message


def test_a_variable_that_no_prompt_has_is_bad_input(tmp_path):
    """It is named with what is near it; where a file cannot be read, nobody can tell."""
    more = 'kind = "templates"\nvariables = { nmae = { max_bytes = 2 } }\n'
    code = 'def f(name):\n    a_prompt = f"Hi {name}"\n'
    found = results(tmp_path, "p/*.py", more=more, p__a_dot_py=code)
    unused = found["kimi-planner.toml"]
    assert (unused.rule, unused.outcome) == ("unused-setting", Outcome.INVALID)
    assert "no prompt has the variable 'nmae'. Did you mean 'name'?" in unused.message
    assert "kimi-planner.toml" not in results(tmp_path, "p/*.py", more=more, p__a_dot_py="x = (")


def test_links_to_nothing_and_folders_that_cannot_be_listed_are_said(tmp_path, monkeypatch):
    """A link to nothing is unknown, a folder without permission bad input; neither is passed over."""
    laid_out(tmp_path, "p/a.md", "p/shut/b.md")
    (tmp_path / "p" / "c.md").symlink_to("gone.md")
    real = os.scandir

    def scandir(folder):
        if Path(folder).name == "shut":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(globs, "scandir", scandir)
    found = results(tmp_path, "p/**")
    assert found["p/c.md"].outcome is Outcome.UNKNOWN
    assert "a link to nothing (gone.md)" in found["p/c.md"].message
    assert (found["p/shut"].rule, found["p/shut"].outcome) == ("bad-input", Outcome.INVALID)
    assert "Permission denied" in found["p/shut"].message
    kept = checking.check_of(tmp_path / "kimi-planner.toml")
    assert kept.unread == {"p/shut"}
    assert results(tmp_path, "p/**", more='exclude = ["p/shut/**", "p/c.*"]\n').keys() == {"p/a.md"}


def test_what_lies_in_an_unread_folder_is_not_gone(tmp_path):
    """Its entries stay out of a comparison, as those of a file that cannot be read do."""
    laid_out(tmp_path, "p/a.md", "p/shut/b.md")
    check = checking.check_of(checking.lay_out(tmp_path, HEAD.format(paths=["p/**"])))
    moment: Baseline = check.moment
    assert [one.path for one in moment.without({"p/shut"}).prompts] == ["p/a.md"]


def test_a_link_to_a_folder_is_left_out_in_words(tmp_path):
    """It could lead anywhere, also back; named in full it is followed."""
    laid_out(tmp_path, "shared/a.md", "p/b.md")
    (tmp_path / "p" / "link").symlink_to("../shared")
    found = find_files(tmp_path, ["p/**/*.md"])
    assert [name for name, _ in found.files] == ["p/b.md"]
    assert found.skipped.keys() == {"p/link"}
    assert names(tmp_path, "p/link/*.md") == ["p/link/a.md"]
