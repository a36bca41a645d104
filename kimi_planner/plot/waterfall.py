"""A picture of what changed between two plans."""

from __future__ import annotations

from itertools import accumulate
from typing import Unpack

from matplotlib.axes import Axes

from kimi_planner.money import usd
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, key_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import listed
from kimi_planner.reconcile.plans import PlanChange


@picture
def plan_change(change: PlanChange, workload: str | None = None, **panel: Unpack[Panel]) -> Axes:
    """Draw the way from one bookable number to another, cause by cause.

    Parameters
    ----------
    change : PlanChange
        What `compare_plans` returned.
    workload : str, optional
        One workload; all together if not given.

    Returns
    -------
    Axes
        From top to bottom a bar for the plan before, one for each cause from where the last ended to
        where it leads, blue where it costs less and orange where it costs more, and one for the plan
        after; USD over all months.

    Raises
    ------
    SettingError
        If neither plan has such a workload.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> from kimi_planner.plan import compare_plans
    >>> plans = [
    ...     project(Workload(name="w", requests_per_day=calls, prompt_tokens=9000, completion_tokens=500),
    ...         1, "2027-03", "kimi-k2", as_of="2026-11-24", catalog="2026-06")
    ...     for calls in (10, 15)
    ... ]
    >>> ax = plan_change(compare_plans(*plans))
    """
    steps = change.steps(workload)
    names, amounts = list(steps["step"]), list(map(float, steps["usd"]))
    reached = list(accumulate(amounts[:-1]))
    canvas = Canvas(**panel)
    theme, ax = canvas.theme, canvas.ax
    canvas.rows(names, pitch=19)
    for place, (name, amount) in enumerate(zip(names, amounts, strict=True)):
        is_end = name in ("before", "after")
        left = 0.0 if is_end else reached[place - 1]
        color = theme.muted if is_end else theme.over if amount > 0 else theme.within
        bar(canvas, place, amount, color, left)
        if place:  # from where the bar above ended
            at = reached[place - 1]
            ax.plot([at, at], [place - 0.7, place - 0.3], color=theme.ink, linewidth=0.7)
        canvas.beside(_amount(amount, signed=not is_end), place)
    money_axis(ax, "x", 1.03 * max(*amounts, *reached))
    ax.set_xlabel(f"{change.currency} to book, all months of the plan")
    of = f" of {workload}" if workload else ""
    return canvas.finish(
        f"What changed in the plan{of}",
        f"Bar: {change.currency} to book.",
        f"What changed in the plan{of}, bookable {change.currency}: "
        + listed(
            f"{name} {_amount(amount, signed=name not in ('before', 'after'))}"
            for name, amount in zip(names, amounts, strict=True)
        )
        + ".",
        answer=_answer(names, amounts, change.currency),
        notes=change.notes,
        provenance=change.provenance,
        key=key_of(canvas, within="less", over="more"),
    )


def _answer(names: list[str], amounts: list[float], currency: str) -> str:
    """Return the plan before and after, and the cause that moved it most."""
    ends = f"{usd(amounts[0])} → {usd(amounts[-1])} {currency} to book"
    causes = zip(names[1:-1], amounts[1:-1], strict=True)
    name, amount = max(causes, key=lambda cause: abs(cause[1]), default=("", 0.0))
    return f"{ends}, most by {name}: {_amount(amount, signed=True)}" if amount else ends


def _amount(amount: float, *, signed: bool) -> str:
    text = usd(amount)
    return f"+{text}" if signed and amount > 0 else text
