"""Prices and capabilities: versioned, sourced, never guessed."""

from kimi_planner.catalog.load import DEFAULT_VERSION, catalog_versions, load_catalog
from kimi_planner.catalog.model import (
    CAPABILITIES,
    PRICES,
    Catalog,
    Conflict,
    ModelSpec,
    Rates,
    Rating,
    Source,
)

__all__ = [
    "CAPABILITIES",
    "DEFAULT_VERSION",
    "PRICES",
    "Catalog",
    "Conflict",
    "ModelSpec",
    "Rates",
    "Rating",
    "Source",
    "catalog_versions",
    "load_catalog",
]
