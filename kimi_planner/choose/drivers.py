"""Numbers of a plan that can be moved: where each turns an order, and what is said of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kimi_planner.catalog import Catalog
from kimi_planner.choose.pair import Pair, at_output_share, discounted_prices
from kimi_planner.choose.switch import leading
from kimi_planner.money import usd
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import number_text

__all__ = ["DISCOUNT", "DRIVERS", "TIMES_TRAFFIC", "Driver", "percent"]

TIMES_TRAFFIC = "times the traffic"


class Driver:
    """A number that can be moved; ``what`` and ``unit`` are as a flip has them."""

    what: str
    unit: str = "share"

    def planned(self, pair: Pair) -> Decimal | None:
        """Return the value in the plan, ``None`` if there is none."""
        return Decimal(1)

    def closed(self, pair: Pair) -> str | None:
        """Return why it cannot turn the order of two models, ``None`` if it may."""

    def switch(self, pair: Pair) -> Decimal | None:
        """Return the value at which two models stand the same, ``None`` if there is none."""
        raise NotImplementedError

    def never(self, pair: Pair) -> str:
        """Return what is said where there is no such value."""
        place = "one with the higher score" if pair.by_score else "cheaper one"
        return f"no {self.what} makes {pair.behind.id} the {place}"

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        """Return what is said of a value, and the value in short."""
        raise NotImplementedError

    def changed(self, pair: Pair, value: Decimal) -> tuple[Workload, Catalog]:
        """Return workload and catalog with the number at a value."""
        workload, catalog = pair.workload, pair.projection.catalog
        prices = self.prices(pair, value)
        for model, new in prices.items():
            catalog = catalog.with_price(model, **new)
        return workload if prices else self.moved(workload, value), catalog

    def prices(self, pair: Pair, value: Decimal) -> dict[str, dict[str, Any]]:
        """Return the prices that it changes, by model."""
        return {}

    def moved(self, workload: Workload, value: Decimal) -> Workload:
        """Return the workload that it changes."""
        return workload


class _Price(Driver):
    unit = "USD per million tokens"

    def __init__(self, key: str) -> None:
        self.key = key
        self.what = f"{key} price"

    def planned(self, pair: Pair) -> Decimal:
        return pair.price(self.key)

    def closed(self, pair: Pair) -> str | None:
        if pair.is_fixed(pair.best):
            return f"no one {self.what} of {pair.best.id} holds for the whole plan"
        return None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.price_switch(self.key)

    def never(self, pair: Pair) -> str:
        best, other = pair.best.id, pair.other.id
        return f"no {self.what} of {best} makes it {pair.verb} the same as {other}"

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        best, planned = pair.best.id, _price_text(self.planned(pair))
        way = "rises" if value > self.planned(pair) else "falls"
        words = (
            f"{best} {pair.verb}s the same as {pair.other.id} if {best}'s {self.what} {way} from "
            f"{planned} to {_price_text(value)} {self.unit}"
        )
        return words, f"{best}'s {self.what} were {_about(value)} instead of {planned}"

    def prices(self, pair: Pair, value: Decimal) -> dict[str, dict[str, Any]]:
        return {pair.best.id: {f"{self.key}_usd_per_mtok": value}}


class _Discount(Driver):
    what = "discount"

    def planned(self, pair: Pair) -> Decimal:
        return Decimal(0)

    def closed(self, pair: Pair) -> str | None:
        return self.never(pair) if pair.is_fixed(pair.behind) else None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.discount_switch()

    def never(self, pair: Pair) -> str:
        behind, leads = pair.behind.id, pair.leads.id
        return f"no one discount on {behind} makes it {pair.verb} the same as {leads}"

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        words = f"{_both(pair)} with {percent(value)} off all its prices"
        return words, f"{pair.behind.id} were {_about(100 * value)}% cheaper"

    def prices(self, pair: Pair, value: Decimal) -> dict[str, dict[str, Any]]:
        return {pair.behind.id: discounted_prices(pair.behind, value)}


class _OutputShare(Driver):
    what = "output share"

    def planned(self, pair: Pair) -> Decimal | None:
        return pair.output_share

    def closed(self, pair: Pair) -> str | None:
        if pair.output_share is None:
            return "the output share cannot be moved, as there are no prompt or no output tokens"
        return None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.output_share_switch()

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        planned = pair.output_share or Decimal(0)
        way = "rises" if value > planned else "falls"
        words = (
            f"{_both(pair)} if the output share {way} from {percent(planned, 1)} to "
            f"{percent(value)} of prompt and visible output tokens"
        )
        return words, f"output were {_about(100 * value)}% of prompt and answer"

    def moved(self, workload: Workload, value: Decimal) -> Workload:
        return at_output_share(workload, value)


class _Reasoning(Driver):
    what, unit = "reasoning multiplier", "times the reasoning tokens"

    def planned(self, pair: Pair) -> Decimal | None:
        return None if self.closed(pair) else Decimal(1)

    def closed(self, pair: Pair) -> str | None:
        thinkers = [spec.id for spec in pair.field if spec.reasons]
        if not thinkers:
            return (
                f"neither {pair.best.id} nor {pair.other.id} reasons, so reasoning changes nothing"
            )
        if pair.workload.given("reasoning_tokens") is None:
            who = " or ".join(thinkers)
            return f"no reasoning tokens are given, so how much {who} may reason is not known"
        return None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.reasoning_switch()

    def never(self, pair: Pair) -> str:
        return super().never(pair).replace(self.what, "amount of reasoning")

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        words = f"{_both(pair)} at {number_text(value)} {self.unit}"
        return words, f"reasoning were {_about(value)} times as long"

    def moved(self, workload: Workload, value: Decimal) -> Workload:
        return what_if(workload, reasoning=value)[0]


class _CachedShare(Driver):
    what = "cached share"

    def planned(self, pair: Pair) -> Decimal:
        return pair.cached_share

    def closed(self, pair: Pair) -> str | None:
        if pair.caches_nothing:
            return "neither has another price for cached tokens, so caching changes nothing"
        return None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.cached_share_switch()

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        words = (
            f"{_both(pair)} if the share of prompt tokens from cache goes from "
            f"{percent(pair.cached_share, 1)} to {percent(value)}"
        )
        return words, f"{_about(100 * value)}% of prompts came from cache"

    def moved(self, workload: Workload, value: Decimal) -> Workload:
        return what_if(workload, cached_share=value)[0]


class _Volume(Driver):
    what, unit = "volume", TIMES_TRAFFIC

    def closed(self, pair: Pair) -> str | None:
        if pair.workload.cache is None or pair.caches_nothing:
            return "both bills grow alike with volume, so it never changes their order"
        return None

    def switch(self, pair: Pair) -> Decimal | None:
        return pair.volume_switch()

    def told(self, pair: Pair, value: Decimal) -> tuple[str, str]:
        words = (
            f"{_both(pair)} at {number_text(value)} {self.unit}, as the cache then serves another "
            "share"
        )
        return words, f"traffic were {_about(value)} times as high"

    def moved(self, workload: Workload, value: Decimal) -> Workload:
        return what_if(workload, traffic=value)[0]


DISCOUNT = _Discount()
#: In the order in which they are told.
DRIVERS: tuple[Driver, ...] = (
    _Price("input"),
    _Price("output"),
    DISCOUNT,
    _OutputShare(),
    _Reasoning(),
    _CachedShare(),
    _Volume(),
)


def _both(pair: Pair) -> str:
    return f"{pair.behind.id} {pair.verb}s the same as {pair.leads.id}"


def _about(value: Decimal) -> str:
    """Return a number to four digits, and say so where it has more."""
    short = leading(value)
    return f"{'' if short == value else 'about '}{number_text(short)}"


def _price_text(price: Decimal) -> str:
    """Return a price with all its digits, at least two."""
    exponent = price.normalize().as_tuple().exponent
    return usd(price, max(2, -exponent if isinstance(exponent, int) else 2))


def percent(share: Decimal, places: int | None = None) -> str:
    """Return a share in percent, with all its digits if no number of them is asked for."""
    return f"{number_text(100 * share if places is None else round(100 * share, places))}%"
