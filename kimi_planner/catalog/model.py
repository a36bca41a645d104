"""What a catalog holds: models with prices and capabilities, and the sources that state them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.errors import (
    CatalogError,
    PriceNotFoundError,
    UnknownModelError,
    did_you_mean,
    shown,
)
from kimi_planner.money import decimal_places, to_units

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CAPABILITIES",
    "PRICES",
    "STATED",
    "Catalog",
    "Conflict",
    "ModelSpec",
    "Rates",
    "Rating",
    "Source",
]

#: Capabilities a catalog can state and a workload can need.
CAPABILITIES = frozenset({"text", "streaming", "vision", "json", "reasoning", "tools"})

PRICES = ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")

#: Everything a catalog can state about a model.
STATED = (
    "id",
    "name",
    "context_window_tokens",
    *PRICES,
    "use_cases",
    "capabilities",
    "tokenizer",
    "chat_template",
    "reasoning_depth",
    "speed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value was found.

    Attributes
    ----------
    key, title
        Name inside the catalog, and what a reader would look for.
    checked_on
        The day on which somebody last compared the values with it.
    """

    key: str
    title: str
    checked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """An ordinal judgement, 1 the least, with the words of the source that it rests on."""

    rating: int
    words: str
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two values that one source gives for one field, the chosen one and the other."""

    field: str
    chosen: str
    chosen_where: str
    other: str
    other_where: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The prices of one model as whole numbers of one unit, for exact integer arithmetic.

    Attributes
    ----------
    input, cached, output
        Units for one token. ``cached`` equals ``input`` where no cached price is stated.
    places
        One unit is ``10**-places`` USD.
    """

    input: int
    cached: int
    output: int
    places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What a catalog states about one model; ``None`` means that it does not say.

    Attributes
    ----------
    id, name
        The value of ``model`` in a request, and the name for people.
    context_window_tokens
        Most tokens that prompt and reserved output may have together.
    input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok
        Prices in USD per 1,000,000 tokens.
    capabilities
        What the source says the model can do. What is missing is unknown, not refused.
    reasoning_depth, speed
        Ordinal ratings; a judgement on the source's words, not a measurement.
    sources
        Field name to the key of the source that states it.
    """

    id: str
    name: str | None = None
    context_window_tokens: int | None = None
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    use_cases: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    tokenizer: str | None = None
    chat_template: str | None = None
    reasoning_depth: Rating | None = None
    speed: Rating | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    catalog_version: str = ""

    @property
    def reasons(self) -> bool:
        """Whether the model spends reasoning tokens before it answers."""
        return "reasoning" in self.capabilities

    @property
    def not_stated(self) -> tuple[str, ...]:
        """Fields about which the catalog says nothing."""
        return tuple(name for name in STATED if getattr(self, name) in (None, (), frozenset()))

    @property
    def window(self) -> int:
        """The context window in tokens.

        Raises
        ------
        CatalogError
            If the catalog does not state it.
        """
        if self.context_window_tokens is None:
            raise CatalogError(
                f"Catalog {self.catalog_version} states no context window for {self.id!r}. "
                "Leave the model out, or add context_window_tokens in a new catalog version."
            )
        return self.context_window_tokens

    def rates(self) -> Rates:
        """Return the prices per token as integers.

        Raises
        ------
        PriceNotFoundError
            If the input or the output price is not stated.
        """
        prices = {"input": self.input_usd_per_mtok, "output": self.output_usd_per_mtok}
        for kind, price in prices.items():
            if price is None:
                raise PriceNotFoundError(
                    f"Catalog {self.catalog_version} states no {kind} price for {self.id!r}, so its cost "
                    f"cannot be told. Leave the model out, or add {kind}_usd_per_mtok in a new version."
                )
        cached = self.cached_input_usd_per_mtok
        per_mtok = [
            prices["input"],
            prices["input"] if cached is None else cached,
            prices["output"],
        ]
        known = [price for price in per_mtok if price is not None]
        places = max(decimal_places(price) for price in known)
        units = [to_units(price, places) for price in known]
        return Rates(input=units[0], cached=units[1], output=units[2], places=places + 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """One version of prices and capabilities.

    Attributes
    ----------
    version
        Name of the version; every result prints it.
    published
        Year and month in which the source published it.
    models
        The models, in the order of the file.
    sha256
        Digest of the file's bytes.
    conflicts
        Contradictions inside the source, with the value chosen.
    """

    version: str
    published: str
    currency: str
    source: Source
    models: tuple[ModelSpec, ...]
    sha256: str
    sources: Mapping[str, Source] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    base_url: str | None = None

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    @property
    def ids(self) -> tuple[str, ...]:
        """Model ids, in the order of the file."""
        return tuple(model.id for model in self.models)

    def model(self, model_id: str) -> ModelSpec:
        """Return the model with exactly this id.

        Raises
        ------
        UnknownModelError
            If there is none. Ids are never matched by prefix or guessed.
        """
        for model in self.models:
            if model.id == model_id:
                return model
        raise UnknownModelError(
            f"Unknown model {shown(model_id)}. Catalog {self.version} has {', '.join(self.ids)}."
            f"{did_you_mean(str(model_id), self.ids)}"
        )

    def select(self, model_ids: str | Iterable[str] | None = None) -> tuple[ModelSpec, ...]:
        """Return the named models, or all of them.

        Parameters
        ----------
        model_ids : str, iterable of str or None
            Ids in the wanted order; ``None`` for all.
        """
        if model_ids is None:
            return self.models
        names = [model_ids] if isinstance(model_ids, str) else model_ids
        return tuple(self.model(name) for name in dict.fromkeys(names))

    def frame(self) -> pd.DataFrame:
        """Return one row per model; prices are exact decimals, unknown values are missing."""
        import pandas as pd

        def level(rating: Rating | None) -> int | None:
            return rating.rating if rating else None

        rows = [
            {
                "model": model.id,
                "name": model.name,
                "context_window_tokens": model.context_window_tokens,
                **{price: getattr(model, price) for price in PRICES},
                "reasoning_depth": level(model.reasoning_depth),
                "speed": level(model.speed),
                "capabilities": ", ".join(sorted(model.capabilities)),
                "use_cases": ", ".join(model.use_cases),
            }
            for model in self.models
        ]
        integers = dict.fromkeys(("context_window_tokens", "reasoning_depth", "speed"), "Int64")
        return pd.DataFrame(rows).astype(integers)

    def check_as_of(self, as_of: date) -> None:
        """Refuse a day on which this catalog was not yet published.

        Raises
        ------
        PriceNotFoundError
            If ``as_of`` is before the month of publication.
        """
        if f"{as_of:%Y-%m}" < self.published:
            raise PriceNotFoundError(
                f"Catalog {self.version} has no price for {as_of}; it starts in {self.published}. "
                "Give a later --as-of, or a catalog of that time."
            )
