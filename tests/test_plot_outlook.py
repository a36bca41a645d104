"""The picture of a latest estimate shows what was spent, the range ahead, and the limits."""

import numpy as np
import pandas as pd
import pytest
from legible import said
from pictured import closed
from test_forecast_latest import AS_OF, hourly

from kimi_planner import Workload, latest_estimate, plot, project

__all__ = ["closed"]


def estimate(*limits, end="2026-11-21", plan=None, **options):
    """Return an estimate of November from hourly windows."""
    log = hourly(end=end)
    return latest_estimate(log, *limits, end=end, plan=plan, as_of=AS_OF, **options)


def planned(requests):
    """Return a plan of the months from November on."""
    workload = Workload(
        name="chat", requests_per_day=requests, prompt_tokens=1500, completion_tokens=200
    )
    return project(workload, months=3, start="2026-11", models="kimi-k2", as_of=AS_OF)


def test_lines_and_bands_are_the_numbers_of_the_estimate():
    """Spent day by day, then the P50 in its bands; the budget across, the plan from 0."""
    result = estimate(450, plan=planned(5000))
    ax = plot.outlook(result)
    spent, ahead, budget, plan = ax.lines
    begin = pd.Timestamp("2026-11-01", tz="UTC").timestamp() / 86_400
    assert (spent.get_xdata()[0], spent.get_xdata()[-1]) == (begin, begin + 20)
    daily = result.daily["actual_usd"].astype(float)
    np.testing.assert_allclose(spent.get_ydata()[:-1], [0, *daily.cumsum()])
    actual = float(result.actual_usd)
    steps = result.ahead.frame
    np.testing.assert_allclose(ahead.get_ydata(), [actual, *(actual + steps["p50_usd"])])
    assert (ahead.get_xdata()[0], ahead.get_xdata()[-1]) == (begin + 20, begin + 30)
    for band, (low, high) in zip(
        ax.collections, [("p05_usd", "p95_usd"), ("p10_usd", "p90_usd")], strict=True
    ):
        heights = band.get_paths()[0].vertices[:, 1]
        ends = np.round([actual, *(actual + steps[low]), *(actual + steps[high])], 6)
        assert set(np.round(heights, 6)) == set(ends)
    assert set(budget.get_ydata()) == {450}
    assert plan.get_ydata()[0] == 0
    assert plan.get_ydata()[-1] == pytest.approx(float(result.plan.usd))
    assert ax.get_title(loc="left").replace("\n", " ") == result.sentences[0]
    text = said(ax)
    assert "budget 450" in text
    assert f"P90 {result.quantile(0.9):.0f}" in text
    assert plot.alt_text(ax) == " ".join(result.sentences)


def test_lines_are_told_apart_without_colour():
    """Each of the four has its own stroke or darkness."""
    lines = plot.outlook(estimate(450, plan=planned(5000))).lines
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--", ":"]
    assert lines[0].get_color() != lines[1].get_color()


def test_the_line_starts_where_the_log_does():
    """What was before is not drawn as zero."""
    line = plot.outlook(latest_estimate(hourly("2026-11-06"), as_of=AS_OF)).lines[0]
    assert line.get_xdata()[0] == pd.Timestamp("2026-11-06", tz="UTC").timestamp() / 86_400
