"""Settings of output and reasoning that a what-if panel offers, and the plan of a workload at each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

from kimi_planner.catalog import Profile
from kimi_planner.plan.bill import LoadPlan
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload, what_if
from kimi_planner.workload.quantity import Empirical, Scaled
from kimi_planner.workload.reasoning import may_reason
from kimi_planner.workload.resolve import Load

#: Factors on visible output that a panel offers, and on reasoning, the first of these as planned.
OUTPUTS = ("0.5", "1", "1.5", "2", "3")
REASONINGS = ("1", "0", "0.5", "1.5", "2", "3")
#: Reasoning tokens of a call where there is nothing to multiply; the first is as planned.
THOUGHTS = ("", "0", "250", "500", "1000", "2000", "4000", "8000")

_USUAL = 1000

#: Of output and of reasoning.
Setting = tuple[str, str]


@dataclass(frozen=True)
class Settings:
    """The settings of one workload of a plan."""

    projection: Projection
    workload: Workload
    _plans: dict[Any, LoadPlan] = field(default_factory=dict)

    @cached_property
    def load(self) -> Load:
        """What the workload means as planned."""
        return self.workload.resolve()

    @cached_property
    def plan(self) -> LoadPlan:
        """The plan as planned."""
        return self.projection.plan_of(self.workload)

    @cached_property
    def is_scaled(self) -> bool:
        """Whether reasoning is stated as a quantity that can be multiplied, and written again."""
        stated = self.workload.given("reasoning_tokens")
        size = stated.size if isinstance(stated, Scaled) else stated
        return size is not None and size.mean > 0 and not isinstance(size, Empirical)

    @property
    def reasonings(self) -> tuple[str, ...]:
        """Settings of reasoning: factors on what is stated, or else tokens of a call."""
        return REASONINGS if self.is_scaled else THOUGHTS

    def thinks(self, profile: Profile) -> bool:
        """Whether a model spends on reasoning, or may."""
        return may_reason(self.workload, profile)

    def of(self, profile: Profile) -> list[list[Setting]]:
        """Return settings of output, and for each those of reasoning where that changes anything."""
        reasonings = self.reasonings if self.thinks(profile) else self.reasonings[:1]
        return [[(output, reasoning) for reasoning in reasonings] for output in OUTPUTS]

    def from_planned(self, profile: Profile) -> list[Setting]:
        """Return the same in one list: reasoning as planned, then from what is usual on."""
        planned, usual = self.reasonings[0], 1 if self.is_scaled else _USUAL

        def far(one: Setting) -> tuple[bool, float, float]:
            return one[1] != planned, abs(float(one[1] or 0) - usual), abs(float(one[0]) - 1)

        return sorted(chain.from_iterable(self.of(profile)), key=far)

    def each(self, profile: Profile, told: Callable[[LoadPlan, Profile], Any]) -> list[list[Any]]:
        """Return what is told of the plan on a model at each setting."""
        return [[told(self.plan_at(one), profile) for one in row] for row in self.of(profile)]

    def plan_at(self, setting: Setting, **certain: Any) -> LoadPlan:
        """Return the plan at a setting, over the same paths.

        Parameters
        ----------
        setting
            Of output and reasoning.
        **certain
            Fields of the workload that are stated besides.
        """
        key = setting, tuple(certain.items())
        if key not in self._plans:
            output, reasoning = setting
            factor = reasoning if self.is_scaled else 1
            if reasoning and not self.is_scaled:
                certain = {"reasoning_tokens": Decimal(reasoning)} | certain
            [changed] = what_if(self.workload, output=output, reasoning=factor)
            changed = replace(changed, **certain)
            is_planned = changed == self.workload
            self._plans[key] = self.plan if is_planned else self.projection.plan_of(changed)
        return self._plans[key]
