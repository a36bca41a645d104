"""What happened: the totals of a log by month, workload and model."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pandas as pd

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog
from kimi_planner.errors import PriceNotFoundError, SettingError, UsageError, day_of
from kimi_planner.notes import Note
from kimi_planner.reconcile.billed import NOTHING, Billed, mean_tariff
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.spend import Part, keys_to_price, priced_cell, totals_to_price

#: Name of a column, or model to workload.
WorkloadKey = str | Mapping[str, str]

#: The workload of calls that state none.
NOT_STATED = "(not stated)"


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log, added up.

    Attributes
    ----------
    served
        From (month, workload) to model to what it served, each day at its own prices.
    thinks
        Those of them whose rows all state reasoning tokens.
    start, end
        The days that the log covers; ``end`` is the first one after it.
    totals
        What was added up.
    prices
        At which it is priced.
    notes
        What the reader must know of these prices.
    """

    served: Mapping[tuple[str, str], Mapping[str, Billed]]
    thinks: frozenset[tuple[str, str]]
    start: date
    end: date
    totals: UsageTotals
    prices: Prices
    notes: tuple[Note, ...]

    @property
    def last_day(self) -> date:
        """The last day that the log covers."""
        return self.end - timedelta(1)

    def days(self, month: str) -> list[date]:
        """Return the days of a month that the log covers."""
        return [day for day in days_of(month) if self.start <= day < self.end]

    def covered(self, month: str) -> Fraction:
        """Return the share of a month's days that the log covers."""
        return Fraction(len(self.days(month)), len(days_of(month)))

    def tariff(self, model: str, month: str) -> Tariff | None:
        """Return the prices of a model on the days of a month that the log covers."""
        return mean_tariff(self.prices, model, self.days(month))


def days_of(month: str) -> list[date]:
    """Return the days of a month."""
    first = date.fromisoformat(f"{month}-01")
    return [first + timedelta(n) for n in range(monthrange(first.year, first.month)[1])]


def log_keys(
    workload: WorkloadKey | None, model: str | None, catalog: Catalog
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys that tell month, model and workload, and those by which a log is added up."""
    by_model = ["model"] if model is None or isinstance(workload, Mapping) else []
    by_column = [workload] if isinstance(workload, str) else []
    keys = tuple(dict.fromkeys(["month", *by_model, *by_column]))
    return keys, keys_to_price(keys, None if model is None else [model], catalog)


def log_of(
    actual: UsageTotals | pd.DataFrame | str | Path,
    workload: WorkloadKey | None,
    names: list[str],
    model: str | None,
    days: tuple[date | str | None, date | str | None],
    prices: Prices,
) -> Log:
    """Add up a log by month, workload and model, and price it.

    Parameters
    ----------
    actual : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned.
    workload : str or mapping of str to str, optional
        Column that names the workload, or model to workload; may be left out where the plan has
        one workload.
    names : list of str
        Workloads of the plan.
    model : str, optional
        The model of all rows; otherwise the one that a row names.
    days : tuple of date or None
        The first over which the log was kept, and the one after the last; if not given those of its
        first and last row.
    prices : Prices
        At which it is priced.

    Raises
    ------
    UsageError
        If the log cannot be read, or rows name no model or no date; if totals are given in which
        days with different prices are added up.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.
    SettingError
        If it is not told to which workload a call belongs, or the days are out of order.
    """
    if workload is None and len(names) > 1:
        raise SettingError(
            f"The plan has {len(names)} workloads ({', '.join(names)}). Say to which a call belongs: the "
            "name of a column, or the workload of each model."
        )
    keys, needed = log_keys(workload, model, prices.catalog)
    totals = totals_to_price(actual, needed, keys)
    first, end = _window(totals, *days)
    served: dict[tuple[str, str], dict[str, Billed]] = {}
    priced: list[Part] = []
    silent = set()
    for cell, sums in totals.cells.items():
        stated = dict(zip(totals.by, cell, strict=True))
        rows = dict(zip(totals.columns, sums, strict=True))
        said = stated["model"] if model is None else model
        for what, value in (("date", stated["month"]), ("model", said)):
            if value is None:
                raise UsageError(
                    f"{totals.source}: {rows['rows']:,} rows state no {what}, so they cannot be "
                    f"held against a plan. Add it{', or pass model=…' if what == 'model' else ''}."
                )
        name = said if model is not None else prices.named(said)
        part = priced_cell(totals, cell, name, prices, is_asked=model is not None)
        if part is None:
            continue
        tariff, usage = part
        priced.append((tariff, usage))
        usage = usage.map(Fraction)
        bill = tariff.map(Fraction).bill(usage)
        key = (stated["month"], _workload(stated | {"id": name}, workload, names))
        models = served.setdefault(key, {})
        models[name] = models.get(name, NOTHING) + Billed(usage, bill, bill)
        if rows["rows_without_reasoning"]:
            silent.add(key)
    if not priced:
        raise PriceNotFoundError(f"{totals.source}: nothing is priced. {prices.notes([])[-1]}")
    return Log(
        served=served,
        thinks=frozenset(served) - silent,
        start=first,
        end=end,
        totals=totals,
        prices=prices,
        notes=(*totals.notes, *prices.notes(priced)),
    )


def _workload(keys: Mapping[str, object], workload: WorkloadKey | None, names: list[str]) -> str:
    if workload is None:
        return names[0]
    if isinstance(workload, str):
        value = keys[workload]
    else:
        value = workload.get(str(keys["model"]), workload.get(str(keys["id"])))
    return NOT_STATED if value is None else str(value)


def _window(
    totals: UsageTotals, start: date | str | None, end: date | str | None
) -> tuple[date, date]:
    if totals.days is None:
        raise UsageError(
            f"{totals.source}: the log has no dates, so it has no months. Add timestamps to it."
        )
    first, last = totals.days
    start, end = (
        None if day is None else day_of(name, day, fault=SettingError)
        for name, day in (("start", start), ("end", end))
    )
    if (start is not None and first < start) or (end is not None and last >= end):
        raise SettingError(
            f"The log has rows from {first} to {last}, outside of {start or first} (included) to "
            f"{end or 'its end'} (not included). Give the days over which all of it was kept."
        )
    return start or first, end or last + timedelta(1)
