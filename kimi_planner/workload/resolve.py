"""What a workload means once it is read: a load, in which every number has a value."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kimi_planner.catalog import Profile
from kimi_planner.workload.certainty import CERTAINTIES
from kimi_planner.workload.dated import Event, PriceChange
from kimi_planner.workload.overflow import Overflow
from kimi_planner.workload.quantity import ONE, ZERO, Quantity
from kimi_planner.workload.reasoning import thought
from kimi_planner.workload.turns import turn_means

if TYPE_CHECKING:
    from kimi_planner.workload.model import Workload


#: Fields of a workload that may give its traffic.
UNITS = ("requests_per_day", "conversations_per_day", "requests_per_month", "documents")
_DAYS_A_MONTH = Fraction(36_525, 1200)


def factor_key(key: str) -> str:
    """Return the name of the uncertain factor on the mean of a token quantity."""
    return f"{key}.mean_factor"


class Part(NamedTuple):
    """One size of a call.

    Attributes
    ----------
    key
        The field of a workload that gives it, and whose factor on the mean it has.
    size
        How single calls differ.
    """

    key: str
    size: Quantity

    @property
    def factor(self) -> Quantity:
        """The uncertain factor on the mean; 1 if none is given."""
        return self.size.factor or ONE


@dataclass(frozen=True)
class Sizes:
    """Sizes of the calls of a workload.

    Attributes
    ----------
    first, followup, visible, reasoning
        Prompt of a first call, what each later call adds, the visible answer, the chain of thought.
    turns
        Calls of a conversation.
    cap
        ``max_tokens``: output that a call reserves, and at which it is cut; ``None`` for no limit.
    effort, states_reasoning, needs
        ``reasoning_effort`` of the calls, whether the workload says how much they reason, and the
        capabilities that they need.
    overflow
        What happens to a call that does not fit.
    least_reserved
        Output that a call without a limit reserves at the least: the default of its model.
    """

    first: Part
    followup: Part
    visible: Part
    reasoning: Part
    turns: Quantity = ONE
    cap: int | None = None
    overflow: Overflow = Overflow()  # noqa: RUF009 - frozen, and the same for all
    least_reserved: int = 0
    effort: str | None = None
    states_reasoning: bool = True
    needs: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, Part, Part, Part]:
        """First prompt, follow-up, visible answer and reasoning."""
        return self.first, self.followup, self.visible, self.reasoning

    @property
    def calls(self) -> Fraction:
        """Expected calls of a conversation."""
        if self.turns.is_certain:
            return self.turns.as_number(Fraction)  # type: ignore[no-any-return]  # a Fraction, as asked
        return Fraction(turn_means(self.turns)[0])

    @property
    def is_certain(self) -> bool:
        """Whether every call is known to the token."""
        sizes = (self.turns, *(part.size for part in self.parts))
        return all(size.is_certain for size in sizes) and not self.factors

    @property
    def factors(self) -> dict[str, Quantity]:
        """The uncertain factors on means, by key of the quantity."""
        return {part.key: part.size.factor for part in self.parts if part.size.factor is not None}

    def on(self, model: Profile) -> Sizes:
        """Return the sizes on a model: its reasoning, and what it reserves without a limit.

        A model that may reason spends what the workload states or, if it states nothing, what the
        model's data say; without data it is as if it did not, and `reasoning_of` says so.
        """
        sizes, reasoning = self, self.reasoning.size
        if model.reasons_for(self.needs) is False:
            reasoning = ZERO
        elif not self.states_reasoning and (behaviour := model.thinks(self.effort)) is not None:
            reasoning = thought(self.visible.size, behaviour)
        if reasoning != self.reasoning.size:
            part = self.reasoning._replace(size=reasoning)
            sizes = replace(self, reasoning=part, states_reasoning=True)
        if model.reserves is None or sizes.cap is not None:
            return sizes
        return replace(sizes, least_reserved=model.reserves)

    def reserved(self, completion: Any) -> Any:
        """Return the output tokens that calls with answers of these lengths reserve.

        Notes
        -----
        Without a limit a model reserves its default, and is not known to cut an answer there, so
        an answer that is longer counts as it is.
        """
        if self.cap is not None:
            return np.full_like(completion, self.cap)
        return np.maximum(completion, self.least_reserved) if self.least_reserved else completion


@dataclass(frozen=True)
class Traffic:
    """How many calls are made, and when.

    Attributes
    ----------
    unit, level
        Which field gives the traffic, and how much it is in the first month.
    calls
        Expected calls for one of its unit: more than 1 for conversations and documents of turns.
    growth, retries
        Growth per month, share of calls that are sent twice.
    first_day, last_day
        First and last day that can have calls.
    grows_from
        The day from whose month growth counts; that of the plan if ``None``.
    weekdays
        Weights from Monday to Sunday; 1 is an average day.
    events
        Days that are not as usual.
    """

    unit: str
    level: Quantity
    calls: Fraction
    growth: Quantity
    retries: Quantity
    first_day: date
    last_day: date
    grows_from: date | None
    weekdays: tuple[Fraction, ...]
    events: tuple[Event, ...]

    @property
    def per_day(self) -> float:
        """Expected calls of an average day with traffic in the first month."""
        calls = self.level.mean * float(self.calls)
        if self.unit == "documents" and date.min < self.first_day <= self.last_day < date.max:
            return calls / ((self.last_day - self.first_day).days + 1)
        return calls if self.unit.endswith("_per_day") else calls / float(_DAYS_A_MONTH)

    def from_day(self, start: date) -> Traffic:
        """Return the traffic in a plan from a day on: documents with their first and last day."""
        if self.unit != "documents":
            return self
        first = start if self.first_day == date.min else self.first_day
        end = first.replace(day=monthrange(first.year, first.month)[1])
        last = end if self.last_day == date.max else self.last_day
        return replace(self, first_day=first, last_day=last)

    def of_a_day(self, month: date) -> Fraction:
        """Return the part of the level, in calls, that an average day has in the month of a day."""
        if self.unit.endswith("_per_day"):
            return self.calls
        first, last = self.first_day, self.last_day
        if self.unit == "requests_per_month":
            first = month.replace(day=1)
            last = month.replace(day=monthrange(month.year, month.month)[1])
        weeks, rest = divmod((last - first).days + 1, 7)
        days = sum(
            (self.weekdays[(first.weekday() + day) % 7] for day in range(rest)), 7 * Fraction(weeks)
        )
        return self.calls / days if days else Fraction(0)


@dataclass(frozen=True)
class Load:
    """A workload as it is meant: no optional number, no name of a field, no default left to a reader.

    Attributes
    ----------
    name
        The workload's.
    traffic, sizes
        How many calls, and how large.
    cached
        Share of prompt tokens served from cache.
    written_5m, written_1h
        Shares of prompt tokens written to a cache.
    fees
        From the name of a fee to how many of them a request causes.
    price_changes
        Prices that differ from the catalog's from a day on.
    is_batch
        Whether the calls are sent in batches.
    correlation
        The part that its level and growth share with those of other loads.
    """

    name: str
    traffic: Traffic
    sizes: Sizes
    cached: Quantity
    written_5m: Decimal
    written_1h: Decimal
    fees: Mapping[str, Decimal]
    price_changes: tuple[PriceChange, ...]
    is_batch: bool = False
    correlation: float = 0.0

    def on(self, model: Profile) -> Load:
        """Return the load on a model, with the uncertain numbers that its data bring."""
        return replace(self, sizes=self.sizes.on(model))

    def changes_of(self, model: str) -> tuple[PriceChange, ...]:
        """Return the price changes that concern a model, in the order of their days."""
        return tuple(one for one in self.price_changes if one.model in (None, model))

    def quantities(self) -> dict[str, Quantity]:
        """Return every number that is drawn once per path, by its name."""
        traffic = self.traffic
        found = {
            traffic.unit: traffic.level,
            "growth_per_month": traffic.growth,
            "cached_share": self.cached,
            "retry_share": traffic.retries,
        }
        found |= {factor_key(key): factor for key, factor in self.sizes.factors.items()}
        found |= {f"events.{event.name}": event.size for event in traffic.events}
        found |= {one.key: one.factor for one in self.price_changes if one.factor is not None}
        return found


def resolve(workload: Workload) -> Load:
    """Return what a workload means."""

    def given(key: str) -> Quantity:
        return workload.given(key) or ZERO

    certainty = None if workload.certainty is None else CERTAINTIES[workload.certainty]

    def part(key: str) -> Part:
        return Part(key, given(key) if certainty is None else certainty.of_size(given(key)))

    level, first = given(workload.unit), part("prompt_tokens")
    sizes = Sizes(
        first=first,
        followup=first if workload.followup_tokens is None else part("followup_tokens"),
        visible=part("completion_tokens"),
        reasoning=part("reasoning_tokens"),
        turns=given("turns"),
        cap=workload.max_tokens,
        overflow=workload.overflow_policy,
        effort=workload.reasoning_effort,
        states_reasoning=workload.reasoning_tokens is not None,
        needs=workload.needs,
    )
    profile = [Fraction(Decimal(one)) for one in workload.weekday_profile or (1,) * 7]
    week = sum(profile, Fraction(0))
    written = workload.written
    return Load(
        name=workload.name,
        traffic=Traffic(
            unit=workload.unit,
            level=level if certainty is None else certainty.of_level(level),
            calls=Fraction(1) if workload.unit.startswith("requests") else sizes.calls,
            growth=given("growth_per_month"),
            retries=given("retry_share"),
            first_day=workload.first_day,
            last_day=workload.last_day,
            grows_from=workload.first_day if workload.starts_on is not None else None,
            weekdays=tuple(7 * share / week for share in profile),
            events=workload.dated_events,
        ),
        sizes=sizes,
        cached=given("cached_share"),
        written_5m=(written and written.five_minutes) or Decimal(0),
        written_1h=(written and written.one_hour) or Decimal(0),
        fees=dict(workload.fees),
        price_changes=workload.dated_price_changes,
        is_batch=workload.batch,
        correlation=float(workload.correlation),
    )
