"""What a finance lead reads first: a few figures, and each budget beside its risk."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import total, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.report.tables import OVER_BUDGET, Table, horizon, spread_of
from kimi_planner.rich import share_text

__all__ = ["budgets_table", "key_figures"]


def key_figures(recommendation: Recommendation) -> list[tuple[str, str, str]]:
    """Return name, value and words of what matters most."""
    projection, best = recommendation.projection, recommendation.best
    spend = projection.mix(best)
    months = len(projection.months)
    whole = spend.over_months()
    number = recommendation.booked
    dearest = max(number.by_month.items(), key=lambda month: month[1])
    words = f"; dearest month {usd(dearest[1], 0)} in {dearest[0]}" if months > 1 else ""
    booked = ("To book", f"{usd(number.usd)} USD", f"{number.booking.words}{words}")
    spends = [("Average month", *_figure(whole, months))] * (months > 1)
    name = f"All {months} months" if months > 1 else str(projection.months[0])
    return [
        booked,
        *spends,
        (name, *_figure(whole, 1)),
        ("Budget a month", *_budget(recommendation, spend)),
        ("Largest workload", *_largest(recommendation, whole)),
    ]


def budgets_table(recommendation: Recommendation) -> Table:
    """Return each workload that has a budget, on its planned model, and the risk to break it.

    Those over it come first, with the gap of the month that is over by the most.
    """
    projection = recommendation.projection
    over = {one.workload: one for one in recommendation.over_budget}
    rows = [
        (
            row["workload"],
            row["model"],
            usd(row["budget_usd_per_month"]),
            usd(row["p50_usd_per_month"]),
            usd(row["p90_usd_per_month"]) if row["range_given"] else "not given",
            _dearest(projection, row),
            share_text(row["chance_over_budget"]),
            f"{usd(gap.gap_usd)} in {gap.month}" if (gap := over.get(row["workload"])) else "",
        )
        for row in projection.summary().to_dict("records")
        if recommendation.best.get(row["workload"]) == row["model"]
        and row["budget_usd_per_month"] is not None
        and not np.isnan(row["chance_over_budget"])
    ]
    rows.sort(key=lambda row: row[0] not in over)
    average = "average month " if len(projection.months) > 1 else ""
    headers = (
        *("workload", "model", "budget a month", f"{average}P50", f"{average}P90"),
        *("dearest month P90", OVER_BUDGET, "over by"),
    )
    title = f"Budgets (USD, {horizon(projection)})"
    return Table(headers, tuple(rows), frozenset({2, 3, 4, 5, 6, 7}), title=title)


def _dearest(projection: Projection, row: Mapping[Hashable, Any]) -> str:
    """Return the P90 of the month in which it is the largest, which a budget of any month meets."""
    month, amount = projection.of(row["model"], row["workload"]).worst_month(0.9)
    return f"{usd(amount)} in {projection.months[month]}"


def _figure(spend: Spend, parts: int, words: str = "") -> tuple[str, str]:
    p10, p50, p90 = spread_of(spend, parts)
    if not spend.is_ranged:
        return f"{usd(p50)} USD", ", ".join(filter(None, [NO_RANGE, words]))
    span = f"P50; 8 of 10 outcomes: {usd(p10, 0)} to {usd(p90, 0)}"
    return f"{usd(p50, 0)} USD", "; ".join(filter(None, [span, words]))


def _budget(recommendation: Recommendation, spend: Spend) -> tuple[str, str]:
    projection = recommendation.projection
    budgets = [projection.budget(name) for name in recommendation.best]
    without = sum(budget is None for budget in budgets)
    if without == len(budgets):
        return "none", "no workload has a budget"
    if without:
        have = "has" if without == 1 else "have"
        return "not told", f"{without} of {len(budgets)} workloads {have} no budget"
    whole = total(budget for budget in budgets if isinstance(budget, Decimal))
    chance = share_text(spend.chance_over(whole))
    which = "some" if len(projection.months) > 1 else "the"
    return f"{usd(whole, 0)} USD", f"{chance} chance that {which} month costs more"


def _largest(recommendation: Recommendation, whole: Spend) -> tuple[str, str]:
    projection = recommendation.projection
    means = {
        name: float(projection.of(model, name).over_months().mean()[0])
        for name, model in recommendation.best.items()
    }
    name = max(means, key=lambda one: means[one])
    everything = float(whole.mean()[0])
    share = share_text(means[name] / everything) if everything else "0%"
    return name, f"{share} of the expected spend, on {recommendation.best[name]}"
