"""What a choice rests on: workloads, models and a projection, and which models can serve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kimi_planner.calls.fit import ContextFit, context_fit
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.choice import Exclusion, Obstacle
from kimi_planner.choose.evaluations.rates import check_evaluations, check_names
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.given import projection_given
from kimi_planner.choose.reasons import Rules
from kimi_planner.choose.requirements import Requirements
from kimi_planner.errors import SettingError
from kimi_planner.notes import Note, note
from kimi_planner.plan.projection import Projection
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads, chosen_workloads


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A result at the prices and on the paths of a projection.

    Attributes
    ----------
    projection
        The projection it rests on.
    notes
        What the numbers do not cover.
    """

    projection: Projection
    notes: tuple[Note, ...] = ()

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.projection.currency

    @property
    def provenance(self) -> str:
        """What the result rests on, in one line."""
        return self.projection.provenance


def basis(
    workloads: Workloads,
    models: str | Sequence[str] | None,
    projection: Projection | None,
    settings: dict[str, Any],
    *,
    months: int = 1,
) -> tuple[tuple[Workload, ...], tuple[ModelSpec, ...], Projection]:
    """Return the workloads, the models asked for, and the projection they are in.

    Without a projection, so many months are projected if the settings name no other number.

    Raises
    ------
    SettingError
        If a given projection lacks a workload or a model, or stands beside settings of its own.
    """
    chosen = chosen_workloads(workloads)
    plan = projection_given(chosen, projection, settings, models=models, months=months)
    if projection is None or models is None:
        return chosen, plan.specs, plan
    named = (models,) if isinstance(models, str) else models
    if not named:
        raise SettingError("No models. Name at least one, or leave models out for all.")
    for name in named:
        plan.of(name, chosen[0].name)  # refuses one that it does not hold
    held = {spec.id: spec for spec in plan.specs}
    return chosen, tuple(held[name] for name in dict.fromkeys(named)), plan


def basis_of_one(
    workload: Workload,
    models: str | Sequence[str] | None,
    projection: Projection | None,
    settings: dict[str, Any],
) -> tuple[Workload, tuple[ModelSpec, ...], Projection]:
    """Return the same for one workload, over a year as of `project`.

    Raises
    ------
    SettingError
        If there is not one workload, or as above.
    """
    chosen = chosen_workloads(workload)
    if len(chosen) != 1:
        raise SettingError(f"{len(chosen)} workloads. Routing is chosen for one.")
    _, specs, plan = basis(chosen, models, projection, settings, months=12)
    return chosen[0], specs, plan


def rules_given(
    workloads: Sequence[Workload],
    requirements: Requirements | None,
    evaluations: Evaluations | None,
    projection: Projection | None,
    fit: ContextFit | None,
    settings: Mapping[str, Any],
) -> Rules:
    """Return the rules of a choice, from what is given, checked, and what is made where it is not.

    Raises
    ------
    SettingError, EvaluationError, UnknownModelError
        If something is not what it must be, or does not go with the rest.
    """
    requirements = Requirements() if requirements is None else requirements
    if evaluations is not None:
        check_evaluations(evaluations)
    elif requirements.min_success_rate is not None:
        raise SettingError("min_success_rate needs evaluations. Give them, or leave it out.")
    plan = projection_given(workloads, projection, settings)
    unused = () if evaluations is None else check_names(evaluations, plan)
    if fit is None:
        fit = context_fit(workloads, plan.models, seed=plan.seed, catalog=plan.catalog)
    return Rules(
        requirements=requirements, projection=plan, fit=fit, evaluations=evaluations, unused=unused
    )


def able_models(
    workload: Workload, specs: Sequence[ModelSpec], projection: Projection
) -> tuple[list[ModelSpec], list[Exclusion], tuple[Note, ...]]:
    """Return the models that can serve a workload, the others with every reason, and conditions.

    The rules are those of :func:`recommend`: capabilities, where what the catalog does not state
    rules nothing out, context window, empty answers, and models that are gone.
    """
    ids = [spec.id for spec in specs]
    fit = context_fit(workload, ids, seed=projection.seed, catalog=projection.catalog)
    able, unable = Rules(requirements=Requirements(), projection=projection, fit=fit).sort_out(
        workload, specs
    )
    return (
        [spec for spec in specs if spec.id in able],
        unable,
        tuple(_conditional_notes(workload.name, able)),
    )


def _conditional_notes(workload: str, able: Mapping[str, Iterable[Obstacle]]) -> Iterator[Note]:
    """Yield on what models qualify for a workload, those on the same together."""
    models: dict[str, list[str]] = {}
    for model, obstacles in able.items():
        models.setdefault(" and ".join(one.words for one in obstacles), []).append(model)
    for conditions, ids in models.items():
        if conditions:
            yield note("conditional", conditions=conditions, models=ids, workloads=workload)
