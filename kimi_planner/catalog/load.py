"""Which catalogs there are, and loading one by its version, its path or its source."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from kimi_planner.arguments import public
from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.read import read_catalog
from kimi_planner.errors import CatalogError, Where, day_of, did_you_mean, shown
from kimi_planner.files import data_dir, read_text

DEFAULT_VERSION = "2026-06"
GENAI_PRICES = "genai-prices"
_SUM = re.compile(r"(?P<digest>[0-9a-f]{64}) [ *](?P<version>\S+)\.toml")


@public
def catalog_versions() -> tuple[str, ...]:
    """Return the versions that ship with the package, oldest first.

    Examples
    --------
    >>> catalog_versions()[0]
    '2026-06'
    """
    return tuple(sorted(path.stem for path in (data_dir() / "catalogs").glob("*.toml")))


@public
def load_catalog(
    version: str | Path | Catalog | None = None, *, as_of: date | str | None = None
) -> Catalog:
    """Load a catalog.

    Parameters
    ----------
    version : str, Path or Catalog, optional
        A shipped version such as ``"2026-06"``; the path of a TOML file of the same form; the path
        of a price file of LiteLLM, ending in ``.json``; or ``"genai-prices"``, the prices of that
        package (extra ``prices``). The default is the card of June 2026. A catalog is returned as
        it is.
    as_of : date, datetime or str, optional
        The day whose prices and knowledge count. Without it, prices are those of the month of
        publication.

    Raises
    ------
    CatalogError
        If there is no such version, or the file breaks a rule; the message names file and line.
    PriceNotFoundError
        If the catalog was not yet published on that day.
    MissingExtraError
        If the package of that source is not installed.

    Examples
    --------
    >>> load_catalog("2026-06").model("kimi-k2").input_usd_per_mtok
    Decimal('1.20')
    """
    catalog = version if isinstance(version, Catalog) else _found(version)
    if as_of is None:
        return catalog
    return catalog.on(day_of("as_of", as_of, fault=CatalogError))


def _found(version: str | Path | None) -> Catalog:
    name = DEFAULT_VERSION if version is None else str(version)
    if name == GENAI_PRICES or name.startswith(f"{GENAI_PRICES} "):
        from kimi_planner.catalog.genai import genai_catalog

        catalog = genai_catalog()
        if name not in (GENAI_PRICES, catalog.version):
            raise CatalogError(
                f"Catalog {name} is asked for, but {catalog.version} is installed. Install that version of "
                "the package, or ask for genai-prices."
            )
        return _with_correspondences(catalog)
    if name.endswith(".json"):
        from kimi_planner.catalog.litellm import litellm_catalog

        return _with_correspondences(litellm_catalog(Path(name)))
    if isinstance(version, Path) or "/" in name or "\\" in name or name.endswith(".toml"):
        return read_catalog(Path(name))
    return _shipped(name)


def _with_correspondences(catalog: Catalog) -> Catalog:
    """Add what shipped catalogs state of the ids that a catalog of another source has too."""
    stated = [one for version in catalog_versions() for one in _shipped(version).correspondences]
    own = dict.fromkeys(one for one in stated if one.model in catalog.ids)
    return replace(catalog, correspondences=tuple(own))


def catalog_path(version: str | Path | None) -> Path | None:
    """Return the file of a catalog, ``None`` if it is not in the form of this package."""
    name = DEFAULT_VERSION if version is None else str(version)
    if name.split(" ")[0] == GENAI_PRICES or name.endswith(".json"):
        return None
    shipped = data_dir() / "catalogs" / f"{name}.toml"
    return shipped if name in catalog_versions() else Path(name)


def published_sha256() -> dict[str, str]:
    """Return the digest with which each shipped version was published.

    Raises
    ------
    CatalogError
        If the list of them is missing or damaged.
    """
    path = data_dir() / "catalogs" / "SHA256SUMS"
    found = {}
    for number, line in enumerate(read_text(path, fault=CatalogError).splitlines(), 1):
        match = _SUM.fullmatch(line)
        if match is None:
            raise CatalogError(
                f"{shown(line)} is not as sha256sum writes it. Install the package anew.",
                at=Where(path, number),
            )
        found[match["version"]] = match["digest"]
    return found


@lru_cache(maxsize=8)
def _shipped(version: str) -> Catalog:
    versions = catalog_versions()
    if version not in versions:
        raise CatalogError(
            f"Unknown catalog {shown(version)}. Shipped versions: {', '.join(versions)}."
            f"{did_you_mean(version, versions)} A file is given by its path, ending in .toml."
        )
    path = data_dir() / "catalogs" / f"{version}.toml"
    digest = sha256(path.read_bytes()).hexdigest()
    published = published_sha256().get(version)
    if digest != published:
        raise CatalogError(
            f"its bytes are not the published ones (sha256 {digest[:12]}, published "
            f"{published[:12] if published else 'none'}). Install the package anew; a catalog of your own "
            "is loaded by its path.",
            at=path,
        )
    catalog = read_catalog(path)
    if catalog.version != version:
        raise CatalogError(
            f"Catalog file {version}.toml says version {catalog.version!r}. Rename one of them."
        )
    return catalog
