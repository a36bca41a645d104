"""One model's trials together with what its tasks cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.call import cached_price_notes, cost_of_tokens, dated_price_notes
from kimi_planner.calls.windowed import overflows
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.success.posterior import costs_per_success, success_rates
from kimi_planner.choose.success.settle import Leader
from kimi_planner.choose.success.task_cost import TaskCost, task_cost
from kimi_planner.notes import Note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenarios import stream
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
    def item_usd(self) -> Mapping[str, float]:
        """What each item cost, where its tokens are given."""
        if not self.trials.has_usage:
            return {}
        return {
            name: float(
                cost_of_tokens(
                    item.usage.prompt_tokens,
                    item.usage.cached_tokens or 0,
                    item.usage.completion_tokens,
                    self.spec,
                ).total_usd
            )
            for name, item in self.trials.items.items()
            if item.usage is not None
        }

    @property
    def has_cached_tokens(self) -> bool:
        """Whether cached tokens were billed without a price of their own."""
        if not self.item_usd or self.spec.cached_input_usd_per_mtok is not None:
            return False
        return any(item.usage and item.usage.cached_tokens for item in self.trials.items.values())

    @cached_property
    def task(self) -> TaskCost:
        """The cost of a task."""
        if self.item_usd:
            mean = float(np.mean(list(self.item_usd.values())))
            return TaskCost(usd=mean, by_scenario=np.array([mean]))
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
        rate = self.trials.successes / self.trials.trials
        return self.task.usd / rate if rate else np.inf

    def leader(self) -> Leader:
        """Return what tells how many more trials it takes."""
        low, high = np.quantile(self.per_success, _ONE_SIGMA, method=MIDPOINTS).tolist()
        rate = self.trials.successes / self.trials.trials or self.trials.mean
        return Leader(
            model=self.spec.id,
            trials=self.trials.trials,
            log_usd=np.log(np.maximum(self.task.by_scenario, _LEAST) / rate),
            log_error=float(np.log(max(high, _LEAST) / max(low, _LEAST))) / 2,
        )

    def notes(self) -> tuple[Note, ...]:
        """Say what the cost of a task leaves out."""
        if not self.item_usd:
            return overflow_notes(self.workload, [self.spec])
        silent = cached_price_notes([self.spec]) if self.has_cached_tokens else ()
        return (*silent, *dated_price_notes([self.spec]))


def overflow_notes(workload: Workload, specs: Iterable[ModelSpec]) -> tuple[Note, ...]:
    """Say on which models some requests of a workload are refused, which costs nothing."""
    refused = [
        spec.id
        for spec in specs
        if workload.overflow_policy.policy == "reject"
        and overflows(workload, spec.reasons, spec.context_window_tokens)
    ]
    return noted("refused_tasks", workloads=workload.name, models=refused)
