"""What was planned: a projection, or the file that ``kimi-planner plan`` printed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import FEE, METERS, ByMeter, Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import (
    FileError,
    PriceNotFoundError,
    ScenarioError,
    Where,
    did_you_mean,
    shown,
)
from kimi_planner.files import read_text
from kimi_planner.json_text import loaded
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.money import exact_decimal, usd
from kimi_planner.notes import Note, note, noted
from kimi_planner.plan.booking import EXPECTED, Booking, booked
from kimi_planner.plan.plan_file import catalog_of, read_plan
from kimi_planner.plan.projection import Projection
from kimi_planner.reconcile.actual import days_of
from kimi_planner.reconcile.billed import NOTHING, Billed, mean_tariff
from kimi_planner.reconcile.rows import FORMAT, plan_rows
from kimi_planner.safe import as_written, on_one_line
from kimi_planner.workload.fields import MAX_NAME_CHARS

__all__ = ["Choice", "Plan", "Range", "plan_of"]

#: One model for every workload, or workload to model.
Choice = str | Mapping[str, str]
#: The 10th and the 90th percentile of spend over paths, USD.
Range = tuple[float, float]

ROUNDING_USD = Fraction(1, 10**6)  # of amounts in a file
_TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_NEEDED = ("workload", "model", "month", "requests", *_TOKENS, "mean_usd", "exact_usd")
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])", re.ASCII)
_REMEDY = "Write one with: kimi-planner plan --format json."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan, read.

    Attributes
    ----------
    rows
        From (workload, model, month) to what was planned, as `plan_rows` has it.
    models
        Workload to the model that was chosen for it.
    catalog
        Whose prices it was made with.
    source
        Where it was read from.
    together
        Rows of all workloads on these models, as `together_rows` has them; empty if not stated.
    projection
        What it was read from, if that was one.
    booked
        From (workload, month) to what of the bookable number falls to it, USD; empty where that is
        what is expected.
    basis
        What it rests on, in words by name, as far as the file states it.
    notes
        What the reader must know.
    """

    rows: Mapping[tuple[str, str, str], Mapping[str, Any]]
    models: Mapping[str, str]
    catalog: Catalog
    source: str
    together: tuple[Mapping[str, Any], ...] = ()
    projection: Projection | None = None
    booked: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    basis: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def months(self) -> list[str]:
        """The months of the plan, in their order."""
        return sorted({month for _, _, month in self.rows})

    @property
    def measure(self) -> str:
        """Which number of it is held against others, in words."""
        return self.basis["Booked"] if self.booked else EXPECTED.words

    def billed(self, name: str, model: str, month: str) -> Billed:
        """Return what was planned for a workload on a model in a month.

        Raises
        ------
        FileError
            If the row is malformed.
        """
        tariff = mean_tariff(Prices(catalog=self.catalog), model, days_of(month))
        row = self.rows.get((name, model, month))
        return replace(NOTHING if row is None else _billed(row, tariff), tariff=tariff)

    def reserve(self, name: str, month: str) -> Fraction:
        """Return what is booked of a workload in a month above what is expected, USD."""
        if name not in self.models or (name, month) not in self.booked:
            return Fraction(0)
        expected: Fraction = self.billed(name, self.models[name], month).bill.total
        return Fraction(self.booked[name, month]) - expected

    def amount(self, name: str, month: str) -> Fraction:
        """Return what is booked of a workload in a month on its model, USD; nothing without one."""
        if name not in self.models:
            return Fraction(0)
        expected: Fraction = self.billed(name, self.models[name], month).bill.total
        return expected + self.reserve(name, month)

    def has_turns(self, name: str) -> bool:
        """Whether the plan states that calls of a workload are parts of conversations."""
        return any(
            row["workload"] == name and row.get("turns", 1) != 1 for row in self.rows.values()
        )

    def range_of(self, names: Collection[str], months: Mapping[str, Fraction]) -> Range | None:
        """Return the range of what was planned for workloads together.

        Parameters
        ----------
        names : collection of str
            One workload, or all.
        months : mapping of str to Fraction
            Months, with the share of each that counts.

        Returns
        -------
        tuple of float or None
            ``None`` if nothing was uncertain, or the plan does not state it: a file does for each
            month and for those from the first on, all of their days.
        """
        if self.projection is not None:
            spend = self.projection.mix({name: self.models[name] for name in names})
            shares = [float(months.get(str(month), 0)) for month in self.projection.months]
            if not spend.is_ranged:
                return None
            low, high = np.quantile(np.array(shares) @ spend.usd, (0.1, 0.9)).tolist()
        else:
            rows = self.together
            if len(names) == 1:
                [name] = names
                keys = [(name, self.models[name], month) for month in self.months]
                rows = tuple(self.rows[key] for key in keys if key in self.rows)
            until = [row for row in rows if row["month"] <= max(months)]
            counted = until[-1:] if len(months) == 1 else until
            if [row["month"] for row in counted] != sorted(months) or set(months.values()) != {1}:
                return None
            to_date = "to_date_" if len(months) > 1 else ""
            stated = [until[-1].get(f"{name}_{to_date}usd") for name in ("p10", "p90")]
            if None in stated or "" in stated:
                return None
            try:
                low, high = (float(str(one)) for one in stated)
            except ValueError:
                wrong = f"a percentile is {shown(stated)}, no numbers. {_REMEDY}"
                raise FileError(wrong, at=self.source) from None
        return None if low == high else (low, high)


def plan_of(
    planned: Projection | str | Path,
    choice: Choice | None,
    catalog: Catalog | str | Path | None,
    at_hand: Catalog | None = None,
) -> Plan:
    """Read a plan.

    Parameters
    ----------
    planned : Projection or path
        What :func:`project` returns, an approved plan, or a file of ``plan --format json`` or
        ``--format csv``.
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
    ScenarioError
        If it is not told on which model a workload was planned.
    """
    if isinstance(planned, Projection):
        prices = planned.catalog if catalog is None else load_catalog(catalog)
        data = {"spend": plan_rows(planned)}
        return _booked(_plan(data, "this plan", choice, prices), planned)
    if not isinstance(planned, str | Path):
        raise ScenarioError(
            f"planned is {shown(planned)}. Give a Projection, or the path of a plan."
        )
    if Path(planned).suffix == ".toml":
        return _approved(planned, choice, catalog, at_hand)
    text = read_text(planned, limit=TEXT_BYTES)
    source = str(planned)
    if not text.lstrip().startswith("{"):
        cells = csv.DictReader(io.StringIO(text, newline=""))
        rows = [{key: _as_written(cell) for key, cell in row.items()} for row in cells]
        plan = _plan({"spend": rows}, source, choice, load_catalog(catalog))
        if catalog is not None:
            return plan
        taken = note("plan_catalog_unknown", source=source, catalog=plan.catalog.version)
        return replace(plan, notes=(taken, *plan.notes))
    try:
        data = loaded(text)
        data |= {"spend": list(data["spend"]), "recommended": dict(data.get("recommended") or {})}
        data["together"] = [
            dict(row) | {"month": str(row["month"])} for row in data.get("together") or ()
        ]
        version, sha256 = data["catalog"]["version"], data["catalog"]["sha256"]
        if data.get("format", FORMAT) != FORMAT:
            raise ValueError(f"form {shown(data['format'])}, known is {FORMAT}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            f"not a plan ({type(error).__name__}: {error}). {_REMEDY}", at=source
        ) from None
    if catalog is None and at_hand is not None and at_hand.sha256 == sha256:
        catalog = at_hand
    prices = catalog_of(source, version, sha256, catalog)
    return _plan(data, source, choice, prices)


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
        approved=usd(record.usd),
        version=record.kimi_planner,
        now=usd(now),
    )
    return replace(plan, notes=(differs, *plan.notes))


def _as_written(cell: Any) -> Any:
    return as_written(cell) if isinstance(cell, str) else cell  # None where a line is too short


def _plan(data: Mapping[str, Any], source: str, choice: Choice | None, catalog: Catalog) -> Plan:
    rows = {}
    for number, row in enumerate(data["spend"], 1):
        where = Where(source, number, "row")
        missing = [name for name in _NEEDED if not isinstance(row, dict) or name not in row]
        if missing:
            raise FileError(f"not a plan ({', '.join(missing)} missing). {_REMEDY}", at=where)
        if not _MONTH.fullmatch(str(row["month"])):
            raise FileError(
                f"month is {shown(row['month'])}. A month is written 2026-12; a spreadsheet makes Dec-26 of "
                "it, unless the column is text.",
                at=where,
            )
        rows[str(row["workload"]), str(row["model"]), str(row["month"])] = {**row, "where": where}
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
    try:
        number = data["bookable"]
        booking = Booking(book=number["book"], contingency_percent=number["contingency_percent"])
        parts = {
            (str(row["workload"]), str(row["month"])): exact_decimal(row["usd"])
            for row in number["parts"]
        }
        basis = _basis(data, booking)
    except (ValueError, LookupError, TypeError, ScenarioError) as error:
        raise FileError(
            f"not a plan ({type(error).__name__}: {error}). {_REMEDY}", at=source
        ) from None
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
            raise ScenarioError(
                f"The plan has workload {shown(name)} on {', '.join(models)}. Say which of them it "
                "was planned for."
            )
        chosen[name] = models[0] if model is None else model
        _refuse_unknown("model", chosen[name], models)
    return chosen


def _refuse_unknown(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise ScenarioError(
            f"The plan has no {what} {shown(name)}.{did_you_mean(str(name), known)} It has "
            f"{', '.join(known)}."
        )


def _billed(row: Mapping[str, Any], tariff: Tariff | None) -> Billed:
    """Return what a row of a plan states."""

    def number(name: str, value: Any) -> Any:
        try:
            found = Fraction(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise FileError(f"{name}: {error}.", at=row["where"]) from None
        if found < 0:
            raise FileError(f"{name} is {shown(value)}. It cannot be negative.", at=row["where"])
        return value if isinstance(value, float) else found

    if "usage" in row:
        names = ("usage", "bill_usd", "list_bill_usd")
        if not all(isinstance(row.get(name), dict) for name in names):
            reason = f"{', '.join(names)} are no amounts by meter. {_REMEDY}"
            raise FileError(reason, at=row["where"])
        used, *bills = (
            {key: number(f"{name} of {key}", one) for key, one in row[name].items()}
            for name in names
        )
        requests, reasoning = used.pop("requests", 0), used.pop("reasoning", 0)
        for key in used:
            if key not in METERS and not key.startswith(FEE):
                raise FileError(f"there is no meter {shown(key)}. {_REMEDY}", at=row["where"])
        return Billed.of(Usage(used, requests, reasoning), *map(ByMeter, bills))
    counts = (Fraction(number(name, row[name])) for name in ("requests", *_TOKENS))
    requests, prompt, cached, completion, reasoning = counts
    usage = Usage.of(prompt, completion, cached=cached, reasoning=reasoning, requests=requests)
    stated = "exact_usd" if row["exact_usd"] else "mean_usd"
    usd = Fraction(number(stated, row[stated]))
    if tariff is None:
        raise PriceNotFoundError(f"{row['where']}: its catalog states no price of {row['model']}.")
    listed = tariff.bill(usage)
    if not listed.total or abs(usd - listed.total) <= ROUNDING_USD:
        return Billed(usage, listed, listed)
    return Billed(usage, tariff.times(usd / listed.total).bill(usage), listed)
