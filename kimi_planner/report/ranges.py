"""Ranges of a plan that follow what a page moves: how far each meter is from its mean around P10 and P90.

Around a percentile of a workload's spend each meter costs on average some multiple of its mean. With
those multiples a percentile is a sum over meters, as the mean is, so it follows traffic, tokens, cache,
prices and model. That is exact where one uncertain number rules, and close where several do. Where a
limit cuts many answers, longer ones spread less than the multiples say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.meters import METERS
from kimi_planner.catalog import ModelSpec
from kimi_planner.plan.bill import Bill
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.simulation import replanned
from kimi_planner.plan.spend import Spend
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import Array
from kimi_planner.workload.written import digits

ENDS = (0.1, 0.9)
#: What of the output is reasoning, which moves by itself, beside the meters.
REASONING = "reasoning"
_NEAR = 0.02  # share of paths on each side of a percentile whose mean tells what a meter has of it


def ends_of(spend: Spend) -> list[list[float]]:
    """Return P10 and P90 of all months together and of each, USD."""
    over = spend.over_months()
    return [_short(np.concatenate([over.quantile(q), spend.quantile(q)])) for q in ENDS]


@dataclass(frozen=True)
class Ranges:
    """The ranges of one workload of a plan, on each of its models.

    Attributes
    ----------
    projection, workload
        The plan, and which of its workloads.
    reasoning
        Tokens of reasoning that stand for any number of them, where the panel can put one in.
    """

    projection: Projection
    workload: Workload
    reasoning: int | None = None

    @cached_property
    def _certain(self) -> list[dict[str, Any]]:
        """What of the workload is certain where none, some or all of what has a range are moved."""
        load = self.workload.resolve()
        growth, cached = load.traffic.growth, load.cached
        moved: list[dict[str, Any]] = [
            {} if growth.is_certain else {"growth_per_month": growth.mean},
            {} if cached.is_certain else {"cached_share": cached.mean, "cache": None},
            {} if self.reasoning is None else {"reasoning_tokens": self.reasoning},
        ]
        cases: list[dict[str, Any]] = [{}]
        for one in moved:
            cases += [case | one for case in cases]
        return cases

    @property
    def which(self) -> list[int]:
        """Which of the ranges holds, growth being moved counted as 1, cached share as 2, reasoning as 4."""
        return [self._certain.index(one) for one in self._certain]

    @cached_property
    def _plans(self) -> list[Projection]:
        plans = [self.projection]
        for certain in self._certain[1:]:
            changed = replace(self.workload, **certain)
            plans.append(replanned(self.projection, [changed]) if certain else self.projection)
        return plans

    def of(self, spec: ModelSpec, places: Mapping[str, int]) -> list[Any]:
        """Return what the mean of each meter is multiplied by, in each case of `which`.

        Parameters
        ----------
        spec
            The model.
        places
            The place of each meter and fee in a row, that of a batch being the one of its plain meter, and
            `REASONING` that of what of the output is reasoning.

        Returns
        -------
        list
            For each case by end, row (all months, then each) and place; ``None`` where no range is given,
            or the case is another one.
        """
        found: list[Any] = []
        for place, plan in enumerate(self._plans):
            [workload] = (one for one in plan.workloads if one.name == self.workload.name)
            spend = plan.spend[workload.name, spec.id]
            is_own = self.which[place] == place
            found.append(
                _multiples(plan.plan_of(workload).on(spec), spend, places) if is_own else None
            )
        return found


def _multiples(
    bill: Bill, spend: Spend, places: Mapping[str, int]
) -> list[list[list[float]]] | None:
    if not spend.is_ranged:
        return None
    usd, ends, costs = _with_total(spend.usd), [], _costs(bill, spend, places)
    for q in ENDS:
        low, end, high = np.quantile(usd, [max(q - _NEAR, 0), q, q + _NEAR], axis=1)
        near = (usd >= low[:, np.newaxis]) & (usd <= high[:, np.newaxis])
        shares = {place: (cost * near).sum(axis=1) for place, cost in costs.items()}
        scale = _share(
            end, np.sum(list(shares.values()), axis=0)
        )  # single calls add noise to `usd`
        overall = _share(end, usd.mean(axis=1))
        rows = [overall] * (1 + max(places.values()))  # what costs nothing moves as all of it does
        for place, share in shares.items():
            means = costs[place].mean(axis=1)
            rows[place] = np.where(means > 0, _share(share * scale, means), overall)
        ends.append([_short(row) for row in np.transpose(rows)])
    return ends


def _costs(bill: Bill, spend: Spend, places: Mapping[str, int]) -> dict[int, Array]:
    """Return what each meter costs, all months and each, on each path, by its place."""
    used, costs = bill.per_request, dict[int, Array]()
    thought = np.asarray(used.reasoning / (used.completion + 1e-300), dtype=np.float64)
    for key, cost in bill.costs():
        plain = (METERS[key].plain or key) if key in METERS else key
        one = np.broadcast_to(np.asarray(cost, dtype=np.float64), spend.usd.shape)
        if plain == "output":
            costs[places[REASONING]] = _with_total(one * thought)
            one = one * (1 - thought)
        costs[places[plain]] = _with_total(one)
    return costs


def _with_total(usd: Array) -> Array:
    return np.concatenate([usd.sum(axis=0, keepdims=True), usd])


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _short(values: Array) -> list[float]:
    return [float(digits(value)) for value in values.tolist()]
