"""The configuration of checks: its own file, every key, overrides, and globs."""

import re
from decimal import Decimal
from pathlib import Path

import checking
import pytest

from kimi_planner.checks.config import MAX_MONTHS, find_config, load_config
from kimi_planner.checks.globs import find_files, matches
from kimi_planner.checks.results import RULES, Outcome
from kimi_planner.errors import ConfigError
from kimi_planner.plan import calendar

PROMPTS = '[[prompts]]\npaths = ["**/*.md"]\nmax_tokens = 3\n'


def test_a_file_of_its_own_says_what_pyproject_does(tmp_path):
    """The same keys at the top of a file give the same budgets as in a table of pyproject.toml."""
    own = checking.lay_out(tmp_path, f'model = "kimi-k2"\n{PROMPTS}', a_dot_md="one two three four")
    project = tmp_path / "pyproject.toml"
    project.write_text(f'[tool.kimi-planner]\nmodel = "kimi-k2"\n{PROMPTS}'.replace(
        "[[", "[[tool.kimi-planner."), encoding="utf-8")  # fmt: skip
    one, other = (load_config(path) for path in (own, project))
    assert one.prompts[0].max_tokens == other.prompts[0].max_tokens == 3
    assert checking.results_of(own)[0].message == checking.results_of(project)[0].message


@pytest.mark.parametrize("name", ["checks.toml", "zeta.toml"])
def test_only_the_file_of_a_project_needs_a_table_of_its_own(tmp_path, name):
    """Any other name has the keys at its top; those of pyproject.toml there are somebody else's."""
    text = f'model = "kimi-k2"\n{PROMPTS}'
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_config(tmp_path / name).prompts[0].max_tokens == 3
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no table \[tool\.kimi-planner\]"):
        load_config(tmp_path / "pyproject.toml")


def test_the_configuration_of_a_folder_is_found_and_never_two_of_them(tmp_path):
    """The own file comes first; with a table in pyproject.toml beside it, neither is guessed; or none."""
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.ruff]\n", encoding="utf-8")
    assert find_config(tmp_path) is None
    project.write_text("[tool.kimi-planner]\n", encoding="utf-8")
    assert find_config(tmp_path) == project
    project.write_text("[tool.ruff]\n", encoding="utf-8")
    own = checking.lay_out(tmp_path, PROMPTS)
    assert find_config(tmp_path) == own
    project.write_text("[tool.kimi-planner]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="both hold a configuration"):
        find_config(tmp_path)


def test_the_last_override_that_matches_wins_key_by_key(tmp_path):
    """An override replaces the limits that it names; one that nothing matches is bad input."""
    overrides = "".join(
        f'[[overrides]]\npaths = ["{glob}"]\n{limits}\n'
        for glob, limits in (
            ("old/**", "max_tokens = 50\nmax_context_share = 0.5"),
            ("old/b.md", "max_tokens = 2"),
            ("none/*", "max_tokens = 9"),
        )
    )
    path = checking.lay_out(
        tmp_path, f'model = "kimi-k2"\n{PROMPTS}{overrides}', a_dot_md="one two",
        old__a_dot_md="one two three four five", old__b_dot_md="one two three four five",
    )  # fmt: skip
    found = {(one.path, one.rule): one for one in checking.results_of(path)}
    tokens = {name: one.limit for (name, rule), one in found.items() if rule == "prompt-tokens"}
    assert tokens == {"a.md": 3, "old/a.md": 50, "old/b.md": 2}
    shares = {name: one.limit for (name, rule), one in found.items() if rule == "context-share"}
    assert shares == {"old/a.md": Decimal("0.5"), "old/b.md": Decimal("0.5")}
    assert found["old/b.md", "prompt-tokens"].outcome is Outcome.OVER
    unused = found["kimi-planner.toml", "unused-setting"]
    assert (unused.line, unused.outcome) == (12, Outcome.INVALID)
    assert "no checked file matches the override 'none/*'" in unused.message


def test_excluded_files_are_not_checked(tmp_path):
    """A glob of exclude takes files out again."""
    path = checking.lay_out(
        tmp_path, f'{PROMPTS}exclude = ["draft/**", "*.b.md"]\n', a_dot_md="x", b__c_dot_md="x",
        draft__deep__a_dot_md="x", x_dot_b_dot_md="x",
    )  # fmt: skip
    assert [one.path for one in checking.results_of(path)] == ["a.md", "b/c.md"]


def test_globs_match_the_files_that_they_find(tmp_path):
    """Whether a name matches is what pathlib finds, for every pattern and file."""
    names = ["a.md", "b/a.md", "b/c/a.md", "b/c/.h.md", "b/[x].md", "c/a.txt", "b.md/x"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    patterns = ["*.md", "**/*.md", "b/**/*.md", "b/*/a.md", "**/c/*", "**/?.*", "**/**/a.md",
                "b/[[]x].md", "b/[!a].*", "**/*"]  # fmt: skip
    for pattern in patterns:
        found = {one.relative_to(tmp_path).as_posix() for one in tmp_path.glob(pattern)
                 if one.is_file()}  # fmt: skip
        assert {name for name, _ in find_files(tmp_path, [pattern]).files} == found
        assert {name for name in names if matches(name, [pattern])} == found, pattern


def test_files_outside_the_folder_keep_their_path(tmp_path):
    """A glob that climbs out of the folder names files as they are found."""
    (tmp_path / "in").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    path = checking.lay_out(tmp_path / "in", PROMPTS.replace("**/*.md", "../*.md"))
    assert [one.path for one in checking.results_of(path)] == ["../a.md"]
    assert Path(path.parent, "../a.md").is_file()


def test_a_catalog_file_is_relative_to_the_configuration(tmp_path):
    """The path of a catalog does not depend on where the check is run."""
    text = checking.catalog()
    path = checking.lay_out(
        tmp_path, f'catalog = "own.toml"\nmodel = "m"\n{PROMPTS}', own_dot_toml=text
    )
    assert load_config(path).catalog.version == "own"


def test_the_bound_on_months_is_that_of_projections():
    """It is written a second time, so that prompts alone need no projection."""
    assert calendar.MAX_MONTHS == MAX_MONTHS


def test_the_reference_shows_a_configuration_that_is_read(tmp_path):
    """The example of the documentation loads, also as tables of pyproject.toml; rules are all named."""
    text = (Path(__file__).parents[1] / "docs" / "checks.md").read_text(encoding="utf-8")
    (example,) = re.findall(r'```toml title="kimi-planner.toml"\n(.*?)```', text, re.DOTALL)
    config = load_config(checking.lay_out(tmp_path, example))
    assert [one.kind for one in config.prompts] == [None, "request", "templates"]
    assert config.overrides[0].values == {"max_tokens": 6000}
    project = tmp_path / "pyproject.toml"
    tables = re.sub(r"^(\[+)", r"\1tool.kimi-planner.", example, flags=re.MULTILINE)
    project.write_text(f"[tool.kimi-planner]\n{tables}", encoding="utf-8")
    assert load_config(project).growth == config.growth
    for rule in RULES:
        assert f"`{rule}`" in text


WORKLOAD = '[[workloads]]\npath = "w.toml"\nmodel = "kimi-k2"\n'


@pytest.mark.parametrize(("text", "words"), [
    (PROMPTS + "warn_fraction = 1.5\n", ["line 4", "warn_fraction is 1.5", "up to 1"]),
    (PROMPTS + "warn_fraction = 0\n", ["line 4", "above 0"]),
    (PROMPTS + "max_context_share = 0.5\n", ["max_context_share needs a model"]),
    ('model = "kimi-k2"\n' + PROMPTS + "max_usd_per_call = 1\n", ["line 2", "completion_tokens"]),
    (PROMPTS + "completion_tokens = 0\n", ["line 4", "completion_tokens is 0"]),
    (PROMPTS + "exclude = 3\n", ["line 4", "exclude is 3"]),
    (PROMPTS + "max_usd = 1e999\n", ["line 4", "max_usd is 1E+999", "digits"]),
    (PROMPTS + 'kind = "templates"\nstyle = "perl"\n', ["line 5", "style is 'perl'", "mustache"]),
    (PROMPTS + 'kind = "templates"\nnames = [1]\n', ["line 5", "names is [1]", "agents"]),
    (PROMPTS + 'kind = "text"\nnames = ["*"]\n', ["line 5", "names", "templates"]),
    ("min_coverage = 90\n" + PROMPTS, ["line 1", "min_coverage is 90", "share"]),
    (PROMPTS + 'kind = "templates"\nvariables = { d = { most = 1 } }\n', ["line 5", "'most'"]),
    (PROMPTS + 'kind = "templates"\nvariables = 3\n', ["line 5", "variables is 3"]),
    (WORKLOAD, ["line 1", "no limit", "min_fit_share"]),
    (WORKLOAD + "tier = -1\n", ["line 4", "tier is -1", "from 0"]),
    (WORKLOAD + "min_fit_share = 99\n", ["line 4", "min_fit_share", "share"]),
    ("seed = -1\n" + PROMPTS, ["line 1", "seed is -1"]),
    ("max_growth_percent = 'much'\n" + PROMPTS, ["line 1", "number of percent"]),
    ("ignore_below_usd = -1\n" + PROMPTS, ["line 1", "cannot be negative"]),
    ("[catalog_checks]\n", ["no limit", "max_age_days"]),
    ("[catalog_checks]\nagainst = 'genai-prices'\n", ["line 1", "go together"]),
    ("[catalog_checks]\nmax_age_days = 1.5\n", ["line 2", "max_age_days is 1.5"]),
    ("catalog_checks = 3\n" + PROMPTS, ["line 1", "[catalog_checks]"]),
    (PROMPTS + "[[overrides]]\npaths = ['a']\n", ["line 4", "nothing to override"]),
    (PROMPTS + "[[overrides]]\npaths = ['a']\nmodel = 'm'\n", ["line 6", "'model'"]),
    ("model = 'kimi-k2'\n", ["nothing to check", "[[prompts]]"]),
])  # fmt: skip
def test_a_fault_names_its_line(tmp_path, text, words):
    """Each fault of a file of its own names file, line, key and what is allowed."""
    path = checking.lay_out(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)
