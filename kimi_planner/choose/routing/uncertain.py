"""What evaluations leave open about a route: equally likely shares of tasks, and intervals of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.routing.detector import Detector, Passage, follow
from kimi_planner.choose.routing.together import ByItems, ByPairs, Joint
from kimi_planner.choose.success.tried import MIDPOINTS
from kimi_planner.workload.quantity import Array

#: Lower and upper end.
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Intervals of what is expected of a task on a route: USD, a share, and USD for each success."""

    cost: Interval
    success: Interval
    per_success: Interval


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """What is known of success rates by trials, and of costs by path.

    Attributes
    ----------
    together
        How often models solve and fail the same tasks, as expected.
    laws
        From model to what is known of its success; where items tell what models share, by those that
        all share.
    costs : mapping of str to ndarray, shape (n_paths,) or (1,), USD
        From model to the cost of a task by path, the same paths for all.
    detector
        What checks the answers.
    confidence
        Of the intervals, above 0 and below 1.
    n_paths
        Number of the draws.
    stream
        Returns the generator of a name.
    """

    together: ByItems | ByPairs
    laws: Mapping[str, SuccessRate]
    costs: Mapping[str, Array]
    detector: Detector
    confidence: float
    n_paths: int
    stream: Callable[..., np.random.Generator]

    def routes(self) -> dict[tuple[str, ...], Intervals]:
        """Return the intervals of every single model and cascade.

        Notes
        -----
        A single model has the interval of its rate, as `cost_per_success` tells. Where every
        model solved all that it was tried on, the intervals reach to a route that never fails; where
        none solved any, to one that never succeeds. Where nothing tells how often two models fail
        together, they reach from what full dependence leaves to what independence would bring. Both
        orders of two models share what is drawn of common tasks, so that they differ by order alone.
        """
        drawn: dict[tuple[str, ...], tuple[Joint[Array], ...]] = {
            (model,): (Joint.alone(self._rates[model]),) for model in self.costs
        }
        drawn |= {pair: self._joints(*pair) for pair in permutations(self.costs, 2)}
        return {models: self._intervals(models, joints) for models, joints in drawn.items()}

    def _intervals(self, models: Sequence[str], joints: Sequence[Joint[Array]]) -> Intervals:
        least, most = (self._passage(models, joint) for joint in (joints[0], joints[-1]))
        cost = self._ends(least.cost)  # which depends on the first model alone
        success = self._ends(least.success)[0], self._ends(most.success)[1]
        per_success = self._per_success(most)[0], self._per_success(least)[1]
        laws = [self.laws[model] for model in models]
        trials = [law.trials for law in laws if law.trials is not None]
        if len(models) == 1:
            success = laws[0].interval(self.confidence) or success
        if all(one.successes == one.trials for one in trials):
            always = self._passage(models, Joint.alone(np.ones(1)))
            lowest = self._ends(always.cost)[0]
            cost = min(cost[0], lowest), cost[1]
            success, per_success = (success[0], 1.0), (min(per_success[0], lowest), per_success[1])
        if not any(one.successes for one in trials):
            failed = self._passage(models, Joint.alone(np.zeros(1)))
            cost = cost[0], max(cost[1], self._ends(failed.cost)[1])
            success, per_success = (0.0, success[1]), (per_success[0], np.inf)
        return Intervals(cost=cost, success=success, per_success=per_success)

    def _passage(self, models: Sequence[str], joint: Joint[Array]) -> Passage[Array]:
        return follow(joint, [self.costs[model] for model in models], self.detector, float)

    def _per_success(self, found: Passage[Array]) -> Interval:
        some = np.broadcast_to(found.cost, found.success.shape)
        never = np.full_like(found.success, np.inf)
        return self._ends(np.divide(some, found.success, out=never, where=found.success > 0))

    def _ends(self, drawn: Array) -> Interval:
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail], method=MIDPOINTS).tolist()
        return low, high

    @cached_property
    def _rates(self) -> dict[str, Array]:
        """Equally likely success rates of each model, on its own."""
        return {
            model: self.stream(model, "rates").permutation(np.asarray(law.draws(self.n_paths)))
            for model, law in self.laws.items()
        }

    def _joints(self, first: str, second: str) -> tuple[Joint[Array], ...]:
        """Return equally likely shares of tasks that two models solve, at both ends if nothing tells.

        Common tasks are drawn from the posterior whose mean `ByItems` takes: a Dirichlet
        distribution. Else rates that are drawn, each model's alone, are combined as `ByPairs` does.
        """
        if isinstance(self.together, ByPairs):
            return self.together.drawn(first, second, self._rates)
        pair = sorted((first, second), key=list(self.costs).index)
        rng = self.stream(*pair, "patterns")
        neither, late, early, both = (
            rng.standard_gamma(float(weight), self.n_paths)
            for weight in self.together.weights(*pair)
        )
        total = neither + late + early + both
        if pair[0] != first:
            early, late = late, early
        return (Joint(first=(early + both) / total, both=both / total, rescued=late / total),)
