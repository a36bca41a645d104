"""The frontier of cost and quality, against brute force and hand-made bills."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pandas as pd
import pytest
from choosing import plain
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner import load_catalog, load_workloads, project, recommend
from kimi_planner.choose import quality_frontier, read_evaluations
from kimi_planner.choose.frontier import non_dominated
from kimi_planner.errors import CallError, EvaluationError, SettingError, UnknownModelError

AS_OF = date(2026, 11, 25)
MODELS = ("kimi-k2-5", "kimi-k2-5-thinking", "kimi-k2", "kimi-k2-instruct")
BILLS = dict(zip(MODELS, (271.25, 379.75, 130.2, 162.75), strict=True))


def plan(*workloads, **scenario):
    return project(workloads, **{"months": 1, "start": "2026-12", "as_of": AS_OF} | scenario)


def measured(*rows):
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30))
def test_non_dominated_points_are_those_that_no_other_beats(points):
    """Each point against each other, also equal ones, in exact thirds."""
    costs = [Fraction(cost, 3) for cost, _ in points]
    qualities = [Fraction(quality, 3) for _, quality in points]
    expected = tuple(
        not any(
            other[0] <= one[0] and other[1] >= one[1] and other != one for other in points
        )
        for one in points
    )  # fmt: skip
    assert non_dominated(costs, qualities) == expected


def test_with_evaluations_quality_is_the_measured_success_rate():
    """Spend is the hand-made bill; a model that is dearer and no better is off the frontier."""
    evaluations = measured(
        ("w", "kimi-k2", 10, 20), ("w", "kimi-k2-instruct", 9, 20), ("w", "kimi-k2-5", 17, 20)
    )
    found = quality_frontier(plan(plain()), evaluations, published=False)
    frame = found.frame.set_index("model")
    for column in ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month"):
        assert frame[column].to_dict() == pytest.approx(BILLS, rel=1e-12)
    assert frame["quality"]["kimi-k2-5"] == pytest.approx(17.5 / 21, rel=1e-15)
    assert pd.isna(frame["quality"]["kimi-k2-5-thinking"])
    assert found.frontier == ("kimi-k2", "kimi-k2-5")
    assert found.notes == (
        "Quality is the success rate measured in evaluations.",
        "Not tried in evaluations, so not on the frontier: kimi-k2-5-thinking.",
    )


def test_all_together_weighs_success_by_tasks():
    """Three tasks in four are of one workload; a model tried on one alone has no rate."""
    talks = plain(requests_per_day=9000, turns=3, followup_tokens=0)
    projection = plan(talks, plain(name="v", retry_share=0.5))
    evaluations = measured(
        ("w", "kimi-k2", 19, 20), ("v", "kimi-k2", 9, 20), ("w", "kimi-k2-5", 20, 20)
    )
    found = quality_frontier(projection, evaluations, published=False)
    qualities = {one.model: one.quality for one in found.models}
    assert qualities["kimi-k2"] == pytest.approx(0.75 * 19.5 / 21 + 0.25 * 9.5 / 21, rel=1e-14)
    assert qualities["kimi-k2-5"] is None
    spend = found.frame.set_index("model")["p50_usd_per_month"]["kimi-k2"]
    assert spend == pytest.approx(9 * (130.2 + 31 * 500 * 1.2e-3) + 1.5 * 130.2)
    only = quality_frontier(projection, evaluations, workload="w")
    assert only.frontier == ("kimi-k2", "kimi-k2-5")


def test_a_model_that_cannot_serve_is_shown_but_never_on_the_frontier():
    """Calls must fit, for one workload and for all together; an open need is said, a budget is not."""
    base = load_catalog()
    small = [replace(one, context_window_tokens=1000) for one in base.models[1:]]
    projection = plan(
        plain(needs=["tools"], budget_usd_per_month=1),
        plain(name="v", prompt_tokens=100),
        catalog=replace(base, models=(base.models[0], *small)),
    )
    tried = measured(*((name, model, 5, 9) for name in "wv" for model in MODELS))
    found = quality_frontier(projection, tried, workload="w")
    assert found.frontier == ("kimi-k2-5",)
    assert [one.qualifies for one in found.models] == [True, False, False, False]
    assert quality_frontier(projection, tried).frontier == ("kimi-k2-5",)
    assert "kimi-k2" in quality_frontier(projection, tried, workload="v").frontier
    assert "kimi-k2-5 qualifies for w if it has tools." in found.notes
    words = "kimi-k2 does not qualify for w: only 0.00% of calls fit its window of 1,000 tokens; 99.00% must."
    assert words in found.notes


def test_success_is_that_of_the_card():
    """Own trials and published results together, and the latter are said."""
    projection = plan(plain())
    evaluations = measured(("w", "kimi-k2", 3, 5), ("w", "kimi-k2-5", 4, 5))
    found = quality_frontier(projection, evaluations)
    [card] = recommend([plain()], projection=projection, evaluations=evaluations).cards
    expected = {row.model: row.success_rate for row in card.rows if row.is_measured}
    known = {one.model: one.quality for one in found.models if one.quality is not None}
    assert known == expected
    assert set(known) == {"kimi-k2", "kimi-k2-5"}
    assert known["kimi-k2"] != 3.5 / 6
    assert "rates_published" in [said.code for said in found.notes]


def test_ranges_show_as_percentiles_of_monthly_spend():
    """The same numbers as the summary of the projection."""
    projection = plan(load_workloads()[2], months=2, n_paths=200)
    tried = measured(*(("invoice-extraction", model, 5, 9) for model in MODELS))
    found = quality_frontier(projection, tried, workload="invoice-extraction")
    summary = projection.summary().set_index("model")
    frame = found.frame.set_index("model")
    for column in ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month"):
        pd.testing.assert_series_equal(frame[column], summary[column], check_names=False)
    assert found.provenance in " ".join(repr(found).split())
    assert "<table" in found._repr_html_()


def test_bad_input_is_refused():
    """No projection, a workload that it lacks, and a file that was not read."""
    projection, tried = plan(plain()), measured(("w", "kimi-k2", 1, 2))
    with pytest.raises(CallError, match=r"what project\(\) returns"):
        quality_frontier(plain(), tried)
    with pytest.raises(SettingError, match="no workload 'v'"):
        quality_frontier(projection, tried, workload="v")
    with pytest.raises(EvaluationError, match="read_evaluations"):
        quality_frontier(projection, "evaluations.csv")


def test_evaluations_of_a_misspelled_model_are_refused_with_their_place():
    """Neither the frontier nor the ranking drops results because of a typing error."""
    evaluations = measured(("w", "kimi-k2", 5, 9), ("w", "kimi-k2.5", 5, 9))
    projection = plan(plain())
    for ask in (
        lambda: quality_frontier(projection, evaluations=evaluations),
        lambda: recommend([plain()], projection=projection, evaluations=evaluations),
    ):
        with pytest.raises(UnknownModelError, match=r"row 2: Unknown model 'kimi-k2\.5'"):
            ask()
