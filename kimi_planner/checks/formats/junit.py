"""A report as JUnit XML: one testcase for each prompt, workload or catalog, and model."""

from __future__ import annotations

from html import escape

from kimi_planner.checks.formats.lines import result_line
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.results import CheckResult, Outcome, worst
from kimi_planner.checks.run import CheckReport


def render(report: CheckReport) -> str:
    """Return the report as XML; what is over a limit is a failure, unknown or invalid an error."""
    cases: dict[tuple[str, ...], list[CheckResult]] = {}
    for one in report.results:
        key = (one.path, one.name or "", one.model or "")
        cases.setdefault(key, []).append(one)
    outcomes = [worst(results) for results in cases.values()]
    errors = outcomes.count(Outcome.UNKNOWN) + outcomes.count(Outcome.INVALID)
    counts = (
        f'tests="{len(cases)}" failures="{outcomes.count(Outcome.OVER)}" '
        f'errors="{errors}" skipped="0"'
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="kimi-planner" {counts}>',
        f'<testsuite name="kimi-planner" {counts} time="0">',
        *_properties(report),
        *(_case(key, results) for key, results in cases.items()),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _properties(report: CheckReport) -> list[str]:
    """Return what changed prompts add to a month as properties, if that is known."""
    month = None if report.comparison is None else report.comparison.month
    if month is None:
        return []
    amounts = {"usd": month.usd, "p10_usd": month.p10_usd, "p90_usd": month.p90_usd}
    rows = [
        f'<property name="month_{name}" value="{amount:f}"/>'
        for name, amount in amounts.items()
        if amount is not None
    ]
    return ["<properties>", *rows, "</properties>"]


def _case(key: tuple[str, ...], results: list[CheckResult]) -> str:
    path, name, model = key
    called = name or path
    called += f" [{model}]" if model else ""
    start = f'<testcase classname="{_xml(path)}" name="{_xml(called)}" time="0"'
    loud = [one for one in results if one.outcome is not Outcome.PASSED]
    if not loud:
        return f"{start}/>"
    outcome = worst(loud)
    text = "\n".join(_xml(result_line(one)) for one in loud)
    if outcome is Outcome.WARNING:
        return f"{start}><system-out>{text}</system-out></testcase>"
    first = next(one for one in loud if one.outcome is outcome)
    tag = "failure" if outcome is Outcome.OVER else "error"
    return (
        f'{start}><{tag} type="{first.rule}" message="{_xml(first.message)}">{text}</{tag}>'
        "</testcase>"
    )


def _xml(text: str) -> str:
    """Return text for XML, which allows no control characters, not even escaped."""
    return escape(visible(text))
