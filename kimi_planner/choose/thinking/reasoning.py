"""What a task costs as its reasoning grows, and at how much of it a given cost is reached."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from scipy.optimize import brentq

from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.success.task_cost import TaskCost, task_cost
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Constant, Workload

__all__ = ["MULTIPLIERS", "ReasoningCost"]

#: Factors on the reasoning tokens at which a curve is told.
MULTIPLIERS = tuple(k / 4 for k in range(17))
_FIRST_STEP, _MOST = 0.25, 256.0
_CURVE_PATHS = 500


class ReasoningCost:
    """Expected cost of a task on a model that reasons, by the factor on its reasoning tokens.

    Parameters
    ----------
    workload, spec, plan
        What is sent, to which model, and the projection whose scenarios count.
    today
        The cost at a factor of 1.
    """

    def __init__(
        self, workload: Workload, spec: ModelSpec, plan: Projection, today: TaskCost
    ) -> None:
        self.workload, self.spec, self.plan, self.today = workload, spec, plan, today
        reasoning = workload.given("reasoning_tokens")
        self.reasoning = reasoning if reasoning is not None and reasoning.mean > 0 else None
        # A curve needs many costs, each a mean over scenarios: fewer of them, scaled to today's mean.
        self.few = replace(plan, n_paths=min(plan.n_paths, _CURVE_PATHS))
        self.known: dict[float, float] = {1.0: today.usd}
        self.straight: tuple[Fraction, Fraction, Fraction] | None = None
        if isinstance(self.reasoning, Constant) and today.exact_usd is not None:
            self.straight = self._straight(self.reasoning.value)

    def _straight(self, tokens: Decimal) -> tuple[Fraction, Fraction, Fraction] | None:
        """Return cost without reasoning, its slope by multiplier, and how far the line holds."""
        without = replace(self.workload, reasoning_tokens=0)
        start = task_cost(without, self.spec, self.plan).exact_usd
        room = _room(without, self.spec)
        if start is None or (room is not None and room <= 0):
            return None
        used = tokens if room is None else min(tokens, room)
        within = replace(self.workload, reasoning_tokens=used)
        end = task_cost(within, self.spec, self.plan).exact_usd
        if end is None or end <= start:
            return None
        slope = (end - start) / Fraction(used) * Fraction(tokens)
        longest = Fraction(10**9) if room is None else Fraction(room) / Fraction(tokens)
        return start, slope, longest

    def at(self, multiplier: float) -> float:
        """Return the expected cost of a task, USD."""
        if self.straight is not None and multiplier <= self.straight[2]:
            return float(self.straight[0] + self.straight[1] * Fraction(multiplier))
        if multiplier not in self.known:
            few = task_cost(self.workload, self.spec, self.few, reasoning=multiplier)
            self.known[multiplier] = float(few.by_scenario.mean()) * self._scale
        return self.known[multiplier]

    @cached_property
    def _scale(self) -> float:
        few = float(task_cost(self.workload, self.spec, self.few).by_scenario.mean())
        return self.today.usd / few if few else 1.0

    def curve(self) -> list[float]:
        """Return the cost at the multipliers of the curve; today's everywhere without reasoning."""
        return [self.today.usd if self.reasoning is None else self.at(k) for k in MULTIPLIERS]

    def reach(self, target: Fraction | float | None) -> tuple[Fraction | float | None, str]:
        """Return the multiplier at which a task costs the target; else ``None`` and why not."""
        if self.reasoning is None:
            return None, "the workload states no reasoning tokens"
        if target is None:
            return None, "it needs the success rates of both models, and the plain one above 0"
        if self.straight is not None and isinstance(target, Fraction):
            start, slope, longest = self.straight
            found = (target - start) / slope
            if 0 <= found <= longest:
                return found, ""
        return self._search(float(target))

    def bound(self, target: float) -> float | None:
        """Return the same as an end of an interval: 0 and infinity where there is none."""
        if self.reasoning is None:
            return None
        found = self._search(target)[0]
        if found is None:
            return 0.0 if self.at(0.0) > target else math.inf
        return found

    def _search(self, target: float) -> tuple[float | None, str]:
        if self.at(0.0) > target:
            return None, "it is dearer even without any reasoning"
        low, high = 0.0, _FIRST_STEP
        while self.at(high) < target:
            low, high = high, 2 * high
            if high > _MOST:
                return None, "it is cheaper at any amount of reasoning that its limits let through"

        def gap(multiplier: float) -> float:
            return self.at(multiplier) - target

        return float(brentq(gap, low, high, xtol=1e-7, rtol=1e-7)), ""


def _room(without: Workload, spec: ModelSpec) -> Decimal | None:
    """Return the reasoning tokens up to which nothing is cut and everything fits, for plain numbers."""
    answer, first, followup, turns = (
        quantity.value if isinstance(quantity, Constant) else None
        for quantity in map(
            without.given, ("completion_tokens", "prompt_tokens", "followup_tokens", "turns")
        )
    )
    if answer is None or first is None:
        return Decimal(0)
    rooms = []
    cap = without.max_tokens
    if cap is not None:
        rooms.append(cap - answer)
    if spec.context_window_tokens is not None:
        added = first if followup is None else followup
        last = first + ((turns or Decimal(1)) - 1) * (added + answer)
        left = spec.context_window_tokens - last
        if cap is None:
            rooms.append(left - answer)
        elif left < cap:
            return Decimal(0)
    return min(rooms, default=None)
