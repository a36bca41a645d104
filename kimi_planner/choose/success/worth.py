"""What the models of a workload are worth by their success: one objective, one set of draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.objective import Best, Objective, best_by_value
from kimi_planner.choose.success.tried import MIDPOINTS, Tried
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array


@dataclass(frozen=True)
class Worth:
    """Success and cost of a task on the models whose success something tells, on the same draws.

    Attributes
    ----------
    tried
        The models, in the order of the projection.
    objective
        What a solved task is worth.
    """

    tried: tuple[Tried, ...]
    objective: Objective

    @cached_property
    def points(self) -> dict[str, tuple[Any, Any]]:
        """Model to its expected success and the expected cost of a task."""
        return {one.spec.id: one.point for one in self.tried}

    def hull(self, models: Iterable[str]) -> tuple[Best, ...]:
        """Return which of some models are best for some value, those whose success nothing tells left out."""
        known = {model: self.points[model] for model in models if model in self.points}
        return best_by_value(known, self.objective)

    @cached_property
    def net_usd(self) -> dict[str, Any]:
        """Model to the expected net value of a task; less the cost alone, where no value is stated."""
        return {model: self.objective.net_usd(*point) for model, point in self.points.items()}

    @cached_property
    def drawn(self) -> tuple[Array, Array]:
        """Success rates and costs of a task, each of shape (n_models, n_paths), drawn together.

        Models that were tried on the same items depend on each other as those say, and on the same
        paths, where costs are projected.
        """
        first = self.tried[0]
        correlation = dependence(
            [influence(one.trials, one.item_usd) if one.trials else {} for one in self.tried]
        )
        rng = stream(first.plan.seed, first.workload.name, "trials")
        ranks = ranks_together(correlation, first.plan.n_paths, rng)
        rates, costs = (
            np.take_along_axis(np.array(some), ranks, axis=1)
            for some in zip(*(one.draws for one in self.tried), strict=True)
        )
        for row, one in enumerate(self.tried):
            if not one.item_usd:
                costs[row] *= one.task.by_path
        return rates, costs

    @cached_property
    def chance_best(self) -> dict[str, float]:
        """Model to the probability that none of the others has a higher net value; of equals none has."""
        nets = self.objective.net_usd(*self.drawn)
        chances = (nets == nets.max(axis=0)).mean(axis=1).tolist()
        return dict(zip(self.points, chances, strict=True))

    def switching_usd(self, first: str, second: str) -> Array:
        """Return equally likely values of a solved task from which on the second model is better.

        Infinite where it does not succeed more often.
        """
        order = list(self.points)
        rates, costs = (drawn[[order.index(first), order.index(second)]] for drawn in self.drawn)
        more, better = costs[1] - costs[0], rates[1] - rates[0]
        prices: Array = np.divide(more, better, out=np.full_like(more, np.inf), where=better > 0)
        return prices - np.float64(self.objective.failure_usd)

    def switching_interval(self, first: str, second: str) -> tuple[float, float]:
        """Return the 90% interval of that value; its upper end may be infinite."""
        prices = self.switching_usd(first, second)
        low, high = np.quantile(prices, [0.05, 0.95], method="inverted_cdf").tolist()
        return low, high

    def intervals(self, drawn: Array, confidence: float) -> dict[str, tuple[float, float]]:
        """Return the interval of each model in draws of shape (n_models, n_paths)."""
        tail = (1 - confidence) / 2
        ends = np.quantile(drawn, [tail, 1 - tail], axis=1, method=MIDPOINTS).T.tolist()
        return dict(zip(self.points, map(tuple, ends), strict=True))


def worth_of(
    workload: Workload,
    rates: Mapping[str, SuccessRate],
    plan: Projection,
    objective: Objective,
) -> Worth:
    """Return what the models of a plan are worth on a workload; none is in it whose rate nothing tells."""
    tried = tuple(
        Tried(workload, spec, rate, plan)
        for spec in plan.specs
        if (rate := rates.get(spec.id)) is not None and not rate.is_judgement
    )
    return Worth(tried, objective)


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
