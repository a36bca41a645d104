"""Pictures of what better answers cost: of models, and of cascades of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kimi_planner.choose.frontier import ModelQuality, QualityFrontier
from kimi_planner.choose.routing.result import Cascades, Route
from kimi_planner.plot.layout import column, finish
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, percent_axis, styled
from kimi_planner.plot.words import at_most, dollars, listed, resting, short

__all__ = ["cascades", "cost_vs_quality"]

_SIGNS: dict[str, tuple[str, dict[str, Any]]] = {
    "best": (
        "none is cheaper and as good",
        {"marker": "o", "markersize": 9, "color": WITHIN, "markeredgecolor": INK},
    ),
    "beaten": (
        "beaten",
        {"marker": "o", "markersize": 7, "color": OVER, "markeredgecolor": INK},
    ),
    "cannot": (
        "cannot serve",
        {"marker": "x", "markersize": 8, "color": INK, "markeredgewidth": 2},
    ),
}
_KINDS: dict[int, tuple[str, dict[str, Any]]] = {
    1: ("single model", {"marker": "o", "markersize": 9, "color": WITHIN}),
    2: ("cascade of two", {"marker": "^", "markersize": 8, "color": OVER}),
}
_EDGE: dict[str, Any] = {"markeredgecolor": INK, "markeredgewidth": 0.7, "linestyle": ""}
_MOST_NAMED = 12
_ROOM = 0.05  # of an axis of shares, above and below


@styled()
def cost_vs_quality(frontier: QualityFrontier, *, ax: Axes | None = None) -> Axes:
    """Draw the monthly spend of each model against its quality, and the frontier.

    Parameters
    ----------
    frontier : QualityFrontier
        What `quality_frontier` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A point at the P50 and a line from P10 to P90 for each model, USD per month from left to
        right, quality upwards. A stepped line joins the models that none beats; others are light,
        and a cross is a model that cannot serve. Models of unknown quality are named below.
    """
    known = [(one, one.quality) for one in frontier.models if one.quality is not None]
    best = [pair for name in frontier.frontier for pair in known if pair[0].model == name]
    kinds = [
        "best" if one.on_frontier else "beaten" if one.qualifies else "cannot" for one, _ in known
    ]
    ax = axes(ax)
    for (one, quality), kind in zip(known, kinds, strict=True):
        ends = ([one.p10_usd_per_month, one.p90_usd_per_month], [quality] * 2)
        ax.plot(*ends, color=MUTED, linewidth=1.5, zorder=2)
        ax.plot([one.p50_usd_per_month], [quality], **_SIGNS[kind][1], zorder=4)
    _frontier(ax, [(one.p50_usd_per_month, quality) for one, quality in best])
    ax.set(xlabel="USD per month, average over the months planned", ylabel="success rate")
    of = frontier.workload or "all workloads on one model"
    unknown = [one.model for one in frontier.models if one.quality is None]
    missing = f" No success rate is known of {', '.join(unknown)}." if unknown else ""
    finish(
        ax,
        f"Cost against quality: {short(of)}",
        f"Point: P50. Line: P10 to P90.{missing} {frontier.provenance}",
        f"Monthly spend and success rate of {of}. Not beaten: "
        + (listed(_words(*pair) for pair in best) or "none")
        + ". Others: "
        + (listed(_words(*pair) for pair in known if pair not in best) or "none")
        + f".{missing}",
        key=[
            (text, Line2D([], [], linestyle="", **look))
            for kind, (text, look) in _SIGNS.items()
            if kind in kinds
        ],
    )
    names = [
        (f"{one.model} {dollars(one.p50_usd_per_month)}", one.p50_usd_per_month, quality)
        for one, quality in known
    ]
    column(ax, names)
    return ax


def _words(one: ModelQuality, quality: float) -> str:
    able = "" if one.qualifies else ", cannot serve"
    return f"{one.model} {dollars(one.p50_usd_per_month)} USD, {quality:.2f}{able}"


@styled()
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
    ax = axes(ax)
    for route in result.routes:
        _, look = _KINDS[len(route.models)]
        faint = 1.0 if route.on_frontier or len(route.models) == 1 else 0.35
        ax.plot(float(route.cost_usd), route.success_rate, **look, **_EDGE, alpha=faint, zorder=3)
        if route.intervals is not None and route.on_frontier:
            (low, high), (least, most) = route.intervals.cost, route.intervals.success
            cost, rate = float(route.cost_usd), route.success_rate
            for xs, ys in (((low, high), (rate, rate)), ((cost, cost), (least, most))):
                ax.plot(xs, ys, color=MUTED, linewidth=1, zorder=2)
    _frontier(ax, [(float(route.cost_usd), route.success_rate) for route in best])
    ax.set(xlabel="USD per task, checks and retries included", ylabel="tasks that succeed")
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
        [(_name(route), float(route.cost_usd), route.success_rate) for route in best[:_MOST_NAMED]],
    )
    return ax


def _has_intervals(routes: Iterable[Route]) -> bool:
    return any(route.intervals is not None for route in routes)


def _name(route: Route) -> str:
    return route.name.replace("kimi-", "")


def _frontier(ax: Axes, steps: Sequence[tuple[float, float]]) -> None:
    """Fit the axes to what is drawn, and draw a stepped line through points and on to the right."""
    right, low, high = 0.0, 0.0, 1.0
    if ax.has_data():
        right, (low, high) = ax.dataLim.x1, ax.dataLim.intervaly
    money_axis(ax, "x", 1.06 * right)
    if steps:
        xs, ys = zip(*steps, (ax.get_xlim()[1], steps[-1][1]), strict=True)
        ax.step(xs, ys, where="post", color=WITHIN, linewidth=2, zorder=1)
    ax.set_ylim(low - _ROOM, high + _ROOM)
    percent_axis(ax)
