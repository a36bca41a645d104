"""A picture of what the spend depends on most."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kimi_planner.money import usd
from kimi_planner.plot.style import INK, axes, caption, label, literal, money_axis, styled
from kimi_planner.projection import Sensitivity

__all__ = ["tornado"]

LOWER, UPPER = "#0072b2", "#d98200"
MOST_BARS = 12


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
    with styled():
        ax = axes(ax)
        rows = result.frame.iloc[:-1].to_dict("records")
        drawn, base = rows[:MOST_BARS], result.base_usd_per_month
        ends = [row[f"{end}_usd_per_month"] for row in drawn for end in ("low", "high")]
        left, right = min([base, *ends]), max([base, *ends])
        reach = (right - left) or base or 1.0
        low, high = (f"P{round(share * 100)}" for share in result.q)
        for place, row in enumerate(drawn):
            below, above = row["low_usd_per_month"], row["high_usd_per_month"]
            ax.barh(place, below - base, left=base, height=0.6, color=LOWER)
            ax.barh(place, above - base, left=base, height=0.6, color=UPPER)
            sides = sorted([(below, low), (above, high)])
            for (value, name), (offset, side) in zip(
                sides, [(-4, "right"), (4, "left")], strict=True
            ):
                label(ax, f"{name}: {usd(value, 0)}", (value, place), (offset, 0), ha=side)
            share = row["variance_share"]
            text = f"{share:.0%}" if share >= 0.01 or share == 0 else "<1%"
            label(ax, text, (right + 0.72 * reach, place), (0, 0), ha="right")
        ax.axvline(base, color=INK, linewidth=1.5)
        ax.set_yticks(
            range(len(drawn)),
            labels=[literal(_name(row["workload"], row["input"])) for row in drawn],
        )
        ax.set_ylim(max(len(drawn), 1) - 0.4, -1.0)
        money_axis(ax, "x", right)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.set_xlim(left - 0.42 * reach, right + 0.75 * reach)
        label(ax, f"all at P50: {usd(base, 0)}", (base, -0.75), (0, 0), ha="center")
        label(ax, "share of variance", (right + 0.72 * reach, -0.75), (0, 0), ha="right")
        ax.set_xlabel("USD per month, average over the months planned")
        ax.set_title(literal(f"What the spend depends on most\n{result.title}"))
        rest = result.frame["variance_share"].iloc[-1]
        left_out = (
            f" {len(rows) - len(drawn)} smaller ones are not drawn." if rows[MOST_BARS:] else ""
        )
        caption(
            ax,
            f"Bar: one number from its {low} to its {high}, all others at P50. Interactions and single "
            f"calls are {_percent(rest)} of the variance.{left_out} {result.provenance}",
        )
        return ax


def _percent(share: float) -> str:
    return "nothing" if np.isclose(share, 0) else f"{share:.0%}" if share >= 0.01 else "<1%"


def _name(workload: str, name: str) -> str:
    words = {"mean_factor": "mean", "growth_per_month": "growth", "requests_per_day": "requests"}
    for word, plain in words.items():
        name = name.replace(word, plain)
    name = name.removeprefix("events.").replace("_", " ").replace(".", ", ")
    return name if workload == "all" else f"{workload}\n{name}"
