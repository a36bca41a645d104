"""A picture of what more budget buys."""

from __future__ import annotations

from decimal import Decimal

from matplotlib.axes import Axes

from kimi_planner.choose.portfolios.frontier import PortfolioFrontier
from kimi_planner.plot.layout import finish, limit
from kimi_planner.plot.style import BUDGET, INK, RANGE, WITHIN, axes, count_axis, money_axis, styled
from kimi_planner.plot.words import dollars, resting

__all__ = ["portfolio_frontier"]

_ROOM = 0.08  # of what is drawn, around it


@styled()
def portfolio_frontier(
    frontier: PortfolioFrontier,
    budget_usd_per_month: Decimal | float | str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw what the best portfolio of each budget is worth, and what the next 100 USD buy.

    Parameters
    ----------
    frontier : PortfolioFrontier
        What `portfolio_frontier` returned.
    budget_usd_per_month : Decimal, float or str, optional
        The budget to start from, USD; the sum of the workloads' budgets if not given and each has
        one.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A stepped line over budgets in USD per month: expected successes of an average month; a band
        up to the bound where it is not proved that no assignment does better. With a budget two
        lines, at it and 100 USD further, and what those buy in words.

    Raises
    ------
    ScenarioError
        If the budget is no number above 0.
    """
    question = frontier.question
    start = question.projection.budget() if budget_usd_per_month is None else budget_usd_per_month
    step = None if start is None else frontier.next_100_usd(start)
    served = [one for one in frontier.points if one.value is not None]
    budgets = [float(one.budget_usd_per_month) for one in served]
    values = [float(one.value or 0.0) for one in served]
    bounds = [
        value if one.bound is None else one.bound for one, value in zip(served, values, strict=True)
    ]
    marked = () if step is None else (step.before, step.after)
    ends = [*budgets, *(float(one.budget_usd_per_month) for one in marked)]
    room = _ROOM * ((max(ends) - min(ends)) or max(ends)) if ends else 1.0
    right = max(ends, default=0.0) + room
    ax = axes(ax)
    xs, tops = [*budgets, right], [*bounds, *bounds[-1:]]
    heights = [*values, *values[-1:]]
    if any(top > value for top, value in zip(bounds, values, strict=True)):
        ax.fill_between(xs, heights, tops, step="post", color=RANGE, linewidth=0)
    if served:
        ax.step(xs, heights, where="post", color=WITHIN, linewidth=2)
        ax.plot(budgets, values, "o", color=WITHIN, markeredgecolor=INK, markersize=7)
        spread = (max(tops) - min(values)) or max(tops) or 1.0
        ax.set_ylim(min(values) - _ROOM * spread, max(tops) + _ROOM * spread)
    money_axis(ax, "x", right, max(0.0, min(ends, default=0.0) - room))
    count_axis(ax, "y")
    ax.set(
        xlabel=f"budget, USD per month at P{question.percentile:g}",
        ylabel="expected successes a month",
    )
    limits = [
        limit(
            ax,
            f"{text} {dollars(one.budget_usd_per_month)}",
            float(one.budget_usd_per_month),
            vertical=True,
            color=color,
        )
        for one, text, color in zip(marked, ("budget", "100 more:"), (BUDGET, INK), strict=False)
    ]
    answer = "" if step is None else step.sentence()
    unproved = "" if all(one.proven_optimal for one in served) else " Band: up to the bound."
    finish(
        ax,
        f"What more budget buys\n{answer}" if answer else "What more budget buys",
        resting((f"Line: the best portfolio of each budget.{unproved}",), frontier.provenance),
        "What the best portfolio is worth by budget, expected successes a month: "
        + (
            f"{values[0]:,.0f} for {dollars(budgets[0])} USD, the least that serves every "
            f"workload, to {values[-1]:,.0f} for {dollars(budgets[-1])} USD in {len(served)} steps. "
            if served
            else "none of the budgets serves every workload. "
        )
        + answer,
        limits=limits,
    )
    return ax
