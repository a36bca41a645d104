"""Choosing a model for each workload: those that qualify, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.calls.fit import ContextFit
from kimi_planner.choose.basis import rules_given
from kimi_planner.choose.choice import Choice, Exclusion, Obstacle
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import peaks_of
from kimi_planner.choose.reasons import Rules
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.requirements import Requirements
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.refused import refused_usd
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, chosen_workloads

__all__ = ["dearest_unmatched", "recommend"]

#: From (workload name, model id) to the row of a projection's summary.
Summary = Mapping[Any, Any]
SPENDS = ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month")


@public
def recommend(
    workloads: Workloads,
    requirements: Requirements | None = None,
    *,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    evaluations: Evaluations | None = None,
    **settings: Any,
) -> Recommendation:
    """Choose a model for each workload.

    Parameters
    ----------
    workloads : Workload, iterable of Workload, or path of a workload file
        What is to be sent.
    requirements : Requirements, optional
        What a model must meet; the workloads' own needs always count.
    projection, fit : Projection, ContextFit, optional
        Results for the same workloads, if they are at hand; otherwise they are computed.
    evaluations : Evaluations, optional
        The team's own evaluations, which a least success rate is held against.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``,
        ``n_paths``, ``catalog``.

    Returns
    -------
    Recommendation
        For each workload the qualifying models by P50 spend, those on a condition after the others,
        and the excluded ones with every reason; budgets are compared with, and exclude nothing.

    Raises
    ------
    ScenarioError
        If a setting or a requirement is out of its bounds, or a given result lacks a workload or
        stands beside settings of its own; if there is no such tier, or a least success rate
        without evaluations.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, one of evaluations included, or states no price for it.

    Notes
    -----
    A capability, rating or window that the catalog does not state is neither yes nor no: the model
    qualifies on that condition. A model that was not tried does not meet a least success rate.
    Every workload is planned on a model: on the one that it names, else on the first of its ranking,
    else, where none qualifies, on the dearest that no cheaper one matches in what it meets.
    """
    chosen = chosen_workloads(workloads)
    rules = rules_given(chosen, requirements, evaluations, projection, fit, settings)
    if rules.requirements.tier is not None:
        rules = replace(rules, throughput=peaks_of(chosen, rules.projection))
    projection = rules.projection
    summary = projection.summary().set_index(["workload", "model"]).to_dict("index")
    choices: list[Choice] = []
    exclusions: list[Exclusion] = []
    fallback = {}
    for workload in chosen:
        able, ruled_out = rules.sort_out(workload, projection.specs)
        exclusions += ruled_out
        choices += _ranked(workload, able, rules, summary)
        if not able:
            fallback[workload.name] = _least_bad(workload, rules, summary)
    return Recommendation(
        choices=tuple(choices),
        exclusions=tuple(exclusions),
        fallback=fallback,
        requirements=rules.requirements,
        projection=rules.projection,
        fit=rules.fit,
        throughput=rules.throughput,
        evaluations=evaluations,
    )


def _ranked(
    workload: Workload, able: Mapping[str, Sequence[Obstacle]], rules: Rules, summary: Summary
) -> list[Choice]:
    """Return the ranking of the models that qualify, given with what is open of each.

    Those whose reasoning is known come first, then those of which all is stated, each by P50 spend;
    where something is open of all, the first is the one that `dearest_unmatched` names.
    """
    name = workload.name
    p50 = {model: summary[name, model]["p50_usd_per_month"] for model in able}
    least = {model: summary[name, model]["is_least"] for model in able}
    ranked = sorted(p50, key=lambda model: (least[model], bool(able[model]), p50[model]))
    if ranked:
        first = dearest_unmatched(
            {model: (p50[model], _asked(able[model], least[model])) for model in p50}
        )
        ranked = [first, *(model for model in ranked if model != first)]

    def less_than(model: str, other: str | None) -> float | None:
        return None if other is None or least[model] != least[other] else p50[other] - p50[model]

    return [
        Choice(
            workload=name,
            rank=rank,
            model=model,
            **{key: summary[name, model][key] for key in SPENDS},
            **rules.fit.of(name, model)._asdict(),
            more_than_best_usd=p50[model] - p50[ranked[0]],
            less_than_next_usd=less_than(model, other),
            reasoning=summary[name, model]["reasoning"],
            is_least=least[model],
            conditions=tuple(one.words for one in able[model]),
            refused_usd_per_month=refused_usd(rules.projection, workload, model),
        )
        for rank, (model, other) in enumerate(zip_longest(ranked, ranked[1:]), 1)
    ]


def _least_bad(workload: Workload, rules: Rules, summary: Summary) -> str:
    """Return the model that a workload is planned on where none qualifies."""
    return dearest_unmatched(
        {
            spec.id: (
                summary[workload.name, spec.id]["p50_usd_per_month"],
                _asked(
                    rules.against(workload, spec),
                    summary[workload.name, spec.id]["is_least"],
                ),
            )
            for spec in rules.projection.specs
        }
    )


def dearest_unmatched(models: Mapping[str, tuple[float, frozenset[str]]]) -> str:
    """Return the dearest model that no cheaper one matches in what it is known to meet.

    Parameters
    ----------
    models : mapping of str to (float, frozenset of str)
        From a model to its spend, and to what it fails or is not known to meet.

    Notes
    -----
    Where a model meets everything, this is the cheapest that does. Otherwise it is the dearest of
    the models that are the cheapest for some of what is asked, so that asking for more never makes
    a plan cheaper. Of equal ones the first counts as the cheaper.

    Examples
    --------
    >>> asked = {"a": (9.0, frozenset()), "b": (5.0, frozenset({"tools"})), "c": (12.0, frozenset())}
    >>> dearest_unmatched(asked)
    'a'
    """
    unmatched: list[str] = []
    for model, (_, lacking) in sorted(models.items(), key=lambda one: one[1][0]):
        if not any(models[cheaper][1] <= lacking for cheaper in unmatched):
            unmatched.append(model)
    return unmatched[-1]


def _asked(obstacles: Iterable[Obstacle], is_least: bool) -> frozenset[str]:
    """Return what a model does not meet for sure; what it fails weighs more than what is open.

    That its spend is known is one of these.
    """
    return frozenset(["known spend"] * is_least).union(
        word
        for one in obstacles
        for word in (one.asked, *("fails " + one.asked,) * (not one.is_open))
    )
