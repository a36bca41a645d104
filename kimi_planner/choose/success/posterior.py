"""What trials say about a success rate and the cost of a task, as equally likely values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.workload.quantity import Array, midpoints

__all__ = [
    "dependence",
    "influence",
    "item_draws",
    "ranks_together",
]

_MOST = 50.0  # of the logarithm of a factor; two items alone say next to nothing about a mean


def item_draws(
    trials: Trials, rates: Array, usd: Mapping[str, float], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return equally likely success rates with costs of a task, where that of each item is known.

    Parameters
    ----------
    trials
        The results of the items.
    rates : ndarray, shape (count,)
        Equally likely success rates, in any order.
    usd : mapping of str to float, USD
        From an item to what it cost.
    rng : Generator
        Pairs the rate with the mean costs.

    Returns
    -------
    (rates, costs) : ndarray, shape (count,), USD
        In no order.

    Notes
    -----
    With success rate ``p``, and items costing ``a`` on average when solved and ``b`` when not, a
    task costs ``a p + b (1 - p)``. The logarithm of each
    mean is spread as Student's t by the delta method. A kind with fewer than two items takes the
    mean and the spread of all. So cost and success may depend on each other.
    """
    every = np.array([usd[name] for name in trials.items])
    solved = np.array([item.success for item in trials.items.values()], dtype=bool)
    rates = rng.permutation(rates)
    means = [
        _mean_costs(every[kind] if kind.sum() > 1 else every, len(rates), rng)
        for kind in (solved, ~solved)
    ]
    return rates, means[0] * rates + means[1] * (1 - rates)


def _mean_costs(usd: Array, count: int, rng: np.random.Generator) -> Array:
    mean = float(usd.mean())
    if len(usd) < 2 or mean == 0:
        return np.full(count, mean)
    error = float(usd.std(ddof=1)) / mean / len(usd) ** 0.5
    spread = error * np.asarray(stdtrit(len(usd) - 1, midpoints(count)))
    return mean * np.exp(rng.permutation(np.clip(spread, -_MOST, _MOST)))


def influence(trials: Trials, usd: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return how far each item moves the logarithm of the cost per success, up to a factor ``n``.

    It is ``c / mean c - s / mean s``; without costs, the first term is 1.
    """
    if not trials.successes:
        return {}
    mean = sum(usd.values()) / len(usd) if usd else 0.0
    return {
        name: (usd[name] / mean if usd and mean else 1.0) - item.success / trials.rate
        for name, item in trials.items.items()
    }


def dependence(influences: Sequence[Mapping[str, float]]) -> Array:
    """Return the correlation between the costs per success of models tried on the same items.

    Returns
    -------
    ndarray, shape (n_models, n_models)
        Cosines of their influences over all items; an item that only one was tried on adds to no
        product, so that models without common items are independent.
    """
    items = {
        name: place for place, name in enumerate(dict.fromkeys(k for i in influences for k in i))
    }
    vectors = np.zeros((len(influences), max(1, len(items))))
    for vector, known in zip(vectors, influences, strict=True):
        vector[[items[name] for name in known]] = list(known.values())
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    cosines: Array = vectors @ vectors.T
    np.fill_diagonal(cosines, 1.0)
    return cosines


def ranks_together(correlation: Array, count: int, rng: np.random.Generator) -> Any:
    """Return which of ``count`` sorted values each model has on each draw, shape (n_models, count).

    They are dependent as correlated normals. Each model has every value once, so that they keep
    their distribution.
    """
    sizes, vectors = np.linalg.eigh(correlation)
    normal = rng.standard_normal((len(correlation), count))
    drawn = (vectors * np.sqrt(np.maximum(sizes, 0.0))) @ normal
    return drawn.argsort(axis=1).argsort(axis=1)
