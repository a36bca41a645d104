"""Budgets of workload files: percentiles of spend, context fit and tier."""

from decimal import Decimal

import checking
import pytest

from kimi_planner import context_fit, load_workloads, project
from kimi_planner.capacity import throughput
from kimi_planner.checks.results import Outcome
from kimi_planner.errors import ConfigError
from kimi_planner.files import data_dir
from kimi_planner.plan import Booking, approved_toml, booked

EXAMPLE = (data_dir() / "workloads" / "example.toml").read_text(encoding="utf-8")
HEAD = 'model = "kimi-k2"\n[[workloads]]\npath = "w.toml"\n'


def checked(tmp_path, limits, text=EXAMPLE, head=HEAD, **files):
    return checking.results_of(
        checking.lay_out(tmp_path, f"{head}{limits}\n", w_dot_toml=text, **files)
    )


def test_percentiles_are_those_of_the_projection(tmp_path):
    """P50, P90 and any other of the dearest month are what `project` says."""
    limits = (
        'name = "support-chat"\npercentile = 75\nmonths = 3\nmax_usd_per_month = 1\n'
        "max_p50_usd_per_month = 1\nmax_p90_usd_per_month = 1e9"
    )
    found = checked(tmp_path, limits)
    workload = next(one for one in load_workloads() if one.name == "support-chat")
    frame = project(workload, 3, models="kimi-k2", as_of=checking.AS_OF).quantile([0.75, 0.5, 0.9])
    most = frame.groupby("q")["spend_usd"].max()
    assert [float(one.value) for one in found] == [most[0.75], most[0.5], most[0.9]]
    assert [one.outcome for one in found] == [Outcome.OVER, Outcome.OVER, Outcome.PASSED]
    assert {(one.line, one.name) for one in found} == {(5, "support-chat")}


def test_each_workload_must_fit_at_its_line(tmp_path):
    """The share of requests is that of `context_fit`, one result for each workload."""
    found = checked(tmp_path, "min_fit_share = 1")
    fit = context_fit(load_workloads(), "kimi-k2")
    for one in found:
        share = fit.share(one.name, "kimi-k2")
        assert float(one.value) == share
        assert (one.outcome is Outcome.OVER) == (share < 1)
        assert EXAMPLE.splitlines()[one.line - 1] == f'name = "{one.name}"'
    assert len(found) == 5


def test_a_window_that_is_not_stated_is_unknown(tmp_path):
    """A catalog without a window gives no fit."""
    own = checking.catalog(context_window_tokens=None)
    head = f'catalog = "own.toml"\n{HEAD}'.replace("kimi-k2", "m")
    (one,) = checked(
        tmp_path, "min_fit_share = 0.5", checking.workloads(), head=head, own_dot_toml=own
    )
    assert one.outcome is Outcome.UNKNOWN


def test_spend_without_a_price_is_unknown(tmp_path):
    """A catalog without a price gives no spend, and no error that hides the other results."""
    own = checking.catalog(output_usd_per_mtok=None)
    head = f'catalog = "own.toml"\n{HEAD}'.replace("kimi-k2", "m")
    one, fit = checked(
        tmp_path,
        "max_usd_per_month = 1\nmin_fit_share = 0.5",
        checking.workloads(),
        head=head,
        own_dot_toml=own,
    )
    assert (one.outcome, fit.outcome) == (Outcome.UNKNOWN, Outcome.OVER)
    assert "no output price" in one.message


def test_the_tier_of_the_account_must_be_enough(tmp_path):
    """The tier is that of `throughput`; what was not given makes a pass unknown, not a breach."""
    text = checking.workloads(requests=200_000) + "max_tokens = 1000\n"
    known = "tier = {}\npeak_hour_share = 0.2\noutput_tokens_per_second = 50"
    workload = load_workloads(checking.lay_out(tmp_path, "", w_dot_toml=text).parent / "w.toml")
    needed = throughput(
        workload, "kimi-k2", peak_hour_share=0.2, output_tokens_per_second=50, as_of=checking.AS_OF
    ).tier("kimi-k2")
    assert 1 <= needed.tier <= 5
    for tier, outcome in ((needed.tier, Outcome.PASSED), (needed.tier - 1, Outcome.OVER)):
        (one,) = checked(tmp_path, known.format(tier), text)
        assert (one.value, one.outcome) == (Decimal(needed.tier), outcome)
    (one,) = checked(tmp_path, "tier = 5", text)
    assert one.outcome is Outcome.UNKNOWN
    assert "peak_hour_share, output_tokens_per_second not given" in one.message
    (one,) = checked(tmp_path, "tier = 0", text)
    assert one.outcome is Outcome.OVER


def test_a_tier_that_does_not_exist_is_an_error(tmp_path):
    """The message names the line and the tiers there are."""
    with pytest.raises(ConfigError, match=r"line 2: tier is 9\. It must be one of 0, 1"):
        checked(tmp_path, "tier = 9", checking.workloads())


def test_workloads_are_held_against_an_approved_plan(tmp_path):
    """What is booked over the months, models and seed of the approval is held against its amount."""
    text = checking.workloads()
    (tmp_path / "old.toml").write_text(text, encoding="utf-8")
    workloads = load_workloads(tmp_path / "old.toml")
    booking = Booking(book="p80", contingency_percent=10)
    plan = project(
        workloads, 3, "2027-01", "kimi-k2", checking.AS_OF, 5, n_paths=300, booking=booking
    )
    choice = dict.fromkeys(plan.names, "kimi-k2")
    record = approved_toml(plan, choice)
    (one,) = checked(tmp_path, 'approved = "plan.toml"', text, plan_dot_toml=record)
    assert one.outcome is Outcome.PASSED
    assert one.value == one.limit == round(booked(plan, choice).usd, 2)
    assert "(P80 plus 10% contingency) over 2027-01 to 2027-03" in one.message
    name = f'name = "{plan.names[0]}"\napproved = "plan.toml"'
    (one,) = checked(tmp_path, name, text.replace("prompt_tokens = ", "prompt_tokens = 9"))
    assert one.outcome is Outcome.OVER
    assert one.limit == round(booked(plan, choice).by_workload[plan.names[0]], 2)


def test_what_was_not_approved_is_no_plan_of_record(tmp_path):
    """A file without an approval, and a workload that it does not have, are named."""
    with pytest.raises(ConfigError, match=r"w\.toml is not an approved plan"):
        checked(tmp_path, 'approved = "w.toml"')
