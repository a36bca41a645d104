"""Spend over scenarios: amounts by month and path, to be added, and read by quantile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.money import exact_decimal, total
from kimi_planner.workload.quantity import Array

__all__ = ["TOKEN_TOTALS", "Spend"]

TOKEN_TOTALS = (
    "requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
)


@dataclass(frozen=True, kw_only=True)
class Spend:
    """Spend of one workload, or of several together, on one model.

    Attributes
    ----------
    usd : ndarray, shape (n_months, n_paths) or (n_months, 1), USD
        Spend by month and scenario; one column if nothing is uncertain.
    exact_usd : tuple of Decimal, length n_months, or None
        The bill to the last digit, where nothing is uncertain.
    requests, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens
        Expected totals by month, arrays of shape (n_months,).
    """

    usd: Array
    exact_usd: tuple[Decimal, ...] | None
    requests: Array
    prompt_tokens: Array
    cached_tokens: Array
    completion_tokens: Array
    reasoning_tokens: Array

    @classmethod
    def together(cls, parts: Sequence[Spend]) -> Spend:
        """Add spends scenario by scenario."""
        exact = [part.exact_usd for part in parts]
        months = range(len(parts[0].usd))
        sums: Any = sum
        return cls(
            usd=sums(part.usd for part in parts),
            exact_usd=None
            if None in exact
            else tuple(total(amounts[k] for amounts in exact if amounts) for k in months),
            **{name: sums(getattr(part, name) for part in parts) for name in TOKEN_TOTALS},
        )

    def over_months(self) -> Spend:
        """Add the months, scenario by scenario."""
        return Spend(
            usd=self.usd.sum(axis=0, keepdims=True),
            exact_usd=None if self.exact_usd is None else (total(self.exact_usd),),
            **{name: getattr(self, name).sum(keepdims=True) for name in TOKEN_TOTALS},
        )

    def quantile(self, q: float) -> Array:
        """Return the quantile over scenarios for each month, USD."""
        if self.exact_usd is not None:
            return np.array([float(amount) for amount in self.exact_usd])
        return np.asarray(np.quantile(self.usd, q, axis=1))

    def mean(self) -> Array:
        """Return the mean over scenarios for each month, USD."""
        if self.exact_usd is not None:
            return self.quantile(0.5)
        return np.asarray(self.usd.mean(axis=1))

    def worst_month(self, q: float) -> tuple[int, Decimal]:
        """Return the place of the month whose quantile is the largest, and that amount in USD."""
        if self.exact_usd is not None:
            amount = max(self.exact_usd)
            return self.exact_usd.index(amount), amount
        amounts = self.quantile(q)
        place = int(amounts.argmax())
        return place, exact_decimal(float(amounts[place]))

    def chance_over(self, budget: Decimal | float) -> float:
        """Return the share of scenarios in which some month exceeds the budget."""
        if self.exact_usd is not None:
            return float(any(amount > budget for amount in self.exact_usd))
        return float((self.usd > float(budget)).any(axis=0).mean())
