"""Budgets beside what is planned: which are broken, by how much, when, and what would keep them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING

from kimi_planner.catalog import Exchange
from kimi_planner.errors import WorkloadError
from kimi_planner.money import EXACT, exact_decimal, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.simulation import project
from kimi_planner.rich import changed_text, risk_text
from kimi_planner.workload import Workload, what_if

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation


_DIGITS = Context(prec=60, rounding=ROUND_HALF_EVEN)
_FARTHEST = 10**9
_STEPS = 12
_NEAR = Decimal("1e-10")


@dataclass(frozen=True, kw_only=True)
class OverBudget:
    """A workload whose planned spend is over its budget in some month.

    Attributes
    ----------
    workload, model
        The workload, and the model that it is planned on.
    budget_usd
        What may be spent in any one month.
    percentile
        Percentile of a month's spend that is held against it.
    months
        The months over it.
    month, spend_usd, gap_usd
        The month that is over by the most, its spend, and by how much.
    chance
        Probability that some month is over it; ``None`` where no range is given.
    traffic_factor
        The largest factor on the traffic with which every month keeps the budget; ``None`` if there
        is none.
    cheaper
        Qualifying models that keep the budget, the cheapest first; none of which nobody knows how much it
        reasons.
    currency
        Of all its amounts.
    is_least
        Whether nobody knows how much the model reasons, so that spend, gap and chance are the least.
    """

    workload: str
    model: str
    budget_usd: Decimal
    percentile: float
    months: tuple[str, ...]
    month: str
    spend_usd: Decimal
    gap_usd: Decimal
    chance: float | None
    traffic_factor: Decimal | None
    cheaper: tuple[str, ...]
    currency: str = "USD"
    is_least: bool = False

    def at_rates(self, exchange: Exchange) -> OverBudget:
        """Return the same in another currency, at the rate of its month."""
        rate = exchange.of_months([self.month])[self.month]
        names = ("budget_usd", "spend_usd", "gap_usd")
        with localcontext(EXACT):
            amounts = {name: getattr(self, name) * rate for name in names}
        return replace(self, **amounts, currency=exchange.currency)

    @property
    def sentence(self) -> str:
        """The words, with the name of the workload."""
        return f"{self.workload}: {self.words}."

    @property
    def words(self) -> str:
        """The gap, the months, and what would bring the spend back."""
        places = max(2, -self.gap_usd.adjusted())
        spend, gap, budget = (
            usd(amount, places) for amount in (self.spend_usd, self.gap_usd, self.budget_usd)
        )
        when = self.month if len(self.months) == 1 else (
            f"{self.month}, {len(self.months)} months over from {self.months[0]} on"
        )  # fmt: skip
        back = [f"a budget of {spend}"]
        if self.traffic_factor is not None:
            back.insert(0, f"{changed_text(self.traffic_factor)} traffic")
        back[:0] = [f"{model} in its place" for model in self.cheaper[:1]]
        risk = (
            f"; some month is over it with a chance of {risk_text(self.chance, is_least=self.is_least)}"
            if self.chance
            else ""
        )
        return (
            f"{'at least ' * self.is_least}{gap} {self.currency} over the budget of {budget} on {self.model} "
            f"(P{self.percentile:g} {spend} in {when}{risk}); back with {', or '.join(back)}"
        )


def over_budgets(recommendation: Recommendation) -> Iterator[OverBudget]:
    """Yield the workloads over their budgets on the models they are planned on."""
    requirements, projection = recommendation.requirements, recommendation.projection
    share = requirements.budget_percentile / 100
    for name, model in recommendation.best.items():
        workload = next(one for one in projection.workloads if one.name == name)
        budget = requirements.budget(workload.budget_usd_per_month)
        spend = projection.of(model, name)
        at, worst = spend.worst_month(share)
        if budget is None or worst <= budget:
            continue
        amounts = spend.exact_usd or tuple(map(exact_decimal, spend.quantile(share).tolist()))
        months = [str(month) for month in projection.months]
        yield OverBudget(
            currency=projection.currency,
            workload=name,
            model=model,
            budget_usd=budget,
            percentile=requirements.budget_percentile,
            months=tuple(month for month, one in zip(months, amounts, strict=True) if one > budget),
            month=months[at],
            spend_usd=worst,
            gap_usd=worst - budget,
            chance=spend.chance_over(budget) if spend.is_ranged else None,
            is_least=projection.reasoning(model, name).is_least,
            traffic_factor=_keeping_traffic(workload, model, projection, share, budget),
            cheaper=tuple(
                choice.model
                for choice in recommendation.ranking(name)
                if not choice.is_least
                and projection.of(choice.model, name).worst_month(share)[1] <= budget
            ),
        )


def _keeping_traffic(
    workload: Workload, model: str, projection: Projection, share: float, budget: Decimal
) -> Decimal | None:
    """Return the largest factor on the traffic, to nine digits, with which the worst month keeps a budget.

    ``share`` is the quantile of a month's spend; ``None`` if nothing is spent, or no factor of a billion
    brings it to the budget.

    Notes
    -----
    The factor is scaled by what is missing until the amount is the budget to a part in 10^10, which
    a few steps do where the two are nearly in proportion.
    """

    def worst(traffic: Decimal) -> Decimal:
        [changed] = what_if(workload, traffic=traffic)
        again = project(changed, models=[model], **projection.settings, catalog=projection.catalog)
        return again.of(model, workload.name).worst_month(share)[1]

    at = projection.of(model, workload.name).worst_month(share)[1]
    if at <= 0:
        return None
    value = Decimal(1)
    with localcontext(_DIGITS), suppress(WorkloadError):  # more traffic than a workload may have
        for _ in range(_STEPS):
            value = _leading(value * budget / at, 14)
            if value > _FARTHEST:
                return None
            at = worst(value)
            if at <= 0 or abs(at - budget) <= budget * _NEAR:
                break
        return _leading(value, 9, rounding=ROUND_DOWN)
    return None


def _leading(value: Decimal, digits: int, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a number with so many leading digits."""
    return Context(prec=digits, rounding=rounding).plus(value)
