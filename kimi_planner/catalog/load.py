"""Catalog files: find a version, read it, refuse whatever breaks a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from kimi_planner.catalog.model import (
    CAPABILITIES,
    PRICES,
    STATED,
    Catalog,
    Conflict,
    ModelSpec,
    Rating,
    Source,
)
from kimi_planner.errors import CatalogError, FileError, did_you_mean, shown
from kimi_planner.files import TomlFile, data_dir, read_toml, refuse_unknown_keys
from kimi_planner.money import decimal_places

__all__ = ["DEFAULT_VERSION", "catalog_versions", "load_catalog"]

DEFAULT_VERSION = "2026-06"
MAX_WINDOW_TOKENS = 100_000_000
MAX_PRICE_PLACES = 9

_TOP_KEYS = frozenset(
    {"version", "published", "currency", "source", "base_url", "sources", "conflicts", "models"}
)
_CHAT_TEMPLATES = ("kimi-k2", "kimi-k2.5")

Fail = Callable[[str], CatalogError]
FailAt = Callable[[str, str], CatalogError]


def catalog_versions() -> tuple[str, ...]:
    """Return the versions that ship with the package, oldest first."""
    return tuple(sorted(path.stem for path in (data_dir() / "catalogs").glob("*.toml")))


def load_catalog(version: str | Path | Catalog | None = None) -> Catalog:
    """Load a catalog.

    Parameters
    ----------
    version : str, Path or Catalog, optional
        A shipped version such as ``"2026-06"``, or the path of a TOML file of the same form.
        The default is the card of June 2026. A catalog is returned as it is.

    Raises
    ------
    CatalogError
        If there is no such version, or the file breaks a rule; the message names file and line.

    Examples
    --------
    >>> load_catalog("2026-06").model("kimi-k2").input_usd_per_mtok
    Decimal('1.20')
    """
    if isinstance(version, Catalog):
        return version
    name = DEFAULT_VERSION if version is None else str(version)
    if isinstance(version, Path) or "/" in name or "\\" in name or name.endswith(".toml"):
        return _read_catalog(Path(name))
    return _shipped(name)


@lru_cache(maxsize=8)
def _shipped(version: str) -> Catalog:
    versions = catalog_versions()
    if version not in versions:
        raise CatalogError(
            f"Unknown catalog {shown(version)}. Shipped versions: {', '.join(versions)}."
            f"{did_you_mean(version, versions)} A file is given by its path, ending in .toml."
        )
    catalog = _read_catalog(data_dir() / "catalogs" / f"{version}.toml")
    if catalog.version != version:
        raise CatalogError(
            f"Catalog file {version}.toml says version {catalog.version!r}. Rename one of them."
        )
    return catalog


def _read_catalog(path: Path) -> Catalog:
    try:
        toml = read_toml(path)
    except FileError as error:
        raise CatalogError(str(error)) from None
    data = toml.data
    refuse_unknown_keys(data, _TOP_KEYS, toml=toml, error=CatalogError)
    version, currency = (_text(toml, data, key) for key in ("version", "currency"))
    published = _text(toml, data, "published")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", published):
        raise CatalogError(
            f"{toml.where(key='published')}: published is {published!r}. Write year and month: 2026-06."
        )
    if currency != "USD":
        raise CatalogError(
            f"{toml.where(key='currency')}: currency is {currency!r}. Prices must be in USD."
        )
    sources = _read_sources(toml)
    main = _text(toml, data, "source")
    if main not in sources:
        raise CatalogError(
            f"{toml.where(key='source')}: source {main!r} has no table [sources.{main}]."
        )
    models = data.get("models")
    if not isinstance(models, list) or not models:
        raise CatalogError(f"{path}: no [[models]]. A catalog states at least one model.")
    specs = tuple(_read_model(toml, number, version, sources) for number in range(len(models)))
    for number, spec in enumerate(specs):
        if spec.id in [other.id for other in specs[:number]]:
            raise CatalogError(
                f"{toml.where('models', number, 'id')}: duplicate id {spec.id!r}. Ids must be unique."
            )
    return Catalog(
        version=version,
        published=published,
        currency=currency,
        source=sources[main],
        sources=sources,
        models=specs,
        conflicts=_read_conflicts(toml),
        base_url=_text(toml, data, "base_url") if "base_url" in data else None,
        sha256=sha256(path.read_bytes()).hexdigest(),
    )


def _read_sources(toml: TomlFile) -> dict[str, Source]:
    tables = toml.data.get("sources")
    if not isinstance(tables, dict) or not tables:
        raise CatalogError(
            f"{toml.path}: no [sources.…] table. Say where the prices were found and when."
        )
    found = {}
    for key, entry in tables.items():
        table = f"sources.{key}"
        _require_table(toml, entry, table)
        refuse_unknown_keys(
            entry, {"title", "checked_on"}, toml=toml, table=table, error=CatalogError
        )
        checked_on = entry.get("checked_on")
        if type(checked_on) is not date:
            raise CatalogError(
                f"{toml.where(table)}: checked_on is {shown(checked_on)}. Write a date: 2026-11-24."
            )
        found[key] = Source(
            key=key, title=_text(toml, entry, "title", table), checked_on=checked_on
        )
    return found


def _read_conflicts(toml: TomlFile) -> tuple[Conflict, ...]:
    names = tuple(Conflict.__dataclass_fields__)
    entries = toml.data.get("conflicts", [])
    if not isinstance(entries, list):
        raise CatalogError(
            f"{toml.where(key='conflicts')}: conflicts must be written [[conflicts]]."
        )
    found = []
    for number, entry in enumerate(entries):
        _require_table(toml, entry, "conflicts", number)
        refuse_unknown_keys(
            entry, names, toml=toml, table="conflicts", index=number, error=CatalogError
        )
        found.append(
            Conflict(**{name: _text(toml, entry, name, "conflicts", number) for name in names})
        )
    return tuple(found)


def _read_model(
    toml: TomlFile, number: int, version: str, sources: Mapping[str, Source]
) -> ModelSpec:
    entry = toml.data["models"][number]
    _require_table(toml, entry, "models", number)
    known = {*STATED, "sources"}
    refuse_unknown_keys(entry, known, toml=toml, table="models", index=number, error=CatalogError)

    def fail(key: str, problem: str) -> CatalogError:
        return CatalogError(f"{toml.where('models', number, key)}: {problem}")

    values: dict[str, Any] = {"id": _text(toml, entry, "id", "models", number)}
    for key in ("name", "tokenizer", "chat_template"):
        if key in entry:
            values[key] = _text(toml, entry, key, "models", number)
    if values.get("chat_template", _CHAT_TEMPLATES[0]) not in _CHAT_TEMPLATES:
        known_templates = ", ".join(_CHAT_TEMPLATES)
        raise fail(
            "chat_template",
            f"unknown template {values['chat_template']!r}. Known: {known_templates}.",
        )
    if "context_window_tokens" in entry:
        window = entry["context_window_tokens"]
        if type(window) is not int or not 0 < window <= MAX_WINDOW_TOKENS:
            raise fail(
                "context_window_tokens",
                f"{shown(window)} is not a whole number of tokens, such as 128000.",
            )
        values["context_window_tokens"] = window
    for key in PRICES:
        if key in entry:
            values[key] = _price(entry[key], partial(_fail_price, fail, key))
    values["use_cases"] = tuple(_words(entry, "use_cases", fail))
    values["capabilities"] = frozenset(_words(entry, "capabilities", fail))
    for word in sorted(values["capabilities"] - CAPABILITIES):
        known_words = ", ".join(sorted(CAPABILITIES))
        raise fail("capabilities", f"unknown capability {word!r}. Known: {known_words}.")
    for key in ("reasoning_depth", "speed"):
        if key in entry:
            values[key] = _read_rating(toml, number, key, entry[key])
    values["sources"] = _read_field_sources(entry, sources, fail)
    return ModelSpec(**values, catalog_version=version)


def _fail_price(fail: FailAt, key: str, problem: str) -> CatalogError:
    return fail(key, f"{key} {problem}")


def _words(entry: Mapping[str, Any], key: str, fail: FailAt) -> list[str]:
    words = entry.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        raise fail(key, f"{key} must be a list of words.")
    return words


def _price(value: object, fail: Fail) -> Decimal:
    if not isinstance(value, str):
        raise fail(f'is {shown(value)}. Write prices as decimal strings, such as "2.50".')
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        raise fail(
            f'is {value!r}. A price is a decimal number of USD per 1M tokens, such as "2.50".'
        )
    price = Decimal(value)
    if decimal_places(price) > MAX_PRICE_PLACES:
        raise fail(f"is {value!r}. At most {MAX_PRICE_PLACES} decimal places are supported.")
    return price


def _read_rating(toml: TomlFile, number: int, key: str, entry: object) -> Rating:
    where = toml.where("models", number, key)
    if not isinstance(entry, dict) or set(entry) != {"rating", "words", "reading"}:
        raise CatalogError(f"{where}: {key} needs exactly the keys rating, words, reading.")
    if type(entry["rating"]) is not int or not 1 <= entry["rating"] <= 9:
        raise CatalogError(
            f"{where}: the rating is {shown(entry['rating'])}. It is an ordinal from 1 to 9."
        )
    if not all(isinstance(entry[name], str) and entry[name] for name in ("words", "reading")):
        raise CatalogError(f"{where}: words and reading must say what the rating rests on.")
    return Rating(**entry)


def _read_field_sources(
    entry: Mapping[str, Any], sources: Mapping[str, Source], fail: FailAt
) -> dict[str, str]:
    table = entry.get("sources")
    if not isinstance(table, dict):
        raise fail("sources", "no [models.sources]. Every value needs a source.")
    stated: dict[str, str] = {}
    for source, fields in table.items():
        if source not in sources:
            raise fail("sources", f"unknown source {source!r}. Known: {', '.join(sources)}.")
        if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
            raise fail("sources", f"the fields of source {source!r} must be a list of names.")
        for name in fields:
            if name in stated:
                raise fail(
                    "sources",
                    f"{name!r} has two sources, {stated[name]!r} and {source!r}. Keep one.",
                )
            if name not in entry:
                raise fail(
                    "sources", f"a source is named for {name!r}, which the model does not state."
                )
            stated[name] = source
    for key in entry:
        if key != "sources" and key not in stated:
            raise fail(key, f"no source is named for {key}. List it under [models.sources].")
    return stated


def _require_table(toml: TomlFile, entry: object, table: str, index: int | None = None) -> None:
    if not isinstance(entry, dict):
        raise CatalogError(
            f"{toml.where(table, index)}: {table} must be a table, not {shown(entry)}."
        )


def _text(
    toml: TomlFile, table: Mapping[str, Any], key: str, name: str = "", index: int | None = None
) -> str:
    value = table.get(key)
    if isinstance(value, str) and value.strip():
        return value
    problem = f"{key} is {shown(value)}; it must be text" if key in table else f"{key} is missing"
    raise CatalogError(f"{toml.where(name, index, key if key in table else None)}: {problem}.")
