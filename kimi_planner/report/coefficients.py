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
from typing import Any

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
from kimi_planner.report.price_moves import PriceMoves, text
from kimi_planner.report.ranges import REASONING, Ranges
from kimi_planner.report.settings import Settings

_PROMPT = tuple(key for key in TOKEN_METERS if METERS[key].direction == "Input")
_ALIKE = 1e-12

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


#: Calls of a period: its month and months of growth; the three rows as floats, and as shapes.
_Count = tuple[list[int], list[Any], list[Row]]


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one workload; its months, models and paths are those of a plan."""

    settings: Settings
    fees: Sequence[str]
    _shapes: _Shapes = field(default_factory=_Shapes)
    _counts: dict[tuple[Period, ...], list[_Count]] = field(default_factory=dict)

    @cached_property
    def _profiles(self) -> list[Profile]:
        return list(dict.fromkeys(spec.profile for spec in self.settings.projection.specs))

    @property
    def cached(self) -> Decimal:
        """The expected cached share as planned, to four digits."""
        return round(as_decimal(self.settings.load.cached.mean), 4)

    @property
    def stops(self) -> list[Decimal]:
        """Cached shares that the panel offers; what is written to a cache is not cached."""
        room = 1 - self.settings.load.written_5m - self.settings.load.written_1h
        return [share for share in (Decimal(n) / 20 for n in range(21)) if share <= room]

    def data(self) -> dict[str, Any]:
        """Return all as lists and texts: ``models`` first, as lines bring the shapes."""
        ranges = Ranges(self.settings)
        models = [self._model(spec, ranges) for spec in self.settings.projection.specs]
        plan, load = self.settings.plan, self.settings.load
        retries = self._source(plan, load.traffic.retries.is_certain)["retry_share"]
        return {
            "models": models,
            "tokens": [self.settings.each(profile, self._call) for profile in self._profiles],
            "unserved": [self.settings.each(profile, self._unserved) for profile in self._profiles],
            "shares": self._shares(),
            "which": ranges.which,
            "calls": self._shapes.means(1 + retries),
            "fees": [
                [len(TOKEN_METERS) + self.fees.index(fee_key(name)), text(count)]
                for name, count in load.fees.items()
            ],
        }

    @staticmethod
    def _source(plan: LoadPlan, is_certain: bool) -> Draws:
        return plan.exact.draws if is_certain else plan.draws

    # tokens of a call

    def _shares(self) -> dict[str, list[str]]:
        """Return what of a prompt each meter has, by the cached share; ``""`` as planned."""
        load = replace(self.settings.load, is_batch=False)
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

    def _unserved(self, plan: LoadPlan, profile: Profile) -> str:
        """Return in words which calls are not served as they are asked for."""
        calls = CallSizes.on(plan.load.sizes, profile)
        served = Served(nan, calls.overflow_shares[1], *cut_shares(calls.sizes))
        return "; ".join(unserved_words(served, None, self.settings.workload))

    def _call(self, at: LoadPlan, profile: Profile) -> list[list[str]]:
        """Return what a call uses: prompt, completion and of it reasoning.

        Where the planned cached share has a range, also the prompt by meter.
        """
        specs = self.settings.projection.specs
        spec = next(one for one in specs if one.profile == profile)
        plan = at.on(spec).plan
        load = replace(plan.load, is_batch=False)
        is_certain = load.sizes.on(profile).is_certain and load.traffic.retries.is_certain
        source = plan.exact if is_certain else plan
        call, retried = source.tokens(spec), 1 + source.draws["retry_share"]
        amounts = [one * retried for one in (call.prompt, call.completion, call.reasoning)]
        if not self.settings.load.cached.is_certain:
            prompt = float(amounts[0]) if is_certain else amounts[0]
            used = tokens_used(load, prompt, 0.0, cached=plan.draws["cached_share"])
            amounts += [used[key] for key in _PROMPT]
        return [self._shapes.means(amount) for amount in amounts]

    # calls and prices

    def _model(self, spec: ModelSpec, ranges: Ranges) -> dict[str, Any]:
        """Return the lines of a model: a month, its months of growth, calls, and whose prices.

        Calls are three rows: as planned; at another growth those that grow, before they do; and those
        of events, which do not.
        """
        bill = self.settings.plan.on(spec)
        keys = [*TOKEN_METERS, *map(fee_key, self.settings.load.fees)]
        meters = {key: n for n, key in enumerate([*TOKEN_METERS, *self.fees, REASONING])}
        prices = PriceMoves.of(bill, self.settings.load)
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
            "ranges": ranges.of(spec, meters),
        }

    def _rows(self, calls: Iterable[Any]) -> list[Row]:
        return list(map(self._shapes.row, calls))

    def _counted(self, periods: tuple[Period, ...]) -> list[_Count]:
        if periods not in self._counts:
            self._counts[periods] = list(self._count(periods))
        return self._counts[periods]

    def _count(self, periods: tuple[Period, ...]) -> Iterator[_Count]:
        load, traffic = self.settings.load, self.settings.load.traffic
        months = [month.first for month in self.settings.projection.months]
        sizes = [traffic.level, *(event.size for event in traffic.events)]
        is_certain = all(one.is_certain for one in sizes)
        planned = self._source(self.settings.plan, is_certain and traffic.growth.is_certain)
        still = self._source(self.settings.plan, is_certain)
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
            yield [month, steps], floats, self._rows(calls)
