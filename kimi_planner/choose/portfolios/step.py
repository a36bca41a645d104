"""What more budget buys: the next 100 USD, which workloads move, and how much the next step takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kimi_planner.choose.given import positive
from kimi_planner.choose.portfolios.choose import answer
from kimi_planner.choose.portfolios.least import least
from kimi_planner.choose.portfolios.result import Portfolio, least_text
from kimi_planner.money import total, usd
from kimi_planner.rich import Page, Shown

__all__ = ["Step", "better_than", "models_text", "moves", "next_usd", "worth_text"]

SHOWN = Decimal("0.0001")
#: A portfolio is better if it is worth more by this share.
BETTER = 1e-6


@dataclass(frozen=True, kw_only=True, repr=False)
class Step(Shown):
    """What more budget buys.

    Attributes
    ----------
    before, after
        The portfolios of the two budgets.
    needed_usd
        The least budget found that buys anything more, where this one does not; ``None`` where it
        does, or where no budget would.
    """

    before: Portfolio
    after: Portfolio
    needed_usd: Decimal | None

    def page(self) -> Page:
        """Return what the step buys."""
        return Page(title=self.sentence(), provenance=self.before.provenance)

    @property
    def more_usd(self) -> Decimal:
        """By how much the budget grows."""
        return self.after.budget_usd_per_month - self.before.budget_usd_per_month

    @property
    def more_value(self) -> float:
        """What that adds a month: expected successes, or net USD."""
        return (self.after.value or 0.0) - (self.before.value or 0.0)

    @property
    def moves(self) -> tuple[str, ...]:
        """Which workloads move from where to where, in words."""
        return moves(self.before, self.after)

    def sentence(self) -> str:
        """Return what the step buys in one sentence."""
        more = f"+{usd(self.more_usd)} USD a month"
        if not self.before.is_feasible:
            verb = "serve" if self.after.is_feasible else "do not serve"
            return f"{more}: {usd(self.after.budget_usd_per_month)} USD {verb} every workload."
        if self.moves:
            worth = worth_text(self.more_value, in_usd=self.before.question.in_usd)
            return f"{more}: {worth}: {'; '.join(self.moves)}."
        if self.needed_usd is None:
            return f"{more} buys nothing more: no budget does better than this assignment."
        extra = self.needed_usd - self.before.budget_usd_per_month
        return (
            f"{more} buys nothing more; the next better assignment takes {least_text(extra)} USD "
            "more."
        )


def next_usd(before: Portfolio, more_usd: Decimal | int | str = 100) -> Step:
    """Return what more budget buys beyond a portfolio.

    Parameters
    ----------
    before : Portfolio
        What `portfolio` returned.
    more_usd : Decimal, int or str
        By how much the budget grows, USD a month.

    Raises
    ------
    ScenarioError
        If ``more_usd`` is no number above 0.
    """
    question = before.question
    more = positive("budget_usd_per_month", more_usd)
    budget = total([before.budget_usd_per_month, more])
    after = answer(question, budget, after=before)
    needed = None
    if before.value is not None and not moves(before, after):
        worth = better_than(before.value)
        step = least(question.problem, split=question.allow_split, worth=worth)
        needed = max(step.usd, budget) if step.shares is not None else None
    return Step(before=before, after=after, needed_usd=needed)


def better_than(value: float) -> float:
    """Return what a portfolio must be worth to be better than one of this value."""
    return value + abs(value) * BETTER + BETTER * BETTER


def moves(before: Portfolio, after: Portfolio) -> tuple[str, ...]:
    """Return which workloads move from where to where, in words."""
    if not before.is_feasible or not after.is_feasible:
        return ()
    return tuple(
        f"{name} moves from {models_text(before.shares[name])} to {models_text(used)}"
        for name, used in after.shares.items()
        if used != before.shares[name]
    )


def worth_text(more: float, *, in_usd: bool) -> str:
    """Return in words what a difference in value means."""
    if in_usd:
        return f"{usd(more)} USD more net value a month"
    count = f"{more:,.0f}" if more >= 10 else f"{more:.2g}"
    return f"{count} more expected successes a month"


def models_text(used: Mapping[str, Decimal]) -> str:
    """Return the models that a workload uses, with their shares if there are several."""
    if len(used) == 1:
        return next(iter(used))
    percents = {
        model: f"{100 * share:.2f}%" if share >= SHOWN else "under 0.01%"
        for model, share in used.items()
    }
    return " and ".join(f"{model} ({percent})" for model, percent in percents.items())
