"""The budget matrix for every form of a report: its tables, and the same as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.table import OVER, Table

__all__ = ["budget_data", "budget_sentence", "budget_tables", "span_name"]

NOT_STATED = "not stated"


def span_name(span: Span) -> str:
    """Return the name of a column; of a quarter or year of which the plan has a part, with that."""
    return span.name if span.is_whole else f"{span.name} ({len(span.months)} months)"


def budget_sentence(matrix: BudgetMatrix) -> str:
    """Return what the amounts are, and what is marked among them."""
    return f"{matrix.sentence} {OVER} stands after what is over the budget of its months."


def budget_tables(matrix: BudgetMatrix) -> tuple[Table, ...]:
    """Return what is booked by workload and month, the budgets beside it, and the sums by cost centre.

    An amount above the budget of its months has `OVER` after it.
    """
    whole = matrix.whole
    spans = tuple(map(span_name, matrix.spans))
    last = ("budget", "variance", "head-room", "in")
    stated = [
        key for key in ("owner", "cost_centre") if any(getattr(row, key) for row in matrix.rows)
    ]
    names = ("workload", *(key.replace("_", " ") for key in stated), "model")

    def cells(row: BudgetRow, *words: str) -> tuple[str, ...]:
        return (*words, *(_amount(row, span) for span in matrix.spans), *_against(row, whole))

    rows = [
        cells(row, row.name, *(getattr(row, key) or NOT_STATED for key in stated), row.model)
        for row in matrix.rows
    ]
    every = matrix.total
    blank = ("",) * (len(names) - 1)
    foot = [cells(every, "all", *blank)] * (len(rows) > 1)
    if every.budget_usd is not None:
        budgets = [usd(every.budget(span) or Decimal(0)) for span in matrix.spans]
        variances = [signed_usd(every.variance(span) or Decimal(0)) for span in matrix.spans]
        foot += [
            (words, *blank, *amounts, *("",) * len(last))
            for words, amounts in (("budget", budgets), ("variance", variances))
        ]
    if matrix.has_lines:
        by_span = [matrix.lines(span) for span in matrix.spans]
        foot += [
            (
                line,
                *blank,
                *(
                    signed_usd(one[line]) if line == "credits" else usd(one[line])
                    for one in by_span
                ),
                *("",) * len(last),
            )
            for line in by_span[0]
        ]
    right = frozenset(range(len(names), len(names) + len(spans) + 3))
    table = Table(
        (*names, *spans, *last), (*rows, *foot), right, title="Budget by month", foot=len(foot)
    )
    return (table, *_by_cost_centre(matrix, spans, last))


def _by_cost_centre(
    matrix: BudgetMatrix, spans: Sequence[str], last: Sequence[str]
) -> tuple[Table, ...]:
    rows = [
        (
            *(row.cost_centre or NOT_STATED, row.owner or NOT_STATED, row.name),
            *(_amount(row, span) for span in matrix.spans),
            *_against(row, matrix.whole),
        )
        for row in matrix.by_cost_centre
    ]
    headers = ("cost centre", "owner", "workloads", *spans, *last)
    right = frozenset(range(3, len(headers) - 1))
    return (Table(headers, tuple(rows), right, title="Budget by cost centre"),) * bool(rows)


def _amount(row: BudgetRow, span: Span) -> str:
    variance = row.variance(span)
    return usd(row.usd(span)) + f" {OVER}" * (variance is not None and variance > 0)


def _against(row: BudgetRow, whole: Span) -> tuple[str, ...]:
    """Return budget and variance of the plan, head-room, and the month of that."""
    budget, variance, room = row.budget(whole), row.variance(whole), row.head_room
    if budget is None or variance is None or room is None:
        return ("no budget", "", "", "")
    return usd(budget), signed_usd(variance), signed_usd(room[0]), room[1]


def budget_data(matrix: BudgetMatrix) -> dict[str, Any]:
    """Return the matrix as plain data for the JSON form; amounts stay exact."""
    rooms = {row.name: row.head_room for row in (*matrix.rows, matrix.total)}
    return {
        "book": matrix.booking.words,
        "rows": matrix.frame,
        "head_room": [
            {"workload": name, "usd": room[0], "month": room[1]}
            for name, room in rooms.items()
            if room is not None
        ],
    }
