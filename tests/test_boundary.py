"""The boundary of trust: a configuration reads and writes below its root, and tells nothing of other files."""

from pathlib import Path

import pytest

from kimi_planner.boundary import Boundary
from kimi_planner.checks.config import load_config
from kimi_planner.checks.run import Check
from kimi_planner.files import read_text
from kimi_planner.tokens.prompts import read as templates

SECRET = "hunter2-is-no-token"
PROMPTS = '[[prompts]]\npaths = ["{}"]\nmax_tokens = 9\nmodel = "kimi-k2"\n'
WORKLOADS = '[[workloads]]\npath = "{}"\nmodel = "kimi-k2"\nmax_usd_per_month = 9\n'
WORKLOAD = """
[[workload]]
name = "w"
requests_per_day = 10
prompt_tokens = {}
completion_tokens = 5
"""
LIMITED = PROMPTS.format("ok.md")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Lay out a repository with what belongs to Git in it, and a secret beside it."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_text(f"{SECRET}\n", encoding="utf-8")
    (root / "ok.md").write_text("ok", encoding="utf-8")
    (tmp_path / "secret.env").write_text(f"KEY={SECRET}\n", encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "a.md").write_text(f"{SECRET} one\n", encoding="utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def check(repository, invoke):
    """Run a check of a configuration and return its exit code and all that it printed."""

    def run(config, *options, **files):
        (repository / "kimi-planner.toml").write_text(config, encoding="utf-8")
        for name, text in files.items():
            (repository / f"{name}.toml").write_text(text, encoding="utf-8")
        code, out, err = invoke("check", *options)
        return code, out + err

    return run


#: What a configuration may name, and another file that it leads to.
OUTSIDE = {
    "a usage log": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = "../secret.env" }')),
    "a column": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = "../secret.env", column = "x" }')),
    "a usage log of Git": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = ".git/config" }')),
    "a glob of logs": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = "../secret*" }')),
    "a folder of logs": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = "../secrets" }')),
    "an absolute log": (WORKLOADS.format("w.toml"), WORKLOAD.format('{ from = "/etc/hostname" }')),
    "a workload file": (WORKLOADS.format("../secret.env"), None),
    "an absolute workload file": (WORKLOADS.format("/etc/hostname"), None),
    "an approved plan": (WORKLOADS.format("w.toml") + 'approved = "../secret.env"\n', WORKLOAD.format(1)),
    "a catalog": ('catalog = "../secret.toml"\n' + LIMITED, None),
    "a catalog without its ending": ('catalog = "../secret"\n' + LIMITED, None),
    "a price file": ('catalog = "../secret.json"\n' + LIMITED, None),
    "another catalog": (LIMITED + '[catalog_checks]\nagainst = "../secret.toml"\nmax_drift_percent = 1\n', None),
    "a baseline": ('baseline = "../secret.json"\n' + LIMITED, None),
    "a glob": (PROMPTS.format("../secrets/*.md"), None),
    "a glob that climbs in its middle": (PROMPTS.format("x/../../secrets/*.md"), None),
    "a file": (PROMPTS.format("../secret.env"), None),
    "a file that is not there": (PROMPTS.format("../nothing.env"), None),
    "a file of Git": (PROMPTS.format(".git/config"), None),
    "an exclusion": (LIMITED + 'exclude = ["../secret.env"]\n', None),
}  # fmt: skip


@pytest.mark.parametrize(("config", "workloads"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_nothing_outside_of_the_repository_is_read(check, config, workloads):
    """Whatever names the file, the check ends as bad input, and nothing of the file is told."""
    code, said = check(config, "--format=markdown", **({"w": workloads} if workloads else {}))
    assert code == 2
    assert "outside of the repository" in said or "belongs to Git" in said
    assert SECRET not in said


LINKS = {
    "a file": ("link.md", "secret.env", PROMPTS.format("link.md")),
    "a file that a glob finds": ("link.md", "secret.env", PROMPTS.format("*.md")),
    "a file of Git": ("link.md", "repository/.git/config", PROMPTS.format("*.md")),
    "a folder": ("link", "secrets", PROMPTS.format("link/*.md")),
    "a workload file": ("w.toml", "secret.env", WORKLOADS.format("w.toml")),
    "nothing": ("link.md", "nothing", PROMPTS.format("*.md")),
    "the baseline": ("kimi-planner-baseline.json", "secret.env", LIMITED),
}


@pytest.mark.parametrize(("name", "target", "config"), LINKS.values(), ids=LINKS.keys())
def test_a_link_leads_nowhere_else(repository, check, name, target, config):
    """A link in the repository is what it leads to; whether there is such a file is not told."""
    (repository / name).symlink_to(Path("..") / target)
    code, said = check(config, "--update-baseline")
    assert code == 2
    assert any(why in said for why in ("outside of the repo", "leads out", "belongs to Git"))
    assert SECRET not in said
    assert (repository.parent / "secret.env").read_text(encoding="utf-8") == f"KEY={SECRET}\n"


def test_what_a_check_finds_is_held_whichever_of_it_is_asked_for(repository):
    """Prompts, what cannot be read, and results: each by itself, and the first of all."""
    (repository / "link.md").symlink_to(repository.parent / "secret.env")
    path = repository / "kimi-planner.toml"
    path.write_text(PROMPTS.format("*.md"), encoding="utf-8")
    assert [one.path for one in Check(load_config(path)).prompts] == ["ok.md"]
    (found,) = Check(load_config(path)).found
    assert [one.path for one in found.faults] == ["link.md"]
    assert Check(load_config(path)).unread == {"link.md"}


INCLUDES = {
    "Jinja": ("p.j2", "{% include '../secret.env' %}"),
    "Jinja, by its whole path": ("p.j2", "{{% include '{outside}/secret.env' %}}"),
    "promptfoo": ("p.yaml", "prompts:\n  - file://../secret.env\n"),
    "promptfoo, a glob": ("p.yaml", "prompts:\n  - file://../secrets/*.md\n"),
    "a path": ("p.yaml", "system_prompt_path: ../secrets/a.md\n"),
    "Git": ("p.yaml", "prompts:\n  - file://.git/config\n"),
    "an image": ("p.json", '{{"model": "kimi-k2-5", "messages": [{{"role": "user", "content": [{{"type": "image_url", "image_url": {{"url": "file://{outside}/secret.env"}}}}]}}]}}'),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), INCLUDES.values(), ids=INCLUDES.keys())
def test_a_prompt_includes_nothing_from_outside(repository, check, name, text):
    """What a prompt includes is under the rule of the configuration too."""
    outside = repository.parent
    (repository / name).write_text(
        text.format(outside=outside) if "{outside}" in text else text, encoding="utf-8"
    )
    code, said = check(PROMPTS.format(name), "--format=markdown", "--coverage")
    assert code in (2, 3)
    assert SECRET not in said


def test_a_configuration_that_is_a_link_is_not_read(repository, check):
    """The configuration itself lies in its repository too."""
    (repository.parent / "own.toml").write_text(LIMITED, encoding="utf-8")
    (repository / "linked.toml").symlink_to("../own.toml")
    code, said = check(LIMITED, "--config=linked.toml")
    assert (code, "outside of the repository" in said) == (2, True)


@pytest.mark.parametrize("config", [PROMPTS.format("../secret.env"), PROMPTS.format("link.md")])
def test_who_means_it_may_read_outside(repository, check, config):
    """With --allow-outside, and allow_outside in Python, it is as if there were no boundary."""
    (repository / "link.md").symlink_to("../secret.env")
    code, _ = check(config, "--allow-outside")
    assert code == 0
    path = repository / "kimi-planner.toml"
    assert load_config(path, allow_outside=True).boundary.root is None


def test_a_subfolder_may_read_all_of_its_repository(repository, check):
    """The root is that of the repository, not the folder of the configuration."""
    (repository / "app").mkdir()
    (repository / "app" / "kimi-planner.toml").write_text(PROMPTS.format("../ok.md"), "utf-8")
    code, _ = check(LIMITED, "--config=app/kimi-planner.toml")
    assert code == 0


def test_outside_of_a_repository_the_folder_is_the_root(repository, check):
    """A configuration in no repository reads its own folder."""
    (repository / ".git" / "config").unlink()
    (repository / ".git").rmdir()
    assert check(LIMITED)[0] == 0
    code, said = check(PROMPTS.format("../secrets/a.md"))
    assert (code, "outside" in said) == (2, True)


#: Files of other forms, each with the secret where a message about them could repeat it.
OTHER_FORMS = {
    "a line of its own": SECRET,
    "an environment file": f"KEY={SECRET}\nOTHER={SECRET}\n",
    "CSV": f"user,password\nme,{SECRET}\n",
    "CSV of one column": f"{SECRET}\n{SECRET}\n",
    "JSON text": f'"{SECRET}"',
    "JSON": f'{{"prompt_tokens": "{SECRET}", "completion_tokens": "{SECRET}"}}',
    "JSON lines": f'{{"usage": {{"prompt_tokens": 1, "completion_tokens": "{SECRET}"}}}}\n',
    "a model": f'{{"model": ["{SECRET}"], "prompt_tokens": 1, "completion_tokens": 1}}\n',
    "a time": f'{{"timestamp": "{SECRET}", "prompt_tokens": 1, "completion_tokens": 1}}\n',
    "a column of usage": f"prompt_tokens,completion_tokens\n{SECRET},1\n",
    "a key": f"-----BEGIN KEY-----\n{SECRET}\n-----END KEY-----\n",
    "INI": f"[credentials]\ntoken = {SECRET}\n",
    "YAML": f"token: {SECRET}\n",
    "a stream of events": f"data: {SECRET}\n\n",
}


@pytest.mark.parametrize("text", OTHER_FORMS.values(), ids=OTHER_FORMS.keys())
@pytest.mark.parametrize("quantity", ["{{ from = {} }}", '{{ from = {}, column = "password" }}'])
def test_messages_tell_nothing_of_files_of_another_form(repository, check, text, quantity):
    """A file in the repository that is no log, such as one that the build made, is not repeated."""
    (repository / "made").write_text(text, encoding="utf-8")
    workload = WORKLOAD.format(quantity.format('"made"'))
    code, said = check(WORKLOADS.format("w.toml"), "--format=json", w=workload)
    assert code == 2
    assert SECRET not in said


@pytest.mark.parametrize("form", ["toml", "json", "csv"])
@pytest.mark.parametrize("text", OTHER_FORMS.values(), ids=OTHER_FORMS.keys())
def test_other_files_of_another_form_are_not_repeated(repository, check, text, form):
    """Nor is it where a workload file, a catalog, an approved plan or a baseline is meant."""
    (repository / f"made.{form}").write_text(text, encoding="utf-8")
    for config in (
        WORKLOADS.format(f"made.{form}"),
        WORKLOADS.format("w.toml") + f'approved = "made.{form}"\n',
        f'catalog = "./made.{form}"\n' + LIMITED,
        f'baseline = "made.{form}"\n' + LIMITED,
    ):
        code, said = check(config, "--baseline", w=WORKLOAD.format(1))
        assert code == 2
        assert SECRET not in said


def test_a_message_of_ones_own_command_says_what_stands_there(repository, invoke):
    """Who runs another command on a file of theirs sees what is wrong in it."""
    (repository / "log.csv").write_text(f"prompt_tokens,completion_tokens\n{SECRET},1\n", "utf-8")
    assert SECRET in invoke("usage", "price", "log.csv", "--model=kimi-k2")[2]


@pytest.mark.parametrize("option", ["--output={}", "--baseline={}"])
def test_an_output_that_is_named_is_not_led_elsewhere_by_a_link(repository, check, option):
    """A link that was committed where a report is written does not lead out of the repository."""
    (repository / "reports").symlink_to("../secrets")
    code, said = check(LIMITED, option.format("reports/a.md"), "--update-baseline")
    assert (code, "outside of the repository" in said) == (2, True)
    assert (repository.parent / "secrets" / "a.md").read_text("utf-8") == f"{SECRET} one\n"


def test_an_output_may_be_named_anywhere(repository, check):
    """Who runs the check may write where they like."""
    output = repository.parent / "report.txt"
    assert check(LIMITED, f"--output={output}")[0] == 0
    assert output.is_file()


@pytest.mark.parametrize(
    "name", ["kimi-planner.toml", "w.toml", "ok.md", "log.csv", "kimi-planner-baseline.json"]
)
def test_a_report_does_not_replace_what_the_check_reads(repository, check, name):
    """The configuration, workloads, prompts, logs and the baseline are no place for a report."""
    (repository / "log.csv").write_text("prompt_tokens,completion_tokens\n1,2\n", "utf-8")
    config = WORKLOADS.format("w.toml") + LIMITED
    workload = WORKLOAD.format('{ from = "log.csv" }')
    assert check(config, "--update-baseline", w=workload)[0] == 0
    before = (repository / name).read_bytes()
    code, said = check(config, "--baseline", f"--output={name}", w=workload)
    assert (code, "this check reads it" in said) == (2, True)
    assert (repository / name).read_bytes() == before


def test_the_boundary_is_held_inside_alone(tmp_path):
    """Before and after it any file is read, and of what was read it keeps the names."""
    inside, outside = tmp_path / "in" / "a", tmp_path / "b"
    inside.parent.mkdir()
    for path in (inside, outside):
        path.write_text("x", encoding="utf-8")
    boundary = Boundary(inside.parent)
    assert read_text(outside) == "x"
    with boundary.held():
        assert read_text(inside) == "x"
        with pytest.raises(ValueError, match="outside of the repository"):
            read_text(outside)
    assert templates.read_templates(outside)[0].parts == ("x",)
    assert boundary.read == {str(inside.resolve())}
