"""Reading the configuration of checks: ``[tool.kimi-planner]``, or a file of its own."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

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
from kimi_planner.errors import ConfigError, KimiPlannerError, RequestError
from kimi_planner.files import TomlFile, read_toml

__all__ = ["CONFIG_FILE", "find_config", "load_config"]

#: The file of its own, with the same keys at the top.
CONFIG_FILE = "kimi-planner.toml"
PYPROJECT = "pyproject.toml"
TABLE = "tool.kimi-planner"
KINDS = ("text", "request", "templates")
MAX_MONTHS = 120  # of a projection; naming it there would import pandas for prompts alone

_TOP = {"catalog", "model", "seed", "baseline", "warn_fraction"}
_PARTS = {"prompts", "workloads", "catalog_checks", "overrides"}
_PROMPT_LIMITS = ("max_tokens", "max_usd", "max_usd_per_call", "max_context_share")
_TEMPLATES = ("names", "style", "variables")
_WORKLOAD_LIMITS = (
    "max_usd_per_month",
    "max_p50_usd_per_month",
    "max_p90_usd_per_month",
    "min_fit_share",
    "tier",
)
_GROWTH = tuple(field.name for field in fields(Growth))
#: What an override may name.
_OVERRIDES = (*_PROMPT_LIMITS, "completion_tokens", *_WORKLOAD_LIMITS, "warn_fraction", *_GROWTH)


def find_config(folder: Path) -> Path:
    """Return the configuration in a folder: its own file, else ``pyproject.toml``.

    Raises
    ------
    ConfigError
        If both hold one, so that one of them would be ignored.
    """
    own, project = folder / CONFIG_FILE, folder / PYPROJECT
    if not own.is_file():
        return project
    if project.is_file() and "kimi-planner" in _tools(read_toml(project, ConfigError)):
        raise ConfigError(
            f"{own} and [{TABLE}] in {project} both hold a configuration. Keep one of them, or name "
            "one with --config."
        )
    return own


def load_config(path: str | Path = PYPROJECT) -> CheckConfig:
    """Read the table ``[tool.kimi-planner]`` of a TOML file, or a file that has its keys at the top.

    Raises
    ------
    ConfigError
        If there is no configuration, or it breaks a rule; the message names file, line and key.
    CatalogError, UnknownModelError
        If the catalog or a model does not exist.
    """
    toml = read_toml(path, ConfigError)
    table = _root(toml)
    table.refuse_unknown(_TOP | _PARTS | {*_GROWTH})
    folder = toml.path.parent
    source = _source(table.text("catalog"), folder)
    model, warn = table.text("model"), table.share("warn_fraction")
    checks = table.table("catalog_checks")
    config = CheckConfig(
        path=toml.path,
        catalog=load_catalog(source),
        catalog_name=source,
        prompts=tuple(_prompts(one, model, warn) for one in table.tables("prompts")),
        workloads=tuple(_workloads(one, model, warn) for one in table.tables("workloads")),
        catalog_checks=None if checks is None else _catalog(checks, folder),
        growth=Growth(**_limits(table, _GROWTH)),
        overrides=tuple(_override(one) for one in table.tables("overrides")),
        baseline=table.text("baseline") or CheckConfig.baseline,
        seed=table.whole("seed", least=0) or 0,
    )
    if not config.prompts and not config.workloads and config.catalog_checks is None:
        raise ConfigError(
            f"nothing to check. Add [[{table.inner('prompts')}]] or "
            f"[[{table.inner('workloads')}]].",
            at=table.where(),
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


def _source(name: str | None, folder: Path) -> str | Path | None:
    """Return the catalog that is named; a file is relative to the configuration."""
    return folder / name if name is not None and name.endswith((".toml", ".json")) else name


def _refuse_unknown_models(config: CheckConfig) -> None:
    named = [(one.where, one.model or one.default_model) for one in config.prompts]
    named += [(one.where, one.model) for one in config.workloads]
    for where, name in named:
        if name is not None:
            try:
                config.catalog.model(name)
            except KimiPlannerError as error:
                raise type(error)(str(error), at=where) from None


def _limits(table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the limits that a table states, each read as its name says."""
    found: dict[str, Any] = {}
    for name in names:
        if name not in table.values:
            continue
        if name in ("tier", "ignore_below_tokens", "max_growth_tokens"):
            found[name] = table.whole(name, least=0)
        elif name.endswith("_tokens"):
            found[name] = table.whole(name)
        elif name.endswith(("_share", "_fraction")):
            found[name] = table.share(name)
        elif name.endswith("_percent"):
            found[name] = table.amount(name, "a number of percent")
        else:
            found[name] = table.amount(name)
    return found


def _prompts(table: Table, default_model: str | None, warn: Decimal | None) -> PromptBudget:
    known = {"paths", "exclude", "kind", "model", "completion_tokens", "warn_fraction"}
    table.refuse_unknown({*known, *_TEMPLATES, *_PROMPT_LIMITS})
    paths = table.globs("paths")
    exclude = table.globs("exclude") if "exclude" in table.values else ()
    kind = table.values.get("kind", KINDS[0])
    if kind not in KINDS:
        raise table.wrong("kind", f"It must be one of {', '.join(KINDS)}.")
    for key in _TEMPLATES:
        if key in table.values and kind != "templates":
            raise table.wrong(key, 'It is for kind = "templates".')
    limits = _limits(table, (*_PROMPT_LIMITS, "completion_tokens"))
    if not limits.keys() & {*_PROMPT_LIMITS}:
        raise ConfigError("no limit. Give max_tokens, max_usd or both.", at=table.where())
    model = table.text("model")
    for key in _PROMPT_LIMITS[1:]:
        if key in limits and kind != "request" and not (model or default_model):
            raise ConfigError(
                f"{key} needs a model. Name one here or for all budgets.", at=table.where()
            )
    if "max_usd_per_call" in limits and kind != "request" and "completion_tokens" not in limits:
        raise ConfigError(
            "max_usd_per_call needs completion_tokens, the output to reserve.", at=table.where()
        )
    return PromptBudget(
        paths=paths,
        exclude=exclude,
        kind=kind,
        names=table.texts("names", '["agents.*.system"]') if "names" in table.values else None,
        style=_style(table),
        variables=_variables(table),
        model=model,
        default_model=default_model,
        warn_fraction=table.share("warn_fraction") or warn,
        where=table.where(),
        **limits,
    )


def _style(table: Table) -> str | None:
    style = table.text("style")
    if style is not None:
        from kimi_planner.tokens.prompts.placeholders import STYLES

        known = (*STYLES, "jinja")
        if style not in known:
            raise table.wrong("style", f"It must be one of {', '.join(known)}.")
    return style


def _variables(table: Table) -> dict[str, dict[str, Any]]:
    values = table.values.get("variables", {})
    if not values:
        return {}
    from kimi_planner.tokens.prompts.values import ValueRange

    if not isinstance(values, dict):
        raise table.wrong("variables", "Write it as { document = { max_tokens = 20000 } }.")
    for name, value in values.items():
        try:
            ValueRange.of(value, name)
        except RequestError as error:
            raise ConfigError(str(error), at=table.where("variables")) from None
    return values


def _workloads(table: Table, default_model: str | None, warn: Decimal | None) -> WorkloadBudget:
    speeds = ("peak_hour_share", "output_tokens_per_second")
    known = {"path", "name", "model", "percentile", "months", "warn_fraction"}
    table.refuse_unknown({*known, *speeds, *_WORKLOAD_LIMITS})
    path = table.text("path")
    model = table.text("model") or default_model
    if path is None:
        raise table.wrong("path", "Name a workload file, relative to this one.")
    limits = _limits(table, _WORKLOAD_LIMITS)
    if not limits:
        raise ConfigError(
            f"no limit. Give max_usd_per_month or another of {', '.join(_WORKLOAD_LIMITS[1:])}.",
            at=table.where(),
        )
    if model is None:
        raise table.wrong("model", "Name one here or for all budgets.")
    percentile = table.values.get("percentile", 90)
    is_number = type(percentile) in (int, Decimal) and Decimal(percentile).is_finite()
    if not is_number or not 0 <= percentile <= 100:
        raise table.wrong("percentile", "It must be a number from 0 to 100.")
    return WorkloadBudget(
        path=path,
        name=table.text("name"),
        model=model,
        percentile=float(percentile),
        months=table.whole("months", MAX_MONTHS) or WorkloadBudget.months,
        peak_hour_share=table.share("peak_hour_share"),
        output_tokens_per_second=table.amount("output_tokens_per_second", "a number of tokens"),
        warn_fraction=table.share("warn_fraction") or warn,
        where=table.where(),
        **limits,
    )


def _catalog(table: Table, folder: Path) -> CatalogBudget:
    table.refuse_unknown({"max_age_days", "against", "max_drift_percent"})
    against = table.text("against")
    drift = table.amount("max_drift_percent", "a number of percent")
    age = table.whole("max_age_days", least=0)
    if (against is None) != (drift is None):
        raise ConfigError(
            "against and max_drift_percent go together. Give both or neither.", at=table.where()
        )
    if age is None and drift is None:
        raise ConfigError(
            "no limit. Give max_age_days, or against and max_drift_percent.", at=table.where()
        )
    source = _source(against, folder)
    return CatalogBudget(
        max_age_days=age,
        against=None if source is None else str(source),
        max_drift_percent=drift,
        where=table.where(),
    )


def _override(table: Table) -> Override:
    table.refuse_unknown({"paths", *_OVERRIDES})
    paths, values = table.globs("paths"), _limits(table, _OVERRIDES)
    if not values:
        raise ConfigError("nothing to override. Give a limit for these paths.", at=table.where())
    return Override(paths=paths, values=values, where=table.where())
