"""Catalogs derived from another one: what if prices were these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kimi_planner.catalog.model import ALL_PRICES, CAPABILITIES, PRICES, ModelSpec, PricePeriod
from kimi_planner.catalog.provenance import Exchange, Source
from kimi_planner.errors import CatalogError, PriceNotFoundError, day_of, restated, shown, unknown
from kimi_planner.money import EXACT, exact_decimal

if TYPE_CHECKING:
    from kimi_planner.catalog.catalog import Catalog


MAX_PRICE = Decimal(10**6)
MAX_PLACES = 20


def discounted(
    catalog: Catalog, share: Decimal | int | float | str, models: str | Iterable[str] | None
) -> Catalog:
    """Return a catalog with every price of some models times one less a share."""
    off = _number(
        "The discount",
        share,
        (-1000, 1),
        spell="Give 0.1 for 10% off.",
        allowed="It is a share such as 0.1, at most 1; below 0 prices rise.",
    )
    chosen = {spec.id for spec in catalog.select(models)}

    percent = f"{100 * abs(off):f}".rstrip("0").rstrip(".") if off % 1 else f"{100 * abs(off):f}"
    step = f"{percent}% {'off' if off >= 0 else 'more'}"
    if models is not None:
        step += f" on {', '.join(name for name in catalog.ids if name in chosen)}"
    return _derived(
        catalog, step, lambda spec: _multiplied(spec, 1 - off) if spec.id in chosen else spec
    )


def enabled(catalog: Catalog, capability: str, models: str | Iterable[str] | None) -> Catalog:
    """Return a catalog in which some models have a capability."""
    if capability not in CAPABILITIES:
        raise CatalogError(unknown("Unknown capability", capability, sorted(CAPABILITIES)))
    chosen = [spec.id for spec in catalog.select(models)]
    step = capability if models is None else f"{capability} on {', '.join(chosen)}"

    def able(spec: ModelSpec) -> ModelSpec:
        return replace(
            spec, capabilities=spec.capabilities | {capability}, lacks=spec.lacks - {capability}
        )

    return _derived(catalog, step, lambda spec: able(spec) if spec.id in chosen else spec)


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
    return _derived(
        catalog,
        f"{model} at {words}",
        lambda spec: _repriced(spec, lambda _: new) if spec.id == model else spec,
    )


def batched(catalog: Catalog) -> Catalog:
    """Return a catalog with the batch prices of the models that have one."""
    offered = tuple(spec for spec in catalog if spec.batch_multiplier is not None)
    if not offered:
        raise PriceNotFoundError(
            f"Catalog {catalog.version} states no batch price, so the cost of a batch cannot be told. Add "
            "batch_multiplier in a new catalog version."
        )
    left_out = [spec.id for spec in catalog if spec.batch_multiplier is None]

    def multiplied(spec: ModelSpec) -> ModelSpec:
        share = spec.batch_multiplier
        assert share is not None, "offered in a batch"  # noqa: S101 - narrows the type
        return replace(_multiplied(spec, share), batch_multiplier=None)

    found = _derived(replace(catalog, models=offered), "in batches", multiplied)
    if not left_out:
        return found
    without = f"without {', '.join(left_out)}, of which no batch price is stated"
    return replace(found, derived_from=(*found.derived_from, without))


def exchanged(
    catalog: Catalog, currency: str, rate: Decimal | int | float | str, on: date
) -> Catalog:
    """Return a catalog with its prices in another currency listed beside those in USD."""
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency) or currency == "USD":
        raise CatalogError(
            f"The currency is {shown(currency)}. Give three letters other than USD, such as EUR."
        )
    if currency in catalog.shown_lists:
        raise _shown_twice(currency)
    known = {one.currency: one for one in catalog.exchanges}
    on = day_of("The day of the rate", on, fault=CatalogError)
    per_usd = _number(
        "The rate",
        rate,
        (Decimal(1).scaleb(-MAX_PLACES), MAX_PRICE),
        spell="Give how much one USD is, such as 0.92.",
        allowed=f"It lies above 0, with at most {MAX_PLACES} decimal places.",
    )
    rates = dict(known[currency].rates if currency in known else ())
    if rates.setdefault(on, per_usd) != per_usd:
        raise CatalogError(
            f"Two rates of {currency} are of {on}, {rates[on]} and {per_usd}. Keep one."
        )
    exchange = Exchange(currency=currency, rates=tuple(sorted(rates.items())))
    key = f"exchange_{currency.lower()}"
    source = Source(key=key, title=f"A rate given by the user, {exchange}", checked_on=on)
    exchanges = tuple((known | {currency: exchange}).values())
    return replace(catalog, exchanges=exchanges, sources={**catalog.sources, key: source})


def shown_at_list(catalog: Catalog, currency: str) -> Catalog:
    """Return the catalog, a plan with which is shown at its price list in another currency too."""
    at_list(catalog, currency)
    if currency in {one.currency for one in catalog.exchanges}:
        raise _shown_twice(currency)
    return replace(catalog, shown_lists=tuple(dict.fromkeys((*catalog.shown_lists, currency))))


def _shown_twice(currency: str) -> CatalogError:
    return CatalogError(
        f"{currency} is given by a rate and by the list of the catalog, which differ. Give one of them."
    )


def at_list(catalog: Catalog, currency: str) -> Catalog:
    """Return a catalog whose amounts are those of its price list in another currency."""
    lists = {one.model: one for one in catalog.list_prices if one.currency == currency}
    if not lists:
        known = sorted({one.currency for one in catalog.list_prices})
        raise CatalogError(
            f"Catalog {catalog.version} has no price list in {shown(currency)}. It has "
            f"{', '.join(known) or 'none'}. Give a catalog that has one."
        )

    def listed(spec: ModelSpec) -> ModelSpec:
        own = lists[spec.id]
        prices = dict.fromkeys(ALL_PRICES) | {
            name: getattr(own, name.replace("_usd", "")) for name in PRICES
        }
        return _repriced(spec, lambda _: prices)

    models = tuple(spec for spec in catalog if spec.id in lists)
    found = _derived(replace(catalog, models=models), f"the list in {currency}", listed)
    if left_out := [spec.id for spec in catalog if spec.id not in lists]:
        without = f"without {', '.join(left_out)}, of which it has no price"
        found = replace(found, derived_from=(*found.derived_from, without))
    conflicts = tuple(one for one in catalog.conflicts if not re.search("usd|fees", one.field))
    found = replace(found, conflicts=conflicts, list_of=catalog)
    return replace(found, currency=currency, fees=(), exchanges=(), shown_lists=())


def _times(price: Decimal, share: Decimal) -> Decimal:
    with localcontext(EXACT):
        return price * share


def _price(name: str, value: Any) -> Decimal | None:
    if name not in ALL_PRICES:
        raise CatalogError(unknown("Unknown price", name, ALL_PRICES))
    return None if value is None else usd_price(name, value)


def usd_price(what: str, value: Any) -> Decimal:
    """Return a price that is not from a catalog, USD per 1M tokens; CatalogError if it is none."""
    return _number(
        what,
        value,
        (0, MAX_PRICE),
        spell='Give USD such as "2.50".',
        allowed="It must lie between 0 and 1,000,000 USD, with at most "
        f"{MAX_PLACES} decimal places.",
    )


def _number(
    what: str, value: Any, bounds: tuple[Decimal | int, Decimal | int], *, spell: str, allowed: str
) -> Decimal:
    """Return a number within bounds, with few enough places; else say how to spell one."""
    with restated(about=what, then=f". {spell}", of=ValueError, fault=CatalogError):
        number = exact_decimal(value)
    least, most = bounds
    if not least <= number <= most or -int(number.as_tuple().exponent) > MAX_PLACES:
        raise CatalogError(f"{what} is {shown(number)}. {allowed}")
    return number


def _multiplied(spec: ModelSpec, share: Decimal) -> ModelSpec:
    def times_share(table: ModelSpec | PricePeriod) -> dict[str, Any]:
        stated = ((name, getattr(table, name)) for name in ALL_PRICES)
        return {name: _times(price, share) for name, price in stated if price is not None}

    return _repriced(spec, times_share)


def _repriced(
    spec: ModelSpec, prices_of: Callable[[ModelSpec | PricePeriod], dict[str, Any]]
) -> ModelSpec:
    periods = tuple(replace(one, **prices_of(one)) for one in spec.price_periods)
    return replace(spec, price_periods=periods, **prices_of(spec))


def _derived(catalog: Catalog, step: str, change: Callable[[ModelSpec], ModelSpec]) -> Catalog:
    """Return the catalog with each model changed; version and digest say from what and how."""
    version = f"{catalog.version} + {step}"
    origin = catalog.derived_from or (
        f"from catalog {catalog.version} (sha256 {catalog.sha256[:12]})",
    )
    return replace(
        catalog,
        version=version,
        models=tuple(replace(change(spec), catalog_version=version) for spec in catalog),
        derived_from=(*origin, step),
        sha256=sha256(f"{catalog.sha256} {step}".encode()).hexdigest(),
    )
