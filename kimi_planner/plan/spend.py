"""Spend over paths: amounts by month and path, to be added, and read by quantile and by meter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, reduce
from operator import add, attrgetter
from typing import Any

import numpy as np

from kimi_planner.billing.meters import ByMeter, Usage
from kimi_planner.money import exact_decimal, from_fraction, usd
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.quantity import Array

#: What stands where a range would, if none was given.
NO_RANGE = "range not given"

TOKEN_TOTALS = (
    "requests",
    "conversations",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Spend(Shown):
    """Spend of one workload, or of several together, on one model.

    Attributes
    ----------
    usd : ndarray, shape (n_months, n_paths) or (n_months, 1), USD
        Spend by month and path; one column if nothing is uncertain.
    usage : Usage of ndarray, shape (n_months,)
        Expected tokens and calls by meter; retries included. Fractions where nothing is uncertain.
    bill : ByMeter of ndarray, shape (n_months,), USD
        Expected spend by meter; the meters sum to the mean. Fractions where nothing is uncertain.
    list_bill : ByMeter of ndarray, shape (n_months,), USD
        The same at the catalog's prices alone, without the price changes of the workload.
    conversations : ndarray, shape (n_months,)
        Expected conversations, or single calls where there are no turns; retries are no new ones.
    is_ranged
        Whether paths differ in what is expected. Without that they differ by single calls alone,
        which is no range to plan with: quantiles are the mean then.
    currency
        What amounts are in.
    """

    usd: Array
    usage: Usage
    bill: ByMeter
    list_bill: ByMeter
    conversations: Array
    is_ranged: bool = False
    currency: str = "USD"

    def page(self) -> Page:
        """Return the spend by month."""
        spread = "" if self.is_ranged else f", {NO_RANGE}"
        amounts = zip(self.mean(), *(self.quantile(q) for q in (0.1, 0.5, 0.9)), strict=True)
        names = ("mean_usd", "p10_usd", "p50_usd", "p90_usd")
        return Page(
            title=f"Spend by month in {self.currency}, mean and percentiles over paths{spread}; "
            f"{usd(float(self.mean().sum()))} in all",
            frame=[
                {"month": number, **dict(zip(names, map(float, row), strict=True))}
                for number, row in enumerate(amounts, 1)
            ],
            currency=self.currency,
        )

    @classmethod
    def together(cls, parts: Sequence[Spend]) -> Spend:
        """Add spends path by path."""
        if not all(part.is_exact for part in parts):
            parts = [part._mapped(part.usd, _floats) for part in parts]
        sums = [one.name for one in fields(cls) if one.name not in ("is_ranged", "currency")]
        added = {name: reduce(add, map(attrgetter(name), parts)) for name in sums}
        ranged = any(part.is_ranged for part in parts)
        return cls(**added, is_ranged=ranged, currency=parts[0].currency)

    def times(self, share: Decimal) -> Spend:
        """Return this share of the spend."""
        factor: Any = Fraction(share) if self.is_exact else float(share)
        return self._mapped(self.usd * float(share), lambda one: one * factor)

    def in_months(self, inside: Sequence[bool]) -> Spend:
        """Return the same, without anything in the other months."""
        counted = np.array([int(one) for one in inside], dtype=object if self.is_exact else int)
        return self._mapped(
            self.usd * np.array(inside)[:, np.newaxis], lambda one: np.asarray(one) * counted
        )

    def at_rates(self, rates: Sequence[Decimal], currency: str) -> Spend:
        """Return the same in another currency, each month at its own rate."""
        exact: Any = np.array([Fraction(one) for one in rates], dtype=object)
        floats = exact.astype(np.float64)
        factors = exact if self.is_exact else floats
        bill, listed = (
            one.map(lambda usd: np.asarray(usd) * factors) for one in (self.bill, self.list_bill)
        )
        usd = self.usd * floats[:, np.newaxis]
        return replace(self, usd=usd, bill=bill, list_bill=listed, currency=currency)

    def over_months(self) -> Spend:
        """Add the months, path by path."""
        return self._mapped(
            self.usd.sum(axis=0, keepdims=True), lambda one: np.asarray([one.sum()])
        )

    def _mapped(self, usd: Array, convert: Callable[[Any], Any]) -> Spend:
        return replace(
            self,
            usd=usd,
            usage=self.usage.map(convert),
            bill=self.bill.map(convert),
            list_bill=self.list_bill.map(convert),
            conversations=convert(self.conversations),
        )

    @property
    def is_exact(self) -> bool:
        """Whether nothing is uncertain, so that the bill is known to the last digit."""
        return bool(self._by_month.dtype == object)

    @cached_property
    def _by_month(self) -> Any:
        """Mean spend of each month; fractions where nothing is uncertain."""
        return np.asarray(self.bill.total) + np.zeros(len(self.usd), dtype=int)

    @cached_property
    def exact_usd(self) -> tuple[Decimal, ...] | None:
        """The bill of each month to the last digit, where nothing is uncertain."""
        return tuple(map(from_fraction, self._by_month)) if self.is_exact else None

    @property
    def meters(self) -> tuple[str, ...]:
        """Meters and fees of which anything is used."""
        return tuple(key for key, amount in self.usage if np.any(amount))

    @property
    def requests(self) -> Array:
        """Expected requests by month, retries included."""
        return _floats(self.usage.requests)

    @property
    def prompt_tokens(self) -> Array:
        """Expected input tokens by month."""
        return _floats(self.usage.prompt)

    @property
    def cached_tokens(self) -> Array:
        """Expected input tokens by month that are served from a cache."""
        return _floats(self.usage.cached + 0 * self.usage.requests)

    @property
    def completion_tokens(self) -> Array:
        """Expected output tokens by month."""
        return _floats(self.usage.completion)

    @property
    def reasoning_tokens(self) -> Array:
        """Expected reasoning tokens by month."""
        return _floats(self.usage.reasoning)

    def quantile(self, q: float) -> Array:
        """Return the quantile over paths for each month, USD; the mean where no range was given."""
        if not self.is_ranged:
            return self.mean()
        return np.asarray(np.quantile(self.usd, q, axis=1))

    def to_date(self, q: float) -> Array:
        """Return the quantile of the spend from the first month to each, USD."""
        if not self.is_ranged:
            return self.mean().cumsum()
        return np.asarray(np.quantile(self.usd.cumsum(axis=0), q, axis=1))

    def mean(self) -> Array:
        """Return the expected spend of each month, USD."""
        return _floats(self._by_month)

    def worst_month(self, q: float) -> tuple[int, Decimal]:
        """Return the place of the month whose quantile is the largest, and that amount in USD."""
        if self.exact_usd is not None:
            amount = max(self.exact_usd)
            return self.exact_usd.index(amount), amount
        amounts = self.quantile(q)
        place = int(amounts.argmax())
        return place, exact_decimal(float(amounts[place]))

    def chance_over(
        self, budget: Decimal | float, months: Sequence[int] | slice = slice(None)
    ) -> float:
        """Return the share of paths in which some month, or some of those at places, exceeds the budget."""
        return float(self._exceeding(budget)[months].any(axis=0).mean())

    def _exceeding(self, budget: Decimal | float) -> Any:
        """Return whether each month on each path exceeds a budget."""
        if self.exact_usd is not None:
            return np.array([[amount > budget] for amount in self.exact_usd])
        usd = self.usd if self.is_ranged else self.mean()[:, None]
        return usd > float(budget)


def _floats(values: Any) -> Array:
    return np.asarray(values, dtype=np.float64)
