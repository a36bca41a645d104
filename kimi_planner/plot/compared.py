"""A picture of named scenarios beside their plan."""

from __future__ import annotations

from typing import Any, Unpack

from matplotlib.axes import Axes

from kimi_planner.plan.scenario import BASE, ScenarioComparison
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, key_of, spread
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import NOTHING, dollars, listed


@picture
def scenarios(comparison: ScenarioComparison, **panel: Unpack[Panel]) -> Axes:
    """Draw what is booked under each scenario, beside the plan.

    Parameters
    ----------
    comparison : ScenarioComparison
        What `compare_scenarios` returned.

    Returns
    -------
    Axes
        A bar for the plan and for each scenario to its bookable number, blue where it is less than
        that of the plan and orange where it is more, a line from P10 to P90, a dashed line at the
        plan, and the difference beside it; USD over all months.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> from kimi_planner.plan import Scenario, compare_scenarios
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 3, "2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> doubled = Scenario(name="doubled", changes={"traffic": 2})
    >>> ax = scenarios(compare_scenarios(plan, [doubled], {"chat": "kimi-k2"}))
    """
    rows = comparison.frame.to_dict("records")
    base = float(rows[0]["usd"])
    canvas = Canvas(**panel)
    theme, plan = canvas.theme, comparison.projections[BASE]
    canvas.rows([row["scenario"] for row in rows], pitch=22)
    for place, row in enumerate(rows):
        is_plan, is_more = row["scenario"] == BASE, row["usd"] > base
        color = theme.muted if is_plan else theme.over if is_more else theme.within
        number, low, high = (float(row[key]) for key in ("usd", "p10_usd", "p90_usd"))
        bar(canvas, place, number, color)
        spread(canvas, place, low, high)
        canvas.beside(_amount(row), place)
    most = max(max(float(row["usd"]), float(row["p90_usd"])) for row in rows)
    money_axis(canvas.ax, "x", 1.03 * most)
    canvas.ax.set_xlabel(f"{plan.currency} to book, all months of the plan")
    canvas.limit(f"plan {dollars(base)}", base, color=theme.ink)
    return canvas.finish(
        "Scenarios beside the plan",
        f"Bar: what is booked, {plan.booking.words}. Line: P10 to P90.",
        f"Bookable number ({plan.booking.words}) over all months, {plan.currency}: "
        + listed(
            f"{row['scenario']} {_amount(row)}" + (f" ({row['changes']})" if row["changes"] else "")
            for row in rows
        )
        + ".",
        answer=_answer(rows, plan.currency),
        provenance=plan.provenance,
        key=key_of(canvas, within="less", over="more"),
    )


def _answer(rows: list[dict[Any, Any]], currency: str) -> str:
    """Return the scenario that differs most from the plan, and by how much."""
    most = max(rows, key=lambda row: abs(row["difference_share"] or 0.0))
    share = most["difference_share"]
    if not any(row["usd"] for row in rows):
        return NOTHING
    text = f"{most['scenario']} differs most: {dollars(most['usd'])} {currency}"
    return f"{text} ({share:+.1%})" if share else ""


def _amount(row: dict[Any, Any]) -> str:
    share = row["difference_share"]
    change = "" if row["scenario"] == BASE or share is None else f" ({share:+.1%})"
    return f"{dollars(row['usd'])}{change}"
