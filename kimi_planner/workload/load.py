"""Workload files: TOML to checked workloads, errors with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.errors import WorkloadError, restated, shown, unknown
from kimi_planner.files import data_dir
from kimi_planner.limits import WORKLOADS
from kimi_planner.toml_file import TomlFile, TomlTable, read_toml
from kimi_planner.workload.currency import USD, in_usd_names
from kimi_planner.workload.dated import PriceChange, parse_price_changes
from kimi_planner.workload.fields import looks, parse_field
from kimi_planner.workload.model import FIELDS, Workload

_FILE_FIELDS = frozenset(FIELDS) - {"notes", "price_changes", "currency"}
#: What may stand at the top of a workload file; the last four are of the plan, see `plan.plan_file`.
TOP_KEYS = frozenset(
    {
        "workload",
        "price_change",
        "correlation",
        "currency",
        "book",
        "contingency_percent",
        "tax_percent",
        "credit_usd_per_month",
        "scenario",
        "approved",
    }
)
_NEEDED = ("name", "prompt_tokens", "completion_tokens")


@public
def example_path(name: str = "example") -> Path:
    """Return the path of an example that ships with the package.

    Parameters
    ----------
    name : {"example", "first-plan", "seasonal"}
        A software company's workloads, a team's first plan in 30 lines, or one with dates.

    Raises
    ------
    WorkloadError
        If there is none of that name.

    Examples
    --------
    >>> [workload.name for workload in load_workloads(example_path("first-plan"))]
    ['support-bot', 'nightly-documents', 'coding-agent']
    """
    shipped = {one.stem: one for one in sorted((data_dir() / "workloads").glob("*.toml"))}
    if not isinstance(name, str) or name not in shipped:
        raise WorkloadError(unknown("There is no example", name, shipped, "There are"))
    return shipped[name]


@public
def load_workloads(path: str | Path | None = None) -> list[Workload]:
    """Load the workloads of a TOML file.

    Parameters
    ----------
    path : str or Path, optional
        The file; the shipped example if not given. Paths of logs in it are relative to it.

    Returns
    -------
    list of Workload
        In the order of the file.

    Raises
    ------
    WorkloadError
        If the file cannot be read or breaks a rule; the message names file, line and key.

    Examples
    --------
    >>> [workload.name for workload in load_workloads()]  # the shipped example
    ['support-chat', 'coding-assistant', 'invoice-extraction', 'draft-generation', 'image-questions']
    """
    if not isinstance(path, str | Path | None):
        raise WorkloadError(f"path is {shown(path)}. Give the path of a TOML file.")
    toml = read_file(path)
    TomlTable(toml, toml.data).refuse_unknown(TOP_KEYS)
    tables = toml.data.get("workload")
    if not isinstance(tables, list) or not tables:
        raise WorkloadError(
            "no [[workload]]. A workload file describes at least one.", at=toml.path
        )
    if len(tables) > WORKLOADS:
        raise WorkloadError(
            f"{len(tables):,} workloads. A file may have {WORKLOADS:,}; add up those that are alike.",
            at=toml.path,
        )
    shared: dict[str, Any] = {"price_changes": _read_price_changes(toml)}
    shared["currency"] = toml.data.get("currency", USD)
    with restated(at=toml.where(key="correlation"), of=WorkloadError):
        if "correlation" in toml.data:
            shared["correlation"] = parse_field("correlation", toml.data["correlation"])
    workloads: list[Workload] = []
    names: set[str] = set()
    for number, values in enumerate(tables):
        table = TomlTable(toml, values, "workload", number)
        workload = _read_workload(table, shared)
        if looks(workload.name) in names:
            raise table.fail(
                "name",
                f"a second workload named {workload.name!r}. Names must be unique, and look so.",
            )
        workloads.append(workload)
        names.add(looks(workload.name))
    return workloads


def read_file(path: str | Path | None) -> TomlFile:
    """Return a workload file, the shipped example if none is named, with keys as of one in USD.

    Raises
    ------
    WorkloadError
        If it cannot be read, or names its currency in two ways.
    """
    return in_usd_names(read_toml(example_path() if path is None else path, WorkloadError))


def _read_price_changes(toml: TomlFile) -> tuple[PriceChange, ...]:
    tables = toml.data.get("price_change", [])
    for number, table in enumerate(tables if isinstance(tables, list) else [tables]):
        with restated(at=toml.where("price_change", number), of=WorkloadError):
            parse_price_changes([table], toml.path.parent)
    with restated(at=toml.where(), of=WorkloadError):
        return parse_price_changes(tables, toml.path.parent)


def _read_workload(table: TomlTable, shared: Mapping[str, Any]) -> Workload:
    if not isinstance(table.values, dict):
        raise table.fail(None, "workload must be written as [[workload]] tables.")
    table.refuse_unknown(_FILE_FIELDS)
    called = f"workload {shown(table.values.get('name'))}"
    for key in _NEEDED:
        if key not in table:
            raise table.fail(key, f"{called}: {key} is missing.")
    values = {}
    for key, value in table.values.items():
        try:
            values[key] = parse_field(key, value, table.toml.path.parent)
        except WorkloadError as error:
            raise table.fail(key, f"{called}: {error}") from None
    with restated(at=table.where(), of=WorkloadError):
        return Workload(**{**shared, **values})
