"""What of a plan becomes a formula: numbers to change, and what the plan has beside them.

Spend is requests times tokens of a call, divided among meters, times the price of each meter. A plan
has more: calendars, growth, events and retries, calls that grow with their conversation, dated
prices. For each line of a sheet this is one factor for each number, so that every line is the plan's
own to the last digit and still follows the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from kimi_planner.billing.meters import METERS, TOKEN_METERS, ByMeter, Usage, fee_key
from kimi_planner.billing.tariff import Tariff
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.spend import Spend

__all__ = ["Assumed", "Line", "Live", "price_factor"]

_DIGITS = 12  # of an assumption; a float has no more to rely on


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """Numbers of one workload that a reader of the workbook can change.

    Attributes
    ----------
    source
        Where the workload says its numbers are from.
    values
        Mean ``requests`` a day; tokens of a mean call as billed: ``prompt``, ``answer``, and
        ``reasoning`` on a model that reasons; by plain meter, the share of the prompt; by fee, how
        many a request causes.
    meters
        From plain meters and fees to those that the workload is billed by.
    """

    source: str
    values: Mapping[str, float]
    meters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the plan expects of a workload on a model in a month, or in all of them.

    Attributes
    ----------
    usage, usd, listed
        What is used, what it costs, and what it would at the prices of the first day.
    factors
        From an assumption to the line's own number against it, 1 where they are the same; and from
        `price_factor` of a meter to its mean price against that of the first day.
    """

    usage: Usage
    usd: ByMeter
    listed: ByMeter
    factors: Mapping[str, float]


def price_factor(key: str) -> str:
    """Return the name of the factor on the price of a meter."""
    return f"price of {key}"


@dataclass(frozen=True)
class Live:
    """The numbers of a workbook on a recommendation."""

    recommendation: Recommendation

    @cached_property
    def tariffs(self) -> dict[str, Tariff]:
        """Prices of each model on the first day of the plan."""
        projection = self.recommendation.projection
        first, fees = projection.months[0].first, projection.catalog.fees
        return {spec.id: Tariff.of(spec.in_plans().on(first), fees) for spec in projection.specs}

    @cached_property
    def _used(self) -> set[str]:
        """Plain meters and fees that occur."""
        names, spends = self.recommendation.names, self.recommendation.projection.spend
        used = {key for (name, _), spend in spends.items() if name in names for key in spend.meters}
        return {METERS[key].plain or key if key in METERS else key for key in used}

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
    def meters(self) -> list[str]:
        """Meters and fees that have a column: tokens of calls, of calls in batches, and fees."""
        billed = {key for one in self.assumed.values() for key in one.meters.values()}
        return [*(key for key in METERS if key in billed), *self.fees]

    @property
    def batches(self) -> list[str]:
        """Meters of batches among them."""
        return [key for key in self.meters if key in METERS and METERS[key].plain]

    @cached_property
    def assumed(self) -> dict[str, Assumed]:
        """The numbers to change, by workload."""
        projection, best = self.recommendation.projection, self.recommendation.best
        days = sum(month.days for month in projection.months)
        found = {}
        for workload in projection.workloads:
            name, load = workload.name, workload.resolve()
            if name not in self.recommendation.names:
                continue
            chosen = best[name]
            by_model = {model: projection.of(model, name) for model in (chosen, *projection.models)}
            used = _usage(by_model[chosen].over_months())
            thinker = next(
                (one for one, of in by_model.items() if of.reasoning_tokens.any()), chosen
            )
            thought = _usage(by_model[thinker].over_months())
            due = {fee_key(fee): float(count) for fee, count in load.fees.items()}
            found[name] = Assumed(
                source=workload.source or "not given",
                values={
                    "requests": _short(load.traffic.per_day or used.requests / days),
                    "prompt": _per(used.prompt, used.requests),
                    **{key: _per(used.part(key), used.prompt) for key in self.shares},
                    "answer": _per(used.completion - used.reasoning, used.requests),
                    "reasoning": _per(thought.reasoning, thought.requests),
                    **{key: due.get(key, 0.0) for key in self.fees},
                },
                meters={key: f"batch_{key}" if load.is_batch else key for key in self.plain}
                | {key: key for key in self.fees},
            )
        return found

    @cached_property
    def by_month(self) -> dict[str, list[Line]]:
        """A line for each month of a workload on its planned model."""
        months = range(len(self.recommendation.projection.months))
        return {
            name: [self._line(name, model, month) for month in months]
            for name, model in self.recommendation.best.items()
        }

    @cached_property
    def by_model(self) -> dict[tuple[str, str], Line]:
        """A line for all months of a workload on a model."""
        models = self.recommendation.projection.models
        return {(name, model): self._line(name, model) for name in self.assumed for model in models}

    @cached_property
    def factors(self) -> list[str]:
        """Names of the factors: prices only where one changes within the plan."""
        lines = [*self.by_model.values(), *(one for many in self.by_month.values() for one in many)]
        moved = [
            price_factor(key)
            for key in self.meters
            if any(line.factors.get(price_factor(key), 1.0) != 1 for line in lines)
        ]
        return ["requests", "prompt", *self.shares, "answer", "reasoning", *moved]

    def _line(self, workload: str, model: str, month: int | None = None) -> Line:
        projection, assumed = self.recommendation.projection, self.assumed[workload]
        spend = projection.of(model, workload)
        spend = spend.over_months() if month is None else spend
        used, usd = _usage(spend, month or 0), _at(spend.bill, month or 0)
        listed = self.tariffs[model].map(float).bill(used)
        values, calls = assumed.values, used.requests
        # on a model that does not reason nothing shall be thought, whatever is assumed
        needs = next(one.needs for one in projection.workloads if one.name == workload)
        reasons = projection.catalog.model(model).profile.reasons_for(needs) is not False
        return Line(
            usage=used,
            usd=usd,
            listed=listed,
            factors={
                "requests": _factor(calls, values["requests"]),
                "prompt": _factor(used.prompt, calls * values["prompt"]),
                **{key: _factor(used.part(key), used.prompt * values[key]) for key in self.shares},
                "answer": _factor(used.completion - used.reasoning, calls * values["answer"]),
                "reasoning": reasons * _factor(used.reasoning, calls * values["reasoning"]),
                **{price_factor(key): _factor(usd[key], listed[key]) for key, _ in usd},
            },
        )


def _at(amounts: ByMeter, month: int) -> ByMeter:
    return amounts.map(lambda one: float(one[month]))


def _usage(spend: Spend, month: int = 0) -> Usage:
    return spend.usage.map(lambda one: float(one[month]))


def _per(amount: float, count: float) -> float:
    return _short(amount / count) if count else 0.0


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _factor(amount: float, base: float) -> float:
    """Return the factor between two numbers, 1 where they differ by rounding or there is none."""
    factor = amount / base if base else 1.0
    return 1.0 if abs(factor - 1) < 10**-_DIGITS else factor
