"""The words of pictures: placed so that none is cut off or lies on another, and in words alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from textwrap import fill
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from kimi_planner.money import usd
from kimi_planner.plot.style import BUDGET, MUTED, SMALL, TINY, can_draw, families

__all__ = [
    "alt_text",
    "apart",
    "at_most",
    "beside",
    "column",
    "dollars",
    "finish",
    "label",
    "limit",
    "listed",
    "literal",
    "resting",
    "row_names",
    "short",
]

_NAME_CHARS = 30
_LIMIT_POINTS = 13  # height of one row of limits above the axes
_GAP_POINTS = 6  # above the axes, clear of half a label of the y axis
_FULL = 0.75  # of an axis, taken by the labels of its ticks
_MOST_LISTED = 12
_NOTE_CHARS = 330  # about three lines
_SLACK = 0.95  # letters are set on whole pixels, so a text is not as wide in every size


def alt_text(ax: Axes) -> str:
    """Return what a picture shows, in words with its numbers, for those who cannot see it.

    Parameters
    ----------
    ax : Axes
        What a picture of this package returned.

    Returns
    -------
    str
        Empty if no picture of this package was drawn there.
    """
    return str(ax.get_label())


def literal(text: str) -> str:
    """Return what draws as the text itself.

    Between dollar signs matplotlib reads mathematics; a character that no installed font has is
    written as its code.
    """
    return _drawable(text).replace("$", r"\$")


def short(name: str, chars: int = _NAME_CHARS) -> str:
    """Return a name, its middle left out if it is long."""
    text = " ".join(_drawable(name).split())
    if len(text) <= chars:
        return text
    tail = chars // 3
    return f"{text[: chars - tail - 1]}…{text[-tail:]}"


def _drawable(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char == "\n" or can_draw(char) else char.encode("unicode_escape").decode()
        for char in text
    )


def listed(parts: Iterable[str]) -> str:
    """Return parts of a sentence in a row; how many of a long list are left out is said."""
    every = list(parts)
    rest = len(every) - _MOST_LISTED
    return "; ".join(every[:_MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")


def dollars(amount: Decimal | float) -> str:
    """Return an amount of USD with about three digits, cents at most from one dollar on.

    >>> dollars(12345.6), dollars(4.5), dollars(0.0042), dollars(0)
    ('12,346', '4.50', '0.00420', '0')
    """
    size = abs(float(amount))
    whole = size == 0 or size >= 100
    return usd(amount, 0 if whole else 2 if size >= 1 else 2 - math.floor(math.log10(size)))


def resting(notes: Iterable[str], provenance: str) -> str:
    """Return what a picture rests on; how many of many notes are left out is said."""
    kept, rest = "", 0
    for note in notes:
        if rest or len(kept) + len(note) > _NOTE_CHARS:
            rest += 1
        else:
            kept += f"{note} "
    more = f"{rest} more note{'s' if rest > 1 else ''} with the result. " if rest else ""
    return f"{kept}{more}{provenance}"


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


def row_names(ax: Axes, names: Iterable[str], chars: int = _NAME_CHARS) -> None:
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
    order = sorted(range(len(places)), key=lambda number: places[number])
    found = list(places)
    groups: list[tuple[list[int], float]] = []  # members, and the place of the first
    for number in order:
        members, start = [number], places[number]
        while groups and groups[-1][1] + gap * len(groups[-1][0]) > start:
            members = groups.pop()[0] + members
            start = sum(places[one] - gap * rank for rank, one in enumerate(members)) / len(members)
            start = max(least, min(start, most - gap * (len(members) - 1)))
        groups.append((members, max(least, min(start, most - gap * (len(members) - 1)))))
    for members, start in groups:
        for rank, one in enumerate(members):
            found[one] = start + gap * rank
    return found


def at_most(share: float) -> str:
    """Return a share in percent that is never rounded to none or all of it."""
    if share in {0, 1}:
        return f"{share:.0%}"
    return "<1%" if share < 0.01 else ">99%" if share > 0.99 else f"{share:.0%}"


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
