"""What rules a model out for a workload, every reason in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.requirements import Requirements
from kimi_planner.money import exact_decimal, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

__all__ = ["over_budget", "reasons_against"]


def reasons_against(
    workload: Workload,
    spec: ModelSpec,
    requirements: Requirements,
    projection: Projection,
    fit: ContextFit,
    *,
    evaluations: Evaluations | None = None,
    throughput: Throughput | None = None,
) -> tuple[str, ...]:
    """Return every reason why a model does not qualify for a workload; none if it does.

    Evaluations are held against ``min_success_rate``, the throughput against ``tier``.
    """
    reasons = [
        *_of_the_model(workload, spec, requirements, projection),
        *_of_the_window(workload, spec, requirements, projection, fit),
    ]
    if requirements.min_success_rate is not None and evaluations is not None:
        reasons += _of_success(workload, spec, requirements.min_success_rate, evaluations)
    if requirements.tier is not None and throughput is not None:
        reasons += _of_the_tier(workload, spec, requirements.tier, throughput)
    over = over_budget(workload, spec.id, requirements, projection)
    return tuple(reasons if over is None else [*reasons, over])


def _of_the_model(
    workload: Workload, spec: ModelSpec, requirements: Requirements, projection: Projection
) -> Iterator[str]:
    """Yield what the catalog states of a model, or does not state, that rules it out."""
    version = projection.catalog.version
    for word in dict.fromkeys((*workload.needs, *requirements.needs)):
        if word not in spec.capabilities:
            yield f"catalog {version} does not state that it has {word!r}"
    for name, least in (
        ("reasoning_depth", requirements.min_reasoning_depth),
        ("speed", requirements.min_speed),
    ):
        rating, words = getattr(spec, name), name.replace("_", " ")
        if least is not None and rating is None:
            yield f"catalog {version} does not rate its {words}; at least {least} must be"
        elif least is not None and rating.rating < least:
            yield f"its {words} is rated {rating.rating}; at least {least} must be"
    gone = spec.gone_by(projection.months[-1].last)
    if gone:
        yield gone


def _of_the_window(
    workload: Workload,
    spec: ModelSpec,
    requirements: Requirements,
    projection: Projection,
    fit: ContextFit,
) -> Iterator[str]:
    if spec.context_window_tokens is None:
        yield f"catalog {projection.catalog.version} does not state its context window"
        return
    share = fit.share(workload.name, spec.id)
    if share < requirements.min_fit_share:
        fits, must = _percents(share, requirements.min_fit_share)
        yield (
            f"only {fits} of requests fit its window of {spec.context_window_tokens:,} tokens; {must} "
            "must"
        )


def _of_success(
    workload: Workload, spec: ModelSpec, least: float, evaluations: Evaluations
) -> Iterator[str]:
    trials = evaluations.of(workload.name, spec.id)
    if trials is None:
        yield f"it was not tried in {evaluations.source}, so its success rate is not known"
    elif trials.mean < least:
        rate, must = _percents(trials.mean, least)
        yield (
            f"its expected success rate is {rate} ({trials.successes:,} of {trials.trials:,} tasks "
            f"solved); {must} must be"
        )


def _of_the_tier(
    workload: Workload, spec: ModelSpec, number: int, throughput: Throughput
) -> Iterator[str]:
    """Yield each limit of a tier that the traffic breaks, in the month with the highest peak."""
    tier = next(one for one in throughput.limits if one.tier == number)
    peaks = throughput.of(spec.id, workload.name)
    needed = throughput.tier(spec.id, workload.name)
    remedy = "no published tier would do" if needed is None else f"tier {needed.tier} would do"
    for limit in dict.fromkeys(limit for _, limit in peaks.exceeded(tier)):
        month = throughput.months[int(peaks.peak[limit].argmax())]
        yield (
            f"its P{throughput.percentile:g} peak of {peaks.highest(limit):,.0f} "
            f"{_words(limit)} in {month} breaks tier {number}'s limit of "
            f"{tier.allowed(limit):,.0f}; {remedy}"
        )


def over_budget(
    workload: Workload, model: str, requirements: Requirements, projection: Projection
) -> str | None:
    """Return by how much the worst month is over the budget, ``None`` if it is not."""
    budget = requirements.budget(workload.budget_usd_per_month)
    if budget is None:
        return None
    percentile = requirements.budget_percentile
    worst, amount = projection.of(model, workload.name).worst_month(percentile / 100)
    if amount <= budget:
        return None
    places = _places(amount - budget)
    return (
        f"P{percentile:g} spend in {projection.months[worst]} is {usd(amount, places)} USD, "
        f"{usd(amount - budget, places)} over the budget of {usd(budget, places)}"
    )


def _words(limit: str) -> str:
    return "requests at the same time" if limit == "concurrency" else limit.replace("_", " ")


def _percents(share: float, least: float) -> tuple[str, str]:
    """Return a share that is too low and the least one in percent, so that they differ."""
    low, high = (100 * exact_decimal(x) for x in (share, least))
    places = _places(high - low)
    return f"{low:.{places}f}%", f"{high:.{places}f}%"


def _places(difference: Decimal) -> int:
    """Return how many decimal places show that two numbers differ, at least two."""
    return max(2, -difference.adjusted())
