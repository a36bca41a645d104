"""A catalog file becomes a catalog, or one error with its line."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.cells import Cells, Reader, read_sources, rows_of
from kimi_planner.catalog.model import ModelSpec
from kimi_planner.catalog.provenance import Conflict, Correspondence, Fee, ListPrice
from kimi_planner.catalog.read_model import read_models
from kimi_planner.errors import CatalogError
from kimi_planner.toml_file import TomlFile, read_toml

Form = TypeVar("Form", Conflict, Fee, ListPrice, Correspondence)

TAXES = ("excluded", "included")
LIST_PRICES = ("input_per_mtok", "cached_input_per_mtok", "output_per_mtok")

#: The keys of each table but those of models; ``""`` is the top of the file.
KEYS: dict[str, tuple[str, ...]] = {
    "": (
        "version",
        "published",
        "currency",
        "source",
        "base_url",
        "tax",
        "sources",
        "conflicts",
        "fees",
        "list_prices",
        "correspondences",
        "models",
    ),
    "sources": ("title", "checked_on", "verified"),
    "conflicts": tuple(Conflict.__dataclass_fields__),
    "fees": tuple(Fee.__dataclass_fields__),
    "list_prices": tuple(ListPrice.__dataclass_fields__),
    "correspondences": tuple(Correspondence.__dataclass_fields__),
}


def read_catalog(path: Path) -> Catalog:
    """Read a catalog file.

    Raises
    ------
    CatalogError
        If it breaks a rule; the message names file, line and remedy.
    """
    toml = read_toml(path, CatalogError)
    top = Cells(toml, toml.data)
    top.refuse_unknown(KEYS[""])
    version, currency = top.text("version"), top.text("currency")
    published = top.text("published")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", published):
        raise top.wrong("published", "Write year and month: 2026-06.")
    if currency != "USD":
        raise top.wrong("currency", "Prices must be in USD.")
    sources = read_sources(toml, "prices", lambda row: row.refuse_unknown(KEYS["sources"]))
    main = top.text("source")
    if main not in sources:
        raise top.fail("source", f"source {main!r} has no table [sources.{main}].")
    models = read_models(toml, version, published, sources)
    own = {
        "model": lambda row, _: _own_model(row, models),
        "source": lambda row, key: row.one_of(key, sources, "source"),
    }

    def rows(table: str, form: type[Form], **readers: Reader) -> tuple[Form, ...]:
        every = rows_of(toml, table, KEYS[table])
        return tuple(row.into(form, own | readers) for row in every)

    catalog = Catalog(
        version=version,
        published=published,
        currency=currency,
        source=sources[main],
        sources=sources,
        models=models,
        conflicts=rows("conflicts", Conflict),
        base_url=top.text("base_url") if "base_url" in top else None,
        tax=top.one_of("tax", TAXES, "tax") if "tax" in top else None,
        fees=rows("fees", Fee, usd_per_call=lambda row, key: row.amount(key, "USD per call")),
        list_prices=rows(
            "list_prices",
            ListPrice,
            currency=_other_currency,
            **dict.fromkeys(LIST_PRICES, _in_currency),
        ),
        correspondences=rows("correspondences", Correspondence),
        sha256=sha256(path.read_bytes()).hexdigest(),
    )
    _refuse_unchecked(toml, catalog)
    return catalog


def _other_currency(row: Cells, key: str) -> str:
    currency = row.text(key)
    if not re.fullmatch(r"[A-Z]{3}", currency) or currency == "USD":
        raise row.wrong(key, "Write another one than USD in three letters: CNY.")
    return currency


def _in_currency(row: Cells, key: str) -> Decimal:
    return row.amount(key, f"{row.text('currency')} per 1M tokens")


def _own_model(row: Cells, models: tuple[ModelSpec, ...]) -> str:
    ids = [model.id for model in models]
    name = row.text("model")
    if name not in ids:
        raise row.fail("model", f"no model has the id {name!r}. There are {', '.join(ids)}.")
    return name


def _refuse_unchecked(toml: TomlFile, catalog: Catalog) -> None:
    """Refuse a month of publication, or a day of knowledge, that nobody can have checked yet."""
    last = max(one.checked_on for one in catalog.sources.values() if one.checked_on)
    remedy = "Correct the date, or compare the values again and set checked_on."
    if catalog.published > f"{last:%Y-%m}":
        raise Cells(toml, toml.data).fail(
            "published",
            f"published is {catalog.published}, after the last check of a source, {last}. {remedy}",
        )
    for number, model in enumerate(catalog.models):
        seen: dict[str, date | None] = {"first_seen_on": model.first_seen_on}
        seen["known_on"] = max(
            (one.known_on for one in model.price_periods if one.known_on), default=None
        )
        for key, day in seen.items():
            if day is not None and day > last:
                raise CatalogError(
                    f"{key} is {day}, after the last check of a source, {last}. {remedy}",
                    at=toml.where("models", number, key),
                )
