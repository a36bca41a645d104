"""A picture of what better answers cost."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from kimi_planner.choose.frontier import ModelQuality, QualityFrontier
from kimi_planner.plot.layout import column, finish, staircase
from kimi_planner.plot.style import INK, MUTED, OVER, WITHIN, axes, money_axis, styled
from kimi_planner.plot.words import dollars, listed, short

__all__ = ["cost_vs_quality"]


def cost_vs_quality(frontier: QualityFrontier, *, ax: Axes | None = None) -> Axes:
    """Draw the monthly spend of each model against its quality, and the frontier.

    Parameters
    ----------
    frontier : QualityFrontier
        What `quality_frontier` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A point at the P50 and a line from P10 to P90 for each model, USD per month from left to
        right, quality upwards. A stepped line joins the models that none beats; others are light,
        and a cross is a model that cannot serve. Models of unknown quality are named below.
    """
    known = [(one, one.quality) for one in frontier.models if one.quality is not None]
    best = [pair for name in frontier.frontier for pair in known if pair[0].model == name]
    with styled():
        ax = axes(ax)
        for one, quality in known:
            ends = ([one.p10_usd_per_month, one.p90_usd_per_month], [quality] * 2)
            ax.plot(*ends, color=MUTED, linewidth=1.5, zorder=2)
            kind = "best" if one.on_frontier else "beaten" if one.qualifies else "cannot"
            ax.plot([one.p50_usd_per_month], [quality], **_SIGNS[kind], zorder=4)
        reach = max((one.p90_usd_per_month for one, _ in known), default=0.0)
        money_axis(ax, "x", 1.06 * reach)
        steps = [(one.p50_usd_per_month, quality) for one, quality in best]
        staircase(ax, steps, [quality for _, quality in known])
        ax.set_xlabel("USD per month, average over the months planned")
        ax.set_ylabel("success rate")
        of = frontier.workload or "all workloads on one model"
        unknown = [one.model for one in frontier.models if one.quality is None]
        missing = f" No success rate is known of {', '.join(unknown)}." if unknown else ""
        finish(
            ax,
            f"Cost against quality: {short(of)}",
            f"Point: P50. Line: P10 to P90.{missing} {frontier.provenance}",
            f"Monthly spend and success rate of {of}. Not beaten: "
            + (listed(_words(*pair) for pair in best) or "none")
            + ". Others: "
            + (listed(_words(*pair) for pair in known if pair not in best) or "none")
            + f".{missing}",
            key=[
                (text, Line2D([], [], **{"linestyle": "", **_SIGNS[name]}))
                for name, text, drawn in (
                    ("best", "none is cheaper and as good", bool(best)),
                    (
                        "beaten",
                        "beaten",
                        any(one.qualifies and not one.on_frontier for one, _ in known),
                    ),
                    ("cannot", "cannot serve", any(not one.qualifies for one, _ in known)),
                )
                if drawn
            ],
        )
        texts = [f"{one.model} {dollars(one.p50_usd_per_month)}" for one, _ in known]
        column(
            ax,
            [
                (text, one.p50_usd_per_month, quality)
                for text, (one, quality) in zip(texts, known, strict=True)
            ],
        )
        return ax


_SIGNS: dict[str, dict[str, Any]] = {
    "best": {"marker": "o", "markersize": 9, "color": WITHIN, "markeredgecolor": INK},
    "beaten": {"marker": "o", "markersize": 7, "color": OVER, "markeredgecolor": INK},
    "cannot": {"marker": "x", "markersize": 8, "color": INK, "markeredgewidth": 2},
}


def _words(one: ModelQuality, quality: float) -> str:
    able = "" if one.qualifies else ", cannot serve"
    return f"{one.model} {dollars(one.p50_usd_per_month)} USD, {quality:.2f}{able}"
