"""The picture of cascades shows each route and those that none beats."""

import pytest
from legible import assert_legible, said
from pictured import AS_OF, closed, example

from kimi_planner import plot
from kimi_planner.choose import Detector, cascades, read_evaluations
from kimi_planner.plot.theme import LIGHT

__all__ = ["closed"]

RATES = {"kimi-k2": 0.5, "kimi-k2-5": 0.8, "kimi-k2-5-thinking": 0.93, "kimi-k2-instruct": 0.55}


@pytest.fixture(scope="module")
def result():
    return cascades(
        example()[0],
        detector=Detector(false_accept="0.05", false_reject="0.1", cost_usd="0.0001"),
        success_rates=RATES,
        as_of=AS_OF,
        n_paths=200,
    )


def test_each_route_that_none_beats_is_a_row(result):
    """From the best down, each stands at its cost, filled, with its success beside it."""
    ax = plot.cascades(result)
    singles = [one for one in result.routes if len(one.models) == 1]
    kept = {one.name: one for one in (*result.frontier, *singles)}
    rows = sorted(kept.values(), key=lambda one: (-one.success_rate, one.cost_usd))
    assert [text.get_text() for text in ax.get_yticklabels()] == [one.name for one in rows]
    dots = [line for line in ax.lines if line.get_marker() in {"o", "^"}]
    assert [dot.get_xdata()[0] for dot in dots] == [float(one.cost_usd) for one in rows]
    assert [dot.get_marker() == "o" for dot in dots] == [len(one.models) == 1 for one in rows]
    is_filled = [dot.get_color() == LIGHT.within for dot in dots]
    assert is_filled == [one.on_frontier for one in rows]
    for one in rows:
        assert f"{one.success_rate:.0%}" in said(ax)
    hidden = len(result.routes) - len(rows)
    assert (f"{hidden} beaten cascades are not drawn" in said(ax)) == bool(hidden)
    assert result.cheapest_per_success.name in ax.get_title(loc="left")
    assert result.frontier[0].name in plot.alt_text(ax)


def test_measured_routes_have_lines_for_their_intervals():
    """A line from end to end of the cost, and the interval of the success beside it."""
    found = cascades(
        example()[0],
        detector=Detector(false_accept="0.05", false_reject="0.1"),
        evaluations=read_evaluations(),
        as_of=AS_OF,
        n_paths=200,
    )
    ax = plot.cascades(found)
    lines = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]
    for one in found.frontier:
        assert list(one.intervals.cost) in lines or len(set(one.intervals.cost)) == 1
        low, high = (100 * end for end in one.intervals.success)
        assert f"({low:.0f} to {high:.0f}%)" in said(ax)
    assert "line: 90% interval" in said(ax)
    assert_legible(lambda ax: plot.cascades(found, ax=ax))
