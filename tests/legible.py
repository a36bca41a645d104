"""Whether the words of a picture can be read: none cut off, none on another, none too small."""

from __future__ import annotations

from itertools import combinations

from matplotlib import pyplot as plt
from matplotlib.text import Text

from kimi_planner.plot import alt_text, slide

LEAST_PIXELS = 8  # height of a line of text


def words(ax):
    """Return every text of a picture that is seen, as matplotlib holds it."""
    return [text.get_text() for text in _seen(ax)]


def said(ax):
    """Return what is written in the picture, apart from its axes, in one line."""
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())


def assert_legible(draw, *, on_slide=True):
    """Draw a picture in every size it is looked at, and look at its words.

    Parameters
    ----------
    draw
        Takes the axes to draw on, or none for a figure of the picture's own, and returns them.
    on_slide
        Whether it has no more rows than a slide holds.
    """
    own = draw(None)
    width, height = own.figure.get_size_inches()
    assert_apart(own, "own figure")
    own.figure.set_dpi(640 / width)
    assert_apart(own, "640 pixels")
    assert_large(own)
    narrow = plt.figure(figsize=(6.4, height), dpi=100, layout="constrained").add_subplot()
    assert_apart(draw(narrow), "6.4 inches")
    if on_slide:
        assert_apart(draw(slide()), "slide")
    text = alt_text(own)
    assert text.endswith(".")
    assert len(text) > 30
    assert alt_text(narrow) == text
    for figure in {own.figure, narrow.figure}:
        plt.close(figure)


def assert_apart(ax, size):
    """Hold every text inside the canvas, and no two on each other."""
    ax.figure.draw_without_rendering()
    canvas = ax.figure.bbox.padded(0.5)
    boxes = [(text, text.get_window_extent()) for text in _seen(ax)]
    for text, box in boxes:
        where = f"{size}: {text.get_text()!r} is cut off: {box.extents.round()} of {canvas.extents}"
        assert canvas.x0 <= box.x0 <= box.x1 <= canvas.x1, where
        assert canvas.y0 <= box.y0 <= box.y1 <= canvas.y1, where
    for (one, mine), (other, its) in combinations(boxes, 2):
        assert not mine.padded(-1).overlaps(its.padded(-1)), (
            f"{size}: {one.get_text()!r} lies on {other.get_text()!r}"
        )
    # An axis squeezed to nothing would pass: its words are apart because nothing is drawn.
    inner = ax.get_window_extent()
    assert inner.width > 0.25 * canvas.width, f"{size}: no width is left for what is drawn"
    assert inner.height > 0.25 * canvas.height, f"{size}: no height is left for what is drawn"


def assert_large(ax):
    """Hold every text to a height that can be read."""
    for text in _seen(ax):
        pixels = text.get_fontsize() * ax.figure.dpi / 72
        assert pixels >= LEAST_PIXELS, f"{text.get_text()!r} is {pixels:.1f} pixels high"


def _seen(ax):
    found = [text for text in ax.findobj(Text) if text.get_visible() and text.get_text().strip()]
    unseen = set()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                unseen |= {id(tick.label1), id(tick.label2)}
    return [text for text in found if id(text) not in unseen]
