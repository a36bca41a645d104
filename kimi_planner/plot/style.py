"""One look for all pictures: colours told apart by colour-blind readers and in grey, direct labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

__all__ = [
    "INK",
    "MUTED",
    "RANGE",
    "axes",
    "budget_line",
    "caption",
    "color_of",
    "label",
    "literal",
    "money_axis",
    "styled",
]

INK = "#1b1b1b"
MUTED = "#6b6b6b"
BUDGET = "#b3261e"
RANGE = "#9fc5e8"

# From dark to light, so that they differ in grey; hues of the Okabe and Ito palette.
_COLORS = ("#004c6d", "#0072b2", "#009e73", "#d98200", "#cc79a7", "#7f7f7f")

CAPTION_CHARS = 118

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 20,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.figsize": (8.0, 4.5),
    "font.size": 10,
    "svg.hashsalt": "kimi_planner",
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def styled() -> Iterator[None]:
    """Apply the look inside the block only.

    Other settings are left alone: `matplotlib.rc_context` would also take back what a notebook's
    backend sets when the first figure wakes it, and later pictures would not be shown.
    """
    before = {key: mpl.rcParams[key] for key in _STYLE}
    mpl.rcParams.update(_STYLE)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def axes(ax: Axes | None) -> Axes:
    """Return the given axes, or those of a new figure."""
    return plt.figure(layout="constrained").add_subplot() if ax is None else ax


def color_of(models: tuple[str, ...], model: str) -> str:
    """Return the colour of a model, by its place among the models drawn."""
    return _COLORS[models.index(model) % len(_COLORS)]


def money_axis(ax: Axes, which: Literal["x", "y"], top: float) -> None:
    """Write US dollars on an axis, thousands separated, from 0 to ``top``."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    set_limits(0, top or 1.0)


def literal(text: str) -> str:
    """Return what draws as the text itself: between dollar signs matplotlib reads mathematics."""
    return text.replace("$", r"\$")


def label(
    ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **options: Any
) -> None:
    """Write beside a point, on white so that lines behind do not cross the words."""
    ax.annotate(
        literal(text),
        at,
        xytext=offset,
        textcoords="offset points",
        fontsize=9,
        annotation_clip=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        zorder=5,
        **{"va": "center", **options},
    )


def budget_line(ax: Axes, text: str, value: float, *, vertical: bool) -> None:
    """Draw a limit across the picture, named above it or at its left end."""
    line = ax.axvline if vertical else ax.axhline
    line(value, color=BUDGET, linestyle="--", linewidth=1.5, zorder=3)
    transform = ax.get_xaxis_transform() if vertical else ax.get_yaxis_transform()
    ax.annotate(
        text,
        (value, 1) if vertical else (0, value),
        xycoords=transform,
        xytext=(0, 3) if vertical else (6, 3),
        textcoords="offset points",
        ha="center" if vertical else "left",
        color=BUDGET,
        fontsize=9,
    )


def caption(ax: Axes, text: str, *, drop: int = 44) -> None:
    """Write what the picture rests on, ``drop`` points below the axes."""
    ax.annotate(
        literal(fill(text, CAPTION_CHARS)),
        xy=(0, 0),
        xycoords="axes fraction",
        xytext=(0, -drop),
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=7.5,
        color=MUTED,
        annotation_clip=False,
    )
