"""Choosing a portfolio: the question is asked once, answered for a budget, and for more of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import positive
from kimi_planner.choose.portfolios.least import least
from kimi_planner.choose.portfolios.question import SURE, Question, ask
from kimi_planner.choose.portfolios.result import Portfolio
from kimi_planner.choose.portfolios.solve import best
from kimi_planner.choose.portfolios.words import least_text
from kimi_planner.choose.requirements import Requirements
from kimi_planner.money import total, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.rich import Page, Shown, share_text
from kimi_planner.workload.inputs import Workloads


@public
def portfolio(
    workloads: Workloads,
    budget_usd_per_month: Decimal | float | str,
    *,
    evaluations: Evaluations,
    published: PublicResults | bool = True,
    percentile: float = 50,
    requirements: Requirements | None = None,
    allow_split: bool = False,
    tier: int | None = None,
    traffic: Throughput | None = None,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    **settings: Any,
) -> Portfolio:
    """Assign a model to every workload so that one budget buys the most.

    The most is net value, where the workloads state ``value_usd_per_success`` or ``failure_usd``: of
    each task ``value x success - failure x (1 - success) - spend``. Where none does, it is expected
    successes.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is to be sent; every one is served.
    budget_usd_per_month : Decimal, float or str
        For all workloads together; every month must keep it, USD.
    evaluations : Evaluations
        Success rates of the team.
    published : PublicResults or bool
        Published results, weak evidence beside the team's own; those that ship if ``True``, none if
        ``False``. A model that was not tried on a workload, and of which none tells, takes no part in it.
    percentile : float
        Percentile of a month's spend, of the sum over workloads, that must keep it.
    requirements : Requirements, optional
        What a model must meet; the workloads' own needs and pins always count. Their budgets do
        not: the one budget is that of the portfolio.
    allow_split : bool
        Whether a workload may send shares of its requests to several models.
    tier : int, optional
        Recharge tier whose limits on requests and tokens all workloads together must keep.
    traffic : Throughput, optional
        Peaks of the same workloads, if they are at hand; otherwise they are computed for ``tier``.
    projection, fit : Projection, ContextFit, optional
        Results for the same workloads, if they are at hand; otherwise they are computed.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``,
        ``n_paths``, ``catalog``.

    Returns
    -------
    Portfolio
        The assignment, what it is worth, and a bound on what any other could be worth.

    Raises
    ------
    SettingError
        If a number is out of its bounds, some workloads state a value and others do not, or a given result lacks a workload or stands beside
        settings of its own.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, one of evaluations included, or states no price for it.

    Notes
    -----
    Success, cost and net value of a task are those of :func:`recommend`, and so is the answer where
    the budget reaches; spend is that of the plan. Without a value a dearer model counts as more
    successful than a cheaper one only where that has a probability of at least 80%.
    Workloads spend independently, so the percentile of their sum is not the sum of percentiles. An
    assignment counts as within the budget only if the sum, added path by path, is; without
    ranges the sum is exact to the last digit. A model that another beats in worth, and in the
    spend of every month on every path, is never chosen. A mixed-integer program solved by HiGHS proposes
    assignments and bounds what they can be worth. Of assignments worth the same the cheapest is
    taken, of models alike in every way the first in the catalog.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> portfolio(coding, 9_000, evaluations=results, **settings).assignment
    {'coding-assistant': 'kimi-k2-5-thinking'}
    """
    budget = positive("budget_usd_per_month", budget_usd_per_month)
    question = ask(
        workloads,
        percentile=percentile,
        requirements=requirements,
        evaluations=evaluations,
        published=published,
        allow_split=allow_split,
        tier=tier,
        traffic=traffic,
        projection=projection,
        fit=fit,
        **settings,
    )
    return answer(question, budget)


def answer(
    question: Question,
    budget: Decimal,
    *,
    after: Portfolio | None = None,
) -> Portfolio:
    """Return the portfolio for one budget; the search starts from another one, if it is given."""
    problem, split = question.problem, question.allow_split
    search = partial(best, problem, budget, split=split)
    lowest = None
    found = search(start=after.places if after else None)
    if found.shares is None:
        lowest = least(problem, split=split)
        if lowest.shares is not None and lowest.usd <= budget:
            found = search(start=lowest.shares)
    point = partial(Portfolio, question=question, budget_usd_per_month=budget)
    if found.shares is not None:
        spend = problem.together(found.shares)
        return point(places=found.shares, value=found.value, bound=found.bound, spend=spend)
    if lowest is None or lowest.shares is None:
        return point()
    return point(least_budget_usd=lowest.usd, least_possible_usd=lowest.possible_usd)


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
    needed_usd: Decimal | None = None

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.before.question.currency

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
    def chance_better(self) -> float | None:
        """Probability that what it buys is worth more, as far as trials tell; ``None`` without a portfolio."""
        if self.before.places is None or self.after.places is None:
            return None
        problem = self.before.question.problem
        more = problem.draws(self.after.places) - problem.draws(self.before.places)
        return float(((more > 0) + 0.5 * (more == 0)).mean())

    @property
    def moves(self) -> tuple[str, ...]:
        """Which workloads move from where to where, in words."""
        if not self.before.is_feasible or not self.after.is_feasible:
            return ()
        return tuple(
            f"{name} moves from {models_text(self.before.shares[name])} to {models_text(used)}"
            for name, used in self.after.shares.items()
            if used != self.before.shares[name]
        )

    @property
    def bought(self) -> str:
        """What it adds, and which workloads move for that, in words."""
        more, count = self.more_value, f"{self.more_value:,.0f}"
        gain = f"{count if more >= 10 else f'{more:.2g}'} more expected successes a month"
        if self.before.question.in_usd:
            gain = f"{usd(more)} {self.currency} more net value a month"
            if (chance := self.chance_better or 0.0) < SURE:
                gain += f", which noise may explain (better with probability {share_text(chance)})"
        return f"{gain}: {'; '.join(self.moves)}."

    def sentence(self) -> str:
        """Return what the step buys in one sentence."""
        more = f"+{usd(self.more_usd)} {self.currency} a month"
        if not self.before.is_feasible:
            verb = "serve" if self.after.is_feasible else "do not serve"
            return f"{more}: {usd(self.after.budget_usd_per_month)} {self.currency} {verb} every workload."
        if self.moves:
            return f"{more}: {self.bought}"
        if self.needed_usd is None:
            return f"{more} buys nothing more: no budget does better than this assignment."
        extra = self.needed_usd - self.before.budget_usd_per_month
        return (
            f"{more} buys nothing more; the next better assignment takes "
            f"{least_text(extra)} {self.currency} more."
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
    SettingError
        If ``more_usd`` is no number above 0.
    """
    question = before.question
    more = positive("budget_usd_per_month", more_usd)
    budget = total([before.budget_usd_per_month, more])
    step = Step(before=before, after=answer(question, budget, after=before))
    if before.value is None or step.moves:
        return step
    worth = better_than(before.value)
    better = least(question.problem, split=question.allow_split, worth=worth)
    needed = max(better.usd, budget) if better.shares is not None else None
    return replace(step, needed_usd=needed)


def better_than(value: float) -> float:
    """Return what a portfolio must be worth to be better than one of this value."""
    return value + abs(value) * BETTER + BETTER * BETTER


def models_text(used: Mapping[str, Decimal]) -> str:
    """Return the models that a workload uses, with their shares if there are several."""
    if len(used) == 1:
        return next(iter(used))
    percents = {
        model: f"{100 * share:.2f}%" if share >= SHOWN else "under 0.01%"
        for model, share in used.items()
    }
    return " and ".join(f"{model} ({percent})" for model, percent in percents.items())
