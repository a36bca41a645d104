"""Simulating monthly spend: scenarios first, then the month's total given the scenario."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.plan.beyond_tokens import fees_usd, written_notes
from kimi_planner.plan.bill import (
    Bill,
    conversation_costs,
    exact_spend,
    is_certain,
    mean_product,
)
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.plan.catalog_notes import catalog_notes
from kimi_planner.plan.noise import Cells, Noise
from kimi_planner.plan.notes import assumptions_left_out
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import Scenarios, stream
from kimi_planner.plan.spend import Spend
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import (
    check_paths,
    check_price_changes,
    check_seed,
    chosen_day,
    chosen_models,
    chosen_workloads,
)

__all__ = ["DEFAULT_PATHS", "project"]

DEFAULT_PATHS = 10_000
METHOD = (
    "Each uncertain number is drawn once per scenario, stratified. A month is the total of its "
    "conversations given the scenario, by their computed distribution: a Poisson number of them "
    "where requests_per_day is a range, a certain one where it is plain. Plain numbers alone are "
    "exact decimals."
)


def project(
    workloads: Workload | Iterable[Workload],
    months: int = 12,
    start: str | date | None = None,
    models: str | Sequence[str] | None = None,
    as_of: date | None = None,
    seed: int = 0,
    *,
    n_paths: int = DEFAULT_PATHS,
    catalog: Catalog | str | Path | None = None,
) -> Projection:
    """Project the monthly spend of workloads on each model.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What may happen.
    months : int
        Number of calendar months.
    start : str or date, optional
        First month, such as ``"2026-11"``; the month after ``as_of`` if not given.
    models : str or sequence of str, optional
        Model ids; all of the catalog but the retired ones if not given.
    as_of : date, optional
        The day whose prices and knowledge count; today if not given.
    seed : int
        Seed of the scenarios, 0 or above.
    n_paths : int
        Number of scenarios, from 100.
    catalog : Catalog, str or Path, optional
        Prices; the default catalog if not given.

    Returns
    -------
    Projection
        Spend by workload, model and month over the same scenarios, so that models, workloads and
        months can be compared and added scenario by scenario.

    Raises
    ------
    ScenarioError
        If a date, the horizon, the seed or the number of paths is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, also one that a price change names, or states no price for
        it on that day, or not a fee that a workload names.

    Notes
    -----
    Level of traffic, growth, cached share, retries, events, price changes and factors on token
    means are drawn once per scenario, each stratified. Given the scenario, a month is its requests
    by the calendar times the expected cost of a call, and what single calls add to that: the total
    of independent conversations, whose distribution is computed. Their number is certain where
    ``requests_per_day`` is a plain number, and Poisson where it is a range. A workload of plain
    numbers has no spread and is computed in exact decimals. Each workload has random streams of its
    own, named by seed, workload and quantity: adding a workload changes no other.
    """
    chosen = chosen_workloads(workloads)
    check_paths(n_paths)
    check_seed(seed)
    as_of = chosen_day(as_of)
    catalog = load_catalog(catalog, as_of=as_of)
    covered = month_range(start, months, as_of)
    specs = chosen_models(catalog, models, covered[0].first)
    check_price_changes(catalog, chosen)
    fees = {workload.name: fees_usd(catalog, workload) for workload in chosen}
    spend = {
        (workload.name, spec.id): one
        for workload in chosen
        for spec, one in zip(
            specs,
            _spends(workload, specs, covered, seed, n_paths, fees[workload.name]),
            strict=True,
        )
    }
    return Projection(
        workloads=chosen,
        specs=specs,
        months=covered,
        spend=spend,
        catalog=catalog,
        as_of=as_of,
        seed=seed,
        n_paths=n_paths,
        notes=(
            *assumptions_left_out(chosen, specs, covered),
            *written_notes(chosen, specs, covered),
            *catalog_notes(catalog, specs, covered, chosen),
        ),
        method=METHOD,
    )


def _spends(
    workload: Workload,
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    seed: int,
    n_paths: int,
    fees: Decimal,
) -> list[Spend]:
    """Return the spend of one workload on each model, over the same scenarios."""
    uncertain = [spec for spec in specs if not is_certain(workload, spec, months)]
    drawn = _drawn_spends(workload, uncertain, months, seed, n_paths, fees) if uncertain else {}
    return [drawn.get(spec.id) or exact_spend(workload, spec, months, fees) for spec in specs]


def _drawn_spends(
    workload: Workload,
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    seed: int,
    n_paths: int,
    fees: Decimal,
) -> dict[str, Spend]:
    scenarios = Scenarios.draw(workload, seed, n_paths)
    bills = {spec.id: Bill.of(workload, spec, months, scenarios, fees) for spec in specs}
    counts = next(iter(bills.values())).conversations()
    cells = Cells.of(n_paths)
    kinds = {
        model: [bill.kind(place) for place in range(len(months))] for model, bill in bills.items()
    }
    noises: dict[object, Noise | None] = {}
    for model, bill in bills.items():
        for place, kind in enumerate(kinds[model]):
            if kind not in noises:
                law = conversation_costs(bill, place, stream(seed, workload.name, "sizes"))
                at_random = bill.calls_at_random
                alike = {
                    at for some in kinds.values() for at, one in enumerate(some) if one == kind
                }
                noises[kind] = (
                    None
                    if law is None or (law.is_constant and not at_random)
                    else Noise.of(
                        law, [counts[at] for at in sorted(alike)], cells, at_random=at_random
                    )
                )
    usd = {spec.id: np.empty((len(months), n_paths)) for spec in specs}
    rng = stream(seed, workload.name, "calls")
    for place, count in enumerate(counts):
        taken = rng.permutation(cells.sorted)
        for model, bill in bills.items():
            month = usd[model][place]
            month[:] = bill.expected_usd(place)
            noise = noises[kinds[model][place]]
            if noise is not None:
                noise.apply(month, count, taken)
    return {
        model: Spend(
            usd=usd[model],
            exact_usd=None,
            **{
                name: np.array([mean_product(month, per_call) for month in bill.monthly_requests()])
                for name, per_call in bill.per_call().items()
            },
        )
        for model, bill in bills.items()
    }
