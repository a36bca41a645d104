"""A picture of throughput: the peak of a plan as a share of what each recharge tier allows."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from kimi_planner.money import usd
from kimi_planner.plot.style import axes, budget_line, caption, label, literal, styled
from kimi_planner.projection import Throughput
from kimi_planner.projection.tiers import ALL

__all__ = ["throughput"]

_ALLOWED, _EXCEEDED = "#0072b2", "#d98200"
_LEAST_SHARE = 1e-3


def throughput(
    result: Throughput, model: str | None = None, workload: str = ALL, *, ax: Axes | None = None
) -> Axes:
    """Draw the highest peak as a share of the limits of each tier.

    Parameters
    ----------
    result : Throughput
        What `throughput` returned.
    model : str, optional
        A model id; the first if not given.
    workload : str
        One workload; all together if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        A bar for each tier to the share of its tightest limit that the peak uses, logarithmic; over
        100% the tier throttles. The lowest tier that does not is named in the title.

    Raises
    ------
    ScenarioError
        If the result has no such workload or model.
    """
    model = result.models[0] if model is None else model
    peaks, needed = result.of(model, workload), result.tier(model, workload)
    found = result.by_tier()
    rows = found[(found["workload"] == workload) & (found["model"] == model)].to_dict("records")
    with styled():
        ax = axes(ax)
        shares = [max(float(row["used_share"]), _LEAST_SHARE) for row in rows]
        reach = max(*shares, 1.0)
        for place, (row, share) in enumerate(zip(rows, shares, strict=True)):
            color = _EXCEEDED if share > 1 else _ALLOWED
            chosen = needed is not None and needed.tier == row["tier"]
            ax.barh(place, share, height=0.55, color=color, alpha=1.0 if chosen else 0.6)
            text = f"{_used(share)} its {row['tightest_limit'].replace('_', ' ')}"
            if isinstance(row["throttled_from"], str):
                text += f", throttled from {row['throttled_from']}"
            label(ax, text, (reach, place), (8, 0), weight="bold" if chosen else "normal")
        ax.set_xscale("log")
        ax.set_xlim(min(0.01, min(shares) / 2), reach)
        names = [
            f"tier {row['tier']}\n{usd(row['cumulative_recharge_usd'], 0)} USD" for row in rows
        ]
        ax.set_yticks(range(len(names)), labels=names)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        budget_line(ax, "limit", 1.0, vertical=True)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
        ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        ax.set_xlabel("highest peak as a share of the tier's tightest limit")
        least = "at least " if peaks.unknown else ""
        answer = (
            "no published tier allows it" if needed is None else f"needs {least}tier {needed.tier}"
        )
        named = "all workloads" if workload == ALL else workload
        ax.set_title(literal(f"Throughput of {named} on {model}: {answer}"))
        unknown = f" Not known: {', '.join(peaks.unknown)}." if peaks.unknown else ""
        caption(
            ax,
            f"USD: recharged in total, credit and not a fee. Peak: P{result.percentile:g} over scenarios, "
            f"met in {result.minutes_within * 100:g}% of the busiest hour's minutes.{unknown} "
            f"{result.provenance}",
        )
        return ax


def _used(share: float) -> str:
    return f"{share:,.0f} times" if share >= 10 else f"{_percent(share)} of"


def _percent(share: float) -> str:
    if share <= _LEAST_SHARE:
        return "at most 0.1%"
    return f"{share:,.0%}" if share >= 0.1 else f"{share:.1%}"
