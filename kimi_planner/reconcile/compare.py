"""Holding a log against a plan, workload by workload and month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.dated import Prices
from kimi_planner.catalog import Catalog
from kimi_planner.errors import SettingError
from kimi_planner.money import exact_parts, rounded, usd
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.actual import NOT_STATED, Log, WorkloadKey, days_of, log_of
from kimi_planner.reconcile.billed import Billed
from kimi_planner.reconcile.causes import divided
from kimi_planner.reconcile.invoice import check_invoice
from kimi_planner.reconcile.planned import Plan, Range
from kimi_planner.reconcile.read_plan import Choice, plan_of, prices_beside
from kimi_planner.reconcile.result import (
    ALL,
    NOT_SEEN,
    RESERVE,
    UNPLANNED,
    Compared,
    Reconciliation,
)
from kimi_planner.usage.totals.result import UsageTotals


@public
def reconcile(
    planned: Projection | Plan | str | Path,
    actual: UsageTotals | pd.DataFrame | str | Path,
    *,
    choice: Choice | None = None,
    workload: WorkloadKey | None = None,
    model: str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
    planned_catalog: Catalog | str | Path | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    pro_rata: bool = False,
    invoice: str | Path | None = None,
) -> Reconciliation:
    """Say what made actual spend differ from planned spend; the parts add up to it exactly.

    Parameters
    ----------
    planned : Projection or path
        What :func:`project` returns, an approved plan, or a file of ``plan --format json`` or
        ``--format csv``.
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
        Prices of what happened; if not given, the default catalog, or where that lacks models of the plan,
        the plan's.
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means. The usual prefixes
        and spellings need none. What is not priced is in no cause, and the notes say so.
    planned_catalog : Catalog, str or Path, optional
        Prices of the plan; the catalog that the plan names if not given.
    start, end : date, datetime or str, optional
        The days over which the log was kept, UTC, ``end`` not included; those of its first and last
        row if not given.
    pro_rata : bool
        Scale the plan of a month that the log covers in part to the covered days.
    invoice : str or Path, optional
        What the vendor billed, as :func:`check_invoice` reads it, to be held against the log.

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
    SettingError
        If plan and log have no month in common, or it is not told what belongs to what.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.

    Notes
    -----
    Causes, in the order in which they are shown: traffic (calls), model mix (share of calls by
    model), prompt tokens, answer tokens and reasoning tokens (of a call), cache (share of prompt
    tokens that is cached), cache writes (shares that are written to one), batch (share of tokens in
    batches), fees (of a call), planned price change, unplanned price. Each gets its Shapley value,
    the mean of its part over all orders in which the planned factors can be replaced by the actual
    ones; see `kimi_planner.reconcile.causes`.

    The planned price of a meter in a month is what the plan expects it to cost over what it expects
    to be used; the actual price is the same of the log, each call at the prices of its day. What of
    the way from one to the other lies between the planned price and that of the plan's catalog is
    ``planned price change``: a planned change that did not come. The rest is ``unplanned price``. A
    meter that one side did not use has the mean price of its catalog over the month, and one that
    this catalog does not state counts as unchanged.

    What the plan says for a model that it did not choose is taken for planned; calls on the chosen
    model, if it got none, are taken to have grown as those on the other models did. Where the plan
    says nothing for a model, its calls are taken to be as large as the workload's other calls. If
    some rows of a workload's month do not state reasoning tokens, answer and reasoning are taken
    together, as answer.

    What was planned is the bookable number of the plan. What of it lies above or below what the plan
    expects is ``reserve``: it is not spent.

    A workload that was planned and has no calls in a month is one row, ``not seen``; one that was
    not planned is one row, ``unplanned``. Amounts are exact where they are finite decimals;
    otherwise they are rounded at the 12th place so that they still add up exactly.

    Examples
    --------
    >>> import pandas as pd
    >>> from kimi_planner import Workload, project
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> log = pd.DataFrame({"timestamp": ["2027-01-31T12:00Z"], "model": ["kimi-k2"], "requests": [31_000],
    ...     "prompt_tokens": [93_000_000], "completion_tokens": [9_300_000]})
    >>> causes = reconcile(plan, log, choice="kimi-k2").frame
    >>> causes[causes["usd"] != 0][["cause", "usd"]].values.tolist()
    [['prompt tokens', Decimal('37.2')]]
    >>> 31_000 * (3000 - 2000) * 1.20 / 1e6
    37.2
    """
    plan = plan_of(planned, choice, planned_catalog)
    billed = prices_beside(plan, catalog)
    if billed.currency != plan.catalog.currency:  # the log is priced at the list of the plan
        billed = billed.at_list(plan.catalog.currency)
    prices = Prices(catalog=billed, alias=alias)
    log = log_of(actual, workload, list(plan.models), model, (start, end), prices)
    found = _Comparison(plan, log, pro_rata).result()
    if invoice is None:
        return found
    checked = check_invoice(invoice, actual, model=model, catalog=prices.catalog, alias=alias)
    return replace(found, invoice=checked)


@dataclass(frozen=True)
class _Comparison:
    """A plan and a log."""

    plan: Plan
    log: Log
    pro_rata: bool

    def result(self) -> Reconciliation:
        """Compare every workload in every month of the plan that the log covers, and of the log."""
        plan, log = self.plan, self.log
        covered = [month for month in plan.months if log.covered(month)]
        if not covered:
            raise SettingError(
                f"The plan has {plan.months[0]} to {plan.months[-1]}, the log {log.start} to "
                f"{log.last_day}. They have no month in common."
            )
        months = sorted({month for month, _ in log.served}.union(covered))
        names = dict.fromkeys([*plan.models, *(name for _, name in log.served)])
        cells = [self.cell(month, name) for month in months for name in names]
        compared = tuple(one for one in cells if one is not None)
        prices = log.prices.catalog
        return Reconciliation(
            currency=plan.catalog.currency,
            compared=compared,
            ranges={name: self.range_of([name], covered) for name in plan.models}
            | {ALL: self.range_of(list(plan.models), covered)},
            notes=(*plan.notes, *self.notes(covered, compared)),
            provenance=(
                f"Planned: {plan.source} ({plan.measure}), catalog {plan.catalog.version} (sha256 "
                f"{plan.catalog.sha256[:12]}). Actual: {log.totals.source}, {log.start} to "
                f"{log.last_day}, catalog {prices.version} (sha256 {prices.sha256[:12]})."
            ),
        )

    def scale(self, month: str) -> Fraction:
        """Return the share of a planned month that is compared."""
        return self.log.covered(month) if self.pro_rata else Fraction(1)

    def range_of(self, names: list[str], months: list[str]) -> Range | None:
        """Return the range of the plan, ``None`` if a month of it is compared with a part of one."""
        if not self.pro_rata and any(self.log.covered(month) < 1 for month in months):
            return None
        return self.plan.range_of(names, {month: self.scale(month) for month in months})

    def cell(self, month: str, name: str) -> Compared | None:
        """Compare one workload in one month; ``None`` if it was neither planned nor seen."""
        chosen = self.plan.models.get(name)
        plan = self.plan.billed(name, chosen or "", month)
        served = self.log.served.get((month, name), {})
        reserve = self.plan.reserve(name, month) * self.scale(month)
        planned = plan.bill.total * self.scale(month) + reserve
        actual = sum((one.bill.total for one in served.values()), Fraction(0))
        if chosen and plan.usage.requests:
            parts = (
                self.split(month, name, chosen, served) if served else {NOT_SEEN: reserve - planned}
            )
            parts |= {RESERVE: -reserve} if reserve else {}
        elif served:
            parts = {UNPLANNED: actual}
        else:
            return None
        # where rounding moved what was planned, so did the largest part
        largest = max(parts, key=lambda cause: abs(parts[cause]))
        parts[largest] += planned - Fraction(rounded(planned))
        return Compared(
            month=month,
            workload=name,
            covered=float(self.log.covered(month)),
            planned_usd=rounded(planned),
            actual_usd=rounded(actual),
            range=self.range_of([name], [month]) if chosen else None,
            parts=exact_parts(parts),
        )

    def split(
        self, month: str, name: str, chosen: str, served: Mapping[str, Billed]
    ) -> dict[str, Fraction]:
        """Return the part of each cause in a month in which the workload was planned and seen."""
        models = dict.fromkeys([chosen, *served])
        planned = {model: self.plan.billed(name, model, month) for model in models}
        return divided(
            chosen,
            {model: self.stated(month, name, row) for model, row in planned.items()},
            {model: self.stated(month, name, row) for model, row in served.items()},
            {model: self.log.tariff(model, month) for model in models},
            self.scale(month),
        )

    def stated(self, month: str, name: str, billed: Billed) -> Billed:
        """Return what was billed, output taken for answers where the log does not say what was thought."""
        if (month, name) in self.log.thinks:
            return billed
        return replace(billed, usage=replace(billed.usage, reasoning=Fraction(0)))

    def notes(self, covered: list[str], compared: tuple[Compared, ...]) -> Iterator[Note]:
        """Say what the comparison leaves out or takes for granted."""
        plan, log, catalog = self.plan, self.log, self.log.prices.catalog
        for month in covered:
            days, of = len(log.days(month)), len(days_of(month))
            if days < of:
                code = "days_scaled" if self.pro_rata else "days_not_scaled"
                yield note(code, days=days, of=of, month=month)
        outside = [month for month in plan.months if month not in covered]
        if outside:
            left = sum(plan.amount(name, month) for name in plan.models for month in outside)
            span = outside[0]
            if len(outside) > 1:
                span += f" to {outside[-1]}, {len(outside)} months"
            amount = f"{usd(rounded(Fraction(left)))} {plan.catalog.currency}"
            yield note("months_not_compared", span=span, usd=amount)
        sums = log.totals.total
        if silent := sums["rows_without_cached"]:
            yield note("cached_unstated", silent=silent, rows=sums["rows"])
        thoughtless = sorted({name for _, name in log.served.keys() - log.thinks})
        yield from noted("reasoning_unstated", workloads=thoughtless)
        longer = dict.fromkeys(
            part.workload
            for part in compared
            if part.parts.get("prompt tokens") and plan.has_turns(part.workload)
        )
        yield from noted("lengths_unstated", workloads=longer)
        yield from log.notes
        served = dict.fromkeys(model for models in log.served.values() for model in models)
        for prices, models in ((plan.catalog, served), (catalog, plan.models.values())):
            missing = dict.fromkeys(model for model in models if model not in prices.ids)
            yield from noted("not_in_catalog", catalog=prices.version, models=missing)
        if any(name == NOT_STATED for _, name in log.served):
            yield note("unnamed_calls", name=NOT_STATED)
        if log.totals.rejected:
            yield note("bad_rows", rows=log.totals.rejected)
