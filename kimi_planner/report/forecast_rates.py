"""Forecasts in other currencies: their steps, and the end of a period with its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Exchange
from kimi_planner.forecast.estimate import LatestEstimate
from kimi_planner.forecast.result import SpendForecast
from kimi_planner.money import at_rate, named, rounded, signed_usd, total, usd
from kimi_planner.plan.calendar import Month
from kimi_planner.report.exchanged import OF_MONTHS, basis
from kimi_planner.report.table import Table
from kimi_planner.series.moments import Moment, moment_text

HOW = f"{OF_MONTHS}, a budget by the days of its months"
OF_STEPS = f"{OF_MONTHS}; without dates at the latest"


def exchange_tables(found: LatestEstimate) -> list[Table]:
    """Return the end of the period and its limits in each other currency of the catalog."""
    return [
        Table(
            ("line", exchange.currency),
            tuple(
                (
                    row["line"],
                    (signed_usd if row["line"].startswith("over") else usd)(row[_name(exchange)]),
                )
                for row in exchange_rows(found, exchange)
            ),
            frozenset({1}),
            title=basis(exchange, HOW),
        )
        for exchange in found.catalog.exchanges
    ]


def exchange_rows(found: LatestEstimate, exchange: Exchange) -> list[dict[str, Any]]:
    """Return spend to date, what is to come, the end with its range, and limits with their gaps.

    Spend to date is exact. The quantiles of what is to come are taken at the one rate that its mean is at.
    """
    spent = total(
        at_rate(amount, exchange.at(day.replace(day=1)))
        for day, amount in found.daily.itertuples(index=False)
    )
    ahead = found.ahead
    rate = Decimal(0) if ahead is None else rate_until(ahead, ahead.until, exchange)
    come = at_rate(found.expected_ahead_usd, rate)
    end = total([spent, come])
    rows = {"spent to date": spent, "to come": come, "expected end": end}
    if ahead is not None:
        for name, share in {"P10": 0.1, "P50": 0.5, "P90": 0.9}.items():
            amount = float(spent) + float(ahead.quantile(share)) * float(rate)
            rows[f"{name} of the end"] = round(amount, 6)
    for name, limit, months in (
        ("budget", found.budget, _days_by_month(found)),
        ("plan", found.plan, _planned_by_month(found)),
    ):
        if limit is not None:
            amount = at_rate(limit.usd, mean_rate(months, exchange))
            rows |= {name: amount, f"over the {name} by": total([end, -amount])}
    if found.balance_usd is not None:
        rows["balance"] = at_rate(found.balance_usd, exchange.at(found.ended.date().replace(day=1)))
    return [{"line": line, _name(exchange): amount} for line, amount in rows.items()]


def exchange_steps(
    forecast: SpendForecast, exchange: Exchange, spelled: Callable[[Moment], Any] = moment_text
) -> list[dict[str, Any]]:
    """Return the steps in another currency: each at the mean rate of what is expected until then."""
    rows = []
    for row in forecast.frame.to_dict("records"):
        rate = float(rate_until(forecast, row["until"], exchange))
        amounts = {
            named(str(name), exchange.currency): amount * rate
            for name, amount in row.items()
            if name != "until"
        }
        rows.append({"until": spelled(row["until"]), **amounts})
    return rows


def expected_by_month(ahead: SpendForecast, until: pd.Timestamp) -> dict[str, float]:
    """Return the expected spend of each month of a forecast with dates, USD."""
    begin, end = ahead.observed.end, until
    assert isinstance(begin, pd.Timestamp)  # noqa: S101 - narrows the type
    month, ends = Month(begin.year, begin.month).next, [begin]
    while (first := pd.Timestamp(month.first, tz="UTC")) < end:
        ends.append(first)
        month = month.next
    seconds = [(one - begin).total_seconds() for one in (*ends, end)]
    sofar = np.interp(seconds, [0.0, *ahead.steps], [0.0, *ahead.frame["mean_usd"]])
    return {
        f"{one:%Y-%m}": after - before
        for one, (before, after) in zip(ends, pairwise(sofar.tolist()), strict=True)
    }


def mean_rate(amounts: Mapping[str, float], exchange: Exchange) -> Decimal:
    """Return the mean rate of months, weighed by amounts; by one each where all are zero."""
    rates = exchange.of_months(amounts)
    if len({*rates.values()}) == 1:
        return next(iter(rates.values()))
    weights = {month: Fraction(amount) for month, amount in amounts.items()}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, Fraction(1))
    worth = sum(weight * Fraction(rates[month]) for month, weight in weights.items())
    return rounded(Fraction(worth) / sum(weights.values()))


def rate_until(ahead: SpendForecast, until: Moment, exchange: Exchange) -> Decimal:
    """Return the mean rate of what is expected of a forecast until a moment; the latest one without dates."""
    if not isinstance(until, pd.Timestamp):
        return exchange.at(None)
    return mean_rate(expected_by_month(ahead, until), exchange)


def _name(exchange: Exchange) -> str:
    return exchange.currency.lower()


def _days_by_month(found: LatestEstimate) -> dict[str, float]:
    return {
        month: float(share * Month(*map(int, month.split("-"))).days)
        for month, share in found.period.months().items()
    }


def _planned_by_month(found: LatestEstimate) -> dict[str, float]:
    path = found.planned.path if found.planned else ()
    return {f"{day:%Y-%m}": after - before for (day, before), (_, after) in pairwise(path)}
