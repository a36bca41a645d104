"""What ratings of a catalog say about a model, from 0 to 1: a judgement, never a measurement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.errors import ScenarioError, did_you_mean, shown

__all__ = ["JUDGEMENT", "RATINGS", "checked_weights", "scaled", "score"]

#: Ratings that a catalog may state, as fields of a model.
RATINGS = ("reasoning_depth", "speed")
MOST_WEIGHT = 10**9
#: What every output says that shows a score.
JUDGEMENT = "a judgement, not a measurement"


def score(
    spec: ModelSpec, weights: Mapping[str, float] | None = None, catalog: Catalog | None = None
) -> float | None:
    """Return the weighted mean of a model's ratings, each scaled over its catalog.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    weights : mapping of str to float, optional
        Weights of ``reasoning_depth`` and ``speed``; reasoning depth alone if not given, as the two
        ratings of a card tend to move against each other, so that their mean tells no models apart.
    catalog : Catalog, optional
        Whose lowest rating counts as 0 and whose highest as 1.

    Returns
    -------
    float or None
        From 0 to 1; ``None`` if a rating that has a weight is not stated.

    Raises
    ------
    ScenarioError
        If a weight is of something else, is no number from 0 to a billion, or all are 0.
    """
    shares = checked_weights({"reasoning_depth": 1.0} if weights is None else weights, RATINGS)
    total = 0.0
    for name, weight in shares.items():
        part = scaled(spec, name, catalog)
        if weight and part is None:
            return None
        total += weight * (part or 0.0)
    return total / sum(shares.values())


def scaled(spec: ModelSpec, name: str, catalog: Catalog | None = None) -> float | None:
    """Return a rating from 0, the lowest of the catalog, to 1, the highest; ``None`` if unknown.

    Where all ratings are the same, none is better than another, and each is 1.
    """
    mine = getattr(spec, name)
    if mine is None:
        return None
    stated = (getattr(one, name) for one in catalog or ())
    ratings = [mine.rating, *(one.rating for one in stated if one is not None)]
    low, high = min(ratings), max(ratings)
    return (mine.rating - low) / (high - low) if high > low else 1.0


def checked_weights(weights: Any, known: Collection[str]) -> dict[str, float]:
    """Return weights by name as numbers.

    Raises
    ------
    ScenarioError
        If a weight is of something else, is no number from 0 to a billion, or all are 0.
    """
    if not isinstance(weights, Mapping):
        raise ScenarioError(
            f"weights is {shown(weights)}. Give a number for each of {', '.join(known)}."
        )
    for name, weight in weights.items():
        if name not in known:
            raise ScenarioError(
                f"weights: unknown {shown(name)}.{did_you_mean(str(name), known)} Known: "
                f"{', '.join(known)}."
            )
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight <= MOST_WEIGHT:
            raise ScenarioError(
                f"weights: {name} is {shown(weight)}. It must be a number from 0 to {MOST_WEIGHT:,}."
            )
    if not any(weights.values()):
        raise ScenarioError("weights: none is above 0. Give at least one.")
    return {name: float(weight) for name, weight in weights.items()}
