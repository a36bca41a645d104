"""The picture of an explorer: a plan as it is changed, by model, beside the plan as it was."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.plot.theme import LIGHT
from kimi_planner.plot.words import dollars, short

_NAMES, _BAR, _WIDTH, _ROW, _HEAD = 210, 320, 760, 32, 44  # pixels


class _Row(NamedTuple):
    """An average month on a model, USD: expected, range, and expected as planned."""

    model: str
    mean: float
    low: float
    high: float
    was: float
    is_least: bool

    @property
    def words(self) -> str:
        if self.is_least:
            return f"at least {dollars(self.mean)}"
        spread = f"{dollars(self.low)} to {dollars(self.high)}"
        return f"{dollars(self.mean)} ({spread if self.high > self.low else NO_RANGE})"


def axis_end(most: float) -> float:
    """Return where an axis ends that holds an amount: 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> axis_end(67_324), axis_end(94_254), axis_end(0)
    (100000.0, 100000.0, 1.0)
    """
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most)


def explored_svg(changed: Projection, planned: Projection, workload: str | None, title: str) -> str:
    """Return bars as SVG in the notebook's own font and colours; what a figure takes is too long.

    Parameters
    ----------
    changed, planned : Projection
        The plan as it is changed, and as it was, on the same models.
    workload : str, optional
        Whose spend; all of them together on each model if not given.
    title : str
        What was changed, in words.

    Notes
    -----
    The axis ends where it does for the plan as it was, or further, which is said then.
    """
    rows = [_row(changed, planned, workload, model) for model in planned.models]
    before = [_row(planned, planned, workload, model) for model in planned.models]
    budget = planned.budget(workload)
    limit = 0.0 if budget is None else float(budget)
    usual = axis_end(max(limit, *(max(row.mean, row.high) for row in before)))
    end = max(usual, axis_end(max(max(row.mean, row.high) for row in rows)))
    scale, bottom = _BAR / end, _ROW * len(rows) + _HEAD - 16
    drawn = [_tick(part * end, scale, bottom) for part in (0.0, 0.5, 1.0)]
    for place, row in enumerate(rows):
        y = _ROW * place + _HEAD
        low, mean, high, was = (_NAMES + scale * usd for usd in row[2:3] + row[1:2] + row[3:5])
        look = LIGHT.over if budget is not None and row.mean > limit else LIGHT.within
        drawn += [
            f'<text x="{_NAMES - 8}" y="{y + 5}" text-anchor="end">{escape(short(row.model))}</text>',
            f'<rect x="{_NAMES}" y="{y - 9}" width="{mean - _NAMES:.2f}" height="18" fill="{look}"/>',
            f'<path d="M{low:.2f} {y}H{high:.2f}" stroke="currentColor" stroke-width="3"/>'
            * (row.high > row.low),
            f'<path d="M{was:.2f} {y - 13}V{y + 13}" stroke="currentColor" stroke-width="2"/>',
            f'<text x="{_NAMES + _BAR + 12}" y="{y + 5}">{row.words}</text>',
        ]
    if budget is not None:
        x = _NAMES + scale * limit
        drawn.append(
            f'<path d="M{x:.2f} {_HEAD - 16}V{bottom}" stroke="{LIGHT.budget}" stroke-width="2" '
            'stroke-dasharray="5 3"/>'
        )
    words = "; ".join(f"{row.model} {row.words}, {dollars(row.was)} as planned" for row in rows)
    longer = f", {end / usual:g} times that of the plan" if end > usual else ""
    limits = "" if budget is None else f" Dashed: the budget, {dollars(budget)}."
    if budget is not None and any(row.mean > limit for row in rows):
        limits += f' <span style="color:{LIGHT.over}">■</span>: over the budget.'
    whose = workload or "all workloads on one model"
    return (
        f"<p><b>{escape(whose)}</b>, {escape(title)}: expected {planned.currency} per month (mean), average over the "
        "months planned</p>"
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 4}" width="100%" style="max-width:{_WIDTH}px" role="img" '
        f'font-size="13" fill="currentColor" aria-label="{escape(words)}; {planned.currency} a month">'
        f"{''.join(drawn)}</svg>"
        f"<p><small>Bar: mean. Line: P10 to P90. Upright mark: mean as planned.{limits} The axis ends at "
        f"{dollars(end)} {planned.currency}{longer}. {escape(planned.provenance)}</small></p>"
    )


def _row(changed: Projection, planned: Projection, workload: str | None, model: str) -> _Row:
    months = len(planned.months)
    spend = changed.of(model, workload).over_months()
    mean, low, high = (
        float(amount[0]) / months
        for amount in (spend.mean(), spend.quantile(0.1), spend.quantile(0.9))
    )
    was = float(planned.of(model, workload).mean().sum()) / months
    is_least = changed.reasoning(model, workload).is_least
    return _Row(model, mean, *((mean, mean) if is_least else (low, high)), was, is_least)


def _tick(usd: float, scale: float, bottom: int) -> str:
    x = _NAMES + scale * usd
    return (
        f'<path d="M{x:.2f} {_HEAD - 20}V{bottom}" stroke="currentColor" stroke-opacity="0.25"/>'
        f'<text x="{x:.2f}" y="{_HEAD - 26}" text-anchor="middle">{dollars(usd)}</text>'
    )
