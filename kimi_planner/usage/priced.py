"""The exact cost of every row of a log, in integers and in decimals, and of all rows together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.billing.call import (
    COST_COLUMNS,
    Cost,
    cached_price_notes,
    cost_of_tokens,
    dated_price_notes,
)
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.money import from_units
from kimi_planner.notes import Note, note

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from kimi_planner.usage.totals.columns import Counts
    from kimi_planner.usage.totals.tariff import Tariff

__all__ = ["RowCosts", "cost_rows", "price_usage", "total_cost"]

_INT64_SAFE = 2**62


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

    @property
    def total_usd(self) -> Decimal:
        """Sum of all rows."""
        if self.units.dtype == object:
            return from_units(int(self.units.sum()), self.places)
        high, low = int((self.units >> 32).sum()), int((self.units & 0xFFFFFFFF).sum())
        return from_units((high << 32) + low, self.places)  # halves of 64 bits do not overflow

    def to_decimal(self) -> np.ndarray[Any, Any]:
        """Return the amounts as decimals in USD, array of object of shape (n_rows,)."""
        return _decimals(self.units, self.places)


def cost_rows(
    frame: pd.DataFrame, model: str | None = None, *, catalog: Catalog | str | Path | None = None
) -> RowCosts:
    """Return the exact cost of every row as integers, for logs of millions of rows.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
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
    import numpy as np

    from kimi_planner.usage.totals.columns import blocks, counts_of
    from kimi_planner.usage.totals.tariff import tariff_of

    catalog = load_catalog(catalog)
    counts = counts_of(frame)
    tariff = tariff_of(counts.frame, model, catalog)
    prompt, cached, completion = _fitting(counts, tariff)
    units = np.empty(len(counts), dtype=prompt.dtype)
    prices = [
        np.array(values, dtype=prompt.dtype)
        for values in (tariff.input, tariff.saved, tariff.output)
    ]
    for rows in blocks(len(counts)):
        codes = 0 if tariff.codes is None else tariff.codes[rows]
        part = units[rows]
        np.multiply(prompt[rows], prices[0][codes], out=part)
        part += completion[rows] * prices[2][codes]
        if prices[1].any():
            part += cached[rows] * prices[1][codes]
    return RowCosts(
        units=units,
        places=tariff.places,
        catalog_version=catalog.version,
        notes=_notes(counts, tariff),
    )


def price_usage(
    frame: pd.DataFrame, model: str | None = None, *, catalog: Catalog | str | Path | None = None
) -> pd.DataFrame:
    """Add the exact cost of every row.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str, optional
        Price every row as this model; otherwise as the model its row names.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    DataFrame
        A copy with ``priced_as`` and, as exact decimals in USD, ``input_usd``, ``cached_usd``,
        ``output_usd`` and ``total_usd``. ``attrs["notes"]`` says what the reader must know, such
        as a cached price that the catalog does not state.

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
    import numpy as np

    from kimi_planner.usage.totals.columns import counts_of
    from kimi_planner.usage.totals.tariff import tariff_of

    counts = counts_of(frame)
    tariff = tariff_of(counts.frame, model, load_catalog(catalog))
    prompt, cached, completion = _fitting(counts, tariff)
    codes = 0 if tariff.codes is None else tariff.codes
    rates = [
        np.array(values, dtype=prompt.dtype)[codes]
        for values in (tariff.input, tariff.cached, tariff.output)
    ]
    units = {
        "input_usd": (prompt - cached) * rates[0],
        "cached_usd": cached * rates[1],
        "output_usd": completion * rates[2],
    }
    units["total_usd"] = units["input_usd"] + units["cached_usd"] + units["output_usd"]
    names = np.array([spec.id for spec in tariff.specs], dtype=object)
    priced = frame.assign(
        priced_as=np.full(len(counts), names[0]) if tariff.codes is None else names[tariff.codes],
        **{name: _decimals(units[name], tariff.places) for name in COST_COLUMNS},
    )
    priced.attrs["notes"] = [*frame.attrs.get("notes", ()), *_notes(counts, tariff)]
    return priced


def total_cost(
    frame: pd.DataFrame, model: str, *, catalog: Catalog | str | Path | None = None
) -> Cost:
    """Return the exact cost of a whole log on one model, without a column of it.

    Parameters
    ----------
    frame : DataFrame
        A usage frame as :func:`read_usage` returns it.
    model : str
        Model id in the catalog.
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
    from kimi_planner.usage.totals.columns import counts_of, exact_sum

    spec = load_catalog(catalog).model(model)
    counts = counts_of(frame)
    return cost_of_tokens(
        exact_sum(counts.prompt), exact_sum(counts.cached), exact_sum(counts.completion), spec
    )


def _fitting(counts: Counts, tariff: Tariff) -> tuple[np.ndarray[Any, Any], ...]:
    """Return prompt, cached and completion tokens as int64, or as objects if products need it."""
    columns = (counts.prompt, counts.cached, counts.completion)
    most = (int(counts.prompt.max()) + int(counts.completion.max())) * tariff.largest
    return columns if most < _INT64_SAFE else tuple(one.astype(object) for one in columns)


def _notes(counts: Counts, tariff: Tariff) -> tuple[Note, ...]:
    import numpy as np

    unpriced, silent = [], 0
    for place, spec in enumerate(tariff.specs):
        rows = slice(None) if tariff.codes is None else tariff.codes == place
        if spec.cached_input_usd_per_mtok is None:
            unpriced += [spec] if counts.cached[rows].any() else []
        elif counts.cached_missing is not None:
            silent += int(np.count_nonzero(counts.cached_missing[rows]))
    unstated = note("cached_unstated", silent=silent, rows=len(counts))
    return (
        *cached_price_notes(unpriced),
        *(unstated,) * bool(silent),
        *dated_price_notes(tariff.specs),
    )


def _decimals(units: np.ndarray[Any, Any], places: int) -> np.ndarray[Any, Any]:
    import numpy as np
    import pandas as pd

    position, distinct = pd.factorize(units)
    values = np.empty(len(distinct), dtype=object)
    values[:] = [from_units(int(unit), places) for unit in distinct.tolist()]
    return values[position]
