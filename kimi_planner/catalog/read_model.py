"""The ``[[models]]`` of a catalog file, every value checked and sourced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kimi_planner.catalog.cells import Cells, Reader, rows_of
from kimi_planner.catalog.model import (
    ALL_PRICES,
    CAPABILITIES,
    LIFECYCLE,
    STATED,
    STATUSES,
    WINDOWS,
    ModelSpec,
    PricePeriod,
)
from kimi_planner.catalog.provenance import Rating, Source
from kimi_planner.errors import CatalogError, shown
from kimi_planner.files import TomlFile

__all__ = ["CHAT_TEMPLATES", "MAX_WINDOW_TOKENS", "MODEL_KEYS", "PERIOD_KEYS", "read_models"]

MAX_WINDOW_TOKENS = 100_000_000
CHAT_TEMPLATES = ("kimi-k2", "kimi-k2.5")

MODEL_KEYS = (*STATED, *LIFECYCLE, "prices", "sources")
PERIOD_KEYS = ("effective_from", "effective_to", "known_on", *ALL_PRICES, "source")


def read_models(
    toml: TomlFile, version: str, published: str, sources: Mapping[str, Source]
) -> tuple[ModelSpec, ...]:
    """Return the models of a file, in its order, with the prices of the month of publication.

    Raises
    ------
    CatalogError
        If one breaks a rule, or two share an id.
    """
    entries = toml.data.get("models")
    if not isinstance(entries, list) or not entries:
        raise CatalogError("no [[models]]. A catalog states at least one model.", at=toml.path)
    month = date.fromisoformat(f"{published}-01")
    last = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    specs: list[ModelSpec] = []
    periods = 0
    for row in rows_of(toml, "models", MODEL_KEYS):
        spec = _read_model(row, version, sources, periods)
        if spec.id in [other.id for other in specs]:
            raise row.fail("id", f"duplicate id {spec.id!r}. Ids must be unique.")
        periods += len(spec.price_periods)
        begun = [day for day in spec.price_days if day < last]
        specs.append(spec.on(max(begun, default=month)))
    return tuple(specs)


def _read_model(row: Cells, version: str, sources: Mapping[str, Source], periods: int) -> ModelSpec:
    values: dict[str, Any] = {"id": row.text("id")}
    values |= {key: read(row, key) for key, read in _READERS.items() if key in row}
    if "prices" in row:
        values["price_periods"] = _read_periods(row, sources, periods)
    values["sources"] = _read_field_sources(row, sources)
    return ModelSpec(**values, catalog_version=version)


def _multiplier(row: Cells, key: str) -> Decimal:
    share = row.amount(key, "what a price is multiplied by")
    if not 0 < share <= 1:
        raise row.fail(key, f'{key} is "{share}". It lies above 0, at most 1.')
    return share


def _capabilities(row: Cells, key: str) -> frozenset[str]:
    words = frozenset(row.words(key))
    for word in sorted(words - CAPABILITIES):
        known = ", ".join(sorted(CAPABILITIES))
        raise row.fail(key, f"unknown capability {word!r}. Known: {known}.")
    return words


def _read_periods(
    row: Cells, sources: Mapping[str, Source], before: int
) -> tuple[PricePeriod, ...]:
    """Read ``[[models.prices]]``; ``before`` is how many of them earlier models have."""
    for key in ALL_PRICES:
        if key in row:
            raise row.fail(
                key,
                f"{key} stands beside [[models.prices]]. Write it there, from its first day on.",
            )
    entries = row.values["prices"]
    if not isinstance(entries, list) or not entries:
        raise row.fail("prices", "prices must be written [[models.prices]], one for each period.")
    readers = {"source": lambda row, key: row.one_of(key, sources, "source"), **_PERIOD_READERS}
    found: list[PricePeriod] = []
    for number, entry in enumerate(entries):
        one = Cells(row.toml, entry, "models.prices", before + number)
        one.refuse_unknown(PERIOD_KEYS)
        period = one.into(PricePeriod, readers)
        _refuse_disorder(one, found[-1] if found else None, period)
        found.append(period)
    return tuple(found)


def _refuse_disorder(row: Cells, before: PricePeriod | None, period: PricePeriod) -> None:
    start, end = period.effective_from, period.effective_to
    if before is not None:
        if start is None:
            raise row.fail(
                None, "effective_from is missing. Only the first period may leave it out."
            )
        if before.effective_from is not None and start <= before.effective_from:
            raise row.fail(
                "effective_from",
                f"effective_from is {start}, not after {before.effective_from}, where the period before "
                "starts. Write periods in order.",
            )
        if before.effective_to is not None and start < before.effective_to:
            raise row.fail(
                "effective_from",
                f"effective_from is {start}, before {before.effective_to}, where the period before ends. "
                "Two prices cannot hold on one day.",
            )
    if end is not None and start is not None and end <= start:
        raise row.fail(
            "effective_to",
            f"effective_to is {end}, not after effective_from, {start}. It is the first day without "
            "these prices.",
        )


def _read_rating(row: Cells, key: str) -> Rating:
    entry = row.values[key]
    if not isinstance(entry, dict) or set(entry) != {"rating", "words", "reading"}:
        raise row.fail(key, f"{key} needs exactly the keys rating, words, reading.")
    if type(entry["rating"]) is not int or not 1 <= entry["rating"] <= 9:
        raise row.fail(
            key, f"the rating is {shown(entry['rating'])}. It is an ordinal from 1 to 9."
        )
    if not all(isinstance(entry[name], str) and entry[name] for name in ("words", "reading")):
        raise row.fail(key, "words and reading must say what the rating rests on.")
    return Rating(**entry)


_PERIOD_READERS: dict[str, Reader] = {
    **dict.fromkeys(("effective_from", "effective_to", "known_on"), Cells.day),
    **dict.fromkeys(ALL_PRICES, Cells.amount),
}
#: How each key of a model is read, where it stands there; what the table does not say is unknown.
_READERS: dict[str, Reader] = {
    **dict.fromkeys(("name", "tokenizer", "replaced_by"), Cells.text),
    "chat_template": lambda row, key: row.one_of(key, CHAT_TEMPLATES, "template"),
    "status": lambda row, key: row.one_of(key, STATUSES, "status"),
    **dict.fromkeys(WINDOWS, lambda row, key: row.tokens(key, MAX_WINDOW_TOKENS)),
    **dict.fromkeys(ALL_PRICES, Cells.amount),
    "batch_multiplier": _multiplier,
    **dict.fromkeys(("released_on", "first_seen_on", "retired_on"), Cells.day),
    "use_cases": lambda row, key: tuple(row.words(key)),
    "capabilities": _capabilities,
    **dict.fromkeys(("reasoning_depth", "speed"), _read_rating),
}


def _read_field_sources(row: Cells, sources: Mapping[str, Source]) -> dict[str, str]:
    table = row.values.get("sources")
    if not isinstance(table, dict):
        raise row.fail("sources", "no [models.sources]. Every value needs a source.")
    stated: dict[str, str] = {}
    for source, fields in table.items():
        if source not in sources:
            raise row.fail("sources", f"unknown source {source!r}. Known: {', '.join(sources)}.")
        if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
            raise row.fail("sources", f"the fields of source {source!r} must be a list of names.")
        for name in fields:
            if name in stated:
                raise row.fail(
                    "sources",
                    f"{name!r} has two sources, {stated[name]!r} and {source!r}. Keep one.",
                )
            if name not in row:
                raise row.fail(
                    "sources", f"a source is named for {name!r}, which the model does not state."
                )
            stated[name] = source
    for key in row.values:
        if key not in ("sources", "prices") and key not in stated:
            raise row.fail(key, f"no source is named for {key}. List it under [models.sources].")
    return stated
