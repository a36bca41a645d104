"""What holds for every picture: axes, style, words, alt text."""

import inspect
from dataclasses import replace
from functools import cache
from io import BytesIO

import matplotlib as mpl
import pandas as pd
import pytest
from legible import words
from matplotlib import pyplot as plt
from pictured import AS_OF, PLAIN, PUBLIC, closed
from test_plot_forecast import forecast
from test_plot_outlook import estimate

from kimi_planner import plot, recommend
from kimi_planner.calls.conversation import conversation
from kimi_planner.capacity import throughput
from kimi_planner.choose import (
    Detector,
    cascades,
    catalog_effect,
    cost_per_request,
    cost_per_success,
    portfolio_frontier,
    quality_frontier,
    read_evaluations,
    thinking_pays,
)
from kimi_planner.plan import Scenario, compare_plans, compare_scenarios, sensitivity

__all__ = ["closed"]

RATES = {"kimi-k2": 0.5, "kimi-k2-5": 0.8, "kimi-k2-5-thinking": 0.93, "kimi-k2-instruct": 0.55}


@cache
def small(name):
    """Return one workload with ranges, and a recommendation for one month of it."""
    workload = replace(
        PLAIN,
        name=name,
        requests_per_day={"p50": 1000, "p90": 2000},
        reasoning_tokens={"p50": 90, "p90": 300},
        turns=3,
    )
    return workload, recommend(workload, months=2, as_of=AS_OF, n_paths=200)


def tried(name):
    """Return evaluations of a workload with about these rates."""
    rows = [(name, model, int(100 * rate), 100) for model, rate in RATES.items()]
    return read_evaluations(
        pd.DataFrame(rows, columns=["workload", "model", "successes", "trials"])
    )


#: Every picture, from a workload and a recommendation for it.
DRAWN = {
    "cascades": lambda w, r, ax: plot.cascades(
        cascades(
            w,
            detector=Detector(false_accept="0.05", false_reject="0.1"),
            success_rates=RATES,
            projection=r.projection,
        ),
        ax=ax,
    ),
    "catalog_change": lambda w, r, ax: plot.catalog_change(
        catalog_effect(w, "2026-06", PUBLIC, months=1, as_of=AS_OF, n_paths=100), ax=ax
    ),
    "context_fit": lambda w, r, ax: plot.context_fit(r.fit, ax=ax),
    "context_fit_curve": lambda w, r, ax: plot.context_fit_curve(r.fit, ax=ax),
    "conversation_growth": lambda w, r, ax: plot.conversation_growth(
        conversation(w, "kimi-k2"), ax=ax
    ),
    "cost_per_request": lambda w, r, ax: plot.cost_per_request(
        cost_per_request(w, projection=r.projection), ax=ax
    ),
    "cost_per_success": lambda w, r, ax: plot.cost_per_success(
        cost_per_success(w, projection=r.projection), ax=ax
    ),
    "cost_vs_quality": lambda w, r, ax: plot.cost_vs_quality(
        quality_frontier(r.projection, tried(w.name), workload=w.name), ax=ax
    ),
    "forecast": lambda w, r, ax: plot.forecast(forecast(), ax=ax),
    "monthly_spend": lambda w, r, ax: plot.monthly_spend(r.projection, w.name, ax=ax),
    "outlook": lambda w, r, ax: plot.outlook(estimate(), ax=ax),
    "plan_change": lambda w, r, ax: plot.plan_change(
        compare_plans(r.projection, r.projection, before_choice="kimi-k2", after_choice="kimi-k2"),
        w.name,
        ax=ax,
    ),
    "portfolio_frontier": lambda w, r, ax: plot.portfolio_frontier(
        portfolio_frontier(w, [1, 5, 9], evaluations=tried(w.name), projection=r.projection),
        ax=ax,
    ),
    "scenarios": lambda w, r, ax: plot.scenarios(
        compare_scenarios(r.projection, [Scenario(name=w.name, changes={"traffic": 2})], "kimi-k2"),
        ax=ax,
    ),
    "spend_distribution": lambda w, r, ax: plot.spend_distribution(r.projection, w.name, ax=ax),
    "spend_fan": lambda w, r, ax: plot.spend_fan(r.projection, "kimi-k2", w.name, ax=ax),
    "thinking": lambda w, r, ax: plot.thinking(
        thinking_pays(w, "kimi-k2", "kimi-k2-5-thinking", projection=r.projection), ax=ax
    ),
    "throughput": lambda w, r, ax: plot.throughput(
        throughput(w, "kimi-k2", months=1, as_of=AS_OF, n_paths=100), workload=w.name, ax=ax
    ),
    "tornado": lambda w, r, ax: plot.tornado(
        sensitivity(w, "kimi-k2", months=1, as_of=AS_OF), ax=ax
    ),
}
PICTURES = pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())


@pytest.fixture(scope="module")
def ordinary():
    return small("support")


def test_every_picture_is_held_to_all_that_follows():
    """A public name of the package that draws is in the table above."""
    assert set(plot.__all__) - {"alt_text", "explore", "slide"} == set(DRAWN)
    for name in DRAWN:
        assert inspect.signature(getattr(plot, name)).parameters["ax"].default is None


@PICTURES
def test_axes_given_are_drawn_on_and_the_style_stays_inside(ordinary, draw):
    """Each picture draws on the axes it is given, makes its own without, and changes no setting."""
    before = dict(mpl.rcParams)
    _, ax = plt.subplots()
    assert draw(*ordinary, ax) is ax
    assert draw(*ordinary, None) is not ax
    assert dict(mpl.rcParams) == before
    assert ax.get_title(loc="left")
    assert ax.get_xlabel() or ax.get_ylabel()
    assert plot.alt_text(ax).endswith(".")


@PICTURES
def test_names_are_drawn_as_they_are_written(draw):
    """Dollar signs are no mathematics, and letters that no font has stop no picture."""
    name = r"支 5$ \bad{$"
    given = small(name)
    for ax in (draw(*given, None), draw(*given, plt.subplots()[1])):
        ax.figure.savefig(BytesIO(), format="svg")
    texts = " ".join(words(ax)).replace(r"\$", "$").replace("\n", " ")
    if draw not in {DRAWN["forecast"], DRAWN["outlook"], DRAWN["portfolio_frontier"]}:
        assert r"5$ \bad{$" in texts
        assert name in plot.alt_text(ax) or draw is DRAWN["tornado"]


def test_pictures_share_a_figure():
    """Four pictures in one figure keep their words to their own quarter."""
    workload, result = small("support")
    figure, grid = plt.subplots(2, 2, figsize=(16, 9), layout="constrained")
    for ax, name in zip(
        grid.flat, ["monthly_spend", "spend_fan", "context_fit", "scenarios"], strict=True
    ):
        DRAWN[name](workload, result, ax)
    figure.draw_without_rendering()
    for ax in grid.flat:
        column = ax.get_subplotspec().colspan.start
        box = ax.get_tightbbox()
        assert 800 * column - 1 <= box.x0 <= box.x1 <= 800 * (column + 1) + 1


def test_alt_text_of_other_axes_is_empty():
    """Axes that hold no picture of this package have no words."""
    assert plot.alt_text(plt.subplots()[1]) == ""
