"""Words of pictures: shortened, kept apart, and drawn as they are written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legible import assert_apart
from matplotlib import pyplot as plt
from matplotlib.text import Text
from pictured import LONG, closed

from kimi_planner.plot import style, words

__all__ = ["closed"]


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(0.1, 8))
def test_places_are_apart_in_order_and_within_bounds(places, gap):
    """Neighbours are a gap apart, none leaves the bounds, and the order stays."""
    found = words.apart(places, gap, 0, 100)
    assert sorted(range(len(places)), key=lambda one: (places[one], one)) == sorted(
        range(len(places)), key=lambda one: (found[one], one)
    )
    assert all(-1e-9 <= one <= 100 + 1e-9 for one in found)
    assert (np.diff(sorted(found)) >= gap - 1e-9).all()


def test_places_that_are_apart_stay():
    """Nothing moves without need, and two that are too near move by the same."""
    assert words.apart([1, 9, 5], 2) == [1, 9, 5]
    assert words.apart([4, 5], 2) == [3.5, 5.5]


def test_long_names_lose_their_middle():
    """Start and end are kept, so that names that differ there stay different."""
    assert words.short("support") == "support"
    short = words.short(LONG)
    assert len(short) == 30
    assert short.startswith("the nightly")
    assert short.endswith("in_it")
    assert words.short("two\nlines") == "two lines"


@pytest.mark.parametrize("text", ["5$", r"a\$b", "$x$", "under_score", "{brace}", "50%"])
def test_a_text_is_drawn_letter_by_letter(text):
    """What matplotlib draws is no mathematics and has no escape left in it."""
    figure = plt.figure()
    drawn = figure.text(0, 0, words.literal(text))
    clean, mathematics = drawn._preprocess_math(drawn.get_text())
    assert not mathematics
    assert clean == text


def test_letters_without_a_font_are_written_as_their_code(monkeypatch):
    """Two names that no font can draw are still told apart, without a warning."""
    monkeypatch.setattr(words, "can_draw", lambda char: char.isascii() and char.isprintable())
    assert words.literal("支付") == r"\u652f\u4ed8"
    assert words.literal("🚀 1") == r"\U0001f680 1"
    assert words.literal("a\x07b") == r"a\x07b"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1, "100%"), (0.004, "<1%"), (0.996, ">99%"), (0.5, "50%"), (0.01, "1%")],
)
def test_shares_are_never_rounded_to_none_or_all(share, text):
    """Only a share of exactly 0 or 1 reads so."""
    assert words.at_most(share) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (12345.6, "12,346"), (4.5, "4.50"), (0.0042, "0.00420"), (-3e-7, "-0.000000300")],
)
def test_amounts_are_never_rounded_to_nothing(amount, text):
    """Small amounts keep three digits."""
    assert words.dollars(amount) == text


def test_lists_and_notes_say_what_they_leave_out():
    """Nothing is dropped silently."""
    assert words.listed("abc") == "a; b; c"
    assert words.listed(map(str, range(20))).endswith("; 11; and 8 more")
    assert words.resting(["One."], "Seed 0.") == "One. Seed 0."
    assert words.resting(["x" * 300, "y" * 99, "z"], "End.").endswith(
        "x 2 more notes with the result. End."
    )


def test_names_of_limits_get_rows_of_their_own():
    """Two limits side by side are named above each other, below the title."""
    with style.styled():
        ax = style.axes(None)
        ax.set_xlim(0, 100)
        names = [words.limit(ax, f"limit number {at}", at, vertical=True) for at in (99, 98, 20)]
        words.finish(ax, "Title", "Below.", "What it shows.", limits=names)
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
