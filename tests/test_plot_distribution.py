"""The picture of what a month may cost shows chances as dots."""

import numpy as np
from legible import said
from pictured import PLAIN, certain, closed, plan

from kimi_planner import plot

__all__ = ["closed"]


def test_each_dot_is_a_quantile_of_the_average_month():
    """Twenty dots per model stand at P2.5 to P97.5, light where they are beyond the budget."""
    projection = plan().projection
    ax = plot.spend_distribution(projection, "image-questions")
    budget = float(projection.budget("image-questions"))
    shares = np.arange(0.025, 1, 0.05)
    assert len(ax.collections) == len(projection.models)
    for dots, model in zip(ax.collections, projection.models, strict=True):
        scenarios = projection.of(model, "image-questions").usd.sum(axis=0) / len(projection.months)
        expected = np.quantile(scenarios, shares)
        np.testing.assert_allclose(dots.get_offsets()[:, 0], expected)
        colors = dots.get_facecolors()
        beyond = (colors == colors[-1]).all(axis=1) if expected[-1] > budget else np.zeros(20, bool)
        np.testing.assert_array_equal(beyond, expected > budget)


def test_dots_of_a_row_do_not_lie_on_each_other():
    """Stacked dots touch at most, so that all twenty can be counted."""
    ax = plot.spend_distribution(plan().projection)
    ax.figure.draw_without_rendering()
    for dots in ax.collections:
        places = ax.transData.transform(dots.get_offsets())
        size = np.sqrt(dots.get_sizes()[0]) * ax.figure.dpi / 72
        apart = np.hypot(*(places[:, None] - places[None]).T)[np.triu_indices(20, 1)]
        assert apart.min() >= 0.99 * size


def test_the_chance_is_that_some_month_breaks_the_budget():
    """Beside each model stands the chance of the summary, and in the alt text too."""
    projection = plan().projection
    ax = plot.spend_distribution(projection)
    for row in projection.summary(together=True).to_dict("records"):
        chance = row["chance_over_budget"]
        if 0.01 <= chance <= 0.99:
            least = "at least " if row["is_least"] else ""
            assert f"breaks budget: {least}{chance:.0%}" in said(ax)
            assert f"{chance:.0%} chance that some month is over budget" in plot.alt_text(ax)


def test_a_spend_without_a_range_is_a_line_and_says_so():
    """Plain numbers have no dots; that they keep the budget is said as a fact."""
    ax = plot.spend_distribution(certain(PLAIN))
    assert not ax.collections
    assert "range not given within budget" in said(ax)
