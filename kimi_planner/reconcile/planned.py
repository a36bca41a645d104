"""What was planned: usage and spend of each workload, model and month, and what is booked of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import truediv
from typing import Any

import numpy as np

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import FEE, METERS, ByMeter, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog
from kimi_planner.errors import FileError, PriceNotFoundError, shown
from kimi_planner.money import exact_decimal
from kimi_planner.notes import Note
from kimi_planner.plan.booking import EXPECTED
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.actual import days_of
from kimi_planner.reconcile.billed import NOTHING, Billed, mean_tariff

#: The 10th and the 90th percentile of spend over paths, USD.
Range = tuple[float, float]

ROUNDING_USD = Fraction(1, 10**6)  # of amounts in a file
TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
REMEDY = "Write one with: kimi-planner plan --format json."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan, read.

    Attributes
    ----------
    rows
        From (workload, model, month) to what was planned, as `plan_rows` has it.
    models
        Workload to the model that was chosen for it.
    catalog
        Whose prices it was made with.
    source
        Where it was read from.
    together
        Rows of all workloads on these models, as `together_rows` has them; empty if not stated.
    projection
        What it was read from, if that was one.
    booked
        From (workload, month) to what of the bookable number falls to it, USD; empty where that is
        what is expected.
    basis
        What it rests on, in words by name, as far as the file states it.
    notes
        What the reader must know.
    """

    rows: Mapping[tuple[str, str, str], Mapping[str, Any]]
    models: Mapping[str, str]
    catalog: Catalog
    source: str
    together: tuple[Mapping[str, Any], ...] = ()
    projection: Projection | None = None
    booked: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    basis: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def months(self) -> list[str]:
        """The months of the plan, in their order."""
        return sorted({month for _, _, month in self.rows})

    @property
    def measure(self) -> str:
        """Which number of it is held against others, in words."""
        return self.basis["Booked"] if self.booked else EXPECTED.words

    def billed(self, name: str, model: str, month: str) -> Billed:
        """Return what was planned for a workload on a model in a month.

        Raises
        ------
        FileError
            If the row is malformed.
        """
        tariff = mean_tariff(Prices(catalog=self.catalog), model, days_of(month))
        row = self.rows.get((name, model, month))
        return replace(NOTHING if row is None else _billed(row, tariff), tariff=tariff)

    def expected(self, name: str, month: str) -> Fraction:
        """Return what is expected of a workload in a month on its model, USD; nothing without one."""
        if name not in self.models:
            return Fraction(0)
        return Fraction(self.billed(name, self.models[name], month).bill.total)

    def amount(self, name: str, month: str) -> Fraction:
        """Return what is booked of a workload in a month, USD: what is expected where nothing else is."""
        booked = self.booked.get((name, month)) if name in self.models else None
        return self.expected(name, month) if booked is None else Fraction(booked)

    def reserve(self, name: str, month: str) -> Fraction:
        """Return what is booked of a workload in a month above what is expected, USD."""
        return self.amount(name, month) - self.expected(name, month)

    def has_turns(self, name: str) -> bool:
        """Whether the plan states that calls of a workload are parts of conversations."""
        return any(
            row["workload"] == name and row.get("turns", 1) != 1 for row in self.rows.values()
        )

    def range_of(self, names: Collection[str], months: Mapping[str, Fraction]) -> Range | None:
        """Return the range of what was planned for workloads together.

        Parameters
        ----------
        names : collection of str
            One workload, or all.
        months : mapping of str to Fraction
            Months, with the share of each that counts.

        Returns
        -------
        tuple of float or None
            ``None`` if nothing was uncertain, or the plan does not state it: a file does for each
            month and for those from the first on, all of their days.
        """
        if self.projection is not None:
            spend = self.projection.mix({name: self.models[name] for name in names})
            shares = [float(months.get(str(month), 0)) for month in self.projection.months]
            if not spend.is_ranged:
                return None
            low, high = np.quantile(np.array(shares) @ spend.usd, (0.1, 0.9)).tolist()
        else:
            rows = self.together
            if len(names) == 1:
                [name] = names
                keys = [(name, self.models[name], month) for month in self.months]
                rows = tuple(self.rows[key] for key in keys if key in self.rows)
            until = [row for row in rows if row["month"] <= max(months)]
            counted = until[-1:] if len(months) == 1 else until
            if [row["month"] for row in counted] != sorted(months) or set(months.values()) != {1}:
                return None
            to_date = "to_date_" if len(months) > 1 else ""
            stated = [until[-1].get(f"{name}_{to_date}usd") for name in ("p10", "p90")]
            if None in stated or "" in stated:
                return None
            try:
                low, high = (float(exact_decimal(str(one))) for one in stated)
            except ValueError:
                wrong = f"a percentile is {shown(stated)}, no numbers. {REMEDY}"
                raise FileError(wrong, at=self.source) from None
        return None if low == high else (low, high)


def _billed(row: Mapping[str, Any], tariff: Tariff | None) -> Billed:
    """Return what a row of a plan states."""

    def number(name: str, value: Any) -> Any:
        try:
            if isinstance(value, str):  # a plan writes 40740/11 where no decimal is exact
                found = reduce(
                    truediv, (Fraction(exact_decimal(one)) for one in value.split("/", 1))
                )
            else:
                found = Fraction(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            advice = "Write a number such as 1234.5, without separators."
            raise FileError(f"{name}: {error}. {advice}", at=row["where"]) from None
        if found < 0:
            raise FileError(f"{name} is {shown(value)}. It cannot be negative.", at=row["where"])
        return value if isinstance(value, float) else found

    if "usage" in row:
        names = ("usage", "bill_usd", "list_bill_usd")
        if not all(isinstance(row.get(name), dict) for name in names):
            reason = f"{', '.join(names)} are no amounts by meter. {REMEDY}"
            raise FileError(reason, at=row["where"])
        used, *bills = (
            {key: number(f"{name} of {key}", one) for key, one in row[name].items()}
            for name in names
        )
        requests, reasoning = used.pop("requests", 0), used.pop("reasoning", 0)
        for key in used:
            if key not in METERS and not key.startswith(FEE):
                raise FileError(f"there is no meter {shown(key)}. {REMEDY}", at=row["where"])
        return Billed.of(Usage(used, requests, reasoning), *map(ByMeter, bills))
    counts = (Fraction(number(name, row[name])) for name in ("requests", *TOKENS))
    requests, prompt, cached, completion, reasoning = counts
    usage = Usage.of(prompt, completion, cached=cached, reasoning=reasoning, requests=requests)
    stated = "exact_usd" if row["exact_usd"] else "mean_usd"
    usd = Fraction(number(stated, row[stated]))
    if tariff is None:
        raise PriceNotFoundError(f"{row['where']}: its catalog states no price of {row['model']}.")
    listed = tariff.bill(usage)
    if not listed.total or abs(usd - listed.total) <= ROUNDING_USD:
        return Billed(usage, listed, listed)
    return Billed(usage, tariff.times(usd / listed.total).bill(usage), listed)
