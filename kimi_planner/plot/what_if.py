"""A picture of spend by model with the numbers of a plan moved."""

from __future__ import annotations

from matplotlib.axes import Axes

from kimi_planner.plan.response import Moved
from kimi_planner.plot.layout import beside, budget_limits, finish, row_names
from kimi_planner.plot.spend import bar
from kimi_planner.plot.style import axes, color_of, money_axis, styled
from kimi_planner.plot.words import dollars, listed, short

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
    rows = moved.frame.to_dict("records")
    models = tuple(moved.frame["model"])
    budget = moved.budget_usd_per_month
    reach = reach or max([*moved.frame["p90_usd_per_month"], float(budget or 0)])
    moves = ", ".join(
        f"{name.replace('_', ' ')} {'' if name == 'cached_share' else '× '}{value:f}"
        for name, value in moved.factors.items()
    )
    with styled():
        ax = axes(ax, rows=len(rows))
        for place, row in enumerate(rows):
            ends = (row["p10_usd_per_month"], row["p90_usd_per_month"])
            expected = row["expected_usd_per_month"]
            bar(ax, place, expected, ends, color_of(models, row["model"]))
            beside(ax, dollars(expected), place)
        row_names(ax, models)
        limits = budget_limits(ax, budget)
        money_axis(ax, "x", 1.03 * reach)
        ax.set_xlabel("USD per month, average over the months planned")
        of = moved.workload or "all workloads on one model"
        finish(
            ax,
            f"What if: {short(of)}",
            f"At {moves}. Bar: expected spend. Line: P10 to P90, moved in proportion. "
            f"{moved.provenance}",
            f"Expected monthly spend of {of} at {moves}: "
            + listed(f"{row['model']} {dollars(row['expected_usd_per_month'])} USD" for row in rows)
            + (f". The budget is {dollars(budget)} USD." if budget is not None else "."),
            limits=limits,
        )
        return ax
