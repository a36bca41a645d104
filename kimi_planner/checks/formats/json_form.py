"""A report as JSON, a stable form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kimi_planner.checks.baseline_file import as_text
from kimi_planner.checks.changes import PromptChange, WorkloadChange
from kimi_planner.checks.formats.visible import json_text
from kimi_planner.checks.growth import Comparison
from kimi_planner.checks.results import CheckResult, ordered
from kimi_planner.checks.run import CheckReport

__all__ = ["render"]


def render(report: CheckReport, _base: str = "") -> str:
    """Return the report as JSON; amounts are decimal strings."""
    data = {
        "format": 1,
        "results": [_result(result) for result in ordered(report.results)],
        "baseline": None if report.comparison is None else _comparison(report.comparison),
        "notes": list(report.notes),
    }
    return json_text(data) + "\n"


def _result(result: CheckResult) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "path": result.path,
        "line": result.line,
        "name": result.name,
        "model": result.model,
        "subject": result.subject,
        "outcome": result.outcome.name.lower(),
        "value": _number(result.value),
        "limit": _number(result.limit),
        "message": result.message,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "path": comparison.baseline,
        "prompts": [_change(one) for one in comparison.prompts],
        "workloads": [_change(one) for one in comparison.workloads],
        "unchanged": comparison.unchanged,
        "below": comparison.below,
        "notes": list(comparison.notes),
    }


def _change(change: PromptChange | WorkloadChange) -> dict[str, Any]:
    sides = {"old": change.old, "new": change.new}
    return {
        "state": change.state,
        "line": change.line,
        **{
            side: None if entry is None else {key: as_text(one) for key, one in vars(entry).items()}
            for side, entry in sides.items()
        },
        "causes_usd": {name: _number(amount) for name, amount in change.causes.items()},
    }


def _number(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")
