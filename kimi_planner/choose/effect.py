"""What another catalog does to the spend of workloads, model by model and for the best choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.catalog.diff import CatalogDiff, diff_catalogs
from kimi_planner.choose.ranking import recommend
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import chosen_day, chosen_workloads

__all__ = ["CatalogEffect", "catalog_effect"]

COLUMNS = (
    "workload",
    "pair",
    "old_model",
    "new_model",
    "old_usd_per_month",
    "new_usd_per_month",
    "difference_usd_per_month",
    "relative",
)


@dataclass(frozen=True, kw_only=True)
class CatalogEffect:
    """Spend of workloads with the prices of one catalog and of another.

    Attributes
    ----------
    frame : DataFrame
        One row for each workload and pair of models: ``pair`` is ``"same id"``,
        ``"counterpart"`` or ``"recommended"``, the best of each catalog, empty where none
        qualifies. Amounts are the mean spend of a month in USD, missing where there is no model.
    diff
        What differs between the catalogs.
    months, as_of, seed, n_paths
        What the amounts rest on.
    notes
        What the reader must know.
    """

    frame: pd.DataFrame
    diff: CatalogDiff
    months: tuple[Month, ...]
    as_of: date
    seed: int
    n_paths: int
    notes: tuple[Note, ...] = ()

    @property
    def provenance(self) -> str:
        """Catalogs, day, seed, scenarios and months in one line."""
        return (
            f"Catalogs {self.diff.old} and {self.diff.new}, as of {self.as_of}, seed {self.seed}, "
            f"{self.n_paths:,} paths, {self.months[0]} to {self.months[-1]}."
        )


def catalog_effect(
    workloads: Workload | Iterable[Workload],
    old: Catalog | str | Path,
    new: Catalog | str | Path,
    *,
    months: int = 12,
    start: str | date | None = None,
    as_of: date | None = None,
    seed: int = 0,
    n_paths: int = 2_000,
) -> CatalogEffect:
    """Return what another catalog does to the spend of workloads.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What is sent.
    old, new : Catalog, str or Path
        What :func:`load_catalog` takes.
    months, start, as_of, seed, n_paths
        As for :func:`project`.

    Returns
    -------
    CatalogEffect
        For each workload the mean spend of a month on every model that both have, on every stated
        pair of counterparts, and on the models that :func:`recommend` ranks first.

    Raises
    ------
    CatalogError
        If a catalog does not exist or breaks a rule.
    PriceNotFoundError
        If one was not yet published on that day, or has no model with prices.
    ScenarioError
        If a scenario is out of its bounds.

    Notes
    -----
    Both sides have the same scenarios, so that nothing but the catalog differs.
    """
    chosen, day = chosen_workloads(workloads), chosen_day(as_of)
    covered = month_range(start, months, day)
    catalogs = [load_catalog(one, as_of=day) for one in (old, new)]
    diff = diff_catalogs(*catalogs)
    scenario: dict[str, Any] = {
        "months": months,
        "start": start,
        "as_of": day,
        "seed": seed,
        "n_paths": n_paths,
    }
    named = _paired(diff)
    plans: list[Recommendation] = []
    notes: list[Note] = []
    for side, catalog in enumerate(catalogs):
        priced, left_out = _priced(catalog, covered, [pair[side] for _, pair in named])
        notes += noted("no_price", catalog=catalog.version, models=left_out)
        plans.append(recommend(chosen, catalog=catalog, models=priced, **scenario))
    notes += _thinking_notes(diff, catalogs)
    rows = [
        _row(workload.name, kind, pair, plans)
        for workload in chosen
        for kind, pair in [*named, ("recommended", _best(workload.name, plans))]
    ]
    return CatalogEffect(
        frame=pd.DataFrame(rows, columns=list(COLUMNS)),
        diff=diff,
        months=covered,
        as_of=day,
        seed=seed,
        n_paths=n_paths,
        notes=tuple(notes),
    )


def _paired(diff: CatalogDiff) -> list[tuple[str, tuple[str, str]]]:
    same = [("same id", (name, name)) for name in diff.common]
    return [*same, *(("counterpart", (one.old, one.new)) for one in diff.counterparts)]


def _priced(
    catalog: Catalog, months: tuple[Month, ...], paired: list[str]
) -> tuple[list[str], list[str]]:
    """Return ids of the models to plan with, and those without a price in those months."""
    priced: list[str] = []
    unpriced: list[str] = []
    for spec in catalog:
        if spec.is_retired(months[0].first) and spec.id not in paired:
            continue
        (priced if _has_prices(spec, months) else unpriced).append(spec.id)
    if not priced:
        raise PriceNotFoundError(
            f"Catalog {catalog.version} states no price for any of its models in {months[0]} to "
            f"{months[-1]}. Choose another catalog."
        )
    return priced, unpriced


def _has_prices(spec: ModelSpec, months: tuple[Month, ...]) -> bool:
    within = [day for day in spec.price_days if months[0].first < day <= months[-1].last]
    try:
        for day in (months[0].first, *within):
            Tariff.of(spec.on(day))
    except PriceNotFoundError:
        return False
    return True


def _thinking_notes(diff: CatalogDiff, catalogs: list[Catalog]) -> list[Note]:
    """Name pairs of which one side spends reasoning tokens and the other is not said to."""
    return [
        note("only_one_reasons", old=old, new=new, models=old if first else new)
        for _, (old, new) in _paired(diff)
        if (first := catalogs[0].model(old).reasons) != catalogs[1].model(new).reasons
    ]


def _best(workload: str, plans: list[Recommendation]) -> tuple[str | None, str | None]:
    old, new = (plan.best.get(workload) for plan in plans)
    return old, new


def _row(
    workload: str, kind: str, pair: tuple[str | None, str | None], plans: list[Recommendation]
) -> dict[str, Any]:
    old, new = (
        _usd_per_month(plan, model, workload) for plan, model in zip(plans, pair, strict=True)
    )
    difference = None if old is None or new is None else new - old
    return {
        "workload": workload,
        "pair": kind,
        "old_model": pair[0],
        "new_model": pair[1],
        "old_usd_per_month": old,
        "new_usd_per_month": new,
        "difference_usd_per_month": difference,
        "relative": difference / old if difference is not None and old else None,
    }


def _usd_per_month(plan: Recommendation, model: str | None, workload: str) -> float | None:
    if model is None or model not in plan.projection.models:
        return None
    spend = plan.projection.of(model, workload).over_months()
    return float(spend.mean()[0]) / len(plan.projection.months)
