"""What a catalog states about one model: prices, also dated ones, window, capabilities, lifecycle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from kimi_planner.catalog.provenance import Behaviour, Rating
from kimi_planner.catalog.rendering import Rendering
from kimi_planner.errors import CatalogError
from kimi_planner.rich import Page, Shown, stated

#: Capabilities a catalog can state and a workload can need.
CAPABILITIES = frozenset({"text", "streaming", "vision", "video", "json", "reasoning", "tools"})

#: Prices that every call needs.
PRICES = ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")

#: Every price per token that a catalog can state.
ALL_PRICES = (*PRICES, "cache_write_5m_usd_per_mtok", "cache_write_1h_usd_per_mtok")

#: Most tokens of a request, of its answer, and of an answer without a limit of its own.
WINDOWS = ("context_window_tokens", "max_output_tokens", "default_output_tokens")

#: Whether a model can be called, in the words of its source.
STATUSES = ("offered", "deprecated", "retired")

#: What else a source states of how a model answers; a model may have no such thing.
ANSWERING = ("reasoning_efforts", "output_tokens_per_second")

#: When a model came and went. What is missing is not listed as a gap: most models have not gone.
LIFECYCLE = ("status", "released_on", "first_seen_on", "retired_on", "replaced_by")

#: Everything that a plan would use and a catalog can state about a model.
STATED = (
    "id",
    "name",
    *WINDOWS,
    *ALL_PRICES,
    "batch_multiplier",
    "use_cases",
    "capabilities",
    "tokenizer",
    "chat_template",
    "reasoning_depth",
    "speed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePeriod:
    """Prices of a model from a day on, until the next period starts.

    Attributes
    ----------
    effective_from
        The first day; ``None`` for as long as the model exists.
    effective_to
        The first day on which they no longer hold, where the source states an end.
    known_on
        The day on which they were known; ``None`` if ever since the catalog was published.
    source
        Key of the source that states them.
    """

    source: str
    effective_from: date | None = None
    effective_to: date | None = None
    known_on: date | None = None
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cache_write_5m_usd_per_mtok: Decimal | None = None
    cache_write_1h_usd_per_mtok: Decimal | None = None

    def starts_by(self, day: date) -> bool:
        """Whether the period has begun on a day."""
        return self.effective_from is None or self.effective_from <= day


class Profile(NamedTuple):
    """All that a model changes about the sizes of a call.

    Attributes
    ----------
    reasons
        Whether it spends reasoning tokens before it answers; ``None`` if that is not stated.
    window
        Context window in tokens; ``None`` if it is not stated.
    reserves
        Output tokens that a call without a limit reserves; ``None`` if that is not stated.
    effort
        The ``reasoning_effort`` of a request that names none.
    behaviour
        How much it reasons for an answer, by effort.
    is_open
        Whether its capabilities do not say that it reasons, nor that it does not.
    """

    reasons: bool | None
    window: int | None = None
    reserves: int | None = None
    effort: str | None = None
    behaviour: tuple[Behaviour, ...] = ()
    is_open: bool = False

    def reasons_for(self, needs: Collection[str]) -> bool | None:
        """Whether it reasons for calls that need capabilities: on condition, if they need just that."""
        return None if self.is_open and "reasoning" in needs else self.reasons

    def thinks(self, effort: str | None) -> Behaviour | None:
        """Return how much it reasons for an answer at an effort; ``None`` where no data tell."""
        efforts = (None, effort or self.effort)
        return next((one for one in self.behaviour if one.effort in efforts), None)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ModelSpec(Shown):
    """What a catalog states about one model; ``None`` means that it does not say.

    Attributes
    ----------
    id, name
        The value of ``model`` in a request, and the name for people.
    aliases
        Other names by which logs call it, besides those that `catalog_id` derives.
    context_window_tokens
        Most tokens that prompt and reserved output may have together.
    max_output_tokens, default_output_tokens
        Most tokens an answer may have, and how many are reserved where a request sets no limit.
    input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok
        Prices in USD per 1,000,000 tokens.
    cache_write_5m_usd_per_mtok, cache_write_1h_usd_per_mtok
        The same for tokens written to a cache that lives for five minutes, or for an hour.
    batch_multiplier
        What every price is multiplied by for a call in a batch.
    capabilities, lacks
        What the source says the model can do, and what it cannot. What is in neither is unknown.
    reasoning_efforts, output_tokens_per_second
        Values of ``reasoning_effort`` that it knows, and how fast an answer was once measured.
    behaviour
        How many tokens, or USD, it needs for the same tasks as another model.
    reasoning_depth, speed
        Ordinal ratings; a judgement on the source's words, not a measurement.
    status, replaced_by
        Whether the model can be called, ``"offered"``, ``"deprecated"`` or ``"retired"``, and the
        id of the model that the source names instead.
    released_on, first_seen_on, retired_on
        Day of release, the day on which the source first had the model, and the first day on which
        it can no longer be called.
    price_periods
        Dated prices, by the days on which they start. Where there are any, the prices above are
        those of the day ``priced_on``.
    renderings
        How requests are written before they are counted, by the days from which on.
    sources
        Field name to the key of the source that states it.
    """

    id: str
    name: str | None = None
    aliases: tuple[str, ...] = ()
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    default_output_tokens: int | None = None
    input_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cache_write_5m_usd_per_mtok: Decimal | None = None
    cache_write_1h_usd_per_mtok: Decimal | None = None
    batch_multiplier: Decimal | None = None
    use_cases: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    reasoning_efforts: tuple[str, ...] = ()
    output_tokens_per_second: Decimal | None = None
    tokenizer: str | None = None
    chat_template: str | None = None
    reasoning_depth: Rating | None = None
    speed: Rating | None = None
    status: str | None = None
    released_on: date | None = None
    first_seen_on: date | None = None
    retired_on: date | None = None
    replaced_by: str | None = None
    price_periods: tuple[PricePeriod, ...] = ()
    priced_on: date | None = None
    renderings: tuple[Rendering, ...] = ()
    behaviour: tuple[Behaviour, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    catalog_version: str = ""

    @property
    def reasons(self) -> bool | None:
        """Whether the model spends reasoning tokens before it answers; ``None`` if not stated.

        Where its capabilities do not say, the rule by which its requests are written and counted
        does, if the catalog names a template.
        """
        stated = self.can("reasoning")
        if stated is not None or self.chat_template is None:
            return stated
        return self.rendering().thinking in ("on", "always")

    @property
    def profile(self) -> Profile:
        """All that the model changes about the sizes of a call."""
        return Profile(
            self.reasons,
            self.context_window_tokens,
            self.default_output_tokens,
            self.renderings[-1].default_effort if self.renderings else None,
            tuple(one for one in self.behaviour if one.is_of_answer),
            self.can("reasoning") is None,
        )

    def in_plans(self) -> ModelSpec:
        """Return the model as plans price it: a batch as single calls where no price is stated."""
        return self if self.batch_multiplier else replace(self, batch_multiplier=Decimal(1))

    def can(self, capability: str) -> bool | None:
        """Tell whether the model has a capability; ``None`` if the catalog does not say."""
        if capability in self.capabilities:
            return True
        return False if capability in self.lacks else None

    def page(self) -> Page:
        """Return prices, window and what the catalog has of it."""
        prices = {key: getattr(self, key) for key in PRICES}
        rows = [
            {"field": name.replace("_", " "), "value": stated(value)}
            for name, value in {
                **{
                    f"{key.removesuffix('_usd_per_mtok')} USD per M tokens": one
                    for key, one in prices.items()
                },
                "context window tokens": self.context_window_tokens
                and f"{self.context_window_tokens:,}",
                "capabilities": ", ".join(sorted(self.capabilities or ())) or None,
                "lacks": ", ".join(sorted(self.lacks)) or None,
                "status": self.status,
            }.items()
        ]
        return Page(title=f"{self.id}: what the catalog states of it", frame=rows)

    @property
    def capability_words(self) -> str:
        """What it can do, what it cannot, and of what the catalog says neither."""
        if not self.capabilities | self.lacks:
            return "not stated"
        neither = CAPABILITIES - self.capabilities - self.lacks
        parts = {"": self.capabilities, "lacks ": self.lacks, "not stated: ": neither}
        return "; ".join(f"{head}{', '.join(sorted(of))}" for head, of in parts.items() if of)

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

    def rendering(self, day: date | None = None) -> Rendering:
        """Return how a request is written on a day, before its tokens are counted.

        Parameters
        ----------
        day : date, optional
            The latest rule if not given; on a day before the first rule that one counts.

        Raises
        ------
        CatalogError
            If the catalog names no chat template.

        Examples
        --------
        >>> from kimi_planner.catalog import load_catalog
        >>> load_catalog("2026-06").model("kimi-k2-5-thinking").rendering().thinking
        'on'
        """
        if self.chat_template is None:
            raise CatalogError(
                f"Catalog {self.catalog_version} names no chat template for {self.id!r}, so its messages "
                "cannot be counted. Add chat_template in a new catalog version."
            )
        if not self.renderings:
            return Rendering.of(self.chat_template, reasons="reasoning" in self.capabilities)
        begun = [rule for rule in self.renderings if day is None or rule.starts_by(day)]
        return begun[-1] if begun else self.renderings[0]

    @property
    def price_days(self) -> tuple[date, ...]:
        """Days on which prices start or end, ascending."""
        ends = {one.effective_to for one in self.price_periods}
        starts = {one.effective_from for one in self.price_periods}
        return tuple(sorted(day for day in starts | ends if day is not None))

    def on(self, day: date) -> ModelSpec:
        """Return the model with the prices of a day; unknown ones on a day without prices."""
        if not self.price_periods or self.priced_on == day:
            return self
        begun = [one for one in self.price_periods if one.starts_by(day)]
        period = begun[-1] if begun else None
        if period and period.effective_to is not None and period.effective_to <= day:
            period = None
        prices: dict[str, Any] = {name: getattr(period, name, None) for name in ALL_PRICES}
        return replace(self, **prices, priced_on=day)

    def known_by(self, day: date) -> ModelSpec:
        """Return the model without prices that became known after a day."""
        known = tuple(
            one for one in self.price_periods if one.known_on is None or one.known_on <= day
        )
        if len(known) == len(self.price_periods):
            return self
        unknown: dict[str, Any] = dict.fromkeys(ALL_PRICES)
        return replace(self, price_periods=known, priced_on=None, **unknown)

    def is_retired(self, day: date) -> bool:
        """Whether the catalog says that the model cannot be called on a day."""
        if self.retired_on is None:
            return self.status == "retired"
        return self.retired_on <= day

    def gone_by(self, day: date) -> str | None:
        """Say in words why the model is not to be chosen for a plan up to a day, if it is not."""
        instead = f"; its source names {self.replaced_by} instead" if self.replaced_by else ""
        if self.retired_on is not None and self.is_retired(day):
            return f"retired from {self.retired_on} on{instead}"
        if self.status in ("deprecated", "retired") and self.retired_on is None:
            return f"{self.status}, says catalog {self.catalog_version}{instead}"
        return None

    def no_price(self, kind: str) -> str:
        """Say that the price of input or output is not stated, and what to do."""
        if self.priced_on is not None:
            days = ", ".join(map(str, self.price_days))
            return (
                f"Catalog {self.catalog_version} states no {kind} price for {self.id!r} on "
                f"{self.priced_on}; its prices change on {days}. Leave the model out, or plan other "
                "months."
            )
        return (
            f"Catalog {self.catalog_version} states no {kind} price for {self.id!r}, so its cost "
            f"cannot be told. Leave the model out, or add {kind}_usd_per_mtok in a new version."
        )


def sourced(values: Mapping[str, Any], source: str, catalog_version: str) -> ModelSpec:
    """Return a model of which one source states every value that is known."""
    stated = [key for key, value in values.items() if value not in (None, (), frozenset())]
    return ModelSpec(
        **values, sources=dict.fromkeys(stated, source), catalog_version=catalog_version
    )
