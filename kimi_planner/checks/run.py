"""Budgets held against prompts and workloads: a list of results; never prints or exits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum
from pathlib import Path

from kimi_planner.catalog import Catalog
from kimi_planner.checks.config import CheckConfig, PromptBudget, WorkloadBudget
from kimi_planner.errors import ConfigError, KimiPlannerError, RequestError
from kimi_planner.files import read_text
from kimi_planner.money import from_units, usd
from kimi_planner.tokens.chat import count_messages
from kimi_planner.tokens.text import count_tokens

__all__ = ["CheckResult", "Outcome", "run_checks", "worst"]


class Outcome(IntEnum):
    """How a check ended, best first; the values are exit codes."""

    PASSED = 0
    OVER = 1
    UNKNOWN = 3


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
        tokens, model = _prompt_tokens(path, budget, config.catalog)
        if budget.max_tokens is not None:
            yield _result(
                name,
                "tokens",
                Decimal(tokens),
                Decimal(budget.max_tokens),
                f"{tokens:,} tokens",
                f"{budget.max_tokens:,}",
            )
        if budget.max_usd is not None and model is not None:
            rates = config.catalog.model(model).rates()
            price = from_units(tokens * rates.input, rates.places)
            yield _result(
                name,
                "prompt cost",
                price,
                budget.max_usd,
                f"{price:f} USD a call on {model}",
                f"{budget.max_usd:f}",
            )


def _prompt_tokens(path: Path, budget: PromptBudget, catalog: Catalog) -> tuple[int, str | None]:
    """Return the tokens of a file, and the model they are counted and priced for."""
    text = read_text(path)
    if budget.kind == "text":
        return count_tokens(text), budget.model or budget.default_model
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"{path}: not JSON ({error}). A request body is one JSON object."
        ) from None
    if not isinstance(body, Mapping) or "messages" not in body:
        raise RequestError(f"{path}: no messages. A request body has the key 'messages'.")
    model = budget.model or body.get("model") or budget.default_model
    if not isinstance(model, str):
        raise RequestError(
            f"{path}: no model. Name one in the body, or as model in {budget.where}."
        )
    try:
        return count_messages(body["messages"], model, body.get("tools"), catalog=catalog), model
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
    projection = project(
        workloads, budget.months, models=budget.model, as_of=as_of, catalog=config.catalog
    )
    month, amount = projection.of(budget.model).worst_month(budget.percentile / 100)
    percentile, subject = f"P{budget.percentile:g}", budget.name or "all workloads"
    return _result(
        budget.path,
        f"{percentile} monthly spend",
        amount,
        budget.max_usd_per_month,
        f"{percentile} of {subject} on {budget.model} is {usd(amount)} USD in "
        f"{projection.months[month]}",
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
