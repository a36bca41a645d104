"""A picture of spend by model with the numbers of a plan moved."""

from __future__ import annotations

from matplotlib.axes import Axes

from kimi_planner.money import usd
from kimi_planner.plot.style import (
    INK,
    axes,
    budget_line,
    caption,
    color_of,
    label,
    literal,
    money_axis,
    styled,
)
from kimi_planner.projection import Moved

__all__ = ["what_if"]


def what_if(moved: Moved, *, reach: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the monthly spend by model at the factors of a `Moved` plan.

    Parameters
    ----------
    moved : Moved
        What `Response.at` returned.
    reach : float, optional
        Where the axis ends, USD, so that pictures of several factors can be compared; as far as the
        largest P90 or the budget if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Bars to the expected spend and a dark line from P10 to P90; USD.
    """
    with styled():
        ax = axes(ax)
        rows = moved.frame.to_dict("records")
        models = tuple(moved.frame["model"])
        budget = moved.budget_usd_per_month
        reach = reach or max([*moved.frame["p90_usd_per_month"], float(budget or 0)])
        for place, row in enumerate(rows):
            expected = row["expected_usd_per_month"]
            p10, p90 = row["p10_usd_per_month"], row["p90_usd_per_month"]
            ax.barh(place, expected, height=0.55, color=color_of(models, row["model"]), alpha=0.85)
            if p90 > p10:
                ax.plot(
                    [p10, p90], [place, place], color=INK, linewidth=2, marker="|", markersize=12
                )
            label(ax, usd(expected, 0), (min(max(expected, p90), reach), place), (8, 0))
        ax.set_yticks(range(len(models)), labels=[literal(model) for model in models])
        ax.invert_yaxis()
        if budget is not None:
            budget_line(ax, f"budget {usd(budget, 0)}", float(budget), vertical=True)
        money_axis(ax, "x", 1.2 * reach)
        ax.set_xlabel("USD per month, average over the months planned")
        ax.set_title(literal(f"What if: {moved.workload or 'all workloads on one model'}"))
        moves = ", ".join(
            f"{name.replace('_', ' ')} {'' if name == 'cached_share' else '× '}{value:f}"
            for name, value in moved.factors.items()
        )
        caption(
            ax,
            f"At {moves}. Bar: expected spend. Line: P10 to P90, moved in proportion. "
            f"{moved.provenance}",
        )
        return ax
