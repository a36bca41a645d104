"""A picture of a latest estimate: spent to date, the range ahead, and the limits."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from typing import Any, Unpack

import pandas as pd
from matplotlib.axes import Axes

from kimi_planner.forecast.estimate import LatestEstimate
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.horizon import day_axis, fan
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import dollars

_DAY = 86_400.0
_HEADROOM = 1.08


@picture
def outlook(result: LatestEstimate, **panel: Unpack[Panel]) -> Axes:
    """Draw what was spent of a period, what is to come, and the limits for both.

    Parameters
    ----------
    result : LatestEstimate
        What `latest_estimate` returned.

    Returns
    -------
    Axes
        Cumulative USD from the begin of the period to its end: a grey line for what was spent, then
        the P50 in a band from P10 to P90, in a fainter one from P05 to P95; the budget dashed, the plan
        dotted.

    Examples
    --------
    >>> import pandas as pd
    >>> import kimi_planner as kp
    >>> hours = pd.date_range("2026-10-01", "2026-11-15", freq="h", tz="UTC")
    >>> log = pd.DataFrame({"timestamp": hours, "model": "kimi-k2", "prompt_tokens": 2000,
    ...     "completion_tokens": 300})
    >>> ax = outlook(kp.latest_estimate(log, 3, "month end", as_of="2026-11-28"))
    """
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    days, spent = _spent(result)
    highest = [spent[-1]]
    [line] = ax.plot(days, spent, color=theme.muted, linewidth=2)
    key: list[tuple[str, Any]] = [("spent", line)]
    if result.ahead is None:
        canvas.beside(f"spent {dollars(spent[-1])}", spent[-1])
    else:
        frame = result.ahead.frame
        ahead = [days[-1], *((result.ended.timestamp() + result.ahead.steps) / _DAY).tolist()]
        steps = {name: [spent[-1], *(spent[-1] + frame[name])] for name in frame.columns[1:]}
        key += fan(canvas, ahead, steps)
        highest.append(steps["p95_usd"][-1])
    if result.budget_usd is not None:
        budget = float(result.budget_usd)
        canvas.limit(f"budget {dollars(budget)}", budget, is_upright=False)
        highest.append(budget)
    if result.planned is not None and result.planned.path:
        places, planned = zip(*result.planned.path, strict=True)
        look: dict[str, Any] = {"color": theme.within, "linestyle": ":", "linewidth": 2}
        [line] = ax.plot(list(map(_place, places)), planned, **look)
        canvas.beside(f"plan {dollars(planned[-1])}", planned[-1])
        highest.append(planned[-1])
        key.append(("plan", line))
    ax.set_xlim(_place(result.period.start), _place(result.period.until))
    money_axis(ax, "y", _HEADROOM * max(highest))
    day_axis(ax)
    ax.set_ylabel(f"{result.catalog.currency}, cumulative")
    return canvas.finish(
        "",
        " ".join(result.sentences[1:]),
        " ".join(result.sentences),
        answer=result.sentences[0],
        provenance=result.provenance,
        key=key,
    )


def _spent(result: LatestEstimate) -> tuple[list[float], list[float]]:
    """Return days since 1970 and what was spent until then, from the begin of the period on."""
    ends = [min(_place(day) + 1, result.ended.timestamp() / _DAY) for day in result.daily["day"]]
    begin = max(result.begun, result.period.begin).timestamp() / _DAY
    spent = list(accumulate(map(float, result.daily["actual_usd"]), initial=0.0))
    return [begin, *ends, max(begin, result.ended.timestamp() / _DAY)], [*spent, spent[-1]]


def _place(day: date) -> float:
    return pd.Timestamp(day, tz="UTC").timestamp() / _DAY
