"""A picture of the trade-off between cost and reasoning depth."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from matplotlib.axes import Axes

from kimi_planner.catalog import ModelSpec
from kimi_planner.plot.style import (
    INK,
    MUTED,
    axes,
    color_of,
    money_axis,
    styled,
)
from kimi_planner.plot.words import dollars, finish, label
from kimi_planner.projection import Projection

__all__ = ["cost_vs_reasoning"]


def cost_vs_reasoning(
    projection: Projection, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the monthly spend of each model against its rated reasoning depth.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    workload : str, optional
        One workload; all together on one model if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A point at the P50 and a line from P10 to P90 for each model; USD per month against an
        ordinal rating, which is a judgement on the source's words. A model without a rating is
        named below the picture.

    Raises
    ------
    ScenarioError
        If the projection has no such workload.
    """
    with styled():
        ax = axes(ax)
        points: list[tuple[int, float, float, float, str]] = []
        reach = 0.0
        rated = [spec for spec in projection.specs if spec.reasoning_depth is not None]
        for spec in rated:
            average = projection.of(spec.id, workload).over_months()
            p10, p50, p90 = (
                float(average.quantile(q)[0]) / len(projection.months) for q in (0.1, 0.5, 0.9)
            )
            points.append((_rating(spec), p50, p10, p90, spec.id))
        for depth, group in groupby(sorted(points), key=itemgetter(0)):
            for beside, (_, p50, p10, p90, model) in enumerate(group):
                place = depth + 0.1 * beside
                color = color_of(projection.models, model)
                ax.plot([place, place], [p10, p90], color=color, linewidth=2.5)
                ax.plot([place], [p50], color=color, marker="o", markersize=9, markeredgecolor=INK)
                label(ax, f"{model}  {dollars(p50)}", (place, p50), (9, 16 * beside - 6))
                reach = max(reach, p90)
        depths = sorted({_rating(spec) for spec in rated})
        ax.set_xticks(depths, labels=[_level(depth, depths) for depth in depths])
        if depths:
            ax.set_xlim(depths[0] - 0.3, depths[-1] + 0.8)
        money_axis(ax, "y", 1.1 * reach)
        ax.set_ylabel("USD per month")
        ax.set_xlabel("reasoning depth, as rated from the words of the price card")
        unrated = [spec.id for spec in projection.specs if spec.reasoning_depth is None]
        missing = f" Not rated: {', '.join(unrated)}." if unrated else ""
        finish(
            ax,
            f"Cost against reasoning depth: {workload or 'all workloads'}",
            f"Point: P50. Line: P10 to P90. A judgement, not a measurement.{missing} {projection.provenance}",
            "Monthly spend of each model against its rated reasoning depth.",
        )
        ax.grid(axis="y", color=MUTED, alpha=0.15)
        return ax


def _rating(spec: ModelSpec) -> int:
    return spec.reasoning_depth.rating if spec.reasoning_depth else 0


def _level(depth: int, depths: list[int]) -> str:
    if len(depths) > 1 and depth == depths[0]:
        return f"{depth} (least)"
    return f"{depth} (most)" if len(depths) > 1 and depth == depths[-1] else str(depth)
