"""What is known of a model's success on a workload, together with what its tasks cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.call import unstated_notes
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.rates import SuccessRate
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.choose.evaluations.token_use import token_use
from kimi_planner.choose.success.posterior import item_draws
from kimi_planner.choose.success.task_cost import TaskCost, task_cost
from kimi_planner.notes import Note, noted
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array

__all__ = ["MIDPOINTS", "Tried", "overflow_notes"]

MIDPOINTS: Any = "hazen"  # how numpy calls quantiles of values that stand for equal shares


@dataclass(frozen=True)
class Tried:
    """A model of which something tells how often it succeeds on a workload.

    Attributes
    ----------
    workload, spec, rate
        What is sent, to which model, and what is known of its success.
    plan, seed
        The projection that prices a task, and the seed of what the trials leave open.
    """

    workload: Workload
    spec: ModelSpec
    rate: SuccessRate
    plan: Projection
    seed: int

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
        return priced or (self.trials.of_items("cost_usd") if self.trials is not None else {})

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
        rng = stream(self.seed, self.workload.name, self.spec.id, "items")
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
