"""A plan as JSON: a stable form, described in docs/json.md."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from kimi_planner.capacity.tiers import Throughput
from kimi_planner.catalog import ALL_PRICES, LIFECYCLE, Catalog
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.reconcile.rounding import decimal_of
from kimi_planner.reconcile.rows import plan_rows, together_rows

__all__ = ["FORMAT", "catalog_data", "flips_data", "plan_data", "plan_json", "throughput_json"]

#: Rises when a key changes its meaning or goes away; new keys may appear at any time.
FORMAT = 1


def plan_json(recommendation: Recommendation) -> str:
    """Return the plan as JSON text, keys in a fixed order."""
    return (
        json.dumps(plan_data(recommendation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )


def plan_data(recommendation: Recommendation) -> dict[str, Any]:
    """Return the plan as plain data.

    Amounts are USD, rounded to a millionth of a dollar; ``exact_usd`` is a decimal string, the bill
    to the last digit, or null where something is uncertain. Unknown values are null. Amounts by
    meter are not rounded, and strings where nothing is uncertain.
    """
    from kimi_planner import __version__

    projection = recommendation.projection
    return {
        "format": FORMAT,
        "kimi_planner": __version__,
        "catalog": _origin(projection.catalog),
        "as_of": projection.as_of.isoformat(),
        "seed": projection.seed,
        "n_paths": projection.n_paths,
        "months": [str(month) for month in projection.months],
        "spend": [_spend(row) for row in plan_rows(projection)],
        "together": [_spend(row) for row in together_rows(projection, recommendation.best)],
        "summary": _records(projection.summary()),
        "context_fit": _records(recommendation.fit.frame),
        "recommended": recommendation.best,
        "ranking": _records(recommendation.frame),
        "exclusions": [
            {"workload": one.workload, "model": one.model, "reasons": list(one.reasons)}
            for one in recommendation.exclusions
        ],
        "notes": list(recommendation.notes),
        "note_codes": [one.code for one in recommendation.notes],
        "method": projection.method,
    }


def flips_data(recommendation: Recommendation) -> list[dict[str, Any]]:
    """Return what would change the answer as plain data; values are decimal strings, or null."""
    return [
        {
            **{
                key: _plain(value)
                for key, value in asdict(flip).items()
                if key not in ("words", "clause")
            },
            "sentence": flip.sentence,
        }
        for flip in recommendation.flips
    ]


def catalog_data(catalog: Catalog) -> dict[str, Any]:
    """Return a catalog as plain data; prices are decimal strings, unknown values are null."""
    return {
        "format": FORMAT,
        "version": catalog.version,
        "published": catalog.published,
        "currency": catalog.currency,
        "sha256": catalog.sha256,
        "base_url": catalog.base_url,
        "sources": {
            key: {
                "title": source.title,
                "checked_on": source.checked_on and source.checked_on.isoformat(),
                "verified": source.verified,
            }
            for key, source in catalog.sources.items()
        },
        "tax": catalog.tax,
        "derived_from": list(catalog.derived_from),
        "fees": [_stated(fee) for fee in catalog.fees],
        "list_prices": [_stated(price) for price in catalog.list_prices],
        "correspondences": [_stated(one) for one in catalog.correspondences],
        "conflicts": [asdict(conflict) for conflict in catalog.conflicts],
        "models": [
            {
                "id": model.id,
                "name": model.name,
                "context_window_tokens": model.context_window_tokens,
                "max_output_tokens": model.max_output_tokens,
                "default_output_tokens": model.default_output_tokens,
                **{name: _plain(getattr(model, name)) for name in ALL_PRICES},
                "batch_multiplier": _plain(model.batch_multiplier),
                "priced_on": model.priced_on and model.priced_on.isoformat(),
                "price_periods": [_stated(period) for period in model.price_periods],
                **{name: _text(getattr(model, name)) for name in LIFECYCLE},
                "capabilities": sorted(model.capabilities),
                "use_cases": list(model.use_cases),
                "tokenizer": model.tokenizer,
                "chat_template": model.chat_template,
                "reasoning_depth": model.reasoning_depth and asdict(model.reasoning_depth),
                "speed": model.speed and asdict(model.speed),
                "sources": dict(model.sources),
            }
            for model in catalog
        ],
    }


def _origin(catalog: Catalog) -> dict[str, Any]:
    """Return version and digest of a catalog, and what a scenario was derived from."""
    origin: dict[str, Any] = {"version": catalog.version, "sha256": catalog.sha256}
    if catalog.derived_from:
        origin["derived_from"] = list(catalog.derived_from)
    return origin


def _stated(part: Any) -> dict[str, Any]:
    return {key: _text(value) for key, value in asdict(part).items()}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def throughput_json(result: Throughput) -> str:
    """Return peaks and tiers as JSON text, keys in a fixed order; unknown values are null."""
    from kimi_planner import __version__

    data = {
        "format": FORMAT,
        "kimi_planner": __version__,
        "limits": {
            "version": result.limits.version,
            "sha256": result.limits.sha256,
            "checked_on": result.limits.checked_on.isoformat(),
        },
        "catalog": {"version": result.catalog.version, "sha256": result.catalog.sha256},
        "as_of": result.as_of.isoformat(),
        "seed": result.seed,
        "n_paths": result.n_paths,
        "months": [str(month) for month in result.months],
        "percentile": result.percentile,
        "minutes_within": result.minutes_within,
        "tiers": [
            {
                key: "unlimited" if value is None else _plain(value)
                for key, value in asdict(tier).items()
            }
            for tier in result.limits
        ],
        "peaks": _records(result.frame),
        "summary": _records(result.summary()),
        "by_tier": _records(result.by_tier()),
        "notes": list(result.notes),
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _spend(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of spend as plain data, with amounts by meter in full."""
    return {
        key: {meter: _in_full(one) for meter, one in value.items()}
        if isinstance(value, dict)
        else _plain(value)
        for key, value in row.items()
    }


def _in_full(amount: Any) -> str | float:
    """Return an exact amount as text, as a fraction such as 20/7 where no decimal spells it."""
    if isinstance(amount, float):
        return amount
    exact = decimal_of(Fraction(amount))
    return str(amount) if exact is None else format(exact, "f")


def _records(frame: Any) -> list[dict[str, Any]]:
    return [{key: _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, bool | int | str):
        return value
    return format(value, "f")
