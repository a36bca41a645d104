"""Where the words of pictures stand: none is cut off, and none lies on another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation, blended_transform_factory
from scipy.optimize import isotonic_regression

from kimi_planner.plot.style import BUDGET, MUTED, SMALL, TINY, families
from kimi_planner.plot.words import NAME_CHARS, dollars, literal, short

__all__ = [
    "apart",
    "arrange",
    "beside",
    "budget_limits",
    "column",
    "finish",
    "label",
    "limit",
    "row_names",
]

_LIMIT_POINTS = 13  # height of one row of limits above the axes
_GAP_POINTS = 6  # above the axes, clear of half a label of the y axis
_FULL = 0.75  # of an axis, taken by the labels of its ticks
_SLACK = 0.95  # letters are set on whole pixels, so a text is not as wide in every size


def label(
    ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **options: Any
) -> Annotation:
    """Write beside a point, on white so that lines behind do not cross the words."""
    return ax.annotate(
        literal(text),
        at,
        xytext=offset,
        textcoords="offset points",
        annotation_clip=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        zorder=5,
        **{"va": "center", "fontsize": SMALL, **options},
    )


def beside(ax: Axes, text: str, place: float, **options: Any) -> Annotation:
    """Write to the right of the axes, at a height in data."""
    return label(ax, text, (1, place), (8, 0), xycoords=("axes fraction", "data"), **options)


def row_names(ax: Axes, names: Iterable[str], chars: int = NAME_CHARS) -> None:
    """Write the names of rows from top to bottom, a line of each at most so many characters long."""
    texts = ["\n".join(literal(short(line, chars)) for line in name.split("\n")) for name in names]
    ax.set_yticks(range(len(texts)), labels=texts)
    for tick in ax.get_yticklabels():
        tick.set_fontfamily(list(families()))
    ax.set_ylim(max(len(texts), 1) - 0.5, -0.5)


def limit(
    ax: Axes, text: str, value: float, *, vertical: bool, color: str = BUDGET, side: str = "left"
) -> Annotation:
    """Draw a limit across the picture, named above it or at one of its ends."""
    right = side == "right"
    line = ax.axvline if vertical else ax.axhline
    line(value, color=color, linestyle="--", linewidth=1.5, zorder=3)
    return ax.annotate(
        literal(text),
        (value, 1) if vertical else (float(right), value),
        xycoords=ax.get_xaxis_transform() if vertical else ax.get_yaxis_transform(),
        xytext=(0, 3) if vertical else (-6 if right else 6, 2),
        textcoords="offset points",
        ha="center" if vertical else side,
        va="bottom",
        color=color,
        fontsize=SMALL,
        annotation_clip=False,
    )


def budget_limits(ax: Axes, budget: Decimal | float | None) -> list[Annotation]:
    """Draw a budget across a picture of spend from left to right, if there is one."""
    if budget is None:
        return []
    return [limit(ax, f"budget {dollars(budget)}", float(budget), vertical=True)]


def finish(
    ax: Axes,
    title: str,
    below: str,
    words: str,
    *,
    limits: Sequence[Annotation] = (),
    key: Sequence[tuple[str, Artist]] = (),
) -> None:
    """Write title and caption across the whole width, and keep the picture in words.

    Parameters
    ----------
    title, below
        What stands above and below; broken into lines that fit.
    words
        What :func:`alt_text` returns.
    limits
        Names of vertical limits; those that would lie on each other get rows of their own.
    key
        What colours and signs mean, in rows above the axes.
    """
    ax.set_label(words)
    arrange(ax)
    left, right = _slot(ax)
    inner = ax.get_window_extent()
    points = 72 / _root(ax).dpi
    rows = _stagger(limits, inner.x0, right, points)
    start = (left - ax.figure.bbox.x0) / ax.figure.bbox.width
    above = _key(ax, key, start, right - left, _GAP_POINTS + _LIMIT_POINTS * rows) if key else 0.0
    width = _SLACK * (right - left)
    figure: Any = ax.figure
    heading = ax.set_title(
        _wrapped(ax, title, width, fontsize=12, weight="bold"),
        loc="left",
        pad=8 + _LIMIT_POINTS * rows + above,
    )
    heading.set_x(start)
    heading.set_transform(blended_transform_factory(figure.transSubfigure, heading.get_transform()))
    _fit_x_axis(ax)
    drawn: Any = ax.xaxis.get_tightbbox()
    bottom = inner.y0 if drawn is None else drawn.y0
    ax.annotate(
        _wrapped(ax, below, width, fontsize=TINY),
        xy=(start, 0),
        xycoords=(figure.transSubfigure, "axes fraction"),
        xytext=(0, (bottom - inner.y0) * points - 7),
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=TINY,
        color=MUTED,
        annotation_clip=False,
    )
    arrange(ax)


def _fit_x_axis(ax: Axes) -> None:
    """Leave out ticks and break the label where the axis is too short for them."""
    inner = ax.get_window_extent()
    ax.set_xlabel(_wrapped(ax, ax.get_xlabel(), inner.width, fontsize=10))
    widths = [one.get_window_extent().width for one in ax.get_xticklabels()]
    locator = ax.xaxis.get_major_locator()
    if isinstance(locator, MaxNLocator) and sum(widths) > _FULL * inner.width:
        locator.set_params(nbins=2)
    elif isinstance(locator, LogLocator) and sum(widths) > _FULL * inner.width:
        locator.set_params(numticks=3)


def _key(
    ax: Axes, entries: Sequence[tuple[str, Artist]], start: float, width: float, lift: float
) -> float:
    """Write what colours mean in as few rows as fit, and return their height in points."""
    figure: Any = ax.figure
    names, signs = [literal(name) for name, _ in entries], [sign for _, sign in entries]
    for columns in range(len(entries), 0, -1):
        legend = ax.legend(
            signs,
            names,
            loc="lower left",
            bbox_to_anchor=(start, 1),
            bbox_transform=blended_transform_factory(
                figure.transSubfigure,
                ax.transAxes + ScaledTranslation(0, lift / 72, _root(ax).dpi_scale_trans),
            ),
            ncols=columns,
            frameon=False,
            fontsize=SMALL,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.2,
            columnspacing=1.2,
        )
        box = legend.get_window_extent()
        if box.width <= _SLACK * width:
            break
    return float(box.height * 72 / _root(ax).dpi) + _GAP_POINTS


def arrange(ax: Axes) -> None:
    """Let the layout find its sizes."""
    _root(ax).draw_without_rendering()


def column(
    ax: Axes, rows: Sequence[tuple[str, float, float]], *, leaders: bool = True, **options: Any
) -> None:
    """Write texts in a column to the right, each at its height or as near as they fit.

    Parameters
    ----------
    rows : sequence of (text, x, y)
        What to write, and the point in data that it belongs to.
    leaders : bool
        Whether a thin line leads from the point to a text.
    """
    if not rows:
        return
    texts = [beside(ax, text, y, **options) for text, _, y in rows]
    arrange(ax)
    height = max(one.get_window_extent().height for one in texts)
    to_pixels, to_data = ax.transData.transform, ax.transData.inverted().transform
    inner = ax.get_window_extent()
    # The layout is final only once the column has its width, heights do not depend on that.
    places = apart([to_pixels((x, y))[1] for _, x, y in rows], 1.15 * height, inner.y0, inner.y1)
    for one, (_, x, y), place in zip(texts, rows, places, strict=True):
        level = float(to_data((inner.x0, place))[1])
        one.xy = (1, level)
        if leaders:
            ax.annotate(
                "",
                (x, y),
                xytext=(1, level),
                textcoords=("axes fraction", "data"),
                arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 5},
                annotation_clip=False,
                zorder=1,
            )


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


def _stagger(names: Sequence[Annotation], left: float, right: float, points: float) -> int:
    """Move names of limits into rows in which they do not overlap, and return how many."""
    ends: list[float] = []
    for name in sorted(names, key=lambda one: one.get_window_extent().x0):
        box = name.get_window_extent()
        shift = min(0.0, right - box.x1) + max(0.0, left - box.x0)
        x0, x1 = box.x0 + shift, box.x1 + shift
        row = next((row for row, end in enumerate(ends) if end + 6 < x0), len(ends))
        ends[row : row + 1] = [x1]
        name.set_position((shift * points, 3 + _LIMIT_POINTS * row))
    return len(ends)


def _root(ax: Axes) -> Figure:
    figure: Any = ax.figure
    root: Figure = figure.figure
    return root


def _slot(ax: Axes) -> tuple[float, float]:
    """Return the left and right end of the space that axes have in their figure, in pixels."""
    figure: Any = ax.figure
    box, spec = figure.bbox, ax.get_subplotspec()
    pad = 5 * _root(ax).dpi / 72
    if spec is None:
        return box.x0 + pad, box.x1 - pad
    count, columns = spec.get_gridspec().ncols, spec.colspan
    return (
        box.x0 + box.width * columns.start / count + pad,
        box.x0 + box.width * columns.stop / count - pad,
    )


def _wrapped(ax: Axes, text: str, width: float, **font: Any) -> str:
    """Break a text into lines that are at most so many pixels wide."""
    probe = ax.text(0, 0, literal(text), **font)
    chars = max(len(line) for line in text.split("\n")) or 1
    while chars > 12 and probe.get_window_extent().width > width:
        needed = probe.get_window_extent().width
        chars = min(chars - 1, int(chars * width / needed) + 3)
        probe.set_text("\n".join(literal(fill(line, chars)) for line in text.split("\n")))
    probe.remove()
    return str(probe.get_text())
