"""A report as GitLab's Code Quality JSON: an entry for each breach, an empty list where there is none.

Form: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

from kimi_planner.checks.formats.lines import fingerprinted
from kimi_planner.checks.formats.visible import json_text, visible
from kimi_planner.checks.results import Outcome
from kimi_planner.checks.run import CheckReport

SEVERITIES = {
    Outcome.WARNING: "minor",
    Outcome.OVER: "major",
    Outcome.UNKNOWN: "critical",
    Outcome.INVALID: "blocker",
}


def render(report: CheckReport) -> str:
    """Return the report as JSON; what belongs to all of a file stands at its first line."""
    entries = [
        {
            "description": visible(one.message),
            "check_name": one.rule,
            "fingerprint": fingerprint,
            "severity": SEVERITIES[one.outcome],
            "location": {"path": one.path, "lines": {"begin": one.line or 1}},
        }
        for one, fingerprint in fingerprinted(report)
    ]
    return json_text(entries) + "\n"
