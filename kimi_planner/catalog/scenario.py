"""Catalogs derived from another one: what if prices were these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from kimi_planner.catalog.model import ALL_PRICES, PRICES, ModelSpec
from kimi_planner.catalog.provenance import Exchange, ListPrice, Source
from kimi_planner.errors import CatalogError, PriceNotFoundError, did_you_mean, shown
from kimi_planner.money import EXACT, exact_decimal

__all__ = ["batched", "discounted", "exchanged", "repriced"]

MAX_PRICE = Decimal(10**6)
MAX_PLACES = 20


class Priced(Protocol):
    """What scenarios are derived from: a catalog, as far as its models and origin go."""

    @property
    def version(self) -> str:
        """Name of the version."""

    @property
    def sha256(self) -> str:
        """Digest of where it comes from."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Model ids."""

    @property
    def derived_from(self) -> tuple[str, ...]:
        """The steps so far."""

    @property
    def exchange(self) -> Exchange | None:
        """The rate of another currency."""

    @property
    def list_prices(self) -> tuple[ListPrice, ...]:
        """Price lists in other currencies."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources by key."""

    def __iter__(self) -> Iterator[ModelSpec]:
        """Yield the models."""

    def model(self, model_id: str) -> ModelSpec:
        """Return one model."""

    def select(self, model_ids: str | Iterable[str] | None = None) -> tuple[ModelSpec, ...]:
        """Return some models."""


Catalog = TypeVar("Catalog", bound=Priced)


def discounted(
    catalog: Catalog, share: Decimal | int | float | str, models: str | Iterable[str] | None
) -> Catalog:
    """Return a catalog with every price of some models times one less a share."""
    try:
        off = exact_decimal(share)
    except ValueError as error:
        raise CatalogError(f"The discount: {error}. Give 0.1 for 10% off.") from None
    if not -1000 <= off <= 1 or -int(off.as_tuple().exponent) > MAX_PLACES:
        raise CatalogError(
            f"The discount is {shown(off)}. It is a share such as 0.1, at most 1; below 0 prices rise."
        )
    chosen = {spec.id for spec in catalog.select(models)}

    percent = f"{100 * abs(off):f}".rstrip("0").rstrip(".") if off % 1 else f"{100 * abs(off):f}"
    step = f"{percent}% {'off' if off >= 0 else 'more'}"
    if models is not None:
        step += f" on {', '.join(name for name in catalog.ids if name in chosen)}"
    return _derived(
        catalog,
        step,
        lambda spec: (
            _repriced(spec, lambda price: _times(price, 1 - off)) if spec.id in chosen else spec
        ),
    )


def repriced(catalog: Catalog, model: str, prices: Mapping[str, Any]) -> Catalog:
    """Return a catalog with other prices of one model; its dated prices give way to them."""
    catalog.model(model)
    if not prices:
        raise CatalogError(f"No price is given for {model!r}. Known: {', '.join(ALL_PRICES)}.")
    new: dict[str, Any] = {name: _price(name, value) for name, value in prices.items()}
    words = ", ".join(
        f"{name.removesuffix('_usd_per_mtok').replace('_', ' ')} {'unknown' if one is None else one}"
        for name, one in new.items()
    )

    def changed(spec: ModelSpec) -> ModelSpec:
        if spec.id != model:
            return spec
        periods = tuple(replace(one, **new) for one in spec.price_periods)
        return replace(spec, price_periods=periods, **new)

    return _derived(catalog, f"{model} at {words}", changed)


def batched(catalog: Catalog) -> Catalog:
    """Return a catalog with the batch prices of the models that have one."""
    offered = tuple(spec for spec in catalog if spec.batch_multiplier is not None)
    if not offered:
        raise PriceNotFoundError(
            f"Catalog {catalog.version} states no batch price, so the cost of a batch cannot be told. Add "
            "batch_multiplier in a new catalog version."
        )
    left_out = [spec.id for spec in catalog if spec.batch_multiplier is None]
    without = f", without {', '.join(left_out)}, of which no batch price is stated"

    def multiplied(spec: ModelSpec) -> ModelSpec:
        share = spec.batch_multiplier
        assert share is not None, "offered in a batch"  # noqa: S101 - narrows the type
        return replace(_repriced(spec, lambda price: _times(price, share)), batch_multiplier=None)

    found = _derived(_replaced(catalog, models=offered), "in batches", multiplied)
    return _replaced(found, derived_from=(*found.derived_from, without[2:])) if left_out else found


def exchanged(
    catalog: Catalog, currency: str, rate: Decimal | int | float | str, on: date
) -> Catalog:
    """Return a catalog with its prices in another currency listed beside those in USD."""
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency) or currency == "USD":
        raise CatalogError(
            f"The currency is {shown(currency)}. Give three letters other than USD, such as EUR."
        )
    if catalog.exchange is not None:
        raise CatalogError(
            f"Catalog {catalog.version} has a rate of {catalog.exchange.currency} already. Start from the "
            "catalog without it."
        )
    if type(on) is not date:
        raise CatalogError(f"The day of the rate is {shown(on)}. Give a datetime.date.")
    try:
        per_usd = exact_decimal(rate)
    except ValueError as error:
        raise CatalogError(f"The rate: {error}. Give how much one USD is, such as 0.92.") from None
    if not 0 < per_usd <= MAX_PRICE or -int(per_usd.as_tuple().exponent) > MAX_PLACES:
        raise CatalogError(
            f"The rate is {shown(per_usd)}. It lies above 0, with at most {MAX_PLACES} decimal places."
        )
    exchange = Exchange(currency=currency, per_usd=per_usd, on=on)
    source = Source(key="exchange", title=f"A rate given by the user, {exchange}", checked_on=on)
    listed = tuple(
        ListPrice(
            model=spec.id,
            currency=currency,
            source=source.key,
            **{
                name.replace("_usd", ""): _times(price, per_usd)
                for name in PRICES
                if (price := getattr(spec, name)) is not None
            },
        )
        for spec in catalog
    )
    found = _derived(catalog, f"{currency} at {per_usd}", lambda spec: spec)
    return _replaced(
        found,
        derived_from=(*found.derived_from[:-1], f"shown at {exchange} too"),
        sha256=sha256(f"{found.sha256} {on}".encode()).hexdigest(),
        exchange=exchange,
        list_prices=(*catalog.list_prices, *listed),
        sources={**catalog.sources, source.key: source},
    )


def _times(price: Decimal, share: Decimal) -> Decimal:
    with localcontext(EXACT):
        return price * share


def _price(name: str, value: Any) -> Decimal | None:
    if name not in ALL_PRICES:
        raise CatalogError(
            f"Unknown price {shown(name)}.{did_you_mean(name, ALL_PRICES)} Known: {', '.join(ALL_PRICES)}."
        )
    if value is None:
        return None
    try:
        price = exact_decimal(value)
    except ValueError as error:
        raise CatalogError(f'{name}: {error}. Give USD such as "2.50".') from None
    if not 0 <= price <= MAX_PRICE or -int(price.as_tuple().exponent) > MAX_PLACES:
        raise CatalogError(
            f"{name} is {shown(price)}. It must lie between 0 and 1,000,000 USD, with at most "
            f"{MAX_PLACES} decimal places."
        )
    return price


def _repriced(spec: ModelSpec, lowered: Callable[[Decimal], Decimal]) -> ModelSpec:
    def prices_of(table: object) -> dict[str, Any]:
        stated = ((name, getattr(table, name)) for name in ALL_PRICES)
        return {name: lowered(price) for name, price in stated if price is not None}

    periods = tuple(replace(one, **prices_of(one)) for one in spec.price_periods)
    return replace(spec, price_periods=periods, **prices_of(spec))


def _derived(catalog: Catalog, step: str, change: Callable[[ModelSpec], ModelSpec]) -> Catalog:
    """Return the catalog with each model changed; version and digest say from what and how."""
    version = f"{catalog.version} + {step}"
    origin = catalog.derived_from or (
        f"from catalog {catalog.version} (sha256 {catalog.sha256[:12]})",
    )
    return _replaced(
        catalog,
        version=version,
        models=tuple(replace(change(spec), catalog_version=version) for spec in catalog),
        derived_from=(*origin, step),
        sha256=sha256(f"{catalog.sha256} {step}".encode()).hexdigest(),
    )


def _replaced(catalog: Catalog, **changes: Any) -> Catalog:
    # A protocol cannot say that what follows it is a dataclass.
    found: Catalog = replace(catalog, **changes)  # type: ignore[type-var]
    return found
