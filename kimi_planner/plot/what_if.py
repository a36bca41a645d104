"""A picture of spend by model with the numbers of a plan moved, beside the plan."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from kimi_planner.errors import ScenarioError
from kimi_planner.plan.projection import Projection
from kimi_planner.plot.layout import beside, budget_limits, finish, row_names
from kimi_planner.plot.spend import bar, summary_rows
from kimi_planner.plot.style import INK, axes, color_of, money_axis, styled
from kimi_planner.plot.words import dollars, listed, short

__all__ = ["what_if"]

_MARK: dict[str, Any] = {
    "marker": "D",
    "markersize": 7,
    "color": "white",
    "markeredgecolor": INK,
    "markeredgewidth": 1.2,
    "zorder": 4,
}


def what_if(
    changed: Projection,
    planned: Projection,
    workload: str | None = None,
    *,
    moved: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the monthly spend by model of a changed plan, and what was planned.

    Parameters
    ----------
    changed, planned : Projection
        What `project` returned for the changed workloads, such as :func:`what_if` gives, and for
        the planned ones; on the same models.
    workload : str, optional
        One workload; all together on one model if not given.
    moved : str
        What was changed, in words, such as ``"traffic × 2"``.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Bars to the P50 of the changed plan, a dark line from P10 to P90, and a diamond at the P50
        as planned; USD.

    Raises
    ------
    ScenarioError
        If the two are of other models, or one has no such workload.
    """
    if changed.models != planned.models:
        raise ScenarioError(
            f"The changed plan is on {', '.join(changed.models)}, the other one on "
            f"{', '.join(planned.models)}. Project both on the same models."
        )
    budget = planned.budget(workload)
    rows, before = summary_rows(changed, workload), summary_rows(planned, workload)
    of, moves = workload or "all workloads on one model", f" at {moved}" if moved else ""
    pairs = [
        (
            row["model"],
            *(row[f"p{share}_usd_per_month"] for share in (10, 50, 90)),
            old["p50_usd_per_month"],
        )
        for row, old in zip(rows, before, strict=True)
    ]
    with styled():
        ax = axes(ax, rows=len(rows))
        for place, (model, p10, p50, p90, old) in enumerate(pairs):
            bar(ax, place, p50, (p10, p90), color_of(changed.models, model))
            ax.plot(old, place, **_MARK)
            beside(ax, f"{dollars(old)} → {dollars(p50)}", place)
        row_names(ax, changed.models)
        limits = budget_limits(ax, budget)
        ends = [usd for _, *amounts in pairs for usd in amounts]
        money_axis(ax, "x", 1.03 * max(*ends, float(budget or 0)))
        ax.set_xlabel("USD per month, average over the months planned")
        finish(
            ax,
            f"What if: {short(of)}",
            f"Bar: P50 over scenarios{moves}. Line: P10 to P90. Diamond: P50 as planned. "
            f"{planned.provenance}",
            f"Average monthly spend of {of}{moves} by model, P50 as planned and changed: "
            + listed(
                f"{model} {dollars(old)} to {dollars(p50)} USD" for model, _, p50, _, old in pairs
            )
            + (f". The budget is {dollars(budget)} USD." if budget is not None else "."),
            limits=limits,
        )
        return ax
