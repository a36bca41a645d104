"""What a caller gives: amounts, and results that are at hand already, checked or made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from kimi_planner.capacity.limits import Limits, Tier
from kimi_planner.capacity.need import throughput
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.errors import SettingError, restated, shown
from kimi_planner.money import exact_decimal
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.simulation import project
from kimi_planner.workload import Workload

#: Of a task.
MOST_USD = 10**15


def positive(name: str, value: Any, *, or_nothing: bool = False) -> Decimal:
    """Return an amount as an exact decimal.

    Raises
    ------
    SettingError
        If it is no number above 0, or from 0 where it may be nothing.
    """
    with restated(about=name, then=".", of=ValueError, fault=SettingError):
        amount = exact_decimal(value)
    if amount < 0 or not (amount or or_nothing):
        least = "at least" if or_nothing else "above"
        raise SettingError(f"{name} is {amount}. It must be {least} 0.")
    return amount


def per_task(name: str, value: Any, *, or_nothing: bool = True) -> Decimal:
    """Return what a task is worth or costs, as `positive` does, if sums over many tasks have an end.

    Raises
    ------
    SettingError
        Also if it is `MOST_USD` or more.
    """
    amount = positive(name, value, or_nothing=or_nothing)
    if amount >= MOST_USD:
        raise SettingError(f"{name} is {shown(amount)}. It must be below {MOST_USD:,}.")
    return amount


def projection_given(
    workloads: Sequence[Workload],
    projection: Projection | None,
    settings: Mapping[str, Any],
    **usual: Any,
) -> Projection:
    """Return the projection that is given, or make it; ``usual`` settings are for the latter alone.

    Raises
    ------
    SettingError
        If it is none, lacks a workload, or stands beside settings of its own.
    """
    if projection is None:
        return project(workloads, **{**usual, **settings})
    if settings:
        raise SettingError(
            f"{', '.join(settings)} cannot change a projection that is given. Leave out one of them."
        )
    for workload in workloads:
        projection.of(projection.models[0], workload.name)  # refuses one that it does not hold
    return projection


def peaks_of(workloads: Sequence[Workload], projection: Projection) -> Throughput:
    """Return the peaks of workloads on the paths of a plan."""
    return throughput(
        workloads, projection.models, **projection.settings, catalog=projection.catalog
    )


def known_tier(limits: Limits, number: object) -> Tier:
    """Return a recharge tier by its number.

    Raises
    ------
    SettingError
        If there is none.
    """
    for tier in limits:
        if tier.tier == number and not isinstance(number, bool):
            return tier
    known = ", ".join(str(tier.tier) for tier in limits)
    raise SettingError(f"tier is {shown(number)}. Limits {limits.version} have tiers {known}.")
