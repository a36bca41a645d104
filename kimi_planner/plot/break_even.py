"""A picture of when thinking pays."""

from __future__ import annotations

from typing import Unpack

from matplotlib.axes import Axes

from kimi_planner.choose.thinking.result import ThinkingBreakEven
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import count_axis, percent_axis

__all__ = ["thinking"]

_ROOM = 0.1


@picture
def thinking(result: ThinkingBreakEven, **panel: Unpack[Panel]) -> Axes:
    """Draw how much better a thinking model must be as it reasons more.

    Parameters
    ----------
    result : ThinkingBreakEven
        What `thinking_pays` returned.

    Returns
    -------
    Axes
        Over the factor on the workload's reasoning tokens, the gain in success rate at which
        thinking breaks even, or without a value of a success that value, or where success is not known
        either the cost of a task; lines at the expected gain, at today's reasoning, and at the
        break-even with its 90% interval.
    """
    curve = result.curve
    by_gain = bool(curve["success_gain_needed"].notna().any())
    needed = curve["success_gain_needed" if by_gain else "switching_usd"]
    says = f"Below the line {result.plain_model} is the better choice, above it {result.thinking_model}."
    label = "gain in success rate needed" if by_gain else "USD that a success must be worth"
    if needed.isna().all():
        needed = curve["cost_per_task_usd"]
        label, says = "USD for a task", f"Line: cost of a task on {result.thinking_model}."
    even = None if result.multiplier is None else float(result.multiplier)
    measured = result.measured_gain if by_gain else None
    low, high = result.multiplier_low, result.multiplier_high
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    x = curve["multiplier"]
    ax.plot(x, needed, color=theme.ink, linewidth=2)
    right = float(x.max())
    has_interval = even is not None and low is not None and high is not None
    if low is not None and high is not None and has_interval:
        ax.axvspan(low, min(high, right), color=theme.budget, alpha=0.12, linewidth=0)
    ax.set_xlim(float(x.min()), right)
    values = [*needed.dropna(), *([] if measured is None else [measured])]
    bottom, top = min(0.0, *values), max(values)
    room = _ROOM * ((top - bottom) or 1.0)
    ax.set_ylim(bottom - room, top + room)
    count_axis(ax, "x")
    if by_gain:
        percent_axis(ax)
    else:
        count_axis(ax, "y")
    ax.set_ylabel(label)
    if right >= 1:
        canvas.limit("today", 1.0, color=theme.ink)
    if even is not None and even <= right:
        canvas.limit(f"break-even × {even:.3g}", even)
    if measured is not None:
        canvas.limit(
            f"expected gain {measured:+.1%}", measured, is_upright=False, color=theme.within
        )
    ax.set_xlabel("factor on the reasoning tokens of the workload")
    sentences = result.sentences()
    answer = sentences[-1]
    return canvas.finish(
        f"When {result.thinking_model} pays on {result.workload}\n{answer}",
        says + " Red: 90% interval of the break-even." * has_interval,
        " ".join(sentences),
        notes=result.notes,
        provenance=result.provenance,
    )
