"""The picture of when thinking pays shows the gain it needs against the gain it has."""

import pytest
from legible import assert_legible, said
from pictured import closed, example, measured, plan

from kimi_planner import plot
from kimi_planner.choose import thinking_pays

__all__ = ["closed"]


@pytest.fixture(scope="module", params=[None, 2, "without"], ids=["success", "value", "untried"])
def result(request):
    tried = {"published": False} if request.param == "without" else {"evaluations": measured()}
    value = {} if request.param in {None, "without"} else {"value_usd_per_success": request.param}
    return thinking_pays(
        example()[1],
        "kimi-k2",
        "kimi-k2-5-thinking",
        projection=plan().projection,
        **tried,
        **value,
    )


def test_the_curve_is_that_of_the_result(result):
    """The line is the gain needed, without a value that value, without rates the cost of a task."""
    ax = plot.thinking(result)
    tried, valued = result.plain_rate is not None, result.objective.is_stated
    column = "success_gain_needed" if valued else "switching_usd" if tried else "cost_per_task_usd"
    assert list(ax.lines[0].get_ydata()) == result.curve[column].tolist()
    levels = [line.get_ydata()[0] for line in ax.lines[1:]]
    if valued:
        gain = result.thinking_rate - result.plain_rate
        assert gain in levels
        assert f"expected gain {gain:+.1%}" in said(ax)
    assert "today" in said(ax)
    assert plot.alt_text(ax) == " ".join(result.sentences())


def test_thinking_is_legible(result):
    """The picture can be read in every size."""
    assert_legible(lambda ax: plot.thinking(result, ax=ax))
