"""Prices and capabilities: versioned, sourced, never guessed."""

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.diff import CatalogDiff, diff_catalogs
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
