"""A report as JSON, a stable form."""

from __future__ import annotations

from kimi_planner.checks.baseline_file import as_text
from kimi_planner.checks.changes import MonthChange, PromptChange, WorkloadChange
from kimi_planner.checks.coverage import Coverage
from kimi_planner.checks.formats.visible import json_text
from kimi_planner.checks.growth import Comparison
from kimi_planner.checks.results import CheckResult, ordered
from kimi_planner.checks.run import CheckReport


def render(report: CheckReport) -> str:
    """Return the report as JSON; amounts are decimal strings."""
    data: dict[str, object] = {
        "format": 1,
        "results": [_result(result) for result in ordered(report.results)],
        "baseline": None if report.comparison is None else _comparison(report.comparison),
        "notes": list(report.notes),
    }
    if report.coverage is not None:
        data["coverage"] = _coverage(report.coverage)
    return json_text(data) + "\n"


def _result(result: CheckResult) -> dict[str, object]:
    fields = {"rule": result.rule, **as_text(vars(result))}
    return {**fields, "outcome": result.outcome.name.lower()}


def _coverage(coverage: Coverage) -> dict[str, object]:
    return {
        "counted_tokens": coverage.counted_tokens,
        "left_out_tokens": coverage.left_out_tokens,
        "files": [as_text(vars(one)) for one in coverage.files],
        "left_out": [as_text(vars(one)) for one in coverage.left_out],
    }


def _comparison(comparison: Comparison) -> dict[str, object]:
    return {
        "path": comparison.baseline,
        "month": _month(comparison.month),
        "prompts": [{**_change(one), "month": _month(one.month)} for one in comparison.prompts],
        "workloads": [_change(one) for one in comparison.workloads],
        "unchanged": comparison.unchanged,
        "below": comparison.below,
        "notes": list(comparison.notes),
    }


def _month(month: MonthChange | None) -> dict[str, object] | None:
    return None if month is None else as_text(vars(month))


def _change(change: PromptChange | WorkloadChange) -> dict[str, object]:
    return {
        "state": change.state,
        "line": change.line,
        "old": as_text(change.old and vars(change.old)),
        "new": as_text(change.new and vars(change.new)),
        "causes_usd": as_text(change.causes),
    }
