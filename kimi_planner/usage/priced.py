"""The exact cost of every row of a log, each at the prices of its day, and of all rows together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.billing.call import Cost, bill_of, usd_columns
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.rows import RowBills, bill_rows
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError
from kimi_planner.money import from_units
from kimi_planner.notes import Note, note
from kimi_planner.usage.totals.columns import Counts, counts_of, dates_of
from kimi_planner.usage.totals.result import totals_of
from kimi_planner.usage.totals.spend import priced_cell

__all__ = ["RowCosts", "cost_rows", "price_usage", "tariffs_of", "total_cost"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowCosts:
    """The exact cost of every row of a log, as whole numbers of one small unit.

    Attributes
    ----------
    units : ndarray of int64, shape (n_rows,)
        Cost of each row; Python integers where 64 bits do not hold them.
    places
        One unit is ``10**-places`` USD.
    catalog_version
        Whose prices.
    notes
        What the reader must know, such as a cached price that the catalog does not state.
    """

    units: np.ndarray[Any, Any]
    places: int
    catalog_version: str
    notes: tuple[Note, ...] = ()
    _counts: Counts
    _tariffs: tuple[Tariff, ...]
    _codes: np.ndarray[Any, Any] | None

    @property
    def total_usd(self) -> Decimal:
        """Sum of all rows."""
        return RowBills(units={"total": self.units}, places=self.places).usd("total")

    def by_meter(self) -> RowBills:
        """Return what each row costs by meter, computed anew at each call."""
        return bill_rows(self._counts.usage, self._tariffs, self._codes)

    def to_decimal(self) -> np.ndarray[Any, Any]:
        """Return the amounts as decimals in USD, array of object of shape (n_rows,)."""
        return _decimals(self.units, self.places)


def cost_rows(
    frame: pd.DataFrame,
    model: str | None = None,
    *,
    as_of: date | None = None,
    catalog: Catalog | str | Path | None = None,
) -> RowCosts:
    """Return the exact cost of every row as integers, for logs of millions of rows.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    as_of : date, optional
        The day whose prices hold for rows without a date; the catalog's own if not given. Every
        other row is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    RowCosts
        Equal to the column ``total_usd`` of :func:`price_usage`.

    Raises
    ------
    UsageError
        If the frame is malformed, or a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    counts, prices = counts_of(frame), Prices(catalog=load_catalog(catalog), as_of=as_of)
    tariffs, codes = tariffs_of(counts, model, prices)
    bills = bill_rows(counts.usage, tariffs, codes, together=True)
    return RowCosts(
        units=bills.units["total"],
        places=bills.places,
        catalog_version=prices.catalog.version,
        notes=_notes(counts, bills, codes, prices),
        _counts=counts,
        _tariffs=tariffs,
        _codes=codes,
    )


def price_usage(
    frame: pd.DataFrame,
    model: str | None = None,
    *,
    as_of: date | None = None,
    catalog: Catalog | str | Path | None = None,
) -> pd.DataFrame:
    """Add the exact cost of every row.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    as_of : date, optional
        The day whose prices hold for rows without a date; the catalog's own if not given. Every
        other row is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    DataFrame
        A copy with ``priced_as`` and, as exact decimals in USD, a column for each meter that
        occurs, always ``input_usd``, ``cached_usd`` and ``output_usd``, and where they occur
        ``cache_write_5m_usd``, ``cache_write_1h_usd``, the same of batches such as
        ``batch_input_usd``, and ``fees_usd``; then ``total_usd``, their sum. ``attrs["notes"]`` says
        what the reader must know, such as a cached price that the catalog does not state, or that
        prices changed within the log.

    Raises
    ------
    UsageError
        If the frame is malformed, or a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    The arithmetic is on integers: prices are whole numbers of a unit small enough to hold them.
    A decimal for each row is for people and small logs; for large ones there are
    :func:`cost_rows`, :func:`total_cost` and :func:`spend_by`.
    """
    counts, prices = counts_of(frame), Prices(catalog=load_catalog(catalog), as_of=as_of)
    tariffs, codes = tariffs_of(counts, model, prices)
    bills = bill_rows(counts.usage, tariffs, codes)
    occur = [key for key, units in bills.units.items() if units.any()]
    names = np.array([one.model for one in tariffs], dtype=object)
    priced = frame.assign(
        priced_as=np.full(len(counts), names[0]) if codes is None else names[codes],
        **{
            name: _decimals(bills.of(keys), bills.places)
            for name, keys in usd_columns(occur).items()
        },
    )
    notes = _notes(counts, bills, codes, prices)
    priced.attrs["notes"] = [*frame.attrs.get("notes", ()), *notes]
    return priced


def total_cost(
    frame: pd.DataFrame,
    model: str,
    *,
    as_of: date | None = None,
    catalog: Catalog | str | Path | None = None,
) -> Cost:
    """Return the exact cost of a whole log on one model, without a column of it.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str
        Model id in the catalog.
    as_of : date, optional
        The day whose prices hold for rows without a date; the catalog's own if not given. Every
        other row is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    Cost
        Equal to the sums of the columns of :func:`price_usage`.

    Raises
    ------
    UsageError
        If the frame is malformed.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    prices = Prices(catalog=load_catalog(catalog), as_of=as_of)
    counts = counts_of(frame)
    if prices.changes([model]):
        totals = totals_of(counts, ("day",), counts.frame)
        parts = [priced_cell(totals, cell, model, prices) for cell in totals.cells]
    else:
        parts = [(prices.on(model, None), counts.total)]
    return Cost(
        usd=bill_of(parts),
        model=model,
        catalog_version=prices.catalog.version,
        notes=prices.notes(parts),
    )


def tariffs_of(
    counts: Counts, model: str | None, prices: Prices
) -> tuple[tuple[Tariff, ...], np.ndarray[Any, Any] | None]:
    """Return the prices at which the rows of a log are billed, and which of them each row is.

    Raises
    ------
    UsageError
        If a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    names: Any = [model]
    codes = np.zeros(len(counts), dtype=np.int64)
    if model is None:
        codes, names = pd.factorize(counts.frame["model"])
        unnamed = np.flatnonzero(codes < 0)
        if len(unnamed):
            raise UsageError(
                f"Row {unnamed[0]} of the usage frame names no model ({len(unnamed)} such rows). "
                "Pass model=… to price every row as one model."
            )
        for place, name in enumerate(names):
            try:
                prices.catalog.model(name)
            except UnknownModelError as error:
                rows = np.flatnonzero(codes == place)
                raise UnknownModelError(
                    f"{len(rows)} usage rows, the first row {rows[0]}: {error}"
                ) from None
    changes = prices.changes(names)
    if not changes:
        tariffs = [prices.on(name, None) for name in names]
        return tuple(tariffs), codes if len(tariffs) > 1 else None
    times = dates_of(counts.frame).dt.tz_convert(None).to_numpy()
    periods = np.searchsorted(np.array(changes, dtype=times.dtype), times, side="right")
    periods[np.isnat(times)] = len(changes) + 1
    pairs, _ = pd.factorize(periods * len(names) + codes)
    firsts = np.flatnonzero(~pd.Series(pairs).duplicated())
    days = times[firsts].astype("datetime64[D]").tolist()
    tariffs = [prices.on(names[codes[row]], day) for row, day in zip(firsts, days, strict=True)]
    return tuple(tariffs), pairs if len(tariffs) > 1 else None


def _notes(
    counts: Counts, bills: RowBills, codes: np.ndarray[Any, Any] | None, prices: Prices
) -> tuple[Note, ...]:
    notes = prices.notes(bills.parts)
    missing = counts.missing.get("cached_tokens")
    if missing is not None:
        priced = np.array([tariff.states("cached") for tariff, _ in bills.parts])
        if silent := int(np.count_nonzero(missing & priced[0 if codes is None else codes])):
            notes += (note("cached_unstated", silent=silent, rows=len(counts)),)
    return notes


def _decimals(units: np.ndarray[Any, Any], places: int) -> np.ndarray[Any, Any]:
    position, distinct = pd.factorize(units)
    values = np.empty(len(distinct), dtype=object)
    values[:] = [from_units(int(unit), places) for unit in distinct.tolist()]
    return values[position]
