"""The weighted score that models rank by, and what of it does not depend on spend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.choose.requirements import WEIGHTS
from kimi_planner.choose.scores import scaled

__all__ = ["Scoring"]


@dataclass(frozen=True)
class Scoring:
    """How models are scored: a judgement, not a measurement.

    Attributes
    ----------
    weights
        Weights of ``cost``, ``reasoning`` and ``speed``; at least one is above 0.
    catalog
        Over whose ratings a rating is scaled.
    """

    weights: Mapping[str, float]
    catalog: Catalog

    @property
    def cost(self) -> float:
        """Share of cost in all weights, from 0 to 1."""
        return self.weights.get("cost", 0.0) / sum(self.weights.values())

    def rated(self, spec: ModelSpec) -> float:
        """Return the part of a model's score that its ratings give; no spend changes it."""
        points = sum(
            weight * (scaled(spec, rating, self.catalog) or 0.0)
            for name, weight in self.weights.items()
            if (rating := WEIGHTS[name]) is not None
        )
        return points / sum(self.weights.values())

    def score(self, spec: ModelSpec, usd: float, least: float) -> float:
        """Return the score of a model from its spend and that of the cheapest that qualifies."""
        return self.rated(spec) + self.cost * (least / usd if usd else 1.0)
