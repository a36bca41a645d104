"""A picture of named scenarios beside their plan."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from kimi_planner.plan.scenario import BASE, ScenarioComparison
from kimi_planner.plot.layout import beside, finish, limit, row_names
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, resting

__all__ = ["scenarios"]

_LABEL_CHARS = 40


@styled()
def scenarios(comparison: ScenarioComparison, *, ax: Axes | None = None) -> Axes:
    """Draw what is booked under each scenario, beside the plan.

    Parameters
    ----------
    comparison : ScenarioComparison
        What `compare_scenarios` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A bar for the plan and for each scenario to its bookable number, dark where it is less than
        that of the plan and light where it is more, a line from P10 to P90, a dashed line at the
        plan, and the difference beside it; USD over all months.
    """
    rows = comparison.frame.to_dict("records")
    base = float(rows[0]["usd"])
    ax = axes(ax, rows=len(rows), row_points=22)
    row_names(ax, [row["scenario"] for row in rows], chars=_LABEL_CHARS)
    for place, row in enumerate(rows):
        number, low, high = (float(row[key]) for key in ("usd", "p10_usd", "p90_usd"))
        color = MUTED if row["scenario"] == BASE else OVER if number > base else WITHIN
        ax.barh(place, number, height=0.6, color=color, edgecolor=INK, linewidth=0.5)
        if high > low:
            ax.plot([low, high], [place, place], color="white", linewidth=4, solid_capstyle="butt")
            ax.plot([low, high], [place, place], color=INK, linewidth=2, marker="|", markersize=9)
        beside(ax, _amount(row), place)
    most = max(max(float(row["usd"]), float(row["p90_usd"])) for row in rows)
    money_axis(ax, "x", 1.03 * most)
    ax.set_xlabel("USD over all months of the plan")
    plan = comparison.projections[BASE]
    finish(
        ax,
        "Scenarios beside the plan",
        resting(
            (f"Bar: what is booked, {plan.booking.words}. Line: P10 to P90.",), plan.provenance
        ),
        f"Bookable number ({plan.booking.words}) over all months, USD: "
        + listed(
            f"{row['scenario']} {_amount(row)}" + (f" ({row['changes']})" if row["changes"] else "")
            for row in rows
        )
        + ".",
        limits=[limit(ax, f"plan {dollars(base)}", base, vertical=True, color=INK)],
    )
    return ax


def _amount(row: dict[Any, Any]) -> str:
    share = row["difference_share"]
    change = "" if row["scenario"] == BASE or share is None else f" ({share:+.1%})"
    return f"{dollars(row['usd'])}{change}"
