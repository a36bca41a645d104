"""A picture of what another catalog does to the spend."""

from __future__ import annotations

from math import isnan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kimi_planner.choose.effect import CatalogEffect
from kimi_planner.errors import ScenarioError, shown
from kimi_planner.plot.layout import beside, finish, row_names
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, resting, short

__all__ = ["catalog_change"]

_LABEL_CHARS = 44


@styled()
def catalog_change(
    effect: CatalogEffect, workload: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the mean monthly spend with the old catalog and with the new one.

    Parameters
    ----------
    effect : CatalogEffect
        What `catalog_effect` returned.
    workload : str, optional
        One workload; each of them if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        For each workload and pair of models a dark dot at the old spend, a light one at the new
        spend, a line between them, and the change in words; USD per month.

    Raises
    ------
    ScenarioError
        If the effect has no such workload.
    """
    names = list(effect.frame["workload"].unique())
    if workload is not None and workload not in names:
        raise ScenarioError(
            f"The effect has no workload {shown(workload)}. It has {', '.join(names)}."
        )
    frame = effect.frame[effect.frame["workload"].isin([workload] if workload else names)]
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    several = frame["workload"].nunique() > 1
    old, new = effect.diff.old, effect.diff.new
    ax = axes(ax, rows=len(rows), row_points=29 if several else 17)
    row_names(ax, [_name(row, "\n", several=several) for row in rows], chars=_LABEL_CHARS)
    for place, row in enumerate(rows):
        ends = (row["old_usd_per_month"], row["new_usd_per_month"])
        if None not in ends:
            ax.plot(ends, [place, place], color=MUTED, linewidth=2, zorder=1)
        for usd, color, size in zip(ends, (WITHIN, OVER), (9, 7), strict=True):
            if usd is not None:
                ax.plot(usd, place, **_dot(color, size))
        beside(ax, _amounts(row), place)
    amounts = frame[["old_usd_per_month", "new_usd_per_month"]].max().max()
    money_axis(ax, "x", 0.0 if isnan(amounts) else 1.05 * float(amounts))
    ax.set_xlabel("USD per month, mean over the months planned")
    of = f" of {short(workload or names[0])}" if not several else ""
    finish(
        ax,
        f"Spend{of} with catalog {old} and with {new}",
        resting(effect.notes, effect.provenance),
        f"Mean monthly spend of {workload or ', '.join(names)} in USD with catalog {old} and with {new}: "
        + listed(f"{_name(row, ', ', several=several)} {_amounts(row)}" for row in rows)
        + ".",
        key=[
            (f"catalog {old}", Line2D([], [], linestyle="", **_dot(WITHIN, 9))),
            (f"catalog {new}", Line2D([], [], linestyle="", **_dot(OVER, 7))),
        ],
    )
    return ax


def _dot(color: str, size: int) -> dict[str, Any]:
    return {
        "marker": "o",
        "color": color,
        "markersize": size,
        "markeredgecolor": INK,
        "markeredgewidth": 0.7,
    }


def _name(row: dict[Any, Any], then: str, *, several: bool) -> str:
    old, new = row["old_model"] or "none", row["new_model"] or "none"
    text = old if old == new else f"{old} → {new}"
    if row["pair"] == "recommended":
        text = f"best: {text}"
    return f"{row['workload']}{then}{text}" if several else text


def _amounts(row: dict[Any, Any]) -> str:
    old, new = (
        "none" if row[key] is None else dollars(row[key])
        for key in ("old_usd_per_month", "new_usd_per_month")
    )
    relative = row["relative"]
    small = relative is not None and 0 < abs(relative) < 0.01  # no fall may read as "+0%"
    change = "" if relative is None else f" ({relative:+.1%})" if small else f" ({relative:+z.0%})"
    return f"{old} → {new}{change}"
