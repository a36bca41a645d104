"""What serving the calls costs that a window refuses."""

from __future__ import annotations

from dataclasses import replace

from kimi_planner.calls.sizes import CallSizes
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload


def refused_usd(projection: Projection, workload: Workload, model: str) -> float | None:
    """Return what serving the refused calls of a workload costs a month on average, USD.

    It is a part of the spend where every call is priced whole, and beyond it where they are refused.

    Returns
    -------
    float or None
        ``None`` where the policy shortens the history, so that what they would send is not known.
    """
    [spec] = (one for one in projection.specs if one.id == model)
    sizes = workload.resolve().sizes
    if not CallSizes.on(sizes, spec.profile).overflow_shares[1]:
        return 0.0
    if sizes.overflow.shortens:
        return None

    def mean(policy: str) -> float:
        plan = projection.plan_of(replace(workload, overflow=policy))
        return float(plan.on(spec).mean_usd()) / len(projection.months)

    return mean("price_all") - mean("reject")
