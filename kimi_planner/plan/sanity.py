"""Numbers that are allowed but look like a slip of the pen, each with what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from kimi_planner.catalog import ALL_PRICES, ModelSpec
from kimi_planner.notes import Note, note, noted
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import number_text

__all__ = ["sanity_notes"]

_MOST_GROWTH = 0.5
_LEAST_FACTOR = 0.1
_LEAST_USD_PER_MTOK = Decimal("0.01")  # a tenth of what the cheapest cached token costs


def sanity_notes(workloads: Sequence[Workload], specs: Sequence[ModelSpec]) -> Iterator[Note]:
    """Yield one sentence for each number that should be looked at before all else."""
    for workload in workloads:
        load = workload.resolve()
        growth = load.traffic.growth.mean
        if growth > _MOST_GROWTH:
            yield note(
                "check_growth",
                growth=number_text(growth),
                percent=growth,
                meant=number_text(growth / 100),
                workloads=workload.name,
            )
        for key, factor in load.sizes.factors.items():
            if factor.mean < _LEAST_FACTOR:
                mean = number_text(round(factor.mean, 4))
                yield note("check_mean_factor", key=key, mean=mean, workloads=workload.name)
        cap = workload.max_tokens or 0
        small = [
            spec.id
            for spec in specs
            if spec.context_window_tokens is not None and cap >= spec.context_window_tokens
        ]
        yield from noted("check_max_tokens", cap=cap, models=small, workloads=workload.name)
    prices = {
        (spec.id, key, price)
        for spec in specs
        for key in ALL_PRICES
        if (price := getattr(spec, key)) is not None
    }
    prices |= {
        (change.model or "every model", key, Decimal(price))
        for workload in workloads
        for change in workload.dated_price_changes
        for key, price in change.prices.items()
    }
    for model, key, price in sorted(prices):
        if 0 < price < _LEAST_USD_PER_MTOK:
            yield note(
                "check_price",
                key=key,
                price=number_text(price),
                meant=number_text(1000 * price),
                models=model,
            )
