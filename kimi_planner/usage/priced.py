"""The exact cost of a log: a column of it, and of all rows together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.call import Cost, bill_of, usd_columns
from kimi_planner.billing.dated import Prices
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.usage.row_costs import cost_rows, decimals
from kimi_planner.usage.totals.columns import calls_of, counts_of
from kimi_planner.usage.totals.result import totals_of
from kimi_planner.usage.totals.spend import keys_to_price, named, priced_cell


@public
def price_usage(
    frame: pd.DataFrame,
    model: str | None = None,
    *,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Add the exact cost of every row.

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
    DataFrame
        A copy with ``priced_as`` and, as exact decimals in USD, a column for each meter that
        occurs, always ``input_usd``, ``cached_usd`` and ``output_usd``, and where they occur
        ``cache_write_5m_usd``, ``cache_write_1h_usd``, the same of batches such as
        ``batch_input_usd``, and ``fees_usd``; then ``total_usd``, their sum. All are missing where the
        catalog does not have the model of a row, or no price for it. ``attrs["notes"]`` says
        what the reader must know, such as a cached price that the catalog does not state, or that
        prices changed within the log.

    Raises
    ------
    UsageError
        If the frame is malformed, or a row names no model and none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it. Rows that name such a model
        are not priced.

    Notes
    -----
    The arithmetic is on integers: prices are whole numbers of a unit small enough to hold them.
    A decimal for each row is for people and small logs; for large ones there are
    :func:`cost_rows`, :func:`total_cost` and :func:`spend_by`.

    Examples
    --------
    >>> import pandas as pd
    >>> usage = pd.DataFrame({"model": ["kimi-k2"], "prompt_tokens": [1_000], "completion_tokens": [100]})
    >>> price_usage(usage, catalog="2026-06")["total_usd"].tolist()
    [Decimal('0.00156')]
    """
    frame = calls_of(frame)
    costs = cost_rows(frame, model, as_of=as_of, catalog=catalog, alias=alias)
    bills = costs.by_meter()
    occur = [key for key, units in bills.units.items() if units.any()]
    priced = frame.assign(
        priced_as=costs.models(),
        **{
            name: decimals(bills.of(keys), bills.places, costs.is_priced)
            for name, keys in usd_columns(occur).items()
        },
    )
    priced.attrs["notes"] = [*frame.attrs.get("notes", ()), *costs.notes]
    return priced


@public
def total_cost(
    frame: pd.DataFrame,
    model: str | None = None,
    *,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
) -> Cost:
    """Return the exact cost of a whole log, without a column of it.

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
    Cost
        Equal to the sums of the columns of :func:`price_usage`; ``notes`` say what is not in it. Its
        ``model`` names those that were priced, separated by commas.

    Raises
    ------
    UsageError
        If the frame is malformed.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it. Rows that name such a model
        are not priced.

    Examples
    --------
    >>> import pandas as pd
    >>> usage = pd.DataFrame({"model": ["kimi-k2"] * 2, "prompt_tokens": [1_000, 500], "completion_tokens": [100, 0]})
    >>> total_cost(usage, catalog="2026-06").usd
    {'input': Decimal('0.0018'), 'output': Decimal('0.00036')}
    """
    prices = Prices(catalog=load_catalog(catalog), as_of=as_of, alias=alias)
    counts = counts_of(calls_of(frame))
    models = None if model is None else [model]
    totals = totals_of(counts, keys_to_price((), models, prices.catalog), counts.frame)
    parts = [
        priced_cell(*cell, prices, is_asked=model is not None)
        for cell in named(totals, model, prices)
    ]
    priced = [part for part in parts if part is not None]
    return Cost(
        usd=bill_of(priced),
        model=", ".join(dict.fromkeys(tariff.model for tariff, _ in priced)),
        catalog_version=prices.catalog.version,
        notes=prices.notes(priced),
    )
