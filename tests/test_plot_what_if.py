"""The picture of a moved plan has its expected spend."""

import pytest
from legible import assert_legible, said
from pictured import closed, plan, wide

from kimi_planner import plot
from kimi_planner.plan.response import response

__all__ = ["closed"]


def test_bars_reach_the_expected_spend():
    """Bars are those of the frame; the factors and the budget are said."""
    moved = response(plan().projection).at(traffic=2)
    ax = plot.what_if(moved)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx(moved.frame["expected_usd_per_month"].tolist())
    assert "traffic × 2" in said(ax)
    assert "traffic × 2" in plot.alt_text(ax)
    assert f"budget {moved.budget_usd_per_month:,.0f}" in said(ax)


def test_what_if_is_legible():
    """Twelve models can be read in every size."""
    moved = response(wide()).at()
    assert_legible(lambda ax: plot.what_if(moved, ax=ax))
