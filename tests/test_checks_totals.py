"""Limits on prompts together, on new ones, and on what they grow by."""

import checking
import pytest

from kimi_planner import count_tokens
from kimi_planner.checks.results import Outcome
from kimi_planner.errors import ConfigError

HEAD = 'catalog = "own.toml"\nmodel = "m"\n'
BUDGET = '[[prompts]]\npaths = ["p/**"]\nmax_tokens = 1000\n'
TOTAL = '[[totals]]\nname = "support"\npaths = ["p/s/*"]\n'
TEXT = "Answer in one short sentence. "


def check(folder, config, **files):
    """Lay out a repository, and return its check."""
    known = {"own_dot_toml": checking.catalog(), "p__s__a_dot_md": TEXT, "p__s__b_dot_md": TEXT * 2}
    return checking.check_of(checking.lay_out(folder, HEAD + config, **{**known, **files}))


def rules(report, *names):
    """Return the results of some rules."""
    return [one for one in report.results if one.rule in names]


@pytest.mark.parametrize(("spare", "outcome"), [(0, Outcome.PASSED), (-1, Outcome.OVER)])
def test_prompts_together_are_held(tmp_path, spare, outcome):
    """Exactly at the limit is within it; a prompt of two budgets counts once, one of no glob not at all."""
    tokens = count_tokens(TEXT) + count_tokens(TEXT * 2)
    config = BUDGET * 2 + TOTAL + f"max_tokens = {tokens + spare}\n"
    (result,) = rules(check(tmp_path, config, p__other_dot_md=TEXT).report(), "total-tokens")
    assert (result.value, result.outcome, result.name, result.line) == (
        tokens,
        outcome,
        "support",
        9,
    )


def test_a_total_without_an_upper_end_is_unknown_or_over(tmp_path):
    """A variable that nobody declares leaves it unknown, unless the rest is over already."""
    config = BUDGET.replace("p/**", "p/s/*.py") + TOTAL + "max_tokens = {}\n"
    code = f'def f(x):\n    return f"""{TEXT * 9}{{x}}"""\n'
    least = count_tokens(TEXT * 9)
    for limit, outcome in (
        (9000, Outcome.UNKNOWN),
        (least, Outcome.UNKNOWN),
        (least - 1, Outcome.OVER),
    ):
        made = check(tmp_path, config.format(limit), p__s__c_dot_py=code)
        (result,) = rules(made.report(), "total-tokens")
        assert result.outcome is outcome
        assert ("no upper end of p/s/c.py" in result.message) == (outcome is Outcome.UNKNOWN)


def test_an_empty_prompt_adds_nothing(tmp_path):
    """The total of others is theirs alone."""
    tokens = count_tokens(TEXT) + count_tokens(TEXT * 2)
    made = check(tmp_path, BUDGET + TOTAL + f"max_tokens = {tokens}\n", p__s__c_dot_md="")
    assert [one.value for one in rules(made.report(), "total-tokens")] == [tokens]


def test_growth_together_counts_what_came_and_went(tmp_path):
    """One prompt goes and a longer one comes: together they grew by the difference."""
    config = BUDGET + TOTAL + "max_growth_tokens = 5\nmax_growth_percent = 400\n"
    old = check(tmp_path, config).moment
    (tmp_path / "p" / "s" / "a.md").unlink()
    path = tmp_path / "p" / "s" / "new.md"
    path.write_text("Something else entirely, with words of its own. " * 3, encoding="utf-8")
    report = checking.check_of(tmp_path / "kimi-planner.toml").report(old)
    tokens, percent = rules(report, "total-growth")
    assert tokens.value == count_tokens(path.read_text(encoding="utf-8")) - count_tokens(TEXT)
    assert (tokens.outcome, percent.outcome) == (Outcome.OVER, Outcome.PASSED)
    assert rules(check(tmp_path, config).report(), "total-growth") == []


def test_a_new_prompt_is_held_to_its_own_limit(tmp_path):
    """What was there may be longer; an override raises it for a path."""
    config = f"max_new_tokens = 10\n{BUDGET}"
    old = check(tmp_path, config).moment
    for more, outcome in (
        ("", Outcome.OVER),
        ('[[overrides]]\npaths = ["p/n.md"]\nmax_new_tokens = 99\n', Outcome.PASSED),
    ):
        report = check(
            tmp_path, config + more, p__n_dot_md="Entirely new words, and many of them too."
        ).report(old)
        (result,) = rules(report, "prompt-growth")
        assert (result.path, result.subject, result.outcome) == ("p/n.md", "new prompt", outcome)


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ('[[totals]]\nname = "x"\npaths = ["p/*"]\n', "no limit"),
        ('[[totals]]\npaths = ["p/*"]\nmax_tokens = 5\n', "name is missing"),
        ('[[totals]]\nname = "x"\nmax_tokens = 5\n', "paths"),
        (TOTAL + "max_token = 5\n", "Did you mean 'max_tokens'"),
    ],
)
def test_a_wrong_total_is_named(tmp_path, total, said):
    """One line, with file and line."""
    with pytest.raises(ConfigError, match=said) as caught:
        check(tmp_path, BUDGET + total)
    assert "kimi-planner.toml line" in str(caught.value)


def test_a_total_of_nothing_does_nothing(tmp_path):
    """A glob that no checked file matches is bad input, though another one does."""
    report = check(
        tmp_path, BUDGET + TOTAL.replace('["p/s/*"]', '["p/s/*", "p/t/*"]') + "max_tokens = 99\n"
    ).report()
    (fault,) = [one for one in report.results if one.outcome is Outcome.INVALID]
    assert (fault.rule, "'p/t/*' of support" in fault.message) == ("unused-setting", True)
