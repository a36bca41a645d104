"""What a plan comes to at each setting of a what-if panel, as numbers that a page multiplies and adds.

The spend of a month is a sum over lines: calls of the line, times tokens of a call by meter, times
price. Calls follow traffic and growth, tokens follow the settings of output, reasoning and cache,
prices follow the boxes. Calls and tokens of an uncertain plan move together over its paths, so calls
are written as a number times a *shape*, whose mean over paths is 1, and tokens as their mean at each
shape: their product is the mean that the plan itself states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import nan
from typing import Any, NamedTuple

import numpy as np

from kimi_planner.billing.meters import METERS, TOKEN_METERS, fee_key
from kimi_planner.calls.caps import cut_shares
from kimi_planner.calls.fit import Served
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.calls.usage import tokens_used
from kimi_planner.catalog import ModelSpec, Profile
from kimi_planner.choose.recommendation import unserved_words
from kimi_planner.money import as_decimal
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.demand import Period, demand, months_of_growth
from kimi_planner.plan.draws import Draws, mean_of
from kimi_planner.plan.projection import Projection
from kimi_planner.report.price_moves import PriceMoves, text
from kimi_planner.report.ranges import REASONING, Ranges
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import Empirical, Scaled
from kimi_planner.workload.reasoning import may_reason
from kimi_planner.workload.resolve import Load, Sizes

#: Factors on visible output that a panel offers, and on reasoning, the first of these as planned.
OUTPUTS = ("0.5", "1", "1.5", "2", "3")
REASONINGS = ("1", "0", "0.5", "1.5", "2", "3")
#: Reasoning tokens of a call where there is nothing to multiply; the first is as planned.
THOUGHTS = ("", "0", "250", "500", "1000", "2000", "4000", "8000")
_PROMPT = tuple(key for key in TOKEN_METERS if METERS[key].direction == "Input")
_ALIKE = 1e-12
_TYPICAL = 1000  # reasoning tokens of a call around whose ranges those of other numbers are told

#: A shape and what it is multiplied by.
Row = tuple[int, str]


@dataclass
class _Shapes:
    """How calls differ between paths, each way once; the first is that they do not."""

    arrays: list[Any] = field(default_factory=lambda: [None])

    def row(self, calls: Any) -> Row:
        """Return calls as a multiple of a shape."""
        if not isinstance(calls, np.ndarray):
            return 0, text(calls)
        mean = float(calls.mean())
        if np.ptp(calls) <= _ALIKE * mean:
            return 0, text(mean)
        shape = calls / mean
        for number, known in enumerate(self.arrays[1:], 1):
            if np.allclose(shape, known, rtol=_ALIKE, atol=0):
                return number, text(mean)
        self.arrays.append(shape)
        return len(self.arrays) - 1, text(mean)

    def means(self, amount: Any) -> list[str]:
        """Return the mean over paths of an amount times each shape."""
        if not isinstance(amount, np.ndarray):
            return [text(amount)] * len(self.arrays)
        shaped = (float(one @ amount) / len(amount) for one in self.arrays[1:])
        return [text(mean_of(amount)), *map(text, shaped)]


class _Count(NamedTuple):
    """Calls of a period: its month and months of growth; the three rows as floats, and as shapes."""

    when: list[int]
    calls: list[Any]
    rows: list[Row]


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one workload; its months, models and paths are those of a plan."""

    projection: Projection
    workload: Workload
    fees: Sequence[str]
    _shapes: _Shapes = field(default_factory=_Shapes)
    _plans: dict[tuple[str, str], LoadPlan] = field(default_factory=dict)
    _counts: dict[tuple[Period, ...], list[_Count]] = field(default_factory=dict)

    @cached_property
    def _load(self) -> Load:
        return self.workload.resolve()

    @cached_property
    def _ranges(self) -> Ranges:
        moves = not self.is_scaled and any(map(self.thinks, self._profiles))
        return Ranges(self.projection, self.workload, _TYPICAL if moves else None)

    @cached_property
    def _profiles(self) -> list[Profile]:
        return list(dict.fromkeys(spec.profile for spec in self.projection.specs))

    @cached_property
    def is_scaled(self) -> bool:
        """Whether reasoning is stated as a quantity that can be multiplied, and written again."""
        stated = self.workload.given("reasoning_tokens")
        size = stated.size if isinstance(stated, Scaled) else stated
        return size is not None and size.mean > 0 and not isinstance(size, Empirical)

    @property
    def reasonings(self) -> tuple[str, ...]:
        """Settings of reasoning: factors on what is stated, or else tokens of a call."""
        return REASONINGS if self.is_scaled else THOUGHTS

    def thinks(self, profile: Profile) -> bool:
        """Whether a model spends on reasoning, or may."""
        return may_reason(self.workload, profile)

    @property
    def cached(self) -> Decimal:
        """The expected cached share as planned, to four digits."""
        return round(as_decimal(self._load.cached.mean), 4)

    @property
    def stops(self) -> list[Decimal]:
        """Cached shares that the panel offers; what is written to a cache is not cached."""
        room = 1 - self._load.written_5m - self._load.written_1h
        return [share for share in (Decimal(n) / 20 for n in range(21)) if share <= room]

    def data(self) -> dict[str, Any]:
        """Return all as lists and texts: ``models`` first, as lines bring the shapes."""
        models = [self._model(spec) for spec in self.projection.specs]
        retried = 1 + self._source(self._plan, self._load.traffic.retries.is_certain)["retry_share"]
        return {
            "models": models,
            "tokens": [self._tokens(profile) for profile in self._profiles],
            "unserved": [self._unserved(profile) for profile in self._profiles],
            "shares": self._shares(),
            "which": self._ranges.which,
            "calls": self._shapes.means(retried),
            "fees": [
                [len(TOKEN_METERS) + self.fees.index(fee_key(name)), text(count)]
                for name, count in self._load.fees.items()
            ],
        }

    @cached_property
    def _plan(self) -> LoadPlan:
        return self.projection.plan_of(self.workload)

    @staticmethod
    def _source(plan: LoadPlan, is_certain: bool) -> Draws:
        return plan.exact.draws if is_certain else plan.draws

    # tokens of a call

    def _shares(self) -> dict[str, list[str]]:
        """Return what of a prompt each meter has, by the cached share; ``""`` as planned."""
        load = replace(self._load, is_batch=False)
        stops = {text(one): Fraction(one) for one in (*self.stops, self.cached)}
        if load.cached.is_certain:
            stops[""] = load.cached.as_number(Fraction)
        return {
            stop: [
                text(tokens_used(load, Fraction(1), Fraction(0), cached=cached)[key])
                for key in _PROMPT
            ]
            for stop, cached in stops.items()
        }

    def _settings(self, profile: Profile) -> list[list[tuple[str, str]]]:
        """Return settings of output, and for each those of reasoning where that changes anything."""
        reasonings = self.reasonings if self.thinks(profile) else self.reasonings[:1]
        return [[(output, reasoning) for reasoning in reasonings] for output in OUTPUTS]

    def _tokens(self, profile: Profile) -> list[list[list[list[str]]]]:
        """Return what a call uses at each setting.

        Prompt, completion and of it reasoning, and where the planned cached share has a range the prompt
        by meter.
        """
        spec = next(one for one in self.projection.specs if one.profile == profile)
        return [
            [self._call(self._plan_at(*one), spec) for one in row]
            for row in self._settings(profile)
        ]

    def _unserved(self, profile: Profile) -> list[list[str]]:
        """Return in words which calls are not served as they are asked for, at each setting."""
        return [
            [self._unserved_at(self._plan_at(*one).load.sizes, profile) for one in row]
            for row in self._settings(profile)
        ]

    def _unserved_at(self, sizes: Sizes, profile: Profile) -> str:
        calls = CallSizes.on(sizes, profile)
        served = Served(nan, calls.overflow_shares[1], *cut_shares(calls.sizes))
        return "; ".join(unserved_words(served, None, self.workload))

    def _plan_at(self, output: str, reasoning: str) -> LoadPlan:
        """Return the plan at a setting; what is drawn anew is what a cache serves, and what is stated anew."""
        if (output, reasoning) not in self._plans:
            factor = {"reasoning": reasoning} if self.is_scaled else {}
            [changed] = what_if(self.workload, output=output, **factor)
            if reasoning and not self.is_scaled:
                changed = replace(changed, reasoning_tokens=Decimal(reasoning))
            load = changed.resolve()
            is_drawn = set(load.quantities()) <= set(self._load.quantities())
            self._plans[output, reasoning] = (
                replace(self._plan, load=load)
                if is_drawn and self.workload.cache is None
                else self.projection.plan_of(changed)
            )
        return self._plans[output, reasoning]

    def _call(self, at: LoadPlan, spec: ModelSpec) -> list[list[str]]:
        plan = at.on(spec).plan
        load = replace(plan.load, is_batch=False)
        is_certain = load.sizes.on(spec.profile).is_certain and load.traffic.retries.is_certain
        source = plan.exact if is_certain else plan
        call, retried = source.tokens(spec), 1 + source.draws["retry_share"]
        amounts = [one * retried for one in (call.prompt, call.completion, call.reasoning)]
        if not self._load.cached.is_certain:
            prompt = float(amounts[0]) if is_certain else amounts[0]
            used = tokens_used(load, prompt, 0.0, cached=plan.draws["cached_share"])
            amounts += [used[key] for key in _PROMPT]
        return [self._shapes.means(amount) for amount in amounts]

    # calls and prices

    def _model(self, spec: ModelSpec) -> dict[str, Any]:
        """Return the lines of a model: a month, its months of growth, calls, and whose prices.

        Calls are three rows: as planned; at another growth those that grow, before they do; and those
        of events, which do not.
        """
        bill = self._plan.on(spec)
        keys = [*TOKEN_METERS, *map(fee_key, self._load.fees)]
        meters = {key: n for n, key in enumerate([*TOKEN_METERS, *self.fees, REASONING])}
        prices = PriceMoves.of(bill, self._load)
        tariffs: dict[str, int] = {}
        shown: list[list[Any]] = []
        lines = []
        for place, (when, calls, usual) in enumerate(self._counted(bill.periods)):
            for factor, priced in prices.at(place, keys):
                tariff = [[meters[key], *price] for key, price in priced.items()]
                number = tariffs.setdefault(repr(tariff), len(tariffs))
                shown[number:] = shown[number:] or [tariff]
                rows = usual if factor is None else self._rows(one * factor for one in calls)
                lines.append([*when, *rows, number])
        return {
            "profile": self._profiles.index(spec.profile),
            "tariffs": shown,
            "lines": lines,
            "boxes": prices.boxes,
            "ranges": self._ranges.of(spec, meters),
        }

    def _rows(self, calls: Iterable[Any]) -> list[Row]:
        return list(map(self._shapes.row, calls))

    def _counted(self, periods: tuple[Period, ...]) -> list[_Count]:
        if periods not in self._counts:
            self._counts[periods] = list(self._count(periods))
        return self._counts[periods]

    def _count(self, periods: tuple[Period, ...]) -> Iterator[_Count]:
        load, months = self._load, [month.first for month in self.projection.months]
        traffic = load.traffic
        is_certain = all(
            one.is_certain for one in (traffic.level, *(e.size for e in traffic.events))
        )
        planned = self._source(self._plan, is_certain and traffic.growth.is_certain)
        still = self._source(self._plan, is_certain)
        none = still.number(0)
        extra = [f"events.{one.name}" for one in traffic.events if one.factor is None]
        flat = dict(still.drawn) | {"growth_per_month": none}
        counts = [
            demand(load, periods, planned),
            demand(load, periods, replace(still, drawn=flat | dict.fromkeys(extra, none))),
            demand(load, periods, replace(still, drawn=flat | {traffic.unit: none})),
        ]
        for place, period in enumerate(periods):
            month = months.index(period.first.replace(day=1))
            steps = months_of_growth(traffic.from_day(periods[0].first), period, periods[0])
            calls = [count[place] for count in counts]
            floats = [one if isinstance(one, np.ndarray) else float(one) for one in calls]
            yield _Count([month, steps], floats, self._rows(calls))
