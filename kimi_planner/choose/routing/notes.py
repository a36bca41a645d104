"""What a comparison of cascades assumes, in words."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.routing.together import ByItems, ByPairs
from kimi_planner.choose.success.tried import overflow_notes
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

__all__ = ["routing_notes"]


def routing_notes(
    workload: Workload,
    specs: Sequence[ModelSpec],
    projection: Projection,
    evaluations: Evaluations | None,
    together: ByItems | ByPairs,
) -> tuple[str, ...]:
    """Return one sentence for each assumption."""
    notes = [
        "Success rates are "
        + (
            "those given, and have no interval."
            if evaluations is None
            else f"measured in {evaluations.source}: (successes + ½) / (trials + 1)."
        )
    ]
    if isinstance(together, ByItems):
        left = f" {together.left_out:,} others are left out." if together.left_out else ""
        notes.append(
            "How often models solve and fail the same tasks is that of the "
            f"{len(together.names):,} that all of them were tried on.{left}"
        )
    elif together.given:
        named = ", ".join(f"{second} after {first}" for first, second in together.given)
        notes.append(
            f"Rescue rates are given for {named}. Other pairs are taken to succeed independently."
        )
    else:
        notes.append(
            "Models are taken to succeed independently of each other. Tasks that one model fails are "
            "often hard for others too; give rescue_rates where they are known."
        )
    notes.append(
        "The detector errs equally often on every model, and every model is sent the same request."
    )
    first, last = projection.months[0], projection.months[-1]
    span = f"{first}" if first == last else f"{first} to {last}"
    notes.append(f"The cost of a task is expected spend / expected tasks of {span}.")
    notes += overflow_notes(workload, specs)
    measured = [] if evaluations is None else [evaluations.of(workload.name, s.id) for s in specs]
    if any(one is not None and one.has_usage for one in measured):
        notes.append("It is projected: tokens that are given with items are not used.")
    turns = workload.given("turns")
    if turns is not None and turns.mean > 1:
        notes.append(
            "A task is a whole conversation; every model that is asked has one of its own."
        )
    return tuple(notes)
