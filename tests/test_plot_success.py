"""The picture of the cost per success shows intervals, and what is not known."""

from dataclasses import replace

import pandas as pd
import pytest
from legible import said
from pictured import LONG, awkward, closed, example, measured, plan, wide

from kimi_planner import plot
from kimi_planner.choose import cost_per_success, read_evaluations
from kimi_planner.errors import SettingError
from kimi_planner.plot.theme import LIGHT

__all__ = ["closed"]


@pytest.fixture(scope="module")
def costs():
    return cost_per_success(example(), measured(), projection=plan().projection)


def test_points_and_lines_are_cost_and_interval(costs):
    """A point stands at the cost per success, a line from end to end of its interval."""
    ax = plot.cost_per_success(costs, "coding-assistant")
    rows = [row for row in costs.rows if row.workload == "coding-assistant"]
    points = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert points == pytest.approx([row.cost_per_success_usd for row in rows])
    lines = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    assert lines == [[row.cost_per_success_low_usd, row.cost_per_success_high_usd] for row in rows]
    valued = [replace(one, value_usd_per_success="0.3") for one in example()]
    found = cost_per_success(valued, measured(), projection=plan().projection)
    ax_valued = plot.cost_per_success(found)
    assert f"({found.rows[0].chance_best:.0%})" in said(ax_valued)
    assert "the best with probability" in plot.alt_text(ax_valued)
    filled = [
        line.get_markerfacecolor() == LIGHT.within for line in ax.lines if line.get_marker() == "o"
    ]
    assert filled == [row.rank == 1 for row in rows]
    assert "filled for the choice" in " ".join(said(ax).split())


def test_what_was_never_solved_has_no_point_and_no_upper_end():
    """An arrow stands at the end of the axis, and the words say that none was solved."""
    name = example()[0].name
    rows = [(name, "kimi-k2", 0, 20), (name, "kimi-k2-5", 3, 20)]
    tried = read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )
    result = cost_per_success(example()[0], tried, projection=plan().projection, published=False)
    ax = plot.cost_per_success(result)
    assert sum(line.get_marker() == "o" for line in ax.lines) == 1
    assert sum(line.get_marker() == ">" for line in ax.lines) == 1
    assert "none solved" in said(ax)


def test_without_trials_the_cost_of_a_task_is_a_square():
    """It is not drawn as a cost per success, and the words say that there were no trials."""
    result = cost_per_success(awkward()[:2], projection=wide(), published=False)
    ax = plot.cost_per_success(result, LONG)
    assert {line.get_marker() for line in ax.lines} == {"s"}
    assert "no trials, task 0.00" in said(ax)
    with pytest.raises(SettingError, match="No workload 'v'"):
        plot.cost_per_success(result, "v")
