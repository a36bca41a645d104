"""A picture of what changed between two plans."""

from __future__ import annotations

from itertools import accumulate

from matplotlib.axes import Axes

from kimi_planner.money import usd
from kimi_planner.plot.layout import beside, finish, row_names
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import listed, resting, short
from kimi_planner.reconcile.plans import PlanChange

__all__ = ["plan_change"]

_LABEL_CHARS = 24


@styled()
def plan_change(change: PlanChange, workload: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the way from one bookable number to another, cause by cause.

    Parameters
    ----------
    change : PlanChange
        What `compare_plans` returned.
    workload : str, optional
        One workload; all together if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        From top to bottom a bar for the plan before, one for each cause from where the last ended to
        where it leads, dark where it costs less and light where it costs more, and one for the plan
        after; USD over all months.

    Raises
    ------
    ScenarioError
        If neither plan has such a workload.
    """
    steps = change.steps(workload)
    names, amounts = list(steps["step"]), list(map(float, steps["usd"]))
    reached = list(accumulate(amounts[:-1]))
    ax = axes(ax, rows=len(names), row_points=19)
    row_names(ax, names, chars=_LABEL_CHARS)
    for place, (name, amount) in enumerate(zip(names, amounts, strict=True)):
        is_end = name in ("before", "after")
        left = 0.0 if is_end else reached[place - 1]
        color = MUTED if is_end else OVER if amount > 0 else WITHIN
        ax.barh(place, amount, left=left, height=0.6, color=color, edgecolor=INK, linewidth=0.5)
        if place:  # from where the bar above ended
            at = reached[place - 1]
            ax.plot([at, at], [place - 0.7, place - 0.3], color=INK, linewidth=0.7)
        beside(ax, _amount(amount, signed=not is_end), place)
    money_axis(ax, "x", 1.03 * max(*amounts, *reached))
    ax.set_xlabel("USD to book, all months of the plan")
    finish(
        ax,
        f"What changed in the plan{f' of {short(workload)}' if workload else ''}",
        resting(change.notes, change.provenance),
        f"What changed in the plan{f' of {workload}' if workload else ''}, bookable USD: "
        + listed(
            f"{name} {_amount(amount, signed=name not in ('before', 'after'))}"
            for name, amount in zip(names, amounts, strict=True)
        )
        + ".",
    )
    return ax


def _amount(amount: float, *, signed: bool) -> str:
    text = usd(amount)
    return f"+{text}" if signed and amount > 0 else text
