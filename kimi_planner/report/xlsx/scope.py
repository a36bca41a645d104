"""What a workbook covers: workloads, models, periods between changes of price, and meters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kimi_planner.billing.meters import METERS, TOKEN_METERS, fee_key
from kimi_planner.catalog import Exchange, ModelSpec
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import Period, periods_of
from kimi_planner.workload import Workload
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.dated import PriceChange
from kimi_planner.workload.resolve import Load

NONE = "none"
#: How sure the numbers without a range are; "none" where nothing is said.
CERTAINTY = (NONE, *CERTAINTIES)


def batch_of(key: str) -> str:
    """Return the meter of the same tokens in a batch."""
    return f"batch_{key}"


@dataclass(frozen=True)
class Scope:
    """What a workbook on a recommendation covers."""

    recommendation: Recommendation

    @cached_property
    def workloads(self) -> dict[str, Workload]:
        """The workloads by name, in the order of the recommendation."""
        return {one.name: one for one in self.recommendation.workloads}

    @cached_property
    def specs(self) -> dict[str, ModelSpec]:
        """The models by id."""
        return {spec.id: spec for spec in self.recommendation.projection.specs}

    @property
    def months(self) -> tuple[Month, ...]:
        """Months of the plan."""
        return self.recommendation.projection.months

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.recommendation.projection.currency

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Rates of each other currency."""
        return self.recommendation.projection.catalog.exchanges

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The months, cut where any price changes."""
        days = [day for spec in self.specs.values() for day in spec.price_days]
        days += [change.day for changes in self.changes for change in changes]
        return periods_of(self.months, days)

    @cached_property
    def month_rows(self) -> list[list[int]]:
        """The places of the periods of each month."""
        return [
            [at for at, one in enumerate(self.periods) if month.first <= one.first <= month.last]
            for month in self.months
        ]

    @cached_property
    def changes(self) -> list[list[PriceChange]]:
        """The changes of price that workloads name: one list, unless they differ in that."""
        every: list[list[PriceChange]] = []
        for name in self.workloads:
            own = self._changes(name)
            every += [own] * (own not in every)
        return every

    def list_of(self, name: str) -> int:
        """Return the place of the changes of price that a workload names."""
        return self.changes.index(self._changes(name))

    def _changes(self, name: str) -> list[PriceChange]:
        last = self.months[-1].last
        return [one for one in self.loads[name].price_changes if one.day <= last]

    @cached_property
    def loads(self) -> dict[str, Load]:
        """What each workload means."""
        return {name: one.resolve() for name, one in self.workloads.items()}

    @cached_property
    def _used(self) -> set[str]:
        """Plain meters and fees that occur."""
        spends = self.recommendation.projection.spend
        used = {
            key for (name, _), one in spends.items() if name in self.workloads for key in one.meters
        }
        return set(map(self.plain_of, used))

    @cached_property
    def plain(self) -> list[str]:
        """Plain meters that have a price on the sheet of prices."""
        return [key for key in TOKEN_METERS if key in self._used | {"input", "output"}]

    @property
    def shares(self) -> list[str]:
        """Plain meters that a share of the prompt tells; the rest of it is plain input."""
        return [key for key in self.plain[1:] if METERS[key].direction == "Input"]

    @cached_property
    def fees(self) -> list[str]:
        """Keys of the fees that are due."""
        every = (fee_key(fee.name) for fee in self.recommendation.projection.catalog.fees)
        return [key for key in every if key in self._used]

    @cached_property
    def batches(self) -> list[str]:
        """Meters of calls in batches, where these have a price of their own or are planned."""
        is_any = any(load.is_batch for load in self.loads.values())
        is_priced = any(spec.batch_multiplier for spec in self.specs.values())
        return [batch_of(key) for key in self.plain if is_any or is_priced]

    def plain_of(self, key: str) -> str:
        """Return the meter of the same tokens in single calls; a fee is its own."""
        return (METERS[key].plain or key) if key in METERS else key

    def in_batches(self, amounts: Mapping[str, Any], share: float) -> dict[str, Any]:
        """Return amounts by plain meter as they are billed: a share of the tokens in batches."""
        billed: dict[str, Any] = {}
        for key, amount in amounts.items():
            if self.batches and key in self.plain:
                billed |= {key: amount * (1 - share), batch_of(key): amount * share}
            else:
                billed[key] = amount
        return billed

    @property
    def priced(self) -> list[str]:
        """Meters of tokens that have a price in each period."""
        return [*self.plain, *self.batches]

    @property
    def amounts(self) -> list[str]:
        """What a call has a rate of."""
        return ["requests", "prompt", *self.shares, "answer", "reasoning", *self.fees]
