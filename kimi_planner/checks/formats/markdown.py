"""A report as a comment in Markdown, with a hidden mark by which the next run finds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from kimi_planner.checks.changes import MonthChange, PromptChange, WorkloadChange
from kimi_planner.checks.formats.changed import (
    causes,
    dollars,
    headline,
    month_causes,
    standing,
    was,
)
from kimi_planner.checks.formats.lines import breaches, covered, summary
from kimi_planner.checks.formats.visible import visible
from kimi_planner.checks.growth import WITH_CHANGES, Comparison, moved
from kimi_planner.checks.results import CheckResult, Outcome
from kimi_planner.checks.run import CheckReport
from kimi_planner.money import signed_usd, usd
from kimi_planner.notes import counted

#: What a comment starts with, unseen.
MARK = "<!-- kimi-planner -->"
MAX_COMMENT_BYTES = 64_000  # GitHub takes 65,536 characters
MAX_CELL = 300
MAX_NOTES = 20

# All that GitHub's Markdown acts on inside a line, also what would notify people or make a link.
_ACTIVE = re.compile(r"[\\`*_\[\]<>|~@&#!$\"']|:(?=//)|(?i:w)(?=ww\.)")
_LEAD = {
    Outcome.INVALID: "**bad input**",
    Outcome.UNKNOWN: "unknown",
    Outcome.OVER: "**over**",
    Outcome.WARNING: "warning",
}


def render(report: CheckReport) -> str:
    """Return the comment; rows that have no room are counted in it."""
    return document(report, MAX_COMMENT_BYTES)


def document(report: CheckReport, room: int) -> str:
    """Return the report within so many bytes, the worst rows first."""
    head = [MARK, f"### kimi-planner: {summary(report.results)}"]
    if report.comparison is not None:
        head += [f"**{safe(line)}**" for line in headline(report.comparison)]
    held = [one.message for one in report.results if _is_of_a_month(one)]
    notes = [*held, *report.notes, *(report.comparison.notes if report.comparison else ())]
    head += [f"- {safe(note)}" for note in notes[:MAX_NOTES]]
    if len(notes) > MAX_NOTES:
        head.append(f"- {counted(len(notes) - MAX_NOTES, 'more note')} left out")
    tables = [_Rows("", ("", "where", "what"), [_result(one) for one in breaches(report)])]
    tail = []
    if report.coverage is not None:
        texts = [
            (_code(f"{one.path}:{one.line}"), _code(one.name or ""), f"{one.tokens:,}")
            for one in report.coverage.left_out
        ]
        tables.append(
            _Rows("Not counted, though they look like prompts", ("where", "name", "tokens"), texts)
        )
        tail.append(safe(covered(report.coverage)))
    if report.comparison is not None:
        one = report.comparison
        since = "the baseline" if one.is_file else safe(one.baseline)
        tables += [
            _Rows(
                "USD a month",
                ("prompt", "then -> now", "change", "P10", "P90", "because of"),
                _months(one),
            ),
            _Rows(
                f"Prompts since {since}",
                ("prompt", "tokens", "USD a call", "because of"),
                [_prompt(change) for change in one.prompts],
            ),
            _Rows(
                f"Workloads since {since}",
                ("workload", "USD a month", "P50", "P90", "because of"),
                [_workload(change) for change in one.workloads],
            ),
        ]
        tail.append(safe(f"Against {one.baseline}: {standing(one)}."))
    tail.append(safe(f"Prices of catalog {report.catalog}."))
    tables = [table for table in tables if table.rows]
    fixed = [*head, *tail, *(table.start for table in tables)]
    left = room - sum(len(text.encode()) + 2 for text in fixed) - 100 * len(tables)
    body = []
    for number, table in enumerate(tables):
        text = table.within(left // (len(tables) - number))
        left -= len(text.encode())
        body.append(text)
    return "\n\n".join([*_joined(head), *body, *tail]) + "\n"


def safe(text: str) -> str:
    """Return text that is shown as it is spelled, wherever it stands in a line."""
    text = visible(text)
    text = text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
    return _ACTIVE.sub(lambda mark: f"&#{ord(mark[0])};", text)


class _Rows:
    """A table of which as many rows are shown as there is room for."""

    def __init__(self, title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        titled = [f"**{title}**", ""] if title else []
        self.start = "\n".join([*titled, _row(headers), "|" + "---|" * len(headers)])
        self.rows = [_row(row) for row in rows]

    def within(self, room: int) -> str:
        """Return the table with the rows that so many bytes hold, and how many are left out."""
        ends = accumulate(len(row.encode()) + 1 for row in self.rows)
        shown = [row for row, end in zip(self.rows, ends, strict=True) if end <= room]
        text = "\n".join([self.start, *shown])
        rest = len(self.rows) - len(shown)
        return f"{text}\n\n{counted(rest, 'more row')} left out." if rest else text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _joined(head: Sequence[str]) -> list[str]:
    return ["\n".join(lines) for lines in (head[:2], head[2:]) if lines]


def _code(text: str) -> str:
    return f"<code>{safe(text)}</code>"


def _result(result: CheckResult) -> tuple[str, ...]:
    line = f":{result.line}" if result.line is not None else ""
    return (_LEAD[result.outcome], _code(f"{result.path}{line}"), safe(result.message))


def _is_of_a_month(result: CheckResult) -> bool:
    """Whether a result holds what changed prompts add to a month, so that it is shown if it passed too."""
    return result.rule == "month-growth" or result.subject.endswith(WITH_CHANGES)


def _months(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return what each prompt adds to a month, and all together where they are several."""
    rows = [(_called(one), one.month) for one in comparison.prompts if one.month is not None]
    if comparison.month is not None and len(rows) != 1:
        rows.append(("**all prompts that changed**", comparison.month))
    return [(called, *_month(month)) for called, month in rows]


def _month(month: MonthChange) -> tuple[str, ...]:
    ends = ["" if end is None else usd(end) for end in (month.p10_usd, month.p90_usd)]
    then_now = f"{usd(month.old_usd)} -> {usd(month.new_usd)}"
    return (then_now, signed_usd(month.usd), *ends, month_causes(month))


def _called(change: PromptChange) -> str:
    one = change.entry
    called = _code(f"{one.path} {one.name}" if one.name else one.path)
    called += f" on {safe(one.model)}" if one.model else ""
    return called + safe(was(change))


def _prompt(change: PromptChange) -> tuple[str, ...]:
    one, called = change.entry, _called(change)
    if change.both is None:
        return (f"{called} ({change.state})", f"{one.tokens:,}", dollars(one.cost_usd), "")
    old, new = change.both
    if change.costs is None:
        cost = f"{dollars(old.cost_usd)} -> {dollars(new.cost_usd)}"
    else:
        cost = moved(*change.costs, "", dollars)
    return (called, moved(old.tokens, new.tokens), cost, causes(change))


def _workload(change: WorkloadChange) -> tuple[str, ...]:
    one = change.entry
    called = f"{_code(f'{one.path} {one.name}')} on {safe(one.model)}"
    if change.both is None:
        amounts = [change.monthly(usd) for usd in (one.mean_usd, one.p50_usd, one.p90_usd)]
        return (f"{called} ({change.state})", *amounts, "")
    old, new = change.both
    pairs = (
        (old.mean_usd, new.mean_usd),
        (old.p50_usd, new.p50_usd),
        (old.p90_usd, new.p90_usd),
    )
    return (called, *(moved(*pair, "", change.monthly) for pair in pairs), causes(change))
