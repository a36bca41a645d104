"""What some calls on one model used and cost, by meter, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import METERS, ByMeter, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.errors import PriceNotFoundError, UnknownModelError
from kimi_planner.money import total

if TYPE_CHECKING:  # a check of prompts compares costs without what a plan needs
    from kimi_planner.plan.spend import Spend


DIGITS = 12  # of a float: what is computed on paths is not known to more


@dataclass(frozen=True)
class Billed:
    """Usage of some calls on one model and what it costs.

    Attributes
    ----------
    usage, bill
        Amounts and USD by meter, fractions.
    list_bill
        The same usage at the prices of the catalog, without planned changes of price.
    tariff
        Prices of the catalog for what was not used; ``None`` if it does not state them.
    """

    usage: Usage
    bill: ByMeter
    list_bill: ByMeter
    tariff: Tariff | None = None

    def price(self, key: str) -> Fraction | None:
        """Return what a token or fee costs, ``None`` if nobody says.

        Changes that were planned for what was used hold for what was not.
        """
        tokens, at_list = (sum(bill[key] for key in METERS) for bill in (self.bill, self.list_bill))
        tariff = self.tariff
        if tariff is not None and at_list:
            tariff = tariff.times(tokens / at_list)
        return self._price(key, self.bill, tariff)

    def list_price(self, key: str) -> Fraction | None:
        """Return what a token or fee costs in the catalog, ``None`` if nobody says."""
        return self._price(key, self.list_bill, self.tariff)

    def _price(self, key: str, bill: ByMeter, tariff: Tariff | None) -> Fraction | None:
        if self.usage[key]:
            return Fraction(bill[key] / self.usage[key])
        try:
            return None if tariff is None else Fraction(tariff.price(key))
        except PriceNotFoundError:
            return None

    @classmethod
    def of(cls, usage: Usage, bill: ByMeter, list_bill: ByMeter) -> Billed:
        """Return what a plan states: fractions, or floats.

        Floats keep 12 digits, prices too, so that what they add up to is known exactly.
        """
        if not any(isinstance(one, float) for part in (usage, bill) for _, one in part):
            return cls(usage.map(Fraction), bill.map(Fraction), list_bill.map(Fraction))
        clean = usage.map(_cleaned)

        def again(billed: ByMeter) -> ByMeter:
            prices = {key: _cleaned(billed[key] / amount) for key, amount in usage if amount}
            return at_prices(clean, prices)

        return cls(clean, again(bill), again(list_bill))

    @classmethod
    def in_month(cls, spend: Spend, place: int) -> Billed:
        """Return a month of a plan by its place."""
        month = itemgetter(place)
        return cls.of(spend.usage.map(month), spend.bill.map(month), spend.list_bill.map(month))

    def __add__(self, other: Billed) -> Billed:
        return Billed(
            self.usage + other.usage, self.bill + other.bill, self.list_bill + other.list_bill
        )


#: No calls.
NOTHING = Billed(Usage({}), ByMeter({}), ByMeter({}))


def at_prices(usage: Usage, prices: Mapping[str, Fraction]) -> ByMeter:
    """Return what a usage costs at some prices of its meters and fees; what is not used needs none."""
    used = Usage({key: amount for key, amount in usage if amount})
    return Tariff(stated=prices, batch=None, model="", catalog_version="").bill(used)


def mean_tariff(prices: Prices, model: str, days: list[date]) -> Tariff | None:
    """Return the mean of the prices of a model on some days, ``None`` if one of them has none."""
    try:
        tariffs = [prices.on(model, day) for day in days]
    except (UnknownModelError, PriceNotFoundError):
        return None

    def mean(amounts: list[Any]) -> Fraction:
        return Fraction(total(amounts)) / len(days)

    first, batches = tariffs[0], [one.batch for one in tariffs]
    shared = [key for key in first.stated if all(key in one.stated for one in tariffs)]
    return replace(
        first,
        stated={key: mean([one.stated[key] for one in tariffs]) for key in shared},
        batch=None if None in batches else mean(batches),
    )


def _cleaned(number: Any) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(f"{float(number):.{DIGITS}g}")
