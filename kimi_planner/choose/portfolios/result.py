"""The result: which model each workload uses, what that is worth, what it costs, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

import pandas as pd

from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.portfolios.problem import Shares
from kimi_planner.choose.portfolios.question import Question
from kimi_planner.choose.portfolios.words import said
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import Spend
from kimi_planner.rich import Page, Shown
from kimi_planner.workload.inputs import check_between

#: A portfolio nearer to its bound than this share of it is called the best.
PROVEN = 1e-6
COLUMNS = [
    "workload",
    "model",
    "share",
    "requests_per_month",
    "tasks_per_month",
    "quality",
    "successes_per_month",
    "mean_usd_per_month",
    "value",
]

_ROUNDING = 1e-12  # of a quotient of two sums


@dataclass(frozen=True, kw_only=True, repr=False)
class Portfolio(Shown):
    """A model for every workload under one monthly budget.

    Attributes
    ----------
    question
        What was asked: workloads, projection, requirements, success rates.
    budget_usd_per_month
        The budget that every month must keep.
    places
        For each workload, the places of its options in the problem, and the share of its calls that
        each takes; ``None`` if there is no portfolio.
    value
        Worth of an average month: net USD, the value of what is solved less failures and spend, where
        the workloads say what a solved task is worth, else expected successes; ``None`` if there is no
        portfolio. A task is a request, or a whole conversation where the workload has turns; one that
        is sent again is the same task. Without a value a dearer model counts as more successful than a
        cheaper one only where that has a probability of at least 80%.
    bound
        No assignment within the budget is worth more; ``None`` if there is none within it.
    least_budget_usd
        The least budget for which a portfolio was found, where this one is too low for one.
    least_possible_usd
        No budget below this can have one, where none was found; the same number if that is proved.
    spend
        Spend of all workloads together, by month and path; ``None`` if there is no portfolio.
    """

    question: Question
    budget_usd_per_month: Decimal
    places: Shares | None = None
    value: float | None = None
    bound: float | None = None
    least_budget_usd: Decimal | None = None
    least_possible_usd: Decimal | None = None
    spend: Spend | None = None

    @property
    def percentile(self) -> float:
        """The percentile of spend, of all workloads together, that must keep the budget."""
        return self.question.percentile

    @property
    def is_feasible(self) -> bool:
        """Whether every workload has its model within budget and limits."""
        return self.places is not None

    @cached_property
    def shares(self) -> dict[str, dict[str, Decimal]]:
        """For each workload, model id to the share of its requests; empty if there is no portfolio."""
        found = zip(
            self.question.names, self.question.problem.options, self.places or (), strict=False
        )
        return {
            name: {some[place].model: share for place, share in used.items()}
            for name, some, used in found
        }

    @property
    def assignment(self) -> dict[str, str | dict[str, Decimal]]:
        """Workload name to its model id, or to the share of each of its models if it is split."""
        return {
            name: next(iter(used)) if len(used) == 1 else dict(used)
            for name, used in self.shares.items()
        }

    @property
    def gap(self) -> float | None:
        """Share by which the best assignment could be worth more than this one, at most."""
        if self.value is None or self.bound is None:
            return None
        gap = (self.bound - self.value) / abs(self.value) if self.value else 0.0
        return gap if gap > _ROUNDING else 0.0

    @property
    def proven_optimal(self) -> bool:
        """Whether no assignment is worth more, to one part in a million; or that there is none."""
        if self.gap is None:
            return self.least_budget_usd == self.least_possible_usd
        return self.gap <= PROVEN

    @cached_property
    def chance_best(self) -> float | None:
        """Probability that no other model of one workload, within the budget, is worth more.

        It is what the trials leave open of the success rates; ``None`` if there is no portfolio.
        """
        if self.places is None:
            return None
        return self.question.problem.chance_best(self.places, float(self.budget_usd_per_month))

    @property
    def projection(self) -> Projection:
        """The spend that it rests on."""
        return self.question.projection

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Models that do not qualify for a workload, with every reason."""
        return self.question.exclusions

    @property
    def dearest_month(self) -> str | None:
        """The month that spends most at the percentile; the budget holds in every month."""
        if self.spend is None:
            return None
        return str(self.projection.months[self.spend.worst_month(self.percentile / 100)[0]])

    def spend_usd(self, percentile: float | None = None) -> Decimal | None:
        """Return the spend of all workloads together in the dearest month, at a percentile.

        Parameters
        ----------
        percentile : float, optional
            From 0 to 100; that of the budget if not given. The month is that of the budget's.

        Raises
        ------
        SettingError
            If it is out of bounds.
        """
        if percentile is not None:
            check_between("percentile", percentile, 100)
        if self.spend is None:
            return None
        place, amount = self.spend.worst_month(self.percentile / 100)
        if percentile is None or self.spend.exact_usd is not None:
            return amount
        return Decimal(repr(float(self.spend.quantile(percentile / 100)[place])))

    @property
    def provenance(self) -> str:
        """What the result rests on, in one line."""
        of_limits = self.question.traffic
        return self.projection.provenance + (
            f" Limits {of_limits.limits.version}." if of_limits else ""
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and model used.

        Columns: ``workload``, ``model``, ``share`` of the tasks, expected ``requests_per_month`` of
        that share, retries included, and ``tasks_per_month``, ``quality``, the expected success
        rate, ``successes_per_month``, ``mean_usd_per_month``, and ``value``, net USD where the workloads
        say what a solved task is worth, else the successes.
        """
        rows = []
        for key, spend in self._by_model.items():
            aim, share = self.question.aims[key[0]], self.shares[key[0]][key[1]]
            requests, tasks, mean_usd = (
                float(one.mean()) for one in (spend.requests, spend.conversations, spend.mean())
            )
            quality, value = aim.rates[key[1]].mean or 0.0, aim.month_value(key[1]) * float(share)
            rows.append((*key, share, requests, tasks, quality, tasks * quality, mean_usd, value))
        return pd.DataFrame(rows, columns=COLUMNS)

    def by_meter(self) -> pd.DataFrame:
        """Return what the models used are expected to be billed, by meter.

        Returns
        -------
        DataFrame
            The rows of :meth:`Projection.by_meter` for the workloads and models used, each for its
            share of the requests: ``workload``, ``model``, ``month``, ``meter``, ``amount`` in
            tokens or calls, and ``usd``. The meters of a month sum to its mean in `spend`; without a
            portfolio there is no row.

        Examples
        --------
        >>> from kimi_planner.choose import portfolio, read_evaluations
        >>> from kimi_planner.workload import Workload
        >>> chat = Workload(
        ...     name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500
        ... )
        >>> tried = read_evaluations(pd.DataFrame({"workload": ["chat"], "model": ["kimi-k2"],
        ...                                        "successes": [80], "trials": [100]}))
        >>> found = portfolio(chat, 200, evaluations=tried, months=1, start="2026-12")
        >>> found.by_meter()[["model", "meter", "usd"]]
             model   meter   usd
        0  kimi-k2   input  74.4
        1  kimi-k2  output  55.8
        """
        return replace(self.projection, spend=self._by_model).by_meter()

    @property
    def _by_model(self) -> dict[tuple[str, str], Spend]:
        """What each workload spends on each of its models."""
        return {
            (name, model): self.projection.spend[name, model].times(share)
            for name, used in self.shares.items()
            for model, share in used.items()
        }

    def sentences(self) -> list[str]:
        """Return the answer in sentences: spend, worth, how sure, and what was taken into account."""
        return said(self)

    def page(self) -> Page:
        """Return the model of each workload, with what it costs and brings."""
        first, *others = self.sentences()
        return Page(
            title=first,
            frame=self.frame if self.is_feasible else None,
            notes=others,
            provenance=self.provenance,
            currency=self.question.currency,
        )
