"""The prices that the package genai-prices carries, as a catalog."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.model import ModelSpec, PricePeriod, sourced
from kimi_planner.catalog.provenance import Source
from kimi_planner.errors import CatalogError, needs

PROVIDER = "moonshotai"
_PRICES = {
    "input_mtok": "input_usd_per_mtok",
    "cache_read_mtok": "cached_input_usd_per_mtok",
    "output_mtok": "output_usd_per_mtok",
    "cache_write_mtok": "cache_write_5m_usd_per_mtok",
    "cache_write_1h_mtok": "cache_write_1h_usd_per_mtok",
}


def genai_catalog() -> Catalog:
    """Return Moonshot's models as the installed genai-prices has them, offline.

    The version is that of the package. It says of no price when it was checked or published, so
    the catalog's age is unknown.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    CatalogError
        If it has no such provider, or is not in the form that is known.
    """
    with needs("genai-prices", "prices"):
        from genai_prices.data import providers
    name = f"genai-prices {version('genai-prices')}"
    try:
        (provider,) = [one for one in providers if one.id == PROVIDER]
        specs = tuple(_model(info, name) for info in provider.models)
    except (AttributeError, TypeError, ValueError) as error:
        raise CatalogError(
            f"{name} is not in the form that is known ({type(error).__name__}: {error}). Install another "
            "version of it."
        ) from None
    source = Source(
        key="genai-prices", title=f"{name} on PyPI, provider {PROVIDER}", checked_on=None
    )
    return Catalog(
        version=name,
        source=source,
        sources={source.key: source},
        models=specs,
        sha256=sha256(repr(specs).encode()).hexdigest(),
    )


def _model(info: Any, catalog_version: str) -> ModelSpec:
    prices = info.prices
    values: dict[str, Any] = {
        "id": info.id,
        "name": info.name,
        "context_window_tokens": info.context_window,
        "status": "deprecated" if info.deprecated else None,
    }
    if isinstance(prices, list):
        values["price_periods"] = tuple(_period(one) for one in prices)
    else:
        values |= _stated(prices)
    spec = sourced(values, "genai-prices", catalog_version)
    starts = [one.effective_from or date.min for one in spec.price_periods]
    return spec.on(max(starts)) if starts else spec


def _period(conditional: Any) -> PricePeriod:
    """Return one of several prices; only the day of its start can set it apart."""
    start = getattr(conditional.constraint, "start_date", None)
    if conditional.constraint is not None and start is None:
        raise ValueError("a price that depends on more than a first day")
    return PricePeriod(source="genai-prices", effective_from=start, **_stated(conditional.prices))


def _stated(prices: Any) -> dict[str, Any]:
    """Return the prices that are one number; one that depends on the size of a call is unknown."""
    found = {ours: getattr(prices, theirs, None) for theirs, ours in _PRICES.items()}
    return {key: price for key, price in found.items() if isinstance(price, Decimal)}
