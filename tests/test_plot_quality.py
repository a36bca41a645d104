"""The picture of cost against quality shows the frontier."""

import pytest
from legible import assert_legible, said
from pictured import NAMES, closed, measured, plan, wide

from kimi_planner import plot
from kimi_planner.choose import quality_frontier

__all__ = ["closed"]


def test_points_stand_at_spend_and_success():
    """Each model is a point at its P50 and its success rate; the step joins the frontier."""
    result = quality_frontier(plan().projection, measured(), workload="coding-assistant")
    ax = plot.cost_vs_quality(result)
    points = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in ax.lines
        if line.get_marker() in {"o", "x"}
    }
    assert points == {(one.p50_usd_per_month, one.quality) for one in result.models}
    [step] = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    best = [one for name in result.frontier for one in result.models if one.model == name]
    assert list(step.get_ydata())[:-1] == [one.quality for one in best]
    assert list(step.get_xdata())[:-1] == [one.p50_usd_per_month for one in best]
    assert ax.get_ylabel() == "success rate"
    assert f"{best[0].model} {best[0].p50_usd_per_month:,.0f} USD" in plot.alt_text(ax)


def test_models_without_a_quality_are_named_below():
    """Evaluations of other workloads give no points, and the caption says of which models."""
    ax = plot.cost_vs_quality(quality_frontier(wide(), measured(("other",))))
    assert not ax.lines
    assert "No success rate is known of kimi-k3.1-pro, " in said(ax)


@pytest.mark.parametrize(
    "result",
    [
        lambda: quality_frontier(plan().projection, measured(), workload="coding-assistant"),
        lambda: quality_frontier(plan().projection, measured()),
        lambda: quality_frontier(wide(), measured(NAMES[:2])),
        lambda: quality_frontier(wide(), measured(("other",))),
    ],
    ids=["one", "all", "wide", "none"],
)
def test_cost_against_quality_is_legible(result):
    """Points on each other, and twelve models, can be read in every size."""
    found = result()
    assert_legible(lambda ax: plot.cost_vs_quality(found, ax=ax))
