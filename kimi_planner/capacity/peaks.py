"""Traffic at its peak: calls, tokens and requests in work of the busiest hour, month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from kimi_planner.calls.sizes import CallSizes
from kimi_planner.capacity.limits import Limits, Tier
from kimi_planner.capacity.minutes import CallsInSpan, CallTokensInSpan
from kimi_planner.catalog import Profile
from kimi_planner.plan.calendar import Month
from kimi_planner.plan.demand import DayKind, day_kinds, months_of_growth, periods_of
from kimi_planner.plan.draws import Draws, stream
from kimi_planner.plan.scope import Scope
from kimi_planner.workload import Quantity, Workload
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.resolve import Load


def busiest_day_calls(load: Load, months: Sequence[Month], draws: Draws) -> Array:
    """Return the expected calls of the busiest day of each month.

    Parameters
    ----------
    load : Load
        Whose calls. Days of the week, events, the first and last day and retries count.
    months : sequence of Month
        The months of the plan.
    draws : Draws
        What was drawn for it.

    Returns
    -------
    ndarray, shape (n_months, n_paths) or (n_months, 1)
        Calls a day; 0 in a month without a day of traffic.
    """
    periods = periods_of(months)
    traffic = load.traffic.from_day(periods[0].first)
    growth = 1 + draws["growth_per_month"]
    sent = 1 + draws["retry_share"]
    level = draws[traffic.unit] * sent

    def calls(kind: DayKind, usual: Array) -> Array:
        for name in kind.factors:
            usual = usual * draws[f"events.{name}"]
        for name, days in kind.extra:
            usual = usual + draws[f"events.{name}"] * sent / days
        return usual

    found = []
    for period in periods:
        usual = level * growth ** months_of_growth(traffic, period, periods[0])
        usual = usual * float(traffic.of_a_day(period.first))
        kinds = [calls(kind, usual * float(kind.weight)) for kind in day_kinds(traffic, period)]
        found.append(np.maximum.reduce(np.broadcast_arrays(np.atleast_1d(usual * 0), *kinds)))
    return np.stack(np.broadcast_arrays(*found))


MINUTES_PER_HOUR = 60
SECONDS_PER_MINUTE = 60
EVEN_HOUR_SHARE = 1 / 24


#: What one workload, or several together, send on one model, by the limit that it counts for: calls
#: and tokens in a minute of the busiest hour of the month's busiest day, requests in work at one time
#: of that hour, which are missing if not known, and tokens on that day.
Traffic = Mapping[str, CallsInSpan | CallTokensInSpan]


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """What one workload, or all together, need at their peak on one model.

    Attributes
    ----------
    median, peak : mapping of str to ndarray, shape (n_months,)
        For each limit, the need by month: at the median of the paths, and at the percentile
        planned for. A limit of which nothing is known is missing.
    over : mapping of (int, str) to float
        For each tier and limit, the share of minutes of the busiest hour (of days, for tokens per
        day) that exceed it in the month with the highest peak; mean over paths.
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
    scope
        Months and paths; the same as of the plan of spend.
    limits
        What peaks are held against.
    path_share
        Share of paths in which a peak is not exceeded.
    minutes_within
        Share of minutes, or of days, that stay within a peak.
    peak_hour_share, output_tokens_per_second
        What is known for all workloads, where it is.
    """

    scope: Scope
    limits: Limits
    path_share: float
    minutes_within: float
    peak_hour_share: Quantity | None = None
    output_tokens_per_second: Quantity | None = None

    def traffic(self, workload: Workload, model: Profile) -> Traffic:
        """Return the traffic of a workload on a model.

        A call that the API refuses as too large was sent all the same, and counts in full. What
        calls without a limit reserve is the model's default or, where it is more, the mean answer.
        """
        load = workload.resolve().on(model)
        if load.sizes.overflow.policy == "reject":
            model = model._replace(window=None)
        draws = Draws.draw(load, self.scope.seed, self.scope.n_paths)
        per_day = busiest_day_calls(load, self.scope.months, draws)
        hour = workload.given("peak_hour_share") or self.peak_hour_share
        share = self._drawn(hour, workload.name, "peak_hour_share", otherwise=EVEN_HOUR_SHARE)
        per_minute = per_day * np.maximum(share, EVEN_HOUR_SHARE) / MINUTES_PER_HOUR
        calls = CallSizes.on(load.sizes, model)
        tokens = calls.tokens(draws.factors(load.sizes.factors))
        reserved = calls.sizes.reserved(tokens.completion)
        sample = calls.billed(stream(self.scope.seed, load.name, "sizes"))
        sizes = sample.prompt + sample.reserved
        sent: dict[str, CallsInSpan | CallTokensInSpan] = {
            "requests_per_minute": CallsInSpan(per_minute)
        }
        if self.output_tokens_per_second is not None:
            speed = self._drawn(self.output_tokens_per_second, "output_tokens_per_second")
            sent["concurrency"] = CallsInSpan(
                per_minute / SECONDS_PER_MINUTE * tokens.completion / speed
            )
        for span, arriving in (("minute", per_minute), ("day", per_day)):
            sent[f"tokens_per_{span}"] = CallTokensInSpan.of(
                arriving, tokens.prompt + reserved, sizes
            )
        return sent

    def peaks(self, parts: Sequence[Traffic], unknown: tuple[str, ...]) -> Peaks:
        """Return the peaks of workloads together, and how often they exceed each tier."""
        together = {limit: reduce(add, [one[limit] for one in parts]) for limit in parts[0]}
        median, peak = (
            {limit: span.peak(self.minutes_within, q) for limit, span in together.items()}
            for q in (0.5, self.path_share)
        )
        over = {}
        for limit, span in together.items():
            month = span.at(int(peak[limit].argmax()))
            for tier in self.limits:
                over[tier.tier, limit] = float(month.share_over(tier.allowed(limit)).mean())
        return Peaks(median=median, peak=peak, over=over, unknown=unknown)

    def _drawn(self, quantity: Quantity | None, *names: str, otherwise: float = 1.0) -> Array:
        if quantity is None:
            return np.full(1, otherwise)
        if quantity.is_certain:
            return np.full(1, quantity.mean)
        return stream(self.scope.seed, *names).permutation(quantity.spread(self.scope.n_paths))
