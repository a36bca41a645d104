"""The picture of when thinking pays shows the gain it needs against the gain it has."""

from dataclasses import replace

import numpy as np
import pytest
from legible import said
from pictured import closed, example, measured, plan

from kimi_planner import plot
from kimi_planner.choose import thinking_pays

__all__ = ["closed"]


@pytest.fixture(
    scope="module",
    params=[(True, None), (True, 2), (False, 2), (False, None)],
    ids=["success", "value", "untried", "nothing"],
)
def result(request):
    is_tried, value = request.param
    return thinking_pays(
        replace(example()[1], value_usd_per_success=value),
        "kimi-k2",
        "kimi-k2-5-thinking",
        projection=plan().projection,
        evaluations=measured() if is_tried else None,
        published=False,
    )


def test_the_curve_is_that_of_the_result(result):
    """The line is what a solved task must be worth, else the gain needed, else the cost of a task."""
    ax = plot.thinking(result)
    known = result.curve.notna().any()
    names = ("switching_usd", "success_gain_needed", "cost_per_task_usd")
    column = next(name for name in names if known[name])
    expected = result.curve[column].to_numpy()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), expected)
    heights = [line.get_ydata()[0] for line in ax.lines[1:]]
    if column == "switching_usd" and result.objective.value_usd is not None:
        assert float(result.objective.value_usd) in heights
        assert "stated 2.00" in said(ax)
    if column == "cost_per_task_usd":
        assert result.plain_usd_per_task in heights
    assert "today" in said(ax)
    assert plot.alt_text(ax) == " ".join(result.sentences())
