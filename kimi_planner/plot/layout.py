"""Sizes and distances of words: broken to a width, kept apart, measured in points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator
from matplotlib.transforms import (
    Bbox,
    IdentityTransform,
    ScaledTranslation,
    blended_transform_factory,
)
from scipy.optimize import isotonic_regression

from kimi_planner.plot.style import TEXT, families
from kimi_planner.plot.words import literal

_SLACK = 0.95  # letters are set on whole pixels, so a text is not as wide in every size
_GAP = 4.0  # points between labels of ticks, at least
_TICKS = (4, 3, 2, 1)  # at most, until their labels stand apart
_LEAST_CHARS = 8
_PAD = 5.0  # points around a picture
_SIGN, _DASHED = 1.2, 2.6  # of a size of letters: a sign of a key, and one whose dashes are seen
_BOUND = re.compile(r"(?<=\bP\d\d) (?=[\d.])|(?<=\d) (?=[A-Z]{3}\b)")


def root_of(ax: Axes) -> Figure:
    """Return the whole figure that axes are in, also inside subfigures."""
    figure: Any = ax.figure
    root: Figure = figure.figure
    return root


def points(ax: Axes) -> float:
    """Return how many points a pixel has."""
    return 72 / float(root_of(ax).dpi)


def size_of(ax: Axes, text: str, **font: Any) -> tuple[float, float]:
    """Return the width and height of a text, points."""
    return _measured(text, float(root_of(ax).dpi), families(), tuple(font.items()))


@lru_cache(4096)  # the same words are measured for every place that is tried
def _measured(
    text: str, dpi: float, names: tuple[str, ...], font: tuple[tuple[str, Any], ...]
) -> tuple[float, float]:
    probe = Text(0, 0, literal(text), family=list(names), **dict(font))
    probe.set_figure(Figure(dpi=dpi))
    box = probe.get_window_extent()
    return 72 / dpi * box.width, 72 / dpi * box.height


def wrapped(ax: Axes, text: str, width: float, **font: Any) -> str:
    """Break a text into lines that are at most so many points wide.

    A percentile and its amount, and an amount and its unit, stay on one line.
    """
    lines, chars = text, max(map(len, text.split("\n")), default=0)
    needed = size_of(ax, lines, **font)[0] if text else 0.0
    while chars > _LEAST_CHARS and needed > _SLACK * width:
        chars = max(_LEAST_CHARS, min(chars - 1, int(chars * width / needed) + 1))
        bound = _BOUND.sub("\N{NO-BREAK SPACE}", text)
        lines = "\n".join(fill(line, chars) for line in bound.split("\n"))
        lines = lines.replace("\N{NO-BREAK SPACE}", " ")
        needed = size_of(ax, lines, **font)[0]
    return lines


def shared_out(width: float, first: float, second: float) -> tuple[float, float]:
    """Return what two columns get of a width: each all it needs, or else at least half."""
    if first + second <= width:
        return first, second
    first = min(first, max(width / 2, width - second))
    return first, width - first


def apart(
    places: Sequence[float], gap: float, least: float = float("-inf"), most: float = float("inf")
) -> list[float]:
    """Return places in the same order, as near as possible and at least ``gap`` from each other."""
    if not len(places):
        return []
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(order))
    starts = isotonic_regression(np.asarray(places, dtype=float)[order] - steps).x
    found = np.empty(len(order))
    found[order] = np.maximum(least, np.minimum(starts, most - steps[-1])) + steps
    return [float(place) for place in found]


def fit_axes(ax: Axes, xlabel: str, ylabel: str, left: float, width: float) -> None:
    """Break the labels of axes, and leave out ticks where the x axis is too short for them.

    A label that is longer than the x axis reaches beyond it, as far as the picture does, which is
    ``width`` points wide; the axes begin ``left`` points further.
    """
    inner = ax.get_window_extent()
    along = inner.width * points(ax)
    is_long = size_of(ax, xlabel, fontsize=TEXT)[0] > along
    text = wrapped(ax, xlabel, width if is_long else along, fontsize=TEXT)
    ax.set_xlabel(literal(text))
    half = size_of(ax, text, fontsize=TEXT)[0] / 2
    middle = max(half - left, min(along / 2, width - left - half))
    shift = ScaledTranslation((middle - along / 2) / 72, 0, root_of(ax).dpi_scale_trans)
    ax.xaxis.label.set_transform(
        blended_transform_factory(ax.transAxes, IdentityTransform()) + shift
    )
    ax.set_ylabel(literal(wrapped(ax, ylabel, inner.height * points(ax), fontsize=TEXT)))
    _thin_out(ax)


def _thin_out(ax: Axes) -> None:
    """Leave out ticks of the x axis until the labels of the others stand apart."""
    locator = ax.xaxis.get_major_locator()
    for most in _TICKS:
        low, high = sorted(ax.get_xlim())
        labels = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
        boxes = [one.get_window_extent() for at, one in labels if low <= at <= high]
        if all(before.x1 + _GAP / points(ax) <= after.x0 for before, after in pairwise(boxes)):
            return
        if isinstance(locator, MaxNLocator):
            steps = [1, 2, 3, 4, 5, 10]
            locator.set_params(nbins=most, min_n_ticks=min(most, 2), steps=steps)
        elif isinstance(locator, LogLocator):
            locator.set_params(numticks=most)
        elif isinstance(locator, FixedLocator):
            texts = [one.get_text() for one in ax.get_xticklabels()]
            ax.set_xticks(ax.get_xticks()[::2], labels=texts[::2])
        elif hasattr(locator, "maxticks"):  # dates
            locator.maxticks = dict.fromkeys(locator.maxticks, most)


def cell_of(ax: Axes, slot: Bbox) -> tuple[float, float]:
    """Return the width and height of the place that axes have in their figure, points.

    It is their cell in a grid, or else the ``slot`` that they were given, as a share of the figure.
    """
    figure: Any = ax.figure
    width, height = figure.bbox.width * points(ax), figure.bbox.height * points(ax)
    spec = ax.get_subplotspec()
    if spec is None:
        return slot.width * width, slot.height * height
    grid = spec.get_gridspec()
    return (
        width * len(spec.colspan) / grid.ncols - 2 * _PAD,
        height * len(spec.rowspan) / grid.nrows - 2 * _PAD,
    )


def margins_of(ax: Axes, beside: Sequence[Annotation]) -> tuple[float, float, float]:
    """Return how far names, texts beside axes and ticks reach beyond them: left, right, below; points."""
    inner, scale = ax.get_window_extent(), points(ax)
    across: Any = ax.yaxis.get_tightbbox()
    along: Any = ax.xaxis.get_tightbbox()
    rights = [inner.x1, *(text.get_window_extent().x1 for text in beside)]
    left = 0.0 if across is None else max(0.0, inner.x0 - across.x0)
    if along is not None and along.x1 > ax.xaxis.label.get_window_extent().x1:
        rights.append(along.x1)  # a label that reaches beyond the axis makes no room for itself
    bottom = 0.0 if along is None else max(0.0, inner.y0 - along.y0)
    return left * scale, (max(rights) - inner.x1) * scale, bottom * scale


def place_within(ax: Axes, slot: Bbox) -> None:
    """Move axes that stand in no grid so that their words stay inside what they were given."""
    if ax.get_subplotspec() is not None:  # what follows takes long
        return
    inner, drawn = ax.get_window_extent(), ax.get_tightbbox()
    if drawn is None:
        return
    figure: Any = ax.figure
    box = figure.bbox
    x0 = slot.x0 + (inner.x0 - drawn.x0) / box.width
    y0 = slot.y0 + (inner.y0 - drawn.y0) / box.height
    x1 = slot.x1 - (drawn.x1 - inner.x1) / box.width
    y1 = slot.y1 - (drawn.y1 - inner.y1) / box.height
    ax.set_position((x0, y0, max(x1 - x0, 0.02), max(y1 - y0, 0.02)))


def rows_of(spans: Sequence[tuple[float, float]], gap: float) -> list[int]:
    """Return for each span, from left to right, the lowest row in which it overlaps none before it."""
    ends: list[float] = []
    rows = []
    for start, end in spans:
        row = next((row for row, before in enumerate(ends) if before + gap < start), len(ends))
        ends[row : row + 1] = [end]
        rows.append(row)
    return rows


def key_above(
    ax: Axes,
    entries: Sequence[tuple[str, Artist]],
    shift: tuple[float, float],
    width: float,
    **font: Any,
) -> float:
    """Write what signs mean above axes, in as few rows as fit, and return their height, points.

    ``shift`` tells how far to the left and above the axes they begin.
    """
    signs = [sign for _, sign in entries]
    names = [
        literal(wrapped(ax, name, width - 18, fontsize=font["fontsize"])) for name, _ in entries
    ]
    is_dashed = any(isinstance(one, Line2D) and one.is_dashed() for one in signs)
    offset = ScaledTranslation(-shift[0] / 72, shift[1] / 72, root_of(ax).dpi_scale_trans)
    for columns in range(len(names), 0, -1):
        legend = ax.legend(
            signs,
            names,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            bbox_transform=ax.transAxes + offset,
            ncols=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=_DASHED if is_dashed else _SIGN,
            columnspacing=1.2,
            **font,
        )
        box = legend.get_window_extent()
        if box.width * points(ax) <= width:
            break
    return float(box.height) * points(ax)
