"""What was planned: a projection, or the file that ``kimi-planner plan`` printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import (
    FileError,
    KimiPlannerError,
    ScenarioError,
    Where,
    did_you_mean,
    shown,
)
from kimi_planner.files import read_text
from kimi_planner.money import exact_decimal
from kimi_planner.notes import Note, note
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.causes import Calls
from kimi_planner.safe import as_written

__all__ = ["Choice", "Plan", "PlannedMonth", "plan_of"]

#: One model for every workload, or workload to model.
Choice = str | Mapping[str, str]

MAX_PLAN_BYTES = 500_000_000
_COUNTS = {
    "requests": "requests",
    "prompt": "prompt_tokens",
    "cached": "cached_tokens",
    "completion": "completion_tokens",
    "reasoning": "reasoning_tokens",
}
_NEEDED = ("workload", "model", "month", *_COUNTS.values(), "mean_usd", "exact_usd")


@dataclass(frozen=True, kw_only=True)
class PlannedMonth:
    """A workload on one model in one month.

    Attributes
    ----------
    calls
        Expected totals.
    usd
        The exact bill, or the mean over scenarios where something is uncertain.
    """

    calls: Calls
    usd: Fraction


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan, read.

    Attributes
    ----------
    rows
        From (workload, model, month) to what was planned.
    models
        Workload to the model that was chosen for it.
    catalog
        Whose prices it was made with.
    source
        Where it was read from.
    notes
        What the reader must know.
    """

    rows: Mapping[tuple[str, str, str], PlannedMonth]
    models: Mapping[str, str]
    catalog: Catalog
    source: str
    notes: tuple[Note, ...] = ()

    @property
    def months(self) -> list[str]:
        """The months of the plan, in their order."""
        return sorted({month for _, _, month in self.rows})


def plan_of(
    planned: Projection | str | Path, choice: Choice | None, catalog: Catalog | str | Path | None
) -> Plan:
    """Read a plan.

    Parameters
    ----------
    planned : Projection or path
        What :func:`project` returns, or a file of ``plan --format json`` or ``--format csv``.
    choice : str or mapping of str to str, optional
        The model of each workload; the recommended one of a JSON plan if not given.
    catalog : Catalog, str or Path, optional
        Whose prices the plan was made with, where the plan does not say or it is not at hand.

    Raises
    ------
    FileError
        If the file cannot be read or is not a plan.
    CatalogError
        If the catalog of the plan is not at hand, or is not the one it was made with.
    ScenarioError
        If it is not told on which model a workload was planned.
    """
    if isinstance(planned, Projection):
        frame = planned.frame
        rows: list[dict[str, Any]] = [
            {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
        ]
        found = planned.catalog if catalog is None else load_catalog(catalog)
        codes = [one.code for one in planned.notes]
        return _plan(rows, "projection", choice, {}, found, _price_notes("projection", codes))
    if not isinstance(planned, str | Path):
        raise ScenarioError(
            f"planned is {shown(planned)}. Give a Projection, or the path of a plan."
        )
    text = read_text(planned, limit=MAX_PLAN_BYTES)
    source = str(planned)
    if not text.lstrip().startswith("{"):
        cells = csv.DictReader(io.StringIO(text, newline=""))
        rows = [{key: _as_written(cell) for key, cell in row.items()} for row in cells]
        found = load_catalog(catalog)
        notes = _price_notes(source, None)
        if catalog is None:
            notes += (note("plan_catalog_unknown", source=source, catalog=found.version),)
        return _plan(rows, source, choice, {}, found, notes)
    try:
        data = json.loads(text, parse_float=Decimal)
        rows, recommended = data["spend"], data.get("recommended") or {}
        version, sha256 = data["catalog"]["version"], data["catalog"]["sha256"]
        notes = _price_notes(source, data.get("note_codes"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            f"not a plan ({type(error).__name__}: {error}). Write one with: kimi-planner plan "
            "--format json.",
            at=source,
        ) from None
    found = _catalog_of(source, version, sha256, catalog)
    return _plan(rows, source, choice, recommended, found, notes)


def _price_notes(source: str, codes: Collection[str] | None) -> tuple[Note, ...]:
    """Say whether a plan changes prices on the way, by the codes of its notes, or may do so."""
    if codes is None:
        return (note("plan_prices_unknown", source=source),)
    return (note("plan_changes_prices"),) if "prices_change" in codes else ()


def _as_written(cell: Any) -> Any:
    return as_written(cell) if isinstance(cell, str) else cell  # None where a line is too short


def _catalog_of(
    source: str, version: Any, sha256: Any, given: Catalog | str | Path | None
) -> Catalog:
    if given is not None:
        return load_catalog(given)
    remedy = "Name its file as the catalog of the plan."
    try:
        found = load_catalog(str(version))
    except KimiPlannerError as error:
        raise type(error)(f"{source} was made with catalog {version}: {error} {remedy}") from None
    if found.sha256 != sha256:
        raise FileError(
            f"{source} was made with another file of catalog {version} (sha256 {shown(sha256)}, here "
            f"{found.sha256[:12]}…). {remedy}"
        )
    return found


def _plan(
    rows: Iterable[Any],
    source: str,
    choice: Choice | None,
    recommended: Mapping[str, str],
    catalog: Catalog,
    notes: tuple[Note, ...],
) -> Plan:
    months = {}
    for number, row in enumerate(rows, 1):
        where = Where(source, number, "row")
        if not isinstance(row, dict) or not set(_NEEDED) <= set(row):
            missing = [name for name in _NEEDED if not isinstance(row, dict) or name not in row]
            raise FileError(
                f"not a plan ({', '.join(missing)} missing). Write one with: kimi-planner plan --format "
                "json.",
                at=where,
            )
        key = (str(row["workload"]), str(row["model"]), str(row["month"]))
        months[key] = _month(row, where)
    if not months:
        raise FileError("the plan has no rows.", at=source)
    names = list(dict.fromkeys(workload for workload, _, _ in months))
    models = list(dict.fromkeys(model for _, model, _ in months))
    return Plan(
        rows=months,
        models={name: _chosen(name, names, models, choice, recommended) for name in names},
        catalog=catalog,
        source=source,
        notes=notes,
    )


def _chosen(
    name: str,
    names: list[str],
    models: list[str],
    choice: Choice | None,
    recommended: Mapping[str, str],
) -> str:
    """Return the model on which a workload was planned."""
    given = {} if choice is None else choice
    if isinstance(given, str):
        model: str | None = given
    else:
        for other in given:
            if other not in names:
                raise ScenarioError(
                    f"The plan has no workload {shown(other)}.{did_you_mean(str(other), names)} It has "
                    f"{', '.join(names)}."
                )
        model = given.get(name, recommended.get(name))
    if model is None and len(models) == 1:
        model = models[0]
    if model is None:
        raise ScenarioError(
            f"The plan has workload {shown(name)} on {', '.join(models)}. Say which of them it was "
            "planned for."
        )
    if model not in models:
        raise ScenarioError(
            f"The plan has no model {shown(model)}.{did_you_mean(str(model), models)} It has "
            f"{', '.join(models)}."
        )
    return model


def _month(row: Mapping[str, Any], where: str) -> PlannedMonth:
    def number(name: str) -> Fraction:
        value = row[name]
        try:
            found = exact_decimal(value)
        except ValueError as error:
            raise FileError(f"{name}: {error}.", at=where) from None
        if found < 0:
            raise FileError(f"{name} is {shown(value)}. It cannot be negative.", at=where)
        return Fraction(found)

    exact = row["exact_usd"]
    is_exact = isinstance(exact, Decimal | str) and exact != ""
    return PlannedMonth(
        calls=Calls(**{field: number(name) for field, name in _COUNTS.items()}),
        usd=number("exact_usd" if is_exact else "mean_usd"),
    )
