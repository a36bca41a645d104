"""A range is of what somebody said is uncertain; where nobody did, none is shown."""

import math

import pytest

from kimi_planner import project, recommend
from kimi_planner.plan import Workload
from kimi_planner.report.json_form import plan_data
from kimi_planner.report.text import markdown_report, plan_text

Z90 = 1.2815515655446004
SCENARIO = {"start": "2026-12", "months": 2, "catalog": "2026-06", "seed": 0, "n_paths": 1000}


def documents(**changes):
    given = {
        "name": "documents",
        "requests_per_day": 40_000,
        "prompt_tokens": {"p50": 3500, "p90": 12_000},
        "completion_tokens": 300,
        "needs": [],
    }
    return Workload(**given | changes)


def mean_of(p50, p90):
    return p50 * math.exp((math.log(p90 / p50) / Z90) ** 2 / 2)


def test_the_noise_of_single_calls_is_no_range():
    """40,000 documents whose sizes differ cost one number: nobody said that a mean may be off."""
    sizes = {"p50": 3500, "p90": 7000}  # none of which a window cuts
    by_hand = 31 * 40_000 * (mean_of(**sizes) * 1.2 + 300 * 3.6) / 1e6
    for prompt_tokens, expected in ((sizes, by_hand), ({"p50": 3500, "p90": 12_000}, None)):
        workload = documents(prompt_tokens=prompt_tokens)
        spend = project(workload, models="kimi-k2", **SCENARIO).of("kimi-k2")
        assert not spend.is_ranged
        for q in (0.1, 0.5, 0.9):
            assert spend.quantile(q).tolist() == spend.mean().tolist()
            if expected is not None:
                assert spend.quantile(q) == pytest.approx([expected, expected], rel=1e-6)


def test_where_no_range_was_given_every_output_says_so():
    """Text, Markdown and JSON say it in the row of the number, and P10 and P90 are nowhere."""
    plan = recommend(documents(), **SCENARIO)
    for text in (plan_text(plan), markdown_report(plan)):
        assert "range not given" in text
        assert "(P10" not in text
    data = plan_data(plan)
    assert {row["range_given"] for row in (*data["spend"], *data["summary"])} == {False}
    assert any("certainty" in note for note in plan.notes if note.code == "no_range")


def test_a_budget_is_met_or_not_where_no_range_was_given():
    """One number is over a budget or is not; a chance from the noise of calls would be made up."""
    usd = project(documents(), models="kimi-k2", **SCENARIO).of("kimi-k2").mean()[0]
    for budget, chance in ((usd * 1.0001, 0.0), (usd * 0.9999, 1.0)):
        workload = documents(budget_usd_per_month=budget)
        plan = project(workload, models="kimi-k2", **SCENARIO)
        assert plan.summary()["chance_over_budget"].tolist() == [chance]


def test_with_a_range_single_calls_belong_to_it():
    """Beside a workload that has a range the noise of the other's calls counts in the sum."""
    ranged = documents(name="ranged", requests_per_day={"p50": 2, "p90": 4})
    plan = project([documents(requests_per_day=2), ranged], models="kimi-k2", **SCENARIO)
    together = plan.of("kimi-k2")
    assert together.is_ranged
    assert together.usd.std() > plan.of("kimi-k2", "ranged").usd.std()


def test_plain_numbers_stay_the_bill_by_hand():
    """A certain bill is exact, one number, and its range is not given either."""
    plan = project(documents(prompt_tokens=3500), models="kimi-k2", **SCENARIO)
    (row, _) = plan.frame.to_dict("records")
    assert row["exact_usd"] * 1_000_000 == 31 * 40_000 * (3500 * 12 + 300 * 36) // 10
    assert row["range_given"] is False
