"""What ``[tool.kimi-planner]`` asks for: budgets of tokens and money, read and checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.errors import ConfigError, FileError, KimiPlannerError, shown
from kimi_planner.files import TomlFile, read_toml, refuse_unknown_keys
from kimi_planner.money import exact_decimal

__all__ = ["CheckConfig", "PromptBudget", "WorkloadBudget", "load_config"]

TABLE = "tool.kimi-planner"
KINDS = ("text", "request")


@dataclass(frozen=True, kw_only=True)
class PromptBudget:
    """A budget for each file that matches some paths.

    Attributes
    ----------
    paths
        Globs, relative to the configuration.
    kind
        ``"text"``, or ``"request"`` for bodies of chat completions.
    model, default_model
        Whose template and prices: what the budget itself names, then the body's own model, then
        the default of the configuration; ``None`` where not given.
    max_tokens, max_usd
        Most prompt tokens of a file, and most that sending it once may cost as input.
    where
        File and line of the budget, for messages.
    """

    paths: tuple[str, ...]
    kind: str
    model: str | None
    default_model: str | None
    max_tokens: int | None
    max_usd: Decimal | None
    where: str


@dataclass(frozen=True, kw_only=True)
class WorkloadBudget:
    """A budget for the monthly spend of a workload file, or of one workload in it.

    Attributes
    ----------
    path, name
        The file, and the workload in it; all workloads together if ``name`` is ``None``.
    model
        Model id.
    percentile, months
        Which percentile of each of how many months must stay within the budget.
    max_usd_per_month
        The budget.
    where
        File and line of the budget, for messages.
    """

    path: str
    name: str | None
    model: str
    percentile: float
    months: int
    max_usd_per_month: Decimal
    where: str


@dataclass(frozen=True, kw_only=True)
class CheckConfig:
    """What ``[tool.kimi-planner]`` asks for.

    Attributes
    ----------
    folder
        What paths are relative to.
    catalog
        Whose prices.
    prompts, workloads
        The budgets.
    """

    folder: Path
    catalog: Catalog
    prompts: tuple[PromptBudget, ...]
    workloads: tuple[WorkloadBudget, ...]


def load_config(path: str | Path = "pyproject.toml") -> CheckConfig:
    """Read the table ``[tool.kimi-planner]`` of a TOML file.

    Raises
    ------
    ConfigError
        If there is no such table, or it breaks a rule; the message names file, line and key.
    CatalogError, UnknownModelError
        If the catalog or a model does not exist.
    """
    try:
        toml = read_toml(path)
    except FileError as error:
        raise ConfigError(str(error)) from None
    tool = toml.data.get("tool", {})
    values = tool.get("kimi-planner") if isinstance(tool, dict) else None
    if not isinstance(values, dict):
        raise ConfigError(
            f"{toml.path}: no table [{TABLE}]. Add one, or name the file with --config."
        )
    table = _Table(toml, values, TABLE)
    table.refuse_unknown({"catalog", "model", "prompts", "workloads"})
    catalog = load_catalog(table.text("catalog"))
    model = table.text("model")
    prompts = tuple(_prompt_budget(entry, model) for entry in table.tables("prompts"))
    workloads = tuple(_workload_budget(entry, model) for entry in table.tables("workloads"))
    if not prompts and not workloads:
        raise ConfigError(
            f"{table.where()}: nothing to check. Add [[{TABLE}.prompts]] or [[{TABLE}.workloads]]."
        )
    named = [(one.where, one.model or one.default_model) for one in prompts]
    named += [(one.where, one.model) for one in workloads]
    for where, name in named:
        if name is not None:
            try:
                catalog.model(name)
            except KimiPlannerError as error:
                raise type(error)(f"{where}: {error}") from None
    return CheckConfig(
        folder=toml.path.parent, catalog=catalog, prompts=prompts, workloads=workloads
    )


@dataclass(frozen=True)
class _Table:
    """One table of the file, read key by key; every problem names file, line and key."""

    toml: TomlFile
    values: Mapping[str, Any]
    name: str
    index: int | None = None

    def where(self, key: str | None = None) -> str:
        return self.toml.where(self.name, self.index, key)

    def wrong(self, key: str, allowed: str) -> ConfigError:
        found = f"is {shown(self.values[key])}" if key in self.values else "is missing"
        return ConfigError(f"{self.where(key)}: {key} {found}. {allowed}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        refuse_unknown_keys(
            self.values, known, toml=self.toml, table=self.name, index=self.index, error=ConfigError
        )

    def tables(self, key: str) -> list[_Table]:
        entries = self.values.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.wrong(key, f"Write it as [[{TABLE}.{key}]] tables.")
        return [
            _Table(self.toml, entry, f"{TABLE}.{key}", number)
            for number, entry in enumerate(entries)
        ]

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if key in self.values and not (isinstance(value, str) and value.strip()):
            raise self.wrong(key, "It must be text.")
        return value

    def whole(self, key: str, most: int | None = None) -> int | None:
        value = self.values.get(key)
        if key in self.values and (type(value) is not int or not 1 <= value <= (most or value)):
            bound = f" to {most}" if most else ""
            raise self.wrong(key, f"It must be a whole number from 1{bound}.")
        return value

    def amount(self, key: str) -> Decimal | None:
        if key not in self.values:
            return None
        try:
            amount = exact_decimal(self.values[key])
        except ValueError:
            raise self.wrong(key, "It must be an amount in USD.") from None
        if amount < 0:
            raise self.wrong(key, "It cannot be negative.")
        return amount


def _prompt_budget(table: _Table, default_model: str | None) -> PromptBudget:
    table.refuse_unknown({"paths", "kind", "model", "max_tokens", "max_usd"})
    paths = table.values.get("paths")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise table.wrong("paths", 'Give a list such as ["prompts/**/*.md"].')
    if not paths or any(Path(path).is_absolute() for path in paths):
        raise table.wrong("paths", "Give at least one path, relative to this file.")
    if not all(_is_glob(path) for path in paths):
        raise table.wrong(
            "paths", 'Name files; ** stands alone between slashes: "prompts/**/*.md".'
        )
    kind = table.values.get("kind", KINDS[0])
    if kind not in KINDS:
        raise table.wrong("kind", f"It must be one of {', '.join(KINDS)}.")
    limit, max_usd = table.whole("max_tokens"), table.amount("max_usd")
    if limit is None and max_usd is None:
        raise ConfigError(f"{table.where()}: no limit. Give max_tokens, max_usd or both.")
    model = table.text("model")
    if max_usd is not None and kind == "text" and not (model or default_model):
        raise ConfigError(f"{table.where()}: max_usd needs a model. Name one here or in [{TABLE}].")
    return PromptBudget(
        paths=tuple(paths),
        kind=kind,
        model=model,
        default_model=default_model,
        max_tokens=limit,
        max_usd=max_usd,
        where=table.where(),
    )


def _is_glob(pattern: str) -> bool:
    parts = Path(pattern).parts
    return bool(parts) and not any("**" in part and part != "**" for part in parts)


def _workload_budget(table: _Table, default_model: str | None) -> WorkloadBudget:
    from kimi_planner.projection.calendar import MAX_MONTHS  # with pandas; prompts need none

    table.refuse_unknown({"path", "name", "model", "percentile", "months", "max_usd_per_month"})
    path, limit = table.text("path"), table.amount("max_usd_per_month")
    model = table.text("model") or default_model
    if path is None:
        raise table.wrong("path", "Name a workload file, relative to this one.")
    if limit is None:
        raise table.wrong("max_usd_per_month", "Give an amount in USD.")
    if model is None:
        raise table.wrong("model", f"Name one here or in [{TABLE}].")
    percentile = table.values.get("percentile", 90)
    is_number = type(percentile) in (int, Decimal) and Decimal(percentile).is_finite()
    if not is_number or not 0 <= percentile <= 100:
        raise table.wrong("percentile", "It must be a number from 0 to 100.")
    return WorkloadBudget(
        path=path,
        name=table.text("name"),
        model=model,
        percentile=float(percentile),
        months=table.whole("months", MAX_MONTHS) or 12,
        max_usd_per_month=limit,
        where=table.where(),
    )
