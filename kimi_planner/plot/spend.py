"""Pictures of spend by month and by model."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kimi_planner.choose.given import positive
from kimi_planner.errors import SettingError, shown
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.plot.canvas import Canvas
from kimi_planner.plot.marks import bar, key_of, spread, swatch
from kimi_planner.plot.panel import Panel, picture
from kimi_planner.plot.style import money_axis
from kimi_planner.plot.words import NOTHING, dollars, least, listed
from kimi_planner.workload.quantity import Array

ALL_WORKLOADS = "all workloads on one model"
PER_MONTH = "per month, average over the months planned"
_MOST_MONTHS_NAMED = 6
_HALF = 0.4


@picture
def monthly_spend(
    projection: Projection, workload: str | None = None, **panel: Unpack[Panel]
) -> Axes:
    """Draw the average monthly spend by model, its range and the budget.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    workload : str, optional
        One workload; all together on one model if not given.

    Returns
    -------
    Axes
        Bars to the P50, orange where that of some month is over the budget, a line from P10 to P90, both
        written beside it; USD.

    Raises
    ------
    SettingError
        If the projection has no such workload.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 3, "2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> monthly_spend(plan, "chat").get_xlabel()
    'USD per month, average over the months planned'
    """
    budget, rows = projection.budget(workload), spends_of(projection, workload)
    canvas = Canvas(**panel)
    for place, row in enumerate(rows):
        is_over = budget is not None and row.dearest > float(budget)
        bar(canvas, place, row.p50, canvas.theme.over if is_over else canvas.theme.within)
        if not row.is_least:
            spread(canvas, place, row.p10, row.p90)
        canvas.beside(f"{row.amount}{_range_text(row)}", place)
    canvas.rows(projection.models)
    draw_budget(canvas, budget)
    money_axis(canvas.ax, "x", 1.03 * max(float(budget or 0), *(row.p90 for row in rows)))
    canvas.ax.set_xlabel(f"{projection.currency} {PER_MONTH}")
    month = " in some month" * (len(projection.months) > 1)
    return canvas.finish(
        f"Monthly spend, P50: {workload or ALL_WORKLOADS}",
        "Bar: P50 over paths. Line: P10 to P90.",
        f"Average monthly spend of {workload or 'all workloads'} by model, P50: "
        + listed(
            f"{row.model} {row.amount} {projection.currency}{_range_text(row)}" for row in rows
        )
        + budget_words(budget, projection.currency),
        answer=_answer(rows, budget, len(projection.months), projection.currency),
        provenance=projection.provenance,
        key=key_of(canvas, over=f"P50 over the budget{month}"),
    )


@picture
def spend_fan(
    projection: Projection,
    model: str | Mapping[str, str],
    workload: str | None = None,
    *,
    budget: Decimal | float | str | None = None,
    **panel: Unpack[Panel],
) -> Axes:
    """Draw the spend over the months, with its range as a fan.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    model : str or mapping of str to str
        A model id; or from workload to model id, such as `Recommendation.best`, for their sum.
    workload : str, optional
        One workload; all together if not given. A mapping names its workloads itself.
    budget : Decimal, float or str, optional
        USD a month; that of the workload, or the sum of all, if not given.

    Returns
    -------
    Axes
        A line at the P50, a band from P25 to P75 in a fainter one from P10 to P90; USD.

    Raises
    ------
    SettingError
        If the projection has no such workload or model, a workload stands beside a mapping, or the
        budget is not above 0.

    Examples
    --------
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 3, "2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> spend_fan(plan, "kimi-k2").get_ylabel()
    'USD per month'
    """
    if workload is not None and not isinstance(model, str):
        raise SettingError(
            f"workload {shown(workload)} stands beside a mapping of workloads to models. Leave it "
            "out, or name one model."
        )
    spend = projection.of(model, workload) if isinstance(model, str) else projection.mix(model)
    p10, p25, p50, p75, p90 = (spend.quantile(q) for q in (0.1, 0.25, 0.5, 0.75, 0.9))
    covered = isinstance(model, str) or set(model) == set(projection.names)
    own = projection.budget(workload) if covered else None
    limit = own if budget is None else positive("budget", budget)
    every = f"{len(model)} of {len(projection.names)}" if not covered else "all"
    of, on = workload or f"{every} workloads", model if isinstance(model, str) else None
    canvas = Canvas(**panel)
    ax, theme = canvas.ax, canvas.theme
    months = np.arange(len(projection.months))
    edges = months if len(months) > 1 else np.array([-_HALF, _HALF])  # one month has no slope
    key = []
    for name, low, high, alpha in (("P10 to P90", p10, p90, 0.55), ("P25 to P75", p25, p75, 1.0)):
        bottom, top = (np.broadcast_to(side, edges.shape) for side in (low, high))
        ax.fill_between(edges, bottom, top, color=theme.band, alpha=alpha, linewidth=0)
        key.append((name, swatch(theme, theme.band, alpha)))
    ax.plot(months, p50, color=theme.ink, linewidth=2, marker="o", markersize=3)
    step = -(-len(months) // _MOST_MONTHS_NAMED)
    ax.set_xticks(months[::step], labels=[str(month) for month in projection.months[::step]])
    ax.set_xlim(min(-0.03 * len(months), edges[0]), edges[-1])
    money_axis(ax, "y", 1.12 * max(float(p90.max()), float(limit or 0)))
    ax.set_ylabel(f"{projection.currency} per month")
    ranged = bool(p90[-1] > p10[-1])
    ends = {"P90": p90, "P50": p50, "P10": p10} if ranged else {"P50": p50}
    for name, values in ends.items():
        canvas.beside(f"{name} {dollars(float(values[-1]))}", float(values[-1]))
    draw_budget(canvas, limit, is_upright=False)
    last = projection.months[-1]
    return canvas.finish(
        f"Spend by month: {of}, {on or 'each on its planned model'}",
        "Line: P50 over paths." if ranged else f"Line: P50, {NO_RANGE}.",
        f"Spend by month of {of} on {on or 'the models chosen for them'}: P50 "
        + (
            f"{dollars(float(p50[0]))} {projection.currency} in {projection.months[0]} and "
            if len(p50) > 1
            else ""
        )
        + f"{dollars(float(p50[-1]))} {projection.currency} in {last}"
        + (
            f" (P10 {dollars(float(p10[-1]))}, P90 {dollars(float(p90[-1]))})"
            if ranged
            else f", {NO_RANGE}"
        )
        + budget_words(limit, projection.currency, " a month"),
        answer=_months_over(p50, limit) if p90.any() else NOTHING,
        provenance=projection.provenance,
        key=key * ranged,
    )


class ModelSpend(NamedTuple):
    """An average month on a model, USD, and the chance that some month is over its budget.

    ``dearest`` is the P50 of the month with the highest; ``is_least`` tells that nobody knows how much the model reasons, so that it has no upper end.
    """

    model: str
    p10: float
    p50: float
    p90: float
    chance: float
    is_least: bool
    dearest: float

    @property
    def amount(self) -> str:
        """The P50, or what the spend is at least."""
        return f"{'at least ' * self.is_least}{dollars(self.p50)}"


def spends_of(projection: Projection, workload: str | None) -> list[ModelSpend]:
    """Return the spend on each model of one workload, or of all together."""
    frame: pd.DataFrame = projection.summary(together=workload is None)
    if workload is not None:
        frame = frame[frame["workload"] == workload]
    shares = (f"p{share}_usd_per_month" for share in (10, 50, 90))
    columns = ["model", *shares, "chance_over_budget", "is_least"]

    def dearest(model: str) -> float:
        names = projection.names if workload is None else [workload]
        return float(projection.mix(dict.fromkeys(names, model)).worst_month(0.5)[1])

    return [ModelSpend._make((*row, dearest(row[0]))) for row in frame[columns].to_numpy()]


def draw_budget(canvas: Canvas, budget: Decimal | float | None, *, is_upright: bool = True) -> None:
    """Draw a budget across a picture of spend, if there is one."""
    if budget is not None:
        canvas.limit(f"budget {dollars(budget)}", float(budget), is_upright=is_upright)


def budget_words(budget: Decimal | float | None, currency: str, span: str = "") -> str:
    """Return the end of a sentence in words of a picture, and the budget if there is one."""
    return "." if budget is None else f". The budget is {dollars(budget)} {currency}{span}."


def _answer(rows: list[ModelSpend], budget: Decimal | None, n_months: int, currency: str) -> str:
    """Return the cheapest model, if all can be compared, and how many keep the budget in every month."""
    cheapest = least_of(rows, currency)
    if budget is None:
        return cheapest
    below = [row for row in rows if row.dearest <= float(budget)]
    within = sum(not row.is_least for row in below)
    open_ = len(below) - within
    each = " each month" * (n_months > 1)
    kept = (
        f"{within} of {len(rows)} models within the budget{each}"
        if below
        else "all over the budget"
    )
    kept += f", of {open_} not known" * bool(open_)
    return ", ".join(filter(None, (cheapest, kept)))


def least_of(rows: list[ModelSpend], currency: str) -> str:
    """Return which model costs least at its P50, if all can be compared."""
    if any(row.is_least and row.p90 for row in rows):
        return ""
    return least([row.model for row in rows], [row.p50 for row in rows], f" {currency}")


def _months_over(amounts: Array, budget: Decimal | None) -> str:
    if budget is None:
        return ""
    count, of = int((amounts > float(budget)).sum()), len(amounts)
    months = "in the month" if of == 1 else f"in each of {of} months"
    if count in {0, of}:
        return f"P50 {'over' if count else 'within'} the budget {months}"
    return f"P50 over the budget in {count} of {of} months"


def _range_text(spend: ModelSpend) -> str:
    p10, p90 = spend.p10, spend.p90
    if spend.is_least:
        return ""
    return f" (P10 {dollars(p10)}, P90 {dollars(p90)})" if p90 > p10 else f", {NO_RANGE}"
