"""Fields of a workload that contradict each other, each right by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.errors import WorkloadError, shown
from kimi_planner.workload.caching import CachedShare
from kimi_planner.workload.check import refused
from kimi_planner.workload.quantity import ZERO, Constant, number_text
from kimi_planner.workload.resolve import UNITS

if TYPE_CHECKING:
    from kimi_planner.workload.model import Workload


def refuse_contradictions(workload: Workload) -> None:
    """Raise WorkloadError if two fields contradict each other."""
    given = [key for key in UNITS if getattr(workload, key) is not None]
    if len(given) != 1:
        said = " and ".join(given) + " are given" if given else "requests_per_day is missing"
        raise WorkloadError(f"{said}. Give one of {', '.join(UNITS)}.")
    if given == ["documents"] and workload.growth_per_month != ZERO:
        raise WorkloadError(
            "documents are worked through once, so they cannot have growth_per_month."
        )
    turns = workload.given("turns")
    if isinstance(turns, Constant) and turns.value != turns.value.to_integral_value():
        advice = f"A certain number of turns is whole; else give {{mean = {turns.value}}}."
        raise refused("turns", turns.value, advice)
    if workload.followup_tokens is not None and isinstance(turns, Constant) and turns.value == 1:
        raise WorkloadError("followup_tokens is given without turns. Add turns, or leave it out.")
    if workload.last_day < workload.first_day:
        raise WorkloadError(
            f"ends_on ({workload.ends_on}) is before starts_on ({workload.starts_on})."
        )
    for event in workload.dated_events:
        if event.first < workload.first_day or event.last > workload.last_day:
            raise WorkloadError(
                f"event {shown(event.name)} lies outside of the days with traffic "
                f"({workload.starts_on or 'any day'} to {workload.ends_on or 'any day'})."
            )
    derived = workload.cached_share is None or isinstance(workload.cached_share, CachedShare)
    if workload.cache is not None and not derived:
        raise WorkloadError("cached_share and cache are both given. Leave out one of them.")


def refuse_full_prompt(workload: Workload) -> None:
    """Raise WorkloadError if more of the prompt is cached and written than there is of it."""
    cached = workload.given("cached_share")
    if workload.written is None or cached is None:
        return
    share = cached.value if isinstance(cached, Constant) else Decimal(repr(float(cached.mean)))
    if share + workload.written.total > 1:
        raise WorkloadError(
            f"cached_share ({number_text(share)} on average) and written_share ({workload.written}) are "
            "more than the whole prompt. Cached tokens are not written; lower one of them."
        )
