"""A picture of when thinking pays."""

from __future__ import annotations

from typing import Any, Unpack

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from kimi_planner.choose.thinking.result import ThinkingBreakEven
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import swatch
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import count_axis, percent_axis
from kimi_planner.plot.words import dollars

_ROOM = 0.1
_FAINT = 0.12
_WIDE = 0.03  # of the axis, for an interval at a place of it
#: What can be drawn, the first that is known: the column and its axis.
_DRAWN = {
    "switching_usd": "worth of a solved task, {currency}",
    "success_gain_needed": "gain in success rate needed",
    "cost_per_task_usd": "{currency} per task, mean",
}
_LEADS = {
    "switching_usd": "Where a solved task is worth more than the line, {thinks} is the better choice, "
    "below it {plain}.",
    "success_gain_needed": "Where {thinks} solves more than the line beyond {plain}, it is the better "
    "choice.",
    "cost_per_task_usd": "Line: what a task costs on {thinks}.",
}


@picture
def thinking(result: ThinkingBreakEven, **panel: Unpack[Panel]) -> Axes:
    """Draw when a thinking model pays as it reasons more.

    Parameters
    ----------
    result : ThinkingBreakEven
        What `thinking_pays` returned.

    Returns
    -------
    Axes
        Over the factor on the workload's reasoning tokens, what a solved task must be worth for
        thinking to break even, USD, with its 90% interval at today's reasoning; where the success of
        a model is not known, the gain in success that it takes at the stated value; without a value
        what a task costs, USD. Lines at today's reasoning, at what is stated or measured, and at the
        break-even with its 90% interval.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> pays = kp.choose.thinking_pays(coding, "kimi-k2-5", "kimi-k2-5-thinking",
    ...     evaluations=results, **settings)
    >>> ax = thinking(pays)
    """
    curve = result.curve
    column, label = next(
        (column, label) for column, label in _DRAWN.items() if curve[column].notna().any()
    )
    needed, x = curve[column], curve["multiplier"]
    even = None if result.multiplier is None else float(result.multiplier)
    low, high = result.multiplier_low, result.multiplier_high
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    ax.plot(x, needed, color=theme.ink, linewidth=2)
    right = float(x.max())
    beside = _beside(result, column)
    values = [*needed.dropna(), *(value for _, value in beside)]
    bottom, top = min([0.0, *values]), max(values)
    room = _ROOM * ((top - bottom) or 1.0)
    ax.set_xlim(float(x.min()), right)
    ax.set_ylim(bottom, top + room)
    count_axis(ax, "x")
    if column == "success_gain_needed":
        percent_axis(ax)
    else:
        count_axis(ax, "y")
    label = label.format(currency=result.currency)
    ax.set(xlabel="factor on the reasoning tokens of the workload", ylabel=label)
    key: list[tuple[str, Artist]] = []
    if even is not None and low is not None and high is not None:
        ax.axvspan(low, min(high, right), color=theme.budget, alpha=_FAINT, linewidth=0)
        key.append(("break-even, 90% interval", swatch(theme, theme.budget, _FAINT)))
    ends = result.switching_low_usd, result.switching_high_usd
    if column == "switching_usd" and ends[0] is not None and ends[1] is not None:
        reach = [max(ends[0], bottom), min(ends[1], top + room)]
        look: dict[str, Any] = {"color": theme.band, "edgecolor": theme.ink, "linewidth": 0.5}
        [interval] = ax.bar(1, reach[1] - reach[0], _WIDE * right, reach[0], **look)
        key.append(("worth today, 90% interval", interval))
    if right >= 1:
        canvas.limit("today", 1.0, color=theme.ink)
    if even is not None and even <= right:
        canvas.limit(f"break-even × {even:.3g}", even)
    for text, value in beside:
        canvas.limit(text, value, is_upright=False, color=theme.within)
    sentences = result.sentences()
    answer = sentences[-1] if result.chance is not None else sentences[min(1, len(sentences) - 1)]
    return canvas.finish(
        f"When {result.thinking_model} pays on {result.workload}",
        _LEADS[column].format(plain=result.plain_model, thinks=result.thinking_model),
        " ".join(sentences),
        answer=answer,
        notes=result.notes,
        provenance=result.provenance,
        key=key,
    )


def _beside(result: ThinkingBreakEven, column: str) -> list[tuple[str, float]]:
    """Return what the curve is to be compared with: its name and its height."""
    if column == "switching_usd":
        value = result.objective.value_usd
        return [] if value is None else [(f"stated {dollars(float(value))}", float(value))]
    if column == "success_gain_needed":
        return []
    plain = result.plain_usd_per_task
    return [(f"{result.plain_model} {dollars(plain)}", plain)]
