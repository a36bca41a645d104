"""What the first of a ranking would save where a workload names another model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.choose.aim import Aim
from kimi_planner.choose.choice import Choice
from kimi_planner.money import exact_decimal, total, usd
from kimi_planner.plan.booking import PLACES, booked

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation


@dataclass(frozen=True, kw_only=True)
class Saving:
    """A plan with every workload on the first of its ranking, beside the plan as it is.

    Attributes
    ----------
    models
        Workload name to the first of its ranking, where it is planned on another model.
    booked_usd, less_booked_usd
        The bookable number of that plan, and by how much it is less; below zero where it is more.
    less_expected_usd
        By how much the expected spend is less.
    conditions
        Workload name to what must be true so that the first qualifies, in words; empty where all is stated.
    n_months
        Over how many months.
    by_value
        Whether models rank by the net value of a task, and not by cost alone.
    currency
        Of all amounts.
    """

    models: Mapping[str, str]
    booked_usd: Decimal
    less_booked_usd: Decimal
    less_expected_usd: Decimal
    conditions: Mapping[str, str]
    n_months: int
    by_value: bool
    currency: str = "USD"

    @property
    def sentence(self) -> str:
        """All of it in words."""
        on: dict[str, list[str]] = {}
        for name, model in self.models.items():
            words = f"{model}, which {self.conditions[name]}" if name in self.conditions else model
            on.setdefault(words, []).append(name)
        models = "; ".join(f"{', '.join(names)} on {model}" for model, names in on.items())
        less, expected = less_words(self.less_booked_usd), less_words(self.less_expected_usd)
        months = f"over {self.n_months} months" if self.n_months > 1 else "in that month"
        basis = (
            "the net value of a task" if self.by_value else "cost alone, without success and time"
        )
        return (
            f"With the first of each ranking ({models}) {usd(self.booked_usd)} {self.currency} would be to book {months}, "
            f"{less}; expected spend would be {expected}. Models rank by {basis}."
        )


def saving_of(recommendation: Recommendation) -> Saving | None:
    """Return what the first of each ranking would save; ``None`` where that is the plan, or is not known."""
    projection, best = recommendation.projection, recommendation.best
    firsts = {
        one.workload: recommendation.ranking(one.workload)[0]
        for one in recommendation.decisions
        if one.first not in (None, one.model) and one.first_saves_usd_per_month is not None
    }
    if not firsts:
        return None
    models = {name: one.model for name, one in firsts.items()}
    number = booked(projection, best | models)
    before, after = (float(projection.mix(on).mean().sum()) for on in (best, best | models))
    return Saving(
        currency=projection.currency,
        models=models,
        booked_usd=number.usd,
        less_booked_usd=total([recommendation.booked.usd, number.usd.copy_negate()]),
        less_expected_usd=exact_decimal(round(before - after, PLACES)),
        conditions={name: one.if_words for name, one in firsts.items() if one.conditions},
        n_months=len(projection.months),
        by_value=any(recommendation.aims[name].by_value for name in firsts),
    )


def first_saves(aim: Aim, model: str, first: Choice | None) -> float | None:
    """Return by how much the first of a ranking is expected to cost less a month; ``None`` if not known."""
    if first is None:
        return None
    if first.model != model and (first.is_least or aim.rows[model]["is_least"]):
        return None
    return aim.mean_usd(model) - first.mean_usd_per_month


def first_words(model: str, first: Choice | None, saves: float | None, unit: str = "") -> str:
    """Return what ranks before a model, and what it saves a month, in a clause that follows others."""
    if first is None or first.model == model:
        return ""
    known = "" if saves is None else f"{less_words(saves, unit)} on "
    open_ = f" and {first.if_words}" * bool(first.conditions)
    return f"; {known}{first.model}, which ranks first{open_}"


def less_words(saves: Decimal | float, unit: str = "") -> str:
    """Return by how much something costs less, or more, or that it is the same to the cent."""
    amount = usd(saves if saves > 0 else -saves)
    if amount == "0.00":
        return "the same"
    return f"{amount} {unit}{'less' if saves > 0 else 'more'}"
