"""What a log cost, as FOCUS rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError, restated, shown
from kimi_planner.plan.calendar import Month
from kimi_planner.report.focus.charges import NOT_STATED, charges_of, frame_of
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.spend import keys_to_price, priced_cell, totals_to_price

__all__ = ["focus_usage"]


def focus_usage(
    source: UsageTotals | pd.DataFrame | str | Path,
    *,
    by: Literal["day", "month"] = "day",
    model: str | None = None,
    tags: str | Sequence[str] = (),
    account_id: str = NOT_STATED,
    account_name: str | None = None,
    catalog: Catalog | str | Path | None = None,
) -> pd.DataFrame:
    """Return what a log cost as rows of FOCUS 1.2: one per period, model, meter and price.

    Parameters
    ----------
    source : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned by ``by``, model and ``tags``.
    by : {"day", "month"}
        The charge period, UTC; the billing period is the calendar month. A month in which a price
        changed is charged in parts, each with the days of its price.
    model : str, optional
        Price every row as this model; otherwise as the one that it names.
    tags : str or sequence of str
        Columns of the log that become ``Tags``.
    account_id, account_name : str, optional
        Whose bill it is, as the provider has it; a log does not say.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.

    Returns
    -------
    DataFrame
        The 21 mandatory columns and more, amounts as exact decimals. ``BilledCost`` adds up to
        exactly what :func:`price_usage` says of the log, and ``ListCost`` is ``PricingQuantity`` times
        ``ListUnitPrice``. Every meter of a bill that was used has a row: input, cache read, cache
        write of each lifetime, output, the same in batches, and each fee; no token is in two.

    Raises
    ------
    UsageError
        If the log is malformed, or rows have no date or name no model.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it. Nothing is priced at zero.
    """
    if by not in ("day", "month"):
        raise UsageError(f"by is {shown(by)}. A charge period is a 'day' or a 'month'.")
    prices = Prices(catalog=load_catalog(catalog))
    names = (tags,) if isinstance(tags, str) else tuple(tags)
    models = None if model is None else [model]
    keys = keys_to_price((by, *names), models, prices.catalog)
    totals = totals_to_price(source, keys, (by, *names))
    frame = frame_of(_charges(totals, by, model, names, prices), account_id, account_name)
    return frame.sort_values(["ChargePeriodStart", "SkuId"], kind="stable", ignore_index=True)


def _charges(
    totals: UsageTotals, by: str, model: str | None, tags: Sequence[str], prices: Prices
) -> Iterator[dict[str, Any]]:
    parts: dict[tuple[Any, ...], tuple[Tariff, Usage]] = {}
    for cell in totals.ordered:
        keys = dict(zip(totals.by, cell, strict=True))
        rows = f"{totals.cells[cell][0]:,} rows of {totals.source}"
        if keys[by] is None:
            raise UsageError(f"{rows} have no date, so they belong to no billing period.")
        named = keys["model"] if model is None else model
        if named is None:
            raise UsageError(f"{rows} name no model. Say as which one they are priced.")
        with restated(about=rows, of=UnknownModelError):
            tariff, usage = priced_cell(totals, cell, named, prices)
        period = _period(keys, by, prices.changes([named]))
        place = (named, period, *(keys[name] for name in tags))
        known = parts.get(place)
        parts[place] = (tariff, usage if known is None else known[1] + usage)
    for (named, (first, end), *values), (tariff, usage) in parts.items():
        charges = charges_of(
            tariff,
            usage,
            first=first,
            end=end,
            since=max((day for day in prices.changes([named]) if day <= first), default=None),
            tags={
                name: str(one) for name, one in zip(tags, values, strict=True) if one is not None
            },
        )
        yield from charges.values()


def _period(keys: dict[str, Any], by: str, changes: Sequence[date]) -> tuple[date, date]:
    """Return the charge period of a cell, without the days of other prices of its month."""
    if by == "day":
        first = date.fromisoformat(keys["day"])
        return first, first + timedelta(days=1)
    first = date.fromisoformat(f"{keys['month']}-01")
    end = Month(first.year, first.month).next.first
    if "day" not in keys:
        return first, end
    day = date.fromisoformat(keys["day"])
    return (
        max([first, *(one for one in changes if one <= day)]),
        min([end, *(one for one in changes if one > day)]),
    )
