"""What a portfolio is chosen from: options by workload, their worth, spend and load, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

from kimi_planner.choose.portfolios.bounds import NEAR
from kimi_planner.plan.spend import Spend
from kimi_planner.workload.quantity import Array

#: For each workload, the place of each option that it uses, and the share of calls it takes.
Shares = tuple[Mapping[int, Decimal], ...]

WHOLE = Decimal(1)


@dataclass(frozen=True, eq=False)
class Option:
    """One model that a workload may use.

    Attributes
    ----------
    model
        Its id.
    value
        What counts of its worth in an average month: expected successes, or net USD.
    spend
        What it costs, by month and path.
    load : ndarray, shape (n_limits,)
        What it takes of each rate limit, as a share of what is allowed; empty if none counts.
    draws : ndarray
        Equally likely worths of a month, by what trials leave open.
    """

    model: str
    value: float
    spend: Spend
    load: Array
    draws: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def mean_usd(self) -> float:
        """Expected spend of all months together, USD."""
        return float(self.spend.usd.mean(axis=1).sum())

    def beats(self, other: Option) -> bool:
        """Tell whether it is worth no less, and costs and loads no more in any month and path."""
        if self.value < other.value or (self.load > other.load).any():
            return False
        mine, theirs = self.spend.exact_usd, other.spend.exact_usd
        if mine is not None and theirs is not None:
            return all(a <= b for a, b in zip(mine, theirs, strict=True))
        if self.spend.usd[-1].mean() > other.spend.usd[-1].mean():
            return False  # most pairs end here, before every path is looked at
        return bool((self.spend.usd <= other.spend.usd).all())


@dataclass(frozen=True, eq=False)
class Problem:
    """Options of each workload, and the percentile at which a month's spend is held to a budget.

    Attributes
    ----------
    options
        For each workload, what it may use, in the order of the catalog. Without any for one of
        them there is no assignment.
    q
        The percentile as a share, from 0 to 1.
    """

    options: tuple[tuple[Option, ...], ...]
    q: float

    def used(self, shares: Shares) -> Iterator[tuple[Option, Decimal]]:
        """Yield every option that an assignment uses, and the share of calls it takes."""
        for some, used in zip(self.options, shares, strict=True):
            for place, share in used.items():
                yield some[place], share

    def together(self, shares: Shares) -> Spend:
        """Return the spend of all workloads together, added path by path."""
        return Spend.together([option.spend.times(share) for option, share in self.used(shares)])

    def worst(self, shares: Shares) -> tuple[int, Decimal]:
        """Return the dearest month at the percentile, and its spend; exact if nothing is uncertain."""
        return self.together(shares).worst_month(self.q)

    def value(self, shares: Shares) -> float:
        """Return what an assignment is worth a month."""
        return sum(option.value * float(share) for option, share in self.used(shares))

    def draws(self, shares: Shares) -> Any:
        """Return equally likely worths of an assignment in a month, by what trials leave open."""
        return sum(option.draws * float(share) for option, share in self.used(shares))

    def mean_usd(self, shares: Shares) -> float:
        """Return the expected spend of an assignment over all months."""
        return sum(option.mean_usd * float(share) for option, share in self.used(shares))

    def costs(self, month: int) -> list[Array]:
        """Return for each workload its spend in a month, shape (n_options, n_paths)."""
        n_paths = max(one.spend.usd.shape[1] for some in self.options for one in some)
        return [
            np.stack([np.broadcast_to(one.spend.usd[month], n_paths) for one in some])
            for some in self.options
        ]

    def chance_best(self, shares: Shares, budget: float) -> float:
        """Return the probability that no other model of one workload, within the budget, is worth more."""
        is_best: Any = True
        spend = self.together(shares).usd
        load: Any = sum(option.load * float(share) for option, share in self.used(shares))
        for some, used in zip(self.options, shares, strict=True):
            parts = [(some[place], float(share)) for place, share in used.items()]
            others = spend - sum(option.spend.usd * share for option, share in parts)
            loaded = load - sum(option.load * share for option, share in parts)
            now: Any = sum(option.draws * share for option, share in parts)
            for option in some:
                dearest = np.quantile(others + option.spend.usd, self.q, axis=1).max()
                if dearest <= budget * (1 + NEAR) and (loaded + option.load <= 1 + NEAR).all():
                    is_best = is_best & (option.draws <= now + NEAR * abs(now))
        return float(np.mean(is_best))

    def reduced(self) -> Problem:
        """Leave out every option that another of its workload beats; of equals the first stays."""
        return replace(self, options=tuple(_unbeaten(some) for some in self.options))


def _unbeaten(options: Sequence[Option]) -> tuple[Option, ...]:
    kept: list[Option] = []
    for option in options:
        if any(other.beats(option) for other in kept):
            continue
        kept = [other for other in kept if not option.beats(other)]
        kept.append(option)
    return tuple(kept)
