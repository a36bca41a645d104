"""Whether the words of a picture can be read: none cut off, none on another, none on what is drawn."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.text import Text

from kimi_planner.plot import alt_text

LEAST_PIXELS = 8  # height of a line of text
LEAST_CONTRAST = 4.5  # WCAG 2, level AA


def words(ax):
    """Return every text of a picture that is seen, as matplotlib holds it."""
    return [text.get_text() for text in _seen(ax)]


def said(ax):
    """Return what is written around the picture, apart from its axes, in one line."""
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())


def assert_legible(draw):
    """Draw a picture in the sizes it is looked at, and look at its words.

    Parameters
    ----------
    draw
        Takes the axes to draw on, or none for a figure of the picture's own, and returns them.
    """
    own = draw(None)
    assert_apart(own.figure, "own figure")
    own.figure.set_dpi(640 / own.figure.get_size_inches()[0])
    assert_apart(own.figure, "640 pixels")
    text = alt_text(own)
    assert text.endswith(".")
    assert len(text) > 30
    plt.close(own.figure)


def assert_apart(figure, size):
    """Hold every text of a figure inside it, large enough, in sight, on no other and on no mark."""
    figure.canvas.draw()  # by the renderer that writes the file
    canvas = figure.bbox.padded(0.5)
    boxes = [(text, text.get_window_extent()) for ax in figure.axes for text in _seen(ax)]
    for text, box in boxes:
        where = f"{size}: {text.get_text()!r}"
        cut = f"{where} is cut off: {box.extents.round()} of {canvas.extents}"
        assert canvas.x0 <= box.x0 <= box.x1 <= canvas.x1, cut
        assert canvas.y0 <= box.y0 <= box.y1 <= canvas.y1, cut
        pixels = text.get_fontsize() * figure.dpi / 72
        assert pixels >= LEAST_PIXELS, f"{where} is {pixels:.1f} pixels high"
        seen = contrast(text.get_color(), figure.get_facecolor())
        assert seen >= LEAST_CONTRAST, f"{where} has a contrast of {seen:.1f}"
        for other in figure.axes:
            inner = other.get_window_extent()
            assert not box.padded(-2).overlaps(inner), f"{where} lies on what is drawn"
    for (one, mine), (other, its) in combinations(boxes, 2):
        assert not mine.padded(-1).overlaps(its.padded(-1)), (
            f"{size}: {one.get_text()!r} lies on {other.get_text()!r}"
        )
    # An axis squeezed to nothing would pass: its words are apart because nothing is drawn.
    for ax in figure.axes:
        inner, spec = ax.get_window_extent(), ax.get_subplotspec()
        rows, columns = (1, 1) if spec is None else spec.get_gridspec().get_geometry()
        assert inner.width * columns > 0.25 * canvas.width, f"{size}: no width is left"
        assert inner.height * rows > 0.25 * canvas.height, f"{size}: no height is left"


def contrast(one, other):
    """Return the contrast of two colours by the formula of WCAG 2."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def same_color(one, other):
    """Tell whether two colours are the same, however they are written."""
    return mpl.colors.to_hex(one) == mpl.colors.to_hex(other)


def luminance(color):
    """Return the relative luminance of WCAG 2."""
    parts = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in mpl.colors.to_rgb(color)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _seen(ax):
    found = [text for text in ax.findobj(Text) if text.get_visible() and text.get_text().strip()]
    unseen = set()
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                unseen |= {id(tick.label1), id(tick.label2)}
    return [text for text in found if id(text) not in unseen]
