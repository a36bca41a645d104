"""What holds for every picture, on both catalogs: it can be read wherever it is drawn."""

import inspect
from dataclasses import replace
from functools import cache
from io import BytesIO

import matplotlib as mpl
import pandas as pd
import pytest
from legible import assert_apart, contrast, said, same_color, words
from matplotlib import pyplot as plt
from pictured import AS_OF, LONG, PLAIN, closed
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
    routing_curve,
    thinking_pays,
)
from kimi_planner.errors import SettingError
from kimi_planner.plan import Scenario, compare_plans, compare_scenarios, sensitivity

__all__ = ["closed"]

CARD, PUBLIC = "2026-06", "2026-11-public-3"
#: A model that does not reason and one that does, on a day on which both are sold.
PAIRS = {
    CARD: ("kimi-k2", "kimi-k2-5-thinking", AS_OF),
    PUBLIC: ("kimi-k2-0905-preview", "kimi-k2-thinking", AS_OF),
}


class Case:
    """Two workloads, one with a name to draw, planned on all models of a catalog."""

    def __init__(self, name, catalog):
        self.catalog = catalog
        self.workload = replace(
            PLAIN,
            name=name,
            requests_per_day={"p50": 1000, "p90": 2000},
            reasoning_tokens={"p50": 90, "p90": 300},
            turns=3,
        )
        self.workloads = [self.workload, replace(self.workload, name=LONG, turns=1)]
        self.settings = {"as_of": AS_OF, "n_paths": 100, "catalog": catalog}
        made = recommend(self.workloads, months=2, **self.settings)
        self.projection, self.fit = made.projection, made.fit
        self.models = made.projection.models
        self.rates = {model: 0.5 + 0.06 * place for place, model in enumerate(self.models)}

    @property
    def tried(self):
        """Evaluations of both workloads with about the rates."""
        rows = [
            (one.name, model, int(100 * rate), 100)
            for one in self.workloads
            for model, rate in self.rates.items()
        ]
        columns = ["workload", "model", "successes", "trials"]
        return read_evaluations(pd.DataFrame(rows, columns=columns))

    @property
    def scored(self):
        """Forty items on the first two models, with a score of the first."""
        rows = [
            (model, item, (item % 5 < 3 + place), item % 7)
            for place, model in enumerate(self.models[:2])
            for item in range(40)
        ]
        frame = pd.DataFrame(rows, columns=["model", "item", "success", "score_after"])
        return read_evaluations(frame.assign(workload=self.workload.name))

    def thinking(self):
        plain, thinks, as_of = PAIRS[self.catalog]
        settings = {**self.settings, "as_of": as_of, "months": 1}
        return thinking_pays(self.workload, plain, thinks, **settings)


#: What each picture draws, from a case.
RESULTS = {
    "cascades": lambda c: cascades(
        c.workload,
        detector=Detector(false_accept="0.05", false_reject="0.1"),
        success_rates=c.rates,
        projection=c.projection,
    ),
    "catalog_change": lambda c: catalog_effect(
        c.workload, "2026-11-public-2", c.catalog, months=1, as_of=AS_OF, n_paths=100
    ),
    "context_fit": lambda c: c.fit,
    "context_fit_curve": lambda c: c.fit,
    "conversation_growth": lambda c: conversation(c.workload, c.models[0], catalog=c.catalog),
    "cost_per_request": lambda c: cost_per_request(c.workload, projection=c.projection),
    "cost_per_success": lambda c: cost_per_success(c.workload, c.tried, projection=c.projection),
    "cost_vs_quality": lambda c: quality_frontier(c.projection, c.tried, workload=c.workload.name),
    "forecast": lambda c: forecast(),
    "monthly_spend": lambda c: c.projection,
    "outlook": lambda c: estimate(900),
    "plan_change": lambda c: compare_plans(
        c.projection, c.projection, before_choice=c.models[0], after_choice=c.models[1]
    ),
    "portfolio_frontier": lambda c: portfolio_frontier(
        c.workloads, evaluations=c.tried, projection=c.projection
    ),
    "routing_curve": lambda c: routing_curve(
        c.workload, *c.models[:2], c.scored, projection=c.projection
    ),
    "scenarios": lambda c: compare_scenarios(
        c.projection,
        [
            Scenario(name=c.workload.name, changes={"traffic": 2}),
            Scenario(name=LONG, changes={"output": 0.5}),
        ],
        c.models[0],
    ),
    "spend_distribution": lambda c: c.projection,
    "spend_fan": lambda c: c.projection,
    "thinking": Case.thinking,
    "throughput": lambda c: throughput(c.workload, c.models[0], months=1, **c.settings),
    "tornado": lambda c: sensitivity(
        c.workloads, c.models[0], months=1, as_of=AS_OF, catalog=c.catalog
    ),
}
case = cache(Case)


@cache
def result(name, workload, catalog):
    """Return what a picture draws, computed once."""
    return RESULTS[name](case(workload, catalog))


def draw(name, workload="support", catalog=CARD, **panel):
    """Draw a picture."""
    arguments = (case(workload, catalog).models[0],) if name == "spend_fan" else ()
    return getattr(plot, name)(result(name, workload, catalog), *arguments, **panel)


PICTURES = pytest.mark.parametrize("name", RESULTS)
BOTH = pytest.mark.parametrize("catalog", [CARD, PUBLIC])


def test_every_picture_is_held_to_all_that_follows():
    """A public name of the package that draws is in the table above, and takes the same settings."""
    assert set(plot.__all__) - {"alt_text", "explore", "Explorer", "slide"} == set(RESULTS)
    for name in RESULTS:
        function = getattr(plot, name)
        settings = inspect.signature(function).parameters
        assert {key: settings[key].default for key in ("ax", "title", "caption", "labels")} == {
            "ax": None, "title": None, "caption": None, "labels": True
        }  # fmt: skip
        assert "title, caption : str, optional" in function.__doc__


@BOTH
@PICTURES
@pytest.mark.parametrize("style", ["default", "grayscale", "dark_background"])
def test_every_picture_is_legible_in_every_style(name, catalog, style):
    """All words are inside, apart, in sight and off the marks, also at 640 pixels."""
    with plt.style.context(style):
        ax = draw(name, catalog=catalog)
    assert_apart(ax.figure, style)
    ax.figure.set_dpi(640 / ax.figure.get_size_inches()[0])
    assert_apart(ax.figure, f"{style}, 640 pixels")
    paper = ax.get_facecolor()
    marks = [line.get_color() for line in ax.lines if not same_color(line.get_color(), paper)]
    marks += [line.get_markeredgecolor() for line in ax.lines if line.get_marker() != "None"]
    marks += [patch.get_edgecolor() for patch in ax.patches if patch.get_linewidth()]
    assert all(contrast(color, paper) > 2 for color in marks)


@BOTH
def test_every_picture_keeps_to_its_half_of_a_figure(catalog):
    """Two in one figure, as pyplot makes it, can be read; their axes are of one size."""
    for name in RESULTS:
        figure, (left, right) = plt.subplots(1, 2)
        draw(name, catalog=catalog, ax=left)
        draw(name, catalog=catalog, ax=right)
        assert_apart(figure, f"half, {name}")
        one, other = left.get_window_extent(), right.get_window_extent()
        assert (one.width, one.height) == pytest.approx((other.width, other.height), rel=0.01)
        plt.close(figure)


@pytest.mark.parametrize("first", ["monthly_spend", "thinking"])
def test_pictures_of_different_kinds_share_a_figure(first):
    """One that joins a figure moves the words of those that are there."""
    figure, grid = plt.subplots(1, 2, figsize=(12, 5))
    draw(first, ax=grid[0])
    draw("catalog_change", ax=grid[1])
    assert_apart(figure, "12 inches")
    assert grid[0].get_window_extent().height == grid[1].get_window_extent().height


def test_axes_in_no_grid_keep_their_words_inside():
    """Axes that are placed by hand make room for their words within what they were given."""
    figure = plt.figure(figsize=(9, 5))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    draw("monthly_spend", ax=ax)
    assert_apart(figure, "by hand")
    box = ax.get_tightbbox()
    assert 90 - 2 <= box.x0 <= box.x1 <= 810 + 2
    assert 50 - 2 <= box.y0 <= box.y1 <= 450 + 2


def test_compared_pictures_have_one_scale():
    """Axes that share their scale show the same length for the same amount."""
    figure, grid = plt.subplots(1, 2, sharex=True, figsize=(12, 5))
    for ax, catalog in zip(grid, (CARD, PUBLIC), strict=True):
        draw("monthly_spend", catalog=catalog, ax=ax)
    assert grid[0].get_xlim() == grid[1].get_xlim()
    highest = max(
        case("support", catalog).projection.summary(together=True)["p90_usd_per_month"].max()
        for catalog in (CARD, PUBLIC)
    )
    assert grid[0].get_xlim()[1] >= highest
    assert_apart(figure, "shared")


def test_rows_that_do_not_fit_are_counted():
    """Axes too low for all rows show the first, and the caption says how many are missing."""
    figure = plt.figure(figsize=(6, 2.2))
    ax = draw("monthly_spend", catalog=PUBLIC, ax=figure.add_subplot())
    shown = len(ax.get_yticklabels())
    models = len(case("support", PUBLIC).models)
    assert 1 <= shown < models
    assert f"{models - shown} of {models} rows do not fit here" in said(ax)


@PICTURES
def test_axes_given_are_drawn_on_and_the_style_stays_inside(name):
    """Each picture draws on the axes it is given, makes its own without, and changes no setting."""
    before = dict(mpl.rcParams)
    _, ax = plt.subplots()
    assert draw(name, ax=ax) is ax
    assert draw(name) is not ax
    assert dict(mpl.rcParams) == before
    assert ax.get_title(loc="left")
    assert ax.get_xlabel() or ax.get_ylabel()
    assert plot.alt_text(ax).endswith(".")


@PICTURES
def test_words_can_be_replaced_or_left_out(name):
    """A title and a caption of the reader's, none, and no numbers beside the marks."""
    ax = draw(name, title="Mine", caption="All of it.", labels=False)
    assert ax.get_title(loc="left") == "Mine"
    texts = [text.get_text() for text in ax.texts]
    assert texts[-1] == "All of it."
    full = [text.get_text() for text in draw(name).texts]
    assert len(texts) <= len(full)
    assert not draw(name, title="").get_title(loc="left")
    bare = draw(name, caption="", labels=False)
    assert len(bare.texts) == len(texts) - 1


@pytest.mark.parametrize(
    ("panel", "words"), [({"ax": [1]}, "ax is of type list"), ({"titel": "x"}, "titel")]
)
def test_a_setting_that_is_none_is_refused(panel, words):
    """Axes that are none, and a misspelt setting, end in one line."""
    with pytest.raises((SettingError, TypeError), match=words):
        draw("monthly_spend", **panel)


@PICTURES
def test_names_are_drawn_as_they_are_written(name):
    """Dollar signs are no mathematics, and letters that no font has stop no picture."""
    workload = r"支 5$ \bad{$"
    for ax in (draw(name, workload), draw(name, workload, ax=plt.subplots()[1])):
        ax.figure.savefig(BytesIO(), format="svg")
    texts = " ".join(words(ax)).replace(r"\$", "$").replace("\n", " ")
    if name not in {"forecast", "outlook", "portfolio_frontier", "monthly_spend"} | {
        "spend_distribution", "spend_fan", "plan_change", "throughput"
    }:  # fmt: skip
        assert r"5$ \bad{$" in texts
        assert workload in plot.alt_text(ax) or name == "tornado"


def test_a_slide_is_a_full_screen(tmp_path):
    """It is 1,920 by 1,080 pixels, whole, and the figure keeps its size."""
    ax = draw("monthly_spend", catalog=PUBLIC)
    size = ax.figure.get_size_inches().tolist()
    path = plot.slide(ax, tmp_path / "slide.png")
    assert plt.imread(path).shape[:2] == (1080, 1920)
    assert ax.figure.get_size_inches().tolist() == size
    assert_apart(ax.figure, "after")


def test_alt_text_of_other_axes_is_empty():
    """Axes that hold no picture of this package have no words."""
    assert plot.alt_text(plt.subplots()[1]) == ""
