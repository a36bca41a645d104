"""Factors on a plan, and the values of them at which two models cost the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.switch import leading, switch_over
from kimi_planner.money import as_decimal
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import number_text

__all__ = ["DRIVERS", "TIMES_TRAFFIC", "VOLUME", "Driver", "Pair"]

TIMES_TRAFFIC = "times the traffic"


@dataclass(frozen=True)
class Pair:
    """The best model of a workload and another one, on the paths of a plan.

    Every bill is the expected spend over all months of the plan, in USD.
    """

    workload: Workload
    best: ModelSpec
    other: ModelSpec
    projection: Projection

    @property
    def months(self) -> int:
        """Number of months that bills are of."""
        return len(self.projection.months)

    @cached_property
    def bills(self) -> tuple[Decimal, Decimal]:
        """What both cost as planned."""
        return self.bills_of(self.workload)

    def bills_of(self, workload: Workload) -> tuple[Decimal, Decimal]:
        """Return what both cost with the workload changed."""
        plan = self.projection.plan_of(workload)
        first, second = (as_decimal(plan.on(spec).mean_usd()) for spec in (self.best, self.other))
        return first, second

    @property
    def by_spend(self) -> tuple[ModelSpec, ModelSpec]:
        """The cheaper one and the dearer one; the best first in a tie."""
        first, second = self.bills
        return (self.other, self.best) if first > second else (self.best, self.other)


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A number of a plan that a factor moves.

    Attributes
    ----------
    what, unit
        As a flip has them.
    setting
        Name of the factor in `what_if`.
    lowest
        The least factor that is tried.
    amount, clause, because
        What is said: where no factor turns the order, of a factor in short, and of its effect.
    closed
        Tells why it cannot turn the order of two models; ``None`` if it may.
    """

    what: str
    unit: str
    setting: str
    lowest: Decimal
    amount: str
    clause: str
    because: str = ""
    closed: Callable[[Pair], str | None]

    def moved(self, workload: Workload, factor: Decimal) -> Workload:
        """Return a workload with the number moved."""
        return what_if(workload, **{self.setting: factor})[0]

    def switch(self, pair: Pair) -> Decimal | None:
        """Return the factor at which two models cost the same, ``None`` if there is none."""
        return switch_over(
            lambda factor: pair.bills_of(self.moved(pair.workload, factor)),
            Decimal(1),
            self.lowest,
            places=3,
            parts=pair.months,
        )

    def told(self, pair: Pair, factor: Decimal) -> tuple[str, str]:
        """Return what is said of a factor, and the factor in short."""
        cheaper, dearer = pair.by_spend
        short = leading(factor)
        about = f"{'' if short == factor else 'about '}{number_text(short)}"
        return (
            f"{dearer.id} costs the same as {cheaper.id} at {number_text(factor)} {self.unit}"
            f"{self.because}",
            self.clause.format(about),
        )


def _no_reasoning(pair: Pair) -> str | None:
    thinkers = [spec.id for spec in (pair.best, pair.other) if spec.reasons is not False]
    if not thinkers:
        return f"neither {pair.best.id} nor {pair.other.id} reasons, so reasoning changes nothing"
    if pair.workload.given("reasoning_tokens") is None:
        who = " or ".join(thinkers)
        return f"no reasoning tokens are given, so how much {who} may reason is not known"
    return None


def _no_cache(pair: Pair) -> str | None:
    plan = pair.projection.plan_of(pair.workload)
    matters = any(plan.on(spec).cache_matters for spec in (pair.best, pair.other))
    if pair.workload.cache is not None and matters:
        return None
    return "both bills grow alike with volume, so it never changes their order"


REASONING = Driver(
    what="reasoning multiplier",
    unit="times the reasoning tokens",
    setting="reasoning",
    lowest=Decimal(0),
    amount="amount of reasoning",
    clause="reasoning were {} times as long",
    closed=_no_reasoning,
)
VOLUME = Driver(
    what="volume",
    unit=TIMES_TRAFFIC,
    setting="traffic",
    lowest=Decimal("0.001"),
    amount="volume",
    clause="traffic were {} times as high",
    because=", as the cache then serves another share",
    closed=_no_cache,
)
#: In the order in which they are told.
DRIVERS = (REASONING, VOLUME)
