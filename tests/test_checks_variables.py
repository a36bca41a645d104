"""Variables of templates: declared once for all, by pattern, with a typical and a guaranteed size."""

from decimal import Decimal

import checking
import pytest

from kimi_planner import count_tokens
from kimi_planner.checks.baseline_file import baseline_text, read_baseline
from kimi_planner.checks.results import Outcome
from kimi_planner.errors import ConfigError

HEAD = 'catalog = "own.toml"\nmodel = "m"\n'
BUDGET = '[[prompts]]\npaths = ["p/*.py"]\n'
TEXT = "Answer the customer in one short sentence.\n"
CODE = f'def ask(user_id, text):\n    prompt = f"""{TEXT}{{user_id}}\\n{{text}}\\n"""\n'


def check(folder, config, code=CODE):
    """Lay out one prompt with two variables, and return its check."""
    files = {"own_dot_toml": checking.catalog(), "p__a_dot_py": code}
    return checking.check_of(checking.lay_out(folder, HEAD + config, **files))


def test_defaults_by_pattern_are_for_every_budget(tmp_path):
    """The budget's own declaration comes before them, and a number is the most tokens."""
    config = '[variables]\n"*_id" = 12\n"t*" = { max_tokens = 9 }\n' + BUDGET + "max_tokens = 100\n"
    (prompt,) = check(tmp_path, config).prompts
    fixed = count_tokens(TEXT) + 2 * count_tokens("\n")
    assert fixed + 21 <= prompt.tokens <= fixed + 21 + 6
    (own,) = check(tmp_path, config + "variables = { text = 50 }\n").prompts
    assert own.tokens == prompt.tokens - 9 + 50


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[variables]\n"*_id" = 12\ntext = 5\n"*_name" = 3\n{}', "no prompt has the variable '*_name'"),
        ('[variables]\n"*_id" = 12\n"t*" = 5\n"te*" = 3\n{}', "no prompt has the variable 'te*'"),
        ('[variables]\n"*_id" = 12\n{}variables = { "tex*" = 3, txt = 4 }\n', "no prompt has the variable 'txt'. Did you mean 'text'?"),
    ],
)  # fmt: skip
def test_a_declaration_that_does_nothing_is_named(tmp_path, config, said):
    """Also a pattern before which another one matches; the check is bad input."""
    results = check(tmp_path, config.replace("{}", BUDGET + "max_tokens = 100\n")).report().results
    (fault,) = [one for one in results if one.outcome is Outcome.INVALID]
    assert fault.rule == "unused-setting"
    assert said in fault.message


@pytest.mark.parametrize("value", ['"12"', "-1", "true", "{ tokens = 3 }", "[3]"])
def test_a_wrong_default_is_named_with_its_line(tmp_path, value):
    """As a wrong declaration of a budget is."""
    with pytest.raises(ConfigError, match=r"kimi-planner.toml line 3: variable .text."):
        check(tmp_path, f"[variables]\ntext = {value}\n{BUDGET}max_tokens = 100\n")


def test_the_limit_holds_on_the_guaranteed_and_money_on_the_typical_size(tmp_path):
    """A document of 500 tokens, up to 5,000: 5,000 must fit, and 500 are paid for."""
    declared = "[variables]\nuser_id = 1\ntext = { typical_tokens = 500, max_tokens = 5000 }\n"
    found = check(tmp_path, f"{declared}{BUDGET}max_tokens = 3000\nmax_usd = 0.01\n")
    tokens, cost = found.results()
    assert (tokens.rule, tokens.outcome, cost.rule) == (
        "prompt-tokens",
        Outcome.OVER,
        "prompt-cost",
    )
    typical = count_tokens(TEXT) + 2 * count_tokens("\n") + 501
    assert (cost.value, cost.outcome) == (Decimal(2) * typical / 1_000_000, Outcome.PASSED)
    assert f"a call of {typical} typical tokens on m" in cost.message
    path = tmp_path / "kept.json"
    path.write_text(baseline_text(found.moment), encoding="utf-8")
    (entry,) = read_baseline(path).prompts
    assert entry == found.moment.prompts[0]
    assert (entry.typical_tokens, entry.cost_usd) == (typical, cost.value)
    assert 5000 < entry.tokens < 5020


def test_what_a_prompt_usually_costs_is_compared(tmp_path):
    """A larger typical size is dearer; the causes add up to the change of what is paid."""
    config = f"[variables]\nuser_id = 1\ntext = {{ typical_tokens = 500, max_tokens = 5000 }}\n{BUDGET}max_tokens = 9000\n"
    old = check(tmp_path, config).moment
    report = check(tmp_path, config.replace("500,", "700,")).report(old)
    (change,) = report.comparison.prompts
    assert change.tokens == 0
    assert change.usd == Decimal(2) * 200 / 1_000_000
    assert change.causes["tokens"] == change.usd


def test_an_undeclared_variable_leaves_its_template_in_the_baseline(tmp_path):
    """By its fixed text, so that its growth is seen; the check still cannot tell the whole."""
    config = f"max_growth_percent = 10\n{BUDGET}max_tokens = 100\n"
    found = check(tmp_path, config)
    old = found.moment
    fixed = count_tokens(TEXT + "\n\n")
    assert [(one.kind, one.tokens) for one in old.prompts] == [("fixed", fixed)]
    assert [one.outcome for one in found.results()] == [Outcome.UNKNOWN]
    report = check(tmp_path, config, CODE.replace(TEXT, TEXT * 2)).report(old)
    assert [one.rule for one in report.results if one.outcome is Outcome.OVER] == ["prompt-growth"]
