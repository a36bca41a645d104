"""What a model must meet, beyond what each workload itself says it needs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kimi_planner.errors import ScenarioError, WorkloadError, shown
from kimi_planner.money import exact_decimal
from kimi_planner.workload.fields import parse_field

__all__ = ["Requirements"]


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a model must meet, beyond what each workload itself says it needs.

    Attributes
    ----------
    needs
        Capabilities that the catalog must state.
    min_fit_share
        Least share of requests that must fit the context window.
    budget_usd_per_month
        Budget for each workload that has none of its own.
    budget_percentile
        Percentile of a month's spend that must stay within the budget.
    """

    needs: tuple[str, ...] = ()
    min_fit_share: float = 0.99
    budget_usd_per_month: Decimal | int | float | str | None = None
    budget_percentile: float = 50

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "needs", parse_field("needs", self.needs))
        except WorkloadError as error:
            raise ScenarioError(str(error)) from None
        for name, value, high in (
            ("min_fit_share", self.min_fit_share, 1),
            ("budget_percentile", self.budget_percentile, 100),
        ):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 <= value <= high
            ):
                raise ScenarioError(f"{name} is {shown(value)}. It must lie between 0 and {high}.")
        if self.budget_usd_per_month is not None:
            try:
                budget = exact_decimal(self.budget_usd_per_month)
            except ValueError as error:
                raise ScenarioError(f"budget_usd_per_month: {error}.") from None
            if budget <= 0:
                raise ScenarioError(f"budget_usd_per_month is {budget}. It must be above 0.")
            object.__setattr__(self, "budget_usd_per_month", budget)
