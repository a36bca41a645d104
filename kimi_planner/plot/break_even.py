"""A picture of when thinking pays."""

from __future__ import annotations

from matplotlib.axes import Axes

from kimi_planner.choose.thinking.result import ThinkingBreakEven
from kimi_planner.plot.layout import finish, limit
from kimi_planner.plot.style import BUDGET, INK, WITHIN, axes, count_axis, percent_axis, styled
from kimi_planner.plot.words import resting, short

__all__ = ["thinking"]

_ROOM = 0.1


@styled()
def thinking(result: ThinkingBreakEven, *, ax: Axes | None = None) -> Axes:
    """Draw how much better a thinking model must be as it reasons more.

    Parameters
    ----------
    result : ThinkingBreakEven
        What `thinking_pays` returned.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes
        Over the factor on the workload's reasoning tokens, the gain in success rate at which
        thinking breaks even, or without evaluations and without a value the ratio of the rates; lines
        at the measured gain, at today's reasoning, and at the break-even with its 90% interval.
    """
    curve = result.curve
    by_gain = bool(curve["success_gain_needed"].notna().any())
    needed = curve["success_gain_needed" if by_gain else "success_ratio_needed"]
    even = None if result.multiplier is None else float(result.multiplier)
    measured = result.measured_gain if by_gain else None
    low, high = result.multiplier_low, result.multiplier_high
    ax = axes(ax)
    x = curve["multiplier"]
    ax.plot(x, needed, color=WITHIN, linewidth=2)
    right = float(x.max())
    if even is not None and low is not None and high is not None:
        ax.axvspan(low, min(high, right), color=BUDGET, alpha=0.12, linewidth=0)
    ax.set_xlim(float(x.min()), right)
    values = [*needed.dropna(), *([] if measured is None else [measured])] or [0.0]
    bottom, top = min([0.0 if by_gain else 1.0, *values]), max(values)
    room = _ROOM * ((top - bottom) or 1.0)
    ax.set_ylim(bottom - room, top + 2 * room)
    count_axis(ax, "x")
    if by_gain:
        percent_axis(ax)
        ax.set_ylabel("gain in success rate needed")
    else:
        count_axis(ax, "y")
        ax.set_ylabel("times as many solved tasks needed")
    limits = []
    if right >= 1:
        limits.append(limit(ax, "today", 1.0, vertical=True, color=INK))
    if even is not None and even <= right:
        limits.append(limit(ax, f"break-even × {even:.3g}", even, vertical=True))
    if measured is not None:
        limit(
            ax, f"measured gain {measured:+.1%}", measured, vertical=False, color=INK, side="right"
        )
    ax.set_xlabel("factor on the reasoning tokens of the workload")
    sentences = result.sentences()
    answer = sentences[-1] if result.chance is not None else sentences[1]
    interval = (
        " Red: 90% interval of the break-even." if even is not None and low is not None else ""
    )
    finish(
        ax,
        f"When {result.thinking_model} pays on {short(result.workload)}\n{answer}",
        resting(
            (
                f"Below the line {result.plain_model} is the better choice, above it "
                f"{result.thinking_model}.{interval}",
                *result.notes,
            ),
            result.provenance,
        ),
        " ".join(sentences),
        limits=limits,
    )
    return ax
