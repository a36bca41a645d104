"""What a catalog says beside prices that the reader of a projection must know, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from kimi_planner.calls.notes import reserved_notes
from kimi_planner.catalog import ALL_PRICES, Catalog, ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.beyond_tokens import unbilled_notes
from kimi_planner.plan.calendar import Month
from kimi_planner.workload import Workload

__all__ = ["catalog_notes"]


def catalog_notes(
    catalog: Catalog,
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    workloads: Sequence[Workload] = (),
) -> Iterator[Note]:
    """Yield one sentence for each model that goes, each price that changes, and what is not in.

    A catalog without dates, taxes and fees has none.
    """
    first, last = months[0].first, months[-1].last
    retired = [one.id for one in catalog if one.is_retired(first) and one not in specs]
    yield from noted("retired", first=first, models=retired)
    for spec in specs:
        if gone := spec.gone_by(last):
            yield note("goes", models=spec.id, gone=gone)
    for spec in specs:
        for day in spec.price_days:
            if first < day <= last:
                changes = _changes(spec.on(day - timedelta(days=1)), spec.on(day))
                yield from noted("prices_from", models=spec.id, day=day, changes=changes)
    if catalog.tax == "excluded":
        yield note("without_tax", catalog=catalog.version)
    yield from unbilled_notes(catalog, specs, workloads)
    yield from reserved_notes(workloads, specs)


def _changes(before: ModelSpec, after: ModelSpec) -> list[str]:
    """Say which prices differ from one day to the next."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in ALL_PRICES]
    return [
        f"{name} {'unknown' if old is None else old} -> {'unknown' if new is None else new}"
        for name, old, new in pairs
        if old != new
    ]
