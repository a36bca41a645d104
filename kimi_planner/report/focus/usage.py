"""What a log cost, as FOCUS rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import UnknownModelError, UsageError, shown
from kimi_planner.plan.calendar import Month
from kimi_planner.report.focus.charges import (
    NOT_STATED,
    Account,
    Charge,
    charges_of,
    day_after,
    frame_of,
)
from kimi_planner.usage.totals.group import TOTALS
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.sources import total_usage

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
    """Return what a log cost as rows of FOCUS 1.2: one per period, model and meter.

    Parameters
    ----------
    source : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned by ``by``, model and ``tags``.
    by : {"day", "month"}
        The charge period, UTC; the billing period is the calendar month.
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
        exactly what :func:`price_usage` says of the log. Meters are uncached input, cache read
        and output; one without tokens has no row.

    Raises
    ------
    UsageError
        If the log is malformed, or rows have no date or name no model.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it. Nothing is priced at zero.
    """
    if by not in ("day", "month"):
        raise UsageError(f"by is {shown(by)}. A charge period is a 'day' or a 'month'.")
    catalog = load_catalog(catalog)
    names = (tags,) if isinstance(tags, str) else tuple(tags)
    keys = (by, *(() if model is not None else ("model",)), *names)
    totals = source.over(keys) if isinstance(source, UsageTotals) else total_usage(source, keys)
    frame = frame_of(
        _charges(totals, by, model, names, catalog), Account(id=account_id, name=account_name)
    )
    return frame.sort_values(["ChargePeriodStart", "SkuId"], kind="stable", ignore_index=True)


def _charges(
    totals: UsageTotals, by: str, model: str | None, tags: Sequence[str], catalog: Catalog
) -> Iterator[Charge]:
    for row in totals.frame.to_dict("records"):
        counts = {name: int(row[name]) for name in TOTALS}
        rows = f"{counts['rows']:,} rows of {totals.source}"
        if row[by] is None:
            raise UsageError(f"{rows} have no date, so they belong to no billing period.")
        named = row["model"] if model is None else model
        if named is None:
            raise UsageError(f"{rows} name no model. Say as which one they are priced.")
        try:
            spec = catalog.model(named)
        except UnknownModelError as error:
            raise UnknownModelError(f"{rows}: {error}") from None
        first = date.fromisoformat(row[by] if by == "day" else f"{row[by]}-01")
        month = Month(first.year, first.month)
        yield from charges_of(
            spec,
            counts["prompt_tokens"],
            counts["cached_tokens"],
            counts["completion_tokens"],
            first=first,
            end=day_after(first) if by == "day" else month.next.first,
            tags={name: str(row[name]) for name in tags if row[name] is not None},
        )
