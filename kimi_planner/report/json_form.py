"""Results as JSON: a stable form, described in docs/json.md."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from kimi_planner.catalog import ALL_PRICES, LIFECYCLE, Catalog, Exchange
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import decimal_of, named
from kimi_planner.plan.booking import Booked
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.dated import dated
from kimi_planner.reconcile.rows import FORMAT, plan_rows, together_rows
from kimi_planner.report.budget import budget_data
from kimi_planner.report.exchanged import exchange_data
from kimi_planner.report.table import Section

#: Decimal places of simulated and forecast amounts, USD.
DIGITS = 6
_OF_MODEL = (
    "id", "name", "aliases", "context_window_tokens", "max_output_tokens", "default_output_tokens",
    *ALL_PRICES, "batch_multiplier", "priced_on", "price_periods", *LIFECYCLE, "capabilities",
    "lacks", "reasoning_efforts", "output_tokens_per_second", "behaviour", "use_cases", "tokenizer",
    "chat_template", "renderings", "reasoning_depth", "speed", "sources",
)  # fmt: skip


def dumped(data: Any) -> str:
    """Return JSON text, keys in the order given."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def form_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as plain data, led by the version of its form and of the package."""
    from kimi_planner import __version__

    return {"format": FORMAT, "kimi_planner": __version__, **as_data(result)}


def form_text(result: Mapping[str, Any], others: Mapping[Exchange, Sequence[Any]]) -> str:
    """Return a result as JSON text, with its rows in other currencies."""
    data = dict(result)
    for exchange, rows in others.items():
        data |= exchange_data(exchange, rows)
    return dumped(form_of(data))


def as_data(value: Any, digits: int | None = None) -> Any:
    """Return a value as plain data: exact amounts and days as text, what is missing as null.

    Floats are rounded where ``digits`` are given.
    """
    if isinstance(value, pd.DataFrame):
        value = value.to_dict("records")
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        return value if digits is None else round(value, digits)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if is_dataclass(value) and not isinstance(value, Month):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(part, digits) for key, part in value.items()}
    if isinstance(value, list | tuple | frozenset):
        parts = sorted(value) if isinstance(value, frozenset) else value
        return [as_data(part, digits) for part in parts]
    return str(value)


def origin(result: Any) -> dict[str, Any]:
    """Return what a result was worked out from; of a derived catalog also what it was derived from."""
    catalog: Catalog = result.catalog
    derived = {"derived_from": catalog.derived_from} if catalog.derived_from else {}
    return {
        "catalog": {"version": catalog.version, "sha256": catalog.sha256, **derived},
        "as_of": result.as_of,
        "seed": result.seed,
        "n_paths": result.n_paths,
    }


def plan_json(recommendation: Recommendation, sections: Iterable[Section] = ()) -> str:
    """Return the plan, and parts of its report, as JSON text, keys in a fixed order."""
    parts = {key: data for section in sections for key, data in section.data.items()}
    data = {**plan_data(recommendation), **parts}
    return dumped(in_names_of(data, recommendation.projection.currency))


def in_names_of(data: Any, currency: str) -> Any:
    """Return plain data with its amounts named by their currency; names of the reader's own stay."""
    if currency == "USD":
        return data
    if isinstance(data, list):
        return [in_names_of(part, currency) for part in data]
    if not isinstance(data, dict):
        return data
    return {
        named(key, currency): part if key == "recommended" else in_names_of(part, currency)
        for key, part in data.items()
    }


def planned_frame(recommendation: Recommendation) -> pd.DataFrame:
    """Return the rows of a projection with ``planned``, whether the workload is on that model, and its ``rank``.

    Simulated amounts are rounded as in JSON.
    """
    frame = rounded(recommendation.projection.frame)
    ranks = {(one.workload, one.model): one.rank for one in recommendation.choices}
    rank = pd.array(
        [ranks.get(of) for of in zip(frame["workload"], frame["model"], strict=True)], "Int64"
    )
    return frame.assign(
        planned=frame["workload"].map(recommendation.best) == frame["model"], rank=rank
    )


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its floats rounded as JSON has them, which pandas does another way."""
    return frame.map(lambda value: round(value, DIGITS) if isinstance(value, float) else value)


def plan_data(recommendation: Recommendation) -> dict[str, Any]:
    """Return the plan as plain data.

    Amounts are USD, rounded to a millionth of a dollar; ``exact_usd`` is a decimal string, the bill
    to the last digit, or null where something is uncertain. Unknown values are null. Amounts by
    meter are not rounded, and strings where nothing is uncertain.
    """
    projection = recommendation.projection
    parts = {
        "together": together_rows(projection, recommendation.best),
        "summary": projection.summary(),
        "context_fit": recommendation.fit.frame,
        "recommended": recommendation.best,
        "bookable": _bookable(recommendation.booked),
        "decisions": recommendation.decisions,
        "saving": recommendation.saving,
        "budget": budget_data(recommendation.budget_matrix),
        "dates": dated(projection, recommendation.best),
        "over_budget": recommendation.over_budget,
        "cards": recommendation.cards,
        "ranking": recommendation.frame,
        "exclusions": recommendation.exclusions,
        "notes": recommendation.notes,
        "note_codes": [one.code for one in recommendation.notes],
        "method": projection.method,
    }
    return {
        **form_of({**origin(projection), "months": projection.months}),
        "spend": [_in_full(row) for row in plan_rows(projection)],
        **as_data(parts, DIGITS),
    }


def catalog_data(catalog: Catalog) -> dict[str, Any]:
    """Return a catalog as plain data; prices are decimal strings, unknown values are null."""
    head = ("version", "published", "currency", "sha256", "base_url")
    lists = ("tax", "derived_from", "fees", "list_prices", "correspondences", "conflicts")
    data: dict[str, Any] = {
        "format": FORMAT,
        **{name: getattr(catalog, name) for name in head},
        "sources": {
            key: {name: getattr(source, name) for name in ("title", "checked_on", "verified")}
            for key, source in catalog.sources.items()
        },
        **{name: getattr(catalog, name) for name in lists},
        "models": [{name: getattr(model, name) for name in _OF_MODEL} for model in catalog],
    }
    return {name: as_data(value) for name, value in data.items()}


def _bookable(number: Booked) -> dict[str, Any]:
    """Return the bookable number and its parts as plain data; amounts are decimal strings."""
    return {
        "book": number.booking.book,
        "contingency_percent": number.booking.contingency_percent,
        "usd": number.usd,
        "parts": [
            {"workload": name, "month": month, "usd": amount}
            for (name, month), amount in number.cells.items()
        ],
    }


def _in_full(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of spend as plain data, with amounts by meter in full."""
    return {
        key: {meter: _exact(amount) for meter, amount in part.items()}
        if isinstance(part, dict)
        else as_data(part, DIGITS)
        for key, part in row.items()
    }


def _exact(amount: Any) -> str | float:
    """Return an exact amount as text, as a fraction such as 20/7 where no decimal spells it."""
    if isinstance(amount, float):
        return amount
    exact = decimal_of(Fraction(amount))
    return str(amount) if exact is None else format(exact, "f")
