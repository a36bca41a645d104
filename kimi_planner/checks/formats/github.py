"""A report as GitHub annotations, at most ten, and the rest for the summary of the step.

Forms: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

from kimi_planner.checks.formats.changed import changed_lines
from kimi_planner.checks.formats.lines import counted, coverage_lines, result_line, summary
from kimi_planner.checks.formats.markdown import document
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.results import CheckResult, Outcome, ordered
from kimi_planner.checks.run import CheckReport

__all__ = ["MAX_SUMMARY_BYTES", "render", "step_summary"]

MAX_ANNOTATIONS = 10  # of a kind that a step shows; both kinds together stay below it
MAX_SUMMARY_BYTES = 1024 * 1024


def render(report: CheckReport) -> str:
    """Return what a step prints: annotations worst first, then what has no room among them."""
    found = [one for one in ordered(report.results) if one.outcome is not Outcome.PASSED]
    lines = [_annotation(one) for one in found[:MAX_ANNOTATIONS]]
    rest = found[MAX_ANNOTATIONS:]
    if rest:
        lines.append(f"{counted(len(rest), 'more result')} without an annotation:")
        lines += [_plain(result_line(one)) for one in rest]
    if report.comparison is not None:
        lines += map(_plain, changed_lines(report.comparison))
    if report.coverage is not None:
        lines += map(_plain, coverage_lines(report.coverage))
    lines += [_plain(f"Note: {note}") for note in report.notes]
    lines.append(summary(report.results))
    return "\n".join(lines) + "\n"


def step_summary(report: CheckReport, room: int = MAX_SUMMARY_BYTES) -> str:
    """Return Markdown for the file that ``GITHUB_STEP_SUMMARY`` names, within ``room`` bytes.

    Nothing, if there is no room for the head of it: GitHub shows no summary that is too long.
    """
    room = min(room, MAX_SUMMARY_BYTES)
    text = document(report, room)
    return text if len(text.encode()) <= room else ""


def _annotation(result: CheckResult) -> str:
    command = "warning" if result.outcome is Outcome.WARNING else "error"
    line = "" if result.line is None else f",line={result.line}"
    file = _property(result.path)
    title = _property(f"kimi-planner {result.rule}")
    return f"::{command} file={file}{line},title={title}::{_data(result.message)}"


def _data(text: str) -> str:
    """Escape the message of a command."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """Return a line that the runner does not take for a command, also of its older form."""
    text = visible(text).replace("##[", "#\\x23[")
    return text.replace("::", ":\\x3a", 1) if text.lstrip().startswith("::") else text
