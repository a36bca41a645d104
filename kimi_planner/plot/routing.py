"""A picture of routing by a score: what each threshold costs and brings."""

from __future__ import annotations

from typing import Unpack

from matplotlib.axes import Axes

from kimi_planner.choose.routing.curve import RoutingCurve
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import look_of_dot, sign_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis, percent_axis
from kimi_planner.plot.words import at_most

_ROOM = 0.08  # of the heights, above and below


@picture
def routing_curve(result: RoutingCurve, **panel: Unpack[Panel]) -> Axes:
    """Draw cost and success of a task at the thresholds that none beats.

    Parameters
    ----------
    result : RoutingCurve
        What `routing_curve` returned.

    Returns
    -------
    Axes
        USD per task from left to right, share of tasks that succeed upwards: a stepped line through
        the rules that no other beats, open dots at each model alone, and filled ones at the best rule for
        the stated value of a solved task, else at each that is best for some value.

    Examples
    --------
    >>> import pandas as pd
    >>> import kimi_planner as kp
    >>> items = [(model, n, n % 4 > 0 or model == "kimi-k2-5", n % 4) for n in range(40)
    ...     for model in ("kimi-k2", "kimi-k2-5")]
    >>> frame = pd.DataFrame(items, columns=["model", "item", "success", "score_after"])
    >>> chat = kp.Workload(name="chat", requests_per_day=9, prompt_tokens=900, completion_tokens=244)
    >>> tried = kp.choose.read_evaluations(frame.assign(workload="chat"))
    >>> ax = routing_curve(kp.choose.routing_curve(chat, "kimi-k2", "kimi-k2-5", tried, months=1))
    """
    frame = result.frame
    kept = frame[frame["on_frontier"]].sort_values("cost_usd", kind="stable")
    chosen = result.best
    best = [chosen.rule] if chosen is not None else [rule for rule, _ in result.by_value]
    places = [result.rules.index(rule) for rule in best]
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    ax.plot(kept["cost_usd"], kept["success_rate"], drawstyle="steps-post", color=theme.ink)
    points = frame[["cost_usd", "success_rate"]].to_numpy(float).tolist()
    for place in (0, 1):
        cost, rate = points[place]
        ax.plot(cost, rate, zorder=3, **look_of_dot(canvas))
        name = (result.cheap, result.strong)[place]
        canvas.beside(f"{name} alone {at_most(rate)}", rate)
    for place in places:
        ax.plot(*points[place], zorder=4, **look_of_dot(canvas, theme.within))
    if chosen is not None:
        rate = points[places[0]][1]
        canvas.beside(f"best {at_most(rate)}", rate, is_bold=True)
    shown = [*kept["success_rate"], points[0][1], points[1][1]]
    room = _ROOM * (max(shown) - min(shown) or 1.0)
    money_axis(ax, "x", 1.05 * max(*kept["cost_usd"], points[1][0]))
    percent_axis(ax)
    ax.set_ylim(min(shown) - room, min(1.0, max(shown)) + room)
    ax.set(xlabel=f"{result.currency} per task, mean over the items", ylabel="tasks that succeed")
    sentences = result.sentences()
    of_value = "at the stated value" if chosen is not None else "for some value of a solved task"
    return canvas.finish(
        f"Routing {result.workload} by a score",
        "Line: no other rule is cheaper and as good. On the items that chose it, a rule looks better "
        "than it is.",
        " ".join(sentences),
        answer=_answer(result),
        notes=result.notes,
        provenance=result.provenance,
        key=[
            (f"best {of_value}", sign_of(canvas, theme.within)),
            ("one model alone", sign_of(canvas)),
        ],
    )


def _answer(result: RoutingCurve) -> str:
    """Return what the picture tells in a line."""
    best = result.best
    if best is None:
        return f"{len(result.by_value)} rules are best, each for some value of a solved task"
    return f"best: {best.rule.words(result.cheap, result.strong)}"
