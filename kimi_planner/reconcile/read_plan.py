"""Reading a plan: a projection, an approved plan, or the file that ``kimi-planner plan`` printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.csv_file import CsvTable
from kimi_planner.errors import FileError, SettingError, Where, shown, unknown
from kimi_planner.files import read_text
from kimi_planner.json_text import loaded
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.money import exact_decimal, usd
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.booking import Booking, booked
from kimi_planner.plan.plan_file import catalog_of, read_plan
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.planned import REMEDY, TOKENS, Plan
from kimi_planner.reconcile.rows import FORMAT, plan_rows
from kimi_planner.safe import as_written, on_one_line
from kimi_planner.workload.fields import MAX_NAME_CHARS

#: One model for every workload, or workload to model.
Choice = str | Mapping[str, str]

_NEEDED = ("workload", "model", "month", "requests", *TOKENS, "mean_usd", "exact_usd")
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])", re.ASCII)


def plan_of(
    planned: Projection | Plan | str | Path,
    choice: Choice | None,
    catalog: Catalog | str | Path | None,
    at_hand: Catalog | None = None,
) -> Plan:
    """Read a plan.

    Parameters
    ----------
    planned : Projection or path
        What :func:`project` returns, an approved plan, or a file of ``plan --format json`` or
        ``--format csv``. One that was read already is returned.
    choice : str or mapping of str to str, optional
        The model of each workload; that of an approved plan, or the recommended one of a JSON plan, if
        not given.
    catalog : Catalog, str or Path, optional
        Whose prices the plan was made with, where the plan does not say or it is not at hand.
    at_hand : Catalog, optional
        A catalog that is taken if it is the one the plan was made with.

    Raises
    ------
    FileError
        If the file cannot be read or is not a plan.
    CatalogError
        If the catalog of the plan is not at hand, or is not the one it was made with.
    SettingError
        If it is not told on which model a workload was planned.
    """
    if isinstance(planned, Plan):
        return planned
    if isinstance(planned, Projection):
        prices = planned.catalog if catalog is None else load_catalog(catalog)
        data = {"spend": plan_rows(planned)}
        return _booked(_plan(data, "this plan", choice, prices), planned)
    if not isinstance(planned, str | Path):
        raise SettingError(
            f"planned is {shown(planned)}. Give a Projection, or the path of a plan."
        )
    if Path(planned).suffix == ".toml":
        return _approved(planned, choice, catalog, at_hand)
    text = read_text(planned, limit=TEXT_BYTES)
    source = str(planned)
    if not text.lstrip().startswith("{"):
        table = CsvTable(text, source)
        rows = [{key: as_written(cell) for key, cell in row.items()} for _, row in table]
        plan = _plan({"spend": rows}, source, choice, load_catalog(catalog))
        if catalog is not None:
            return plan
        taken = note("plan_catalog_unknown", source=source, catalog=plan.catalog.version)
        return replace(plan, notes=(taken, *plan.notes))
    with _understood(source):
        data = loaded(text)
        data |= {"spend": list(data["spend"]), "recommended": dict(data.get("recommended") or {})}
        data["together"] = [
            dict(row) | {"month": str(row["month"])} for row in data.get("together") or ()
        ]
        version, sha256 = data["catalog"]["version"], data["catalog"]["sha256"]
        if data.get("format", FORMAT) != FORMAT:
            raise ValueError(f"form {shown(data['format'])}, known is {FORMAT}")
    if catalog is None and at_hand is not None and at_hand.sha256 == sha256:
        catalog = at_hand
    prices = catalog_of(source, version, sha256, catalog)
    return _plan(data, source, choice, prices)


def prices_beside(
    plan: Plan, catalog: Catalog | str | Path | None, as_of: date | None = None
) -> Catalog:
    """Return the catalog of what happened: the given one, else the default, or the plan's where that lacks its models."""
    prices = load_catalog(catalog, as_of=as_of)
    if catalog is None and not set(plan.models.values()) <= set(prices.ids):
        return load_catalog(plan.catalog, as_of=as_of)
    return prices


@contextmanager
def _understood(source: str) -> Iterator[None]:
    """Say of what a file holds that it is no plan."""
    try:
        yield
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"not a plan ({type(error).__name__}: {error}). {REMEDY}"
        raise FileError(reason, at=source) from None


def _booked(plan: Plan, projection: Projection) -> Plan:
    """Return a plan with what is booked of its projection."""
    number = booked(projection, plan.models)
    cells = {} if number.booking.is_expected else number.cells
    stated = {name: getattr(projection, name) for name in ("as_of", "months", "seed", "n_paths")}
    catalog = {name: getattr(projection.catalog, name) for name in ("version", "sha256")}
    basis = _basis({**stated, "catalog": catalog}, projection.booking)
    return replace(plan, projection=projection, booked=cells, basis=basis)


def _basis(stated: Mapping[str, Any], booking: Booking) -> dict[str, str]:
    """Return in words what a plan rests on; of a file that somebody wrote, no longer than names are."""
    catalog, months = stated["catalog"], stated["months"]
    basis = {
        "Catalog": f"{catalog['version']} ({str(catalog['sha256'])[:12]})",
        "As of": stated["as_of"],
        "Months": " to ".join(dict.fromkeys(map(str, (months[0], months[-1])))),
        "Seed": stated["seed"],
        "Paths": stated["n_paths"],
        "Booked": booking.words,
    }
    return {name: on_one_line(str(words), MAX_NAME_CHARS) for name, words in basis.items()}


def _approved(
    path: str | Path,
    choice: Choice | None,
    catalog: Catalog | str | Path | None,
    at_hand: Catalog | None,
) -> Plan:
    """Read an approved plan, planned again."""
    file = read_plan(path)
    if catalog is None and at_hand and file.approved and at_hand.sha256 == file.approved.sha256:
        catalog = at_hand
    projection = file.planned(catalog)
    data = {"spend": plan_rows(projection), "recommended": file.models}
    plan = _booked(_plan(data, str(path), choice, projection.catalog), projection)
    record = file.approved
    now = booked(projection, plan.models).usd
    if record is None or plan.models != file.models or usd(now) == usd(record.usd):
        return plan
    differs = note(
        "approved_differs",
        source=str(path),
        approved=f"{usd(record.usd)} {projection.currency}",
        version=record.kimi_planner,
        now=usd(now),
    )
    return replace(plan, notes=(differs, *plan.notes))


def _plan(data: Mapping[str, Any], source: str, choice: Choice | None, catalog: Catalog) -> Plan:
    rows = {}
    for number, row in enumerate(data["spend"], 1):
        where = Where(source, number, "row")
        missing = [name for name in _NEEDED if not isinstance(row, dict) or name not in row]
        if missing:
            raise FileError(f"not a plan ({', '.join(missing)} missing). {REMEDY}", at=where)
        if not _MONTH.fullmatch(str(row["month"])):
            raise FileError(
                f"month is {shown(row['month'])}. A month is written 2026-12; a spreadsheet makes Dec-26 of "
                "it, unless the column is text.",
                at=where,
            )
        key = str(row["workload"]), str(row["model"]), str(row["month"])
        if key in rows:
            raise FileError(f"a second row of {', '.join(map(shown, key))}. Keep one.", at=where)
        rows[key] = {**row, "where": where}
    if not rows:
        raise FileError("the plan has no rows.", at=source)
    names = list(dict.fromkeys(workload for workload, _, _ in rows))
    models = list(dict.fromkeys(model for _, model, _ in rows))
    recommended = data.get("recommended", {})
    chosen = _chosen(names, models, choice, recommended)
    stated = all("usage" in row for row in rows.values())
    notes: tuple[Note, ...] = () if stated else (note("no_meters", source=source),)
    undecided = [name for name in names if name not in chosen]
    notes += tuple(noted("no_planned_model", workloads=undecided))
    bookable, basis = _stated(data, source)
    if bookable and chosen != recommended:
        bookable, notes = {}, (note("other_models_booked", source=source), *notes)
    return Plan(
        rows=rows,
        models=chosen,
        catalog=catalog,
        source=source,
        together=tuple(data.get("together", ())) if chosen == recommended else (),
        booked=bookable,
        basis=basis,
        notes=notes,
    )


def _stated(
    data: Mapping[str, Any], source: str
) -> tuple[dict[tuple[str, str], Decimal], dict[str, str]]:
    """Return what a JSON plan books of each workload and month, and what it rests on.

    Nothing is booked where that is what is expected.
    """
    if "bookable" not in data:
        return {}, {}
    with _understood(source):
        number = data["bookable"]
        booking = Booking(book=number["book"], contingency_percent=number["contingency_percent"])
        parts = {
            (str(row["workload"]), str(row["month"])): exact_decimal(row["usd"])
            for row in number["parts"]
        }
        basis = _basis(data, booking)
    return {} if booking.is_expected else parts, basis


def _chosen(
    names: list[str],
    models: list[str],
    choice: Choice | None,
    recommended: Mapping[str, str],
) -> dict[str, str]:
    """Return the model on which each workload was planned."""
    given = dict.fromkeys(names, choice) if isinstance(choice, str) else choice or {}
    for name in given:
        _refuse_unknown("workload", name, names)
    chosen = {}
    for name in names:
        model = {**recommended, **given}.get(name)
        if model is None and len(models) > 1 and (recommended or isinstance(choice, Mapping)):
            continue  # a plan that decided on models, on none for this workload
        if model is None and len(models) > 1:
            raise SettingError(
                f"The plan has workload {shown(name)} on {', '.join(models)}. Say which of them it "
                "was planned for."
            )
        chosen[name] = models[0] if model is None else model
        _refuse_unknown("model", chosen[name], models)
    return chosen


def _refuse_unknown(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise SettingError(unknown(f"The plan has no {what}", name, known, "It has"))
