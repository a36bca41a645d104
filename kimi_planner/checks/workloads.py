"""Workload files held against their budgets: spend, context fit and rate-limit tier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import isnan
from os.path import isfile
from typing import TYPE_CHECKING

from kimi_planner.checks.budgets import CheckConfig, WorkloadBudget
from kimi_planner.checks.globs import why_no_file
from kimi_planner.checks.results import CheckResult, Place, held, invalid, missing, unknown
from kimi_planner.errors import (
    ConfigError,
    FileError,
    PriceNotFoundError,
    UsageError,
    WorkloadError,
)
from kimi_planner.files import read_toml
from kimi_planner.money import exact_decimal, plain, usd

if TYPE_CHECKING:
    from kimi_planner.plan.projection import Projection
    from kimi_planner.workload import Workload

__all__ = ["Plans", "hold_workloads"]


class Plans:
    """Workload files of a configuration and their projections, each made once.

    Parameters
    ----------
    config : CheckConfig
        Paths, catalog and seed.
    as_of : date
        The day whose prices and knowledge count.
    """

    def __init__(self, config: CheckConfig, as_of: date) -> None:
        self.config = config
        self.as_of = as_of
        self._files: dict[str, list[Workload]] = {}
        self._projections: dict[tuple[object, ...], Projection] = {}

    def workloads(self, budget: WorkloadBudget) -> list[Workload]:
        """Return the workloads that a budget is for.

        Raises
        ------
        WorkloadError
            If the file cannot be read or breaks a rule.
        ConfigError
            If it has no workload of that name.
        """
        from kimi_planner.workload import load_workloads

        if budget.path not in self._files:
            self._files[budget.path] = load_workloads(self.config.folder / budget.path)
        found = self._files[budget.path]
        if budget.name is None:
            return found
        named = [one for one in found if one.name == budget.name]
        if not named:
            raise ConfigError(
                f"{budget.path} has no workload named {budget.name!r}.", at=budget.where
            )
        return named

    def fault(self, budget: WorkloadBudget) -> CheckResult | None:
        """Return the result of a file that is missing or cannot be read, ``None`` of any other.

        Raises
        ------
        ConfigError
            If it has no workload of that name.
        """
        path = self.config.folder / budget.path
        if not isfile(path):
            return missing(budget.path, why_no_file(path), budget.where)
        try:
            self.workloads(budget)
        except (FileError, UsageError, WorkloadError) as error:
            return invalid(budget.path, error)
        return None

    def projection(
        self, budget: WorkloadBudget, start: str | None = None, months: int | None = None
    ) -> Projection:
        """Return the projection of a budget's workloads, over other months if they are given.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no price that it needs.
        """
        from kimi_planner.plan.calendar import month_range
        from kimi_planner.plan.simulation import project

        workloads = self.workloads(budget)
        span = month_range(start, months or budget.months, self.as_of)
        key = (budget.path, budget.name, budget.model, span)
        if key not in self._projections:
            self._projections[key] = project(
                workloads,
                len(span),
                span[0].first,
                budget.model,
                self.as_of,
                self.config.seed,
                catalog=self.config.catalog,
            )
        return self._projections[key]

    def line(self, path: str, name: str | None) -> int | None:
        """Return the line of a workload in its file."""
        if name is None:
            return None
        toml = read_toml(self.config.folder / path)
        tables = toml.data.get("workload", [])
        place = next(number for number, one in enumerate(tables) if one.get("name") == name)
        return toml.where("workload", place, "name").line


def hold_workloads(budget: WorkloadBudget, plans: Plans) -> Iterator[CheckResult]:
    """Hold a workload file, or one workload in it, against each limit of its budget."""
    fault = plans.fault(budget)
    if fault is not None:
        yield fault
        return
    place = Place(
        path=budget.path,
        line=plans.line(budget.path, budget.name),
        name=budget.name,
        model=budget.model,
    )
    for percentile, limit in budget.spend_limits:
        yield _spend(budget, plans, place, percentile, limit)
    if budget.min_fit_share is not None:
        yield from _fit(budget, plans, budget.min_fit_share)
    if budget.tier is not None:
        yield _tier(budget, plans, place, budget.tier)


def _spend(
    budget: WorkloadBudget, plans: Plans, place: Place, percentile: float, limit: Decimal
) -> CheckResult:
    words = f"P{percentile:g}"
    rule, subject = "workload-spend", f"{words} monthly spend"
    try:
        projection = plans.projection(budget)
    except PriceNotFoundError as error:
        return unknown(place, rule=rule, subject=subject, limit=limit, message=str(error))
    month, amount = projection.of(budget.model).worst_month(percentile / 100)
    return held(
        place,
        rule=rule,
        subject=subject,
        value=amount,
        limit=limit,
        measured=(
            f"{words} of {budget.name or 'all workloads'} on {budget.model} is {usd(amount)} USD in "
            f"{projection.months[month]}"
        ),
        allowed=usd(limit),
        warn_fraction=budget.warn_fraction,
    )


def _fit(budget: WorkloadBudget, plans: Plans, least: Decimal) -> Iterator[CheckResult]:
    from kimi_planner.calls.fit import context_fit

    workloads = plans.workloads(budget)
    fit = context_fit(workloads, budget.model, seed=plans.config.seed, catalog=plans.config.catalog)
    for workload in workloads:
        share = fit.share(workload.name, budget.model)
        place = Place(
            path=budget.path,
            line=plans.line(budget.path, workload.name),
            name=workload.name,
            model=budget.model,
        )
        if isnan(share):
            yield unknown(
                place,
                rule="workload-fit",
                subject="context fit",
                limit=least,
                message=f"the catalog states no context window for {budget.model}",
            )
            continue
        yield held(
            place,
            rule="workload-fit",
            subject="context fit",
            value=exact_decimal(share),
            limit=least,
            measured=f"{share:.2%} of the requests of {workload.name} fit {budget.model}",
            allowed=f"{plain(least * 100):f}%",
            at_least=True,
        )


def _tier(budget: WorkloadBudget, plans: Plans, place: Place, tier: int) -> CheckResult:
    from kimi_planner.capacity.need import throughput

    speed, share = budget.output_tokens_per_second, budget.peak_hour_share
    found = throughput(
        plans.workloads(budget),
        budget.model,
        percentile=budget.percentile,
        peak_hour_share=None if share is None else float(share),
        output_tokens_per_second=None if speed is None else float(speed),
        months=budget.months,
        as_of=plans.as_of,
        seed=plans.config.seed,
        catalog=plans.config.catalog,
    )
    if tier not in [one.tier for one in found.limits]:
        tiers = ", ".join(str(one.tier) for one in found.limits)
        raise ConfigError(f"tier is {tier}. It must be one of {tiers}.", at=budget.where)
    needed, missing = found.tier(budget.model), found.of(budget.model).unknown
    rule, subject = "workload-tier", "rate-limit tier"
    words = found.needed(budget.model).rstrip(".")
    if missing and needed is not None and needed.tier <= tier:
        return unknown(
            place,
            rule=rule,
            subject=subject,
            limit=Decimal(tier),
            message=f"{words}, and maybe a higher one: {', '.join(missing)} not given",
        )
    return held(
        place,
        rule=rule,
        subject=subject,
        value=Decimal(needed.tier if needed is not None else len(found.limits.tiers)),
        limit=Decimal(tier),
        measured=words,
        allowed=f"tier {tier}",
    )
