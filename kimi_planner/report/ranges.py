"""Ranges of a plan that follow what a page moves: how far each meter is from its mean around P10 and P90.

Around a percentile of a workload's spend each meter costs on average some multiple of its mean. With
those multiples a percentile is a sum over meters, as the mean is, so it follows traffic, tokens, cache,
prices and model. That is exact where one uncertain number rules, and close where several do. Where a
setting of output or reasoning changes how calls differ between paths, as a limit does that cuts longer
answers, it has multiples of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kimi_planner.billing.meters import METERS, Usage
from kimi_planner.catalog import ModelSpec
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.draws import mean_of
from kimi_planner.plan.simulation import simulate
from kimi_planner.plan.spend import Spend
from kimi_planner.report.settings import Setting, Settings
from kimi_planner.workload.quantity import Array

ENDS = (0.1, 0.9)
#: What of the output is reasoning, which moves by itself, beside the meters.
REASONING = "reasoning"
_NEAR = 0.02  # share of paths on each side of a percentile whose mean tells what a meter has of it
_DIGITS, _FEW_DIGITS = 12, 4  # of what is as planned, and of what is near
_SAME_MONTHS = 1e-3
_FLAT = 1e-9
_ENOUGH = 1000  # paths on which calls are compared
#: How far the cost of a call on a path may be, root mean square against its mean, from what multiples
#: of another setting say of it, and from what it is at that setting.
_TOLD, _MOVED = 0.03, 0.08


def ends_of(spend: Spend) -> list[list[float | None]]:
    """Return P10 and P90 of all months together and of each, USD."""
    over = spend.over_months()
    ends = ([*over.quantile(q), *spend.quantile(q)] for q in ENDS)
    return [[_short(usd, _DIGITS) for usd in end] for end in ends]


@dataclass(frozen=True)
class Ranges:
    """The ranges of one workload of a plan, on each of its models, at each setting."""

    settings: Settings

    @cached_property
    def _certain(self) -> list[dict[str, Any]]:
        """What of the workload is certain where none, one or both of what has a range are moved."""
        growth, cached = self.settings.load.traffic.growth, self.settings.load.cached
        grows = {} if growth.is_certain else {"growth_per_month": growth.mean}
        serves = {} if cached.is_certain else {"cached_share": cached.mean, "cache": None}
        return [{}, grows, serves, grows | serves]

    @property
    def which(self) -> list[int]:
        """Which of the ranges holds, growth being moved counted as 1, cached share as 2."""
        return [self._certain.index(one) for one in self._certain]

    def of(self, spec: ModelSpec, places: Mapping[str, int]) -> dict[str, Any]:
        """Return what the mean of each meter is multiplied by.

        Parameters
        ----------
        spec
            The model.
        places
            The place of each meter and fee in a row, that of a batch being the one of its plain meter, and
            `REASONING` that of what of the output is reasoning.

        Returns
        -------
        dict
            ``multiples``, for each case of `which` by end, row (all months, then each, or one for all) and
            place, ``None`` where the meter costs nothing and is multiplied as the first one, where no
            range is given, or the case is another one; and ``at``, which of those hold at each setting of
            output and reasoning.
        """
        known: list[tuple[Setting, Array]] = []
        at: dict[Setting, int] = {}
        rows, paths = self.settings.of(spec.profile), self.settings.projection.n_paths

        def thinned(amount: Any) -> Array:
            return np.broadcast_to(np.float64(amount), paths)[:: -(-paths // _ENOUGH)]

        tariff = self.settings.plan.on(spec).tariffs[0].map(lambda usd: float(mean_of(usd)))
        for setting in self.settings.from_planned(spec.profile):
            used = self.settings.plan_at(setting).on(spec).per_request.map(thinned)
            call = _by_place(used, tariff.bill(used), places, *used.requests.shape)
            distances = [_distance(call, other) for _, other in known]
            nearest = int(np.argmin([*distances, 1]))  # or one more
            known[nearest:] = known[nearest:] or [(setting, call)]
            at[setting] = nearest
        return {
            "at": [[at[setting] for setting in row] for row in rows],
            "multiples": [self._by_case(setting, spec, places) for setting, _ in known],
        }

    def _by_case(self, setting: Setting, spec: ModelSpec, places: Mapping[str, int]) -> list[Any]:
        return [
            self._multiples(self.settings.plan_at(setting, **certain), spec, places)
            if self.which[case] == case
            else None
            for case, certain in enumerate(self._certain)
        ]

    def _multiples(self, moved: LoadPlan, spec: ModelSpec, places: Mapping[str, int]) -> Any:
        plan, bill, ends = self.settings.projection, moved.on(spec), []
        [spend] = simulate(moved, [spec], plan.seed, plan.n_paths)
        if not spend.is_ranged:
            return None
        usd = _with_total(spend.usd)
        costs = _with_total(_by_place(bill.per_request, bill.costs(), places, *spend.usd.shape))
        means, is_planned = costs.mean(axis=-1), moved is self.settings.plan
        used = [True, *(means[1:, 0] > 0)]
        for q in ENDS:
            low, end, high = np.quantile(usd, [max(q - _NEAR, 0), q, q + _NEAR], axis=1)
            near = (usd >= low[:, np.newaxis]) & (usd <= high[:, np.newaxis])
            shares = (costs * near).sum(axis=-1)
            scale = _share(end, shares.sum(axis=0))  # single calls add noise to `usd`
            rows = _share(shares * scale, means)
            rows[0] += (means[0] <= 0) * _share(end, usd.mean(axis=1))
            if not is_planned and np.ptp(rows, axis=1).max() < _SAME_MONTHS:
                rows = rows[:, :1]
            count = _DIGITS if is_planned else _FEW_DIGITS
            rows = np.where(used, rows.T, np.nan)
            ends.append([[_short(value, count) for value in row] for row in rows])
        return ends


def _by_place(
    used: Usage, costs: Iterable[tuple[str, Any]], places: Mapping[str, int], *shape: int
) -> Array:
    """Return what each meter costs, by its place, an axis before those of the costs."""
    found = np.zeros((1 + max(places.values()), *shape))
    for key, cost in costs:
        plain = (METERS[key].plain or key) if key in METERS else key
        found[places[plain]] = np.asarray(cost, dtype=np.float64)
    thought = np.asarray(used.reasoning / (used.completion + 1e-300), dtype=np.float64)
    found[places[REASONING]] = found[places["output"]] * thought
    found[places["output"]] -= found[places[REASONING]]
    return found


def _distance(call: Array, known: Array) -> float:
    """Return how far multiples of a known call are from holding for another; below 1 they do.

    Both are costs by place and path. Where one alone is the same on every path, no multiples hold.
    """
    usd, other = call.sum(axis=0), known.sum(axis=0)
    is_flat = [np.ptp(one) <= _FLAT * one.max() for one in (usd, other)]
    if any(is_flat):
        return 0.0 if all(is_flat) else np.inf
    means, whole = known.mean(axis=1, keepdims=True), other / other.mean()
    shapes = np.where(means > 0, _share(known, means + 0 * known), whole)
    told = (shapes * call.mean(axis=1, keepdims=True)).sum(axis=0)
    moved = usd / usd.mean() - whole
    return float(max(np.std(usd - told) / usd.mean() / _TOLD, np.std(moved) / _MOVED))


def _with_total(usd: Array) -> Array:
    """Return amounts by month and path with their sum before them."""
    return np.concatenate([usd.sum(axis=-2, keepdims=True), usd], axis=-2)


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _short(value: float, count: int) -> float | None:
    return None if np.isnan(value) else float(f"{value:.{count}g}")
