"""What a plan covers and rests on: workloads, models, months, catalog, seed and paths, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import SettingError, whole
from kimi_planner.plan.calendar import Month, month_range
from kimi_planner.workload import Workload
from kimi_planner.workload.currency import in_currency_of
from kimi_planner.workload.inputs import (
    Workloads,
    check_seed,
    chosen_day,
    chosen_models,
    chosen_workloads,
    with_pinned,
)

MAX_PATHS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a plan covers, and what it rests on.

    Attributes
    ----------
    workloads, specs, months
        Workloads, models, and calendar months.
    catalog, as_of, seed, n_paths
        Prices, the day the plan is made on, and the paths that are drawn.
    """

    workloads: tuple[Workload, ...]
    specs: tuple[ModelSpec, ...]
    months: tuple[Month, ...]
    catalog: Catalog
    as_of: date
    seed: int
    n_paths: int

    @property
    def parts(self) -> dict[str, Any]:
        """The attributes above by name, for what is planned in this scope."""
        return {one.name: getattr(self, one.name) for one in fields(Scope)}

    @property
    def settings(self) -> dict[str, Any]:
        """What says again on which paths a plan is made, workloads, models and catalog apart."""
        return {
            "start": str(self.months[0]),
            "months": len(self.months),
            "as_of": self.as_of,
            "seed": self.seed,
            "n_paths": self.n_paths,
        }

    @property
    def currency(self) -> str:
        """Of every amount, also of those with ``usd`` in their names."""
        return self.catalog.currency

    @property
    def models(self) -> tuple[str, ...]:
        """Model ids, in the order of the catalog or of the call."""
        return tuple(spec.id for spec in self.specs)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Workload names, in the order of the call."""
        return tuple(workload.name for workload in self.workloads)

    @property
    def provenance(self) -> str:
        """Catalog version, day, seed, paths and months in one line."""
        return f"Catalog {self._rests_on}"

    @property
    def _rests_on(self) -> str:
        return (
            f"{self.catalog.version} (sha256 {self.catalog.sha256[:12]}), as of {self.as_of}, "
            f"seed {self.seed}, {self.n_paths:,} paths, {self.months[0]} to {self.months[-1]}."
        )


def check_draws(seed: object, n_paths: object) -> None:
    """Raise SettingError if a seed or a number of paths is out of bounds."""
    whole("n_paths", n_paths, 100, MAX_PATHS, fault=SettingError)
    check_seed(seed)


def scope_of(
    workloads: Workloads,
    models: str | Sequence[str] | None,
    months: int,
    start: str | date | None,
    as_of: date | str | None,
    *,
    seed: int,
    n_paths: int,
    catalog: Catalog | str | Path | None,
) -> Scope:
    """Return what a caller asks for, checked.

    Raises
    ------
    SettingError
        If a date, the horizon, the seed or the number of paths is out of bounds.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or is not yet in force on that day.
    """
    chosen = chosen_workloads(workloads)
    check_draws(seed, n_paths)
    day = chosen_day(as_of)
    catalog = load_catalog(catalog, as_of=day)
    catalog = in_currency_of(chosen, catalog)
    covered = month_range(start, months, day)
    return Scope(
        workloads=chosen,
        specs=with_pinned(catalog, chosen_models(catalog, models, covered[0].first), chosen),
        months=covered,
        catalog=catalog,
        as_of=day,
        seed=seed,
        n_paths=n_paths,
    )
