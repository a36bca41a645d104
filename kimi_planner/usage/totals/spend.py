"""What totals of tokens cost: by month, by model, or on models that did not serve them."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.call import bill_of, usd_columns
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import PriceNotFoundError, UnknownModelError, UsageError
from kimi_planner.money import plain, total
from kimi_planner.notes import Note, note
from kimi_planner.usage.totals.group import DERIVED, Cells, merged
from kimi_planner.usage.totals.result import UsageTotals, frame_of
from kimi_planner.usage.totals.stream import total_usage

Part = tuple[Tariff, Usage]


@public
def spend_by(
    source: UsageTotals | pd.DataFrame | str | Path,
    by: str | Sequence[str] = ("month", "model"),
    models: str | Iterable[str] | None = None,
    *,
    as_of: date | str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
) -> pd.DataFrame:
    """Return what a log cost, exactly, by month, model or any column.

    Parameters
    ----------
    source : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned.
    by : str or sequence of str
        The keys of the result.
    models : str or iterable of str, optional
        Price all of the log as each of these models; otherwise every row as the model it names.
    as_of : date, datetime or str, optional
        The day whose prices hold for rows without a date; the catalog's own if not given. Every
        other row is billed at the prices of its day.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    alias : mapping of str to str, optional
        From a name of a model in the log to the id of the catalog that it means. The usual prefixes
        and spellings need none.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    DataFrame
        The keys, ``priced_as`` where ``models`` are given, the totals of :class:`UsageTotals` as
        integers, and USD by meter as :func:`price_usage` names it, as exact decimals, up to
        ``total_usd``. A model has the catalog's id, whatever the log calls it. What a model used that
        the catalog does not have, or has no price for, is a row of its own whose amounts are ``None``.
        ``attrs`` has ``source``, ``rejected``, ``left_out``, ``catalog_version`` and ``notes``.

    Raises
    ------
    UsageError
        If the source is malformed, a row names no model and none is given, or ``models`` is empty;
        if totals are given in which days with different prices are added up.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have one of ``models``, or states no price for it.

    Examples
    --------
    >>> calls = pd.DataFrame({"prompt_tokens": [2000, 1000], "completion_tokens": [500, 0]})
    >>> spend_by(calls, by=(), models=["kimi-k2", "kimi-k2-5"])["total_usd"].tolist()
    [Decimal('0.0054'), Decimal('0.01125')]
    """
    prices = Prices(catalog=load_catalog(catalog), as_of=as_of, alias=alias)
    keys = (by,) if isinstance(by, str) else tuple(by)
    asked = None if models is None else [spec.id for spec in prices.catalog.select(models)]
    if asked == []:
        raise UsageError("No models. Name at least one, or leave models out for those of the rows.")
    totals = totals_to_price(source, keys_to_price(keys, asked, prices.catalog), keys, on_error)
    rows: dict[tuple[Any, ...], list[Part]] = {}
    sums: list[Cells] = []
    for one, cell, own in named(totals, asked[0] if asked else None, prices):
        for model in asked or [own]:
            part = priced_cell(one, cell, model, prices, is_asked=asked is not None)
            row = (*cell[: len(keys)], *(() if asked is None else (model,)), part is None)
            rows.setdefault(row, []).extend([] if part is None else [part])
            sums.append({row: one.cells[cell]})
    bills = [bill_of(parts) if parts else {} for parts in rows.values()]
    names = keys if asked is None else (*keys, "priced_as")
    frame = frame_of(names, totals.columns, merged(sums))
    for name, meters in usd_columns(
        key for bill in bills for key, one in bill.items() if one
    ).items():
        amounts = [
            plain(total(bill[key] for key in meters if key in bill)) if bill else None
            for bill in bills
        ]
        frame[name] = pd.Series(amounts, dtype=object)
    frame.attrs = {
        "source": totals.source,
        "rejected": totals.rejected,
        "rejected_examples": list(totals.rejected_examples),
        "left_out": dict(totals.left_out),
        "catalog_version": prices.catalog.version,
        "notes": _notes(totals, [*chain.from_iterable(rows.values())], prices),
    }
    return frame


def keys_to_price(
    keys: Sequence[str], models: Iterable[str] | None, catalog: Catalog
) -> tuple[str, ...]:
    """Return the keys by which a log must be added up, so that it can be priced and shown by some.

    The model, unless all of the log is priced as given ones; the day, where prices change.
    """
    more = [] if models is not None else ["model"]
    if any(spec.price_days for spec in catalog.select(models)):
        more.append("day")
    return tuple(dict.fromkeys((*keys, *more)))


def totals_to_price(
    source: UsageTotals | pd.DataFrame | str | Path,
    needed: Sequence[str],
    keys: Sequence[str],
    on_error: Literal["raise", "skip"] = "raise",
) -> UsageTotals:
    """Return the totals by the keys needed to price them; given ones, for the days, by what they have."""
    if not isinstance(source, UsageTotals):
        return total_usage(source, needed, on_error=on_error)
    days = [key for key in ("day", "month") if "day" in needed and key in source.by]
    kept = [key for key in needed if key in keys or key not in DERIVED]
    return source.over(list(dict.fromkeys((*kept, *days))))


def named(
    totals: UsageTotals, model: str | None, prices: Prices
) -> Iterator[tuple[UsageTotals, tuple[Any, ...], str]]:
    """Yield the cells of totals in order, each with the model that it is priced as.

    Where no model is given, names of the log are replaced by ids of the catalog.

    Raises
    ------
    UsageError
        If rows name no model and none is given.
    """
    if model is None:
        at = totals.by.index("model")
        if unnamed := totals.over("model").cells.get((None,)):
            raise UsageError(
                f"{unnamed[0]:,} rows of the log name no model. Pass models=… to price every row as one "
                "model."
            )
        cells = [
            {(*cell[:at], prices.named(cell[at]), *cell[at + 1 :]): sums}
            for cell, sums in totals.cells.items()
        ]
        totals = replace(totals, cells=merged(cells))
    for cell in totals.ordered:
        yield totals, cell, cell[at] if model is None else model


def priced_cell(
    totals: UsageTotals,
    cell: tuple[Any, ...],
    model: str,
    prices: Prices,
    *,
    is_asked: bool = False,
) -> Part | None:
    """Return what the rows of a cell used, and the prices at which they are billed.

    ``None``, and a note of it, where the catalog does not have the model, or no price for its days.

    Raises
    ------
    UsageError
        If days with different prices are added up in the cell.
    UnknownModelError, PriceNotFoundError
        Instead of ``None``, if this model was asked for.
    """
    try:
        return _priced(totals, cell, model, prices)
    except (UnknownModelError, PriceNotFoundError) as error:
        if is_asked:
            raise
        prices.leave_out(model, totals.cells[cell][0], error)
        return None


def _priced(totals: UsageTotals, cell: tuple[Any, ...], model: str, prices: Prices) -> Part:
    usage = totals.usage(cell)
    changes = prices.changes([model])
    if not changes:
        return prices.on(model, None), usage
    days = _days(totals, dict(zip(totals.by, cell, strict=True)))
    tariffs = prices.between(model, *days) if days else []
    if not days or ("day" not in totals.by and "month" not in totals.by and totals.undated):
        tariffs.append(prices.on(model, None))
    if any(one.bill(usage) != tariffs[0].bill(usage) for one in tariffs[1:]):
        raise UsageError(
            f"{totals.source}: the prices of {model} change on {', '.join(map(str, changes))}, and days "
            "with different prices are added up here. Add up the log by 'day' as well."
        )
    return tariffs[-1], usage


def _days(totals: UsageTotals, keys: dict[str, Any]) -> tuple[date, date] | None:
    """Return the first and the last day that rows of a cell may have, ``None`` if they have none."""
    stated = keys.get("day", keys.get("month", ""))
    if totals.days is None or stated is None:
        return None
    first, last = totals.days
    if "day" in keys:
        first = last = date.fromisoformat(stated)
    elif stated:
        start = date.fromisoformat(f"{stated}-01")
        end = start.replace(day=monthrange(start.year, start.month)[1])
        first, last = max(first, start), min(last, end)
    return first, last


def _notes(totals: UsageTotals, parts: list[Part], prices: Prices) -> list[Note]:
    """Say what the reader must know of the prices, and of what the log does not state."""
    notes = [*totals.notes, *prices.notes(parts)]
    sums = totals.total
    priced = any(tariff.states("cached") for tariff, _ in parts)
    for what in ("cached", "reasoning"):
        if silent := sums[f"rows_without_{what}"]:
            code = "cached_unstated" if priced and what == "cached" else "unstated"
            notes.append(note(code, silent=silent, rows=sums["rows"], what=what))
    for key in DERIVED.keys() & set(totals.by):
        if undated := totals.over(key).cells.get((None,)):
            notes.append(note("no_date", rows=undated[0], what=key))
    return notes
