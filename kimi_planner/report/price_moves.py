"""Prices of a model in the periods of a plan, and what of them a changed price moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.billing.meters import METERS, TOKEN_METERS
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog.model import PRICES
from kimi_planner.money import as_decimal, plain
from kimi_planner.plan.bill import Bill
from kimi_planner.plan.draws import Draws, Number, mean_of
from kimi_planner.plan.tariffs import tariffs_of
from kimi_planner.workload.dated import PriceChange
from kimi_planner.workload.resolve import Load

#: Meters whose price a workload file can change, and so a panel.
BOXES = tuple(key for key in TOKEN_METERS if METERS[key].price in PRICES)


def text(number: Any) -> str:
    """Return a number as a decimal that a page reads."""
    return f"{plain(number if isinstance(number, Decimal) else as_decimal(number)):f}"


@dataclass(frozen=True)
class _Prices:
    """Prices of one period: exact, uncertain ones at their means; and as drawn on paths."""

    exact: Tariff
    drawn: Tariff

    def of(self, key: str) -> tuple[Any, Number]:
        """Return how the price of a meter differs between paths, if it does, and its mean."""
        price = self.drawn.price(key)
        if not isinstance(price, np.ndarray):
            return None, self.exact.price(key)
        mean = mean_of(price)
        return price / mean, mean


@dataclass(frozen=True)
class PriceMoves:
    """Prices of a model in each period of a plan, and what of them a changed price moves.

    Attributes
    ----------
    planned
        Prices as planned.
    moved
        From a meter to the prices if its own were 1 USD, and 2 USD, per million tokens.
    boxes
        For each of `BOXES` the price of the first day, USD per million tokens, that a changed one
        stands in for, ``None`` where none is stated; in a list of one where it cannot be changed.
    """

    planned: Sequence[_Prices]
    moved: Mapping[str, tuple[Sequence[_Prices], Sequence[_Prices]]]
    boxes: Sequence[str | list[str | None] | None]

    @classmethod
    def of(cls, bill: Bill, load: Load) -> PriceMoves:
        """Return the prices of a bill."""
        start, model = bill.periods[0].first, bill.spec.id

        def prices(*changes: PriceChange) -> list[_Prices]:
            days = sorted((*load.price_changes, *changes), key=lambda one: one.day)
            changed = replace(load, price_changes=tuple(days))
            exact, drawn = (
                tariffs_of(changed, bill.spec, bill.plan.fees, bill.periods, draws)
                for draws in (Draws.exact(load), bill.plan.draws)
            )
            return list(map(_Prices, exact, drawn))

        def at(key: str, usd: int) -> list[_Prices]:  # as a file states it
            return prices(
                PriceChange(day=start, model=model, prices={METERS[key].price: Decimal(usd)})
            )

        planned = prices()
        begun = [one for one in load.changes_of(model) if one.day <= start]
        is_open = all(one.factor is None or one.factor.is_certain for one in begun) and not any(
            (one.day, one.model) == (start, model) for one in begun
        )
        stated = [key for key in BOXES if key in planned[0].exact.stated]
        moved = {key: (at(key, 1), at(key, 2)) for key in stated if is_open}
        shown = {key: text(planned[0].exact.usd_per_mtok(key)) for key in stated}
        boxes = [shown.get(key) if is_open else [shown.get(key)] for key in BOXES]
        return cls(planned, moved, boxes)

    def at(self, place: int, keys: Sequence[str]) -> Iterator[tuple[Any, dict[str, list[Any]]]]:
        """Yield, for meters whose prices differ alike between paths, how they do and their prices.

        A price is USD for a token or a call, what of it moves for each USD per million tokens in its
        box, and which box that is.
        """
        groups: dict[bytes, tuple[Any, dict[str, list[Any]]]] = {}
        for key in keys:
            factor, price = self.planned[place].of(key)
            shape = b"" if factor is None else factor.round(9).tobytes()
            group = groups.setdefault(shape, (factor, {}))[1]
            group[key] = [text(price), *self._moved(place, key)]
        yield from groups.values()

    def _moved(self, place: int, key: str) -> list[Any]:
        for box, (one, two) in self.moved.items():
            _, price = one[place].of(key)
            if price != two[place].of(key)[1]:
                return [text(price), BOXES.index(box)]
        return []
