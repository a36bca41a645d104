"""A plan with its amounts in a currency of a report: that of its catalog, or another at given rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from kimi_planner.catalog import Exchange
from kimi_planner.choose.budgets import OverBudget
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.booking import Booked
from kimi_planner.plan.budget import BudgetMatrix
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scope import Scope
from kimi_planner.plan.simulation import projected
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
    missing
        Workloads that are left out, as a price list does not have their models.
    """

    recommendation: Recommendation
    exchange: Exchange | None = None
    missing: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """Its three letters."""
        plan = self.recommendation.projection
        return self.exchange.currency if self.exchange else plan.catalog.currency

    @property
    def basis(self) -> str:
        """At what the amounts are in the currency, and what is not told in it, in words."""
        if self.exchange is not None:
            return f"At {self.exchange}, each month at the rate of its first day."
        version = self.recommendation.projection.catalog.version
        words = f"At the prices of catalog {version}, without what is stated in USD: fees, budgets, credits and prices to come."
        if self.missing:
            words += (
                f" The list does not have the models of {', '.join(self.missing)}, so what they cost in "
                f"{self.currency} is not told."
            )
        return words

    @property
    def to_book(self) -> str:
        """The bookable number in words, and what is not in it."""
        words = self.booked.sentence
        without = ", ".join(self.missing)
        return f"Without {without}, {words[0].lower()}{words[1:]}" if without else words

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
        rates, to = list(self.rates.values()), self.currency
        return replace(plan, spend={of: one.at_rates(rates, to) for of, one in plan.spend.items()})

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


def in_currencies(recommendation: Recommendation) -> Iterator[InCurrency]:
    """Yield a plan in each other currency that its catalog is shown in; at a list what is listed of it."""
    catalog = recommendation.projection.catalog
    for exchange in catalog.exchanges:
        yield InCurrency(recommendation, exchange)
    for currency in catalog.shown_lists:
        plan = _at_list(recommendation, currency)
        missing = tuple(name for name in recommendation.best if name not in plan.best)
        yield InCurrency(plan, missing=missing)


def _at_list(recommendation: Recommendation, currency: str) -> Recommendation:
    """Return the workloads whose model a list has, planned anew at its prices.

    Fees, budgets, credits and prices to come are stated in USD, so a plan at a list has none.
    """
    plan, best = recommendation.projection, recommendation.best
    catalog = plan.catalog.at_list(currency)
    listed = {spec.id: spec for spec in catalog}
    workloads = tuple(
        replace(
            one,
            budget_usd_per_month=None,
            fees_per_request=(),
            price_changes=tuple(each for each in one.dated_price_changes if not each.prices),
        )
        for one in recommendation.workloads
        if best[one.name] in listed
    )
    specs = tuple(listed[model] for model in dict.fromkeys(best[one.name] for one in workloads))
    scope = {**plan.parts, "workloads": workloads, "specs": specs, "catalog": catalog}
    booking = replace(plan.booking, credit_usd_per_month=0)
    pairs = {(one.name, spec.id) for one in workloads for spec in specs}
    return replace(
        recommendation,
        projection=replace(projected(Scope(**scope)), booking=booking),
        choices=tuple(one for one in recommendation.choices if (one.workload, one.model) in pairs),
        exclusions=tuple(
            one for one in recommendation.exclusions if (one.workload, one.model) in pairs
        ),
    )
