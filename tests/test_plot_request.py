"""The picture of a request stacks what it is billed for."""

from itertools import pairwise

import pytest
from legible import said
from pictured import AS_OF, ZERO, closed, example, plan

from kimi_planner import plot
from kimi_planner.choose import cost_per_request
from kimi_planner.errors import SettingError

__all__ = ["closed"]


def test_parts_are_stacked_to_the_total():
    """Bars lie end to end in the order of the parts, and the total stands beside them."""
    costs = cost_per_request(example(), projection=plan().projection)
    ax = plot.cost_per_request(costs, "coding-assistant")
    rows = costs.frame.query("workload == 'coding-assistant'")
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx(rows["cost_usd"].tolist())
    for place, (_, parts) in enumerate(rows.groupby("model", sort=False)):
        bars = [bar for bar in ax.patches if round(bar.get_y() + bar.get_height() / 2) == place]
        for before, after in pairwise(bars):
            assert after.get_x() == pytest.approx(before.get_x() + before.get_width())
        total = parts["cost_usd"].sum()
        assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(total)
        assert f"{total:#.4g}" in said(ax)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["input", "visible output", "reasoning"]
    assert "(input 0.0" in plot.alt_text(ax)


def test_a_workload_that_is_not_there_is_refused():
    """The message names those that are."""
    costs = cost_per_request(ZERO, as_of=AS_OF)
    with pytest.raises(SettingError, match=r"No workload 'v'\. There is zero"):
        plot.cost_per_request(costs, "v")
