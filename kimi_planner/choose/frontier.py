"""Which choices cost less without doing worse: the non-dominated ones, and the models among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.choose.basis import Planned, able_models
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.evaluations.public import PublicResults, public_results
from kimi_planner.choose.evaluations.rates import check_names, success_rates
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.notes import note, noted
from kimi_planner.plan.projection import Projection
from kimi_planner.rich import Page, Shown


def non_dominated(costs: Sequence[Any], qualities: Sequence[Any]) -> tuple[bool, ...]:
    """Tell which points no other point beats.

    Parameters
    ----------
    costs, qualities : sequence of numbers of one kind
        Less cost is better, more quality is better; fractions and decimals are compared exactly.

    Returns
    -------
    tuple of bool
        Whether no other point costs at most as much and is at least as good, one of them strictly.
        Equal points do not beat each other.

    Examples
    --------
    >>> non_dominated([1, 2, 3], [0.5, 0.4, 0.9])
    (True, False, True)
    """
    points = list(zip(costs, qualities, strict=True))
    kept = set()
    best: Any = None  # highest quality among points that cost less
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if best is None or quality > best:
            kept.add((cost, quality))
            best = quality
    return tuple(point in kept for point in points)


@dataclass(frozen=True, kw_only=True)
class ModelQuality:
    """What one model costs, and how good it is.

    Attributes
    ----------
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over paths.
    quality
        Success rate, from 0 to 1; ``None`` if it is not known.
    qualifies
        Whether the model can serve the workload: capabilities, context window, not gone.
    on_frontier
        Whether no other model that qualifies has at most its P50 and at least its quality, and is
        better in one of them. Never for a model that does not qualify or whose quality is not known.
    """

    model: str
    p10_usd_per_month: float
    p50_usd_per_month: float
    p90_usd_per_month: float
    quality: float | None
    qualifies: bool
    on_frontier: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class QualityFrontier(Shown, Planned):
    """Monthly spend of each model against its success rate.

    Attributes
    ----------
    models
        In the order of the projection.
    workload
        Name of the workload, ``None`` for all together on one model.
    exclusions
        Models that cannot serve a workload, with every reason.
    projection
        What the spend rests on.
    notes
        What the reader must know, in words.
    """

    models: tuple[ModelQuality, ...]
    workload: str | None
    exclusions: tuple[Exclusion, ...]

    @property
    def frontier(self) -> tuple[str, ...]:
        """Ids of the models on the frontier, cheapest first."""
        kept = (one for one in self.models if one.on_frontier)
        return tuple(one.model for one in sorted(kept, key=lambda one: one.p50_usd_per_month))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per model, with the fields of `ModelQuality`."""
        return pd.DataFrame(self.models).astype({"quality": np.float64})

    def page(self) -> Page:
        """Return what each model costs and how good it is."""
        best = ", ".join(self.frontier) or "none"
        return Page(
            title=f"Spend in {self.currency} per month and success rate of {self.workload or 'all workloads on one model'}; "
            f"beaten by no other: {best}",
            frame=self.frame,
            notes=self.notes,
            provenance=self.provenance,
            currency=self.currency,
        )


@public
def quality_frontier(
    projection: Projection,
    evaluations: Evaluations,
    *,
    workload: str | None = None,
    published: PublicResults | bool = True,
) -> QualityFrontier:
    """Set the monthly spend of each model against its success rate.

    Parameters
    ----------
    projection : Projection
        What `project` returned.
    evaluations : Evaluations
        Success rates that the team measured.
    workload : str, optional
        One workload; all together on one model if not given.
    published : PublicResults or bool
        Published results, weak evidence beside the team's own; those that ship if ``True``, none if
        ``False``.

    Returns
    -------
    QualityFrontier
        Spend, success rate and whether the model is on the frontier, for each model of the projection.

    Raises
    ------
    SettingError
        If there is no projection, or it has no such workload.
    EvaluationError
        If evaluations are not what :func:`read_evaluations` returns.
    UnknownModelError
        If evaluations are of a model that the catalog does not have.

    Notes
    -----
    Success is what :func:`recommend` expects of a model; one that the team did not try has none here.
    For all workloads together it is the share of tasks that succeed, the rates weighted by expected
    tasks: requests, or conversations where a workload has turns. Budgets play no part; spend is what
    the result shows.

    Examples
    --------
    >>> import kimi_planner as kp
    >>> coding = kp.load_workloads()[1]  # of the shipped example, as are the evaluations
    >>> results = kp.choose.read_evaluations()
    >>> settings = {"months": 1, "start": "2027-01", "as_of": "2026-11-28", "n_paths": 200}
    >>> plan = kp.project(coding, **settings)
    >>> frontier = quality_frontier(plan, results)
    >>> sorted(frontier.frame["model"])[0]
    'kimi-k2'
    """
    projection.budget(workload)  # refuses a workload that it does not have
    unused = check_names(evaluations, projection)
    chosen = [one for one in projection.workloads if workload in (None, one.name)]
    sorted_out = [able_models(asked, projection.specs, projection) for asked in chosen]
    exclusions = tuple(one for _, unable, _ in sorted_out for one in unable)
    excluded = {one.model for one in exclusions}
    every, public_known = list(projection.catalog), public_results(published)
    laws = [success_rates(one.name, every, evaluations, public_known) for one in chosen]
    first = projection.models[0]  # there are as many tasks on every one
    tasks = [float(sum(projection.of(first, one.name).conversations)) for one in chosen]
    tasks = tasks if len(tasks) > 1 else [1.0]
    rates: dict[str, float | None] = dict.fromkeys(projection.models)
    for model in rates:
        own = [law[model] for law in laws]
        if sum(tasks) and all(one.trials is not None for one in own):
            rates[model] = float(np.average([float(one.exact_mean) for one in own], weights=tasks))
    tried = [law[model] for law in laws for model in rates if law[model].trials is not None]
    items = max((law.public_items for law in tried), default=0)
    spends = {
        model: projection.average_month((0.1, 0.5, 0.9), model, workload).tolist()
        for model in projection.models
    }
    ranked = [model for model in rates if model not in excluded and rates[model] is not None]
    best = non_dominated([spends[model][1] for model in ranked], [rates[model] for model in ranked])
    frontier = set(compress(ranked, best))
    untried = [model for model, rate in rates.items() if rate is None]
    return QualityFrontier(
        models=tuple(
            ModelQuality(
                model=model,
                p10_usd_per_month=p10,
                p50_usd_per_month=p50,
                p90_usd_per_month=p90,
                quality=rates[model],
                qualifies=model not in excluded,
                on_frontier=model in frontier,
            )
            for model, (p10, p50, p90) in spends.items()
        ),
        workload=workload,
        exclusions=exclusions,
        projection=projection,
        notes=(
            note("quality_is_measured", source=evaluations.source),
            *unused,
            *noted("not_on_frontier", why=f"Not tried in {evaluations.source}", models=untried),
            *(
                note(
                    "not_qualified",
                    models=one.model,
                    workloads=one.workload,
                    reasons="; ".join(one.reasons),
                )
                for one in exclusions
            ),
            *([note("rates_published", items=items)] if items else ()),
            *(said for *_, conditions in sorted_out for said in conditions),
        ),
    )
