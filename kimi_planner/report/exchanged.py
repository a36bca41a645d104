"""Rows of amounts in other currencies at rates by day, for results that are no plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from kimi_planner.catalog import Exchange
from kimi_planner.money import at_rate, named, usd_text

Row = Mapping[Any, Any]
#: Tells the day whose rate holds for a row; ``None`` where it has none, for the latest rate.
DayOf = Callable[[Row], date | None]

AS_PRICED = "at the rate of the day of the prices, the latest if none is given"
OF_MONTHS = "each month at the rate of its first day"


def month_of(row: Row) -> date | None:
    """Return the first day of the month that a row is of."""
    stated = row.get("day") or row.get("month")
    return date.fromisoformat(f"{str(stated)[:7]}-01") if stated else None


def exchanged(rows: Iterable[Row], exchange: Exchange, day_of: DayOf) -> list[dict[str, Any]]:
    """Return rows with their amounts in another currency, named by it; all else as it is."""
    return [
        {
            named(str(name), exchange.currency): at_rate(value, exchange.at(day_of(row)))
            if "usd" in str(name).split("_")
            else value
            for name, value in row.items()
        }
        for row in rows
    ]


def beside(rows: Sequence[Row], others: Iterable[Sequence[Row]]) -> list[dict[str, Any]]:
    """Return rows with what the same rows have in other currencies beside."""
    made = [dict(row) for row in rows]
    for other in others:
        for row, more in zip(made, other, strict=True):
            row |= {name: value for name, value in more.items() if name not in row}
    return made


def basis(exchange: Exchange, words: str) -> str:
    """Return at what amounts are in a currency, as a sentence."""
    return f"In {exchange.currency}, at {exchange}, {words}"


def exchange_text(exchange: Exchange, words: str, rows: Sequence[Row], keys: Sequence[str]) -> str:
    """Return rows of another currency for a terminal, under the rates they are at."""
    from kimi_planner.report.table import Table
    from kimi_planner.report.text import plain

    own = exchange.currency.lower()
    amounts = [str(name) for name in rows[0] if own in str(name).split("_")]
    heads = [" ".join(part for part in name.split("_") if part != own) for name in amounts]
    cells = [
        (
            *("not stated" if row[key] is None else str(row[key]) for key in keys),
            *("–" if row[name] is None else usd_text(row[name]) for name in amounts),
        )
        for row in rows
    ]
    right = frozenset(range(len(keys), len(keys) + len(amounts)))
    table = Table((*keys, *heads), tuple(cells), right)
    return f"{basis(exchange, words)}:\n\n{plain(table)}"


def exchange_data(exchange: Exchange, rows: Sequence[Row]) -> dict[str, Any]:
    """Return rows of another currency as plain data, by the key that they have in JSON."""
    return {f"in_{exchange.currency.lower()}": {"rates": exchange.rates, "rows": list(rows)}}
