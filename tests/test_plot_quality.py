"""The picture of cost against quality shows the frontier."""

from legible import said
from pictured import closed, measured, plan, wide

from kimi_planner import plot
from kimi_planner.choose import quality_frontier
from kimi_planner.plot.theme import LIGHT

__all__ = ["closed"]


def test_rows_go_from_the_best_down_at_their_spend():
    """Each model is a dot at its P50 over its range, filled where none beats it; beside it both numbers."""
    result = quality_frontier(plan().projection, measured(), workload="coding-assistant")
    ax = plot.cost_vs_quality(result)
    rows = sorted(result.models, key=lambda one: -one.quality)
    assert [text.get_text() for text in ax.get_yticklabels()] == [one.model for one in rows]
    dots = [line for line in ax.lines if line.get_marker() in {"o", "X"}]
    assert [dot.get_xdata()[0] for dot in dots] == [one.p50_usd_per_month for one in rows]
    is_filled = [dot.get_color() == LIGHT.within for dot in dots]
    assert is_filled == [one.on_frontier for one in rows]
    ends = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert ends == [[one.p10_usd_per_month, one.p90_usd_per_month] for one in rows]
    for one in rows:
        assert f"{one.quality:.0%}, {one.p50_usd_per_month:,.0f}" in said(ax)
    best = [one for name in result.frontier for one in rows if one.model == name]
    assert f"{best[0].model} {best[0].p50_usd_per_month:,.0f} USD" in plot.alt_text(ax)


def test_a_picture_without_a_success_rate_says_so():
    """Evaluations of other workloads leave the spend, as squares, and a sentence."""
    ax = plot.cost_vs_quality(quality_frontier(wide(), measured(("other",))))
    assert {line.get_marker() for line in ax.lines} >= {"s"}
    assert "No success rate is known of kimi-" in said(ax)
    assert "unknown, " in said(ax)
