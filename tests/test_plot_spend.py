"""Pictures of spend show the numbers of the projection."""

import numpy as np
import pytest
from legible import said
from pictured import PLAIN, certain, closed, plan
from planned import insurer_year

from kimi_planner import plot, project
from kimi_planner.errors import SettingError
from kimi_planner.plan import Workload

__all__ = ["closed"]


def test_monthly_spend_has_a_bar_to_the_median():
    """Bars reach the P50 of the average month, lines the P10 and P90, the budget its sum."""
    projection = plan().projection
    ax = plot.monthly_spend(projection, "image-questions")
    rows = projection.summary().query("workload == 'image-questions'")
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx(rows["p50_usd_per_month"].tolist())
    known = rows[rows["reasoning"] == ""]  # of the others nobody knows an upper end
    ranges = [line.get_xdata() for line in ax.lines[1 : 2 * len(known) : 2]]
    expected = known[["p10_usd_per_month", "p90_usd_per_month"]].to_numpy()
    np.testing.assert_allclose(ranges, expected)
    assert ax.lines[-1].get_xdata()[0] == 1500
    assert "budget 1,500" in said(ax)
    assert "seed 0, 400 paths" in said(ax)
    row = rows.iloc[0]
    assert (
        f"{row['model']} {row['p50_usd_per_month']:,.0f} USD (P10 {row['p10_usd_per_month']:,.0f}, "
        f"P90 {row['p90_usd_per_month']:,.0f})" in plot.alt_text(ax)
    )


def test_spend_fan_follows_the_quantiles():
    """The line is the P50 of each month; the band's edges are P10 and P90."""
    projection = plan().projection
    ax = plot.spend_fan(projection, "kimi-k2", "support-chat")
    spend = projection.of("kimi-k2", "support-chat")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), spend.quantile(0.5))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(spend.quantile(0.9).max())
    assert band.min() == pytest.approx(spend.quantile(0.1).min())
    assert f"(P10 {spend.quantile(0.1)[-1]:,.0f}, P90" in plot.alt_text(ax)
    assert "USD in 2026-12 and " in plot.alt_text(ax)


def test_a_fan_of_one_month_says_it_once():
    """The first month is the last, so it is not told twice."""
    ax = plot.spend_fan(plan(months=1).projection, "kimi-k2", "support-chat")
    assert plot.alt_text(ax).count("2026-12") == 1


def test_spend_fan_of_a_mapping_says_what_it_covers():
    """A mapping that leaves workloads out is titled so, and takes no workload beside it."""
    projection, best = plan().projection, dict(plan().best)
    assert ": all workloads" in plot.spend_fan(projection, best).get_title(loc="left")
    del best["support-chat"]
    assert ": 4 of 5 workloads" in plot.spend_fan(projection, best).get_title(loc="left")
    with pytest.raises(SettingError, match="'support-chat' stands beside a mapping"):
        plot.spend_fan(projection, best, "support-chat")


def test_certain_spend_has_no_range():
    """A workload of plain numbers is drawn without a range it does not have, and not as zero."""
    projection = certain(PLAIN)
    ax = plot.monthly_spend(projection)
    assert "P10" not in said(ax).split("Line:")[0]
    assert f"{projection.summary()['p50_usd_per_month'][0]:.4f}" in said(ax)
    assert "P90" not in said(plot.spend_fan(projection, "kimi-k2"))


def test_what_is_only_the_least_has_no_upper_end():
    """A model of which nobody knows how much it reasons is said to cost at least its bar."""
    workload = Workload(
        name="w",
        requests_per_day={"p50": 90, "p90": 120},
        prompt_tokens=900,
        completion_tokens=100,
    )
    made = project(workload, 1, "2026-12", ["kimi-k2", "kimi-k2-5-thinking"], n_paths=200)
    words = plot.alt_text(plot.monthly_spend(made, "w"))
    assert "kimi-k2-5-thinking at least " in words
    assert words.count("(P10") == 1


def test_a_budget_of_the_whole_plan_is_drawn_in_place_of_the_sum():
    """A line stands at the budget that is given, and the words say it."""
    ax = plot.spend_fan(project(PLAIN, 2, "2027-01", as_of="2026-11-28"), "kimi-k2", budget="7.50")
    assert "budget is 7.50 USD a month" in plot.alt_text(ax).replace("The ", "")
    with pytest.raises(SettingError, match="budget is 0"):
        plot.spend_fan(project(PLAIN, 2, "2027-01", as_of="2026-11-28"), "kimi-k2", budget=0)


def head(ax):
    return " ".join(ax.get_title(loc="left").split())


def test_a_picture_calls_over_what_a_report_calls_over():
    """A launch breaks the budget in one month, though the average month keeps it: so it is not within it."""
    plan = insurer_year()
    projection = plan.projection
    [over] = plan.over_budget
    assert projection.of(over.model, over.workload).quantile(0.5).mean() < over.budget_usd
    ax = plot.monthly_spend(projection, over.workload)
    kept = [
        model
        for model in projection.models
        if float(max(projection.of(model, over.workload).quantile(0.5))) <= over.budget_usd
    ]
    assert kept == list(over.cheaper) == ["kimi-k2"]
    assert "1 of 2 models within the budget each month" in head(ax)
    fan = plot.spend_fan(projection, over.model, over.workload)
    assert "P50 over the budget in 1 of 12 months" in head(fan)
