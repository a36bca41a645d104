"""What rules a model out for a workload, every reason in words."""

from __future__ import annotations

from decimal import Decimal

from kimi_planner.catalog import ModelSpec
from kimi_planner.money import exact_decimal, usd
from kimi_planner.projection import ContextFit, Projection
from kimi_planner.selection.requirements import Requirements
from kimi_planner.workload import Workload

__all__ = ["reasons_against"]


def reasons_against(
    workload: Workload,
    spec: ModelSpec,
    requirements: Requirements,
    projection: Projection,
    fit: ContextFit,
) -> tuple[str, ...]:
    """Return every reason why a model does not qualify for a workload; none if it does."""
    version = projection.catalog.version
    reasons = [
        f"catalog {version} does not state that it has {word!r}"
        for word in dict.fromkeys((*workload.needs, *requirements.needs))
        if word not in spec.capabilities
    ]
    gone = spec.gone_by(projection.months[-1].last)
    if gone:
        reasons.append(gone)
    if spec.context_window_tokens is None:
        reasons.append(f"catalog {version} does not state its context window")
    else:
        share = fit.share(workload.name, spec.id)
        if share < requirements.min_fit_share:
            fits, must = (100 * exact_decimal(x) for x in (share, requirements.min_fit_share))
            places = _places(must - fits)
            reasons.append(
                f"only {fits:.{places}f}% of requests fit its window of "
                f"{spec.context_window_tokens:,} tokens; {must:.{places}f}% must"
            )
    budget = workload.budget_usd_per_month
    budget = requirements.budget_usd_per_month if budget is None else budget
    if isinstance(budget, Decimal):
        percentile = requirements.budget_percentile
        spend = projection.of(spec.id, workload.name)
        worst, amount = spend.worst_month(percentile / 100)
        if amount > budget:
            places = _places(amount - budget)
            reasons.append(
                f"P{percentile:g} spend in {projection.months[worst]} is {usd(amount, places)} USD, "
                f"{usd(amount - budget, places)} over the budget of {usd(budget, places)}"
            )
    return tuple(reasons)


def _places(difference: Decimal) -> int:
    """Return how many decimal places show that two numbers differ, at least two."""
    return max(2, -difference.adjusted())
