"""What a workload can change: its calls, and what a call uses beside the numbers that are cells.

Spend is calls times tokens of a call, divided among meters, times the price of each meter. Calls are
the level of traffic times days, growth and events; so far all follows the cells. What the plan has
beside that is what it expects of a call on each model at each certainty (windows, limits, histories,
retries, numbers that vary together over paths): one rate for each, taken from the plan's own bill, so
that every line is the plan's to the last digit and still follows the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from kimi_planner.billing.meters import METERS, Usage, fee_key
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import demand, months_of_growth, periods_of
from kimi_planner.plan.draws import Draws
from kimi_planner.report.xlsx.scope import CERTAINTY, NONE, Scope
from kimi_planner.report.xlsx.traffic import serial
from kimi_planner.workload.quantity import ONE, ZERO, Array
from kimi_planner.workload.reasoning import may_reason
from kimi_planner.workload.resolve import Load, Traffic

_EARLIER = 24  # months by which a first day may be put before that of the plan
#: The rate of reasoning tokens that are put in, in place of those that are assumed or not known.
PUT_IN = "reasoning, put in"
SOME_TOKENS = 1000  # by which that rate is told, and how far the spend spreads then
_DIGITS = 12  # of an assumption; a float has no more to rely on


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """Numbers of one workload that a reader of the workbook can change.

    Attributes
    ----------
    values
        Mean ``requests`` a day; tokens of a mean call as billed: ``prompt``, ``answer``, and
        ``reasoning`` on a model that reasons; by plain meter, the share of the prompt; by fee, how
        many a request causes.
    batch
        Share of the calls that go in batches.
    certainty
        One of `CERTAINTY`.
    growth
        A month, its mean where it has a range.
    grown
        What growth multiplies the traffic by after 0, 1, … months, where it has a range; else empty.
    starts, ends
        First and last day with traffic, where stated.
    is_dated
        Whether these can be changed: documents are spread over their days.
    """

    values: Mapping[str, float]
    batch: float
    certainty: str
    growth: float
    grown: tuple[float, ...]
    starts: date | None
    ends: date | None
    is_dated: bool


@dataclass(frozen=True)
class CallRates(Scope):
    """The calls of each workload, and what one uses."""

    _flat_plans: dict[tuple[Any, ...], LoadPlan] = field(default_factory=dict, init=False)

    @cached_property
    def meters(self) -> list[str]:
        """Meters and fees that have a column: tokens of calls, of calls in batches, and fees."""
        return [key for key in (*METERS, *self.fees) if key in {*self.priced, *self.fees}]

    @cached_property
    def assumed(self) -> dict[str, Assumed]:
        """What can be changed of each workload."""
        return {name: self._assumed(name) for name in self.workloads}

    def _assumed(self, name: str) -> Assumed:
        load, best = self.loads[name], self.recommendation.best[name]
        certainty = self.workloads[name].certainty or NONE
        once = not load.traffic.level.mean  # where all calls are of events, one of those tells
        used, *others = (
            self._level(name, model, certainty, is_extra=once) for model in (best, *self.specs)
        )
        thought = next((one for one in (used, *others) if one.reasoning), used)
        due = {fee_key(fee): float(count) for fee, count in load.fees.items()}
        traffic = load.traffic.from_day(self.months[0].first)
        return Assumed(
            values={
                "requests": load.traffic.per_day,
                "prompt": _per(used.prompt, used.requests),
                **{key: _per(used.part(key), used.prompt) for key in self.shares},
                "answer": _per(used.completion - used.reasoning, used.requests),
                "reasoning": _per(thought.reasoning, thought.requests),
                **{key: due.get(key, 0.0) for key in self.fees},
            },
            batch=float(load.is_batch),
            certainty=certainty,
            growth=_short(load.traffic.growth.mean),
            grown=self._grown(name),
            starts=None if traffic.first_day == date.min else traffic.first_day,
            ends=None if traffic.last_day == date.max else traffic.last_day,
            is_dated=traffic.unit != "documents",
        )

    def _grown(self, name: str) -> tuple[float, ...]:
        load, first = self.loads[name], periods_of(self.months[:1])[0]
        if load.traffic.growth.is_certain:
            return ()
        months = list(self.months)
        for _ in range(months_of_growth(load.traffic, first, first) + _EARLIER):
            months.append(months[-1].next)
        flat = _even(load.traffic, self.months[0])
        growing = replace(load, traffic=replace(flat, growth=load.traffic.growth), price_changes=())
        drawn = self._plan(growing).draws
        still = replace(drawn, drawn={**drawn.drawn, "growth_per_month": 0.0})
        periods = periods_of(months)
        calls, even = (demand(growing, periods, draws) for draws in (drawn, still))
        return tuple(
            float(np.mean(one) / np.mean(base)) if np.any(base) else 1.0
            for one, base in zip(calls, even, strict=True)
        )

    @cached_property
    def calls(self) -> dict[str, dict[str, Array]]:
        """The calls of each workload by period, every number of its traffic being its mean.

        ``first`` and ``last`` are its days, as numbers of a workbook; ``days`` those with traffic, each
        with the weight of its weekday and events; ``growth`` what growth multiplies them by; ``scale``
        what an average day has of the requests of a day, 1 unless traffic is given by month; ``level``
        the calls of the level and ``extra`` those that events add, without retries and certainty.
        """
        return {name: self._calls(name) for name in self.workloads}

    def _calls(self, name: str) -> dict[str, Array]:
        load, assumed, periods = self.loads[name], self.assumed[name], self.periods
        traffic = load.traffic.from_day(periods[0].first)
        even = replace(traffic, level=ONE, growth=ZERO, calls=Fraction(1), unit="requests_per_day")

        def of(level: Any, *, added: bool) -> Array:
            events = tuple(one for one in traffic.events if (one.factor is None) == added)
            varied = replace(load, traffic=replace(even, level=level, events=events))
            return np.array(demand(varied, periods, Draws.exact(varied)), dtype=float)

        a_day, level = assumed.values["requests"], load.traffic.level.mean
        of_a_day = (float(traffic.of_a_day(one.first)) * level for one in periods)
        scale = np.array([factor_of(one, a_day or 1.0) for one in of_a_day])
        months = [months_of_growth(traffic, one, periods[0]) for one in periods]
        growth = [assumed.grown[n] if assumed.grown else (1 + assumed.growth) ** n for n in months]
        starts, ends = assumed.starts or date.min, assumed.ends or date.max
        days = of(ONE, added=False)
        return {
            "first": np.array([serial(max(one.first, starts)) for one in periods]),
            "last": np.array([serial(min(one.last, ends)) for one in periods]),
            "scale": scale,
            "days": days,
            "growth": np.array(growth),
            "level": a_day * scale * days * growth,
            "extra": of(ZERO, added=True),
        }

    def traffic(self, name: str) -> Traffic:
        """Return the traffic of a workload."""
        return self.loads[name].traffic

    def has_extra(self, name: str) -> bool:
        """Whether events add calls to those of the level."""
        return any(one.factor is None for one in self.traffic(name).events)

    def _has_single(self, name: str) -> bool:
        """Whether calls that do not come with the level count by themselves."""
        return self.has_extra(name) or not self.traffic(name).level.mean

    def _plan(self, load: Load) -> LoadPlan:
        projection = self.recommendation.projection
        return LoadPlan.of(
            load, self.months[:1], projection.catalog, projection.seed, projection.n_paths
        )

    def _flat(self, *key: Any) -> LoadPlan:
        """Return a plan of even days, by workload and certainty: of its level or of calls that are added.

        The last of the key tells whether it has some tokens of reasoning put in.
        """
        if key not in self._flat_plans:
            name, certainty, is_extra, is_put_in = key
            changed: dict[str, Any] = {"certainty": None if certainty == NONE else certainty}
            changed |= {"reasoning_tokens": SOME_TOKENS} if is_put_in else {}
            load = replace(self.workloads[name], **changed).resolve()
            traffic = _even(load.traffic, self.months[0])
            if is_extra:
                traffic = replace(traffic, level=ONE, calls=Fraction(1), unit="requests_per_day")
            plan = self._plan(replace(load, traffic=traffic, price_changes=()))
            self._flat_plans[key] = plan
        return self._flat_plans[key]

    def _level(
        self, name: str, model: str, certainty: str, *, is_extra: bool, is_put_in: bool = False
    ) -> Usage:
        """Return what one unit of the level uses of each meter, expected over paths."""
        plan, month = self._flat(name, certainty, is_extra, is_put_in), self.months[0]
        units = float(plan.load.traffic.of_a_day(month.first)) * month.days
        return plan.on(self.specs[model]).usage().map(lambda one: float(one[0]) / units)

    @cached_property
    def rates(self) -> dict[tuple[str, str, str], tuple[dict[str, float], dict[str, float]]]:
        """What a call uses against what is assumed, by workload, model and certainty.

        Of calls of the level, and of calls that events add, which do not vary with it.
        """
        found = {}
        for key in product(self.workloads, self.specs, CERTAINTY):
            own = self._rates(*key, is_extra=False)
            has_single = self._has_single(key[0])
            found[key] = own, self._rates(*key, is_extra=True) if has_single else own
        return found

    def _rates(self, name: str, model: str, certainty: str, *, is_extra: bool) -> dict[str, float]:
        used = self._level(name, model, certainty, is_extra=is_extra)
        calls = 1.0 if is_extra else self.traffic(name).level.mean
        values, workload, put_in = self.assumed[name].values, self.workloads[name], 0.0
        prompt, thinks = calls * values["prompt"], may_reason(workload, self.specs[model].profile)
        if thinks and workload.reasoning_tokens is None:
            thought = self._level(name, model, certainty, is_extra=is_extra, is_put_in=True)
            put_in = factor_of(thought.reasoning, calls * SOME_TOKENS)
        return {
            "requests": factor_of(used.requests, calls),
            "prompt": factor_of(used.prompt, prompt),
            **{key: factor_of(used.part(key), prompt * values[key]) for key in self.shares},
            "answer": factor_of(used.completion - used.reasoning, calls * values["answer"]),
            "reasoning": thinks * factor_of(used.reasoning, calls * values["reasoning"]),
            **{key: factor_of(used[key], calls * values[key]) for key in self.fees},
            PUT_IN: put_in,
        }


def _even(traffic: Traffic, month: Month) -> Traffic:
    """Return the traffic without growth, events, weekdays and ends; documents are all of a month."""
    once = traffic.unit == "documents"
    return replace(
        traffic,
        growth=ZERO,
        events=(),
        first_day=month.first if once else date.min,
        last_day=month.last if once else date.max,
        grows_from=None,
        weekdays=(Fraction(1),) * 7,
    )


def _per(amount: float, count: float) -> float:
    return _short(amount / count) if count else 0.0


def _short(number: float) -> float:
    return float(Decimal(f"{number:.{_DIGITS}g}"))


def factor_of(amount: float, base: float) -> float:
    """Return the factor between two numbers, 1 where they differ by rounding or there is none."""
    factor = amount / base if base else 1.0
    return 1.0 if abs(factor - 1) < 10**-_DIGITS else factor
