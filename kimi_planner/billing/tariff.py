"""Prices of one model on one day, and the only place where a price meets an amount."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from kimi_planner.billing.meters import FEE, METERS, TOKEN_METERS, ByMeter, Number, Usage, fee_key
from kimi_planner.errors import PriceNotFoundError, shown
from kimi_planner.money import EXACT, decimal_places

if TYPE_CHECKING:
    from kimi_planner.catalog import Fee, ModelSpec


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """What one token of each meter, and one call of each fee, costs on a model and a day.

    Attributes
    ----------
    stated
        USD for one token by plain meter, where the catalog states a price; for one call by fee.
    batch
        What the price of a token is multiplied by in a batch; ``None`` if not stated.
    model, catalog_version
        Whose prices.
    """

    stated: Mapping[str, Number]
    batch: Number | None
    model: str
    catalog_version: str
    _missing: Callable[[str], str] = field(
        repr=False, compare=False, default="No price of {} is stated.".format
    )

    @classmethod
    def of(cls, spec: ModelSpec, fees: Iterable[Fee] = ()) -> Tariff:
        """Return the prices of a model, exact decimals.

        Raises
        ------
        PriceNotFoundError
            If the catalog states no input or no output price.
        """
        prices = {key: getattr(spec, METERS[key].price) for key in TOKEN_METERS}
        stated: dict[str, Number] = {
            key: price.scaleb(-6, EXACT) for key, price in prices.items() if price is not None
        }
        stated |= {fee_key(fee.name): fee.usd_per_call for fee in fees}
        tariff = cls(
            stated=stated,
            batch=spec.batch_multiplier,
            model=spec.id,
            catalog_version=spec.catalog_version,
            _missing=spec.no_price,
        )
        for key in ("input", "output"):
            tariff.price(key)
        return tariff

    def price(self, key: str) -> Number:
        """Return the price of one token of a meter, or of one call of a fee, in USD.

        Raises
        ------
        PriceNotFoundError
            If neither the catalog nor anything that stands in for it says.
        """
        if key in self.stated:
            return self.stated[key]
        if key.startswith(FEE):
            known = ", ".join(one.removeprefix(FEE) for one in self.stated if one.startswith(FEE))
            raise PriceNotFoundError(
                f"Catalog {self.catalog_version} states no fee {shown(key.removeprefix(FEE))}, so it "
                f"cannot be billed. It has {known or 'none'}."
            )
        meter = METERS[key]
        if meter.plain is not None:
            if self.batch is None:
                raise PriceNotFoundError(
                    f"Catalog {self.catalog_version} states no batch price for {self.model!r}, so the "
                    "cost of a batch cannot be told. Add batch_multiplier in a new catalog version."
                )
            with localcontext(EXACT):
                return self.price(meter.plain) * self.batch
        if meter.stands_in is None:
            raise PriceNotFoundError(self._missing(key))
        return self.price(meter.stands_in)

    def bill(self, usage: Usage) -> ByMeter:
        """Return what a usage costs, USD by meter, exact where its numbers are."""
        with localcontext(EXACT):
            return ByMeter({key: amount * self.price(key) for key, amount in usage})

    def states(self, key: str) -> bool:
        """Whether the catalog itself states the price of a meter or fee."""
        meter = METERS.get(key)
        return (meter.plain if meter and meter.plain else key) in self.stated

    def unstated(self, usage: Usage) -> list[str]:
        """Return the plain meters of a usage that are billed at what stands in for their price."""
        keys = (METERS[key].plain or key for key, amount in usage if key in METERS and _any(amount))
        return [key for key in dict.fromkeys(keys) if key not in self.stated]

    def with_prices(self, usd_per_mtok: Mapping[str, Decimal]) -> Tariff:
        """Return the tariff with other prices, by the field of a catalog that would state them."""
        new = {
            key: price.scaleb(-6, EXACT)
            for key in TOKEN_METERS
            if (price := usd_per_mtok.get(METERS[key].price)) is not None
        }
        return replace(self, stated={**self.stated, **new})

    def times(self, factor: Number) -> Tariff:
        """Return the tariff with every price of a token multiplied; fees stay."""
        with localcontext(EXACT):
            new = {
                key: price if key.startswith(FEE) else price * factor
                for key, price in self.stated.items()
            }
        return replace(self, stated=new)

    def map(self, convert: Callable[[Any], Any]) -> Tariff:
        """Return the tariff with every number converted."""
        return replace(
            self,
            stated={key: convert(price) for key, price in self.stated.items()},
            batch=None if self.batch is None else convert(self.batch),
        )

    def usd_per_mtok(self, key: str) -> Number:
        """Return the price of 1,000,000 tokens of a meter, in USD."""
        with localcontext(EXACT):
            return self.price(key) * 1_000_000

    def places(self, keys: Iterable[str]) -> int:
        """Return the decimal places that the prices of some meters need, in USD."""
        return max((decimal_places(self.price(key)) for key in keys), default=0)


def _any(amount: Number) -> bool:
    return bool(amount.any()) if hasattr(amount, "any") else bool(amount)
