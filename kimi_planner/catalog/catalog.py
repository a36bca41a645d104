"""One version of prices and capabilities, as a whole and on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.catalog.model import PRICES, ModelSpec
from kimi_planner.catalog.provenance import (
    Conflict,
    Correspondence,
    Exchange,
    Fee,
    ListPrice,
    Rating,
    Source,
)
from kimi_planner.errors import PriceNotFoundError, UnknownModelError, did_you_mean, needs, shown

if TYPE_CHECKING:
    import pandas as pd
from kimi_planner.rich import Page, Shown, stated


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Catalog(Shown):
    """One version of prices and capabilities.

    Attributes
    ----------
    version
        Name of the version; every result prints it.
    published
        Year and month in which it was known; empty if nobody says.
    models
        The models, in the order of the file.
    sha256
        Digest of the file's bytes.
    conflicts
        Contradictions inside the source or between sources, with the value chosen.
    tax
        ``"excluded"`` or ``"included"`` in the prices; ``None`` if the source does not say.
    fees, list_prices
        What is billed by the call, and price lists in other currencies.
    correspondences
        Nearest counterparts of its models in other catalogs.
    derived_from
        What a derived catalog was derived from, the first step first; empty for a catalog as published.
    exchanges
        The rates at which amounts of a plan are shown in other currencies, where some were given.
    shown_lists
        Currencies of price lists at which a plan is shown as well.
    list_of
        The catalog whose list in another currency its prices are; ``None`` if they are its own.

    Examples
    --------
    >>> from datetime import date
    >>> from kimi_planner import load_catalog
    >>> catalog = load_catalog("2026-11-public-3")
    >>> [model.id for model in catalog.select(["kimi-k2.5", "kimi-k2-thinking"])]
    ['kimi-k2.5', 'kimi-k2-thinking']
    >>> catalog.frame()[["model", "input_usd_per_mtok"]].head(2)
                         model input_usd_per_mtok
    0            kimi-k3.1-pro               2.00
    1  kimi-k3.1-pro-highspeed               4.00
    >>> catalog.on(date(2026, 11, 28)).version
    '2026-11-public-3'
    >>> catalog.check_as_of(date(2026, 10, 1))
    Traceback (most recent call last):
        ...
    kimi_planner.errors.PriceNotFoundError: Catalog 2026-11-public-3 has no price for 2026-10-01; it starts in 2026-11. Give a later --as-of, or a catalog of that time.
    >>> catalog.with_discount("0.1", models="kimi-k2.5").version
    '2026-11-public-3 + 10% off on kimi-k2.5'
    >>> len(catalog.in_batch())
    1
    >>> catalog.at_list("CNY").currency, catalog.with_list("CNY").shown_lists
    ('CNY', ('CNY',))
    >>> catalog.in_currency("EUR", rate="0.92", on=date(2026, 11, 24)).exchanges[0].currency
    'EUR'
    """

    version: str
    published: str = ""
    currency: str = "USD"
    source: Source
    models: tuple[ModelSpec, ...]
    sha256: str
    sources: Mapping[str, Source] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    base_url: str | None = None
    tax: str | None = None
    fees: tuple[Fee, ...] = ()
    list_prices: tuple[ListPrice, ...] = ()
    correspondences: tuple[Correspondence, ...] = ()
    derived_from: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    shown_lists: tuple[str, ...] = ()
    list_of: Catalog | None = None

    @property
    def listed_in(self) -> Catalog:
        """The catalog that a file states: itself, or that whose list its prices are."""
        return self.list_of or self

    def page(self) -> Page:
        """Return prices and windows of the models."""
        rows = [
            {
                "model": model.id,
                "name": stated(model.name),
                **{
                    key.removesuffix("_usd_per_mtok"): stated(getattr(model, key)) for key in PRICES
                },
                "window tokens": stated(
                    model.context_window_tokens and f"{model.context_window_tokens:,}"
                ),
            }
            for model in self.models
        ]
        return Page(
            title=f"Catalog {self.version}: prices in {self.currency} per million tokens of {len(rows)} models",
            frame=rows,
            notes=self.derived_from,
            provenance=f"Catalog {self.version} (sha256 {self.sha256[:12]}). {self.source}.",
        )

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

        Examples
        --------
        >>> from kimi_planner import load_catalog
        >>> load_catalog("2026-06").model("kimi-k2").input_usd_per_mtok
        Decimal('1.20')
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
        with needs("pandas"):
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
                "lacks": ", ".join(sorted(model.lacks)),
                "use_cases": ", ".join(model.use_cases),
            }
            for model in self.models
        ]
        integers = dict.fromkeys(("context_window_tokens", "reasoning_depth", "speed"), "Int64")
        return pd.DataFrame(rows).astype(integers)

    def with_discount(
        self, share: Decimal | int | float | str, models: str | Iterable[str] | None = None
    ) -> Catalog:
        """Return a catalog in which every price of some models is lower by one share.

        Parameters
        ----------
        share : number
            ``0.1`` for 10% off; from 0 to 1. Below 0 a price rises.
        models : str, iterable of str or None
            Whose prices; all of them if not given.

        Raises
        ------
        CatalogError
            If the share is no number, or above 1.
        UnknownModelError
            If the catalog has no such model.
        """
        from kimi_planner.catalog.derived import discounted

        return discounted(self, share, models)

    def with_price(self, model: str, **prices: Decimal | int | float | str | None) -> Catalog:
        """Return a catalog with other prices of one model, on every day.

        Parameters
        ----------
        model : str
            Whose prices.
        **prices
            ``input_usd_per_mtok``, ``cached_input_usd_per_mtok``, ``output_usd_per_mtok``,
            ``cache_write_5m_usd_per_mtok`` and ``cache_write_1h_usd_per_mtok`` in USD per 1,000,000
            tokens; ``None`` makes one unknown. What is not named stays as it was.

        Raises
        ------
        CatalogError
            If there is no price, an unknown one, or one that is no number from 0.
        UnknownModelError
            If the catalog has no such model.

        Examples
        --------
        >>> from kimi_planner.catalog import load_catalog
        >>> cheaper = load_catalog().with_price("kimi-k2", input_usd_per_mtok="1.00")
        >>> cheaper.version
        '2026-06 + kimi-k2 at input 1.00'
        """
        from kimi_planner.catalog.derived import repriced

        return repriced(self, model, prices)

    def with_capability(
        self, capability: str, models: str | Iterable[str] | None = None
    ) -> Catalog:
        """Return a catalog in which some models have a capability that is not stated of them.

        Parameters
        ----------
        capability : str
            Such as ``"tools"``. A model that is stated to lack it has it too.
        models : str, iterable of str or None
            Which of them; all if not given.

        Raises
        ------
        CatalogError
            If there is no such capability.
        UnknownModelError
            If the catalog has no such model.

        Examples
        --------
        >>> from kimi_planner.catalog import load_catalog
        >>> load_catalog().with_capability("tools", "kimi-k2").version
        '2026-06 + tools on kimi-k2'
        """
        from kimi_planner.catalog.derived import enabled

        return enabled(self, capability, models)

    def in_batch(self) -> Catalog:
        """Return a catalog in which every call is part of a batch.

        Models without a batch price are not in it; its ``derived_from`` names them.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no batch price at all.
        """
        from kimi_planner.catalog.derived import batched

        return batched(self)

    def in_currency(self, currency: str, *, rate: Decimal | int | float | str, on: date) -> Catalog:
        """Return the catalog with a rate of another currency from a day on, added to those that it has.

        Prices and costs stay in USD, in which they are billed, and the catalog is the same; reports
        show every amount of a plan in the other currency too, each month at the rate of its first day.

        Parameters
        ----------
        currency : str
            Three letters, such as ``"EUR"``.
        rate : number
            How much of it one USD is.
        on : date
            The day of the rate. It is never looked up.

        Raises
        ------
        CatalogError
            If a value is out of its bounds, or plans are shown at the list of the currency already.
        """
        from kimi_planner.catalog.derived import exchanged

        return exchanged(self, currency, rate, on)

    def with_list(self, currency: str) -> Catalog:
        """Return the catalog, a plan with which is shown at its price list in another currency too.

        Raises
        ------
        CatalogError
            If it has no such list, or a rate of the currency.
        """
        from kimi_planner.catalog.derived import shown_at_list

        return shown_at_list(self, currency)

    def at_list(self, currency: str) -> Catalog:
        """Return the catalog with its price list in another currency in the place of its prices.

        Its models are those that the list has, and every cost worked out with it is of that currency.
        Fees are stated in USD and are not in it. A plan with it is of workloads in that currency; one in
        USD is shown at the list by `with_list`.

        Raises
        ------
        CatalogError
            If it has no such list.
        """
        from kimi_planner.catalog.derived import at_list

        return at_list(self, currency)

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

    def on(self, as_of: date) -> Catalog:
        """Return the catalog as it was known on a day, with the prices of that day.

        Prices that start later stay in ``price_periods`` where they were known already.

        Raises
        ------
        PriceNotFoundError
            If ``as_of`` is before the month of publication.
        """
        self.check_as_of(as_of)
        models = tuple(model.known_by(as_of).on(as_of) for model in self.models)
        same = all(new is old for new, old in zip(models, self.models, strict=True))
        return self if same else replace(self, models=models)
