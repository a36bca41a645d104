"""The pre-commit hook: its manifest, and its entry run on a repository."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pre_commit.clientlib import InvalidManifestError, load_manifest

ROOT = Path(__file__).parents[1]
HOOKS = ["kimi-planner-check", "kimi-planner-check-changed"]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"


def test_pre_commit_accepts_the_manifest():
    """The manifest is valid by pre-commit's own rules, and names two hooks."""
    try:
        hooks = load_manifest(str(MANIFEST))
    except InvalidManifestError as error:
        pytest.fail(str(error))
    assert [hook["id"] for hook in hooks] == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_the_hook_runs_on_a_repository(tmp_path, name):
    """pre-commit runs the hook on a staged prompt: it fails over the budget and passes within.

    The hook of changed files says nothing of a prompt that was over before.
    """

    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e", *arguments],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip

    # An environment of its own would need the network: the installed command stands in.
    command = Path(sys.executable).with_name("kimi-planner")
    if not command.exists() or shutil.which("git") is None:
        pytest.skip("needs git and the installed command")
    hooks = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    (hook,) = (one for one in hooks if one["id"] == name)
    hook.pop("additional_dependencies")
    program, *rest = shlex.split(hook["entry"])
    assert program == "kimi-planner"
    hook |= {"language": "system", "entry": shlex.join([str(command), *rest])}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (tmp_path / "kimi-planner.toml").write_text(
        '[[prompts]]\npaths = ["prompt.*", "old.*"]\nmax_tokens = 5\n', encoding="utf-8"
    )
    is_whole = name == "kimi-planner-check"
    (tmp_path / "old.md").write_text("one" if is_whole else "word " * 9, encoding="utf-8")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "before")
    for text, expected in (("one two three", 0), ("one two three " * 5, 1)):
        (tmp_path / "prompt.tmpl").write_text(text, encoding="utf-8")
        git("add", ".")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", name],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, done.stdout + done.stderr
    assert "limit 5" in done.stdout
    assert ("old.md" in done.stdout) == is_whole
    # The configuration, not the hook, knows which files are prompts.
    assert bool(hook.get("always_run")) == is_whole
