"""One look for all pictures: fonts with every letter, sizes, how numbers stand on an axis, a slide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)

from kimi_planner.arguments import public
from kimi_planner.errors import FileError, restated

WIDTH, HEIGHT = 8.0, 4.5  # inches
HEAD, TEXT, SMALL, TINY = (
    12,
    10,
    9,
    8,
)  # points: title, axes, direct labels, what a picture rests on
_SLIDE = (1920, 1080)  # pixels

_STYLE: dict[Any, Any] = {
    "axes.labelsize": TEXT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": HEAD,
    "axes.titleweight": "bold",
    "font.size": TEXT,
    "svg.hashsalt": "kimi_planner",
    "text.usetex": False,  # names and amounts are no TeX
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
}

#: Settings that `matplotlib.rcdefaults` leaves: asking for them may wake the backend.
_OF_THE_BACKEND = ("backend", "backend_fallback", "interactive", "toolbar", "date.epoch")

# Fonts with Chinese, Japanese, Korean and other letters that matplotlib's own font lacks.
_FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti TC",
    "SimHei",
    "Arial Unicode MS",
    "Malgun Gothic",
    "Yu Gothic",
    "Noto Sans",
    "Noto Emoji",
)


@contextmanager
def unaffected() -> Iterator[None]:
    """Take back the reader's own settings of matplotlib inside the block: a report is the same for all."""
    names = [name for name in mpl.rcParamsDefault if name not in _OF_THE_BACKEND]
    before = {name: mpl.rcParams[name] for name in names}
    mpl.rcdefaults()
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@contextmanager
def styled() -> Iterator[None]:
    """Apply the look inside the block only.

    Other settings are left alone: `matplotlib.rc_context` would also take back what a notebook's
    backend sets when the first figure wakes it, and later pictures would not be shown.
    """
    style = {**_STYLE, "font.family": list(families())}
    before = {key: mpl.rcParams[key] for key in style}
    mpl.rcParams.update(style)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@public
def slide(ax: Axes, path: str | Path) -> Path:
    """Write a picture as large as a slide, 1,920 by 1,080 pixels.

    Parameters
    ----------
    ax : Axes
        What a picture of this package returned.
    path : str or Path
        Where to write; its ending tells the format, such as ``.png`` or ``.svg``.

    Returns
    -------
    Path
        Where it was written. The figure keeps its own size.

    Notes
    -----
    A figure with more rows than a slide holds at its usual size is shown whole, and smaller.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> written = slide(plt.figure().add_subplot(), f"{folder.name}/slide.png")
    >>> plt.imread(written).shape
    (1080, 1920, 4)
    >>> folder.cleanup()
    """
    figure: Any = ax.figure
    root = figure.figure
    width, height = before = root.get_size_inches().tolist()
    wide = max(width, height * _SLIDE[0] / _SLIDE[1])
    written = Path(path)
    root.set_size_inches(wide, wide * _SLIDE[1] / _SLIDE[0])
    try:
        with restated(at=written, of=ValueError, fault=FileError):  # a form that is not drawn
            root.savefig(written, dpi=_SLIDE[0] / wide)
    finally:
        root.set_size_inches(before)
    return written


def money_axis(ax: Axes, which: Literal["x", "y"], top: float, bottom: float = 0.0) -> None:
    """Write US dollars on an axis, thousands separated, from ``bottom`` to ``top``.

    Axes that share their scale with others keep room for what those show.
    """
    group = ax.get_shared_x_axes() if which == "x" else ax.get_shared_y_axes()
    for other in group.get_siblings(ax):
        if other is not ax and other.get_label():
            low, high = other.get_xlim() if which == "x" else other.get_ylim()
            bottom, top = min(bottom, low), max(top, high)
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    set_limits(bottom, top if top > bottom else bottom + 1.0)
    count_axis(ax, which)
    if top <= bottom:  # no amount has another place
        (ax.xaxis if which == "x" else ax.yaxis).set_major_locator(FixedLocator([bottom]))


def count_axis(ax: Axes, which: Literal["x", "y"]) -> None:
    """Write numbers on an axis, thousands separated, few enough to stand apart."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    if axis.get_scale() == "linear":
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:z,.{_places(axis)}f}"))
    axis.set_minor_formatter(NullFormatter())


def percent_axis(ax: Axes) -> None:
    """Write shares on the y axis in percent."""
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    places = max(0, _places(ax.yaxis) - 2)
    # as it is: where a reader writes by TeX, the sign would be escaped for it
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=places, is_latex=True))


def _places(axis: Axis) -> int:
    """Return how many digits after the point tell the ticks that are seen apart."""
    low, high = sorted(axis.get_view_interval())
    ticks = sorted(tick for tick in axis.get_majorticklocs() if low <= tick <= high)
    step = min((after - before for before, after in pairwise(ticks)), default=1.0)
    return max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0


@cache
def _installed() -> frozenset[str]:
    return frozenset(entry.name for entry in font_manager.fontManager.ttflist)


def families() -> tuple[str, ...]:
    """Return the reader's own fonts, then those installed that have more letters."""
    own = tuple(mpl.rcParams["font.family"])
    return own + tuple(name for name in _FALLBACKS if name in _installed() and name not in own)


def can_draw(char: str) -> bool:
    """Tell whether the fonts in use have a character, in normal and in bold."""
    return char.isprintable() and all(
        any(font.get_char_index(ord(char)) for font in _fonts(families(), weight))
        for weight in ("normal", "bold")
    )


@cache
def _fonts(names: tuple[str, ...], weight: str) -> tuple[Any, ...]:
    found = [
        font_manager.findfont(font_manager.FontProperties(family=name, weight=weight))
        for name in names
    ]
    return tuple(font_manager.get_font(path) for path in dict.fromkeys(found))
