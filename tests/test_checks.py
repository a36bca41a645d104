"""Budgets in CI: results, outcomes and exit codes."""

import json
from datetime import date
from decimal import Decimal

import checking
import pytest

from kimi_planner import count_messages, count_tokens, load_catalog
from kimi_planner.checks.config import load_config
from kimi_planner.checks.results import Outcome, ordered, worst
from kimi_planner.checks.run import Check
from kimi_planner.errors import (
    CatalogError,
    ConfigError,
    UnknownModelError,
)

AS_OF = date(2026, 10, 31)
WORKLOADS = """
[[workload]]
name = "first"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
[[workload]]
name = "second"
requests_per_day = 1000
prompt_tokens = 2000
completion_tokens = 500
"""


@pytest.fixture
def project(tmp_path):
    """Lay out two prompts, a request body and a workload file; return what writes their budgets."""
    (tmp_path / "prompts" / "deep").mkdir(parents=True)
    (tmp_path / "prompts" / "short.md").write_text("Be brief.", encoding="utf-8")
    (tmp_path / "prompts" / "deep" / "long.md").write_text("word " * 500, encoding="utf-8")
    body = {
        "model": "kimi-k2-5",
        "messages": [{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}],
    }
    (tmp_path / "body.json").write_text(json.dumps(body), encoding="utf-8")
    (tmp_path / "workloads.toml").write_text(WORKLOADS, encoding="utf-8")

    def write(budgets, head='model = "kimi-k2"'):
        path = tmp_path / "pyproject.toml"
        path.write_text(f"[tool.kimi-planner]\n{head}\n{budgets}", encoding="utf-8")
        return path

    return write


def results_of(path):
    return list(Check(load_config(path), AS_OF).results())


def test_prompts_are_found_by_glob_and_counted(project):
    """Each file that matches has its exact tokens held against the limit."""
    path = project('[[tool.kimi-planner.prompts]]\npaths = ["prompts/**/*.md"]\nmax_tokens = 100\n')
    found = {one.path: one for one in results_of(path)}
    assert set(found) == {"prompts/short.md", "prompts/deep/long.md"}
    long = found["prompts/deep/long.md"]
    assert long.value == count_tokens("word " * 500)
    assert (long.outcome, found["prompts/short.md"].outcome) == (Outcome.OVER, Outcome.PASSED)
    assert long.message == f"{long.value} tokens, limit 100, {float(long.value) / 100 - 1:.1%} over"


@pytest.mark.parametrize(("most", "said"), [("0.0041", "0.41%"), ("0.5", "50%"), ("1", "100%")])
def test_a_share_of_the_window_is_said_in_percent(project, most, said):
    """That which is taken, and that which may be: 501 and 26 of output are 527 of 128,000."""
    path = project(
        '[[tool.kimi-planner.prompts]]\npaths = ["prompts/deep/*.md"]\nmax_tokens = 999\n'
        f"completion_tokens = 26\nmax_context_share = {most}\n"
    )
    (one,) = [one for one in results_of(path) if one.rule == "context-share"]
    taken = "501 tokens and 26 of output are 0.41% of the 128,000 of kimi-k2"
    assert one.value == Decimal(527) / 128_000
    assert one.message == f"{taken}, limit {said}" + ", 0.4% over" * (one.outcome is Outcome.OVER)


def test_prompt_cost_is_exact(project):
    """The cost of a prompt is its tokens at the input price; at the limit it passes."""
    tokens = count_tokens("word " * 500)
    price = Decimal("1.20") * tokens / 1_000_000
    budget = '[[tool.kimi-planner.prompts]]\npaths = "prompts/deep/*.md"\nmax_usd = {}\n'
    (at,) = results_of(project(budget.format(price)))
    (below,) = results_of(project(budget.format(price - Decimal("1e-9"))))
    assert (at.value, at.outcome, below.outcome) == (price, Outcome.PASSED, Outcome.OVER)


def test_request_bodies_are_counted_as_billed(project):
    """A request body counts with its template: the published bill of 19 tokens."""
    path = project(
        '[[tool.kimi-planner.prompts]]\npaths = ["body.json"]\nkind = "request"\nmax_tokens = 18\n'
    )
    (one,) = results_of(path)
    assert (one.value, one.outcome) == (19, Outcome.OVER)


def test_a_body_without_a_configured_model_uses_its_own(project):
    """Without a model in the configuration the request's own model decides the template."""
    path = project(
        '[[tool.kimi-planner.prompts]]\npaths = ["body.json"]\nkind = "request"\nmax_tokens = 19\n',
        head="",
    )
    (one,) = results_of(path)
    messages = [{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}]
    assert one.value == count_messages(messages, model="kimi-k2-5")


@pytest.mark.parametrize(("head", "named", "model"), [
    ('model = "kimi-k2"', "", "kimi-k2-5"),
    ("", "", "kimi-k2-5"),
    ('model = "kimi-k2"', 'model = "kimi-k2-5-thinking"', "kimi-k2-5-thinking"),
])  # fmt: skip
def test_a_body_is_priced_on_the_model_it_is_sent_to(project, head, named, model):
    """The budget's model comes before the body's, and the body's before the default."""
    budget = '[[tool.kimi-planner.prompts]]\npaths = "body.json"\nkind = "request"\n'
    (one,) = results_of(project(f"{budget}{named}\nmax_usd = 1\n", head=head))
    messages = [{"role": "user", "content": "你好，我叫李雷，1+1等于多少？"}]
    price = load_catalog().model(model).input_usd_per_mtok
    assert one.value == price * count_messages(messages, model=model) / 1_000_000
    assert one.message.endswith(f"a call on {model}, limit 1")


def test_a_body_without_any_model_is_bad_input(project, tmp_path):
    """Neither budget, body nor default name a model: the file and the budget are named."""
    (tmp_path / "body.json").write_text('{"messages": []}', encoding="utf-8")
    budget = '[[tool.kimi-planner.prompts]]\npaths = "body.json"\nkind = "request"\nmax_usd = 1\n'
    (one,) = results_of(project(budget, head=""))
    assert (one.rule, one.path, one.outcome) == ("bad-input", "body.json", Outcome.INVALID)
    assert one.message.startswith("no model. ")
    assert "line 3" in one.message


@pytest.mark.parametrize(("name", "limit", "outcome"), [
    ('name = "first"', "130.20", Outcome.PASSED),
    ('name = "first"', "130.19", Outcome.OVER),
    ("", "260.40", Outcome.PASSED),
    ("", "260.39", Outcome.OVER),
])  # fmt: skip
def test_workload_budgets_hold_for_the_dearest_month(project, name, limit, outcome):
    """31 days x 1,000 calls x 0.0042 USD is 130.20; exactly at the budget is not over it."""
    budget = f'[[tool.kimi-planner.workloads]]\npath = "workloads.toml"\n{name}\n'
    (one,) = results_of(project(f"{budget}max_usd_per_month = {limit}\nmonths = 2\n"))
    assert one.outcome is outcome
    assert "in 2026-12" in one.message


def test_nothing_checked_is_not_a_pass(project):
    """A glob that matches nothing is unknown, with its place in the file."""
    path = project('[[tool.kimi-planner.prompts]]\npaths = ["no/*.md"]\nmax_tokens = 5\n')
    (one,) = results_of(path)
    assert (one.outcome, one.value) == (Outcome.UNKNOWN, None)
    assert (one.path, one.line) == (path.name, 3)
    assert one.message.startswith("no file matches 'no/*.md'")
    assert worst([]) is Outcome.UNKNOWN


@pytest.mark.parametrize(("limits", "code"), [((10**6,), 0), ((100,), 1), ((100, 10**6), 1)])
def test_exit_code_is_the_worst_outcome(project, invoke, limits, code):
    """0 if all pass, 1 if one is over; the worst is printed first."""
    budgets = "".join(
        f'[[tool.kimi-planner.prompts]]\npaths = ["prompts/**/*.md"]\nmax_tokens = {limit}\n'
        for limit in limits
    )
    exit_code, out, _ = invoke("check", "--config", project(budgets))
    lines = out.splitlines()
    assert exit_code == code
    assert lines[0].split()[0] == ("OVER" if code else "PASSED")
    assert lines[-1] == f"{2 * len(limits)} checks, {code} not passed"


def test_unknown_gives_three(project, invoke):
    """What cannot be told is never a pass: exit code 3, also beside a breach."""
    budgets = "".join(
        f'[[tool.kimi-planner.prompts]]\npaths = ["{glob}"]\nmax_tokens = 100\n'
        for glob in ("no/*.md", "prompts/**/*.md")
    )
    code, out, _ = invoke("check", "--config", project(budgets), "--format", "json")
    found = json.loads(out)
    assert code == 3
    assert [one["outcome"] for one in found["results"]] == ["unknown", "over", "passed"]


PROMPTS = '[[tool.kimi-planner.prompts]]\npaths = ["p.md"]\n'
SPEND = '[[tool.kimi-planner.workloads]]\npath = "w.toml"\nmax_usd_per_month = 9\n'


@pytest.mark.parametrize(("head", "budgets", "words"), [
    ("modle = 'kimi-k2'", PROMPTS, ["line 2", "'modle'", "Did you mean 'model'"]),
    ("model = 3", PROMPTS, ["line 2", "model is 3", "text"]),
    ("", "", ["nothing to check"]),
    ("", PROMPTS, ["line 3", "no limit"]),
    ("", PROMPTS + "max_tokens = 0\n", ["line 5", "max_tokens is 0", "from 1"]),
    ("", PROMPTS + "max_usd = 1\n", ["line 3", "max_usd needs a model"]),
    ("model='kimi-k2'", PROMPTS + "max_usd = nan\n", ["line 5", "max_usd", "amount in USD"]),
    ("model='kimi-k2'", PROMPTS + "max_usd = -1\n", ["line 5", "cannot be negative"]),
    ("", PROMPTS + "max_tokens = 5\nkind = 'picture'\n", ["line 6", "'picture'", "request"]),
    ("", "[[tool.kimi-planner.prompts]]\nmax_tokens = 5\n", ["line 3", "paths is missing"]),
    ("", "[[tool.kimi-planner.prompts]]\npaths = ['/etc/x']\n", ["line 4", "relative"]),
    ("", PROMPTS.replace("p.md", "p/**.md"), ["line 4", "paths is ['p/**.md']", "**"]),
    ("", PROMPTS.replace("p.md", "."), ["line 4", "paths is ['.']"]),
    ("prompts = 3", "", ["line 2", "prompts is 3", "[[tool.kimi-planner.prompts]]"]),
    ("", SPEND, ["line 3", "model is missing"]),
    ("model='kimi-k2'", SPEND + "percentile = 101\n", ["line 6", "percentile", "0 to 100"]),
    ("model='kimi-k2'", SPEND + "percentile = nan\n", ["line 6", "percentile is", "0 to 100"]),
    ("model='kimi-k2'", SPEND + "months = 500\n", ["line 6", "months is 500", "1 to 120"]),
    ("model='kimi-k2'", SPEND + "months = 1.5\n", ["line 6", "months", "whole number"]),
    ("model='kimi-k2'", SPEND.replace("path", "paths"), ["line 4", "'paths'", "'path'"]),
])  # fmt: skip
def test_a_bad_configuration_names_its_line(project, head, budgets, words):
    """Each fault of the configuration names file, line, key and what is allowed."""
    path = project(budgets, head=head)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)


def test_unknown_names_in_the_configuration(project, tmp_path):
    """An unknown catalog, model or workload is an error, not a pass."""
    with pytest.raises(CatalogError, match="'2020-01'"):
        load_config(project(PROMPTS + "max_tokens = 5\n", head="catalog = '2020-01'"))
    with pytest.raises(UnknownModelError, match=r"line 3: Unknown model 'k9'"):
        load_config(project(PROMPTS + "max_tokens = 5\n", head="model = 'k9'"))
    with pytest.raises(ConfigError, match="no table"):
        load_config(tmp_path / "workloads.toml")
    named = SPEND.replace("w.toml", "workloads.toml") + 'name = "third"\n'
    with pytest.raises(ConfigError, match="no workload named 'third'"):
        results_of(project(named))


def test_results_come_worst_first():
    """By outcome, then by how much of the limit is used; of fit the least comes first; else by place."""
    expected = [
        checking.over("i.md", outcome=Outcome.INVALID, value=None),
        checking.over("u.md", outcome=Outcome.UNKNOWN, value=None),
        checking.over("nothing allowed.md", limit=Decimal(0), value=Decimal(1)),
        checking.over("much.md", by=100),
        checking.over("b.md", by=50),
        checking.over("little fits.toml", rule="workload-fit", value=Decimal("0.3"), limit=Decimal("0.5")),
        checking.over("more fits.toml", rule="workload-fit", value=Decimal("0.45"), limit=Decimal("0.5")),
        checking.over("c.md", by=1),
        checking.over("w.md", by=-5, outcome=Outcome.WARNING),
        checking.over("a.md", by=-50, outcome=Outcome.PASSED),
        checking.over("p1.md", outcome=Outcome.PASSED, value=Decimal(0), limit=Decimal(0)),
        checking.over("p2.md", outcome=Outcome.PASSED, value=Decimal(0)),
        checking.over("p3.md", outcome=Outcome.PASSED, value=None),
    ]  # fmt: skip
    assert ordered(expected[::-1]) == expected
