"""What has a date in a plan, and what it is worth: with it less without it, by hand."""

from datetime import date

import pytest

from kimi_planner import Workload, project
from kimi_planner.plan.dated import Happening, dated

HALF = (
    {"date": "2027-01-16", "factor": 0.5},
    {"date": "2027-01-20", "model": "kimi-k2-5", "factor": 3},
)
PLAN = {"months": 1, "start": "2027-01", "models": ["kimi-k2", "kimi-k2-5"], "as_of": "2026-11-28",
        "catalog": "2026-06"}  # fmt: skip


def load(name, **options):
    """Return a workload that costs 1.20 USD a day on kimi-k2."""
    return Workload(
        name=name, requests_per_day=1000, prompt_tokens=1000, completion_tokens=0,
        price_changes=HALF, **options,
    )  # fmt: skip


def test_a_change_of_price_is_worth_what_it_saves_all_workloads():
    """Half the price on the last 16 days of January; a change of another model's price is not said."""
    plan = project([load("a"), load("b")], **PLAN)
    [change] = dated(plan, {"a": "kimi-k2", "b": "kimi-k2"})
    assert change.day == date(2027, 1, 16)
    assert change.usd == pytest.approx(-2 * 16 * 1.2 / 2)


def test_each_launch_is_worth_its_calls():
    """A launch that began before the plan counts from its first day on; a start has no plan without it."""
    events = (
        {"name": "fair", "from": "2026-12-30", "to": "2027-01-02", "factor": 3},
        {"name": "sale", "date": "2027-01-05", "extra_requests": 500},
    )
    loads = [load("a", events=events), load("b", starts_on="2027-01-04")]
    found = dated(project(loads, **PLAN), {"a": "kimi-k2", "b": "kimi-k2"})
    assert [(one.day.day, one.words.partition(",")[0], one.usd) for one in found] == [
        (1, "a", pytest.approx(2 * 2 * 1.2)),
        (4, "b starts on 2027-01-04", None),
        (5, "a", pytest.approx(0.6)),
        (16, "Price from 2027-01-16", pytest.approx(-2 * 16 * 0.6)),
    ]


def test_a_sum_with_an_unknown_part_is_not_known(monkeypatch):
    """What is not known of one workload is not nothing, in whichever order they come."""
    day = date(2027, 1, 5)
    chosen = [
        Workload(name=name, requests_per_day=10, prompt_tokens=10, completion_tokens=10)
        for name in "ab"
    ]
    plan = project(chosen, 1, "2027-01", "kimi-k2", as_of="2026-11-28", n_paths=100)
    for parts in ((5.0, None), (None, 5.0), (5.0, 2.0)):
        worths = iter(parts)
        monkeypatch.setattr(
            "kimi_planner.plan.dated._of",
            lambda _, load, *__, w=worths: [(Happening(day, "change"), load, next(w))],
        )
        monkeypatch.setattr("kimi_planner.plan.dated._worth", lambda _, __, usd, ___: usd)
        [one] = dated(plan, dict.fromkeys("ab", "kimi-k2"))
        assert one.usd == (None if None in parts else 7.0)
