"""A check against a commit: real repositories, and what Git cannot tell."""

import json
import subprocess
from pathlib import Path
from shutil import which

import checking
import pytest
from checking import git

from kimi_planner.checks.base import bases
from kimi_planner.errors import ConfigError

pytestmark = pytest.mark.skipif(which("git") is None, reason="Git is not installed")

CONFIG = 'catalog = "own.toml"\nmodel = "m"\nmax_growth_percent = 10\n[[prompts]]\npaths = ["p/**"]\nmax_tokens = 900\n'
RULES = "\n".join(f"Rule {number}: never tell secret {number * 7919}." for number in range(30))


def commit(folder, **files):
    """Write files, commit all there is, and return the commit."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a repository with one prompt on the branch main, and go there."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    checking.lay_out(folder, CONFIG, own_dot_toml=checking.catalog(), p__a_dot_md=RULES)
    commit(folder)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


def compared(check, *arguments):
    """Return the comparison of a run as data."""
    return json.loads(check("--format", "json", *arguments)[1])["baseline"]


def test_a_branch_is_compared_with_where_it_left(repository, check):
    """What the other branch did since is no change of ours; the working tree is, committed or not."""
    left = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "--quiet", "--create", "ours")
    git(repository, "switch", "--quiet", "main")
    commit(repository, p__theirs_dot_md="Another prompt.")
    git(repository, "switch", "--quiet", "ours")
    assert check("--base", "main")[0] == 0
    (repository / "p" / "a.md").write_text(RULES + "\n" + RULES, encoding="utf-8")
    code, text = check("--base", "main")
    assert code == 1
    assert f"Against main ({left[:12]})" in text
    assert "p/a.md on m: " in text
    assert "since the baseline" not in text.split("Against")[1]
    commit(repository)
    assert f"Prompts since main ({left[:12]})" in check("--base", "main", "--format", "markdown")[1]
    found = compared(check, "--base", "main")
    assert [(one["state"], one["new"]["path"]) for one in found["prompts"]] == [
        ("changed", "p/a.md")
    ]
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "branch", "--show-current") == "ours"


def test_a_prompt_that_moves_and_grows_is_held_to_its_growth(repository, check):
    """A rename with 701 to 1,902 tokens is no new prompt, in the same and in another folder."""
    git(repository, "switch", "--quiet", "--create", "ours")
    git(repository, "mv", "p/a.md", "p/b.md")
    assert check("--base", "main")[0] == 0
    commit(repository, p__b_dot_md=RULES + "\n" + RULES.replace("never", "always"))
    code, text = check("--base", "main")
    assert code == 1
    assert "p/b.md on m (was p/a.md)" in text


def test_the_other_side_is_read_by_its_own_configuration(repository, check):
    """A prompt that only the new configuration names is new, though its file was there before."""
    commit(repository, q__c_dot_md="Be kind to everybody.")
    git(repository, "switch", "--quiet", "--create", "ours")
    commit(repository, **{"kimi-planner_dot_toml": CONFIG.replace('"p/**"', '"p/**", "q/*.md"')})
    (new,) = compared(check, "--base", "main")["prompts"]
    assert (new["state"], new["new"]["path"]) == ("new", "q/c.md")


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (None, "there is none"),
        ("model = [", "cannot be used"),
        (CONFIG.replace("own.toml", "gone.toml"), "cannot be used"),
        (f'{CONFIG}calls_per_month = 5\nworkload = "x"\n', "cannot be used"),
    ],
)
def test_a_commit_without_a_configuration_is_read_by_that_of_now(repository, check, before, why):
    """The change that adopts or mends it compares too, and a note says so."""
    path = repository / "kimi-planner.toml"
    if before is None:
        path.unlink()
    else:
        path.write_text(before, encoding="utf-8")
    commit(repository)
    git(repository, "switch", "--quiet", "--create", "ours")
    commit(repository, **{"kimi-planner_dot_toml": CONFIG})
    data = json.loads(check("--format", "json", "--base", "main")[1])
    assert data["baseline"]["unchanged"] == 1
    (said,) = data["notes"]
    assert why in said
    assert "kimi-planner-base-" not in said
    assert "kimi-planner.toml" in said


def test_a_configuration_below_the_root_is_found_there(repository, check, monkeypatch):
    """Paths are shown from the root on both sides, and what Git calls the commit is no path."""
    commit(
        repository,
        **{
            "sub__kimi-planner_dot_toml": CONFIG.replace("own", "../own"),
            "sub__p__s_dot_md": RULES,
        },
    )
    (repository / "sub" / "p" / "s.md").write_text(RULES * 2, encoding="utf-8")
    monkeypatch.chdir(repository / "sub")
    found = compared(check, "--base", "HEAD")
    assert found["path"].startswith("HEAD (")
    assert [one["new"]["path"] for one in found["prompts"]] == ["sub/p/s.md"]


def test_a_shallow_clone_says_what_to_fetch(repository, tmp_path, check, monkeypatch):
    """One clear line with the remedy; with the commit at hand, the newest is compared with."""
    git(repository, "switch", "--quiet", "--create", "ours")
    commit(repository, p__b_dot_md="More.")
    clone = tmp_path / "clone"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--depth=1",
        "--branch=ours",
        f"file://{repository}",
        str(clone),
    )
    monkeypatch.chdir(clone)
    code, text = check("--base", "origin/main")
    assert (code, text.count("\n")) == (2, 1)
    assert "shallow" in text
    assert "fetch-depth: 0" in text
    fetch = text[text.index("git fetch") :].strip().rstrip(".")
    subprocess.run([*fetch.split(), "--depth=1"], cwd=clone, check=True, capture_output=True)
    data = json.loads(check("--format", "json", "--base", "origin/main")[1])
    assert [one["new"]["path"] for one in data["baseline"]["prompts"]] == ["p/b.md"]
    assert "does not show where its history leaves origin/main" in data["notes"][0]


@pytest.mark.parametrize(
    "ref", ["nowhere", "origin/nowhere", "--output=x", "-h", "HEAD:p/a.md", ""]
)
def test_a_name_of_no_commit_is_one_line(repository, check, ref):
    """Also one that looks like an option of Git, which it is not taken for."""
    code, text = check(f"--base={ref}")
    assert (code, text.count("\n")) == (2, 1)
    assert "no such commit" in text
    assert git(repository, "status", "--porcelain") == ""


def test_what_git_itself_refuses_is_its_first_line(repository, check, monkeypatch):
    """Such as a folder of somebody else; how Git would be told otherwise is not one line."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code, text = check("--base", "main")
    assert (code, text.count("\n")) == (2, 1)
    assert "Git says: fatal: detected dubious ownership in repository at" in text


def test_without_a_repository_or_beside_a_baseline_it_is_refused(
    repository, tmp_path, check, monkeypatch
):
    """One line each."""
    for more in ("--baseline", "--update-baseline"):
        assert "Give one of them" in check("--base", "main", more)[1]
    path = checking.lay_out(tmp_path / "elsewhere" if (tmp_path / "elsewhere").mkdir() is None else tmp_path,
                            CONFIG, own_dot_toml=checking.catalog(), p__a_dot_md="x")  # fmt: skip
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(ConfigError, match="is in no Git repository"):
        bases("main", [checking.check_of(path).config], checking.AS_OF)


def test_nothing_of_the_repository_is_run(repository, check):
    """Filters, hooks and a monitor that its files name stay what they are: text."""
    trap = repository / "trap.sh"
    trap.write_text("#!/bin/sh\ntouch ran\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    commit(repository, _dot_gitattributes="* filter=trap export-ignore\n")
    git(repository, "config", "filter.trap.smudge", "./trap.sh")
    git(repository, "config", "core.fsmonitor", "./trap.sh")
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (repository / ".git" / "hooks" / name).write_bytes(trap.read_bytes())
        (repository / ".git" / "hooks" / name).chmod(0o755)
    (repository / "ran").unlink(missing_ok=True)
    assert compared(check, "--base", "HEAD")["unchanged"] == 1
    assert not (repository / "ran").exists()


def test_a_link_out_of_the_commit_is_not_followed(repository, tmp_path, check):
    """A file outside is not read for the other side either, and no file is written through a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text(RULES, encoding="utf-8")
    (repository / "p" / "out.md").symlink_to(outside / "secret.md")
    (repository / "p" / "same.md").symlink_to("a.md")
    commit(repository)
    data = json.loads(check("--format", "json", "--base", "HEAD")[1])
    assert data["baseline"]["prompts"] == []
    assert data["baseline"]["unchanged"] == 2
    assert any("p/out.md" in one for one in data["notes"])
    assert sorted(Path(outside).iterdir()) == [outside / "secret.md"]


def test_inside_a_hook_of_another_repository_its_own_is_asked(repository, check, monkeypatch):
    """What Git tells its hooks of the repository that they run for is no word on this one."""
    monkeypatch.setenv("GIT_DIR", str(repository.parent / "elsewhere.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "index.of.elsewhere")
    assert compared(check, "--base", "main")["unchanged"] == 1


def test_only_a_git_from_elsewhere_is_run(repository, check, monkeypatch):
    """Without one the check ends in a line; one that lies in the repository is none."""
    (repository / "git").write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
    (repository / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(repository))
    code, text = check("--base", "main")
    assert (code, text.count("\n")) == (2, 1)
    assert "no Git is on the path outside of the repository" in text
    assert not (repository / "ran").exists()
