"""Reading the configuration of checks: ``[tool.kimi-planner]``, or a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.boundary import Boundary
from kimi_planner.catalog import load_catalog
from kimi_planner.checks.budgets import (
    CatalogBudget,
    CheckConfig,
    Growth,
    Override,
    PromptBudget,
    WorkloadBudget,
)
from kimi_planner.checks.table import Table
from kimi_planner.checks.totals import TotalBudget
from kimi_planner.errors import ConfigError, RequestError, restated
from kimi_planner.files import repository
from kimi_planner.toml_file import TomlFile, read_toml

#: The file of its own, with the same keys at the top.
CONFIG_FILE = "kimi-planner.toml"
PYPROJECT = "pyproject.toml"
TABLE = "tool.kimi-planner"
KINDS = ("text", "request", "templates")
HOLDS = ("filled", "fixed")
MAX_MONTHS = 120  # of a projection; naming it there would import pandas for prompts alone


def _keys(budget: type[Any]) -> set[str]:
    """Return the keys of the table of a budget: its fields, without those that no table states."""
    return {field.name for field in fields(budget)} - {
        "default_model",
        "default_variables",
        "where",
    }


_TOP = {"catalog", "model", "seed", "baseline", "warn_fraction", "min_coverage", "variables"}
_PARTS = {"prompts", "workloads", "catalog_checks", "overrides", "totals"}
_PROMPT_LIMITS = ("max_tokens", "max_usd", "max_usd_per_call", "max_context_share")
_TEMPLATES = ("names", "style", "variables", "hold")
_WORKLOAD_LIMITS = (
    "max_usd_per_month",
    "max_p50_usd_per_month",
    "max_p90_usd_per_month",
    "approved",
    "min_fit_share",
    "tier",
)
_GROWTH = _keys(Growth)
#: What an override may name.
_OVERRIDES = {*_PROMPT_LIMITS, "completion_tokens", *_WORKLOAD_LIMITS, "warn_fraction", *_GROWTH}


def find_config(folder: Path) -> Path | None:
    """Return the configuration in a folder: its own file, else ``pyproject.toml``; ``None`` without one.

    Raises
    ------
    ConfigError
        If both hold one, so that one of them would be ignored.
    """
    own, project = folder / CONFIG_FILE, folder / PYPROJECT
    in_project = project.is_file() and "kimi-planner" in _tools(read_toml(project, ConfigError))
    if own.is_file() and in_project:
        raise ConfigError(
            f"{own} and [{TABLE}] in {project} both hold a configuration. Keep one of them, or name "
            "one with --config."
        )
    return own if own.is_file() else project if in_project else None


def load_config(path: str | Path = PYPROJECT, *, allow_outside: bool = False) -> CheckConfig:
    """Read the table ``[tool.kimi-planner]`` of a TOML file, or a file that has its keys at the top.

    Parameters
    ----------
    path : str or Path
        The file.
    allow_outside : bool
        Whether it, and what it names, may lie outside of its repository; of its folder, if it is in
        none.

    Raises
    ------
    ConfigError
        If there is no configuration, or it breaks a rule; the message names file, line and key.
    CatalogError, UnknownModelError
        If the catalog or a model does not exist.
    """
    folder = Path(path).parent
    boundary = Boundary(None if allow_outside else repository(folder) or folder)
    with boundary.held():
        return config_of(read_toml(path, ConfigError), boundary)


def config_of(toml: TomlFile, boundary: Boundary) -> CheckConfig:
    """Return what a TOML file configures, as `load_config`."""
    table = _root(toml)
    table.refuse_unknown(_TOP | _PARTS | _GROWTH)
    folder = toml.path.parent
    top = _read(table, _TOP)
    source = _source(top["catalog"], folder) if "catalog" in top else None
    model, variables = top.get("model"), top.get("variables", {})
    warn = {"warn_fraction": top.get("warn_fraction")}
    common = {"default_model": model, "default_variables": variables, **warn}
    config = CheckConfig(
        path=toml.path,
        catalog=load_catalog(source),
        catalog_name=source,
        boundary=boundary,
        prompts=tuple(_prompts(one, common) for one in table.tables("prompts")),
        workloads=tuple(
            _workloads(one, {"model": model, **warn}) for one in table.tables("workloads")
        ),
        workload_files=tuple(one.values["path"] for one in table.tables("workloads")),
        totals=tuple(_total(one, warn) for one in table.tables("totals")),
        catalog_checks=(
            _catalog(table.table("catalog_checks"), folder) if "catalog_checks" in table else None
        ),
        growth=Growth(**_read(table, _GROWTH)),
        overrides=tuple(map(_override, table.tables("overrides"))),
        variables=variables,
        variables_where={name: table.table("variables").where(name) for name in variables},
        **{key: top[key] for key in ("baseline", "min_coverage", "seed") if key in top},
    )
    if not config.prompts and not config.workloads and config.catalog_checks is None:
        raise table.fail(
            None,
            f"nothing to check. Add [[{table.inner('prompts')}]] or [[{table.inner('workloads')}]].",
        )
    _refuse_unknown_models(config)
    return config


def _tools(toml: TomlFile) -> dict[str, Any]:
    tools = toml.data.get("tool", {})
    return tools if isinstance(tools, dict) else {}


def _root(toml: TomlFile) -> Table:
    values = _tools(toml).get("kimi-planner")
    if isinstance(values, dict):
        return Table(toml, values, TABLE)
    if toml.path.name != PYPROJECT and (_TOP | _PARTS) & set(toml.data):
        return Table(toml, toml.data, "")
    raise ConfigError(
        f"no table [{TABLE}]. Add one, or name the file with --config; one of its own, "
        f"such as {CONFIG_FILE}, has the same keys at the top.",
        at=toml.path,
    )


def _source(name: str, folder: Path) -> str | Path:
    """Return the catalog that is named; a file is relative to the configuration."""
    return folder / name if name.endswith((".toml", ".json")) else name


def _refuse_unknown_models(config: CheckConfig) -> None:
    for name, where in config.models.items():
        with restated(at=where):
            config.catalog.model(name)


def _read(table: Table, keys: Collection[str]) -> dict[str, Any]:
    """Return what a table states of some keys, each read as the end of its name says."""
    return {
        key: next(read for end, read in _READERS.items() if key.endswith(end))(table, key)
        for key in table.values
        if key in keys
    }


def _stated(
    table: Table, budget: type[Any], inherited: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the table of a budget states, and what it has of all of the configuration."""
    known = _keys(budget)
    table.refuse_unknown(known)
    needed = {"paths": table.globs("paths")} if "paths" in known else {}
    return {"where": table.where(), **(inherited or {}), **needed, **_read(table, known)}


def _prompts(table: Table, common: Mapping[str, Any]) -> PromptBudget:
    values = _stated(table, PromptBudget, common)
    kind = values.get("kind")
    has_model = kind == "request" or "model" in table or common["default_model"]
    for key in _TEMPLATES:
        if key in table and kind not in (None, "templates"):
            raise table.wrong(key, 'It is for kind = "templates".')
    if values.get("hold") == "fixed" and "variables" in table:
        raise table.wrong("hold", "Then variables count for nothing. Give one of the two.")
    if table.values.keys().isdisjoint(_PROMPT_LIMITS):
        raise table.fail(None, "no limit. Give max_tokens, max_usd or both.")
    for key in _PROMPT_LIMITS[1:]:
        if key in table and not has_model:
            raise table.fail(None, f"{key} needs a model. Name one here or for all budgets.")
    if "max_usd_per_call" in table and kind != "request" and "completion_tokens" not in table:
        raise table.fail(None, "max_usd_per_call needs completion_tokens, the output to reserve.")
    if "workload" in table and "calls_per_month" in table:
        raise table.wrong("workload", "It says how often too. Leave out calls_per_month.")
    if "workload_file" in table and "workload" not in table:
        raise table.wrong("workload_file", "Name a workload in it: workload.")
    if "cached_share" in table and "calls_per_month" not in table:
        raise table.wrong("cached_share", "It is for calls_per_month; a workload has its own.")
    return PromptBudget(**values)


def _style(table: Table, key: str) -> str:
    from kimi_planner.tokens.prompts.placeholders import STYLES

    return table.one_of(key, (*STYLES, "jinja"))


def _variables(table: Table, key: str) -> dict[str, Any]:
    from kimi_planner.tokens.prompts.values import ValueRange

    values = table.values[key]
    if not isinstance(values, dict):
        raise table.wrong(key, "Write it as { document = { max_tokens = 20000 } }.")
    with restated(at=table.where(key), of=RequestError, fault=ConfigError):
        for name, value in values.items():
            ValueRange.of(value, name)
    return values


def _calls(table: Table, key: str) -> Any:
    value = table.values[key]
    known = {"p10", "p50", "p90", "mean", "sd"}
    is_range = isinstance(value, dict) and value and value.keys() <= known
    if not is_range and type(value) not in (int, Decimal):
        raise table.wrong(key, "Give a number, or { p10 = 20000, p50 = 30000, p90 = 45000 }.")
    return value


def _workloads(table: Table, common: Mapping[str, Any]) -> WorkloadBudget:
    values = _stated(table, WorkloadBudget, common)
    if "path" not in table:
        raise table.wrong("path", "Name a workload file, relative to this one.")
    if table.values.keys().isdisjoint(_WORKLOAD_LIMITS):
        others = ", ".join(_WORKLOAD_LIMITS[1:])
        raise table.fail(None, f"no limit. Give max_usd_per_month or another of {others}.")
    if values["model"] is None:
        raise table.wrong("model", "Name one here or for all budgets.")
    return WorkloadBudget(**values)


def _percentile(table: Table, key: str) -> float:
    percentile = table.values[key]
    is_number = type(percentile) in (int, Decimal) and Decimal(percentile).is_finite()
    if not is_number or not 0 <= percentile <= 100:
        raise table.wrong(key, "It must be a number from 0 to 100.")
    return float(percentile)


def _catalog(table: Table, folder: Path) -> CatalogBudget:
    budget = CatalogBudget(**_stated(table, CatalogBudget))
    if (budget.against is None) != (budget.max_drift_percent is None):
        raise table.fail(None, "against and max_drift_percent go together. Give both or neither.")
    if budget.max_age_days is None and budget.against is None:
        raise table.fail(None, "no limit. Give max_age_days, or against and max_drift_percent.")
    if budget.against is None:
        return budget
    return replace(budget, against=str(_source(budget.against, folder)))


def _total(table: Table, common: Mapping[str, Any]) -> TotalBudget:
    values = _stated(table, TotalBudget, common)
    if "name" not in table:
        raise table.wrong("name", "Name the group, as reports shall call it.")
    if not any(key.startswith("max_") for key in table.values):
        limits = "max_tokens, max_growth_tokens or max_growth_percent"
        raise table.fail(None, f"no limit. Give {limits}.")
    return TotalBudget(**values)


def _override(table: Table) -> Override:
    table.refuse_unknown({"paths", *_OVERRIDES})
    paths, values = table.globs("paths"), _read(table, _OVERRIDES)
    if not values:
        raise table.fail(None, "nothing to override. Give a limit for these paths.")
    return Override(paths=paths, values=values, where=table.where())


#: The end of a key to how it is read; the first that fits counts.
_READERS: Mapping[str, Callable[[Table, str], Any]] = {
    "calls_per_month": _calls,
    **dict.fromkeys(
        ("path", "workload_file", "approved", "against", "catalog", "baseline"), Table.file
    ),
    **dict.fromkeys(("name", "workload", "model"), Table.text),
    **dict.fromkeys(("paths", "exclude"), Table.globs),
    **dict.fromkeys(
        ("seed", "tier", "max_age_days", "ignore_below_tokens", "max_growth_tokens"),
        lambda table, key: table.whole(key, least=0),
    ),
    "kind": lambda table, key: table.one_of(key, KINDS),
    "names": lambda table, key: table.texts(key, '["agents.*.system"]'),
    "style": _style,
    "hold": lambda table, key: table.one_of(key, HOLDS),
    "variables": _variables,
    "percentile": _percentile,
    "months": lambda table, key: table.whole(key, MAX_MONTHS),
    "output_tokens_per_second": lambda table, key: table.amount(key, "a number of tokens"),
    "_tokens": Table.whole,
    "_share": Table.share,
    "_coverage": Table.share,
    "_fraction": Table.share,
    "_percent": lambda table, key: table.amount(key, "a number of percent"),
    "": Table.amount,
}
