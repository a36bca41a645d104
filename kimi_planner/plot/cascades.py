"""A picture of single models and cascades."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kimi_planner.choose.routing import Cascades, Route
from kimi_planner.plot.layout import column, finish, staircase
from kimi_planner.plot.style import (
    INK,
    MUTED,
    OVER,
    WITHIN,
    axes,
    money_axis,
    styled,
)
from kimi_planner.plot.words import at_most, dollars, listed, resting, short

__all__ = ["cascades"]

_KINDS: dict[int, tuple[str, dict[str, Any]]] = {
    1: ("single model", {"marker": "o", "markersize": 9, "color": WITHIN}),
    2: ("cascade of two", {"marker": "^", "markersize": 8, "color": OVER}),
}
_EDGE: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.7, "linestyle": ""}
_MOST_NAMED = 12


def cascades(result: Cascades, *, ax: Axes | None = None) -> Axes:
    """Draw the expected cost of a task against its success rate for each model and cascade.

    Parameters
    ----------
    result : Cascades
        What `cascades` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A sign for each route, USD a task from left to right, success rate upwards; a stepped line
        through the routes that none beats, which are named, the cheapest 12 of them; thin lines for
        the intervals of their cost and success rate, where rates are measured.
    """
    best = result.frontier
    with styled():
        ax = axes(ax)
        for route in result.routes:
            _, look = _KINDS[len(route.models)]
            faint = 1.0 if route.on_frontier or len(route.models) == 1 else 0.35
            ax.plot(
                float(route.cost_usd), route.success_rate, **look, **_EDGE, alpha=faint, zorder=3
            )
            if route.intervals is not None and route.on_frontier:
                (low, high), (least, most) = route.intervals.cost, route.intervals.success
                cost, rate = float(route.cost_usd), route.success_rate
                for xs, ys in (((low, high), (rate, rate)), ((cost, cost), (least, most))):
                    ax.plot(xs, ys, color=MUTED, linewidth=1, zorder=2)
        ends = [float(route.cost_usd) for route in result.routes]
        ends += [route.intervals.cost[1] for route in best if route.intervals]
        reach = 1.06 * max(ends, default=0.0)
        money_axis(ax, "x", reach)
        rates = [route.success_rate for route in result.routes]
        rates += [end for route in best if route.intervals for end in route.intervals.success]
        staircase(ax, [(float(route.cost_usd), route.success_rate) for route in best], rates)
        ax.set_xlabel("USD per task, checks and retries included")
        ax.set_ylabel("tasks that succeed")
        cheapest = result.cheapest_per_success
        answer = f"\n{cheapest.name} costs least per success" if cheapest is not None else ""
        rest = len(best) - _MOST_NAMED
        spread = f" Thin: {100 * result.confidence:g}% intervals." if _has_intervals(best) else ""
        unnamed = f" {rest} dearer ones on it are not named." if rest > 0 else ""
        finish(
            ax,
            f"Models and cascades: {short(result.workload)}{answer}",
            resting(
                (
                    f"Line: no other is cheaper and at least as good; names without kimi-.{spread}{unnamed}",
                    *result.notes,
                ),
                result.provenance,
            ),
            f"Cost of a task and share that succeeds for {result.workload}. Not beaten: "
            + listed(
                f"{route.name} {dollars(route.cost_usd)} USD, {at_most(route.success_rate)}"
                for route in best
            )
            + "."
            + (f" {cheapest.name} costs least for each success." if cheapest is not None else ""),
            key=[
                (name, Line2D([], [], **look, **_EDGE))
                for steps, (name, look) in _KINDS.items()
                if any(len(route.models) == steps for route in result.routes)
            ],
        )
        column(
            ax,
            [
                (_name(route), float(route.cost_usd), route.success_rate)
                for route in best[:_MOST_NAMED]
            ],
        )
        return ax


def _has_intervals(routes: Iterable[Route]) -> bool:
    return any(route.intervals is not None for route in routes)


def _name(route: Route) -> str:
    return route.name.replace("kimi-", "")
