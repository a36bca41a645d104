"""Pictures of what changed in a plan, and of its scenarios, can be read and show the amounts."""

from dataclasses import replace

import pytest
from legible import said
from pictured import AS_OF, LONG, NAMES, PUBLIC, awkward, closed

from kimi_planner import plot, project
from kimi_planner.plan import Booking, Scenario, compare_plans, compare_scenarios

__all__ = ["closed"]

SETTINGS = {"months": 2, "as_of": AS_OF, "n_paths": 100, "catalog": PUBLIC}
OLD, NEW = "kimi-k3.1-pro-highspeed", "kimi-k2.6"


@pytest.fixture(scope="module")
def change():
    moved = [
        replace(
            one, prompt_tokens=3000, completion_tokens=99, reasoning_tokens=50, cached_share=0.1
        )
        for one in awkward()
    ]
    before = project(awkward(), models=[OLD, NEW], **SETTINGS)
    after = project(moved[1:], models=[OLD, NEW], booking=Booking(book="p80"), **SETTINGS)
    return compare_plans(before, after, before_choice=OLD, after_choice=NEW)


def test_a_step_is_drawn_from_where_the_last_one_ended(change):
    """Each bar begins at the sum of those above it; the last one is the new plan."""
    ax = plot.plan_change(change, NAMES[1])
    widths, lefts = zip(*[(bar.get_width(), bar.get_x()) for bar in ax.patches], strict=True)
    ends = [left + width for left, width in zip(lefts, widths, strict=True)]
    assert lefts[1:-1] == pytest.approx(ends[:-2])
    assert ends[-2] == pytest.approx(widths[-1])
    assert "model mix" in plot.alt_text(ax)
    assert any(f"{width:+,.2f}" in said(ax) for width in widths[1:-1])


def scenarios_of(*workloads):
    plan = project(workloads, models=NEW, booking=Booking(book="p80"), **SETTINGS)
    variants = [
        Scenario(name=LONG, changes={"traffic": 3}),
        Scenario(name=NAMES[2], changes={"output": 0}, first=str(plan.months[1])),
        Scenario(name="same", changes={"traffic": 1}),
    ]
    return compare_scenarios(plan, variants, NEW)


def test_a_bar_is_the_bookable_number():
    """Each bar ends at what is booked, and its line at P10 and P90."""
    result = scenarios_of(*awkward()[:2])
    ax = plot.scenarios(result)
    frame = result.frame
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(
        frame["usd"].astype(float).tolist()
    )
    lines = [line.get_xdata() for line in ax.lines if line.get_marker() == "|"]
    assert [list(line) for line in lines] == frame[["p10_usd", "p90_usd"]].to_numpy().tolist()
