"""Pictures of spend: by model with its range, and over the months as a fan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from kimi_planner.errors import ScenarioError, shown
from kimi_planner.money import usd
from kimi_planner.plot.style import (
    INK,
    RANGE,
    axes,
    budget_line,
    caption,
    color_of,
    label,
    literal,
    money_axis,
    styled,
)
from kimi_planner.projection import Projection

__all__ = ["monthly_spend", "spend_fan"]


def monthly_spend(
    projection: Projection, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the average monthly spend by model, its range and the budget.

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
        Bars to the P50, a dark line from P10 to P90, both written beside it; USD.

    Raises
    ------
    ScenarioError
        If the projection has no such workload.
    """
    with styled():
        ax = axes(ax)
        budget = projection.budget(workload)
        texts, reach = [], float(budget or 0)
        for place, model in enumerate(projection.models):
            average = projection.of(model, workload).over_months()
            p10, p50, p90 = (
                float(average.quantile(q)[0]) / len(projection.months) for q in (0.1, 0.5, 0.9)
            )
            ax.barh(place, p50, height=0.55, color=color_of(projection.models, model), alpha=0.85)
            text = usd(p50, 0)
            if p90 > p10:
                ax.plot(
                    [p10, p90], [place, place], color=INK, linewidth=2, marker="|", markersize=12
                )
                text += f"  (P10 {usd(p10, 0)}, P90 {usd(p90, 0)})"
            texts.append(text)
            reach = max(reach, p90)
        for place, text in enumerate(texts):  # in one column, clear of bars and budget
            label(ax, text, (reach, place), (8, 0))
        names = [literal(model) for model in projection.models]
        ax.set_yticks(range(len(names)), labels=names)
        ax.invert_yaxis()
        if budget is not None:
            budget_line(ax, f"budget {usd(budget, 0)}", float(budget), vertical=True)
        money_axis(ax, "x", 1.5 * reach)
        ax.set_xlabel("USD per month, average over the months planned")
        ax.set_title(literal(f"Monthly spend: {workload or 'all workloads on one model'}"))
        caption(ax, f"Bar: P50 over scenarios. Line: P10 to P90. {projection.provenance}")
        return ax


def spend_fan(
    projection: Projection,
    model: str | Mapping[str, str],
    workload: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spend over the months, with its range as a fan.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    model : str or mapping of str to str
        A model id; or from workload to model id, such as `Recommendation.best`, for their sum.
    workload : str, optional
        One workload; all together if not given. A mapping names its workloads itself.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A line at the P50, a dark band from P25 to P75 and a light one from P10 to P90; USD.

    Raises
    ------
    ScenarioError
        If the projection has no such workload or model, or a workload stands beside a mapping.
    """
    if workload is not None and not isinstance(model, str):
        raise ScenarioError(
            f"workload {shown(workload)} stands beside a mapping of workloads to models. Leave it "
            "out, or name one model."
        )
    with styled():
        ax = axes(ax)
        spend = projection.of(model, workload) if isinstance(model, str) else projection.mix(model)
        months = np.arange(len(projection.months))
        p10, p25, p50, p75, p90 = (spend.quantile(q) for q in (0.1, 0.25, 0.5, 0.75, 0.9))
        ax.fill_between(months, p10, p90, color=RANGE, alpha=0.55, linewidth=0)
        ax.fill_between(months, p25, p75, color=RANGE, linewidth=0)
        ax.plot(months, p50, color=INK, linewidth=2, marker="o", markersize=3)
        ends = [("P90", p90[-1]), ("P50", p50[-1]), ("P10", p10[-1])]
        for name, value in ends if p90[-1] > p10[-1] else ends[1:2]:
            label(ax, f"{name} {usd(float(value), 0)}", (float(months[-1]), float(value)), (7, 0))
        step = max(1, -(-len(months) // 12))
        ax.set_xticks(months[::step], labels=[str(month) for month in projection.months[::step]])
        ax.tick_params(axis="x", labelrotation=45)
        ax.set_xlim(-0.3, len(months) - 1 + max(1.0, 0.16 * len(months)))
        covered = isinstance(model, str) or set(model) == set(projection.names)
        budget = projection.budget(workload) if covered else None
        if budget is not None:
            budget_line(ax, f"budget {usd(budget, 0)}", float(budget), vertical=False)
        money_axis(ax, "y", 1.12 * max(float(p90.max()), float(budget or 0)))
        ax.set_ylabel("USD per month")
        named = model if isinstance(model, str) else "each on its recommended model"
        every = f"{len(model)} of {len(projection.names)}" if not covered else "all"
        ax.set_title(literal(f"Spend by month: {workload or f'{every} workloads'}, {named}"))
        caption(
            ax,
            f"Dark band: P25 to P75 over scenarios. Light band: P10 to P90. {projection.provenance}",
            drop=58,
        )
        return ax
