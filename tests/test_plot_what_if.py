"""The picture of a changed plan has its spend, and that of the plan."""

import pytest
from legible import assert_legible, said
from pictured import AS_OF, PUBLIC, awkward, closed, example, plan, wide

from kimi_planner import KimiPlannerError, plot, project
from kimi_planner.plan import what_if

__all__ = ["closed"]


def changed(**factors):
    """Return the plan of the example with its workloads changed."""
    return project(what_if(example(), **factors), months=4, as_of=AS_OF, n_paths=400)


@pytest.mark.parametrize("workload", [None, "coding-assistant"])
def test_bars_are_the_changed_plan_and_marks_the_planned_one(workload):
    """Bars reach the P50 of the changed plan, diamonds the planned P50; what moved is said."""
    planned, doubled = plan().projection, changed(traffic=2)
    ax = plot.what_if(doubled, planned, workload, moved="traffic × 2")
    for found, projection in (
        ([bar.get_width() for bar in ax.patches], doubled),
        ([line.get_xdata()[0] for line in ax.lines if line.get_marker() == "D"], planned),
    ):
        p50 = [projection.average_month([0.5], one, workload)[0] for one in planned.models]
        assert found == pytest.approx(p50)
    assert "at traffic × 2" in said(ax)
    assert "at traffic × 2" in plot.alt_text(ax)
    assert f"budget {planned.budget(workload):,.0f}" in said(ax)


@pytest.mark.parametrize("traffic", [0, 0.1, 40])
def test_nothing_is_cut_off(traffic):
    """The axis holds every bar, range, mark and budget, however far a plan is moved."""
    ax = plot.what_if(changed(traffic=traffic), plan().projection)
    ends = [bar.get_width() for bar in ax.patches]
    ends += [x for line in ax.lines if line.get_ydata()[0] != 0 or len(line.get_xdata()) > 1
             for x in line.get_xdata()]  # fmt: skip
    assert ax.get_xlim()[0] == 0
    assert max(ends) <= ax.get_xlim()[1]


def test_plans_on_other_models_are_not_compared():
    """The message names both lists of models."""
    other = project(example(), months=4, as_of=AS_OF, n_paths=400, models="kimi-k2")
    with pytest.raises(KimiPlannerError, match=r"on kimi-k2, the other one on kimi-k2-5, kimi-k2"):
        plot.what_if(other, plan().projection)


def test_what_if_is_legible():
    """Twelve models can be read in every size."""
    planned = wide()
    longer = project(
        what_if(awkward()[:2], output=3), months=2, models=planned.models, as_of=AS_OF,
        n_paths=200, catalog=PUBLIC,
    )  # fmt: skip
    assert_legible(lambda ax: plot.what_if(longer, planned, moved="output × 3", ax=ax))
