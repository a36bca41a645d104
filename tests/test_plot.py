"""What holds for every picture, on both catalogs: it can be read wherever it is drawn."""

import colorsys
import inspect
import re

import matplotlib as mpl
import pytest
from drawn import CARD, PUBLIC, RESULTS, YUAN, case, draw, result
from legible import assert_apart, contrast, said, same_color, words
from matplotlib import pyplot as plt
from matplotlib.text import Text
from pictured import LONG, closed

from kimi_planner import plot
from kimi_planner.errors import SettingError
from kimi_planner.plot import canvas
from kimi_planner.plot.theme import DARK, LIGHT, Theme

__all__ = ["closed"]

PICTURES = pytest.mark.parametrize("name", RESULTS)
OF_QUALITY = ("cascades", "cost_per_success", "cost_vs_quality", "portfolio_frontier", "thinking")
#: Results that say in an error why there is nothing to draw.
REFUSED = {
    "nothing": {"cascades", "cost_per_success", "routing_curve", "thinking"},
    "unknown": {"portfolio_frontier"},
}


def test_every_picture_is_held_to_all_that_follows():
    """A public name of the package that draws is in the table of results, and takes the same settings."""
    assert set(plot.__all__) - {"alt_text", "explore", "Explorer", "slide"} == set(RESULTS)
    for name in RESULTS:
        function = getattr(plot, name)
        settings = inspect.signature(function).parameters
        assert {key: settings[key].default for key in ("ax", "title", "caption", "labels")} == {
            "ax": None, "title": None, "caption": None, "labels": True
        }  # fmt: skip
        assert "title, caption : str, optional" in function.__doc__


@pytest.mark.parametrize(
    ("name", "kind", "catalog", "style"),
    [
        *[(name, "usual", CARD, "default") for name in RESULTS],
        *[(name, "usual", PUBLIC, "grayscale") for name in RESULTS],
        *[(name, "nothing", CARD, "default") for name in RESULTS],
        *[(name, "unknown", PUBLIC, "dark_background") for name in OF_QUALITY],
    ],
)
def test_every_picture_is_legible_at_640_pixels(name, kind, catalog, style):
    """All words are inside, apart, in sight and off the marks, and marks stand out from the paper."""
    if name in REFUSED.get(kind, ()):
        with pytest.raises(SettingError, match=r"no traffic|No portfolio"):
            result(name, kind, catalog)
        return
    with plt.style.context(style):
        ax = draw(name, kind, catalog)
    ax.figure.set_dpi(640 / ax.figure.get_size_inches()[0])
    assert_apart(ax.figure, style)
    assert len(plot.alt_text(ax)) > 30
    assert plot.alt_text(ax).endswith(".")
    paper = ax.get_facecolor()
    marks = [line.get_color() for line in ax.lines if not same_color(line.get_color(), paper)]
    marks += [line.get_markeredgecolor() for line in ax.lines if line.get_marker() != "None"]
    marks += [patch.get_edgecolor() for patch in ax.patches if patch.get_linewidth()]
    assert all(contrast(color, paper) > 2 for color in marks)


@PICTURES
def test_every_picture_keeps_to_its_half_of_a_figure(name):
    """Beside another in one dark figure, as pyplot makes it, even long names can be read."""
    before = dict(mpl.rcParams)
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2)
        assert draw(name, "much", PUBLIC, ax=left) is left
        draw(name, ax=right)
    assert_apart(figure, f"half, {name}")
    one, other = left.get_window_extent(), right.get_window_extent()
    assert (one.width, one.height) == pytest.approx((other.width, other.height), rel=0.01)
    assert dict(mpl.rcParams) == before


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
        case("usual", catalog).projection.summary(together=True)["p90_usd_per_month"].max()
        for catalog in (CARD, PUBLIC)
    )
    assert grid[0].get_xlim()[1] >= highest
    assert_apart(figure, "shared")


def test_rows_that_do_not_fit_are_counted():
    """Axes too low for all rows show the first, and the caption says how many are missing."""
    figure = plt.figure(figsize=(6, 2.2))
    ax = draw("monthly_spend", catalog=PUBLIC, ax=figure.add_subplot())
    shown = len(ax.get_yticklabels())
    models = len(case("usual", PUBLIC).models)
    assert 1 <= shown < models
    assert f"{models - shown} of {models} rows do not fit here" in said(ax)


@PICTURES
def test_words_can_be_replaced_or_left_out(name, monkeypatch):
    """A title and a caption of the reader's, and no numbers beside the marks."""
    monkeypatch.setattr(canvas, "arrange", lambda lettering: lettering.write())
    ax = draw(name, title="Mine", caption="All of it.", labels=False)
    assert ax.get_title(loc="left") == "Mine"
    assert [text.get_text() for text in ax.texts][-1] == "All of it."
    assert not [text for text in ax.texts if text.xy[0] == 1 and text.get_color() == "#1b1b1b"]


SHADE = re.compile(r"\b(light|dark|pale|bright|faint|orange|blue|red|gr[ae]y)\b", re.I)


def faces(artists):
    """Return the colours, with how clear they are, that artists are filled with."""
    every = [
        face
        for one in artists
        for face in (
            [one.get_markerfacecolor()] if hasattr(one, "get_markerfacecolor") else
            one.get_facecolor() if hasattr(one, "get_paths") else [one.get_facecolor()]
        )
    ]  # fmt: skip
    return {mpl.colors.to_hex(face, keep_alpha=True) for face in every}


@PICTURES
@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
@pytest.mark.parametrize("catalog", [CARD, PUBLIC])
def test_what_colours_mean_is_shown_and_not_named(name, style, catalog, monkeypatch):
    """Print and dark paper change what a colour is called, so a key shows those that mean something."""
    monkeypatch.setattr(canvas, "arrange", lambda lettering: lettering.write())
    with plt.style.context(style):
        ax = draw(name, "usual", catalog)
    said_there = " ".join([*words(ax), plot.alt_text(ax)])
    assert not SHADE.search(said_there), said_there
    theme = Theme.of(ax)[0]
    dots = [line for line in ax.lines if line.get_marker() in ("o", "^", "s")]
    drawn = faces([*ax.patches, *ax.collections, *dots])
    bands = faces(ax.collections) if name in ("forecast", "outlook", "spend_fan") else set()
    means = {color for color in drawn if color[:7] == theme.over} | bands
    legend = ax.get_legend()
    assert means <= (faces(legend.legend_handles) if legend else set())


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_docstrings_name_the_colours_that_are_drawn(theme):
    """What a docstring calls blue, orange and red is of that hue on both papers (CSS Color 4: HSL)."""
    hues = [360 * colorsys.rgb_to_hls(*mpl.colors.to_rgb(getattr(theme, role)))[0]
            for role in ("within", "over", "budget")]  # fmt: skip
    assert hues == [pytest.approx(one, abs=12) for one in (207, 39, 4)]
    for name in RESULTS:
        assert not re.search(r"(?i)\b(light|dark|pale)\b", getattr(plot, name).__doc__)


@PICTURES
def test_amounts_are_named_by_the_currency_of_the_plan(name, monkeypatch):
    """Workloads in CNY: neither the result nor its picture speaks of USD, in words or in heads."""
    monkeypatch.setattr(canvas, "arrange", lambda lettering: lettering.write())
    if name == "throughput":  # tiers are recharged with USD
        with pytest.raises(SettingError, match="in CNY, and what tiers are recharged with"):
            result(name, "usual", YUAN)
        return
    found, ax = result(name, "usual", YUAN), draw(name, "usual", YUAN)
    sentences = getattr(found, "sentences", ())
    told = [repr(found), found._repr_html_(), *words(ax), plot.alt_text(ax)]
    told += sentences() if callable(sentences) else sentences
    every = " ".join(told).replace("cost_usd tell", "")  # a column of evaluations
    assert "USD" not in every
    assert "_usd" not in every
    assert "CNY" in every or name.startswith("context_fit")


def test_no_words_at_all():
    """Without title, caption and labels nothing is written around the axes but their own names."""
    ax = draw("monthly_spend", title="", caption="", labels=False)
    assert not ax.get_title(loc="left")
    assert [text.get_text() for text in ax.texts] == ["budget 10.00"]


@pytest.mark.parametrize(
    ("panel", "words"), [({"ax": [1]}, "ax is of type list"), ({"titel": "x"}, "titel")]
)
def test_a_setting_that_is_none_is_refused(panel, words):
    """Axes that are none, and a misspelt setting, end in one line."""
    with pytest.raises((SettingError, TypeError), match=words):
        draw("monthly_spend", **panel)


@PICTURES
def test_names_are_drawn_as_they_are_written(name, monkeypatch):
    """Dollar signs are no mathematics, braces and a lone backslash stop no picture."""
    monkeypatch.setattr(
        canvas, "arrange", lambda lettering: lettering.write()
    )  # layout is held above
    ax = draw(name, "much", PUBLIC)
    texts = " ".join([*words(ax), *(text.get_text() for text in ax.get_yticklabels())])
    drawn = " ".join(texts.replace(r"\$", "$").split())
    assert not any(text._preprocess_math(text.get_text())[1] for text in ax.findobj(Text))
    if LONG in plot.alt_text(ax):
        assert LONG in drawn or LONG.replace(" ", "") in drawn.replace(" ", "")


@PICTURES
def test_a_reader_who_writes_in_tex_sees_the_same_words(name, tmp_path):
    """Names, shares and amounts are no TeX, and none has to be installed."""
    with plt.rc_context({"text.usetex": True}):
        ax = draw(name, "usual", CARD)
        ax.figure.savefig(tmp_path / "tex.png")
    plain = draw(name, "usual", CARD)
    plain.figure.savefig(tmp_path / "plain.png")
    assert (tmp_path / "tex.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


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
