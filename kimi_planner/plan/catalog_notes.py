"""What a catalog says beside prices that the reader of a projection must know, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kimi_planner.catalog import ALL_PRICES, Catalog, ModelSpec
from kimi_planner.plan.beyond_tokens import unbilled_notes
from kimi_planner.plan.calendar import Month
from kimi_planner.workload import Workload

__all__ = ["catalog_notes"]


def catalog_notes(
    catalog: Catalog,
    specs: Sequence[ModelSpec],
    months: Sequence[Month],
    workloads: Sequence[Workload] = (),
) -> tuple[str, ...]:
    """Return one sentence for each model that goes, each price that changes, and what is not in.

    A catalog without dates, taxes and fees has none.
    """
    first, last = months[0].first, months[-1].last
    retired = [one.id for one in catalog if one.is_retired(first) and one not in specs]
    notes = [f"Left out, as retired before {first}: {', '.join(retired)}."] if retired else []
    notes += [f"{spec.id}: {gone}." for spec in specs if (gone := spec.gone_by(last))]
    for spec in specs:
        for day in spec.price_days:
            if first < day <= last:
                notes += _changed(spec.on(day - timedelta(days=1)), spec.on(day))
    if catalog.tax == "excluded":
        notes.append(f"Prices of catalog {catalog.version} are without tax.")
    notes += unbilled_notes(catalog, specs, workloads)
    unlimited = ", ".join(one.name for one in workloads if one.max_tokens is None)
    notes += [
        f"No max_tokens is given, so {spec.id} reserves {spec.default_output_tokens:,} tokens of its "
        f"window; the fit counts the answer alone: {unlimited}."
        for spec in specs
        if spec.default_output_tokens is not None and unlimited
    ]
    return tuple(notes)


def _changed(before: ModelSpec, after: ModelSpec) -> list[str]:
    """Say which prices differ from one day to the next."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in ALL_PRICES]
    words = [
        f"{name} {'unknown' if old is None else old} -> {'unknown' if new is None else new}"
        for name, old, new in pairs
        if old != new
    ]
    return [f"{after.id}, prices from {after.priced_on} on: {', '.join(words)}."] if words else []
