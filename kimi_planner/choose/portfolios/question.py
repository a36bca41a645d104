"""What a portfolio is asked for: workloads, requirements, worth and limits, checked and priced once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kimi_planner.capacity.limits import Tier
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.advice import clauses_of
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.choice import Choice, Exclusion
from kimi_planner.choose.evaluations.public import PublicResults
from kimi_planner.choose.evaluations.rates import check_evaluations
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import known_tier, peaks_of
from kimi_planner.choose.portfolios.problem import Option, Problem
from kimi_planner.choose.ranking import recommend
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.requirements import Requirements
from kimi_planner.choose.success.build import not_planned
from kimi_planner.errors import SettingError
from kimi_planner.notes import Note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, check_between, chosen_workloads
from kimi_planner.workload.quantity import Array

#: A dearer model counts as more successful where it is so with at least this probability.
SURE = 0.8


@dataclass(frozen=True, kw_only=True)
class Question:
    """A portfolio's question but for the budget.

    Attributes
    ----------
    recommendation
        What each workload would use by itself, and what its models are worth and rest on.
    source
        Of the team's own evaluations.
    problem
        The options that qualify and are not beaten by another.
    exclusions
        Models that take no part for a workload, with every reason.
    allow_split
        Whether a workload may use shares of several models.
    traffic, tier
        Peaks and the tier whose limits hold, if any.
    unused
        What is said of evaluations that are of no workload here, as a name that is misspelled.
    """

    workloads: tuple[Workload, ...]
    recommendation: Recommendation
    source: str
    percentile: float
    problem: Problem
    exclusions: tuple[Exclusion, ...]
    allow_split: bool
    traffic: Throughput | None
    tier: Tier | None
    unused: tuple[Note, ...] = ()

    @property
    def projection(self) -> Projection:
        """The plan whose spend counts."""
        return self.recommendation.projection

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.projection.currency

    @property
    def names(self) -> tuple[str, ...]:
        """Workload names, in the order of the call."""
        return tuple(workload.name for workload in self.workloads)

    @property
    def aims(self) -> Mapping[str, Aim]:
        """From workload name to what a solved task and its models are worth."""
        return self.recommendation.aims

    @property
    def in_usd(self) -> bool:
        """Whether worth is net USD, as the workloads say what a solved task is worth."""
        return all(aim.objective.is_stated for aim in self.aims.values())

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies."""
        pairs = zip(self.names, self.problem.options, strict=True)
        return tuple(name for name, some in pairs if not some)


def ask(
    workloads: Workloads,
    *,
    percentile: float,
    requirements: Requirements | None,
    evaluations: Evaluations,
    published: PublicResults | bool = True,
    allow_split: bool,
    tier: int | None = None,
    traffic: Throughput | None = None,
    **settings: Any,
) -> Question:
    """Check what is asked, choose for each workload by itself, and find its options; see `portfolio`."""
    chosen = chosen_workloads(workloads)
    check_between("percentile", percentile, 100)
    check_evaluations(evaluations)
    found = recommend(
        chosen, requirements, evaluations=evaluations, published=published, **settings
    )
    plan = found.projection
    if tier is None:
        traffic = None
    elif traffic is None:
        traffic = peaks_of(chosen, plan)
    limits = None if traffic is None else known_tier(traffic.limits, tier)
    _check_aims(found.aims)
    options: list[tuple[Option, ...]] = []
    exclusions = list(found.exclusions)
    for workload in chosen:
        aim, ranked = found.aims[workload.name], found.ranking(workload.name)
        left_out = dict(_left_out(aim, ranked, evaluations.source))
        exclusions += [
            Exclusion(workload=workload.name, model=model, reasons=(why,))
            for model, why in left_out.items()
        ]
        ranks = {one.model for one in ranked}
        able = [m for m in plan.models if m in ranks and m not in left_out]
        options.append(_options(aim, able, traffic, limits))
    return Question(
        workloads=chosen,
        recommendation=found,
        source=evaluations.source,
        percentile=percentile,
        problem=Problem(tuple(options), percentile / 100).reduced(),
        exclusions=tuple(exclusions),
        allow_split=allow_split,
        traffic=traffic,
        tier=limits,
        unused=(*found.unused, *not_planned(evaluations, plan)),
    )


def _left_out(aim: Aim, ranked: Sequence[Choice], source: str) -> Iterator[tuple[str, str]]:
    """Yield the models that qualify and take no part, and why.

    What is open of a model that is not open of the one that ranks first keeps it out, so that with
    money enough every workload uses the model that is recommended for it.
    """
    pin = aim.workload.model
    first: Choice | None = None
    for one in ranked:
        if pin not in (None, one.model):
            yield one.model, f"the workload is pinned to {pin}"
        elif aim.rates[one.model].is_judgement:
            untried = f"it was not tried on this workload in {source}"
            yield one.model, f"{untried}, and no published result counts"
        else:
            first = first or one
            if more := [clause for clause in clauses_of(one) if clause not in clauses_of(first)]:
                needs = " and ".join(more)
                yield one.model, f"it qualifies if {needs}, and {first.model} whether or not"


def _options(
    aim: Aim, models: Sequence[str], traffic: Throughput | None, limits: Tier | None
) -> tuple[Option, ...]:
    """Return what a workload may use, with what counts of its worth, what it spends and takes."""
    name, plan = aim.workload.name, aim.projection
    if not models:
        return ()
    spends = [plan.spend[name, model] for model in models]
    values = [aim.month_value(model) for model in models]
    draws = np.zeros((len(models), 1))
    if aim.tasks:
        order = list(aim.worth.points)
        rates, costs = (some[[order.index(model) for model in models]] for some in aim.worth.drawn)
        net = aim.objective.net_usd(rates, costs) if aim.objective.is_stated else rates
        draws = float(aim.tasks) * net
    if not aim.objective.is_stated:
        values = credited(draws, values, [float(aim.cost_usd(model)) for model in models])
    peaks = [traffic.of(model, name).peak if traffic else {} for model in models]
    return tuple(
        Option(model, value, spend, _load(peak, limits), worths)
        for model, value, spend, peak, worths in zip(
            models, values, spends, peaks, draws, strict=True
        )
    )


def _load(peaks: Mapping[str, Array], tier: Tier | None) -> Array:
    """Return the peak of each month and limit as a share of what the tier allows."""
    allowed = {limit: tier.allowed(limit) for limit in peaks} if tier else {}
    shares = [peaks[limit] / most for limit, most in allowed.items() if most < np.inf]
    return np.concatenate([np.zeros(0), *shares])


def _check_aims(aims: Mapping[str, Aim]) -> None:
    """Refuse workloads some of which state what a solved task is worth, and others do not.

    Raises
    ------
    SettingError
        If that is so: successes and USD do not add up.
    """
    silent = [name for name, aim in aims.items() if not aim.objective.is_stated]
    stated = [name for name, aim in aims.items() if aim.objective.is_stated]
    if silent and stated:
        raise SettingError(
            f"{', '.join(stated)} state what a solved or a failed task is worth, {', '.join(silent)} "
            "do not: USD and successes do not add up. Give value_usd_per_success to all, or to none."
        )


def credited(draws: Array, values: Sequence[float], costs: Sequence[float]) -> list[float]:
    """Return what counts of the successes of each model: no more than a cheaper one's, where noise may explain it.

    Of net value all counts, as that is less the cost already.

    Parameters
    ----------
    draws : ndarray, shape (n_models, n_draws)
        Equally likely successes of a month.
    values, costs
        Expected successes of each, and what a task costs.

    Examples
    --------
    >>> credited(np.array([[5.0, 5.0], [4.0, 7.0], [8.0, 9.0]]), [5.0, 5.5, 8.5], [1, 2, 3])
    [5.0, 5.0, 8.5]
    """
    counted = list(values)
    best: int | None = None
    for place in np.argsort(costs, kind="stable").tolist():
        if best is not None and counted[place] > counted[best] and costs[place] > costs[best]:
            ahead = draws[place] - draws[best]
            if float(((ahead > 0) + 0.5 * (ahead == 0)).mean()) < SURE:
                counted[place] = counted[best]
        if best is None or counted[place] > counted[best]:
            best = place
    return counted
