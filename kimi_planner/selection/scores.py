"""What ratings of a catalog say about a model, from 0 to 1: a judgement, never a measurement."""

from __future__ import annotations

from collections.abc import Mapping

from kimi_planner.catalog import Catalog, ModelSpec

__all__ = ["score"]


def score(
    spec: ModelSpec, weights: Mapping[str, float] | None = None, catalog: Catalog | None = None
) -> float | None:
    """Return the weighted mean of a model's ratings, scaled over its catalog; ``None`` if unknown."""
    weights = weights or {"reasoning_depth": 0.5, "speed": 0.5}
    total = 0.0
    for name, weight in weights.items():
        mine = getattr(spec, name)
        if mine is None:
            return None
        others = [getattr(one, name).rating for one in catalog or (spec,) if getattr(one, name)]
        low, high = min(others), max(others)
        total += weight * ((mine.rating - low) / (high - low) if high > low else 1.0)
    return total / sum(weights.values())
