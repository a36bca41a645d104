"""Workload files: TOML to checked workloads, errors with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kimi_planner.errors import WorkloadError, restated, shown
from kimi_planner.files import TomlFile, data_dir, read_toml, refuse_unknown_keys
from kimi_planner.workload.dated import PriceChange, parse_price_changes
from kimi_planner.workload.fields import parse_field
from kimi_planner.workload.model import FIELDS, Workload

__all__ = ["example_path", "load_workloads"]

_FILE_FIELDS = frozenset(FIELDS) - {"notes", "price_changes"}
_NEEDED = ("name", "requests_per_day", "prompt_tokens", "completion_tokens")


def example_path() -> Path:
    """Return the path of the example that ships with the package."""
    return data_dir() / "workloads" / "example.toml"


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
    """
    if not isinstance(path, str | Path | None):
        raise WorkloadError(f"path is {shown(path)}. Give the path of a TOML file.")
    toml = read_toml(example_path() if path is None else path, WorkloadError)
    refuse_unknown_keys(toml.data, {"workload", "price_change"}, toml=toml)
    tables = toml.data.get("workload")
    if not isinstance(tables, list) or not tables:
        raise WorkloadError(
            "no [[workload]]. A workload file describes at least one.", at=toml.path
        )
    changes = _read_price_changes(toml)
    workloads: list[Workload] = []
    for number, table in enumerate(tables):
        workload = _read_workload(toml, number, table, changes)
        if workload.name in [other.name for other in workloads]:
            raise WorkloadError(
                f"a second workload named {workload.name!r}. Names must be unique.",
                at=toml.where("workload", number, "name"),
            )
        workloads.append(workload)
    return workloads


def _read_price_changes(toml: TomlFile) -> tuple[PriceChange, ...]:
    tables = toml.data.get("price_change", [])
    for number, table in enumerate(tables if isinstance(tables, list) else [tables]):
        with restated(at=toml.where("price_change", number), of=WorkloadError):
            parse_price_changes([table], toml.path.parent)
    with restated(at=toml.where(), of=WorkloadError):
        return parse_price_changes(tables, toml.path.parent)


def _read_workload(
    toml: TomlFile, number: int, table: Any, changes: tuple[PriceChange, ...]
) -> Workload:
    header = toml.where("workload", number)
    if not isinstance(table, dict):
        raise WorkloadError("workload must be written as [[workload]] tables.", at=header)
    refuse_unknown_keys(table, _FILE_FIELDS, toml=toml, table="workload", index=number)
    name = table.get("name")
    for key in _NEEDED:
        if key not in table:
            raise WorkloadError(f"workload {shown(name)}: {key} is missing.", at=header)
    values = {}
    for key, value in table.items():
        try:
            values[key] = parse_field(key, value, toml.path.parent)
        except WorkloadError as error:
            where = toml.where("workload", number, key)
            raise WorkloadError(f"workload {shown(name)}: {error}", at=where) from None
    with restated(at=header, of=WorkloadError):
        return Workload(**values, price_changes=changes)
