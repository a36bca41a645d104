"""What decides between models for a workload: the objective, and what is known of each by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.rates import SuccessRate, success_rates
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.reasons import Rules
from kimi_planner.choose.success.worth import Worth, worth_of
from kimi_planner.money import usd, usd_text
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

#: From (workload name, model id) to the row of a projection's summary.
Summary = Mapping[Any, Any]


@dataclass(frozen=True)
class Aim:
    """A workload, what it aims at, and what its models are worth by that.

    Attributes
    ----------
    workload
        With the value of a success, the cost of a failure and the limit on time that count.
    projection
        The plan that prices it.
    rows
        From a model to its row of the summary of the plan.
    rates
        From a model to what is known of its success.
    worth
        Of the models whose success something tells.
    """

    workload: Workload
    projection: Projection
    rows: Mapping[str, Mapping[str, Any]]
    rates: Mapping[str, SuccessRate]
    worth: Worth

    @classmethod
    def of(
        cls,
        workload: Workload,
        rules: Rules,
        public: PublicResults | None,
        summary: Summary,
    ) -> Aim:
        """Return the aim of a workload, on the models of a projection; nothing tells without traffic."""
        aimed, projection = rules.requirements.aimed(workload), rules.projection
        rows = {model: summary[workload.name, model] for model in projection.models}
        rates = success_rates(workload.name, list(projection.catalog), rules.evaluations, public)
        objective = Objective.of(aimed)
        aim = cls(aimed, projection, rows, rates, Worth((), objective))
        if not aim.tasks:
            return aim
        return replace(aim, worth=worth_of(aimed, rates, projection, objective))

    @property
    def objective(self) -> Objective:
        """What a solved task is worth."""
        return self.worth.objective

    @property
    def by_value(self) -> bool:
        """Whether success decides: it is worth something, and known of some model."""
        return self.objective.is_stated and bool(self.worth.tried)

    def is_unknown(self, model: str) -> bool:
        """Whether success decides, and that of a model is not known."""
        return self.by_value and model not in self.worth.points

    @cached_property
    def tasks(self) -> Any:
        """Expected tasks of an average month: requests, or conversations where there are turns."""
        spend = self.projection.of(self.projection.models[0], self.workload.name)
        return sum(spend.conversations) / len(spend.conversations)

    def mean_usd(self, model: str) -> float:
        """Return the expected spend of an average month, as planned."""
        return float(self.rows[model]["mean_usd_per_month"])

    def cost_usd(self, model: str) -> Any:
        """Return the expected cost of a task, as its trials tell it, else as planned."""
        if model in self.worth.points:
            return self.worth.points[model][1]
        return self.planned_usd(model)

    def month_value(self, model: str) -> float:
        """Return what an average month is worth on a model: net USD, or successes where no value is stated."""
        if self.objective.is_stated and self.tasks:
            return float(self.worth.net_usd[model] * self.tasks)
        return float(self.rates[model].exact_mean * self.tasks)

    def as_tried(self, model: str) -> str:
        """Return what a task costs as a model was tried, where a plan has another cost; else nothing."""
        tried, planned = float(self.cost_usd(model)), float(self.planned_usd(model))
        if usd(abs(tried - planned) * float(self.tasks)) == "0.00":
            return ""
        how = (
            "as tried, or by published costs," if self.rates[model].trials else "by published costs"
        )
        return f"{how} a task costs {usd_text(tried)} {self.projection.currency}, as planned {usd_text(planned)}"

    def planned_usd(self, model: str) -> Any:
        """Return the expected cost of a task as planned; a fraction where it is exact."""
        exact, mean = self.rows[model]["exact_usd"], self.rows[model]["mean_usd"]
        spend = float(mean) if exact is None else Fraction(exact)
        return spend / (self.tasks or 1) / len(self.projection.months)

    def order(self, model: str) -> tuple[Any, ...]:
        """Return what models of a workload are sorted by, the best first.

        It is the net value of a task where success is known, and less its expected cost where it is
        not, or where no value is stated. Of equal ones the one with more success comes first, then
        the first by name.
        """
        success = 0
        score = self.cost_usd(model)
        if model in self.worth.points:
            success, score = self.worth.points[model][0], -self.worth.net_usd[model]
        return self.is_unknown(model), score, -success, model
