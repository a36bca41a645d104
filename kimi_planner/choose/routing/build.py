"""Every cascade of two models for a workload: cost, success, and which is worth it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import combinations, permutations
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.choose.basis import able_models, basis_of_one
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.evaluations.public import PublicResults, public_results
from kimi_planner.choose.evaluations.rates import (
    Rate,
    SuccessRate,
    check_confidence,
    check_names,
    exact_share,
)
from kimi_planner.choose.evaluations.rates import success_rates as known_laws
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.evaluations.token_use import token_notes
from kimi_planner.choose.frontier import non_dominated
from kimi_planner.choose.objective import Objective
from kimi_planner.choose.routing.detector import Detector, Passage, follow
from kimi_planner.choose.routing.result import Cascades, Route
from kimi_planner.choose.routing.together import DEPENDENCE, ByItems, ByPairs, Joint
from kimi_planner.choose.routing.uncertain import Intervals, Uncertain
from kimi_planner.choose.success.tried import TaskCost, Tried, overflow_notes, task_cost
from kimi_planner.errors import EvaluationError, SettingError, shown
from kimi_planner.notes import Note, note
from kimi_planner.plan.draws import stream
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload

MOST_MODELS = 16  # 256 routes


@public
def cascades(
    workload: Workload,
    *,
    detector: Detector,
    evaluations: Evaluations | None = None,
    success_rates: Mapping[str, Rate] | None = None,
    rescue_rates: Mapping[tuple[str, str], Rate] | None = None,
    published: PublicResults | bool = True,
    models: str | Sequence[str] | None = None,
    projection: Projection | None = None,
    confidence: float = 0.9,
    **settings: Any,
) -> Cascades:
    """Tell what every cascade of two models costs, how often it succeeds, and which is worth it.

    A cascade asks its first model. A detector checks the answer; what it rejects goes to the second
    model, whose answer is not checked.

    Parameters
    ----------
    workload : Workload
        What is sent. A task is one of its requests, or a whole conversation if it has turns. Its value
        of a solved task decides, or the values are told at which another route is better.
    detector : Detector
        How the check errs, and what it costs.
    evaluations : Evaluations, optional
        Measured success rates on this workload. Where they name the tasks, how often models solve
        and fail the same ones is known too.
    success_rates : mapping of str to number, optional
        From model id to its success rate, 0 to 1, in place of evaluations.
    rescue_rates : mapping of (str, str) to number, optional
        From (model that fails, model) to the success rate of the latter on tasks that the former
        fails; the other direction follows from it. Where neither it nor evaluations tell, success
        is between what fully dependent and what independent failures bring.
    published : PublicResults or bool
        Published results, weak evidence beside the team's own where it does not name the tasks;
        those that ship if ``True``, none if ``False``.
    models : str or sequence of str, optional
        Model ids; all of the projection, or of the catalog but the retired ones, if not given.
    projection : Projection, optional
        A result for the same workload, if it is at hand; otherwise a year is projected.
    confidence : float
        Of the intervals that evaluations give, above 0 and below 1.
    **settings
        Passed to :func:`project`: ``months``, ``start``, ``as_of``, ``seed``, ``n_paths``,
        ``catalog``.

    Returns
    -------
    Cascades
        Each model alone, and each two in both orders.

    Raises
    ------
    EvaluationError
        If success rates are not known, come from two places or are out of their bounds, or a rescue
        rate contradicts them.
    SettingError
        If a setting is out of its bounds, there is not one workload, or no model takes part.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.

    Notes
    -----
    The cost of a task on a model is that of `cost_per_success`: what its items cost where that is
    given, else expected spend / expected tasks over the months of the projection, so that prices which
    change count by their traffic.
    Everything else is summed over which of the models would solve a task, in exact fractions.

    Intervals hold what the trials and the paths leave open, from one tail to the other. The
    posterior of a pattern's share is a Dirichlet distribution where tasks are named, else each rate
    has the law of `SuccessRate`, and rescue rates stay as they are given. Rates that are given have no
    interval. At 90% they hold the true number in 88 to 92% of cases, averaged over rates, where
    tasks are named. Where nothing tells how often models fail together, they reach from the lower end
    under full dependence to the upper end under independence, and hold it more often.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> chat = kp.load_workloads()[0]  # of the shipped example
    >>> routes = cascades(chat, detector=kp.choose.Detector(false_accept=0.1, false_reject=0.05),
    ...     success_rates={"kimi-k2": 0.6, "kimi-k2-5": 0.9}, months=1, start="2027-01",
    ...     as_of="2026-11-28", n_paths=200)
    >>> round(float(routes.frame["success_rate"].max()), 3)
    0.9
    """
    check_confidence(confidence)
    workload, asked, projection = basis_of_one(workload, models, projection, settings)
    able, unable, conditions = able_models(workload, asked, projection)
    rates, laws = _rates(workload, asked, evaluations, published, success_rates, projection)
    specs = [spec for spec in able if spec.id in rates]
    where = f"no success rate {_source(evaluations)}"
    exclusions = unable + [
        Exclusion(workload=workload.name, model=spec.id, reasons=(where,))
        for spec in able
        if spec.id not in rates
    ]
    if not specs:
        reasons = "; ".join(f"{one.model}: {', '.join(one.reasons)}" for one in exclusions)
        raise SettingError(
            f"No model can take part for workload {shown(workload.name)}: {reasons}."
        )
    if len(specs) > MOST_MODELS:
        raise SettingError(
            f"{len(specs)} models have more cascades than anybody reads. Name at most {MOST_MODELS}."
        )
    rates = {spec.id: rates[spec.id] for spec in specs}
    laws = {model: laws[model] for model in rates if model in laws}
    together = _together(rates, laws, rescue_rates, projection.catalog)
    tried = [Tried(workload, spec, laws[spec.id], projection) for spec in specs if laws]
    costs = {spec.id: task_cost(workload, spec, projection) for spec in specs}
    costs |= {one.spec.id: _measured(one) for one in tried if one.item_usd}
    intervals = {}
    if laws:
        intervals = Uncertain(
            together=together,
            laws=together.laws if isinstance(together, ByItems) else laws,
            costs={model: one.by_path for model, one in costs.items()},
            detector=detector,
            confidence=float(confidence),
            n_paths=projection.n_paths,
            stream=partial(stream, projection.seed, workload.name),
        ).routes()
    return Cascades(
        routes=_routes(workload, costs, detector, together, intervals),
        workload=workload.name,
        objective=Objective.of(workload),
        success_rates={model: float(together.rate(model)) for model in rates},
        detector=detector,
        confidence=float(confidence),
        exclusions=tuple(exclusions),
        projection=projection,
        notes=(*_notes(workload, specs, projection, evaluations, tried, together), *conditions),
    )


def _source(evaluations: Evaluations | None) -> str:
    return "among those given" if evaluations is None else "in the evaluations"


def _rates(
    workload: Workload,
    specs: Sequence[ModelSpec],
    evaluations: Evaluations | None,
    published: PublicResults | bool,
    given: Mapping[str, Rate] | None,
    projection: Projection,
) -> tuple[dict[str, Fraction], dict[str, SuccessRate]]:
    """Return the success rates of models that have one, and what own trials tell of them."""
    laws: dict[str, SuccessRate] = {}
    if given is None and evaluations is None:
        raise EvaluationError(
            f"No success rates for {shown(workload.name)}. Give evaluations, or success_rates such as "
            f"{{{specs[0].id!r}: 0.7}}: the ratings of a catalog cannot tell how often a model succeeds."
        )
    if given is None and evaluations is not None:
        check_names(evaluations, projection)
        every = list(projection.catalog)  # which tell how hard the tasks are
        found = known_laws(workload.name, every, evaluations, public_results(published))
        laws = {spec.id: found[spec.id] for spec in specs if found[spec.id].trials is not None}
        rates = {model: law.exact_mean for model, law in laws.items()}
    elif evaluations is not None:
        raise EvaluationError(
            "evaluations and success_rates are both given. Leave out one of them."
        )
    elif not isinstance(given, Mapping):
        raise EvaluationError(
            f"success_rates is {shown(given)}. Give a mapping from model to share."
        )
    else:
        shares = {
            projection.catalog.model(model).id: exact_share(f"success_rates, {model}", value)
            for model, value in given.items()
        }
        rates = {spec.id: shares[spec.id] for spec in specs if spec.id in shares}
    if not rates:
        raise EvaluationError(
            f"No success rate {_source(evaluations)} for workload {shown(workload.name)} on any of "
            f"{', '.join(spec.id for spec in specs)}. It is not known how often they succeed."
        )
    return rates, laws


def _measured(tried: Tried) -> TaskCost:
    """Return what a task costs by its items, and how far their mean may be off."""
    names = (tried.workload.name, tried.spec.id, "costs of items")
    by_path = stream(tried.plan.seed, *names).permutation(tried.draws[1])
    return TaskCost(usd=tried.task.usd, by_path=by_path)


def _together(
    rates: Mapping[str, Fraction],
    laws: Mapping[str, SuccessRate],
    rescue_rates: Mapping[tuple[str, str], Rate] | None,
    catalog: Catalog,
) -> ByItems | ByPairs:
    """Return what is known of tasks that models share: given rates first, then named tasks."""
    items = {model: law.trials.items for model, law in laws.items() if law.trials is not None}
    if rescue_rates is None and items and all(items.values()):
        found = ByItems(items)
        if found.names:
            return found
    return ByPairs(rates, rescue_rates, catalog.ids)


def _routes(
    workload: Workload,
    tasks: Mapping[str, TaskCost],
    detector: Detector,
    together: ByItems | ByPairs,
    intervals: Mapping[tuple[str, ...], Intervals],
) -> tuple[Route, ...]:
    calls = workload.resolve().sizes.calls
    costs = {
        model: Fraction(one.usd) if one.exact_usd is None else one.exact_usd
        for model, one in tasks.items()
    }
    joints: dict[tuple[str, ...], tuple[Joint[Fraction], ...]] = {
        (model,): (Joint.alone(together.rate(model)),) for model in costs
    }
    joints |= {pair: together.joints(*pair) for pair in permutations(costs, 2)}

    def passage(models: tuple[str, ...], joint: Joint[Fraction]) -> Passage[Fraction]:
        return follow(joint, [costs[model] for model in models], detector)

    found = {models: passage(models, Joint.between(ends)) for models, ends in joints.items()}
    best = non_dominated(
        [one.cost for one in found.values()], [one.success for one in found.values()]
    )
    routes = []
    for (models, one), kept in zip(found.items(), best, strict=True):
        ends = joints[models]
        success = [float(passage(models, end).success) for end in ends]
        routes.append(
            Route(
                models=models,
                passage=one,
                success_if=(success[0], success[-1]) if len(ends) > 1 else None,
                calls=float(calls * (1 + one.escalated)),
                on_frontier=kept,
                intervals=intervals.get(models),
            )
        )
    return tuple(routes)


def _notes(
    workload: Workload,
    specs: Sequence[ModelSpec],
    projection: Projection,
    evaluations: Evaluations | None,
    tried: Sequence[Tried],
    together: ByItems | ByPairs,
) -> Iterator[Note]:
    """Yield what the comparison assumes, one sentence each."""
    if evaluations is None:
        yield note("rates_given")
    else:
        yield note("rates_measured", source=evaluations.source)
        yield from check_names(evaluations, projection)
        items = max(one.rate.public_items for one in tried)
        if items and isinstance(together, ByPairs):
            yield note("rates_published", items=items)
    if isinstance(together, ByItems):
        left = f" {together.left_out:,} others are left out." if together.left_out else ""
        yield note("same_tasks", tasks=len(together.names), left=left)
    elif together.rescue:
        yield note("rescue_rates", pairs=[f"{b} after {a}" for a, b in together.rescue])
    if isinstance(together, ByPairs) and not all(
        together.knows(*pair) for pair in combinations(together.rates, 2)
    ):
        yield note("unknown_dependence", share=float(DEPENDENCE))
    yield note("detector")
    first, last = projection.months[0], projection.months[-1]
    yield note("task_cost", span=f"{first}" if first == last else f"{first} to {last}")
    measured = {one.spec.id: one.notes() for one in tried if one.item_usd}
    planned = [spec for spec in specs if spec.id not in measured]
    yield from token_notes(workload, planned)
    yield from overflow_notes(workload, planned)
    yield from dict.fromkeys(said for notes in measured.values() for said in notes)
    if measured:
        yield note("mean_of_items", models=list(measured))
    turns = workload.given("turns")
    if turns is not None and turns.mean > 1:
        yield note("conversations")
