"""Pictures of what one request costs and for what, and of what a solved task does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import isfinite, isnan
from operator import attrgetter
from typing import Any, TypeVar, Unpack

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from kimi_planner.choose.breakdown import RequestCost, RequestCosts
from kimi_planner.choose.success.result import SuccessCost, SuccessCosts, chance_text
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import CANNOT_SERVE, bar, dot, workload_of
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.theme import PARTS
from kimi_planner.plot.words import at_most, dollars, least, listed

_PART_NAMES = {name: name.replace("_", " ") for name in PARTS} | {"uncached_input": "input"}
_AMOUNTS = attrgetter(
    "cost_per_task_usd",
    "cost_per_success_usd",
    "cost_per_success_low_usd",
    "cost_per_success_high_usd",
)
Row = TypeVar("Row", RequestCost, SuccessCost)


@picture
def cost_per_request(
    costs: RequestCosts, workload: str | None = None, **panel: Unpack[Panel]
) -> Axes:
    """Draw what one request of each workload costs on each model, stacked by what is billed.

    Parameters
    ----------
    costs : RequestCosts
        What `cost_per_request` returned.
    workload : str, optional
        One workload; each of them if not given.

    Returns
    -------
    Axes
        A bar for each workload and model, its parts from left to right and its total beside it; USD.

    Raises
    ------
    SettingError
        If there is no such workload.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> from kimi_planner.choose import cost_per_request as costs_of
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> costs = costs_of(chat, start="2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> cost_per_request(costs, "chat").get_xlabel()
    'USD per call, mean'
    """
    rows, labels, of = _rows_of(costs.costs, workload)
    canvas = Canvas(**panel)
    seen: dict[str, Patch] = {}
    for place, row in enumerate(rows):
        left = 0.0
        for part in row.parts:
            width = float(part.cost_usd)
            bar(canvas, place, width, PARTS[part.part], left)
            left += width
            if width:
                look: dict[str, Any] = {"edgecolor": canvas.theme.ink, "linewidth": 0.5}
                seen[part.part] = Patch(facecolor=PARTS[part.part], **look)
        canvas.beside(dollars(row.total_usd), place)
    canvas.rows(labels)
    money_axis(canvas.ax, "x", 1.03 * max(float(row.total_usd) for row in rows))
    unit = f" {costs.currency}"
    canvas.ax.set_xlabel(f"{costs.currency} per call, mean")
    least_of = (
        least((row.model for row in rows), (float(row.total_usd) for row in rows), unit)
        if len({row.workload for row in rows}) == 1
        else ""
    )
    return canvas.finish(
        f"Cost of one call: {of}",
        "",
        f"Cost of one call in {costs.currency}: "
        + listed(
            f"{row.workload} on {row.model} {dollars(row.total_usd)}{_split(row)}" for row in rows
        )
        + ".",
        answer=least_of,
        notes=costs.notes,
        provenance=costs.provenance,
        key=[(_PART_NAMES[name], seen[name]) for name in PARTS if name in seen],
    )


def _split(cost: RequestCost) -> str:
    parts = (
        f"{_PART_NAMES[part.part]} {dollars(part.cost_usd)}" for part in cost.parts if part.cost_usd
    )
    return f" ({', '.join(parts)})" if cost.total_usd else ""


@picture
def cost_per_success(
    costs: SuccessCosts, workload: str | None = None, **panel: Unpack[Panel]
) -> Axes:
    """Draw the cost per success of each model with its interval, and how likely it is the best.

    Parameters
    ----------
    costs : SuccessCosts
        What `cost_per_success` returned.
    workload : str, optional
        One workload; each of them if not given.

    Returns
    -------
    Axes
        For each workload and model a dot at the cost per success, filled for the choice, and a line
        over its interval, an arrow where that has no upper end; USD. An open square is the cost of a
        task, which is all that is known without trials. Beside it, where a value of a success is
        stated, the probability that the model is the best.

    Raises
    ------
    SettingError
        If there is no such workload.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]
    >>> costs = kp.choose.cost_per_success(coding, kp.choose.read_evaluations(), months=1,
    ...     start="2027-01", as_of="2026-11-28", n_paths=200)
    >>> cost_per_success(costs).get_xlabel()
    'USD per solved task, mean'
    """
    rows, labels, of = _rows_of(costs.rows, workload)
    percent = f"{100 * costs.confidence:g}%"
    canvas = Canvas(**panel)
    ends = filter(isfinite, chain.from_iterable(map(_AMOUNTS, rows)))
    money_axis(canvas.ax, "x", 1.05 * max(ends, default=0.0))
    for place, row in enumerate(rows):
        if row.basis == "judged":
            dot(canvas, place, row.cost_per_task_usd, (0.0, 0.0), sign="s")
        elif row.rank is None:
            nothing = (row.cost_per_success_usd, row.cost_per_success_usd)
            dot(canvas, place, row.cost_per_success_usd, nothing, canvas.theme.ink, CANNOT_SERVE)
        else:
            interval = row.cost_per_success_low_usd, row.cost_per_success_high_usd
            color = canvas.theme.within if row.rank == 1 else None
            dot(canvas, place, row.cost_per_success_usd, interval, color)
        canvas.beside(_said(row), place)
    canvas.rows(labels)
    canvas.ax.set_xlabel(f"{costs.currency} per solved task, mean")
    valued = any(not isnan(row.chance_best) for row in rows)
    judged = any(row.basis == "judged" for row in rows)
    return canvas.finish(
        f"Cost per success: {of}",
        f"Dot: cost of a task by the success rate, filled for the choice. Line: {percent} interval."
        + " In brackets: probability that its net value is the highest." * valued
        + " Square: cost of a task where none was tried." * judged
        + " Cross: cannot serve." * any(row.rank is None for row in rows),
        f"Cost per success in {costs.currency}, with its {percent} interval: "
        + listed(f"{row.workload} on {row.model} {_words(row)}" for row in rows)
        + ".",
        answer=_answer(rows, costs.currency),
        notes=costs.notes,
        provenance=costs.provenance,
    )


def _answer(rows: list[SuccessCost], currency: str) -> str:
    """Return the model to choose, if the rows are of one workload and its success is known."""
    first = [row for row in rows if row.rank == 1]
    if len(first) != 1 or not isfinite(first[0].cost_per_success_usd):
        return ""
    [row] = first
    if not isfinite(row.chance_best):
        return f"the choice is {row.model}, by cost of a task as no value is stated"
    return f"the choice is {row.model}, {dollars(row.cost_per_success_usd)} {currency}"


def _said(row: SuccessCost) -> str:
    if row.basis == "judged":
        return f"no trials, task {dollars(row.cost_per_task_usd)}"
    if not isfinite(row.cost_per_success_usd):
        return "none solved"
    text = dollars(row.cost_per_success_usd)
    return text if isnan(row.chance_best) else f"{text} ({at_most(row.chance_best)})"


def _words(row: SuccessCost) -> str:
    if not isfinite(row.cost_per_success_usd):
        return _said(row)
    low, high = (dollars(row.cost_per_success_low_usd), row.cost_per_success_high_usd)
    upper = dollars(high) if isfinite(high) else "no upper end"
    chance = row.chance_best
    likely = "" if isnan(chance) else f", the best with probability {chance_text(chance)}"
    return f"{dollars(row.cost_per_success_usd)} ({low} to {upper}){likely}"


def _rows_of(rows: Iterable[Row], workload: str | None) -> tuple[list[Row], list[str], str]:
    """Return the rows of a workload, or all; the name of each; and in words what they are of."""
    every = list(rows)
    names = workload_of((row.workload for row in every), workload)
    kept = [row for row in every if row.workload in names]
    if len(names) > 1:
        labels = [f"{row.workload}: {row.model}" for row in kept]
        return kept, labels, f"{len(names)} workloads"
    return kept, [row.model for row in kept], names[0]
