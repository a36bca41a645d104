"""What another catalog does to the spend of workloads, model by model and for the best choice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.catalog.diff import CatalogDiff, diff_catalogs
from kimi_planner.choose.ranking import recommend
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import PriceNotFoundError
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.currency import in_currency_of
from kimi_planner.workload.inputs import Workloads, chosen_day, chosen_workloads


@dataclass(frozen=True, kw_only=True, repr=False)
class CatalogEffect(Shown):
    """Spend of workloads with the prices of one catalog and of another.

    Attributes
    ----------
    frame : DataFrame
        One row for each workload and pair of models: ``pair`` is ``"same id"``,
        ``"counterpart"`` or ``"recommended"``, the planned one of each catalog. Amounts are the mean spend of a month, missing where there is no model.
    diff
        What differs between the catalogs.
    months, as_of, seed, n_paths
        What the amounts rest on.
    currency
        What amounts are in.
    notes
        What the reader must know.
    """

    frame: pd.DataFrame
    diff: CatalogDiff
    months: tuple[Month, ...]
    as_of: date
    seed: int
    n_paths: int
    currency: str = "USD"
    notes: tuple[Note, ...] = ()

    @property
    def provenance(self) -> str:
        """Catalogs, day, seed, paths and months in one line."""
        return (
            f"Catalogs {self.diff.old} and {self.diff.new}, as of {self.as_of}, seed {self.seed}, "
            f"{self.n_paths:,} paths, {self.months[0]} to {self.months[-1]}."
        )

    def page(self) -> Page:
        """Return the spend with both catalogs."""
        return Page(
            title=f"Mean spend in {self.currency} per month with catalog {self.diff.old} and with {self.diff.new}",
            frame=self.frame,
            columns=(
                "workload", "old_model", "new_model", "old_usd_per_month", "new_usd_per_month", "relative"
            ),
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )  # fmt: skip


@public
def catalog_effect(
    workloads: Workloads,
    old: Catalog | str | Path,
    new: Catalog | str | Path,
    *,
    months: int = 12,
    start: str | date | None = None,
    as_of: date | str | None = None,
    seed: int = 0,
    n_paths: int = 2_000,
) -> CatalogEffect:
    """Return what another catalog does to the spend of workloads.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is sent.
    old, new : Catalog, str or Path
        What :func:`load_catalog` takes.
    months, start, as_of, seed, n_paths
        As for :func:`project`.

    Returns
    -------
    CatalogEffect
        For each workload the mean spend of a month on every model that both have, on every stated
        pair of counterparts, and on the models that :func:`recommend` plans with.

    Raises
    ------
    CatalogError
        If a catalog does not exist or breaks a rule.
    PriceNotFoundError
        If one was not yet published on that day, or has no model with prices.
    SettingError
        If a setting is out of its bounds.

    Notes
    -----
    Both sides have the same paths, so that nothing but the catalog differs.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> effect = catalog_effect(chat, "2026-06", "2026-11-public", months=1, start="2027-01",
    ...     as_of="2026-11-28")
    >>> len(effect.frame) > 0
    True
    """
    chosen, day = chosen_workloads(workloads), chosen_day(as_of)
    covered = month_range(start, months, day)
    catalogs = [in_currency_of(chosen, load_catalog(one, as_of=day)) for one in (old, new)]
    diff = diff_catalogs(*catalogs)
    plan = partial(
        recommend, chosen, months=months, start=start, as_of=day, seed=seed, n_paths=n_paths
    )
    paired = _paired(diff)
    plans: list[Recommendation] = []
    notes: list[Note] = []
    for side, catalog in enumerate(catalogs):
        priced, left_out = _priced(catalog, covered, [pair[side] for _, *pair in paired])
        notes += noted("no_price", catalog=catalog.version, models=left_out)
        plans.append(plan(catalog=catalog, models=priced))
    notes += _thinking_notes(diff, catalogs)
    return CatalogEffect(
        frame=_frame([workload.name for workload in chosen], paired, plans),
        diff=diff,
        months=covered,
        as_of=day,
        seed=seed,
        n_paths=n_paths,
        currency=catalogs[1].currency,
        notes=tuple(notes),
    )


def _paired(diff: CatalogDiff) -> list[tuple[str, str, str]]:
    """Return the pairs of models that are compared: how they belong together, old and new."""
    same = [("same id", name, name) for name in diff.common]
    return [*same, *(("counterpart", one.old, one.new) for one in diff.counterparts)]


def _priced(
    catalog: Catalog, months: tuple[Month, ...], paired: list[str]
) -> tuple[list[str], list[str]]:
    """Return ids of the models to plan with, and those without a price in those months."""
    first = months[0].first
    asked = [spec for spec in catalog if spec.id in paired or not spec.is_retired(first)]
    priced = [spec.id for spec in asked if _has_prices(spec, months)]
    if not priced:
        raise PriceNotFoundError(
            f"Catalog {catalog.version} states no price for any of its models in {months[0]} to "
            f"{months[-1]}. Choose another catalog."
        )
    return priced, [spec.id for spec in asked if spec.id not in priced]


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
        for _, old, new in _paired(diff)
        if (first := catalogs[0].model(old).reasons is not False)
        != (catalogs[1].model(new).reasons is not False)
    ]


def _frame(
    workloads: list[str], paired: list[tuple[str, str, str]], plans: list[Recommendation]
) -> pd.DataFrame:
    """Return the spend of each workload on each pair, and on the best of each catalog."""
    rows = [
        {
            "workload": name,
            "pair": kind,
            "old_model": old,
            "new_model": new,
            "old_usd_per_month": _usd_per_month(plans[0], old, name),
            "new_usd_per_month": _usd_per_month(plans[1], new, name),
        }
        for name in workloads
        for kind, old, new in [*paired, ("recommended", *(plan.best[name] for plan in plans))]
    ]
    frame = pd.DataFrame(rows).astype({"old_usd_per_month": float, "new_usd_per_month": float})
    before = frame["old_usd_per_month"]
    frame["difference_usd_per_month"] = frame["new_usd_per_month"] - before
    frame["relative"] = frame["difference_usd_per_month"] / before.where(before != 0)
    return frame


def _usd_per_month(plan: Recommendation, model: str | None, workload: str) -> float | None:
    if model is None or model not in plan.projection.models:
        return None
    return float(plan.projection.of(model, workload).mean().mean())
