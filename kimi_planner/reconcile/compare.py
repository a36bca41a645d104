"""Holding a log against a plan, workload by workload and month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

import pandas as pd

from kimi_planner.billing.call import cached_price_notes
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import ScenarioError
from kimi_planner.money import total, usd
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.actual import NOT_STATED, Log, WorkloadKey, log_of
from kimi_planner.reconcile.causes import (
    CAUSES,
    Calls,
    Prices,
    factors_of,
    grown,
    shapley,
)
from kimi_planner.reconcile.planned import Choice, Plan, plan_of
from kimi_planner.reconcile.result import (
    NOT_SEEN,
    SIMULATION,
    UNPLANNED,
    Compared,
    Reconciliation,
)
from kimi_planner.reconcile.rounding import exact_parts, rounded
from kimi_planner.usage.totals.result import UsageTotals

__all__ = ["reconcile"]


def reconcile(
    planned: Projection | str | Path,
    actual: UsageTotals | pd.DataFrame | str | Path,
    *,
    choice: Choice | None = None,
    workload: WorkloadKey | None = None,
    model: str | None = None,
    catalog: Catalog | str | Path | None = None,
    planned_catalog: Catalog | str | Path | None = None,
    start: date | None = None,
    end: date | None = None,
    pro_rata: bool = False,
) -> Reconciliation:
    """Say what made actual spend differ from planned spend; the parts add up to it exactly.

    Parameters
    ----------
    planned : Projection or path
        What :func:`project` returns, or a file of ``plan --format json`` or ``--format csv``.
    actual : UsageTotals, DataFrame or path
        A log of any size, as :func:`total_usage` takes it, or its totals by month, model and what
        tells the workload.
    choice : str or mapping of str to str, optional
        The model that was planned, for all workloads or for each. If not given, the recommended
        one of a JSON plan, or the only one of the plan.
    workload : str or mapping of str to str, optional
        To which workload a call belongs: the name of a column, or model to workload. May be left
        out where the plan has one workload.
    model : str, optional
        Take every row of the log as this model; otherwise as the model it names.
    catalog : Catalog, str or Path, optional
        Prices of what happened; the default catalog if not given.
    planned_catalog : Catalog, str or Path, optional
        Prices of the plan; the catalog that the plan names if not given.
    start, end : date, optional
        The days over which the log was kept, UTC, ``end`` not included; those of its first and last
        row if not given.
    pro_rata : bool
        Scale the plan of a month that the log covers in part to the covered days.

    Returns
    -------
    Reconciliation
        ``.frame`` has a row for each month, workload and cause.

    Raises
    ------
    FileError, CatalogError
        If the plan cannot be read, or the catalog it was made with is not at hand.
    UsageError
        If the log is malformed, or rows name no model or no date.
    ScenarioError
        If plan and log have no month in common, or it is not told what belongs to what.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    Causes, in the order in which they are shown: traffic (calls), model mix (share of calls by
    model), prompt tokens, answer tokens and reasoning tokens (of a call), cache (share of prompt
    tokens), price. Each gets its Shapley value, the mean of its part over all orders in which the
    planned factors can be replaced by the actual ones; see `kimi_planner.reconcile.causes`.
    What the plan says for a model that it did not choose is taken for planned; calls on the chosen
    model, if it got none, are taken to have grown as those on the other models did. Where the plan
    says nothing for a model, its calls are taken to be as large as the workload's other calls. If some rows of a workload's
    month do not state reasoning tokens, answer and reasoning are taken together, as answer.

    ``simulation`` is what the plan's spend has beyond its expected tokens at its prices: the mean of
    drawn scenarios, the rounding of printed numbers, and the price changes that were planned. A
    workload that was planned and has no calls in a month is one row, ``not seen``; one that was not
    planned is one row, ``unplanned``. Amounts are exact where they are finite decimals; otherwise they are rounded at the 12th place so that
    they still add up exactly.
    """
    plan = plan_of(planned, choice, planned_catalog)
    log = log_of(actual, workload, list(plan.models), model, start, end)
    return _Comparison(plan, log, load_catalog(catalog), pro_rata).result()


@dataclass(frozen=True)
class _Comparison:
    """A plan, a log, and the catalog that the log is priced with."""

    plan: Plan
    log: Log
    prices: Catalog
    pro_rata: bool

    def result(self) -> Reconciliation:
        """Compare every workload in every month of the plan that the log covers, and of the log."""
        plan, log = self.plan, self.log
        covered = [month for month in plan.months if log.covered(month)]
        if not covered:
            raise ScenarioError(
                f"The plan has {plan.months[0]} to {plan.months[-1]}, the log {log.start} to "
                f"{log.last_day}. They have no month in common."
            )
        months = sorted({month for month, _ in log.calls}.union(covered))
        names = dict.fromkeys([*plan.models, *(name for _, name in log.calls)])
        cells = [self.cell(month, name) for month in months for name in names]
        return Reconciliation(
            compared=tuple(one for one in cells if one is not None),
            notes=(*plan.notes, *self.notes(covered)),
            provenance=(
                f"Planned: {plan.source}, catalog {plan.catalog.version} (sha256 "
                f"{plan.catalog.sha256[:12]}). Actual: {log.totals.source}, {log.start} to "
                f"{log.last_day}, catalog {self.prices.version} (sha256 {self.prices.sha256[:12]})."
            ),
        )

    def cell(self, month: str, name: str) -> Compared | None:
        """Compare one workload in one month; ``None`` if it was neither planned nor seen."""
        chosen = self.plan.models.get(name)
        row = None if chosen is None else self.plan.rows.get((name, chosen, month))
        calls = self.log.calls.get((month, name), {})
        calls = {model: one for model, one in calls.items() if one.requests}
        scale = self.log.covered(month) if self.pro_rata else Fraction(1)
        planned = Fraction(rounded(row.usd * scale)) if row else Fraction(0)
        actual = _cost(calls, self.prices)
        if chosen is not None and row is not None and row.calls.requests:
            parts = (
                self.split(month, name, chosen, row.calls.times(scale), calls)
                if calls
                else {NOT_SEEN: -planned}
            )
        elif calls:
            parts = {UNPLANNED: actual}
        else:
            return None
        if beyond := actual - planned - sum(parts.values()):
            parts[SIMULATION] = beyond
        return Compared(
            month=month,
            workload=name,
            covered=float(self.log.covered(month)),
            planned_usd=rounded(planned),
            actual_usd=rounded(actual),
            parts=exact_parts(parts),
        )

    def split(
        self, month: str, name: str, chosen: str, planned: Calls, calls: Mapping[str, Calls]
    ) -> dict[str, Fraction]:
        """Return the part of each cause in a month in which the workload was planned and seen."""
        models = list(dict.fromkeys([chosen, *calls]))
        rows = {model: self.plan.rows.get((name, model, month)) for model in models}
        sizes = {model: row.calls for model, row in rows.items() if row is not None}
        if (month, name) not in self.log.thinks:
            planned = planned.without_reasoning()
            sizes = {model: one.without_reasoning() for model, one in sizes.items()}
            calls = {model: one.without_reasoning() for model, one in calls.items()}
        before, after = (
            _prices(models, *catalogs)
            for catalogs in ((self.plan.catalog, self.prices), (self.prices, self.plan.catalog))
        )
        unseen = grown(planned, sizes, calls)
        found = shapley(
            factors_of({chosen: planned}, before, models, sizes),
            factors_of(calls, after, models, {chosen: unseen} if unseen else None),
        )
        return {CAUSES[field]: part for field, part in found.items()}

    def notes(self, covered: list[str]) -> Iterator[Note]:
        """Say what the comparison leaves out or takes for granted."""
        plan, log, prices = self.plan, self.log, self.prices
        for month in covered:
            days, of = log.days(month)
            if days < of:
                code = "days_scaled" if self.pro_rata else "days_not_scaled"
                yield note(code, days=days, of=of, month=month)
        outside = [month for month in plan.months if month not in covered]
        if outside:
            left = total(
                rounded(row.usd)
                for (name, model, month), row in plan.rows.items()
                if month in outside and plan.models[name] == model
            )
            span = (
                f"{outside[0]} to {outside[-1]}, {len(outside)} months"
                if len(outside) > 1
                else str(outside[0])
            )
            yield note("months_not_compared", span=span, usd=usd(left))
        sums = log.totals.total
        if silent := sums["rows_without_cached"]:
            yield note("cached_unstated", silent=silent, rows=sums["rows"])
        thoughtless = sorted({name for _, name in log.calls.keys() - log.thinks})
        yield from noted("reasoning_unstated", workloads=thoughtless)
        served = dict.fromkeys(model for calls in log.calls.values() for model in calls)
        if sums["cached_tokens"]:
            yield from cached_price_notes(prices.model(model) for model in served)
        for catalog, models in ((plan.catalog, served), (prices, plan.models.values())):
            missing = dict.fromkeys(model for model in models if model not in catalog.ids)
            yield from noted("not_in_catalog", catalog=catalog.version, models=missing)
        if any(name == NOT_STATED for _, name in log.calls):
            yield note("unnamed_calls", name=NOT_STATED)
        if log.totals.rejected:
            yield note("bad_rows", rows=log.totals.rejected)


def _cost(calls: Mapping[str, Calls], catalog: Catalog) -> Fraction:
    amount = Fraction(0)
    for model, one in calls.items():
        price = Prices.of(catalog.model(model))
        amount += (one.prompt - one.cached) * price.input + one.cached * price.cached
        amount += one.completion * price.output
    return amount


def _prices(models: list[str], catalog: Catalog, other: Catalog) -> dict[str, Prices]:
    """Return the prices of models; one that a catalog does not have has the other's."""
    return {
        model: Prices.of((catalog if model in catalog.ids else other).model(model))
        for model in models
    }
