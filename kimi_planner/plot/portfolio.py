"""A picture of what more budget buys."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Unpack

from matplotlib.axes import Axes

from kimi_planner.choose.portfolios.frontier import PortfolioFrontier
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import count_axis, money_axis
from kimi_planner.plot.words import NOTHING, dollars

_ROOM = 0.08  # of what is drawn, around it


@picture
def portfolio_frontier(
    frontier: PortfolioFrontier,
    budget_usd_per_month: Decimal | float | str | None = None,
    **panel: Unpack[Panel],
) -> Axes:
    """Draw what the best portfolio of each budget is worth, and what the next 100 USD buy.

    Parameters
    ----------
    frontier : PortfolioFrontier
        What `portfolio_frontier` returned.
    budget_usd_per_month : Decimal, float or str, optional
        The budget to start from, USD; the sum of the workloads' budgets if not given and each has
        one.

    Returns
    -------
    Axes
        A stepped line over budgets in USD per month: expected successes of an average month, or its
        net value in USD where the workloads say what a solved task is worth; a band
        up to the bound where it is not proved that no assignment does better. With a budget two
        lines, at it and 100 USD further, and what those buy in words.

    Raises
    ------
    SettingError
        If the budget is no number above 0.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> frontier = kp.choose.portfolio_frontier(coding, [6_000, 9_000], evaluations=results, **settings)
    >>> ax = portfolio_frontier(frontier)
    """
    question, currency = frontier.question, frontier.question.currency
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
    unit = f"net {currency} a month" if question.in_usd else "expected successes a month"
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    xs, tops = [*budgets, right], [*bounds, *bounds[-1:]]
    heights = [*values, *values[-1:]]
    is_proved = all(one.proven_optimal for one in served)
    if any(top > value for top, value in zip(bounds, values, strict=True)):
        ax.fill_between(xs, heights, tops, step="post", color=theme.band, linewidth=0)
    if served:
        ax.step(xs, heights, where="post", color=theme.within, linewidth=2)
        look: dict[str, Any] = {
            "color": theme.within,
            "markeredgecolor": theme.ink,
            "markersize": 7,
        }
        ax.plot(budgets, values, "o", **look)
        spread = (max(tops) - min(values)) or max(tops) or 1.0
        bottom = min(values) - _ROOM * spread if any(values) else 0.0
        ax.set_ylim(bottom, max(tops) + _ROOM * spread)
    money_axis(ax, "x", right, max(0.0, min(ends, default=0.0) - room))
    count_axis(ax, "y")
    ax.set(
        xlabel=f"budget, {currency} per month at P{question.percentile:g}",
        ylabel=unit,
    )
    texts = (("budget", None), ("100 more:", theme.ink))
    for one, (text, color) in zip(marked, texts, strict=False):
        budget = one.budget_usd_per_month
        canvas.limit(f"{text} {dollars(budget)}", float(budget), color=color)
    answer = "" if step is None else step.sentence()
    return canvas.finish(
        "What more budget buys",
        (
            "Line: the best portfolio of each budget."
            if served
            else "No budget serves every workload."
        )
        + " Band: up to the bound." * (not is_proved),
        f"What the best portfolio is worth by budget, {unit}: "
        + (
            f"{values[0]:,.0f} for {dollars(budgets[0])} {currency}, the least that serves every "
            f"workload, to {values[-1]:,.0f} for {dollars(budgets[-1])} {currency} in {len(served)} steps. "
            if served
            else "none of the budgets serves every workload. "
        )
        + answer,
        answer=answer if right else NOTHING,
        provenance=frontier.provenance,
    )
