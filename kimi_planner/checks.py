"""Budgets of tokens and money, checked against prompts and workloads; never prints or exits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any

from kimi_planner.catalog import Catalog, ModelSpec, load_catalog
from kimi_planner.errors import ConfigError, FileError, KimiPlannerError, RequestError, shown
from kimi_planner.files import TomlFile, read_text, read_toml, refuse_unknown_keys
from kimi_planner.money import exact_decimal, from_units, usd
from kimi_planner.tokens.chat import count_messages
from kimi_planner.tokens.engine import count_tokens

__all__ = ["CheckConfig", "CheckResult", "Outcome", "load_config", "run_checks", "worst"]

TABLE = "tool.kimi-planner"
_KEYS = frozenset({"catalog", "model", "prompts", "workloads"})
_PROMPT_KEYS = frozenset({"paths", "kind", "model", "max_tokens", "max_usd"})
_WORKLOAD_KEYS = frozenset({"path", "name", "model", "percentile", "months", "max_usd_per_month"})


class Outcome(IntEnum):
    """How a check ended, best first; the values are exit codes."""

    PASSED = 0
    OVER = 1
    UNKNOWN = 3


@dataclass(frozen=True, kw_only=True)
class PromptBudget:
    """A budget for each file that matches some paths."""

    paths: tuple[str, ...]
    kind: str
    model: str | None
    max_tokens: int | None
    max_usd: Decimal | None
    where: str


@dataclass(frozen=True, kw_only=True)
class WorkloadBudget:
    """A budget for the monthly spend of a workload file, or of one workload in it."""

    path: str
    name: str | None
    model: str | None
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


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One budget held against one file.

    Attributes
    ----------
    path, subject
        The file, and what about it was measured.
    value, limit
        Tokens or USD; ``None`` if it could not be told.
    """

    path: str
    subject: str
    outcome: Outcome
    value: Decimal | None
    limit: Decimal | None
    message: str


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
    table = toml.data.get("tool", {}).get("kimi-planner")
    if not isinstance(table, dict):
        raise ConfigError(
            f"{toml.path}: no table [{TABLE}]. Add one, or name the file with --config."
        )
    refuse_unknown_keys(table, _KEYS, toml=toml, table=TABLE, error=ConfigError)
    catalog = load_catalog(_text(toml, table, "catalog", TABLE, None))
    model = _text(toml, table, "model", TABLE, None)
    prompts = tuple(
        _prompt_budget(toml, entry, *at, model) for entry, at in _entries(toml, table, "prompts")
    )
    workloads = tuple(
        _workload_budget(toml, entry, *at, model)
        for entry, at in _entries(toml, table, "workloads")
    )
    if not prompts and not workloads:
        raise ConfigError(
            f"{toml.where(TABLE)}: nothing to check. Add [[{TABLE}.prompts]] or [[{TABLE}.workloads]]."
        )
    for budget in (*prompts, *workloads):
        if budget.model is not None:
            try:
                catalog.model(budget.model)
            except KimiPlannerError as error:
                raise type(error)(f"{budget.where}: {error}") from None
    return CheckConfig(
        folder=toml.path.parent, catalog=catalog, prompts=prompts, workloads=workloads
    )


def run_checks(config: CheckConfig, *, as_of: date | None = None) -> Iterator[CheckResult]:
    """Yield a result for every budget and file, in the order of the configuration.

    Parameters
    ----------
    config : CheckConfig
        The budgets.
    as_of : date, optional
        The day whose prices count; today if not given.

    Raises
    ------
    KimiPlannerError
        If a file that a budget names cannot be read.
    """
    for prompt in config.prompts:
        yield from _check_prompts(config, prompt)
    for workload in config.workloads:
        yield _check_workload(config, workload, as_of)


def worst(results: list[CheckResult]) -> Outcome:
    """Return the worst outcome; no result at all is unknown, never a pass."""
    return max((result.outcome for result in results), default=Outcome.UNKNOWN)


def _check_prompts(config: CheckConfig, budget: PromptBudget) -> Iterator[CheckResult]:
    files = sorted(
        {path for pattern in budget.paths for path in config.folder.glob(pattern) if path.is_file()}
    )
    if not files:
        yield CheckResult(
            path=", ".join(budget.paths),
            subject="prompt",
            outcome=Outcome.UNKNOWN,
            value=None,
            limit=None,
            message=f"{budget.where}: no file matches, so nothing was checked",
        )
    for path in files:
        name = (
            path.relative_to(config.folder).as_posix()
            if path.is_relative_to(config.folder)
            else str(path)
        )
        tokens = _prompt_tokens(path, budget, config.catalog)
        if budget.max_tokens is not None:
            yield _result(
                name,
                "tokens",
                Decimal(tokens),
                Decimal(budget.max_tokens),
                f"{tokens:,} tokens",
                f"{budget.max_tokens:,}",
            )
        if budget.max_usd is not None and budget.model is not None:
            rates = config.catalog.model(budget.model).rates()
            price = from_units(tokens * rates.input, rates.places)
            yield _result(
                name,
                "prompt cost",
                price,
                budget.max_usd,
                f"{price:f} USD a call on {budget.model}",
                f"{budget.max_usd:f}",
            )


def _prompt_tokens(path: Path, budget: PromptBudget, catalog: Catalog) -> int:
    text = read_text(path)
    if budget.kind == "text":
        return count_tokens(text)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"{path}: not JSON ({error}). A request body is one JSON object."
        ) from None
    if not isinstance(body, Mapping) or "messages" not in body:
        raise RequestError(f"{path}: no messages. A request body has the key 'messages'.")
    model = budget.model or body.get("model")
    if not isinstance(model, str):
        raise RequestError(
            f"{path}: no model. Name one in the body, or as model in {budget.where}."
        )
    try:
        return count_messages(body["messages"], model, body.get("tools"), catalog=catalog)
    except KimiPlannerError as error:
        raise type(error)(f"{path}: {error}") from None


def _check_workload(config: CheckConfig, budget: WorkloadBudget, as_of: date | None) -> CheckResult:
    from kimi_planner.projection import project
    from kimi_planner.workload import load_workloads

    workloads = load_workloads(config.folder / budget.path)
    if budget.name is not None:
        workloads = [workload for workload in workloads if workload.name == budget.name]
        if not workloads:
            raise ConfigError(
                f"{budget.where}: {budget.path} has no workload named {budget.name!r}."
            )
    spec: ModelSpec = config.catalog.model(str(budget.model))
    projection = project(
        workloads, budget.months, models=spec.id, as_of=as_of, catalog=config.catalog
    )
    spend = projection.of(spec.id).quantile(budget.percentile / 100)
    month = int(spend.argmax())
    value = exact_decimal(float(spend[month]))
    return _result(
        budget.path,
        f"P{budget.percentile:g} monthly spend",
        value,
        budget.max_usd_per_month,
        f"P{budget.percentile:g} of {budget.name or 'all workloads'} on {spec.id} is {usd(value)} USD in {projection.months[month]}",
        usd(budget.max_usd_per_month),
    )


def _result(
    path: str, subject: str, value: Decimal, limit: Decimal, measured: str, allowed: str
) -> CheckResult:
    over = value > limit
    excess = f", {float(value / limit - 1):.1%} over" if over and limit else ""
    return CheckResult(
        path=path,
        subject=subject,
        outcome=Outcome.OVER if over else Outcome.PASSED,
        value=value,
        limit=limit,
        message=f"{measured}, limit {allowed}{excess}",
    )


def _entries(
    toml: TomlFile, table: Mapping[str, Any], key: str
) -> Iterator[tuple[Any, tuple[str, int]]]:
    entries = table.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            f"{toml.where(TABLE, key=key)}: {key} must be written as [[{TABLE}.{key}]] tables."
        )
    for number, entry in enumerate(entries):
        yield entry, (f"{TABLE}.{key}", number)


def _prompt_budget(
    toml: TomlFile, entry: Any, table: str, number: int, model: str | None
) -> PromptBudget:
    refuse_unknown_keys(
        entry, _PROMPT_KEYS, toml=toml, table=table, index=number, error=ConfigError
    )
    where = toml.where(table, number)
    paths = entry.get("paths")
    paths = [paths] if isinstance(paths, str) else paths
    if (
        not isinstance(paths, list)
        or not paths
        or not all(isinstance(path, str) and path for path in paths)
    ):
        raise ConfigError(
            f'{where}: paths is {shown(entry.get("paths"))}. Give a list such as ["prompts/**/*.md"].'
        )
    for path in paths:
        if Path(path).is_absolute():
            raise ConfigError(
                f"{where}: the path {path!r} is absolute. Paths are relative to this file."
            )
    kind = entry.get("kind", "text")
    if kind not in ("text", "request"):
        raise ConfigError(
            f'{toml.where(table, number, "kind")}: kind is {shown(kind)}. Use "text" or "request".'
        )
    limit = entry.get("max_tokens")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ConfigError(
            f"{toml.where(table, number, 'max_tokens')}: max_tokens is {shown(limit)}. Give a whole number from 1."
        )
    max_usd = _amount(toml, entry, "max_usd", table, number)
    if limit is None and max_usd is None:
        raise ConfigError(f"{where}: no limit. Give max_tokens, max_usd or both.")
    chosen = _text(toml, entry, "model", table, number) or model
    if max_usd is not None and chosen is None:
        raise ConfigError(f"{where}: max_usd needs a model. Name one here or in [{TABLE}].")
    return PromptBudget(
        paths=tuple(paths), kind=kind, model=chosen, max_tokens=limit, max_usd=max_usd, where=where
    )


def _workload_budget(
    toml: TomlFile, entry: Any, table: str, number: int, model: str | None
) -> WorkloadBudget:
    refuse_unknown_keys(
        entry, _WORKLOAD_KEYS, toml=toml, table=table, index=number, error=ConfigError
    )
    where = toml.where(table, number)
    path = _text(toml, entry, "path", table, number)
    limit = _amount(toml, entry, "max_usd_per_month", table, number)
    chosen = _text(toml, entry, "model", table, number) or model
    for key, value in (("path", path), ("max_usd_per_month", limit), ("model", chosen)):
        if value is None:
            raise ConfigError(f"{where}: {key} is missing.")
    percentile = entry.get("percentile", 90)
    if (
        isinstance(percentile, bool)
        or not isinstance(percentile, int | Decimal)
        or not 0 <= percentile <= 100
    ):
        raise ConfigError(
            f"{toml.where(table, number, 'percentile')}: percentile is {shown(percentile)}. Give a number from 0 to 100."
        )
    months = entry.get("months", 12)
    if type(months) is not int or months < 1:
        raise ConfigError(
            f"{toml.where(table, number, 'months')}: months is {shown(months)}. Give a whole number from 1."
        )
    return WorkloadBudget(
        path=str(path),
        name=_text(toml, entry, "name", table, number),
        model=chosen,
        percentile=float(percentile),
        months=months,
        max_usd_per_month=limit or Decimal(0),
        where=where,
    )


def _amount(
    toml: TomlFile, entry: Mapping[str, Any], key: str, table: str, number: int
) -> Decimal | None:
    value = entry.get(key)
    if value is None:
        return None
    try:
        amount = exact_decimal(value)
    except ValueError as error:
        raise ConfigError(
            f"{toml.where(table, number, key)}: {key}: {error}. Give an amount in USD."
        ) from None
    if amount < 0:
        raise ConfigError(
            f"{toml.where(table, number, key)}: {key} is {amount}. It cannot be negative."
        )
    return amount


def _text(
    toml: TomlFile, entry: Mapping[str, Any], key: str, table: str, number: int | None
) -> str | None:
    value = entry.get(key)
    if value is not None and not (isinstance(value, str) and value):
        raise ConfigError(
            f"{toml.where(table, number, key)}: {key} is {shown(value)}. It must be text."
        )
    return value
