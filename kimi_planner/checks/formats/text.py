"""A report for a terminal: results worst first, then what changed since the baseline."""

from __future__ import annotations

from kimi_planner.checks.formats.lines import prompt_line, standing, summary, workload_line
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.results import CheckResult, ordered
from kimi_planner.checks.run import CheckReport

__all__ = ["render", "result_line"]


def render(report: CheckReport, _base: str = "") -> str:
    """Return the report as lines."""
    lines = [result_line(result) for result in ordered(report.results)]
    found = report.comparison
    if found is not None:
        lines += ["", f"Against {found.baseline}, prices of catalog {report.catalog}:"]
        lines += [f"  {note}" for note in found.notes]
        lines += [f"  {prompt_line(one)}" for one in found.prompts]
        lines += [f"  {workload_line(one)}" for one in found.workloads]
        lines += [f"  {standing(found)}", ""]
    lines += [f"Note: {note}" for note in report.notes]
    lines.append(summary(report.results))
    return "\n".join(map(visible, lines)) + "\n"


def result_line(result: CheckResult) -> str:
    """Return a result on one line: outcome, place, message."""
    line = f":{result.line}" if result.line is not None else ""
    return f"{result.outcome.name:<7}  {result.path}{line}: {result.message}"
