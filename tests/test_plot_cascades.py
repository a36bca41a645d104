"""The picture of cascades shows each route and those that none beats."""

import pytest
from legible import assert_legible, said
from pictured import AS_OF, closed, example

from kimi_planner import plot
from kimi_planner.choose import Detector, cascades, read_evaluations

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


def test_each_route_is_a_point_and_the_frontier_a_step(result):
    """Routes stand at cost and success; the frontier and the best per success are named."""
    ax = plot.cascades(result)
    points = [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in ax.lines
        if line.get_marker() != "None"
    ]
    assert points == [(float(one.cost_usd), one.success_rate) for one in result.routes]
    [step] = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert list(step.get_ydata())[:-1] == [one.success_rate for one in result.frontier]
    assert result.cheapest_per_success.name in ax.get_title(loc="left")
    for route in result.frontier[:12]:
        assert route.name.replace("kimi-", "") in said(ax)
    assert result.frontier[0].name in plot.alt_text(ax)


def test_cascades_are_legible(result):
    """Sixteen routes can be read in every size."""
    assert_legible(lambda ax: plot.cascades(result, ax=ax))


def test_measured_routes_have_lines_for_their_intervals():
    """Two thin lines through each route that none beats, from end to end."""
    found = cascades(
        example()[0],
        detector=Detector(false_accept="0.05", false_reject="0.1"),
        evaluations=read_evaluations(),
        as_of=AS_OF,
        n_paths=200,
    )
    ax = plot.cascades(found)
    thin = [line.get_xydata().tolist() for line in ax.lines if line.get_linewidth() == 1]
    for one in found.frontier:
        cost, rate = float(one.cost_usd), one.success_rate
        (least, most), (low, high) = one.intervals.cost, one.intervals.success
        assert [[cost, low], [cost, high]] in thin
        assert [[least, rate], [most, rate]] in thin
    assert "Thin: 90% intervals." in said(ax)
    assert_legible(lambda ax: plot.cascades(found, ax=ax))
