"""Exact cost: of one call in decimals, of a whole log in integers, to the same last digit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.catalog import Catalog, ModelSpec, Rates, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError, shown
from kimi_planner.money import from_units, plain, total
from kimi_planner.usage.record import UsageRecord

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["COST_COLUMNS", "Cost", "cost", "price_usage", "total_cost"]

COST_COLUMNS = ("input_usd", "cached_usd", "output_usd", "total_usd")
_INT64_SAFE = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call, or a number of calls, costs.

    Attributes
    ----------
    input_usd, cached_usd, output_usd
        Uncached prompt tokens, cached prompt tokens, completion tokens; exact, never rounded.
    model, catalog_version
        Whose prices.
    notes
        What the reader must know, such as a cached price that the catalog does not state.
    """

    input_usd: Decimal
    cached_usd: Decimal
    output_usd: Decimal
    model: str
    catalog_version: str
    notes: tuple[str, ...] = ()

    @property
    def total_usd(self) -> Decimal:
        """Sum of the three parts."""
        return plain(total((self.input_usd, self.cached_usd, self.output_usd)))


def cost(usage: Any, model: str, *, catalog: Catalog | str | Path | None = None) -> Cost:
    """Return the exact cost of one call.

    Parameters
    ----------
    usage : UsageRecord, mapping or object
        The call's usage object, in any form that :meth:`UsageRecord.of` reads.
    model : str
        Model id in the catalog.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    Cost
        Decimals in USD; nothing is rounded.

    Raises
    ------
    UsageError
        If the usage object is malformed.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    ``(prompt - cached) * input + cached * cached_input + completion * output``, prices per
    1,000,000 tokens from the catalog. Without a cached price, cached tokens are billed as input.

    Examples
    --------
    >>> cost({"prompt_tokens": 2000, "completion_tokens": 500}, model="kimi-k2").total_usd
    Decimal('0.0042')
    """
    record = UsageRecord.of(usage)
    spec = load_catalog(catalog).model(model)
    return _cost_of(record.prompt_tokens, record.cached_tokens or 0, record.completion_tokens, spec)


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
        ``output_usd`` and ``total_usd``.

    Raises
    ------
    UsageError
        If the frame is malformed, or a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    The arithmetic is on integers: prices are whole numbers of a unit small enough to hold them.
    """
    import numpy as np
    import pandas as pd

    from kimi_planner.usage.read import read_usage

    if not isinstance(frame, pd.DataFrame):
        raise UsageError(
            f"The usage frame is {shown(frame)}. Read a log first: price_usage(read_usage(path))."
        )
    checked = read_usage(frame)
    catalog = load_catalog(catalog)
    names = (
        np.full(len(checked), model, dtype=object) if model is not None else _named_models(checked)
    )
    columns = {name: np.empty(len(checked), dtype=object) for name in COST_COLUMNS}
    for name in pd.unique(names):
        rows = np.flatnonzero(names == name)
        try:
            rates = catalog.model(name).rates()
        except UnknownModelError as error:
            raise UnknownModelError(
                f"{len(rows)} usage rows, the first row {rows[0]}: {error}"
            ) from None
        for column, values in _exact_columns(checked.iloc[rows], rates).items():
            columns[column][rows] = values
    return frame.assign(priced_as=names, **columns)


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
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    spec = load_catalog(catalog).model(model)
    sums = [
        _exact_sum(frame[name].fillna(0).to_numpy(dtype="int64"))
        for name in ("prompt_tokens", "cached_tokens", "completion_tokens")
    ]
    return _cost_of(sums[0], sums[1], sums[2], spec)


def _cost_of(prompt: int, cached: int, completion: int, spec: ModelSpec) -> Cost:
    rates = spec.rates()
    notes: tuple[str, ...] = ()
    if cached and spec.cached_input_usd_per_mtok is None:
        notes = (
            f"Catalog {spec.catalog_version} states no cached-input price for {spec.id}; "
            "cached tokens are billed as input.",
        )
    return Cost(
        input_usd=from_units((prompt - cached) * rates.input, rates.places),
        cached_usd=from_units(cached * rates.cached, rates.places),
        output_usd=from_units(completion * rates.output, rates.places),
        model=spec.id,
        catalog_version=spec.catalog_version,
        notes=notes,
    )


def _named_models(checked: pd.DataFrame) -> np.ndarray[Any, Any]:
    unnamed = checked.index[checked["model"].isna()]
    if len(unnamed):
        raise UsageError(
            f"Row {unnamed[0]} of the usage frame names no model ({len(unnamed)} such rows). "
            "Pass model=… to price every row as one model."
        )
    return checked["model"].to_numpy(dtype=object)


def _exact_columns(rows: pd.DataFrame, rates: Rates) -> dict[str, np.ndarray[Any, Any]]:
    prompt = rows["prompt_tokens"].to_numpy(dtype="int64")
    cached = rows["cached_tokens"].fillna(0).to_numpy(dtype="int64")
    completion = rows["completion_tokens"].to_numpy(dtype="int64")
    largest = (int(prompt.max()) + int(completion.max())) * max(
        rates.input, rates.cached, rates.output
    )
    if largest >= _INT64_SAFE:
        prompt, cached, completion = (
            array.astype(object) for array in (prompt, cached, completion)
        )
    units = {
        "input_usd": (prompt - cached) * rates.input,
        "cached_usd": cached * rates.cached,
        "output_usd": completion * rates.output,
    }
    units["total_usd"] = units["input_usd"] + units["cached_usd"] + units["output_usd"]
    return {name: _decimals(values, rates.places) for name, values in units.items()}


def _decimals(units: np.ndarray[Any, Any], places: int) -> np.ndarray[Any, Any]:
    import numpy as np

    distinct, position = np.unique(units, return_inverse=True)
    values = np.empty(len(distinct), dtype=object)
    values[:] = [from_units(int(unit), places) for unit in distinct.tolist()]
    return values[position]


def _exact_sum(values: np.ndarray[Any, Any]) -> int:
    """Sum int64 values that may overflow together, by their upper and lower halves."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())
