"""Words of pictures stand apart and inside the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legible import assert_apart, said
from matplotlib import pyplot as plt
from matplotlib.text import Text
from pictured import closed

from kimi_planner.plot import layout, marks
from kimi_planner.plot.canvas import Canvas

__all__ = ["closed"]


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.1, 8))
def test_places_are_apart_in_order_and_within_bounds(places, gap):
    """Neighbours are a gap apart, none leaves the bounds, and the order stays."""
    found = layout.apart(places, gap, 0, 100)
    assert sorted(range(len(places)), key=lambda one: (places[one], one)) == sorted(
        range(len(places)), key=lambda one: (found[one], one)
    )
    assert all(-1e-9 <= one <= 100 + 1e-9 for one in found)
    assert (np.diff(sorted(found)) >= gap - 1e-9).all()


def test_places_that_are_apart_stay():
    """Nothing moves without need, and two that are too near move by the same."""
    assert layout.apart([1, 9, 5], 2) == [1, 9, 5]
    assert layout.apart([4, 5], 2) == [3.5, 5.5]


@pytest.mark.parametrize(
    ("needs", "got"), [((30, 40), (30, 40)), ((90, 40), (60, 40)), ((90, 90), (50, 50))]
)
def test_columns_share_what_there_is(needs, got):
    """Each has all it needs if that fits; else none is pressed below half."""
    assert layout.shared_out(100, *needs) == got


def test_a_text_is_broken_to_its_width():
    """No line is wider, no word is lost, and a long word is broken."""
    ax = plt.figure().add_subplot()
    text = "the nightly summary of kimi-k3.1-pro-highspeed and " + "x" * 60
    lines = layout.wrapped(ax, text, 90, fontsize=9)
    assert layout.size_of(ax, lines, fontsize=9)[0] <= 90
    assert "".join(lines.split()) == "".join(text.split())


def test_an_amount_stays_with_what_it_is():
    """A percentile and a unit are on the line of their number."""
    ax = plt.figure().add_subplot()
    lines = layout.wrapped(ax, "8.04 (P10 5.12, P90 13.74) of 145.55 USD", 60, fontsize=9)
    assert lines.split("\n") == ["8.04", "(P10 5.12,", "P90 13.74)", "of", "145.55 USD"]


def test_a_sign_at_the_end_of_an_axis_is_whole_and_a_row_left_out_is_not_seen():
    """A dot at the end is drawn beyond the axes; those of rows that do not fit are not."""
    figure = plt.figure(figsize=(4, 2))
    canvas = Canvas(ax=figure.add_subplot())
    canvas.ax.set_xlim(0, 10)
    canvas.rows(f"row {number}" for number in range(30))
    for number in range(30):
        marks.dot(canvas, number, 10.0, (10.0, 10.0), "#1b1b1b")
    canvas.finish("Title", "", "What it shows.")
    shown = len(canvas.ax.get_yticklabels())
    assert shown < 30
    assert canvas.ax.get_ylim() == (shown - 0.5, -0.5)
    assert_apart(figure, "many rows")
    inner, pixels = canvas.ax.get_window_extent(), np.asarray(figure.canvas.buffer_rgba())
    row = figure.bbox.height - canvas.ax.transData.transform((10, 0))[1]
    assert (pixels[round(row), round(inner.x1) + 3, :3] < 99).all()
    assert {round(line.get_clip_box().y0 - inner.y0) for line in canvas.ax.lines} == {0}


def test_a_key_too_long_for_its_place_is_cut_and_counted():
    """Four of twelve long names are shown, and the caption says how many are not."""
    canvas = Canvas(ax=plt.subplots(1, 2)[1][0])
    lines = canvas.ax.plot(np.zeros((2, 12)))
    key = [(f"the nightly summary of every ticket of region {number}", line)
           for number, line in enumerate(lines)]  # fmt: skip
    canvas.finish("Title", "Below.", "What it shows.", key=key, notes=["A note of the result."])
    assert len(canvas.ax.get_legend().get_texts()) == 4
    assert "8 of 12 lines are not named; taller axes name them. Below." in said(canvas.ax)
    assert "1 more note with the result" in said(canvas.ax)


def test_names_of_limits_get_rows_of_their_own():
    """Two limits side by side are named above each other, below the title."""
    canvas = Canvas()
    ax = canvas.ax
    ax.set_xlim(0, 100)
    for at in (99, 98, 20):
        canvas.limit(f"limit number {at}", at)
    canvas.finish("Title", "Below.", "What it shows.")
    assert_apart(ax.figure, "limits")
    named = [text for text in ax.texts if text.get_text().startswith("limit")]
    assert len({round(text.get_window_extent().y0) for text in named}) == 2


def test_names_that_differ_late_stay_different():
    """Rows of long names are broken into lines, and none is made equal to another."""
    names = [f"{'a nightly summary of ' * 9}{end} for the region" for end in ("one", "two")]
    canvas = Canvas()
    canvas.rows(names)
    canvas.finish("Title", "", "What it shows.")
    texts = [label.get_text() for label in canvas.ax.get_yticklabels()]
    assert len(set(texts)) == 2
    assert_apart(canvas.ax.figure, "long names")


def test_texts_that_overlap_or_are_cut_or_lie_on_marks_are_found():
    """The test of legibility fails where it should."""
    figure = plt.figure()
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    assert_apart(figure, "plain")
    for at, fault in (((3, 0.5), "cut off"), ((0.5, 0.5), "lies on what is drawn")):
        text = ax.text(*at, "some words")
        with pytest.raises(AssertionError, match=f"'some words' (is )?{fault}"):
            assert_apart(figure, fault)
        text.remove()
    for text in ("one", "other"):
        ax.add_artist(Text(-0.25, 0.5, text, transform=ax.transAxes))
    with pytest.raises(AssertionError, match="'one' lies on 'other'"):
        assert_apart(figure, "overlap")
