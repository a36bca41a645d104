"""A report for a terminal: results worst first, then what changed since the baseline."""

from __future__ import annotations

from kimi_planner.checks.formats.lines import coverage_lines, result_line, summary
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.results import ordered
from kimi_planner.checks.run import CheckReport


def failures(report: CheckReport) -> str:
    """Return a line for each result that did not pass; nothing where all passed."""
    failed = ordered(one for one in report.results if not one.outcome.passes)
    return "".join(f"{visible(result_line(one))}\n" for one in failed)


def render(report: CheckReport) -> str:
    """Return the report as lines."""
    lines = [result_line(result) for result in ordered(report.results)]
    found = report.comparison
    if found is not None:
        from kimi_planner.checks.formats.changed import changed_lines

        lines += ["", f"Against {found.baseline}, prices of catalog {report.catalog}:"]
        lines += [*(f"  {line}" for line in changed_lines(found)), ""]
    if report.coverage is not None:
        lines += ["", *coverage_lines(report.coverage), ""]
    lines += [f"Note: {note}" for note in report.notes]
    lines.append(summary(report.results))
    return "\n".join(map(visible, lines)) + "\n"
