"""A picture of a latest estimate: spent to date, the range ahead, and the limits."""

from __future__ import annotations

from datetime import date
from itertools import accumulate

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from kimi_planner.forecast.estimate import LatestEstimate
from kimi_planner.forecast.result import amount_text
from kimi_planner.plot.horizon import day_axis
from kimi_planner.plot.layout import column, finish
from kimi_planner.plot.style import BUDGET, COLORS, INK, MUTED, RANGE, axes, money_axis, styled

__all__ = ["outlook"]

_DAY = 86_400.0
_BANDS = (("p05_usd", "p95_usd", 0.5), ("p10_usd", "p90_usd", 1.0))
_HEADROOM = 1.08


@styled()
def outlook(result: LatestEstimate, *, ax: Axes | None = None) -> Axes:
    """Draw what was spent of a period, what is to come, and the limits for both.

    Parameters
    ----------
    result : LatestEstimate
        What `latest_estimate` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Cumulative USD from the begin of the period to its end: a grey line for what was spent, then
        the P50 in a dark band from P10 to P90 and a light one from P05 to P95; the budget dashed, the
        plan dotted.
    """
    ax = axes(ax)
    days, spent = _spent(result)
    rows = [("spent", spent[-1])] if result.ahead is None else []
    [line] = ax.plot(days, spent, color=MUTED, linewidth=2)
    key: list[tuple[str, Line2D | Patch]] = [("spent", line)]
    if result.ahead is not None:
        steps = result.ahead.frame
        ahead = [days[-1], *((result.ended.timestamp() + result.ahead.steps) / _DAY).tolist()]
        fan = {name: [spent[-1], *(spent[-1] + steps[name]).tolist()] for name in steps.columns[1:]}
        for low, high, alpha in _BANDS:
            ax.fill_between(ahead, fan[low], fan[high], color=RANGE, alpha=alpha, linewidth=0)
        [line] = ax.plot(ahead, fan["p50_usd"], color=INK, linewidth=2)
        rows += [(name, fan[f"{name.lower()}_usd"][-1]) for name in ("P90", "P50", "P10")]
        rows += [("P95", fan["p95_usd"][-1])]
        key += [("P50 of what follows", line), ("P10 to P90", Patch(color=RANGE))]
    if result.budget_usd is not None:
        rows.append(("budget", float(result.budget_usd)))
        line = ax.axhline(float(result.budget_usd), color=BUDGET, linestyle="--", linewidth=1.5)
        key.append(("budget", line))
    if result.planned is not None and result.planned.path:
        places, planned = zip(*result.planned.path, strict=True)
        rows.append(("plan", planned[-1]))
        [line] = ax.plot(
            list(map(_place, places)), planned, color=COLORS[1], linestyle=":", linewidth=2
        )
        key.append(("plan", line))
    until = _place(result.period.until)
    ax.set_xlim(_place(result.period.start), until)
    money_axis(ax, "y", _HEADROOM * max(amount for _, amount in rows))
    day_axis(ax)
    ax.set_ylabel("USD, cumulative")
    finish(
        ax,
        result.sentences[0],
        " ".join(["Light band: P05 to P95.", *result.sentences[1:], result.provenance]),
        " ".join(result.sentences),
        key=key,
    )
    named = [(f"{name} {amount_text(usd)}", until, usd) for name, usd in rows if name != "P95"]
    column(ax, named, leaders=False)
    return ax


def _spent(result: LatestEstimate) -> tuple[list[float], list[float]]:
    """Return days since 1970 and what was spent until then, from the begin of the period on."""
    ends = [min(_place(day) + 1, result.ended.timestamp() / _DAY) for day in result.daily["day"]]
    begin = max(result.begun, result.period.begin).timestamp() / _DAY
    spent = list(accumulate(map(float, result.daily["actual_usd"]), initial=0.0))
    return [begin, *ends, max(begin, result.ended.timestamp() / _DAY)], [*spent, spent[-1]]


def _place(day: date) -> float:
    return pd.Timestamp(day, tz="UTC").timestamp() / _DAY
