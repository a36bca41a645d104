"""Limits of prompts: cost of a call, share of the window, warnings, and prompts inside code."""

import json
from datetime import date
from decimal import Decimal

import checking
import pytest

from kimi_planner import count_messages, count_tokens, estimate
from kimi_planner.checks.config import load_config
from kimi_planner.checks.results import Outcome
from kimi_planner.checks.run import Check
from kimi_planner.errors import ConfigError

OWN = checking.catalog()
HEAD = 'catalog = "own.toml"\nmodel = "m"\n'
TEXT = "one two three four five six seven eight nine ten"


def checked(tmp_path, limits, head=HEAD, kind="text", **files):
    config = f'{head}[[prompts]]\npaths = ["p/*"]\nkind = "{kind}"\n{limits}\n'
    return checking.results_of(
        checking.lay_out(tmp_path, config, own_dot_toml=OWN, **(files or {"p__a_dot_md": TEXT}))
    )


def test_a_call_costs_its_prompt_and_the_output_it_reserves(tmp_path):
    """At the limit it passes; a last digit below it is over."""
    price = (Decimal("2.00") * count_tokens(TEXT) + Decimal("8.00") * 300) / 1_000_000
    limits = "completion_tokens = 300\nmax_usd_per_call = {}"
    (at,) = checked(tmp_path, limits.format(price))
    (below,) = checked(tmp_path, limits.format(price - Decimal("1e-12")))
    assert (at.value, at.outcome, below.outcome) == (price, Outcome.PASSED, Outcome.OVER)
    assert at.message == f"{price:f} USD a call with 300 tokens of output on m, limit {price:f}"


def test_the_share_of_the_window_counts_reserved_output(tmp_path):
    """Ten tokens and 90 of output are a tenth of a window of 1,000."""
    assert count_tokens(TEXT) == 10
    (at,) = checked(tmp_path, "completion_tokens = 90\nmax_context_share = 0.1")
    (over,) = checked(tmp_path, "completion_tokens = 91\nmax_context_share = 0.1")
    assert (at.value, at.outcome, over.outcome) == (Decimal("0.1"), Outcome.PASSED, Outcome.OVER)


@pytest.mark.parametrize(("limit", "fraction", "outcome"), [
    (11, "0.9", Outcome.WARNING),
    (11, "0.91", Outcome.PASSED),
    (10, "0.5", Outcome.WARNING),
    (9, "0.5", Outcome.OVER),
    (20, "0.5", Outcome.PASSED),
])  # fmt: skip
def test_a_warning_is_above_the_fraction_and_passes(tmp_path, limit, fraction, outcome):
    """Ten tokens are a warning above the fraction of the limit, and exit code 0."""
    (one,) = checked(tmp_path, f"max_tokens = {limit}\nwarn_fraction = {fraction}")
    assert one.outcome is outcome
    assert Outcome.WARNING.exit_code == 0
    assert Outcome.WARNING.passes


def test_a_body_reserves_what_it_says(tmp_path):
    """A body's own limit is the reserved output; without one the cost of a call is unknown."""
    body = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
    limits = "max_usd_per_call = 1\nmax_context_share = 1"
    found = {}
    for name, more in (("a", {"max_completion_tokens": 50, "max_tokens": 70}), ("b", {})):
        config = f'{HEAD}[[prompts]]\npaths = ["{name}.json"]\nkind = "request"\n{limits}\n'
        found[name] = checking.results_of(
            checking.lay_out(
                tmp_path, config, own_dot_toml=OWN, **{f"{name}_dot_json": json.dumps(body | more)}
            )
        )
    prompt = count_tokens(TEXT) + 7
    assert found["a"][0].value == (2 * prompt + 8 * Decimal(50)) / 1_000_000
    assert found["a"][1].value == Decimal(prompt + 50) / 1000
    assert [one.outcome for one in found["b"]] == [Outcome.UNKNOWN, Outcome.PASSED]


def test_a_body_whose_count_has_a_range_is_held_by_its_upper_end(tmp_path):
    """An image whose pixels are not known has a range."""
    url = "https://example.org/cat.png"
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    body = {"model": "kimi-k2-5", "messages": [{"role": "user", "content": content}]}
    found = estimate(body)
    assert found.prompt_low < found.prompt_high
    (one,) = checked(tmp_path, "max_tokens = 9", "", kind="request", p__a_dot_json=json.dumps(body))
    assert one.value == found.prompt_high
    assert one.message.startswith(f"{found.prompt_low:,} to {found.prompt_high:,} tokens, limit 9")


def test_the_day_of_a_check_picks_the_rules_of_a_body(tmp_path):
    """Tools of K2 were JSON in September 2025 and TypeScript by April 2026."""
    tool = {"type": "function", "function": {"name": "ping", "parameters": {"type": "object"}}}
    messages = [{"role": "user", "content": "Hi."}]
    body = {"model": "kimi-k2-0905-preview", "messages": messages, "tools": [tool, tool]}
    config = '[tool.kimi-planner]\ncatalog = "2026-11-public-2"\n[[tool.kimi-planner.prompts]]\n'
    config += 'paths = ["a.json"]\nkind = "request"\nmax_tokens = 9\n'
    (tmp_path / "pyproject.toml").write_text(config, "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(body), "utf-8")
    loaded = load_config(tmp_path / "pyproject.toml")
    days = date(2025, 9, 26), date(2026, 5, 1)
    values = [next(Check(loaded, day).results()).value for day in days]
    assert values == [
        count_messages(messages, body["model"], body["tools"], day, catalog="2026-11-public-2")
        for day in days
    ]
    assert values[0] > values[1]


def test_a_body_with_a_wrong_limit_is_bad_input(tmp_path):
    """It names the file and the value."""
    body = {"model": "m", "messages": [], "max_tokens": -1}
    (one,) = checked(tmp_path, "max_tokens = 1", kind="request", p__a_dot_json=json.dumps(body))
    assert (one.path, one.outcome) == ("p/a.json", Outcome.INVALID)
    assert one.message == "max_tokens is -1. It must be a whole number from 1."


def test_what_has_no_price_or_window_is_unknown(tmp_path):
    """A catalog that states neither gives no pass."""
    text = checking.catalog(input_usd_per_mtok=None, context_window_tokens=None)
    config = f'{HEAD}[[prompts]]\npaths = ["p/*"]\nmax_usd = 9\nmax_context_share = 1\n'
    path = checking.lay_out(tmp_path, config, own_dot_toml=text, p__a_dot_md=TEXT)
    cost, share = checking.results_of(path)
    assert (cost.outcome, share.outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    assert "no input price" in cost.message
    assert "no context window" in share.message


def test_all_files_are_counted_as_each_of_them(tmp_path):
    """Texts are counted together, and each has the count that it has alone."""
    files = {f"p__{number}_dot_md": f"{TEXT} {number} 你好" * number for number in range(20)}
    found = {one.path: one.value for one in checked(tmp_path, "max_tokens = 9", **files)}
    assert found == {
        f"p/{number}.md": count_tokens(files[f"p__{number}_dot_md"]) for number in range(20)
    }


CODE = """
SYSTEM_PROMPT = "one two three four"


def ask(document):
    user_prompt = f"one two {document} three"
    return user_prompt
"""


def test_prompts_in_code_are_held_at_their_line_by_their_upper_end(tmp_path):
    """A variable's declared upper end counts; one without it is unknown, and surely over is over."""
    files = {"p__a_dot_py": CODE}
    limits = "max_tokens = 100\nvariables = {{ document = {{ {} }} }}"
    first, second = checked(
        tmp_path, limits.format('values = ["x", "x x"]'), kind="templates", **files
    )
    assert (first.name, first.line, first.value) == ("SYSTEM_PROMPT", 2, 4)
    assert second.line == 6
    assert second.value == max(count_tokens(f"one two {text} three") for text in ("x", "x x"))
    (_, unbound) = checked(tmp_path, "max_tokens = 100", kind="templates", **files)
    assert unbound.outcome is Outcome.UNKNOWN
    assert "no upper end declared for document" in unbound.message
    (_, surely) = checked(tmp_path, "max_tokens = 1", kind="templates", **files)
    assert (surely.outcome, surely.line) == (Outcome.OVER, 6)


def test_a_prompt_in_yaml_is_held_at_its_line(tmp_path):
    """The line is that of the text under its key, and names can be chosen."""
    pytest.importorskip("yaml")
    text = "version: 1\nagents:\n  first:\n    system_prompt: one two three\n  second:\n    user_prompt: one\n"
    found = checked(tmp_path, "max_tokens = 2", kind="templates", p__a_dot_yaml=text)
    assert [(one.line, one.value, one.outcome) for one in found] == [
        (4, 3, Outcome.OVER),
        (6, 1, Outcome.PASSED),
    ]
    (one,) = checked(
        tmp_path, 'max_tokens = 2\nnames = ["*second*"]', kind="templates", p__a_dot_yaml=text
    )
    assert one.line == 6


def test_code_without_a_prompt_is_not_a_pass(tmp_path):
    """Nothing was found in it, so nothing was checked."""
    (one,) = checked(tmp_path, "max_tokens = 9", kind="templates", p__a_dot_py="x = 1\n")
    assert one.outcome is Outcome.UNKNOWN
    assert "no file matches in which a prompt is found" in one.message


def test_the_fixed_text_alone_may_be_held(tmp_path):
    """Without a declared variable a prompt then passes, is over and is in the baseline all the same."""
    text = 'def f(x):\n    a_prompt = f"one two three {x}"\n    return a_prompt\n'
    for most, outcome in ((3, Outcome.OVER), (9, Outcome.PASSED)):
        limits = f'max_tokens = {most}\nhold = "fixed"'
        (one,) = checked(tmp_path, limits, kind="templates", p__a_dot_py=text)
        assert (one.outcome, one.value) == (outcome, count_tokens("one two three "))
        assert f"{one.value} fixed tokens" in one.message
    check = checking.check_of(tmp_path / "kimi-planner.toml")
    assert [one.tokens for one in check.moment.prompts] == [count_tokens("one two three ")]
    with pytest.raises(ConfigError, match="variables count for nothing"):
        checked(
            tmp_path,
            f"{limits}\nvariables = {{ x = {{ max_bytes = 1 }} }}",
            kind="templates",
            p__a_dot_py=text,
        )
