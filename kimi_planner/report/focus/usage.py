"""What a log cost, as FOCUS rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, Exchange, load_catalog
from kimi_planner.errors import PriceNotFoundError, UsageError, shown
from kimi_planner.plan.calendar import Month
from kimi_planner.report.focus.charges import NOT_STATED, charges_of, frame_of
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.spend import keys_to_price, named, priced_cell, totals_to_price


@public
def focus_usage(
    source: UsageTotals | pd.DataFrame | str | Path,
    *,
    by: Literal["day", "month"] = "day",
    model: str | None = None,
    tags: str | Sequence[str] = (),
    account_id: str = NOT_STATED,
    account_name: str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
    exchange: Exchange | None = None,
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
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means. The usual prefixes
        and spellings need none.
    exchange : Exchange, optional
        Rates at which the charges of each month are billed in another currency than they are priced in,
        as :attr:`Catalog.exchanges` has them.

    Returns
    -------
    DataFrame
        The 21 mandatory columns and more, amounts as exact decimals. ``BilledCost`` adds up to
        exactly what :func:`price_usage` says of the log, and ``ListCost`` is ``PricingQuantity`` times
        ``ListUnitPrice``. Every meter of a bill that was used has a row: input, cache read, cache
        write of each lifetime, output, the same in batches, and each fee; no token is in two. What is
        not priced is left out, and ``attrs["notes"]`` say so.

    Raises
    ------
    UsageError
        If the log is malformed, or rows have no date or name no model.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"timestamp": ["2026-11-02T09:00Z"], "model": ["kimi-k2"],
    ...     "prompt_tokens": [1_000], "completion_tokens": [100]})
    >>> focus_usage(log)[["ConsumedQuantity", "BilledCost"]].values.tolist()
    [[Decimal('1000'), Decimal('0.0012')], [Decimal('100'), Decimal('0.00036')]]
    """
    if by not in ("day", "month"):
        raise UsageError(f"by is {shown(by)}. A charge period is a 'day' or a 'month'.")
    prices = Prices(catalog=load_catalog(catalog), alias=alias)
    names = (tags,) if isinstance(tags, str) else tuple(tags)
    models = None if model is None else [model]
    keys = keys_to_price((by, *names), models, prices.catalog)
    totals = totals_to_price(source, keys, (by, *names))
    parts = _parts(totals, by, model, names, prices)
    charges = [one for place, part in parts.items() for one in _charges(place, part, names, prices)]
    frame = frame_of(charges, account_id, account_name, exchange)
    frame = frame.sort_values(["ChargePeriodStart", "SkuId"], kind="stable", ignore_index=True)
    frame.attrs["notes"] = [*totals.notes, *prices.notes([*parts.values()])]
    return frame


def _parts(
    totals: UsageTotals, by: str, model: str | None, tags: Sequence[str], prices: Prices
) -> dict[tuple[Any, ...], tuple[Tariff, Usage]]:
    """Return what was used by model, charge period and tags, each at its prices."""
    parts: dict[tuple[Any, ...], tuple[Tariff, Usage]] = {}
    for one, cell, name in named(totals, model, prices):
        keys = dict(zip(one.by, cell, strict=True))
        if keys[by] is None:
            raise UsageError(
                f"{one.cells[cell][0]:,} rows of {one.source} have no date, so they belong to no "
                "billing period."
            )
        part = priced_cell(one, cell, name, prices, is_asked=model is not None)
        if part is None:
            continue
        place = (name, _period(keys, by, prices.changes([name])), *(keys[tag] for tag in tags))
        known = parts.get(place)
        parts[place] = (part[0], part[1] if known is None else known[1] + part[1])
    if not parts:
        raise PriceNotFoundError(f"{totals.source}: nothing is priced. {prices.notes([])[-1]}")
    return parts


def _charges(
    place: tuple[Any, ...], part: tuple[Tariff, Usage], tags: Sequence[str], prices: Prices
) -> Iterable[dict[str, Any]]:
    name, (first, end), *values = place
    return charges_of(
        *part,
        first=first,
        end=end,
        since=max((day for day in prices.changes([name]) if day <= first), default=None),
        tags={tag: str(one) for tag, one in zip(tags, values, strict=True) if one is not None},
    ).values()


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
