"""Prices and capabilities: versioned, sourced, never guessed."""

from typing import TYPE_CHECKING, Any

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.load import DEFAULT_VERSION, catalog_versions, load_catalog
from kimi_planner.catalog.model import (
    ALL_PRICES,
    CAPABILITIES,
    LIFECYCLE,
    PRICES,
    ModelSpec,
    PricePeriod,
    Profile,
)
from kimi_planner.catalog.provenance import (
    Behaviour,
    Conflict,
    Correspondence,
    Exchange,
    Fee,
    ListPrice,
    Rating,
    Source,
)
from kimi_planner.catalog.rendering import Rendering

if TYPE_CHECKING:
    from kimi_planner.catalog.diff import CatalogDiff, diff_catalogs

__all__ = [
    "ALL_PRICES",
    "CAPABILITIES",
    "DEFAULT_VERSION",
    "LIFECYCLE",
    "PRICES",
    "Behaviour",
    "Catalog",
    "CatalogDiff",
    "Conflict",
    "Correspondence",
    "Exchange",
    "Fee",
    "ListPrice",
    "ModelSpec",
    "PricePeriod",
    "Profile",
    "Rating",
    "Rendering",
    "Source",
    "catalog_versions",
    "diff_catalogs",
    "load_catalog",
]


def __getattr__(name: str) -> Any:
    """Import what compares catalogs on first use: it is seldom asked for."""
    if name not in ("CatalogDiff", "diff_catalogs"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kimi_planner.catalog import diff

    return getattr(diff, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
