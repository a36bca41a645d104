"""The result: which model each workload uses, what that is worth, what it costs, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from functools import cached_property

import pandas as pd

from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.portfolios.problem import Shares
from kimi_planner.choose.portfolios.question import Question
from kimi_planner.money import usd
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import Spend
from kimi_planner.rich import Page, Shown
from kimi_planner.rich import share_text as chance_text

__all__ = ["Portfolio", "least_text", "share_text", "up_to_cents"]

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
        For each workload, the places of its options in the problem, and the share of its requests that
        each takes; ``None`` if there is no portfolio.
    value
        Worth of an average month: net USD, the value of what is solved less failures and spend, where
        the workloads say what a solved task is worth, else expected successes; ``None`` if there is no
        portfolio. A task is a request, or a whole conversation where the workload has turns; one that
        is sent again is the same task. A dearer model counts as better than a cheaper one only where
        the trials say so with a probability of at least 80%.
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
        """
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
            share, quality = self.shares[key[0]][key[1]], self.question.quality[key]
            requests, tasks, mean_usd = (
                float(one.mean()) for one in (spend.requests, spend.conversations, spend.mean())
            )
            aim, successes = self.question.aims[key[0]], tasks * quality
            net = tasks * aim.net_usd(quality, 0.0) - mean_usd
            value = net if self.question.in_usd else successes
            rows.append((*key, share, requests, tasks, quality, successes, mean_usd, value))
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
        if self.spend is None:
            return [self._why_not()]
        return [self._spends(self.spend), self._worth(), self._how_sure(), *self._notes()]

    def _spends(self, spend: Spend) -> str:
        if spend.exact_usd is not None:
            spread, risk = "; nothing is uncertain", ""
        else:
            p10, p50, p90 = (usd(self.spend_usd(at) or Decimal(0)) for at in (10, 50, 90))
            spread = f" (P10 {p10}, P50 {p50}, P90 {p90})"
            chance = spend.chance_over(self.budget_usd_per_month)
            risk = f" The chance that some month exceeds the budget is {chance_text(chance)}."
        return (
            f"{usd(self.budget_usd_per_month)} USD a month serve every workload. The dearest month, "
            f"{self.dearest_month}, spends {usd(self.spend_usd() or Decimal(0))} USD at "
            f"P{self.percentile:g} of all workloads together{spread}.{risk}"
        )

    def _worth(self) -> str:
        frame = self.frame
        tasks, solved = frame["tasks_per_month"].sum(), frame["successes_per_month"].sum()
        net = f", worth {usd(frame['value'].sum())} USD less failures and spend"
        return (
            f"An average month is expected to bring {solved:,.0f} successes of {tasks:,.0f} "
            f"tasks{net * self.question.in_usd}, by the success rates measured in {self.question.source}."
        )

    def _how_sure(self) -> str:
        what = "split or assignment" if self.question.allow_split else "assignment"
        more, proof = "", "this is proved"
        if not self.proven_optimal:
            more = f" by more than {share_text(self.gap or 0.0)}"
            proof = "this is the bound that the search proved"
        return (
            f"No {what} within the budget does better{more}: {proof}. As far as the trials tell, no other "
            "model of one workload, within the budget, is worth more with probability "
            f"{chance_text(self.chance_best or 0.0)}."
        )

    def _notes(self) -> Iterator[Note]:
        yield from self.question.unused
        if self.question.tier is not None:
            yield note("keeps_tier", tier=self.question.tier.tier)
            peaks = self.question.traffic and self.question.traffic.peaks.values()
            unknown = dict.fromkeys(key for one in peaks or () for key in one.unknown)
            yield from noted("peaks_may_be_higher", keys=unknown)
        for (name, model), words in self.question.conditions.items():
            if model in self.shares.get(name, ()):
                yield note("conditional", conditions=words, models=model, workloads=name)
        if any(len(used) > 1 for used in self.shares.values()):
            yield note("split_spread")

    def _why_not(self) -> str:
        asked, least, possible = self.question, self.least_budget_usd, self.least_possible_usd
        if asked.without_model:
            return (
                f"No portfolio: no model qualifies for {', '.join(asked.without_model)}. Every "
                "workload must be served."
            )
        if least is None or possible is None:
            tier = "" if asked.tier is None else f" of tier {asked.tier.tier}"
            return f"No portfolio: no assignment keeps the limits{tier}."
        budget = f"{usd(self.budget_usd_per_month)} USD a month at P{self.percentile:g}"
        needed = f"{least_text(least)} USD"
        if least == possible:
            return f"{budget} cannot serve every workload. The least budget that can is {needed}."
        if possible > self.budget_usd_per_month:
            return (
                f"{budget} cannot serve every workload. {needed} can; nothing below {usd(possible)} "
                "USD can."
            )
        return (
            f"No assignment within {budget} was found, and it is not proved that there is none. "
            f"{needed} serve every workload."
        )

    def page(self) -> Page:
        """Return the model of each workload, with what it costs and brings."""
        first, *others = self.sentences()
        return Page(
            title=first,
            frame=self.frame if self.is_feasible else None,
            notes=others,
            provenance=self.provenance,
        )


def least_text(amount: Decimal) -> str:
    """Return a least budget for people, rounded up so that it is enough."""
    return usd(up_to_cents(amount))


def up_to_cents(amount: Decimal) -> Decimal:
    """Round a budget up to a cent, so that what it was for stays within it."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_UP)


def share_text(share: float) -> str:
    """Return a small share in percent, rounded up, two digits at least.

    >>> share_text(0.00423), share_text(0.0000012)
    ('0.43%', '0.00012%')
    """
    percent = Decimal(repr(share)) * 100
    places = max(2, 1 - percent.adjusted()) if percent else 2
    return f"{percent.quantize(Decimal(1).scaleb(-places), rounding=ROUND_UP):f}%"
