"""The picture of a sensitivity has a bar for each input."""

import pytest
from legible import said
from pictured import AS_OF, PLAIN, closed, example

from kimi_planner import plot
from kimi_planner.plan import sensitivity

__all__ = ["closed"]


def test_tornado_has_a_bar_for_each_input():
    """Bars reach the spend at both quantiles around the line of the medians, the widest on top."""
    result = sensitivity(example(), "kimi-k2-5-thinking", 4, as_of=AS_OF)
    ax = plot.tornado(result)
    rows = result.frame.iloc[:-1]
    ends = [patch.get_x() + patch.get_width() for patch in ax.patches]
    assert ends[::2] == pytest.approx(rows["low_usd_per_month"].tolist())
    assert ends[1::2] == pytest.approx(rows["high_usd_per_month"].tolist())
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == f"{rows['workload'][0]}: conversations per day"
    assert "coding-assistant: reasoning tokens, mean" in names
    assert f"all at P50: {result.base_usd_per_month:,.0f}" in said(ax)
    assert f"{names[0]} {rows['low_usd_per_month'][0]:,.0f} to" in plot.alt_text(ax)


def test_tornado_of_certain_numbers_says_so():
    """Without a range there is no bar, and nothing of the variance to explain."""
    ax = plot.tornado(sensitivity(PLAIN, "kimi-k2", as_of=AS_OF))
    assert "nothing of the variance" in said(ax)
    assert "nothing that is uncertain" in plot.alt_text(ax)
