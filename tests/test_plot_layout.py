"""Words of pictures stand apart and inside the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legible import assert_apart
from matplotlib import pyplot as plt
from matplotlib.text import Text
from pictured import closed

from kimi_planner.plot import layout, style

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


def test_names_of_limits_get_rows_of_their_own():
    """Two limits side by side are named above each other, below the title."""
    with style.styled():
        ax = style.axes(None)
        ax.set_xlim(0, 100)
        names = [layout.limit(ax, f"limit number {at}", at, vertical=True) for at in (99, 98, 20)]
        layout.finish(ax, "Title", "Below.", "What it shows.", limits=names)
    assert_apart(ax, "limits")
    heights = {round(name.get_window_extent().y0) for name in names}
    assert len(heights) == 2


def test_texts_that_overlap_or_are_cut_are_found():
    """The test of legibility fails where it should."""
    figure = plt.figure()
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    assert_apart(ax, "plain")
    cut = ax.text(3, 0.5, "far outside")
    with pytest.raises(AssertionError, match="'far outside' is cut off"):
        assert_apart(ax, "cut")
    cut.remove()
    for text in ("one", "other"):
        ax.add_artist(Text(0.5, 0.5, text))
    with pytest.raises(AssertionError, match="'one' lies on 'other'"):
        assert_apart(ax, "overlap")
