"""What trials say about a success rate and a cost per success, as equally likely values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import betaincinv, stdtrit

from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.workload.quantity import Array, midpoints

__all__ = [
    "costs_per_success",
    "dependence",
    "influence",
    "rate_interval",
    "success_rates",
    "together",
]

_MOST = 50.0  # of the logarithm of a factor; two items alone say next to nothing about a mean


def success_rates(trials: Trials, count: int) -> Array:
    """Return ``count`` equally likely success rates, ascending: Beta(s + ½, n - s + ½)."""
    return _rate_quantiles(trials, midpoints(count))


def rate_interval(trials: Trials, confidence: float) -> tuple[float, float]:
    """Return Jeffreys' interval of the success rate, from 0 if none was solved, to 1 if all were.

    Notes
    -----
    Brown, Cai and DasGupta, *Interval estimation for a binomial proportion* (2001). Its coverage at
    a fixed rate swings with the number of trials, as that of every interval that is read off a
    count; on average over rates it is the nominal one.
    """
    tail = (1 - confidence) / 2
    low, high = _rate_quantiles(trials, np.array([tail, 1 - tail])).tolist()
    return (low if trials.rate > 0 else 0.0), (high if trials.rate < 1 else 1.0)


def _rate_quantiles(trials: Trials, shares: Array) -> Array:
    solved, failed = trials.successes, trials.trials - trials.successes
    return np.asarray(betaincinv(solved + 0.5, failed + 0.5, shares))


def costs_per_success(
    trials: Trials, usd: Mapping[str, float], count: int, rng: np.random.Generator
) -> Array:
    """Return ``count`` equally likely costs per success where the cost of each item is known.

    Parameters
    ----------
    trials
        The results of the items.
    usd : mapping of str to float, USD
        From an item to what it cost.
    count : int
        Number of values.
    rng : Generator
        Pairs the rate with the mean costs.

    Returns
    -------
    ndarray, shape (count,), USD
        Ascending.

    Notes
    -----
    With success rate ``p``, and items costing ``a`` on average when solved and ``b`` when not, a
    success costs ``a + b (1 - p) / p``. The rate is as in `success_rates`; the logarithm of each
    mean is spread as Student's t by the delta method. A kind with fewer than two items takes the
    mean and the spread of all. So cost and success may depend on each other.
    """
    every = np.array([usd[name] for name in trials.items])
    solved = np.array([item.success for item in trials.items.values()], dtype=bool)
    rates = rng.permutation(success_rates(trials, count))
    means = [
        _mean_costs(every[kind] if kind.sum() > 1 else every, count, rng)
        for kind in (solved, ~solved)
    ]
    return np.sort(means[0] + means[1] * (1 - rates) / rates)


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


def together(values: Sequence[Array], correlation: Array, rng: np.random.Generator) -> Array:
    """Return sorted values of each model drawn together, shape (n_models, count).

    They are dependent as correlated normals. Each model has every value once, so that they keep
    their distribution.
    """
    sizes, vectors = np.linalg.eigh(correlation)
    normal = rng.standard_normal((len(values), len(values[0])))
    drawn = (vectors * np.sqrt(np.maximum(sizes, 0.0))) @ normal
    return np.take_along_axis(np.array(values), drawn.argsort(axis=1).argsort(axis=1), axis=1)
