"""Traffic at its peak: calls, tokens and requests in work of the busiest hour, month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from kimi_planner.calls.sizes import CallSizes, Profile
from kimi_planner.capacity.busiest import busiest_day_calls
from kimi_planner.capacity.limits import Limits, Tier
from kimi_planner.capacity.minutes import CallTokensInSpan, calls_quantile, calls_share_over
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.scenarios import Scenarios, stream
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.quantity import Array, midpoints

__all__ = ["PeakPlan", "Peaks", "Traffic"]

MINUTES_PER_HOUR = 60
SECONDS_PER_MINUTE = 60
EVEN_HOUR_SHARE = 1 / 24


@dataclass(frozen=True)
class Traffic:
    """Traffic of one workload, or of several together, on one model, by month and scenario.

    Attributes
    ----------
    calls_per_minute, calls_per_day : ndarray, shape (n_months, n_paths) or (n_months, 1)
        Expected calls in a minute of the busiest hour of the month's busiest day, and on that day.
    tokens_per_minute, tokens_per_day
        Tokens that the limits count, in such a minute and on such a day.
    in_work : ndarray, of such a shape, or None
        Expected requests in work at one time of the busiest hour; ``None`` if not known.
    """

    calls_per_minute: Array
    calls_per_day: Array
    tokens_per_minute: CallTokensInSpan
    tokens_per_day: CallTokensInSpan
    in_work: Array | None

    def __add__(self, other: Traffic) -> Traffic:
        """Return both together, scenario by scenario."""
        return Traffic(
            self.calls_per_minute + other.calls_per_minute,
            self.calls_per_day + other.calls_per_day,
            self.tokens_per_minute + other.tokens_per_minute,
            self.tokens_per_day + other.tokens_per_day,
            None if self.in_work is None or other.in_work is None else self.in_work + other.in_work,
        )


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """What one workload, or all together, need at their peak on one model.

    Attributes
    ----------
    median, peak : mapping of str to ndarray, shape (n_months,)
        For each limit, the need by month: at the median of the scenarios, and at the percentile
        planned for. A limit of which nothing is known is missing.
    over : mapping of (int, str) to float
        For each tier and limit, the share of minutes of the busiest hour (of days, for tokens per
        day) that exceed it in the month with the highest peak; mean over scenarios.
    unknown : tuple of str
        What was not given, so that the need is at least this.
    """

    median: Mapping[str, Array]
    peak: Mapping[str, Array]
    over: Mapping[tuple[int, str], float]
    unknown: tuple[str, ...]

    def exceeded(self, tier: Tier) -> Iterator[tuple[int, str]]:
        """Yield the place of a month and the limit, for every limit of a tier that is too low."""
        for limit, by_month in self.peak.items():
            for place, need in enumerate(by_month.tolist()):
                if need > tier.allowed(limit):
                    yield place, limit

    def highest(self, limit: str) -> float | None:
        """Return the highest need of any month, ``None`` if it is not known."""
        return float(self.peak[limit].max()) if limit in self.peak else None


@dataclass(frozen=True, kw_only=True)
class PeakPlan:
    """What peaks are planned with.

    Attributes
    ----------
    months, limits
        Calendar months, and the limits that peaks are held against.
    scenario_share
        Share of scenarios in which a peak is not exceeded.
    minutes_within
        Share of minutes, or of days, that stay within a peak.
    peak_hour_share, output_tokens_per_second
        What is known for all workloads, where it is.
    seed, n_paths
        Of the scenarios; the same as of the plan of spend.
    """

    months: Sequence[Month]
    limits: Limits
    scenario_share: float
    minutes_within: float
    peak_hour_share: Quantity | None
    output_tokens_per_second: Quantity | None
    seed: int
    n_paths: int

    def traffic(self, workload: Workload, reasons: bool, window: int | None = None) -> Traffic:
        """Return the traffic of a workload on a model that reasons or not, in its context window.

        A call that the API refuses as too large was sent all the same, and counts in full.
        """
        load = workload.resolve()
        if load.sizes.overflow.policy == "reject":
            window = None
        scenarios = Scenarios.draw(load, self.seed, self.n_paths)
        per_day = busiest_day_calls(load, self.months, scenarios)
        hour = workload.given("peak_hour_share") or self.peak_hour_share
        share = self._drawn(hour, workload.name, "peak_hour_share", otherwise=EVEN_HOUR_SHARE)
        per_minute = per_day * np.maximum(share, EVEN_HOUR_SHARE) / MINUTES_PER_HOUR
        calls = CallSizes.of(load.sizes, Profile(reasons, window))
        tokens = calls.tokens(scenarios.factors(load.sizes.factors))
        reserved = tokens.completion if load.sizes.cap is None else load.sizes.cap
        sample = calls.billed(stream(self.seed, load.name, "sizes"))
        sizes = sample.prompt + sample.reserved
        in_work = None
        if self.output_tokens_per_second is not None:
            speed = self._drawn(self.output_tokens_per_second, "output_tokens_per_second")
            in_work = per_minute / SECONDS_PER_MINUTE * tokens.completion / speed
        return Traffic(
            per_minute,
            per_day,
            CallTokensInSpan.of(per_minute, tokens.prompt + reserved, sizes),
            CallTokensInSpan.of(per_day, tokens.prompt + reserved, sizes),
            in_work,
        )

    def peaks(self, parts: Sequence[Traffic], unknown: tuple[str, ...]) -> Peaks:
        """Return the peaks of workloads together, and how often they exceed each tier."""
        together = reduce(add, parts)
        calls: dict[str, Array] = {"requests_per_minute": together.calls_per_minute}
        if together.in_work is not None:
            calls["concurrency"] = together.in_work
        tokens = {
            "tokens_per_minute": together.tokens_per_minute,
            "tokens_per_day": together.tokens_per_day,
        }
        median, peak = (
            {**self._calls_at(calls, q), **self._tokens_at(tokens, q)}
            for q in (0.5, self.scenario_share)
        )
        over = {}
        for limit, by_month in peak.items():
            month = int(by_month.argmax())
            for tier in self.limits:
                allowed = tier.allowed(limit)
                share = (
                    calls_share_over(calls[limit][month], allowed)
                    if limit in calls
                    else tokens[limit].at(month).share_over(allowed)
                )
                over[tier.tier, limit] = float(share.mean())
        return Peaks(median=median, peak=peak, over=over, unknown=unknown)

    def _calls_at(self, means: dict[str, Array], q: float) -> dict[str, Array]:
        """Return peaks of Poisson numbers: they rise with their mean, so its quantile is enough."""
        return {
            limit: calls_quantile(_quantile(mean, q), self.minutes_within)
            for limit, mean in means.items()
        }

    def _tokens_at(self, spans: dict[str, CallTokensInSpan], q: float) -> dict[str, Array]:
        return {
            limit: _quantile(span.quantile(self.minutes_within), q) for limit, span in spans.items()
        }

    def _drawn(self, quantity: Quantity | None, *names: str, otherwise: float = 1.0) -> Array:
        if quantity is None:
            return np.full(1, otherwise)
        if quantity.is_certain:
            return np.full(1, quantity.mean)
        return stream(self.seed, *names).permutation(quantity.ppf(midpoints(self.n_paths)))


def _quantile(values: Array, q: float) -> Array:
    """Return the quantile over scenarios for each month, one of the values themselves."""
    return np.asarray(np.quantile(values, q, axis=1, method="higher"))
