"""What a projection or a context fit is asked about: workloads, models and seed, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.errors import SettingError, day_of, is_number, restated, shown, whole
from kimi_planner.workload.fields import looks
from kimi_planner.workload.load import load_workloads
from kimi_planner.workload.model import Workload

#: Workloads as a caller gives them: one, several, or the path of a workload file.
Workloads: TypeAlias = Workload | Iterable[Workload] | str | PathLike[str]

_ADVICE = "Give Workload objects or the path of a workload file."


def chosen_workloads(workloads: Workloads) -> tuple[Workload, ...]:
    """Return the workloads as a tuple.

    Raises
    ------
    SettingError
        If there is none, two share a name, or one is something else.
    WorkloadError
        If a file is named that cannot be read or breaks a rule.
    """
    if isinstance(workloads, Workload):
        workloads = (workloads,)
    elif isinstance(workloads, str | PathLike):
        workloads = load_workloads(Path(workloads))
    elif hasattr(workloads, "columns"):  # a table has no workloads, but may be a log of one
        raise SettingError(
            f"workloads is a {type(workloads).__name__}. {_ADVICE} A usage log becomes one by "
            "Workload.from_usage(table); columns of token counts go into "
            "Workload(prompt_tokens=table[...], ...)."
        )
    if not isinstance(workloads, Iterable) or isinstance(workloads, Mapping):
        raise SettingError(f"workloads is {shown(workloads)}. {_ADVICE}")
    chosen = tuple(workloads)
    if not chosen:
        raise SettingError("No workloads. Give at least one.")
    for workload in chosen:
        if not isinstance(workload, Workload):
            raise SettingError(f"{shown(workload)} is no workload. {_ADVICE}")
    names = [workload.name for workload in chosen]
    if len({looks(name) for name in names}) < len(names):
        raise SettingError(
            f"Two workloads have one name: {', '.join(names)}. Names must be unique, and look so."
        )
    return chosen


def chosen_models(
    catalog: Catalog, models: str | Sequence[str] | None, day: date | None = None
) -> tuple[ModelSpec, ...]:
    """Return the models, all of the catalog if none is named, but for those retired by a day.

    Raises
    ------
    SettingError
        If ``models`` is empty.
    UnknownModelError
        If the catalog has no such model.
    """
    specs = catalog.select(models)
    if models is None and day is not None:
        specs = tuple(spec for spec in specs if not spec.is_retired(day))
    if not specs:
        raise SettingError("No models. Name at least one, or leave models out for all.")
    return specs


def with_pinned(
    catalog: Catalog, specs: tuple[ModelSpec, ...], workloads: Iterable[Workload]
) -> tuple[ModelSpec, ...]:
    """Return models with those that workloads are pinned to after them, each once.

    Raises
    ------
    UnknownModelError
        If the catalog does not have one of these.
    """
    pinned = []
    for workload in workloads:
        if workload.model is not None:
            with restated(about=f"workload {shown(workload.name)}"):
                pinned.append(catalog.model(workload.model))
    return tuple({spec.id: spec for spec in (*specs, *pinned)}.values())


def check_seed(seed: object) -> None:
    """Raise SettingError unless ``seed`` is a whole number from 0."""
    whole("seed", seed, fault=SettingError)


def check_between(name: str, value: object, high: float, low: float = 0) -> None:
    """Raise SettingError unless it is a number from ``low`` to ``high``."""
    if not is_number(value) or not low <= value <= high:
        raise SettingError(f"{name} is {shown(value)}. It must lie between {low} and {high}.")


def check_price_changes(catalog: Catalog, workloads: Iterable[Workload]) -> None:
    """Raise UnknownModelError if a price change names a model that the catalog does not have."""
    for workload in workloads:
        for change in workload.dated_price_changes:
            if change.model is not None:
                catalog.model(change.model)


def chosen_day(as_of: object) -> date:
    """Return the day a plan is made on, today if not given.

    Raises
    ------
    SettingError
        If ``as_of`` is no day.
    """
    if as_of is None:
        return date.today()  # noqa: DTZ011 - a plan is made on the planner's own day
    return day_of("as_of", as_of, fault=SettingError)
