"""A picture of what one request costs, and for what."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from kimi_planner.choose.breakdown import RequestCost, RequestCosts
from kimi_planner.plot.layout import beside, finish, row_names
from kimi_planner.plot.style import COLORS, INK, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, resting, rows_of

__all__ = ["cost_per_request"]

#: Neighbours in a bar are far apart in the palette, so that their border is seen in grey.
_PARTS = {
    "uncached_input": ("input", COLORS[1]),
    "cached_input": ("cached input", COLORS[4]),
    "cache_write": ("cache write", COLORS[2]),
    "visible_output": ("visible output", COLORS[3]),
    "reasoning": ("reasoning", COLORS[0]),
    "fees": ("fees", COLORS[5]),
}
_LABEL_CHARS = 50


def cost_per_request(
    costs: RequestCosts, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what one request of each workload costs on each model, stacked by what is billed.

    Parameters
    ----------
    costs : RequestCosts
        What `cost_per_request` returned.
    workload : str, optional
        One workload; each of them if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A bar for each workload and model, its parts from left to right and its total beside it; USD.

    Raises
    ------
    ScenarioError
        If there is no such workload.
    """
    rows, labels, of = rows_of(costs.costs, workload)
    with styled():
        ax = axes(ax, rows=len(rows), row_points=17)
        seen: dict[str, Patch] = {}
        for place, one in enumerate(rows):
            left = 0.0
            for part in one.parts:
                name, color = _PARTS[part.part]
                width = float(part.cost_usd)
                look: dict[str, Any] = {"facecolor": color, "edgecolor": INK, "linewidth": 0.5}
                ax.barh(place, width, left=left, height=0.62, **look)
                left += width
                if width:
                    seen[name] = Patch(**look)
            beside(ax, dollars(one.total_usd), place)
        row_names(ax, labels, chars=_LABEL_CHARS)
        money_axis(ax, "x", 1.03 * max(float(one.total_usd) for one in rows))
        ax.set_xlabel("USD per request")
        finish(
            ax,
            f"Cost of one request: {of}",
            resting(costs.notes, costs.provenance),
            "Cost of one request in USD: "
            + listed(
                f"{one.workload} on {one.model} {dollars(one.total_usd)}{_split(one)}"
                for one in rows
            )
            + ".",
            key=[(name, seen[name]) for name, _ in _PARTS.values() if name in seen],
        )
        return ax


def _split(cost: RequestCost) -> str:
    parts = (
        f"{_PARTS[part.part][0]} {dollars(part.cost_usd)}" for part in cost.parts if part.cost_usd
    )
    return f" ({', '.join(parts)})" if cost.total_usd else ""
