"""A picture of throughput: the peak of a plan as a share of what each recharge tier allows."""

from __future__ import annotations

from typing import Any, Unpack

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from kimi_planner.capacity.tiers import ALL, Throughput
from kimi_planner.money import usd
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, key_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.words import listed

_LEAST_SHARE = 1e-3


@picture
def throughput(
    result: Throughput, model: str | None = None, workload: str = ALL, **panel: Unpack[Panel]
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

    Returns
    -------
    Axes
        A bar for each tier to the share of its tightest limit that the peak uses, logarithmic; over
        100% the tier throttles. The lowest tier that does not is named in the title.

    Raises
    ------
    SettingError
        If the result has no such workload or model.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.Workload(name="chat", requests_per_day=1000, prompt_tokens=2000,
    ...     completion_tokens=300, peak_hour_share=0.1)
    >>> ax = throughput(kp.capacity.throughput(chat, "kimi-k2", months=1, start="2027-01",
    ...     as_of="2026-11-28"))
    """
    model = result.models[0] if model is None else model
    peaks, needed = result.of(model, workload), result.tier(model, workload)
    found = result.by_tier()
    rows = found[(found["workload"] == workload) & (found["model"] == model)].to_dict("records")
    least = "at least " if peaks.unknown else ""
    answer = "no published tier allows it" if needed is None else f"needs {least}tier {needed.tier}"
    named = "all workloads" if workload == ALL else workload
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    shares = [max(float(row["used_share"]), _LEAST_SHARE) for row in rows]
    reach = max(*shares, 1.0)
    for place, (row, share) in enumerate(zip(rows, shares, strict=True)):
        is_needed = needed is not None and needed.tier == row["tier"]
        bar(canvas, place, share, theme.over if share > 1 else theme.within)
        canvas.beside(_row_text(row, share), place, is_bold=is_needed)
    ax.set_xscale("log")
    ax.set_xlim(min(0.01, min(shares) / 2), 1.2 * reach)
    canvas.rows([_tier_text(row) for row in rows], pitch=19)
    ax.xaxis.set_major_locator(LogLocator(10, numticks=5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:,g}%"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("highest peak as a share of the tier's tightest limit")
    canvas.limit("limit", 1.0)
    unknown = f" Not known: {', '.join(peaks.unknown)}." if peaks.unknown else ""
    return canvas.finish(
        f"Throughput of {named} on {model}",
        f"USD: recharged in total, credit and not a fee. Peak: P{result.percentile:g} over paths, "
        f"met in {result.minutes_within * 100:g}% of the busiest hour's minutes.{unknown}",
        f"Throughput of {named} on {model}: {answer}. The highest peak uses "
        + listed(
            f"{_row_text(row, share)} at {_tier_text(row)}"
            for row, share in zip(rows, shares, strict=True)
        )
        + f".{unknown}",
        answer=answer,
        provenance=result.provenance,
        key=key_of(canvas, over="over the limit"),
    )


def _row_text(row: dict[Any, Any], share: float) -> str:
    text = f"{_used(share)} its {row['tightest_limit'].replace('_', ' ')}"
    since = row["throttled_from"]
    return f"{text}, throttled from {since}" if isinstance(since, str) else text


def _tier_text(row: dict[Any, Any]) -> str:
    return f"tier {row['tier']}, {usd(row['cumulative_recharge_usd'], 0)} USD"


def _used(share: float) -> str:
    return f"{share:,.0f} times" if share >= 10 else f"{_percent(share)} of"


def _percent(share: float) -> str:
    if share <= _LEAST_SHARE:
        return "at most 0.1%"
    return f"{share:,.0%}" if share >= 0.1 else f"{share:.1%}"
