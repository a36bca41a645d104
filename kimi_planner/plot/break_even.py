"""A picture of which model is cheapest, over output share and reasoning."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from kimi_planner.choose.break_even import BreakEvenMap
from kimi_planner.plot.layout import finish
from kimi_planner.plot.style import COLORS, INK, axes, percent_axis, styled
from kimi_planner.plot.words import at_most, dollars, listed, resting, short

__all__ = ["break_even_map"]

_MOST_LEVELS = 3
_HERE: dict[str, Any] = {"marker": "X", "color": "white", "markeredgecolor": INK, "markersize": 11}
# Light first: most of the map is one colour, and words and lines lie on it.
_FILLS = (COLORS[4], COLORS[3], COLORS[2], COLORS[5], COLORS[1], COLORS[0])


def break_even_map(result: BreakEvenMap, *, ax: Axes | None = None) -> Axes:
    """Draw which model is cheapest, and by how much, over output share and reasoning.

    Parameters
    ----------
    result : BreakEvenMap
        What `break_even_map` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Reasoning tokens for each visible one from left to right, output share upwards; the colour of
        the cheapest model at each point, lines at which the runner-up costs so much more, USD, and
        a cross where the workload lies if that is on the map.
    """
    names = [name for place, name in enumerate(result.models) if (result.cheapest == place).any()]
    places = {result.models.index(name): number for number, name in enumerate(names)}
    found = np.vectorize(places.__getitem__)(result.cheapest)
    fills = [_FILLS[number % len(_FILLS)] for number in range(len(names))]
    x, y = result.reasoning_multipliers, result.output_shares
    unit = "request" if result.success_rates is None else "success"
    with styled():
        ax = axes(ax)
        ax.pcolormesh(
            x,
            y,
            found,
            cmap=colors.ListedColormap(fills),
            norm=colors.BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names)),
            shading="nearest",
        )
        gap = result.gap_usd
        finite = gap[np.isfinite(gap)]
        levels = _levels(finite)
        key: list[tuple[str, Artist]] = [
            (name, Patch(facecolor=color, edgecolor=INK, linewidth=0.5))
            for name, color in zip(names, fills, strict=True)
        ]
        if levels and min(gap.shape) > 1:
            lines = ax.contour(x, y, gap, levels=levels, colors=INK, linewidths=1)
            for text in ax.clabel(lines, fmt=lambda level: f"+{dollars(level)}", fontsize=9):
                text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
            key.append(("runner-up costs more by", Line2D([], [], color=INK, linewidth=1)))
        share, multiplier = result.here
        here = _here(result, names)
        if here:
            ax.plot([multiplier or 0.0], [share], **_HERE, linestyle="", zorder=6)
            key.append(("this workload", Line2D([], [], linestyle="", **_HERE)))
        ax.set_xlabel("reasoning tokens for each visible output token, on models that reason")
        ax.set_ylabel("visible output, share of tokens")
        percent_axis(ax)
        finish(
            ax,
            f"Cheapest model for a {unit} of {short(result.workload)}",
            resting(
                (f"The cheapest of {len(result.models)} models, USD a {unit}.", *result.notes),
                result.provenance,
            ),
            f"Cheapest model for a {unit} of {result.workload} over output share and reasoning: "
            + listed(
                f"{name} on {at_most(float(np.mean(found == number)))} of the map"
                for number, name in enumerate(names)
            )
            + (
                f"; the runner-up costs {dollars(finite.min())} to {dollars(finite.max())} USD more"
                if len(finite)
                else ""
            )
            + f". {here}".rstrip()
            + ("" if here else " Where this workload lies is not on the map."),
            key=key,
        )
        return ax


def _levels(gap: np.ndarray) -> list[float]:
    """Return a few round gaps between the least and the largest."""
    if not len(gap) or gap.max() <= gap.min():
        return []
    ticks = MaxNLocator(_MOST_LEVELS).tick_values(float(gap.min()), float(gap.max()))
    return [float(one) for one in ticks if gap.min() < one < gap.max() and one > 0]


def _here(result: BreakEvenMap, names: list[str]) -> str:
    """Say where the workload lies, empty if that is not on the map."""
    share, multiplier = result.here
    x, y = result.reasoning_multipliers, result.output_shares
    if multiplier is None or not (x[0] <= multiplier <= x[-1] and y[0] <= share <= y[-1]):
        return ""
    row, col = int(np.abs(y - share).argmin()), int(np.abs(x - multiplier).argmin())
    name = result.models[int(result.cheapest[row, col])]
    return (
        f"The workload lies at {share:.0%} output and {multiplier:.2g} reasoning tokens for each, "
        f"where {name} is cheapest."
    )
