"""Pictures of what one request costs and for what, and of what a solved task does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import isfinite, isnan
from operator import attrgetter
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from kimi_planner.choose.breakdown.result import RequestCost, RequestCosts
from kimi_planner.choose.success.result import SuccessCost, SuccessCosts, chance_text
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plot.layout import beside, finish, row_names
from kimi_planner.plot.style import COLORS, INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, resting, short

__all__ = ["cost_per_request", "cost_per_success"]

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
_AMOUNTS = attrgetter(
    "cost_per_task_usd",
    "cost_per_success_usd",
    "cost_per_success_low_usd",
    "cost_per_success_high_usd",
)
Row = TypeVar("Row", RequestCost, SuccessCost)


@styled()
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
    rows, labels, of = _rows_of(costs.costs, workload)
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
            f"{one.workload} on {one.model} {dollars(one.total_usd)}{_split(one)}" for one in rows
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


@styled()
def cost_per_success(
    costs: SuccessCosts, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the cost per success of each model with its interval, and how likely it is the best.

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
        that is known without trials. Beside it, where a value of a success is stated, the probability that the model is the best.

    Raises
    ------
    ScenarioError
        If there is no such workload.
    """
    rows, labels, of = _rows_of(costs.rows, workload)
    percent = f"{100 * costs.confidence:g}%"
    ax = axes(ax, rows=len(rows), row_points=17)
    ends = filter(isfinite, chain.from_iterable(map(_AMOUNTS, rows)))
    reach = 1.05 * max(ends, default=0.0) or 1.0
    for place, row in enumerate(rows):
        _interval(ax, place, row, reach)
        beside(ax, _said(row), place)
    row_names(ax, labels, chars=_LABEL_CHARS)
    money_axis(ax, "x", reach)
    ax.set_xlabel("USD per solved task")
    valued = any(not isnan(row.chance_best) for row in rows)
    judged = any(row.basis == "judged" for row in rows)
    finish(
        ax,
        f"Cost per success: {of}",
        resting(
            (
                f"Point: cost of a task by the success rate, filled for the choice. Line: {percent} interval.",
                *(
                    ["In brackets: probability that its net value is the highest."]
                    if valued
                    else []
                ),
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
    return text if isnan(row.chance_best) else f"{text} ({_likely(row.chance_best)})"


def _likely(chance: float) -> str:
    return ">99%" if chance > 0.99 else "<1%" if chance < 0.01 else f"{chance:.0%}"


def _words(row: SuccessCost) -> str:
    if not isfinite(row.cost_per_success_usd):
        return _said(row)
    low, high = (dollars(row.cost_per_success_low_usd), row.cost_per_success_high_usd)
    upper = dollars(high) if isfinite(high) else "no upper end"
    chance = row.chance_best
    likely = "" if isnan(chance) else f", the best with probability {chance_text(chance)}"
    return f"{dollars(row.cost_per_success_usd)} ({low} to {upper}){likely}"


def _rows_of(rows: Iterable[Row], workload: str | None) -> tuple[list[Row], list[str], str]:
    """Return the rows of a workload, or all; the name of each; and in words what they are of.

    Raises
    ------
    ScenarioError
        If there is no such workload.
    """
    every = list(rows)
    names = list(dict.fromkeys(row.workload for row in every))
    if workload is not None and workload not in names:
        raise ScenarioError(f"No workload {shown(workload)}. There is {', '.join(names)}.")
    kept = [row for row in every if workload in (None, row.workload)]
    if workload is None and len(names) > 1:
        labels = [f"{short(row.workload, 22)}: {row.model}" for row in kept]
        return kept, labels, f"{len(names)} workloads"
    return kept, [row.model for row in kept], short(kept[0].workload)
