"""What a changed prompt adds to a month: by its workload, or by its calls, in every form."""

import json
import sys
from dataclasses import replace
from decimal import Decimal
from shutil import which
from xml.etree import ElementTree as ET

import checking
import numpy as np
import pytest
from checking import git

from kimi_planner import count_tokens, load_workloads, project
from kimi_planner.checks.base import bases
from kimi_planner.checks.formats.render import render
from kimi_planner.checks.results import Outcome
from kimi_planner.checks.run import Check
from kimi_planner.checks.together import together
from kimi_planner.errors import ConfigError
from kimi_planner.workload.quantity import Constant

HEAD = 'catalog = "own.toml"\nmodel = "m"\n'
CALLS = '[[prompts]]\npaths = ["p/*"]\nmax_tokens = 9000\ncalls_per_month = {}\n'
NAMED = '[[prompts]]\npaths = ["p/*"]\nmax_tokens = 9000\nworkload = "chat"\n'
SPEND = '[[workloads]]\npath = "w.toml"\nmax_usd_per_month = {}\n'
SHORT = "Answer in one short sentence."
LONG = SHORT + " Never tell a secret, whoever asks for it."
ADDED = count_tokens(LONG) - count_tokens(SHORT)
RANGED = """
[[workload]]
name = "chat"
conversations_per_day = { p10 = 800, p50 = 1000, p90 = 1400 }
prompt_tokens = { p50 = 200, p90 = 300 }
completion_tokens = 50
turns = 3
followup_tokens = 40
cached_share = 0.5
retry_share = 0.1
growth_per_month = 0.02
"""


def check(folder, config, **files):
    """Lay out a repository with one prompt, and return its check."""
    known = {"own_dot_toml": checking.catalog(context_window_tokens="100000"), "p__a_dot_md": SHORT}
    return checking.check_of(checking.lay_out(folder, HEAD + config, **{**known, **files}))


def changed(folder, config, old=SHORT, new=LONG, **files):
    """Return the report of a prompt that changed."""
    before = check(folder, config, p__a_dot_md=old, **files).moment
    return check(folder, config, p__a_dot_md=new, **files).report(before)


def test_calls_a_month_are_the_bill_of_their_added_tokens(tmp_path):
    """Plain numbers: calls times the tokens that were added times their price, without a range."""
    report = changed(tmp_path, CALLS.format(30_000))
    month = report.comparison.month
    assert month.usd == Decimal(30_000) * ADDED * 2 / 1_000_000
    assert month.new_usd == Decimal(30_000) * count_tokens(LONG) * 2 / 1_000_000
    assert (month.p10_usd, month.causes) == (None, {"tokens": month.usd})
    assert "range not given" in render(report, "text")


def test_a_cache_serves_its_share_of_the_added_tokens(tmp_path):
    """Half of them at the price of cached ones."""
    report = changed(tmp_path, CALLS.format(30_000) + "cached_share = 0.5\n")
    assert report.comparison.month.usd == Decimal(30_000) * ADDED * Decimal("1.25") / 1_000_000


def test_an_uncertain_number_of_calls_is_a_range(tmp_path):
    """Its percentiles are those of the calls, which one factor turns into USD."""
    report = changed(tmp_path, CALLS.format("{ p10 = 20000, p50 = 30000, p90 = 45000 }"))
    month = report.comparison.month
    factor = ADDED * 2 / 1_000_000
    assert float(month.p10_usd) == pytest.approx(20_000 * factor, rel=0.02)
    assert float(month.p90_usd) == pytest.approx(45_000 * factor, rel=0.02)
    assert f"(P10 {month.p10_usd:.2f}, P90 {month.p90_usd:.2f})" in render(report, "text")


def test_a_workload_with_that_much_longer_prompts_is_what_its_change_costs(tmp_path):
    """Turns, retries, growth and cache as the plan has them: the difference of two plans, path by path."""
    report = changed(tmp_path, NAMED + SPEND.format("1e9"), w_dot_toml=RANGED)
    (workload,) = load_workloads(tmp_path / "w.toml")
    plain = replace(workload, prompt_tokens=Constant(Decimal(300)))
    longer = replace(plain, prompt_tokens=Constant(Decimal(300 + ADDED)))
    catalog = tmp_path / "own.toml"
    sides = [
        project([one], 12, None, "m", checking.AS_OF, catalog=catalog).of("m")
        for one in (plain, longer)
    ]
    difference = (sides[1].usd - sides[0].usd).sum(axis=0) / 12
    month = report.comparison.month
    assert float(month.usd) == pytest.approx(difference.mean(), rel=1e-3)
    for q, end in ((0.1, month.p10_usd), (0.9, month.p90_usd)):
        assert float(end) == pytest.approx(np.quantile(difference, q), rel=2e-3)


def test_several_prompts_add_up_and_say_why(tmp_path):
    """One grew, one is new, one is gone: the parts of the total are theirs, to the last digit."""
    config = CALLS.format(10_000)
    old = check(tmp_path, config, p__gone_dot_md="x y z").moment
    (tmp_path / "p" / "gone.md").unlink()
    report = check(
        tmp_path, config, p__a_dot_md=LONG, p__new_dot_md="one two three four five"
    ).report(old)
    usd = Decimal(10_000) * 2 / 1_000_000
    gone, new = (count_tokens(text) for text in ("x y z", "one two three four five"))
    month = report.comparison.month
    assert month.causes == {"tokens": ADDED * usd, "new": new * usd, "gone": -gone * usd}
    assert month.usd == sum(month.causes.values())
    by_prompt = {one.entry.path: one.month.usd for one in report.comparison.prompts}
    assert by_prompt == {"p/a.md": ADDED * usd, "p/new.md": new * usd, "p/gone.md": -gone * usd}
    assert "tokens +" in render(report, "markdown")
    assert "all prompts that changed" in render(report, "markdown")


@pytest.mark.parametrize(("limit", "outcome"), [("0.5", Outcome.OVER), ("999", Outcome.PASSED)])
def test_a_month_is_held_against_what_may_be_added(tmp_path, limit, outcome):
    """Of the prompt at its place, and of all together."""
    report = changed(tmp_path, f"max_growth_usd_per_month = {limit}\n{CALLS.format(90_000)}")
    found = {one.rule: one for one in report.results if one.rule.endswith("growth")}
    assert {rule: one.outcome for rule, one in found.items()} == {
        "prompt-growth": outcome, "month-growth": outcome,
    }  # fmt: skip
    assert found["prompt-growth"].path == "p/a.md"
    assert found["month-growth"].value == Decimal(90_000) * ADDED * 2 / 1_000_000


def test_a_workload_is_held_with_its_changed_prompts(tmp_path):
    """Within its budget as its file has it, and over it with what the prompt adds."""
    files = {"w_dot_toml": checking.workloads(prompt=200).replace("500", "50")}
    usd = (
        Decimal(1000) * 31 * (100 * Decimal(2) + 100 * Decimal("0.5") + 50 * Decimal(8)) / 1_000_000
    )
    report = changed(tmp_path, NAMED + SPEND.format(usd), **files)
    spends = [one for one in report.results if one.rule == "workload-spend"]
    assert [one.outcome for one in spends] == [Outcome.PASSED, Outcome.OVER]
    assert spends[1].value == usd + Decimal(1000) * 31 * ADDED * Decimal("1.25") / 1_000_000
    assert "with the changed prompts" in spends[1].message
    after = check(tmp_path, NAMED + SPEND.format(usd), p__a_dot_md=LONG, **files)
    old = replace(
        after.moment,
        prompts=tuple(
            replace(one, model="n", tokens=count_tokens(SHORT)) for one in after.moment.prompts
        ),
    )
    moved = [one for one in after.report(old).results if one.rule == "workload-spend"]
    assert moved[1].value == spends[1].value  # the other model's prompt was in its calls too
    gone = replace(after.moment.prompts[0], path="p/gone.md", model="n")
    besides = replace(old, prompts=(*old.prompts, gone))
    same = [one for one in after.report(besides).results if one.rule == "workload-spend"]
    assert same[1].value == spends[1].value  # what another model was sent, and is no more, was not
    untouched = changed(tmp_path, NAMED + SPEND.format(usd), new=SHORT, **files)
    assert [one.rule for one in untouched.results].count("workload-spend") == 1
    assert untouched.comparison.month is None


def test_a_budget_of_another_workload_of_the_file_is_not_held_with_the_prompts(tmp_path):
    """Only the workload whose calls send them costs more."""
    one = checking.workloads()
    files = {"w_dot_toml": one + one.replace('"chat"', '"other"')}
    named = SPEND.format("1e9") + 'name = "{}"\n'
    report = changed(tmp_path, NAMED + named.format("chat") + named.format("other"), **files)
    spends = [one.name for one in report.results if one.rule == "workload-spend"]
    assert spends == ["chat", "other", "chat"]


def test_a_new_prompt_may_add_as_much_to_a_month_as_a_longer_one(tmp_path):
    """Calls times its tokens times their price, with its own words."""
    config = f"max_growth_usd_per_month = 0.01\n{CALLS.format(10_000)}"
    old = check(tmp_path, config).moment
    report = check(tmp_path, config, p__new_dot_md="one two three four five").report(old)
    (one,) = [one for one in report.results if one.rule == "prompt-growth"]
    assert (one.outcome, one.value) == (Outcome.OVER, Decimal(10_000) * 5 * 2 / 1_000_000)
    assert one.message == "new, +0.10 USD a month (range not given), limit +0.01 USD a month"


@pytest.mark.skipif(which("git") is None, reason="Git is not installed")
def test_a_commit_has_its_own_traffic_and_prices(tmp_path):
    """Twice the calls at another price, and longer: each is a part, and they add up exactly."""
    git(tmp_path, "init", "--quiet")
    check(tmp_path, CALLS.format(10_000))
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "x")
    now = check(
        tmp_path, CALLS.format(20_000), p__a_dot_md=LONG,
        own_dot_toml=checking.catalog(input_usd_per_mtok='"3.00"'),
    )  # fmt: skip
    (base,) = bases("HEAD", [now.config], checking.AS_OF)
    month = now.report(base.moment).comparison.month
    assert month.old_usd == Decimal(10_000) * count_tokens(SHORT) * 2 / 1_000_000
    assert month.new_usd == Decimal(20_000) * count_tokens(LONG) * 3 / 1_000_000
    assert set(month.causes) == {"traffic", "tokens", "price"}
    assert sum(month.causes.values()) == month.usd == month.new_usd - month.old_usd


def test_every_form_carries_the_month(tmp_path):
    """Text, annotations, Markdown, JSON, SARIF and JUnit."""
    report = changed(tmp_path, CALLS.format("{ p10 = 2e6, p50 = 3e6, p90 = 4.5e6 }"))
    month = report.comparison.month
    line = f"+{month.usd:,.2f} USD a month (P10 {month.p10_usd:,.2f}, P90 {month.p90_usd:,.2f})"
    assert f"This change: {line}: tokens +{month.usd:,.2f}" in render(report, "text")
    assert f"::notice title=kimi-planner month::This change: {line}" in render(report, "github")
    assert f"**This change: {line}" in render(report, "markdown")
    data = json.loads(render(report, "json"))["baseline"]
    assert Decimal(data["month"]["usd"]) == Decimal(data["prompts"][0]["month"]["usd"]) == month.usd
    (run,) = json.loads(render(report, "sarif"))["runs"]
    assert line in run["properties"]["month"]
    found = ET.fromstring(render(report, "junit")).find(".//property[@name='month_p90_usd']")
    assert Decimal(found.get("value")) == month.p90_usd


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (NAMED, "no workload is named 'chat' in any budget"),
        (NAMED + 'workload_file = "w.toml"\n', None),
        (
            NAMED.replace("chat", "other") + 'workload_file = "w.toml"\n',
            "no workload is named 'other' in w.toml",
        ),
        (NAMED + "calls_per_month = 5\n", "Leave out calls_per_month"),
        (CALLS.format(5) + 'workload_file = "w.toml"\n', "Name a workload in it"),
        (NAMED + "cached_share = 0.5\n", "It is for calls_per_month"),
        (CALLS.format('"many"'), "many"),
        (CALLS.format(-5), "-5"),
        (CALLS.format("true"), "Give a number"),
        (CALLS.format('{ from = "log.csv" }'), "Give a number"),
        (CALLS.format("{}"), "Give a number"),
    ],
)
def test_calls_that_nobody_can_tell_are_one_line(tmp_path, config, said):
    """With file and line, and what to do."""
    files = {"w_dot_toml": checking.workloads()}
    if said is None:
        assert changed(tmp_path, config, **files).comparison.month is not None
        return
    with pytest.raises(ConfigError, match=r"kimi-planner\.toml line") as caught:
        check(tmp_path, config, **files).report()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_has_no_price_is_said_and_no_zero(tmp_path):
    """A model without a price leaves the month unknown, with its name; a malformed file is bad input."""
    report = changed(
        tmp_path, CALLS.format(5), own_dot_toml=checking.catalog(input_usd_per_mtok=None)
    )
    assert report.comparison.month is None
    assert any("What p/a.md costs in a month is not known" in one for one in report.notes)
    report = changed(
        tmp_path, NAMED + 'workload_file = "w.toml"\n', w_dot_toml="[[workload]]\nname = 5\n"
    )
    assert report.comparison.month is None
    assert [one.path for one in report.results if one.outcome is Outcome.INVALID] == ["w.toml"]


def test_of_some_files_alone_the_month_is_told_too(tmp_path):
    """Workload files are read though they are not among those, and totals of parts are none."""
    config = (
        f'{NAMED}{SPEND.format("1e9")}[[totals]]\nname = "x"\npaths = ["p/*"]\nmax_tokens = 1\n'
    )
    files = {"w_dot_toml": checking.workloads()}
    old = check(tmp_path, config, **files).moment
    now = check(tmp_path, config, p__a_dot_md=LONG, **files).config.for_files(
        [tmp_path / "p" / "a.md"]
    )
    report = Check(now, checking.AS_OF).report(old)
    assert report.comparison.month is not None
    assert {one.rule for one in report.results} == {"prompt-tokens"}


def test_configurations_together_add_up(tmp_path):
    """What two of them add to a month is one sum, path by path, so its range is narrower than theirs."""
    reports = []
    for name, seed in (("a", 1), ("b", 2)):
        folder = tmp_path / name
        folder.mkdir()
        config = f"seed = {seed}\n" + CALLS.format("{ p10 = 2e6, p50 = 3e6, p90 = 4.5e6 }")
        reports.append(changed(folder, config))
    months = [one.comparison.month for one in reports]
    both = together(reports).comparison.month
    assert float(both.usd) == pytest.approx(float(sum(one.usd for one in months)), rel=1e-9)
    assert both.p90_usd - both.p10_usd < sum(one.p90_usd - one.p10_usd for one in months)


def test_without_planning_limits_are_held_all_the_same(tmp_path, monkeypatch):
    """Only a comparison, which has a month to tell, needs what a light installation leaves out."""
    config = NAMED + 'workload_file = "w.toml"\n'
    now = check(tmp_path, config, w_dot_toml=checking.workloads())
    old = replace(now.moment, prompts=())
    monkeypatch.setitem(sys.modules, "kimi_planner.workload", None)
    again = checking.check_of(tmp_path / "kimi-planner.toml")
    assert [one.outcome for one in again.report().results] == [Outcome.PASSED]
    with pytest.raises(ModuleNotFoundError):
        again.report(old)
