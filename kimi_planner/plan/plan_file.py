"""Plan files: workloads with what is booked, named scenarios and, once approved, what it rests on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import FileError, SettingError, WorkloadError, restated, shown
from kimi_planner.money import cents, exact_decimal, in_cents, named, usd
from kimi_planner.plan.booking import EXPECTED, Booking, booked
from kimi_planner.plan.calendar import month_range
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenario import Scenario
from kimi_planner.plan.scope import check_draws
from kimi_planner.plan.simulation import project
from kimi_planner.rich import Page, Shown
from kimi_planner.toml_file import TomlTable
from kimi_planner.workload import Workload, load_workloads
from kimi_planner.workload.currency import common_currency, written_in
from kimi_planner.workload.inputs import chosen_day
from kimi_planner.workload.load import read_file
from kimi_planner.workload.written import currency_line, toml_lines, workloads_toml

_BOOKING = ("book", "contingency_percent", "tax_percent", "credit_usd_per_month")
_SETTINGS = ("start", "months", "as_of", "seed", "n_paths")
_HEAD = "# An approved plan. It is planned again, and others are held against it, from what stands here."


@dataclass(frozen=True, kw_only=True)
class Approved:
    """What a plan was approved with.

    Attributes
    ----------
    usd
        The bookable number of the whole plan, USD.
    kimi_planner
        Version of the package that it was approved with.
    catalog, sha256
        Version of the prices, and the digest of their file.
    start, months, as_of, seed, n_paths
        As :func:`project` takes them.
    usd_by_month, usd_by_workload
        What of the number falls to each month and workload, USD.
    """

    usd: Decimal
    kimi_planner: str
    catalog: str
    sha256: str
    start: str
    months: int
    as_of: date
    seed: int
    n_paths: int
    usd_by_month: Mapping[str, Decimal]
    usd_by_workload: Mapping[str, Decimal]


_RECORD = tuple(one.name for one in fields(Approved))


@dataclass(frozen=True, kw_only=True, repr=False)
class PlanFile(Shown):
    """A workload file, with what it says of the plan.

    Attributes
    ----------
    path
        Where it was read from.
    workloads
        What is planned.
    booking
        Which number is booked.
    scenarios
        Named variants of the plan.
    approved
        What it rests on, if it was approved.
    """

    path: Path
    workloads: tuple[Workload, ...]
    booking: Booking = EXPECTED
    scenarios: tuple[Scenario, ...] = ()
    approved: Approved | None = None

    @property
    def currency(self) -> str:
        """That of every amount of the file."""
        return common_currency(one.currency for one in self.workloads)

    @property
    def models(self) -> dict[str, str]:
        """Workload to the model that was decided on."""
        return {one.name: one.model for one in self.workloads if one.model}

    def page(self) -> Page:
        """Return the model of each workload, and what it was approved with."""
        record = self.approved
        sums = {} if record is None else {**record.usd_by_workload, "all": record.usd}
        models = {one.name: one.model for one in self.workloads}
        rows = [
            {"workload": name, "model": models.get(name), "approved_usd": sums.get(name)}
            for name in dict.fromkeys((*models, *sums))
        ]
        words, provenance = "not approved", ""
        if record is not None:
            words = f"{usd(record.usd)} {self.currency} approved for {record.months} months from {record.start} on"
            provenance = (
                f"Catalog {record.catalog} (sha256 {record.sha256[:12]}), as of {record.as_of}, seed "
                f"{record.seed}, {record.n_paths:,} paths; kimi_planner {record.kimi_planner}."
            )
        return Page(
            title=f"Plan {self.path.name}: {words}, {self.booking.words}",
            frame=rows,
            notes=[f"Scenario {one.name}: {one.words}" for one in self.scenarios],
            provenance=provenance,
            currency=self.currency,
        )

    def settings(self, catalog: Catalog | str | Path | None = None) -> dict[str, Any]:
        """Return what `project` takes besides the workloads; all of it where the plan was approved.

        Parameters
        ----------
        catalog : Catalog, str or Path, optional
            The prices of an approved plan, where the catalog it names does not ship with the package.

        Raises
        ------
        CatalogError, FileError
            If the catalog of an approved plan is not at hand, or is not the one it was made with.
        """
        given: dict[str, Any] = {"booking": self.booking}
        record = self.approved
        if record is None:
            return given if catalog is None else {**given, "catalog": catalog}
        given["catalog"] = catalog_of(str(self.path), record.catalog, record.sha256, catalog)
        return given | {name: getattr(record, name) for name in _SETTINGS}

    def planned(self, catalog: Catalog | str | Path | None = None) -> Projection:
        """Plan an approved plan again, on its models alone.

        Raises
        ------
        FileError
            If it was not approved.
        CatalogError
            If its catalog is not at hand.
        """
        if self.approved is None:
            raise FileError(
                "not an approved plan. Write one with: kimi-planner plan --approve.", at=self.path
            )
        return project(
            self.workloads,
            models=list(dict.fromkeys(self.models.values())),
            **self.settings(catalog),
        )


@public
def read_plan(path: str | Path | None = None) -> PlanFile:
    """Read a workload file, with what it books, its scenarios, and what it was approved with.

    Parameters
    ----------
    path : str or Path, optional
        The file; the shipped example if not given.

    Raises
    ------
    WorkloadError
        If the file cannot be read or breaks a rule; the message names file, line and key.

    Examples
    --------
    >>> [scenario.name for scenario in read_plan().scenarios]  # the shipped example has none
    []
    >>> read_plan().booking.book
    'mean'
    """
    workloads = tuple(load_workloads(path))
    toml = read_file(path)
    top = TomlTable(toml, toml.data)
    with restated(at=toml.where(), of=SettingError, fault=WorkloadError):
        booking = Booking(**{key: toml.data[key] for key in _BOOKING if key in toml.data})
    tables = toml.data.get("scenario", [])
    if not isinstance(tables, list):
        raise top.fail("scenario", "scenario must be written as [[scenario]] tables.")
    scenarios = []
    for number, table in enumerate(tables):
        with restated(at=toml.where("scenario", number), of=SettingError, fault=WorkloadError):
            scenario = Scenario.of(table, toml.path.parent)
            scenario.applied(workloads)
            scenarios.append(scenario)
    names = [scenario.name for scenario in scenarios]
    if len(set(names)) < len(names):
        raise top.fail("scenario", f"two scenarios have one name: {', '.join(names)}.")
    return PlanFile(
        path=toml.path,
        workloads=workloads,
        booking=booking,
        scenarios=tuple(scenarios),
        approved=_approved(top, workloads) if "approved" in toml.data else None,
    )


def _approved(top: TomlTable, workloads: tuple[Workload, ...]) -> Approved:
    values = top.values["approved"]
    if not isinstance(values, dict):
        raise top.fail("approved", "approved must be written as a table, [approved].")
    table = TomlTable(top.toml, values, "approved")
    table.refuse_unknown(set(_RECORD))
    for key in _RECORD:
        if key not in table:
            raise table.fail(key, f"{key} is missing. Approve the plan again.")
    undecided = [one.name for one in workloads if not one.model]
    if undecided:
        raise top.fail(
            "approved", f"no model for {', '.join(undecided)}. An approved plan names one for each."
        )
    with restated(at=table.where(), of=SettingError, fault=WorkloadError):
        check_draws(values["seed"], values["n_paths"])
        month_range(values["start"], values["months"], chosen_day(values["as_of"]))
    try:
        sums = {
            key: {str(name): exact_decimal(amount) for name, amount in values[key].items()}
            for key in ("usd_by_month", "usd_by_workload")
        }
        return Approved(**{**values, **sums, "usd": exact_decimal(values["usd"])})
    except (ValueError, AttributeError) as error:
        raise table.fail(None, f"{error}. Approve the plan again.") from None


@public
def approved_toml(
    projection: Projection,
    choice: Mapping[str, str],
    *,
    scenarios: tuple[Scenario, ...] = (),
    folder: str | Path = "",
    to: str | Path = "",
) -> str:
    """Return a plan of record: all that it rests on, and its bookable number, as one TOML file.

    Parameters
    ----------
    projection : Projection
        The plan.
    choice : mapping of str to str
        Workload to the model it is approved on, for every workload.
    scenarios : tuple of Scenario
        Named variants that stay in the file.
    folder, to : str or Path
        Folder that names of logs are relative to, and the one of the new file.

    Raises
    ------
    SettingError
        If a workload has no model, or prices are none that a file of a catalog states.
    WorkloadError
        If a workload cannot be written; give percentiles, or a log.

    Notes
    -----
    Planned again, it is the same file, byte by byte.

    Examples
    --------
    >>> chat = Workload(name="w", requests_per_day=10, prompt_tokens=9000, completion_tokens=500)
    >>> plan = project(chat, 1, "2026-12", "kimi-k2", as_of="2026-11-24", catalog="2026-06")
    >>> print(approved_toml(plan, {"w": "kimi-k2"}).splitlines()[2])
    book = "mean"
    """
    from kimi_planner import __version__

    missing = [name for name in projection.names if name not in choice]
    if missing:
        raise SettingError(
            f"No model for {', '.join(missing)}, so the plan cannot be approved. Decide on one: "
            'model = "…" in the file.'
        )
    currency, catalog = projection.catalog.currency, projection.catalog.listed_in
    if catalog.derived_from:
        raise SettingError(
            f"Prices are those of catalog {catalog.version} changed ({'; '.join(catalog.derived_from)}), "
            "which no file states. State it in the workloads (batch = true, price_change), or save the "
            "catalog as a file."
        )
    decided = tuple(replace(one, model=choice[one.name]) for one in projection.workloads)
    number = booked(projection, choice)
    record = {
        "usd": cents(number.usd),
        "kimi_planner": __version__,
        "catalog": catalog.version,
        "sha256": catalog.sha256,
        **projection.settings,
    }
    parts = [
        _HEAD,
        f"# {number.sentence}",
        *currency_line(decided).splitlines(),
        toml_lines(
            written_in(
                {
                    key: value
                    for key in _BOOKING
                    if (value := getattr(number.booking, key)) or key in _BOOKING[:2]
                },
                currency,
            )
        ),
        "",
        _table("approved", written_in(record, currency)),
        _table(f"approved.{named('usd_by_month', currency)}", in_cents(number.by_month)),
        _table(f"approved.{named('usd_by_workload', currency)}", in_cents(number.by_workload)),
        variants_toml(decided, scenarios, folder=folder, to=to).removeprefix(
            currency_line(decided)
        ),
    ]
    return "\n".join(parts)


def variants_toml(
    workloads: Sequence[Workload],
    scenarios: Iterable[Scenario] = (),
    *,
    folder: str | Path = "",
    to: str | Path = "",
) -> str:
    """Return workloads and named variants of their plan as a workload file.

    Parameters
    ----------
    workloads, scenarios : sequence of Workload, iterable of Scenario
        What to write.
    folder, to : str or Path
        Folder that names of logs are relative to, and the one of the new file.

    Raises
    ------
    WorkloadError
        If a workload cannot be written; give percentiles, or a log.
    """
    logs = os.path.relpath(folder or ".", to or ".")
    currency = common_currency(one.currency for one in workloads)
    tables = (
        f"[[scenario]]\n{toml_lines(written_in(one.written(logs), currency))}\n"
        for one in scenarios
    )
    return "\n".join([workloads_toml(workloads, logs), *tables])


def _table(name: str, values: Mapping[str, Any]) -> str:
    return f"[{name}]\n{toml_lines(values)}\n"


def catalog_of(
    source: str, version: Any, sha256: Any, given: Catalog | str | Path | None
) -> Catalog:
    """Return the catalog that a plan was made with.

    Raises
    ------
    CatalogError
        If it is not at hand.
    FileError
        If it is another file of that version.
    """
    if given is not None:
        return load_catalog(given)
    remedy = "Name its file as the catalog of the plan."
    with restated(about=f"{source} was made with catalog {version}", then=f" {remedy}"):
        catalog = load_catalog(str(version))
    if catalog.sha256 != sha256:
        raise FileError(
            f"{source} was made with another file of catalog {version} (sha256 {shown(sha256)}, here "
            f"{catalog.sha256[:12]}…). {remedy}"
        )
    return catalog
