"""Simulating monthly spend: paths first, then the month's total given the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.booking import EXPECTED, Booking
from kimi_planner.plan.demand import periods_of
from kimi_planner.plan.draws import stream
from kimi_planner.plan.noise import SingleCalls
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scope import Scope, scope_of
from kimi_planner.plan.spend import Spend
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, check_price_changes

DEFAULT_PATHS = 10_000
METHOD = (
    "Each uncertain number is drawn once per path, stratified. A month is the total of its "
    "conversations given the path, by their computed distribution: a Poisson number of them "
    "where requests_per_day is a range, a certain one where it is plain. Plain numbers alone are "
    "exact decimals."
)


@public
def project(
    workloads: Workloads,
    months: int = 12,
    start: str | date | None = None,
    models: str | Sequence[str] | None = None,
    as_of: date | str | None = None,
    seed: int = 0,
    *,
    n_paths: int = DEFAULT_PATHS,
    catalog: Catalog | str | Path | None = None,
    booking: Booking | None = None,
) -> Projection:
    """Project the monthly spend of workloads on each model.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What may happen.
    months : int
        Number of calendar months.
    start : str or date, optional
        First month, such as ``"2026-11"``; the month after ``as_of`` if not given.
    models : str or sequence of str, optional
        Model ids; all of the catalog but the retired ones if not given.
    as_of : date, datetime or str, optional
        The day whose prices and knowledge count; today if not given.
    seed : int
        Seed of the paths, 0 or above.
    n_paths : int
        Number of paths, from 100.
    catalog : Catalog, str or Path, optional
        Prices; the default catalog if not given.
    booking : Booking, optional
        Which number of the plan is booked; the mean if not given.

    Returns
    -------
    Projection
        Spend by workload, model and month over the same paths, so that models, workloads and
        months can be compared and added path by path.

    Raises
    ------
    SettingError
        If a date, the horizon, the seed or the number of paths is out of bounds, or the catalog is not
        in USD.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, also one that a price change names, or states no price for
        it on that day, or not a fee that a workload names.

    Notes
    -----
    Level of traffic, growth, cached share, retries, events, price changes and factors on token
    means are drawn once per path, each stratified. Given the path, a month is its requests
    by the calendar times the expected cost of a call, and what single calls add to that: the total
    of independent conversations, by its first three moments, or by its computed distribution where
    these are off by 0.1% or more between P10 and P95. Their number is certain where
    ``requests_per_day`` is a plain number, and Poisson where it is a range. A workload of plain
    numbers has no spread and is computed in exact decimals. Each workload has random streams of its
    own, named by seed, workload and quantity: adding a workload changes no other.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> plan.of("kimi-k2", "chat").mean().tolist()
    [107.88]
    >>> 31 * 1000 * (2000 * 1.20 + 300 * 3.60) / 1e6
    107.88
    """
    scope = scope_of(
        workloads, models, months, start, as_of, seed=seed, n_paths=n_paths, catalog=catalog
    )
    return replace(projected(scope), booking=booking or EXPECTED)


def projected(scope: Scope) -> Projection:
    """Return the spend of what a plan covers; see `project`."""
    check_price_changes(scope.catalog, scope.workloads)
    return replanned(Projection(**scope.parts, spend={}, method=METHOD), scope.workloads)


def replanned(projection: Projection, workloads: Sequence[Workload]) -> Projection:
    """Return the plan of other workloads, over the same months, models and paths."""
    spend = {}
    for workload in workloads:
        plan = projection.plan_of(workload)
        spends = simulate(plan, projection.specs, projection.seed, projection.n_paths)
        for model, amounts in zip(projection.models, spends, strict=True):
            spend[workload.name, model] = amounts
    return replace(projection, workloads=tuple(workloads), spend=spend)


def simulate(plan: LoadPlan, specs: Sequence[ModelSpec], seed: int, n_paths: int) -> list[Spend]:
    """Return the spend of one load on each model, over the same paths.

    Raises
    ------
    PriceNotFoundError
        If the catalog lacks a price, a fee or a batch price that the load needs.
    """
    bills = [plan.on(spec) for spec in specs]
    spends = [bill.spend() for bill in bills]
    uncertain = [at for at, bill in enumerate(bills) if not bill.is_exact]
    if not uncertain:
        return spends
    load = plan.load
    rng = stream(seed, load.name, "calls")
    single = SingleCalls(
        plan.requests(periods_of(plan.months)) / bills[0].turns,
        np.stack([rng.permutation(n_paths) for _ in plan.months]),
        at_random=not load.traffic.level.is_certain,
    )
    for at in uncertain:
        usd = np.broadcast_to(spends[at].usd, (len(plan.months), n_paths)).copy()
        single.apply(usd, bills[at].sizes, bills[at].weights)
        spends[at] = replace(spends[at], usd=usd)
    return spends
