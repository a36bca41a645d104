"""The exact cost of every row of a log, each at the prices of its day, as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.rows import RowBills, bill_rows
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import PriceNotFoundError, UnknownModelError, UsageError
from kimi_planner.money import from_units
from kimi_planner.notes import Note, note
from kimi_planner.rich import Page, Shown
from kimi_planner.usage.totals.columns import Counts, calls_of, counts_of, dates_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RowCosts(Shown):
    """The exact cost of every row of a log, as whole numbers of one small unit.

    Attributes
    ----------
    units : ndarray of int64, shape (n_rows,)
        Cost of each row; Python integers where 64 bits do not hold them. No cost where a row is not
        priced.
    places
        One unit is ``10**-places`` USD.
    catalog_version
        Whose prices.
    is_priced : ndarray of bool, shape (n_rows,)
        Which rows are priced: those of models whose price the catalog states.
    notes
        What the reader must know, such as a cached price that the catalog does not state.
    """

    units: np.ndarray[Any, Any]
    places: int
    catalog_version: str
    is_priced: np.ndarray[Any, Any]
    notes: tuple[Note, ...] = ()
    _counts: Counts
    _tariffs: tuple[Tariff, ...]
    _codes: np.ndarray[Any, Any] | None

    @property
    def total_usd(self) -> Decimal:
        """Sum of all rows that are priced."""
        return RowBills(units={"total": self.units}, places=self.places).usd("total")

    def page(self) -> Page:
        """Return what all rows cost."""
        priced = int(self.is_priced.sum())
        return Page(
            title=f"{self.total_usd:f} USD of {priced:,} rows, exact; {len(self.units) - priced:,} not priced",
            notes=self.notes,
            provenance=f"Catalog {self.catalog_version}.",
        )

    def by_meter(self) -> RowBills:
        """Return what each row costs by meter, computed anew at each call."""
        return bill_rows(self._counts.usage, self._tariffs, self._codes)

    def models(self) -> np.ndarray[Any, Any]:
        """Return the model that each row is priced as, array of object of shape (n_rows,)."""
        names = np.array([one.model for one in self._tariffs] or [""], dtype=object)
        codes = np.zeros(len(self.units), dtype=np.int64) if self._codes is None else self._codes
        return _known(names[codes], self.is_priced)

    def to_decimal(self) -> np.ndarray[Any, Any]:
        """Return the amounts as decimals in USD, array of object of shape (n_rows,), or ``None``."""
        return decimals(self.units, self.places, self.is_priced)


@public
def cost_rows(
    frame: pd.DataFrame,
    model: str | None = None,
    *,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
) -> RowCosts:
    """Return the exact cost of every row as integers, for logs of millions of rows.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it; any other is read by it first, as its file would
        be, and each call counts once.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    as_of : date, datetime or str, optional
        The day whose prices hold for rows without a date; the catalog's own if not given. Every
        other row is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means. The usual prefixes
        and spellings need none.

    Returns
    -------
    RowCosts
        Equal to the column ``total_usd`` of :func:`price_usage`.

    Raises
    ------
    UsageError
        If the frame is malformed, or a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it. Rows that name such a model
        are not priced.

    Examples
    --------
    >>> import pandas as pd
    >>> usage = pd.DataFrame({"model": ["kimi-k2"], "prompt_tokens": [1_000], "completion_tokens": [100]})
    >>> cost_rows(usage, catalog="2026-06").total_usd
    Decimal('0.00156')
    """
    counts = counts_of(calls_of(frame))
    prices = Prices(catalog=load_catalog(catalog), as_of=as_of, alias=alias)
    tariffs, codes = _tariffs_of(counts, model, prices)
    is_priced = np.full(len(counts), bool(tariffs)) if codes is None else codes >= 0
    if not is_priced.all():  # such rows use nothing of what is billed
        counts = counts.where(is_priced)
        codes = None if codes is None else np.maximum(codes, 0)
    bills = bill_rows(counts.usage, tariffs, codes, together=True)
    return RowCosts(
        units=bills.units["total"],
        places=bills.places,
        catalog_version=prices.catalog.version,
        is_priced=is_priced,
        notes=_notes(counts, bills, codes, is_priced, prices),
        _counts=counts,
        _tariffs=tariffs,
        _codes=codes,
    )


def _tariffs_of(
    counts: Counts, model: str | None, prices: Prices
) -> tuple[tuple[Tariff, ...], np.ndarray[Any, Any] | None]:
    """Return the prices at which the rows of a log are billed, and which of them each row is.

    A row has -1 where the catalog does not have the model that it names, or no price for it.

    Raises
    ------
    UsageError
        If a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it.
    """
    said: Any = [model]
    codes = np.zeros(len(counts), dtype=np.int64)
    if model is None:
        codes, said = pd.factorize(counts.frame["model"])
        unnamed = np.flatnonzero(codes < 0)
        if len(unnamed):
            raise UsageError(
                f"Row {unnamed[0]} of the usage frame names no model ({len(unnamed)} such rows). "
                "Pass model=… to price every row as one model."
            )
    names = [model] if model is not None else [prices.named(name) for name in said]
    times = None
    if changes := prices.changes(names):
        times = dates_of(counts.frame).dt.tz_convert(None).to_numpy()
        periods = np.searchsorted(np.array(changes, dtype=times.dtype), times, side="right")
        periods[np.isnat(times)] = len(changes) + 1
        codes = periods * len(names) + codes
    pairs, distinct = pd.factorize(codes)
    firsts = np.flatnonzero(~pd.Series(pairs).duplicated())
    tariffs: list[Tariff] = []
    places = np.full(len(distinct), -1)
    for place, (code, row) in enumerate(zip(distinct.tolist(), firsts.tolist(), strict=True)):
        name = names[code % len(names)]
        day = None if times is None else times[row].astype("datetime64[D]").tolist()
        try:
            tariffs.append(prices.on(name, day))
        except (UnknownModelError, PriceNotFoundError) as error:
            if model is not None:
                raise
            prices.leave_out(name, int(np.count_nonzero(pairs == place)), error)
        else:
            places[place] = len(tariffs) - 1
    return tuple(tariffs), places[pairs] if len(distinct) > 1 else None


def _notes(
    counts: Counts,
    bills: RowBills,
    codes: np.ndarray[Any, Any] | None,
    is_priced: np.ndarray[Any, Any],
    prices: Prices,
) -> tuple[Note, ...]:
    notes = prices.notes(bills.parts)
    missing = counts.missing.get("cached_tokens")
    if missing is not None and bills.parts:
        priced = np.array([tariff.states("cached") for tariff, _ in bills.parts])
        stated = priced[0 if codes is None else codes]
        if silent := int(np.count_nonzero(missing & is_priced & stated)):
            notes += (note("cached_unstated", silent=silent, rows=len(counts)),)
    return notes


def decimals(
    units: np.ndarray[Any, Any], places: int, is_priced: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return whole numbers of a unit as decimals in USD, ``None`` of rows without a price."""
    position, distinct = pd.factorize(units)
    values = np.empty(len(distinct), dtype=object)
    values[:] = [from_units(int(unit), places) for unit in distinct.tolist()]
    return _known(values[position], is_priced)


def _known(values: Any, is_priced: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what is known of rows, ``None`` of those without a price."""
    known: np.ndarray[Any, Any] = values.astype(object)
    known[~is_priced] = None
    return known
