"""Choosing a model for each workload: those that qualify, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.calls.fit import ContextFit
from kimi_planner.choose.aim import Aim
from kimi_planner.choose.basis import rules_given
from kimi_planner.choose.choice import Choice, Exclusion, Obstacle
from kimi_planner.choose.evaluations.public import PublicResults, public_results
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import peaks_of
from kimi_planner.choose.reasons import Rules
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.choose.requirements import Requirements
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.refused import refused_usd
from kimi_planner.workload.inputs import Workloads, chosen_workloads

SPENDS = ("p10_usd_per_month", "p50_usd_per_month", "p90_usd_per_month")


@public
def recommend(
    workloads: Workloads,
    requirements: Requirements | None = None,
    *,
    projection: Projection | None = None,
    fit: ContextFit | None = None,
    evaluations: Evaluations | None = None,
    published: PublicResults | bool = True,
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
        The team's own evaluations: how often each model succeeds, which the value of a solved task and
        a least success rate are held against.
    published : PublicResults or bool
        Published results, weak evidence beside the team's own; those that ship if ``True``, none if
        ``False``.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``,
        ``n_paths``, ``catalog``.

    Returns
    -------
    Recommendation
        For each workload the qualifying models, those on a condition after the others, and the excluded
        ones with every reason; budgets are compared with, and exclude nothing. ``cards`` holds for each
        workload what decides, on one screen.

    Raises
    ------
    SettingError
        If a setting or a requirement is out of its bounds, or a given result lacks a workload or
        stands beside settings of its own; if there is no such tier, or a least success rate
        without evaluations.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns, or of none of the workloads, and
        a name is nearly that of one.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, one of evaluations included, or states no price for it.

    Notes
    -----
    A capability, rating or window that the catalog does not state is neither yes nor no: the model
    qualifies on that condition. A model that was not tried does not meet a least success rate.
    Models rank by the net value of a task, see `Objective`; where no value of a success is stated that
    is less its expected cost, and the card tells from which value on another model is better. A model
    whose success nothing tells ranks after the others where a value is stated.
    Every workload is planned on a model: on the one that it names, else on the first of its ranking,
    else, where none qualifies, on the dearest that no cheaper one matches in what it meets.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> choice = recommend(chat, months=1, start="2027-01", as_of="2026-11-28", catalog="2026-06")
    >>> choice.best
    {'chat': 'kimi-k2'}
    """
    chosen = chosen_workloads(workloads)
    rules = rules_given(chosen, requirements, evaluations, projection, fit, settings)
    if rules.requirements.tier is not None:
        rules = replace(rules, throughput=peaks_of(chosen, rules.projection))
    projection = rules.projection
    summary = projection.summary().set_index(["workload", "model"]).to_dict("index")
    choices: list[Choice] = []
    exclusions: list[Exclusion] = []
    known, fallback, aims = public_results(published), {}, {}
    for workload in chosen:
        aim = Aim.of(workload, rules, known, summary)
        able, ruled_out = rules.sort_out(workload, projection.specs)
        exclusions += ruled_out
        choices += _ranked(able, aim, rules)
        aims[workload.name] = aim
        if not able:
            failed = {spec.id: rules.against(workload, spec) for spec in projection.specs}
            fallback[workload.name] = _first(failed, aim)
    return Recommendation(
        choices=tuple(choices),
        exclusions=tuple(exclusions),
        fallback=fallback,
        aims=aims,
        requirements=rules.requirements,
        projection=rules.projection,
        fit=rules.fit,
        throughput=rules.throughput,
        evaluations=evaluations,
        published=known,
        unused=rules.unused,
    )


def _ranked(able: Mapping[str, Sequence[Obstacle]], aim: Aim, rules: Rules) -> list[Choice]:
    """Return the ranking of the models that qualify, given with what is open of each.

    Those whose reasoning is known come first, then those of which all is stated, each as `Aim`
    ranks them; where something is open of all, the first is the one that `dearest_unmatched` names.
    """
    name, rows = aim.workload.name, aim.rows

    def order(model: str) -> tuple[Any, ...]:
        is_open = bool(able[model]) or aim.is_unknown(model)
        return rows[model]["is_least"], is_open, aim.order(model)

    ranked = sorted(able, key=order)
    if ranked:
        first = _first(able, aim)
        ranked = [first, *(model for model in ranked if model != first)]

    def less_than(model: str, other: str | None) -> float | None:
        if other is None or rows[model]["is_least"] != rows[other]["is_least"]:
            return None
        return aim.mean_usd(other) - aim.mean_usd(model)

    return [
        Choice(
            workload=name,
            rank=rank,
            model=model,
            mean_usd_per_month=aim.mean_usd(model),
            **{key: rows[model][key] for key in SPENDS},
            **rules.fit.of(name, model)._asdict(),
            more_than_best_usd=aim.mean_usd(model) - aim.mean_usd(ranked[0]),
            less_than_next_usd=less_than(model, other),
            reasoning=rows[model]["reasoning"],
            is_least=rows[model]["is_least"],
            conditions=tuple(one.words for one in able[model]),
            refused_usd_per_month=refused_usd(rules.projection, aim.workload, model),
        )
        for rank, (model, other) in enumerate(zip_longest(ranked, ranked[1:]), 1)
    ]


def _first(models: Mapping[str, Iterable[Obstacle]], aim: Aim) -> str:
    """Return the model that `dearest_unmatched` names, of those given with what is open or failed."""
    return dearest_unmatched(
        {model: (aim.order(model), _asked(some, aim, model)) for model, some in models.items()}
    )


def dearest_unmatched(models: Mapping[str, tuple[Any, frozenset[str]]]) -> str:
    """Return the dearest model that no cheaper one matches in what it is known to meet.

    Parameters
    ----------
    models : mapping of str to (number or tuple, frozenset of str)
        From a model to what it is sorted by, such as its spend, and to what it fails or is not known to
        meet.

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


def _asked(obstacles: Iterable[Obstacle], aim: Aim, model: str) -> frozenset[str]:
    """Return what a model does not meet for sure; what it fails weighs more than what is open.

    That its spend is known is one of these, and that its success is, where that decides.
    """
    unknown = ["known spend"] * aim.rows[model]["is_least"] + ["success"] * aim.is_unknown(model)
    return frozenset(unknown).union(
        word
        for one in obstacles
        for word in (one.asked, *("fails " + one.asked,) * (not one.is_open))
    )
