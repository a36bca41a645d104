"""What is known of a model's success on a workload, together with what its tasks cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import stdtrit

from kimi_planner.billing.call import unstated_notes
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.evaluations.token_use import token_use
from kimi_planner.errors import SettingError
from kimi_planner.notes import Note, noted
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.currency import USD
from kimi_planner.workload.quantity import Array, midpoints

MIDPOINTS: Any = "hazen"  # how numpy calls quantiles of values that stand for equal shares
_MOST = 50.0  # of the logarithm of a factor; two items alone say next to nothing about a mean


@dataclass(frozen=True, kw_only=True)
class TaskCost:
    """Expected cost of a task over the months of a plan, repeated calls and fees included.

    Attributes
    ----------
    usd
        Expected spend / expected tasks.
    by_path : ndarray, shape (n_paths,) or (1,), USD
        The same on each path.
    exact_usd
        The exact quotient where nothing is uncertain.
    """

    usd: float
    by_path: Array
    exact_usd: Fraction | None = None


def task_cost(
    workload: Workload,
    spec: ModelSpec,
    projection: Projection,
    *,
    reasoning: float = 1.0,
    as_planned: bool = False,
) -> TaskCost:
    """Return what a task of a workload costs on a model, over the paths of a projection.

    Parameters
    ----------
    workload, spec, projection
        What is sent, to which model, and the plan whose months, seed and paths count.
    reasoning : float
        Factor on the workload's reasoning tokens.
    as_planned : bool
        Whether the model costs what it would if it met what is needed, as in a plan; else, as where
        it was tried, what it does as it is.

    Raises
    ------
    SettingError
        If the workload has no traffic in these months.

    Notes
    -----
    Where `token_use` tells that the model needs more or fewer tokens than are stated, the cost is
    multiplied by that factor, which differs from path to path.
    """
    if not as_planned:
        workload = replace(workload, needs=())
    if reasoning != 1:
        [workload] = what_if(workload, reasoning=reasoning)
    bill = projection.plan_of(workload).on(spec)
    load = bill.plan.load
    turns: Any = load.sizes.turns.as_number(Fraction) if bill.is_exact else bill.turns
    tasks: Any = bill.requests.sum(axis=0) / turns
    spend: Any = bill.expected_usd().sum(axis=0)
    if not np.max(tasks) > 0:
        raise SettingError(
            f"{workload.name} has no traffic from {projection.months[0]} to {projection.months[-1]}, "
            "so that a task has no cost. Plan other months, or leave it out."
        )
    use = token_use(workload, spec)
    if bill.is_exact and use is None:
        exact = spend / tasks
        return TaskCost(usd=float(exact), by_path=np.array([float(exact)]), exact_usd=exact)
    tasks, spend = np.atleast_1d(np.asarray(tasks, float)), np.asarray(spend, float)
    if use is not None:
        rng = stream(projection.seed, workload.name, spec.id, "token use")
        spend = spend * use.draws(projection.n_paths, rng)
    tasks, spend = np.broadcast_arrays(tasks, np.atleast_1d(spend))
    some = tasks > 0  # paths without traffic have no cost of a task
    by_path = np.resize(spend[some] / tasks[some], spend.shape)
    return TaskCost(usd=float(spend.mean() / tasks.mean()), by_path=_short(by_path))


def _short(values: Array) -> Array:
    """Return one value where all paths agree but for rounding."""
    low, high = float(values.min()), float(values.max())
    return np.array([float(values.mean())]) if high - low <= 1e-12 * high else values


@dataclass(frozen=True)
class Tried:
    """A model of which something tells how often it succeeds on a workload.

    Attributes
    ----------
    workload, spec, rate
        What is sent, to which model, and what is known of its success.
    plan
        The projection that prices a task, and whose seed is that of what the trials leave open.
    """

    workload: Workload
    spec: ModelSpec
    rate: SuccessRate
    plan: Projection

    @property
    def trials(self) -> Trials | None:
        """The team's own trials; ``None`` where only published results tell."""
        return self.rate.trials

    @cached_property
    def used(self) -> dict[str, Usage]:
        """What each item used, where the tokens of all are given."""
        items = self.trials.items if self.trials is not None and self.trials.has("usage") else {}
        return {name: item.usage.as_usage() for name, item in items.items() if item.usage}

    @cached_property
    def item_usd(self) -> Mapping[str, float]:
        """What each item cost: its tokens at the prices of the plan, else as it was billed."""
        tariff = Tariff.of(self.spec)
        priced = {name: float(tariff.bill(used).total) for name, used in self.used.items()}
        billed = self.trials.of_items("cost_usd") if self.trials is not None else {}
        if billed and not priced and self.plan.currency != USD:
            raise SettingError(
                f"Evaluations of {self.workload.name} state cost_usd, and the plan is in "
                f"{self.plan.currency}: nothing is converted. Give the tokens of items instead."
            )
        return priced or billed

    @cached_property
    def task(self) -> TaskCost:
        """The cost of a task."""
        if self.item_usd:
            mean = float(np.mean(list(self.item_usd.values())))
            return TaskCost(usd=mean, by_path=np.array([mean]))
        return task_cost(self.workload, self.spec, self.plan, as_planned=self.trials is None)

    @cached_property
    def point(self) -> tuple[Fraction, Any]:
        """Expected success, and expected cost of a task, exact where nothing is uncertain."""
        return self.rate.exact_mean, self._usd

    @property
    def _usd(self) -> Any:
        """Expected cost of a task; that of the plan, where nothing tells another, is there already."""
        is_planned = self.spec.profile.reasons_for(self.workload.needs) == self.spec.profile.reasons
        if (
            self.item_usd
            or not (is_planned or self.trials is None)
            or token_use(self.workload, self.spec)
        ):
            return self.task.usd if self.task.exact_usd is None else self.task.exact_usd
        spend = self.plan.of(self.spec.id, self.workload.name)
        if spend.exact_usd:
            return sum(map(Fraction, spend.exact_usd)) / sum(spend.conversations)
        return float(spend.mean().sum()) / float(sum(spend.conversations))

    @cached_property
    def draws(self) -> tuple[Array, Array]:
        """Equally likely success rates with costs of a task, by ascending cost per success.

        Costs are of a task that costs 1, where it is projected.
        """
        rates = np.asarray(self.rate.draws(self.plan.n_paths))
        if self.trials is None or not self.item_usd:
            return rates[::-1], np.ones(len(rates))
        rng = stream(self.plan.seed, self.workload.name, self.spec.id, "items")
        rates, costs = item_draws(self.trials, rates, self.item_usd, rng)
        order = (costs / rates).argsort()
        return rates[order], costs[order]

    @property
    def success(self) -> float:
        """The success that was measured; where only published results tell, the expected one."""
        return float(self.point[0]) if self.trials is None else self.trials.rate

    def notes(self) -> tuple[Note, ...]:
        """Say what the cost of a task leaves out."""
        if not self.item_usd:
            return overflow_notes(self.workload, [self.spec])
        if not self.used:
            return noted("cost_billed", workloads=self.workload.name, models=[self.spec.id])
        tariff = Tariff.of(self.spec)
        dated = (f"Items are billed at the prices of {self.spec.id} on {self.spec.priced_on}.",)
        return (
            *unstated_notes((tariff, one) for one in self.used.values()),
            *(dated if len(self.spec.price_periods) > 1 else ()),
        )


def overflow_notes(workload: Workload, specs: Iterable[ModelSpec]) -> tuple[Note, ...]:
    """Say on which models some requests of a workload are refused, or would be."""
    refused = [
        spec.id
        for spec in specs
        if not workload.overflow_policy.shortens
        and CallSizes.on(workload.resolve().sizes, spec.profile).overflows
    ]
    return noted("refused_tasks", workloads=workload.name, models=refused)


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
