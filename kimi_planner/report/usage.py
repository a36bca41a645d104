"""What a log cost: as text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.billing.meters import title_of
from kimi_planner.catalog import Catalog, Exchange
from kimi_planner.money import named, total
from kimi_planner.money import plain as plain_number
from kimi_planner.report.exchanged import OF_MONTHS, beside, exchange_text, exchanged, month_of
from kimi_planner.report.json_form import form_text
from kimi_planner.report.table import Table
from kimi_planner.report.text import listed, plain
from kimi_planner.safe import csv_text, on_one_line

_COUNTS = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_MODEL = "priced_as"


Others = Mapping[Exchange, list[dict[str, Any]]]


def spend_elsewhere(
    spend: pd.DataFrame, dated: pd.DataFrame, by: tuple[str, ...], catalog: Catalog
) -> Others:
    """Return the rows of what a log cost in each other currency of a catalog.

    ``dated`` is the same spend with its months among the keys, each of which has its own rate.
    """
    keys = [key for key in (*by, _MODEL) if key in spend]
    names = [str(name) for name in spend if str(name).endswith("_usd")]

    def place(row: Mapping[Any, Any], total_name: str) -> tuple[Any, ...]:
        return (*(row[key] for key in keys), row[total_name] is None)

    others: dict[Exchange, list[dict[str, Any]]] = {}
    for exchange in catalog.exchanges:
        own = [named(name, exchange.currency) for name in names]
        parts: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in exchanged(dated.to_dict("records"), exchange, month_of):
            parts.setdefault(place(row, own[-1]), []).append(row)
        others[exchange] = [
            {key: row[key] for key in keys}
            | {
                name: None
                if row[names[-1]] is None
                else plain_number(total(one[name] for one in some))
                for name in own
            }
            for row in spend.to_dict("records")
            for some in [parts[place(row, names[-1])]]
        ]
    return others


def spend_csv(spend: pd.DataFrame, others: Others) -> str:
    """Return what a log cost as CSV, amounts in other currencies beside."""
    rows = beside(spend.to_dict("records"), others.values())
    return csv_text(pd.DataFrame(rows, dtype=object) if others else spend)


def spend_text(spend: pd.DataFrame, by: tuple[str, ...], catalog: Catalog, others: Others) -> str:
    """Return what a log cost for a terminal: table, totals, what was left out, provenance."""
    keys = [key for key in (*by, _MODEL) if key in spend]
    columns = [*keys, *_COUNTS, "total_usd"]
    table = Table(
        headers=tuple(columns),
        rows=tuple(
            tuple(_cell(row, column) for column in columns) for row in spend.to_dict("records")
        ),
        right=frozenset(range(len(keys), len(columns))),
    )
    totals = _totals(spend)
    whole = "Total of what is priced" if spend["total_usd"].isna().any() else "Total"
    sentences = [
        f"{whole}{f' on {model}' if model else ''}: "
        + ("not priced." if amount is None else f"{amount:,f} USD{_by_meter(spend, model)}.")
        for model, amount in totals.items()
    ]
    parts = [
        plain(table) if keys else "",
        "\n".join(sentences),
        *(_elsewhere(exchange, rows, keys) for exchange, rows in others.items()),
        "\n".join(_left_out(spend)),
        listed("What to know:", spend.attrs["notes"]),
        f"Catalog {catalog.version} (sha256 {catalog.sha256[:12]}), log {on_one_line(spend.attrs['source'])}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _elsewhere(exchange: Exchange, rows: list[dict[str, Any]], keys: list[str]) -> str:
    """Return the totals of rows in another currency, and their sum where there are several."""
    name = f"total_{exchange.currency.lower()}"
    shown = [{**{key: row[key] for key in keys}, name: row[name]} for row in rows]
    if len(shown) > 1 and keys and _MODEL not in keys:
        known = plain_number(total(row[name] for row in rows if row[name] is not None))
        shown.append({**dict.fromkeys(keys, ""), keys[0]: "all", name: known})
    return exchange_text(exchange, OF_MONTHS, shown, keys)


def spend_json(spend: pd.DataFrame, by: tuple[str, ...], catalog: Catalog, others: Others) -> str:
    """Return what a log cost as JSON; counts are numbers, amounts decimal strings."""
    data = {
        "catalog": {"version": catalog.version, "sha256": catalog.sha256},
        "source": spend.attrs["source"],
        "by": by,
        "spend": spend,
        "total_usd": {model or "all": amount for model, amount in _totals(spend).items()},
        **{
            name: spend.attrs[name]
            for name in ("rejected", "rejected_examples", "left_out", "notes")
        },
    }
    return form_text(data, others)


def _by_meter(spend: pd.DataFrame, model: str) -> str:
    """Return the meters that cost something, as a part of a sentence."""
    rows = spend[spend[_MODEL] == model] if model else spend
    keys = [name.removesuffix("_usd") for name in map(str, spend) if name.endswith("_usd")][:-1]
    parts = [
        f"{'fees' if key == 'fees' else title_of(key)} {plain_number(amount):,f}"
        for key in keys
        if (amount := total(rows[f"{key}_usd"].dropna()))
    ]
    return f": {', '.join(parts)}" if parts else ""


def _totals(spend: pd.DataFrame) -> dict[str, Decimal | None]:
    """Return the total of each model that all of the log was priced as, or of what is priced of it."""
    groups = spend.groupby(_MODEL, sort=False) if _MODEL in spend else [("", spend)]
    amounts = {str(model): rows["total_usd"].dropna() for model, rows in groups}
    return {model: plain_number(total(one)) if len(one) else None for model, one in amounts.items()}


def _left_out(spend: pd.DataFrame) -> list[str]:
    attrs = spend.attrs
    others = [f"{name.replace('_', ' ')} {n:,}" for name, n in attrs["left_out"].items()]
    counted = ", ".join([f"bad rows {attrs['rejected']:,}", *others])
    return [f"Left out: {counted}.", *(f"  {one}" for one in attrs["rejected_examples"])]


def _cell(row: dict[Any, Any], column: str) -> str:
    value = row[column]
    if column == "total_usd" and value is None:
        return "not priced"
    silent = row.get(f"rows_without_{column.removesuffix('_tokens')}")
    if value is None or value is pd.NA or silent == row["rows"]:
        return "not stated"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return f"{value:,}" if column in _COUNTS else str(value)
