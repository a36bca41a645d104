"""A picture of what another catalog does to the spend."""

from __future__ import annotations

from math import isnan
from typing import Any, Unpack

from matplotlib.axes import Axes

from kimi_planner.choose.effect import CatalogEffect
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import look_of_dot, sign_of, workload_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import dollars, listed


@picture
def catalog_change(
    effect: CatalogEffect, workload: str | None = None, **panel: Unpack[Panel]
) -> Axes:
    """Draw the mean monthly spend with the old catalog and with the new one.

    Parameters
    ----------
    effect : CatalogEffect
        What `catalog_effect` returned.
    workload : str, optional
        One workload; each of them if not given.

    Returns
    -------
    Axes
        For each workload and pair of models an open dot at the old spend, a filled one at the new
        spend, orange where it is more, a line between them, and the change in words; USD per month.

    Raises
    ------
    SettingError
        If the effect has no such workload.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> from kimi_planner.choose import catalog_effect
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> effect = catalog_effect(chat, "2026-06", "2026-11-public", months=1, start="2027-01",
    ...     as_of="2026-11-28")
    >>> ax = catalog_change(effect, "chat")
    """
    names = workload_of(effect.frame["workload"], workload)
    frame = effect.frame[effect.frame["workload"].isin(names)]
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    several = len(names) > 1
    old, new = effect.diff.old, effect.diff.new
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    canvas.rows([_name(row, several=several) for row in rows])
    is_dearer = False
    for place, row in enumerate(rows):
        before, after = row["old_usd_per_month"], row["new_usd_per_month"]
        if None not in (before, after):
            ax.plot([before, after], [place, place], color=theme.muted, linewidth=2, zorder=1)
        if before is not None:
            ax.plot(before, place, **look_of_dot(canvas))
        if after is not None:
            is_more = before is not None and after > before
            is_dearer |= is_more
            ax.plot(after, place, **look_of_dot(canvas, theme.over if is_more else theme.within))
        canvas.beside(_amounts(row), place)
    amounts = frame[["old_usd_per_month", "new_usd_per_month"]].max().max()
    money_axis(ax, "x", 0.0 if isnan(amounts) else 1.05 * float(amounts))
    ax.set_xlabel(f"{effect.currency} per month, mean over the months planned")
    of = f" of {names[0]}" if not several else ""
    best = [] if several else [row for row in rows if row["pair"] == "recommended"]
    return canvas.finish(
        f"Mean spend{of} with catalog {old} and with {new}",
        "",
        f"Mean monthly spend of {', '.join(names)} in {effect.currency} with catalog {old} and with {new}: "
        + listed(f"{_name(row, several=several)} {_amounts(row)}" for row in rows)
        + ".",
        answer="".join(f"{_name(row, several=False)} {_amounts(row)}" for row in best),
        notes=effect.notes,
        provenance=effect.provenance,
        key=[
            (f"catalog {old}", sign_of(canvas)),
            (f"catalog {new}", sign_of(canvas, theme.within)),
            *[("more than before", sign_of(canvas, theme.over))] * is_dearer,
        ],
    )


def _name(row: dict[Any, Any], *, several: bool) -> str:
    old, new = row["old_model"] or "none", row["new_model"] or "none"
    text = old if old == new else f"{old} → {new}"
    if row["pair"] == "recommended":
        text = f"best: {text}"
    return f"{row['workload']}, {text}" if several else text


def _amounts(row: dict[Any, Any]) -> str:
    old, new = (
        "none" if row[key] is None else dollars(row[key])
        for key in ("old_usd_per_month", "new_usd_per_month")
    )
    relative = row["relative"]
    if relative == 0:
        return f"{new}, unchanged"
    small = relative is not None and abs(relative) < 0.01  # no fall may read as "+0%"
    change = "" if relative is None else f" ({relative:+.1%})" if small else f" ({relative:+z.0%})"
    return f"{old} → {new}{change}"
