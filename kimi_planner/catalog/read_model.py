"""The ``[[models]]`` of a catalog file, every value checked and sourced."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import MAXYEAR, date
from decimal import Decimal
from functools import partial
from typing import Any
from unicodedata import category, normalize

from kimi_planner.catalog.cells import Cells, Reader, rows_of
from kimi_planner.catalog.model import (
    ALL_PRICES,
    ANSWERING,
    CAPABILITIES,
    LIFECYCLE,
    STATED,
    STATUSES,
    WINDOWS,
    ModelSpec,
    PricePeriod,
)
from kimi_planner.catalog.provenance import ANSWER, MEASURED, Behaviour, Rating, Source
from kimi_planner.catalog.rendering import CHAT_TEMPLATES, MAX_PATCHES, RENDERING_WORDS, Rendering
from kimi_planner.errors import CatalogError, shown, unknown
from kimi_planner.toml_file import TomlFile

MAX_WINDOW_TOKENS = 100_000_000
#: What cannot be meant: a price per token or per 1,000, and a window in thousands.
_LEAST_PRICE = Decimal("0.001")
_LEAST_WINDOW = 1_000
_EFFORTS = RENDERING_WORDS["default_effort"]

#: Lists of tables inside a model; each of them names its own source.
TABLES = ("prices", "rendering", "behaviour")
MODEL_KEYS = (*STATED, "aliases", "has", "lacks", *ANSWERING, *LIFECYCLE, *TABLES, "sources")
BEHAVIOUR_KEYS = tuple(Behaviour.__dataclass_fields__)
PERIOD_KEYS = ("effective_from", "effective_to", "known_on", *ALL_PRICES, "source")
RENDERING_KEYS = ("effective_from", *RENDERING_WORDS, "image_patches", "source")


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
    december = month.month == 12
    last = (
        date.max if december and month.year == MAXYEAR
        else date(month.year + december, month.month % 12 + 1, 1)
    )  # fmt: skip
    specs: list[ModelSpec] = []
    for row in rows_of(toml, "models", MODEL_KEYS):
        spec = _read_model(row, version, sources)
        for other in specs:
            if _looks(spec.id) == _looks(other.id):
                like = "" if spec.id == other.id else f", which looks like {other.id!r}"
                raise row.fail("id", f"duplicate id {spec.id!r}{like}. Ids must be unique.")
        begun = [day for day in spec.price_days if day < last]
        specs.append(spec.on(max(begun, default=month)))
    _refuse_doubled(toml, specs)
    return tuple(specs)


def _looks(name: str) -> str:
    """Return what a name looks like: without marks that cannot be seen, in one case and form."""
    return "".join(
        letter for letter in normalize("NFKC", name).casefold() if category(letter) != "Cf"
    )


def _refuse_doubled(toml: TomlFile, specs: list[ModelSpec]) -> None:
    """Refuse an alias that is the name of another model too."""
    names = [name for spec in specs for name in (spec.id, *spec.aliases)]
    for number, spec in enumerate(specs):
        for name in spec.aliases:
            if names.count(name) > 1:
                raise CatalogError(
                    f"alias {name!r} of {spec.id!r} is a name twice. A name is of one model.",
                    at=toml.where("models", number, "aliases"),
                )


def _read_model(row: Cells, version: str, sources: Mapping[str, Source]) -> ModelSpec:
    values: dict[str, Any] = {"id": row.text("id")}
    values |= _read(row, _READERS)
    values["capabilities"] = _read_capabilities(row)
    for word in sorted(values["capabilities"] & values.get("lacks", frozenset())):
        raise row.fail("lacks", f"the model has {word!r} and lacks it. Keep one.")
    if "prices" in row:
        values["price_periods"] = _read_periods(row, sources)
    values["sources"] = _read_field_sources(row, sources)
    values["behaviour"] = _read_behaviour(row, sources)
    spec = ModelSpec(**values, catalog_version=version)
    return replace(spec, renderings=_read_renderings(row, spec, sources))


def _read(row: Cells, readers: Mapping[str, Reader]) -> dict[str, Any]:
    return {key: read(row, key) for key, read in readers.items() if key in row}


def _price(row: Cells, key: str) -> Decimal:
    price = row.amount(key)
    if 0 < price < _LEAST_PRICE:
        raise row.fail(
            key,
            f"{key} is {price:f} USD per 1M tokens, less than anything that is sold. A price per token is "
            f"written times 1,000,000, {price * 1_000_000:f}; one per 1,000 tokens times 1,000.",
        )
    return price


def _window(row: Cells, key: str) -> int:
    tokens = row.whole(key, MAX_WINDOW_TOKENS)
    if tokens < _LEAST_WINDOW:
        raise row.fail(
            key, f"{key} is {tokens}, too few to be meant. Write tokens in full: {tokens}000."
        )
    return tokens


def _multiplier(row: Cells, key: str) -> Decimal:
    share = row.amount(key, "what a price is multiplied by")
    if not 0 < share <= 1:
        raise row.fail(key, f'{key} is "{share}". It lies above 0, at most 1.')
    return share


def _positive(row: Cells, key: str, noun: str, what: str) -> Decimal:
    number = row.amount(key, what, noun)
    if not number:
        raise row.fail(key, f"{key} is 0. Leave it out if it is not known.")
    return number


def _known(row: Cells, key: str, known: Collection[str], what: str) -> tuple[str, ...]:
    words = row.words(key)
    for word in words:
        if word not in known:
            raise row.fail(key, unknown(f"unknown {what}", word, known))
    return tuple(words)


def _capabilities(row: Cells, key: str) -> frozenset[str]:
    return frozenset(_known(row, key, sorted(CAPABILITIES), "capability"))


def _read_capabilities(row: Cells) -> frozenset[str]:
    """Read what the model has, under either of the two names of the key."""
    if "has" in row and "capabilities" in row:
        raise row.fail("has", "has stands beside capabilities, its older name. Keep one.")
    key = "has" if "has" in row else "capabilities"
    return _capabilities(row, key) if key in row else frozenset()


def _tables_in(row: Cells, key: str, known: Collection[str]) -> Iterator[Cells]:
    """Yield the tables of a list inside a model."""
    entries, table = row.values.get(key, ()), f"models.{key}"
    if key in row and (not isinstance(entries, list) or not entries):
        raise row.fail(key, f"{key} must be written [[{table}]], one for each.")
    earlier = sum(len(model.get(key, ())) for model in row.toml.data["models"][: row.index])
    for number, entry in enumerate(entries, earlier):
        one = Cells(row.toml, entry, table, number)
        one.refuse_unknown(known)
        yield one


def _read_periods(row: Cells, sources: Mapping[str, Source]) -> tuple[PricePeriod, ...]:
    for key in ALL_PRICES:
        if key in row:
            raise row.fail(
                key,
                f"{key} stands beside [[models.prices]]. Write it there, from its first day on.",
            )
    periods: list[PricePeriod] = []
    for one in _tables_in(row, "prices", PERIOD_KEYS):
        source = one.one_of("source", sources, "source")
        period = PricePeriod(source=source, **_read(one, _PERIOD_READERS))
        _refuse_overlap(one, periods[-1] if periods else None, period)
        periods.append(period)
    return tuple(periods)


def _read_renderings(
    row: Cells, spec: ModelSpec, sources: Mapping[str, Source]
) -> tuple[Rendering, ...]:
    """Read ``[[models.rendering]]``; what a rule leaves out is that of the chat template."""
    rules: list[Rendering] = []
    for one in _tables_in(row, "rendering", RENDERING_KEYS):
        if spec.chat_template is None:
            raise one.fail(
                None, "the model has no chat_template. Name the one that the rule is of."
            )
        source = one.one_of("source", sources, "source")
        family = Rendering.of(spec.chat_template, reasons="reasoning" in spec.capabilities)
        rule = replace(family, source=source, **_read(one, _RENDERING_READERS))
        if spec.reasoning_efforts and rule.default_effort not in (None, *spec.reasoning_efforts):
            raise one.fail(
                "default_effort",
                f"default_effort is {rule.default_effort!r}, which is none of reasoning_efforts, "
                f"{', '.join(spec.reasoning_efforts)}.",
            )
        if rules:
            _refuse_disorder(one, "rule", rules[-1].effective_from, rule.effective_from)
        rules.append(rule)
    return tuple(rules)


def _read_behaviour(row: Cells, sources: Mapping[str, Source]) -> tuple[Behaviour, ...]:
    ratios: list[Behaviour] = []
    ids = [entry.get("id") for entry in row.toml.data["models"] if isinstance(entry, dict)]
    others = [name for name in ids if isinstance(name, str) and name != row.values["id"]]
    for one in _tables_in(row, "behaviour", BEHAVIOUR_KEYS):
        ratio = Behaviour(
            of=(of := one.one_of("of", MEASURED, "measure")),
            relative_to=one.one_of(
                "relative_to", [*others, ANSWER] if of == "reasoning tokens" else others, "model"
            ),
            on=one.text("on"),
            source=one.one_of("source", sources, "source"),
            **_read(one, _BEHAVIOUR_READERS),
        )
        if ratio.low is None and ratio.high is None:
            raise one.fail(None, "low and high are missing. Give one of them at least.")
        if ratio.low is not None and ratio.high is not None and ratio.low > ratio.high:
            raise one.fail("low", f'low is "{ratio.low}", above high, "{ratio.high}".')
        ratios.append(ratio)
    return tuple(ratios)


def _refuse_disorder(row: Cells, what: str, before: date | None, start: date | None) -> None:
    """Refuse a table that does not start after the one before it."""
    if start is None:
        raise row.fail(None, f"effective_from is missing. Only the first {what} may leave it out.")
    if before is not None and start <= before:
        raise row.fail(
            "effective_from",
            f"effective_from is {start}, not after {before}, where the {what} before "
            f"starts. Write {what}s in order.",
        )


def _refuse_overlap(row: Cells, before: PricePeriod | None, period: PricePeriod) -> None:
    start, end = period.effective_from, period.effective_to
    if before is not None:
        _refuse_disorder(row, "period", before.effective_from, start)
        if before.effective_to is not None and start is not None and start < before.effective_to:
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
    **dict.fromkeys(ALL_PRICES, _price),
}
_RENDERING_READERS: dict[str, Reader] = {
    "effective_from": Cells.day,
    **{
        key: partial(Cells.one_of, known=words, what=key.replace("_", " "))
        for key, words in RENDERING_WORDS.items()
    },
    "image_patches": partial(Cells.whole, most=MAX_PATCHES, of="patches, such as 16384"),
}
_BEHAVIOUR_READERS: dict[str, Reader] = {
    **dict.fromkeys(
        ("low", "high"), partial(_positive, noun="ratio", what="this model over the other")
    ),
    "effort": partial(Cells.one_of, known=_EFFORTS, what="effort"),
}
#: How each key of a model is read, where it stands there; what the table does not say is unknown.
_READERS: dict[str, Reader] = {
    **dict.fromkeys(("name", "tokenizer", "replaced_by"), Cells.text),
    "chat_template": partial(Cells.one_of, known=CHAT_TEMPLATES, what="template"),
    "status": partial(Cells.one_of, known=STATUSES, what="status"),
    **dict.fromkeys(WINDOWS, _window),
    **dict.fromkeys(ALL_PRICES, _price),
    "batch_multiplier": _multiplier,
    **dict.fromkeys(("released_on", "first_seen_on", "retired_on"), Cells.day),
    **dict.fromkeys(("use_cases", "aliases"), lambda row, key: tuple(row.words(key))),
    "lacks": _capabilities,
    "reasoning_efforts": partial(_known, known=_EFFORTS, what="effort"),
    "output_tokens_per_second": partial(_positive, noun="speed", what="tokens per second"),
    **dict.fromkeys(("reasoning_depth", "speed"), _read_rating),
}


def _read_field_sources(row: Cells, sources: Mapping[str, Source]) -> dict[str, str]:
    table = row.values.get("sources")
    if not isinstance(table, dict):
        raise row.fail("sources", "no [models.sources]. Every value needs a source.")
    stated: dict[str, str] = {}
    for source, fields in table.items():
        if source not in sources:
            raise row.fail("sources", unknown("unknown source", source, sources))
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
        if key not in ("sources", *TABLES) and key not in stated:
            raise row.fail(key, f"no source is named for {key}. List it under [models.sources].")
    return {"capabilities" if name == "has" else name: source for name, source in stated.items()}
