"""A picture of what a month may cost on each model, and how likely the budget is broken."""

from __future__ import annotations

from math import isnan
from typing import Any, Unpack

import numpy as np
from matplotlib.axes import Axes

from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.layout import root_of
from kimi_planner.plot.marks import sign_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.spend import (
    ALL_WORKLOADS,
    PER_MONTH,
    ModelSpend,
    budget_words,
    draw_budget,
    least_of,
    spends_of,
)
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import at_most, dollars, listed

_DOTS = 20
_SHARES = tuple((np.arange(_DOTS) + 0.5) / _DOTS)
_COLUMNS = 50  # places of dots from the left to the right end of the axes
_ROW_POINTS = 40
_HIGHEST = 0.8  # of a row
_LEAST_DOT = 3.5  # points


@picture
def spend_distribution(
    projection: Projection, workload: str | None = None, **panel: Unpack[Panel]
) -> Axes:
    """Draw what an average month may cost on each model as 20 dots, each of them 5 chances in 100.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    workload : str, optional
        One workload; all together on one model if not given.

    Returns
    -------
    Axes
        For each model dots at the P2.5, P7.5 and so on of the average month, stacked where they
        meet, orange beyond the budget; a line at the P50; beside it the chance that some month
        exceeds the budget. Spend without a range is one line, and says so. USD.

    Raises
    ------
    SettingError
        If the projection has no such workload.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day={"p10": 700, "p50": 1000, "p90": 1600},
    ...     prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 3, "2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> ax = spend_distribution(plan, "chat")
    """
    budget, rows = projection.budget(workload), spends_of(projection, workload)
    spreads = [projection.average_month(_SHARES, row.model, workload) for row in rows]
    canvas = Canvas(**panel)
    ax = canvas.ax
    canvas.rows(projection.models, pitch=_ROW_POINTS)
    reach = 1.05 * max(float(budget or 0), *(float(spread[-1]) for spread in spreads))
    money_axis(ax, "x", reach)
    for place, row in enumerate(rows):
        ends = [place + 0.4, place - 0.4]
        ax.plot([row.p50, row.p50], ends, color=canvas.theme.ink, linewidth=2, zorder=4)
        canvas.beside(_said(row), place)
    draw_budget(canvas, budget)
    ax.set_xlabel(f"{projection.currency} {PER_MONTH}")
    limit = reach if budget is None else float(budget)
    is_over = any(spread[0] < spread[-1] > limit for spread in spreads)
    if budget is None:
        said = "No budget is given."
    else:
        said = "The chance is that some month of the "
        said += f"{len(projection.months)} exceeds the budget."
    drawn: list[Any] = []

    def redraw() -> None:
        while drawn:
            drawn.pop().remove()
        for place, spread in enumerate(spreads):
            if spread[-1] > spread[0]:
                drawn.append(_dots(canvas, place, spread, limit))

    canvas.redraw = redraw
    return canvas.finish(
        f"What a month may cost: {workload or ALL_WORKLOADS}",
        f"Each dot: 5 chances in 100. Line: P50. {said}",
        f"Spend of an average month of {workload or 'all workloads'} by model: "
        + listed(f"{row.model} {_words(row, projection.currency)}" for row in rows)
        + budget_words(budget, projection.currency, " a month"),
        answer=_answer(rows, projection.currency),
        provenance=projection.provenance,
        key=[("beyond the budget", sign_of(canvas, canvas.theme.over))] * is_over,
    )


def _dots(canvas: Canvas, place: int, spread: Any, limit: float) -> Any:
    """Stack dots upwards from the foot of a row, as large as they can be without touching.

    Where they would be too small to be seen, they are piled up like coins.
    """
    ax, theme = canvas.ax, canvas.theme
    inner, xs = ax.get_window_extent(), ax.transData.transform([(one, 0) for one in spread])[:, 0]
    row = inner.height / abs(np.diff(ax.get_ylim())[0])
    smallest = _LEAST_DOT * root_of(ax).dpi / 72
    size = max(smallest, inner.width / _COLUMNS)
    levels = _levels(xs, size)
    while size > smallest and size * (1 + max(levels)) > _HIGHEST * row:
        size = max(smallest, 0.9 * size)
        levels = _levels(xs, size)
    step = min(size, (_HIGHEST * row - size) / max(1, *levels))
    ys = [place + _HIGHEST / 2 - (size / 2 + level * step) / row for level in levels]
    colors = [theme.over if one > limit else theme.within for one in spread]
    points = size * 72 / root_of(ax).dpi
    look: dict[str, Any] = {"edgecolors": theme.ink, "linewidths": 0.5, "zorder": 2}
    return ax.scatter(spread, ys, s=points**2, c=colors, **look)


def _levels(xs: Any, size: float) -> list[int]:
    """Return the lowest level on which each dot touches none to the left of it."""
    ends: list[float] = []
    levels = []
    for x in xs:
        level = next((one for one, end in enumerate(ends) if end <= x), len(ends))
        ends[level : level + 1] = [x + size]
        levels.append(level)
    return levels


def _said(spend: ModelSpend) -> str:
    certain, middle = spend.p10 == spend.p90, dollars(spend.p50)
    amount = f"{middle}, {NO_RANGE}" if certain else f"P50 {middle}"
    if spend.is_least:
        amount = spend.amount
    if isnan(spend.chance):
        return amount
    if certain:
        return f"{amount}\n{'over' if spend.chance else 'within'} budget"
    return f"{amount}\nbreaks budget: {'at least ' * spend.is_least}{at_most(spend.chance)}"


def _answer(rows: list[ModelSpend], currency: str) -> str:
    """Return the model that breaks the budget least likely; without one the cheapest."""
    ranked = sorted(rows, key=lambda row: row.chance)
    if (
        any(row.is_least for row in rows)
        or len(rows) < 2
        or isnan(ranked[0].chance)
        or ranked[0].chance == ranked[1].chance
    ):
        return least_of(rows, currency)
    return f"{ranked[0].model} breaks the budget least likely, {at_most(ranked[0].chance)}"


def _words(spend: ModelSpend, currency: str) -> str:
    p10, p50, p90 = map(dollars, (spend.p10, spend.p50, spend.p90))
    certain = spend.p10 == spend.p90
    amount = f"{p50} {currency}, {NO_RANGE}" if certain else f"P50 {p50} (P10 {p10}, P90 {p90})"
    if spend.is_least:
        amount = f"{spend.amount} {currency}"
    if isnan(spend.chance):
        return amount
    least = "at least " * spend.is_least
    return f"{amount}, {least}{at_most(spend.chance)} chance that some month is over budget"
