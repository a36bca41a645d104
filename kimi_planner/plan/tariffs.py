"""Prices in each part of a plan: those of the catalog, and what changes from a day on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Fee, ModelSpec
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import Period, periods_of
from kimi_planner.plan.draws import Draws
from kimi_planner.workload.resolve import Load


def billed_periods(load: Load, spec: ModelSpec, months: Sequence[Month]) -> tuple[Period, ...]:
    """Return the parts of a plan between changes of the prices of a model."""
    days = (change.day for change in load.changes_of(spec.id))
    return periods_of(months, (*days, *spec.price_days))


def tariffs_of(
    load: Load,
    spec: ModelSpec,
    fees: Iterable[Fee],
    periods: Sequence[Period],
    draws: Draws,
) -> list[Tariff]:
    """Return the prices of a model in each period, with the changes that the load names.

    Raises
    ------
    PriceNotFoundError
        If the catalog states no input or output price for the days of a period.
    """

    def converted(price: Any) -> Any:
        return price if isinstance(price, np.ndarray) else draws.number(price)

    changes = load.changes_of(spec.id)
    found: dict[tuple[int, int], Tariff] = {}
    tariffs = []
    for period in periods:
        begun = [change for change in changes if change.day <= period.first]
        key = (sum(day <= period.first for day in spec.price_days), len(begun))
        if key not in found:
            tariff = Tariff.of(spec.in_plans().on(period.first), fees).map(converted)
            for change in begun:
                tariff = (
                    tariff.with_prices(change.prices).map(converted)
                    if change.factor is None
                    else tariff.times(draws[change.key])
                )
            found[key] = tariff
        tariffs.append(found[key])
    return tariffs
