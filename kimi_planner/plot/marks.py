"""The marks of rows: a bar to an amount, a dot at one, and the range of either."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from matplotlib.colors import to_hex, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kimi_planner.errors import SettingError, shown
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.theme import Theme

CANNOT_SERVE = "X"  # the sign of a model that does not qualify


def bar(
    canvas: Canvas, row: float, width: float, color: str, left: float = 0.0, *, height: float = 0.6
) -> None:
    """Draw a bar of a row, from ``left`` on."""
    look: dict[str, Any] = {"color": color, "edgecolor": canvas.theme.ink, "linewidth": 0.5}
    canvas.ax.barh(row, width, left=left, height=height, **look)


def spread(canvas: Canvas, row: float, low: float, high: float) -> None:
    """Draw the range of a bar across its end, if it has one."""
    if high > low:
        ends, theme = ([low, high], [row, row]), canvas.theme
        canvas.ax.plot(*ends, color=theme.paper, linewidth=4, solid_capstyle="butt")
        canvas.ax.plot(*ends, color=theme.ink, linewidth=2, marker="|", markersize=9)


def look_of_dot(canvas: Canvas, color: str | None = None, sign: str = "o") -> dict[str, Any]:
    """Return the look of a dot: filled, or open without a colour."""
    return {
        "marker": sign,
        "linestyle": "",
        "color": color or canvas.theme.paper,
        "markersize": 8,
        "markeredgecolor": canvas.theme.ink,
        "markeredgewidth": 1.0,
    }


def sign_of(canvas: Canvas, color: str | None = None, sign: str = "o") -> Line2D:
    """Return what stands for a dot in a key."""
    return Line2D([], [], **look_of_dot(canvas, color, sign))


def swatch(theme: Theme, color: str, alpha: float = 1.0) -> Patch:
    """Return what stands for a bar or a band in a key."""
    return Patch(facecolor=to_rgba(color, alpha), edgecolor=theme.ink, linewidth=0.5)


def key_of(canvas: Canvas, **names: str) -> list[tuple[str, Patch]]:
    """Return the key of bars in colours of a theme, named by what they mean, of those that are drawn."""
    looks = {getattr(canvas.theme, role): name for role, name in names.items()}
    drawn = {to_hex(patch.get_facecolor()) for patch in canvas.ax.patches}
    return [(name, swatch(canvas.theme, one)) for one, name in looks.items() if one in drawn]


def dot(
    canvas: Canvas,
    row: float,
    amount: float,
    ends: tuple[float, float],
    color: str | None = None,
    sign: str = "o",
) -> None:
    """Draw a dot over a line from end to end of its range, an arrow where that has no upper end."""
    ax, muted, (low, high) = canvas.ax, canvas.theme.muted, ends
    reach = ax.get_xlim()[1]
    if isfinite(low) and high > low:
        ax.plot([low, min(high, reach)], [row, row], color=muted, linewidth=2, zorder=2)
    if not isfinite(high):
        ax.plot(0.99 * reach, row, ">", color=muted, markersize=8)
    if isfinite(amount):
        ax.plot(amount, row, zorder=4, **look_of_dot(canvas, color, sign))


def workload_of(names: Iterable[str], workload: str | None) -> list[str]:
    """Return the names of workloads to draw, each once: the one asked for, or all.

    Raises
    ------
    SettingError
        If there is no such workload.
    """
    every = list(dict.fromkeys(names))
    if workload is None:
        return every
    if workload not in every:
        raise SettingError(f"No workload {shown(workload)}. There is {', '.join(every)}.")
    return [workload]
