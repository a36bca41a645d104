"""A picture of what the spend depends on most."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from kimi_planner.plan.drivers import Sensitivity
from kimi_planner.plot.layout import beside, finish, label, limit, row_names
from kimi_planner.plot.style import INK, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import at_most, dollars, listed, short

__all__ = ["tornado"]

MOST_BARS = 12
_NAME_CHARS = 50
_ROOM = 0.45  # of the widest bar, for the words beside it


@styled()
def tornado(result: Sensitivity, ax: Axes | None = None) -> Axes:
    """Draw what each uncertain number does to the monthly spend, the widest bar on top.

    Parameters
    ----------
    result : Sensitivity
        What `sensitivity` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A bar from the spend with the number at its lower quantile to that at its upper one, around
        a line at the spend with all numbers at their medians; USD per month. At most 12 bars; how
        many are left out is said below.
    """
    rows = result.frame.iloc[:-1].to_dict("records")
    drawn, base = rows[:MOST_BARS], result.base_usd_per_month
    low, high = (f"P{round(share * 100)}" for share in result.q)
    ax = axes(ax, rows=len(drawn), row_points=19)
    ends = [row[f"{end}_usd_per_month"] for row in drawn for end in ("low", "high")]
    left, right = min([base, *ends]), max([base, *ends])
    reach = (right - left) or base or 1.0
    row_names(
        ax, [_name(short(row["workload"], 22), row["input"]) for row in drawn], chars=_NAME_CHARS
    )
    money_axis(ax, "x", right + _ROOM * reach, left - _ROOM * reach)
    for place, row in enumerate(drawn):
        below, above = row["low_usd_per_month"], row["high_usd_per_month"]
        for end, color in ((below, WITHIN), (above, OVER)):
            ax.barh(
                place, end - base, left=base, height=0.6, color=color, edgecolor=INK, linewidth=0.5
            )
        sides = sorted([(below, low), (above, high)])
        for (value, name), (offset, side) in zip(sides, [(-4, "right"), (4, "left")], strict=True):
            label(ax, f"{name} {dollars(value)}", (value, place), (offset, 0), ha=side)
        beside(ax, at_most(row["variance_share"]), place)
    rest = result.frame["variance_share"].iloc[-1]
    left_out = f" {len(rows) - len(drawn)} smaller ones are not drawn." if rows[MOST_BARS:] else ""
    ax.set_xlabel("USD per month, average over the months planned")
    base_text = f"all at P50: {dollars(base)}"
    finish(
        ax,
        f"What the spend depends on most\n{result.title}",
        f"Bar: one number from its {low} to its {high}, all others at P50. Beside it: its share of the "
        f"variance. Interactions and single calls are {_percent(rest)} of the "
        f"variance.{left_out} {result.provenance}",
        f"What the monthly spend of {result.title} depends on most, {dollars(base)} USD with all at P50: "
        + listed(
            f"{_name(row['workload'], row['input'])} {dollars(row['low_usd_per_month'])} to "
            f"{dollars(row['high_usd_per_month'])} USD, {at_most(row['variance_share'])} of the variance"
            for row in drawn
        )
        + ("." if drawn else "nothing that is uncertain."),
        limits=[limit(ax, base_text, base, vertical=True, color=INK)],
    )
    return ax


def _percent(share: float) -> str:
    return "nothing" if np.isclose(share, 0) else f"{share:.0%}" if share >= 0.01 else "<1%"


def _name(workload: str, name: str) -> str:
    words = {"mean_factor": "mean", "growth_per_month": "growth", "requests_per_day": "requests"}
    for word, plain in words.items():
        name = name.replace(word, plain)
    name = name.removeprefix("events.").replace("_", " ").replace(".", ", ")
    return name if workload == "all" else f"{workload}: {name}"
