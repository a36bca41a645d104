"""What a model must meet, beyond what each workload itself says it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from kimi_planner.arguments import public
from kimi_planner.choose.given import positive
from kimi_planner.errors import SettingError, WorkloadError, is_number, restated, shown
from kimi_planner.workload import Workload
from kimi_planner.workload.fields import parse_field
from kimi_planner.workload.inputs import check_between

#: Fields of a workload that say what a choice aims at.
AIMS = ("value_usd_per_success", "failure_usd", "seconds_at_most")


@public
@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a model must meet, beyond what each workload itself says it needs.

    Attributes
    ----------
    needs
        Capabilities that a model must have. One that the catalog states it lacks rules it out; one
        of which the catalog says nothing makes it qualify on that condition.
    min_fit_share
        Least share of calls that must fit the context window.
    min_answer_share
        Least share of calls whose answer ``max_tokens`` does not leave empty.
    min_reasoning_depth, min_speed
        Least ordinal rating; a model that is not rated qualifies on that condition.
    min_success_rate
        Least expected success rate in the team's own evaluations, from 0 to 1.
    budget_usd_per_month
        Budget for each workload that has none of its own. Budgets rule nothing out: what is over
        one is said first.
    budget_percentile
        Percentile of a month's spend that is held against the budget.
    value_usd_per_success, failure_usd, seconds_at_most
        The same as of a workload, for each that states none of its own.
    tier
        Number of the recharge tier whose limits the peaks of each workload must stay within.

    Examples
    --------
    >>> Requirements(needs=["vision"], min_fit_share=0.95).needs
    ('vision',)
    """

    needs: tuple[str, ...] = ()
    min_fit_share: float = 0.99
    min_answer_share: float = 0.9
    min_reasoning_depth: int | None = None
    min_speed: int | None = None
    min_success_rate: float | None = None
    budget_usd_per_month: Decimal | int | float | str | None = None
    budget_percentile: float = 50
    value_usd_per_success: Decimal | int | float | str | None = None
    failure_usd: Decimal | int | float | str | None = None
    seconds_at_most: Decimal | int | float | str | None = None
    tier: int | None = None

    def __post_init__(self) -> None:
        with restated(of=WorkloadError, fault=SettingError):
            object.__setattr__(self, "needs", parse_field("needs", self.needs))
            for name in AIMS:
                if getattr(self, name) is not None:
                    object.__setattr__(self, name, parse_field(name, getattr(self, name)))
        check_between("min_fit_share", self.min_fit_share, 1)
        check_between("min_answer_share", self.min_answer_share, 1)
        check_between("budget_percentile", self.budget_percentile, 100)
        if self.min_success_rate is not None:
            check_between("min_success_rate", self.min_success_rate, 1)
        for name in ("min_reasoning_depth", "min_speed", "tier"):
            value = getattr(self, name)
            if value is None:
                continue
            if not is_number(value) or value < 0 or value % 1 != 0:
                raise SettingError(f"{name} is {shown(value)}. It must be a whole number from 0.")
            object.__setattr__(self, name, int(value))
        if self.budget_usd_per_month is not None:
            budget = positive("budget_usd_per_month", self.budget_usd_per_month)
            object.__setattr__(self, "budget_usd_per_month", budget)

    def budget(self, own: Decimal | int | float | str | None) -> Decimal | None:
        """Return the budget of a workload: its own, or else the common one."""
        budget = self.budget_usd_per_month if own is None else own
        return budget if isinstance(budget, Decimal) else None

    def aimed(self, workload: Workload) -> Workload:
        """Return a workload with what it is aimed at: its own values, or else the common ones."""
        common = {name: getattr(self, name) for name in AIMS if getattr(workload, name) is None}
        changes = {name: value for name, value in common.items() if value is not None}
        return replace(workload, **changes) if changes else workload
