"""The picture of a portfolio frontier is a step at every budget that buys more."""

import pytest
from legible import assert_legible, said
from pictured import closed, example, measured, plan

from kimi_planner import plot
from kimi_planner.choose import portfolio_frontier

__all__ = ["closed"]


@pytest.fixture(scope="module")
def frontier():
    return portfolio_frontier(example(), evaluations=measured(), projection=plan().projection)


def test_steps_stand_at_the_budgets(frontier):
    """The line steps up at each budget; the next 100 USD are those of the result."""
    ax = plot.portfolio_frontier(frontier, 9000)
    [step] = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    frame = frontier.frame
    assert list(step.get_xdata())[:-1] == pytest.approx(
        frame["budget_usd_per_month"].astype(float).tolist()
    )
    assert list(step.get_ydata())[:-1] == pytest.approx(frame["value"].tolist())
    marked = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert marked == [9000, 9100]
    assert "100 more: 9,100" in said(ax)
    sentence = frontier.next_100_usd(9000).sentence()
    assert sentence in " ".join(ax.get_title(loc="left").split())
    assert sentence in plot.alt_text(ax)


def test_the_budget_of_the_workloads_is_the_usual_one(frontier):
    """Without a budget it is the sum of those of the workloads."""
    ax = plot.portfolio_frontier(frontier)
    assert f"budget {frontier.question.projection.budget():,.0f}" in said(ax)


def test_portfolio_frontiers_are_legible(frontier):
    """Many steps, and budgets that serve nothing, can be read in every size."""
    assert_legible(lambda ax: plot.portfolio_frontier(frontier, 9000, ax=ax))
    poor = portfolio_frontier(
        example(), [10, 20], evaluations=measured(), projection=plan().projection
    )
    assert_legible(lambda ax: plot.portfolio_frontier(poor, ax=ax))
    assert "none of the budgets serves every workload" in plot.alt_text(
        plot.portfolio_frontier(poor)
    )
