"""A picture of what the spend depends on most."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from matplotlib.axes import Axes

from kimi_planner.plan.drivers import Sensitivity
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, key_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import at_most, dollars, listed

MOST_BARS = 12
_ROOM = 0.05  # of the widest bar, on both sides


@picture
def tornado(result: Sensitivity, **panel: Unpack[Panel]) -> Axes:
    """Draw what each uncertain number does to the monthly spend, the widest bar on top.

    Parameters
    ----------
    result : Sensitivity
        What `sensitivity` returned.

    Returns
    -------
    Axes
        A bar from the spend with the number at its lower quantile to that at its upper one, around
        a line at the spend with all numbers at their medians, blue where it is less and orange where
        it is more; both beside it with the share of the variance; USD per month. At most 12 bars;
        how many are left out is said below.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> from kimi_planner.plan import sensitivity
    >>> chat = Workload(name="chat", requests_per_day={"p10": 700, "p50": 1000, "p90": 1600},
    ...     prompt_tokens=2000, completion_tokens=300)
    >>> ax = tornado(sensitivity(chat, "kimi-k2", 1, "2027-01", "2026-11-28", catalog="2026-06"))
    """
    rows = result.frame.iloc[:-1].to_dict("records")
    drawn, base = rows[:MOST_BARS], result.base_usd_per_month
    low, high = (f"P{round(share * 100)}" for share in result.q)
    canvas = Canvas(**panel)
    theme = canvas.theme
    ends = [row[f"{end}_usd_per_month"] for row in drawn for end in ("low", "high")]
    left, right = min([base, *ends]), max([base, *ends])
    reach = (right - left) or base or 1.0
    canvas.rows([_name(row["workload"], row["input"]) for row in drawn], pitch=19)
    money_axis(canvas.ax, "x", right + _ROOM * reach, left - _ROOM * reach)
    for place, row in enumerate(drawn):
        below, above = row["low_usd_per_month"], row["high_usd_per_month"]
        for end in (below, above):
            bar(canvas, place, end - base, theme.over if end > base else theme.within, base)
        share = at_most(row["variance_share"])
        canvas.beside(f"{dollars(below)} to {dollars(above)}, {share}", place)
    rest = result.frame["variance_share"].iloc[-1]
    left_out = f" {len(rows) - len(drawn)} smaller ones are not drawn." if rows[MOST_BARS:] else ""
    canvas.ax.set_xlabel(f"{result.currency} per month, average over the months planned")
    canvas.limit(f"all at P50: {dollars(base)}", base, color=theme.ink)
    return canvas.finish(
        f"What the spend depends on most: {result.title}",
        f"Bar: one number from its {low} to its {high}, all others at P50. Beside it: the spend at both, "
        "and its share of the variance. Interactions and single calls are "
        f"{_percent(rest)} of the variance.{left_out}",
        f"What the monthly spend of {result.title} depends on most, {dollars(base)} {result.currency} with all at P50: "
        + listed(
            f"{_name(row['workload'], row['input'])} {dollars(row['low_usd_per_month'])} to "
            f"{dollars(row['high_usd_per_month'])} {result.currency}, {at_most(row['variance_share'])} of the variance"
            for row in drawn
        )
        + ("." if drawn else "nothing that is uncertain."),
        answer=_answer(drawn),
        provenance=result.provenance,
        key=key_of(canvas, within="less", over="more"),
    )


def _answer(rows: list[dict[Any, Any]]) -> str:
    if not rows:
        return "nothing is uncertain"
    share = at_most(rows[0]["variance_share"])
    return f"{_name(rows[0]['workload'], rows[0]['input'])}, {share} of the variance"


def _percent(share: float) -> str:
    return "nothing" if np.isclose(share, 0) else f"{share:.0%}" if share >= 0.01 else "<1%"


def _name(workload: str, name: str) -> str:
    words = {"mean_factor": "mean", "growth_per_month": "growth", "requests_per_day": "requests"}
    for word, plain in words.items():
        name = name.replace(word, plain)
    name = name.removeprefix("events.").replace("_", " ").replace(".", ", ")
    return name if workload == "all" else f"{workload}: {name}"
