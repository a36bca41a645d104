"""A report as GitHub annotations, one a prompt and at most ten, and the rest for the summary of the step.

Forms: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from kimi_planner.checks.formats.changed import changed_lines, headline
from kimi_planner.checks.formats.lines import breaches, coverage_lines, result_line, summary
from kimi_planner.checks.formats.markdown import document
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.results import CheckResult, Outcome
from kimi_planner.checks.run import CheckReport
from kimi_planner.notes import counted

MAX_ANNOTATIONS = 10  # of a kind that a step shows; both kinds together stay below it
MAX_SUMMARY_BYTES = 1024 * 1024


def render(report: CheckReport) -> str:
    """Return what a step prints: annotations worst first, then what has no room among them."""
    things: dict[tuple[str, int | None, str | None], list[CheckResult]] = {}
    for one in breaches(report):
        things.setdefault((one.path, one.line, one.name), []).append(one)
    found = list(things.values())
    lines = [_annotation(results) for results in found[:MAX_ANNOTATIONS]]
    rest = [one for results in found[MAX_ANNOTATIONS:] for one in results]
    if rest:
        lines.append(f"{counted(len(rest), 'more result')} without an annotation:")
        lines += [_plain(result_line(one)) for one in rest]
    if report.comparison is not None:
        for line in headline(report.comparison):
            lines.append(f"::notice title=kimi-planner month::{_data(line)}")
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


def _annotation(results: Sequence[CheckResult]) -> str:
    """Return all that is wrong with a prompt, or another thing, the worst first and a line each."""
    worst = results[0]
    command = "warning" if worst.outcome is Outcome.WARNING else "error"
    line = "" if worst.line is None else f",line={worst.line}"
    file = _property(worst.path)
    rules = ", ".join(dict.fromkeys(one.rule for one in results))
    title = _property(f"kimi-planner {rules}")
    return f"::{command} file={file}{line},title={title}::{'%0A'.join(_data(one.message) for one in results)}"


def _data(text: str) -> str:
    """Escape a line of the message of a command."""
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    """Escape a property of a command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """Return a line that the runner does not take for a command, also of its older form."""
    text = visible(text).replace("##[", "#\\x23[")
    return text.replace("::", ":\\x3a", 1) if text.lstrip().startswith("::") else text
