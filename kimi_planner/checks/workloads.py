"""Workload files held against their budgets: spend, context fit and rate-limit tier."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from math import isnan
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_planner.boundary import opening
from kimi_planner.checks.budgets import CheckConfig, WorkloadBudget
from kimi_planner.checks.globs import why_no_file
from kimi_planner.checks.results import (
    CheckResult,
    Measure,
    Outcome,
    Place,
    in_percent,
    invalid,
    missing,
)
from kimi_planner.errors import (
    ConfigError,
    FileError,
    PriceNotFoundError,
    UsageError,
    WorkloadError,
    restated,
)
from kimi_planner.money import cents, exact_decimal, usd
from kimi_planner.toml_file import read_toml

if TYPE_CHECKING:
    from kimi_planner.plan.projection import Projection
    from kimi_planner.plan.spend import Spend
    from kimi_planner.workload import Workload


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
        self.of_file = cache(self._of_file)
        self._lines_of = cache(self._lines)
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
        found = self.of_file(budget.path)
        if budget.name is None:
            return found
        named = [one for one in found if one.name == budget.name]
        if not named:
            raise ConfigError(
                f"{budget.path} has no workload named {budget.name!r}.", at=budget.where
            )
        return named

    def _of_file(self, path: str) -> list[Workload]:
        """Return all workloads of a file.

        Raises
        ------
        WorkloadError
            If the file cannot be read or breaks a rule.
        """
        from kimi_planner.workload import load_workloads

        found = load_workloads(self.config.folder / path)
        currency = found[0].currency
        if currency != "USD":
            raise WorkloadError(
                f"the workloads are in {currency}, and the limits of a check in USD. Hold them with: "
                "kimi-planner plan --fail-over-budget.",
                at=self.config.folder / path,
            )
        return found

    def fault(self, budget: WorkloadBudget) -> CheckResult | None:
        """Return the result of a file that is missing or cannot be read, ``None`` of any other.

        Raises
        ------
        ConfigError
            If it has no workload of that name.
        """
        path = self.config.folder / budget.path
        try:
            opening(path)
            if not isfile(path):
                return missing(budget.path, why_no_file(path), budget.where)
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

    def line(self, path: str, name: str) -> int | None:
        """Return the line of a workload in its file."""
        return self._lines_of(path)[name]

    def _lines(self, path: str) -> dict[str, int | None]:
        toml = read_toml(self.config.folder / path)
        return {
            one["name"]: toml.where("workload", number, "name").line
            for number, one in enumerate(toml.data["workload"])
        }

    def place(self, budget: WorkloadBudget, name: str | None) -> Place:
        """Return where the results of a workload belong, or those of all of its file."""
        line = None if name is None else self.line(budget.path, name)
        return Place(path=budget.path, line=line, name=name, model=budget.model)


def hold_workloads(budget: WorkloadBudget, plans: Plans) -> Iterator[CheckResult]:
    """Hold a workload file, or one workload in it, against each limit of its budget."""
    fault = plans.fault(budget)
    if fault is not None:
        yield fault
        return
    place = plans.place(budget, budget.name)
    for percentile, limit in budget.spend_limits:
        yield _spend(budget, plans, place, percentile, limit)
    if budget.approved is not None:
        yield _booked(budget, plans, place, plans.config.folder / budget.approved)
    if budget.min_fit_share is not None:
        yield from _fit(budget, plans, budget.min_fit_share)
    if budget.tier is not None:
        yield _tier(budget, plans, place, budget.tier)


def _spend(
    budget: WorkloadBudget, plans: Plans, place: Place, percentile: float, limit: Decimal
) -> CheckResult:
    try:
        spend = plans.projection(budget).of(budget.model, budget.name)
    except PriceNotFoundError as error:
        return _spend_measure(budget, place, percentile, limit).unknown(str(error))
    return held_spend(budget, plans, place, percentile, limit, spend)


def held_spend(
    budget: WorkloadBudget,
    plans: Plans,
    place: Place,
    percentile: float,
    limit: Decimal,
    spend: Spend,
    *,
    given: str = "",
) -> CheckResult:
    """Hold the dearest month of a spend against a limit of its budget; ``given`` says with what."""
    month, amount = spend.worst_month(percentile / 100)
    measured = (
        f"P{percentile:g} of {budget.name or 'all workloads'} on {budget.model} is {usd(amount)} USD in "
        f"{plans.projection(budget).months[month]}{given}"
    )
    measure = _spend_measure(budget, place, percentile, limit, given)
    return measure.held(amount, measured, usd(limit))


def _spend_measure(
    budget: WorkloadBudget, place: Place, percentile: float, limit: Decimal, given: str = ""
) -> Measure:
    subject = f"P{percentile:g} monthly spend{given}"
    return Measure(place, "workload-spend", subject, limit, budget.warn_fraction)


def _booked(budget: WorkloadBudget, plans: Plans, place: Place, path: Path) -> CheckResult:
    """Hold what workloads book now against what was approved, at the prices of today."""
    from kimi_planner.plan.booking import booked
    from kimi_planner.plan.plan_file import read_plan
    from kimi_planner.plan.simulation import project

    with restated(at=budget.where, of=WorkloadError, fault=ConfigError):
        file = read_plan(path)
    record = file.approved
    if record is None:
        raise ConfigError(
            f"{budget.approved} is not an approved plan. Write one with: kimi-planner plan --approve.",
            at=budget.where,
        )
    limit = record.usd
    if budget.name is not None:
        if budget.name not in record.usd_by_workload:
            raise ConfigError(f"{budget.approved} has no {budget.name!r}.", at=budget.where)
        limit = record.usd_by_workload[budget.name]
    workloads = plans.workloads(budget)
    choice = {one.name: one.model or file.models.get(one.name, budget.model) for one in workloads}
    measure = Measure(place, "workload-booked", "bookable number", limit, budget.warn_fraction)
    try:
        projection = project(
            workloads,
            record.months,
            record.start,
            list(dict.fromkeys(choice.values())),
            plans.as_of,
            record.seed,
            n_paths=record.n_paths,
            catalog=plans.config.catalog,
            booking=file.booking,
        )
    except PriceNotFoundError as error:
        return measure.unknown(str(error))
    amount = cents(booked(projection, choice).usd)
    words = f"{budget.name or 'all workloads'} book {usd(amount)} USD ({file.booking.words}) over "
    months = f"{projection.months[0]} to {projection.months[-1]}"
    return measure.held(amount, f"{words}{months}", f"{usd(limit)} of {budget.approved}")


def _fit(budget: WorkloadBudget, plans: Plans, least: Decimal) -> Iterator[CheckResult]:
    from kimi_planner.calls.fit import context_fit

    workloads = plans.workloads(budget)
    fit = context_fit(workloads, budget.model, seed=plans.config.seed, catalog=plans.config.catalog)
    for workload in workloads:
        share = fit.share(workload.name, budget.model)
        measure = Measure(plans.place(budget, workload.name), "workload-fit", "context fit", least)
        if isnan(share):
            yield measure.unknown(f"the catalog states no context window for {budget.model}")
            continue
        fits = exact_decimal(share)
        yield measure.result(
            Outcome.OVER if fits < least else Outcome.PASSED,
            f"{share:.2%} of the calls of {workload.name} fit {budget.model}, "
            f"at least {in_percent(least)}",
            fits,
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
    measure = Measure(place, "workload-tier", "rate-limit tier", Decimal(tier))
    words = found.needed(budget.model).rstrip(".")
    if missing and needed is not None and needed.tier <= tier:
        return measure.unknown(f"{words}, and maybe a higher one: {', '.join(missing)} not given")
    value = needed.tier if needed is not None else len(found.limits.tiers)
    return measure.held(Decimal(value), words, f"tier {tier}")
