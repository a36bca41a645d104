"""One look for all pictures: colours told apart by colour-blind readers and in grey, fonts, sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

__all__ = [
    "BUDGET",
    "COLORS",
    "INK",
    "MUTED",
    "OVER",
    "RANGE",
    "SMALL",
    "TINY",
    "WITHIN",
    "axes",
    "can_draw",
    "color_of",
    "count_axis",
    "families",
    "money_axis",
    "percent_axis",
    "slide",
    "styled",
    "unaffected",
]

INK = "#1b1b1b"
MUTED = "#6b6b6b"
BUDGET = "#b3261e"
RANGE = "#9fc5e8"

#: From dark to light, so that they differ in grey; the first hues of the Okabe and Ito palette.
COLORS = ("#0b2d4d", "#0072b2", "#009e73", "#e69f00", "#a9d5f2", "#f6e7a1")
#: Two sides of a limit or of a middle: dark and light.
WITHIN, OVER = COLORS[1], COLORS[3]

WIDTH, HEIGHT = 8.0, 4.5  # inches
SMALL, TINY = 9, 8  # points: direct labels, and what a picture rests on
_AROUND = 130  # points of title, labels of the x axis and caption
_SLIDE_DPI = 240  # 1,920 by 1,080 pixels

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.figsize": (WIDTH, HEIGHT),
    "font.size": 10,
    "svg.hashsalt": "kimi_planner",
    "xtick.color": INK,
    "xtick.labelsize": 10,
    "ytick.color": INK,
    "ytick.labelsize": 10,
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


def axes(ax: Axes | None, *, rows: int = 0, row_points: float = 15) -> Axes:
    """Return the given axes in this look, or those of a new figure, tall enough for its rows."""
    if ax is None:
        height = max(HEIGHT, (rows * row_points + _AROUND) / 72)
        return plt.figure(figsize=(WIDTH, height), layout="constrained").add_subplot()
    ax.spines[["right", "top"]].set_visible(False)
    for one in (ax.xaxis, ax.yaxis):
        one.label.set(size=_STYLE["axes.labelsize"], color=INK, family=list(families()))
        one.set_tick_params(labelsize=10, labelcolor=INK)
    return ax


def slide() -> Axes:
    """Return axes to draw on for a slide: the size and proportions of a full screen.

    Returns
    -------
    Axes
        Of a figure that saves to 1,920 by 1,080 pixels, with text as large as a slide needs. A
        picture with more rows than a slide holds is not made for one.

    Examples
    --------
    >>> slide().figure.get_size_inches() * slide().figure.dpi
    array([1920., 1080.])
    """
    return plt.figure(figsize=(WIDTH, HEIGHT), dpi=_SLIDE_DPI, layout="constrained").add_subplot()


def color_of(names: Sequence[str], name: str) -> str:
    """Return the colour of a name, by its place among those drawn; the seventh has the first's."""
    return COLORS[list(names).index(name) % len(COLORS)]


def money_axis(ax: Axes, which: Literal["x", "y"], top: float, bottom: float = 0.0) -> None:
    """Write US dollars on an axis, thousands separated, from ``bottom`` to ``top``."""
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    set_limits(bottom, top if top > bottom else bottom + 1.0)
    count_axis(ax, which)


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
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=places))


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
