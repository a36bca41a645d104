"""A plan with its amounts in a currency of a report: that of its catalog, or another at given rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from kimi_planner.catalog import Exchange
from kimi_planner.choose.budgets import OverBudget
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.booking import Booked
from kimi_planner.plan.budget import BudgetMatrix
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import Spend


@dataclass(frozen=True)
class InCurrency:
    """A plan, each month at the rate of its first day; without rates as it is.

    Attributes
    ----------
    recommendation
        The plan, each workload on its model.
    exchange
        Rates of the currency; ``None`` for that of the plan's own catalog.
    """

    recommendation: Recommendation
    exchange: Exchange | None = None

    @property
    def currency(self) -> str:
        """Its three letters."""
        plan = self.recommendation.projection
        return self.exchange.currency if self.exchange else plan.catalog.currency

    @cached_property
    def rates(self) -> dict[str, Decimal]:
        """How much one USD is in each month; empty without rates."""
        months = map(str, self.recommendation.projection.months)
        return self.exchange.of_months(months) if self.exchange else {}

    @cached_property
    def projection(self) -> Projection:
        """The plan with its spend in the currency; budgets in it stay what the file says, in USD."""
        plan = self.recommendation.projection
        if self.exchange is None:
            return plan
        rates = list(self.rates.values())
        return replace(plan, spend={of: one.at_rates(rates) for of, one in plan.spend.items()})

    @cached_property
    def planned(self) -> Spend:
        """Spend of all workloads on their planned models."""
        return self.projection.mix(self.recommendation.best)

    @cached_property
    def booked(self) -> Booked:
        """The bookable number."""
        booked = self.recommendation.booked
        return booked.at_rates(self.exchange) if self.exchange else booked

    @cached_property
    def matrix(self) -> BudgetMatrix:
        """The bookable number by workload and month, beside the budgets."""
        matrix = self.recommendation.budget_matrix
        return matrix.at_rates(self.exchange) if self.exchange else matrix

    @cached_property
    def over_budget(self) -> tuple[OverBudget, ...]:
        """Workloads over their budget, at the rate of the month that is over it by the most."""
        over = self.recommendation.over_budget
        return tuple(one.at_rates(self.exchange) for one in over) if self.exchange else over
