"""The efficient frontier: what each budget buys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from typing import Any

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import positive
from kimi_planner.choose.portfolios.choose import Step, answer, better_than, models_text, next_usd
from kimi_planner.choose.portfolios.least import least
from kimi_planner.choose.portfolios.question import Question, ask
from kimi_planner.choose.portfolios.result import Portfolio
from kimi_planner.choose.portfolios.words import up_to_cents
from kimi_planner.choose.requirements import Requirements
from kimi_planner.errors import SettingError, shown
from kimi_planner.money import usd
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.inputs import Workloads

BUDGETS = 20
#: With at most so many assignments every step of the frontier is found, else a grid of budgets.
FEW = 10_000


@dataclass(frozen=True, kw_only=True, repr=False)
class PortfolioFrontier(Shown):
    """Portfolios over budgets, from the least that serves every workload to one that buys the best.

    Attributes
    ----------
    question
        What was asked.
    points
        A portfolio for each budget, the lowest first.
    """

    question: Question
    points: tuple[Portfolio, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per budget.

        Columns: ``budget_usd_per_month``; ``value`` of an average month, expected successes or net USD, missing
        if no portfolio keeps the budget; ``spend_usd`` in the dearest month at the percentile; ``gap`` and ``proven_optimal``; ``moves`` since the budget before,
        in words.
        """
        return pd.DataFrame(
            [
                {
                    "budget_usd_per_month": one.budget_usd_per_month,
                    "value": one.value,
                    "spend_usd": one.spend_usd(),
                    "gap": one.gap,
                    "proven_optimal": one.proven_optimal,
                    "moves": "; ".join(Step(before=before, after=one).moves) if before else "",
                }
                for before, one in self._steps()
            ]
        ).astype({"value": "float64", "gap": "float64"})

    def next_100_usd(self, budget_usd_per_month: Decimal | float | str) -> Step:
        """Return what the next 100 USD of budget buy from a budget.

        Raises
        ------
        SettingError
            If the budget is no number above 0.
        """
        budget = positive("budget_usd_per_month", budget_usd_per_month)
        lower = [one for one in self.points if one.budget_usd_per_month <= budget]
        return next_usd(answer(self.question, budget, after=lower[-1] if lower else None))

    @property
    def provenance(self) -> str:
        """What the result rests on, in one line."""
        return self.points[0].provenance

    def sentences(self) -> list[str]:
        """Return one sentence for each budget at which the assignment changes."""
        said, currency = [], self.question.currency
        for before, one in self._steps():
            budget = usd(one.budget_usd_per_month)
            if before is None or not before.is_feasible:
                used = (f"{name} on {models_text(used)}" for name, used in one.shares.items())
                served = f"{budget} {currency} a month: {', '.join(used)}."
                said.append(served if one.is_feasible else one.sentences()[0])
            elif (step := Step(before=before, after=one)).moves:
                said.append(f"{budget} {currency} a month: {step.bought}")
        return said

    def _steps(self) -> Iterator[tuple[Portfolio | None, Portfolio]]:
        """Yield each portfolio after the one of the budget before."""
        yield from zip((None, *self.points), self.points, strict=False)

    def page(self) -> Page:
        """Return what each budget buys."""
        currency = self.question.currency
        value = f"net {currency}" if self.question.in_usd else "expected successes"
        first, last = (usd(self.points[at].budget_usd_per_month) for at in (0, -1))
        return Page(
            title=f"The best portfolio of {len(self.points)} budgets, {first} to {last} {currency} a month; value in "
            f"{value} of an average month",
            frame=self.frame,
            provenance=self.provenance,
            currency=currency,
        )


@public
def portfolio_frontier(
    workloads: Workloads,
    budgets: Iterable[Decimal | float | str] | None = None,
    *,
    evaluations: Evaluations,
    published: PublicResults | bool = True,
    percentile: float = 50,
    requirements: Requirements | None = None,
    allow_split: bool = False,
    **settings: Any,
) -> PortfolioFrontier:
    """Find the portfolios of many budgets.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is to be sent.
    budgets : iterable of Decimal, float or str, optional
        Monthly budgets, USD. If not given, they run from the least that serves every workload to
        the least that buys the best assignment: every step between them where there are few
        assignments, else 20 budgets at even distances.
    evaluations, published, percentile, requirements, allow_split
        As for :func:`portfolio`.
    **settings
        ``tier``, ``traffic``, ``projection`` and ``fit`` as for :func:`portfolio`; the rest is
        passed to :func:`project`.

    Returns
    -------
    PortfolioFrontier
        A portfolio for each budget.

    Raises
    ------
    SettingError
        If a number is out of its bounds, there is no budget, or a workload has no model at any.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, one of evaluations included, or states no price for it.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> frontier = portfolio_frontier(coding, [9_000], evaluations=results, **settings)
    >>> len(frontier.frame)
    1
    """
    if budgets is not None and (isinstance(budgets, str) or not isinstance(budgets, Iterable)):
        raise SettingError(f"budgets is {shown(budgets)}. Give a list of them.")
    asked = () if budgets is None else budgets
    given = sorted({positive("budget_usd_per_month", budget) for budget in asked})
    if budgets is not None and not given:
        raise SettingError("budgets is empty. Give at least one, or leave it out.")
    question = ask(
        workloads,
        percentile=percentile,
        requirements=requirements,
        evaluations=evaluations,
        published=published,
        allow_split=allow_split,
        **settings,
    )
    if given:
        return PortfolioFrontier(question=question, points=_climb(question, given))
    lowest = least(question.problem, split=allow_split)
    if lowest.shares is None:
        raise SettingError(answer(question, Decimal(1)).sentences()[0])
    if not allow_split and prod(map(len, question.problem.options)) <= FEW:
        points = _every_step(question, lowest.usd)
    else:
        points = _climb(question, _grid(question, lowest.usd))
    return PortfolioFrontier(question=question, points=points)


def _climb(question: Question, budgets: Iterable[Decimal]) -> tuple[Portfolio, ...]:
    """Return the portfolio of each budget; what a lower one buys is where the next starts."""
    points: list[Portfolio] = []
    for budget in budgets:
        points.append(answer(question, budget, after=points[-1] if points else None))
    return tuple(points)


def _grid(question: Question, lowest: Decimal) -> list[Decimal]:
    """Return budgets at even distances, in whole cents."""
    top = answer(question, Decimal("Infinity"))
    high = top.spend_usd() or lowest
    step = (high - lowest) / (BUDGETS - 1)
    return sorted(
        {up_to_cents(lowest + step * k) for k in range(BUDGETS - 1)} | {up_to_cents(high)}
    )


def _every_step(question: Question, lowest: Decimal) -> tuple[Portfolio, ...]:
    """Return the portfolio of every budget at which a better one comes within it."""
    points = _climb(question, [up_to_cents(lowest)])
    while True:
        last = points[-1]
        worth = better_than(last.value or 0.0)
        step = least(question.problem, worth=worth)
        if step.shares is None or step.usd <= last.budget_usd_per_month:
            return points
        points = (*points, answer(question, up_to_cents(step.usd), after=last))
