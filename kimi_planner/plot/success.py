"""A picture of what a solved task costs."""

from __future__ import annotations

from math import isfinite, isnan

from matplotlib.axes import Axes

from kimi_planner.choose.success import SuccessCost, SuccessCosts
from kimi_planner.choose.success.settle import chance_text
from kimi_planner.plot.layout import beside, finish, row_names
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, resting, rows_of

__all__ = ["cost_per_success"]

_LABEL_CHARS = 50


def cost_per_success(
    costs: SuccessCosts, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the cost per success of each model with its interval, and how likely it is the cheapest.

    Parameters
    ----------
    costs : SuccessCosts
        What `cost_per_success` returned.
    workload : str, optional
        One workload; each of them if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        For each workload and model a point at the cost per success and a line over its interval, an
        arrow where that has no upper end; USD. A light square is the cost of a task, which is all
        that is known without trials. Beside it the probability that the model is the cheapest.

    Raises
    ------
    ScenarioError
        If there is no such workload.
    """
    rows, labels, of = rows_of(costs.rows, workload)
    percent = f"{100 * costs.confidence:g}%"
    with styled():
        ax = axes(ax, rows=len(rows), row_points=17)
        ends = [
            end
            for row in rows
            for end in (
                row.cost_per_task_usd,
                row.cost_per_success_usd,
                row.cost_per_success_low_usd,
                row.cost_per_success_high_usd,
            )
            if isfinite(end)
        ]
        reach = 1.05 * max(ends, default=0.0) or 1.0
        for place, row in enumerate(rows):
            _interval(ax, place, row, reach)
            beside(ax, _said(row), place)
        row_names(ax, labels, chars=_LABEL_CHARS)
        money_axis(ax, "x", reach)
        ax.set_xlabel("USD per solved task")
        judged = any(row.basis == "judged" for row in rows)
        finish(
            ax,
            f"Cost per success: {of}",
            resting(
                (
                    f"Point: cost of a task by the success rate. Line: {percent} interval. In brackets: "
                    "probability that it is the cheapest.",
                    *(["Square: cost of a task where none was tried."] if judged else []),
                    *costs.notes,
                ),
                costs.provenance,
            ),
            f"Cost per success in USD, with its {percent} interval: "
            + listed(f"{row.workload} on {row.model} {_words(row)}" for row in rows)
            + ".",
        )
        return ax


def _interval(ax: Axes, place: int, row: SuccessCost, reach: float) -> None:
    low, high = row.cost_per_success_low_usd, row.cost_per_success_high_usd
    if row.basis == "judged":
        ax.plot(row.cost_per_task_usd, place, "s", color=OVER, markeredgecolor=INK, markersize=7)
        return
    if isfinite(low):
        ax.plot([low, min(high, reach)], [place, place], color=MUTED, linewidth=2, zorder=2)
    if not isfinite(high):
        ax.plot(reach, place, ">", color=MUTED, markersize=8, clip_on=False)
    if isfinite(row.cost_per_success_usd):
        color = WITHIN if row.rank == 1 else "white"
        ax.plot(
            row.cost_per_success_usd, place, "o", color=color, markeredgecolor=INK, markersize=8
        )


def _said(row: SuccessCost) -> str:
    if row.basis == "judged":
        return f"no trials, task {dollars(row.cost_per_task_usd)}"
    if not isfinite(row.cost_per_success_usd):
        return "none solved"
    text = dollars(row.cost_per_success_usd)
    if isnan(row.chance_cheapest):
        return f"{text}, alone tried"
    return f"{text} ({_likely(row.chance_cheapest)})"


def _likely(chance: float) -> str:
    return ">99%" if chance > 0.99 else "<1%" if chance < 0.01 else f"{chance:.0%}"


def _words(row: SuccessCost) -> str:
    if not isfinite(row.cost_per_success_usd):
        return _said(row)
    low, high = (dollars(row.cost_per_success_low_usd), row.cost_per_success_high_usd)
    upper = dollars(high) if isfinite(high) else "no upper end"
    chance = row.chance_cheapest
    likely = "" if isnan(chance) else f", cheapest with probability {chance_text(chance)}"
    return f"{dollars(row.cost_per_success_usd)} ({low} to {upper}){likely}"
