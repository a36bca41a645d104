"""The traffic at which a model meets its budget, and up to which it stays within a recharge tier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from kimi_planner.capacity.peaks import PeakPlan
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.budgets import keeping_traffic
from kimi_planner.choose.drivers import TIMES_TRAFFIC
from kimi_planner.choose.flip import Flip
from kimi_planner.choose.switch import leading
from kimi_planner.errors import WorkloadError
from kimi_planner.money import usd
from kimi_planner.rich import share_text
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import number_text

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation

__all__ = ["broken_limits", "of_budget", "of_tier"]

_FARTHEST = Decimal(10**9)
_DIGITS = 6


def of_budget(recommendation: Recommendation, workload: Workload, best: str) -> Iterator[Flip]:
    """Yield the traffic at which the worst month of the planned model is as high as the budget."""
    requirements, projection = recommendation.requirements, recommendation.projection
    budget = requirements.budget(workload.budget_usd_per_month)
    if budget is None:
        return
    share = requirements.budget_percentile / 100
    value = keeping_traffic(workload, best, projection, share, budget)
    spend, amount = f"P{requirements.budget_percentile:g} spend of the worst month", usd(budget)
    planned = projection.of(best, workload.name)
    head = f"{best} stays within the budget of {amount} USD up to"
    if planned.is_ranged:
        head = (
            f"{best} is over the budget of {amount} USD in some month with a chance of "
            f"{share_text(planned.chance_over(budget))}, and meets it at"
        )
    yield Flip(
        workload=workload.name,
        model=best,
        against=None,
        what="budget volume",
        unit=TIMES_TRAFFIC,
        planned=Decimal(1),
        value=value,
        **_words(head, value, spend, f"no volume brings {best} to the budget of {amount} USD"),
    )


def of_tier(recommendation: Recommendation, workload: Workload, spec: ModelSpec) -> Iterator[Flip]:
    """Yield the traffic up to which the peaks of the best model stay within the tier asked for.

    Peaks are quantiles of whole requests, which no formula inverts: the traffic is searched for, in
    the paths of the plan, to six digits.
    """
    found, number = recommendation.throughput, recommendation.requirements.tier
    if found is None:
        return

    def broken(traffic: Decimal) -> tuple[str, ...]:
        return broken_limits(recommendation, what_if(workload, traffic=traffic)[0], spec)

    low, high = Decimal(1), Decimal(2)
    limits: tuple[str, ...] = ()
    with suppress(WorkloadError):  # more traffic than a workload may have
        while high <= _FARTHEST and not (limits := broken(high)):
            low, high = high, 8 * high
    while limits and high - low > Decimal(1).scaleb(low.adjusted() - _DIGITS):
        middle = (low + high) / 2
        if over := broken(middle):
            high, limits = middle, over
        else:
            low = middle
    value = leading(low, _DIGITS, rounding=ROUND_DOWN) if limits else None
    head = f"{spec.id} stays within the limits of tier {number} up to"
    never = f"no volume brings {spec.id} to the limits of tier {number}"
    yield Flip(
        workload=workload.name,
        model=spec.id,
        against=None,
        what="tier volume",
        unit=TIMES_TRAFFIC,
        planned=Decimal(1),
        value=value,
        **_words(head, value, f"P{found.percentile:g} peak of {' and '.join(limits)}", never),
    )


def broken_limits(
    recommendation: Recommendation, workload: Workload, spec: ModelSpec
) -> tuple[str, ...]:
    """Return the limits of the tier asked for that a workload breaks, on the paths of a plan."""
    found, number = recommendation.throughput, recommendation.requirements.tier
    if found is None:
        return ()
    tier = next(one for one in found.limits if one.tier == number)
    plan = PeakPlan(
        scope=found,
        limits=found.limits,
        path_share=found.percentile / 100,
        minutes_within=found.minutes_within,
    )
    traffic = plan.traffic(workload, spec.profile)
    peaks = plan.peaks([traffic], ())
    return tuple(dict.fromkeys(limit.replace("_", " ") for _, limit in peaks.exceeded(tier)))


def _words(head: str, value: Decimal | None, of: str, never: str) -> dict[str, str]:
    """Return words and clause of a flip by volume."""
    if value is None:
        return {"words": never}
    words, clause = (
        f"{head} {number_text(number)} {TIMES_TRAFFIC} ({of})"
        for number in (value, leading(value, rounding=ROUND_DOWN))
    )
    return {"words": words, "clause": clause}
