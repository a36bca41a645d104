"""One model's trials together with what its tasks cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.call import unstated_notes
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.success.posterior import costs_per_success, success_rates
from kimi_planner.choose.success.settle import Leader
from kimi_planner.choose.success.task_cost import TaskCost, task_cost
from kimi_planner.notes import Note, noted
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["MIDPOINTS", "Tried", "overflow_notes"]

MIDPOINTS: Any = "hazen"  # how numpy calls quantiles of values that stand for equal shares
_ONE_SIGMA = (0.158655, 0.841345)
_LEAST = 1e-300  # instead of the logarithm of nothing


@dataclass(frozen=True)
class Tried:
    """A model that was tried on a workload.

    Attributes
    ----------
    workload, spec, trials
        What was tried, on which model, and what came out.
    plan, seed
        The projection that prices a task, and the seed of what the trials leave open.
    """

    workload: Workload
    spec: ModelSpec
    trials: Trials
    plan: Projection
    seed: int

    @cached_property
    def used(self) -> dict[str, Usage]:
        """What each item used, where the tokens of all are given."""
        items = self.trials.items.items() if self.trials.has("usage") else ()
        return {name: item.usage.as_usage() for name, item in items if item.usage is not None}

    @cached_property
    def item_usd(self) -> Mapping[str, float]:
        """What each item cost: its tokens at the prices of the plan, else as it was billed."""
        tariff = Tariff.of(self.spec)
        priced = {name: float(tariff.bill(used).total) for name, used in self.used.items()}
        return priced or self.trials.of_items("cost_usd")

    @cached_property
    def task(self) -> TaskCost:
        """The cost of a task."""
        if self.item_usd:
            mean = float(np.mean(list(self.item_usd.values())))
            return TaskCost(usd=mean, by_path=np.array([mean]))
        return task_cost(self.workload, self.spec, self.plan)

    @cached_property
    def per_success(self) -> Array:
        """Equally likely costs per success, ascending; of a task that costs 1, where projected."""
        count = self.plan.n_paths
        if not self.item_usd:
            return 1 / success_rates(self.trials, count)[::-1]
        rng = stream(self.seed, self.workload.name, self.spec.id, "items")
        return costs_per_success(self.trials, self.item_usd, count, rng)

    @property
    def usd(self) -> float:
        """Cost per success as measured; infinite where nothing was solved."""
        return self.task.usd / self.trials.rate if self.trials.successes else np.inf

    def leader(self) -> Leader:
        """Return what tells how many more trials it takes."""
        low, high = np.quantile(self.per_success, _ONE_SIGMA, method=MIDPOINTS).tolist()
        rate = self.trials.rate or self.trials.mean
        return Leader(
            trials=self.trials.trials,
            log_usd=np.log(np.maximum(self.task.by_path, _LEAST) / rate),
            log_error=float(np.log(max(high, _LEAST) / max(low, _LEAST))) / 2,
        )

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
