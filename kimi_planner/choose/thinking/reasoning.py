"""What a task costs as its reasoning grows, and at how much of it a given cost is reached."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.success.tried import TaskCost, task_cost
from kimi_planner.errors import WorkloadError
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

#: Factors on the reasoning tokens at which a curve is told.
MULTIPLIERS = tuple(k / 4 for k in range(17))
_FIRST_STEP, _MOST = 0.25, 256.0
_CURVE_PATHS = 500
_LITTLE = 2.0**-10  # so much of the reasoning is not cut, and fits


@dataclass(frozen=True)
class ReasoningCost:
    """Expected cost of a task on a model that reasons, by the factor on its reasoning tokens.

    Attributes
    ----------
    workload, spec, plan
        What is sent, to which model, and the projection whose paths count.
    today
        The cost at a factor of 1.
    known
        The costs that were worked out, by factor.
    """

    workload: Workload
    spec: ModelSpec
    plan: Projection
    today: TaskCost
    known: dict[float, TaskCost] = field(default_factory=dict)

    @cached_property
    def is_given(self) -> bool:
        """Whether the workload states reasoning tokens."""
        reasoning = self.workload.given("reasoning_tokens")
        return reasoning is not None and reasoning.mean > 0

    @cached_property
    def _few(self) -> Projection:
        """Fewer paths: a curve needs many costs, each a mean over them, scaled to today's."""
        return replace(self.plan, n_paths=min(self.plan.n_paths, _CURVE_PATHS))

    def _cost(self, multiplier: float) -> TaskCost:
        if multiplier not in self.known:
            few = task_cost(self.workload, self.spec, self._few, reasoning=multiplier)
            self.known[multiplier] = few
        return self.known[multiplier]

    def at(self, multiplier: float) -> float:
        """Return the expected cost of a task, USD."""
        if multiplier == 1:
            return self.today.usd
        few = float(self._cost(1.0).by_path.mean())
        scale = self.today.usd / few if few else 1.0
        return float(self._cost(multiplier).by_path.mean()) * scale

    def curve(self) -> list[float]:
        """Return the cost at the multipliers of the curve; today's everywhere without reasoning."""
        return [self.at(k) if self.is_given else self.today.usd for k in MULTIPLIERS]

    def reach(self, target: Fraction | float | None) -> tuple[Fraction | float | None, str]:
        """Return the multiplier at which a task costs the target; else ``None`` and why not."""
        if not self.is_given:
            return None, "the workload states no reasoning tokens"
        if target is None:
            return None, "it needs a value of a solved task and the success of both models"
        found = self._on_line(target) if isinstance(target, Fraction) else None
        return self._search(float(target)) if found is None else (found, "")

    def bound(self, target: float) -> float | None:
        """Return the same as an end of an interval: 0 and infinity where there is none."""
        if not self.is_given:
            return None
        found = self._search(target)[0]
        if found is None:
            return 0.0 if self.at(0.0) > target else math.inf
        return found

    def _on_line(self, target: Fraction) -> Fraction | None:
        """Return the exact multiplier, where the cost is a straight line from no reasoning to it."""
        start, little = self._cost(0.0).exact_usd, self._cost(_LITTLE).exact_usd
        if start is None or little is None or little <= start:
            return None
        found = (target - start) / (little - start) * Fraction(_LITTLE)
        with suppress(WorkloadError):  # more tokens than a workload may have
            if found >= 0 and math.isclose(self.at(float(found)), target):
                return found
        return None

    def _search(self, target: float) -> tuple[float | None, str]:
        if self.at(0.0) > target:
            return None, "it is dearer even without any reasoning"
        low, high = 0.0, _FIRST_STEP
        while self.at(high) < target:
            low, high = high, 2 * high
            if high > _MOST:
                return None, "it is cheaper at any amount of reasoning that its limits let through"

        from scipy.optimize import brentq

        def gap(multiplier: float) -> float:
            return self.at(multiplier) - target

        return float(brentq(gap, low, high, xtol=1e-7, rtol=1e-7)), ""
