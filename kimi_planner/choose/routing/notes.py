"""What a comparison of cascades assumes, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations import Evaluations
from kimi_planner.choose.routing.together import ByItems, ByPairs
from kimi_planner.choose.success.tried import overflow_notes
from kimi_planner.notes import Note, note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

__all__ = ["routing_notes"]


def routing_notes(
    workload: Workload,
    specs: Sequence[ModelSpec],
    projection: Projection,
    evaluations: Evaluations | None,
    together: ByItems | ByPairs,
) -> Iterator[Note]:
    """Yield one sentence for each assumption."""
    if evaluations is None:
        yield note("rates_given")
    else:
        yield note("rates_measured", source=evaluations.source)
    if isinstance(together, ByItems):
        left = f" {together.left_out:,} others are left out." if together.left_out else ""
        yield note("same_tasks", tasks=len(together.names), left=left)
    elif together.given:
        yield note("rescue_rates", pairs=[f"{b} after {a}" for a, b in together.given])
    else:
        yield note("independent_models")
    yield note("detector")
    first, last = projection.months[0], projection.months[-1]
    yield note("task_cost", span=f"{first}" if first == last else f"{first} to {last}")
    yield from overflow_notes(workload, specs)
    measured = [] if evaluations is None else [evaluations.of(workload.name, s.id) for s in specs]
    if any(one is not None and one.has_usage for one in measured):
        yield note("items_unused")
    turns = workload.given("turns")
    if turns is not None and turns.mean > 1:
        yield note("conversations")
