"""The budget matrix for every form of a report: its tables, and the same as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.budget import BudgetMatrix, BudgetRow, Span
from kimi_planner.report.table import OVER, Table

NOT_STATED = "not stated"


def span_name(span: Span) -> str:
    """Return the name of a column; of a quarter or year of which the plan has a part, with that."""
    return span.name if span.is_whole else f"{span.name} ({len(span.months)} months)"


def budget_sentence(matrix: BudgetMatrix) -> str:
    """Return what the amounts are, and what is marked among them."""
    return f"{matrix.sentence} {OVER} stands after what is over the budget of its months."


def booked_over(matrix: BudgetMatrix) -> list[str]:
    """Return of each workload that is booked above its budget when first, when by the most, and in all."""
    return [_over_words(row, matrix) for row in matrix.rows if row.over]


def _over_words(row: BudgetRow, matrix: BudgetMatrix) -> str:
    """Return when a workload is booked above its budget, and by how much."""
    months, variance = row.over, row.variance(matrix.whole) or Decimal(0)
    most = max(months, key=lambda month: months[month])
    first, count, total = next(iter(months)), len(months), len(matrix.whole.months)
    if total == 1:
        return f"{row.name} is booked {usd(variance)} {matrix.currency} above its budget."
    when = f"in {count} months of {total}, first in {first}" if count > 1 else f"in {first}"
    by = f", by the most in {most}" * (count > 1)
    whole = f"{usd(abs(variance))} {'over' if variance > 0 else 'below'}"
    return (
        f"{row.name} is booked above its budget {when}{by}: {usd(months[most])} {matrix.currency}. Over all "
        f"{total} months it is {whole} its budget."
    )


def budget_tables(matrix: BudgetMatrix) -> tuple[Table, ...]:
    """Return what is booked by workload and month, the budgets beside it, and the sums by owner and cost centre.

    An amount above the budget of its months has `OVER` after it.
    """
    stated = [
        key for key in ("owner", "cost_centre") if any(getattr(row, key) for row in matrix.rows)
    ]
    names = ("workload", *(key.replace("_", " ") for key in stated), "model")
    rows = [
        ((row.name, *(getattr(row, key) or NOT_STATED for key in stated), row.model), row)
        for row in matrix.rows
    ]
    every = [(("all", *[""] * (len(names) - 1)), matrix.total)] * (len(rows) > 1)
    return (
        _table(matrix, "Budget by month", names, [*rows, *every], len(every), _lines(matrix)),
        *_sums(matrix, ("owner", "cost_centre"), matrix.by_owner),
        *_sums(matrix, ("cost_centre", "owner"), matrix.by_cost_centre),
    )


def _sums(
    matrix: BudgetMatrix, keys: tuple[str, str], groups: Sequence[BudgetRow]
) -> Iterator[Table]:
    """Yield the sums of workloads by the first key, beside it the second, where there are some."""
    names = tuple(key.replace("_", " ") for key in keys)
    rows = [((*(getattr(row, key) or NOT_STATED for key in keys), row.name), row) for row in groups]
    if rows:
        yield _table(matrix, f"Budget by {names[0]}", (*names, "workloads"), rows)


def _table(
    matrix: BudgetMatrix,
    title: str,
    names: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], BudgetRow]],
    sums: int = 0,
    lines: Sequence[tuple[str, list[str]]] = (),
) -> Table:
    """Return rows by month, their budgets beside them where one has some, and lines below the last."""
    has_budget = any(row.budgets is not None for _, row in rows)
    last = ("budget", "variance", "head-room", "in") if has_budget else ()
    headers = (*names, *map(span_name, matrix.spans), *last)
    cells = [
        (
            *words,
            *(_amount(row, span) for span in matrix.spans),
            *_against(row, matrix.whole)[: len(last)],
        )
        for words, row in rows
    ]
    for word, amounts in lines:
        line = (word, *[""] * (len(names) - 1), *amounts)
        cells.append((*line, *[""] * (len(headers) - len(line))))
    right = frozenset(range(len(names), len(headers) - bool(last)))
    return Table(headers, tuple(cells), right, title=title, foot=sums + len(lines))


def _lines(matrix: BudgetMatrix) -> list[tuple[str, list[str]]]:
    """Return what stands below all that is booked: its budget, variance, credits, tax, and what is to pay."""
    every, lines = matrix.total, []
    if every.budgets is not None:
        lines = [
            ("budget", [usd(every.budget(span) or Decimal(0)) for span in matrix.spans]),
            ("variance", [signed_usd(every.variance(span) or Decimal(0)) for span in matrix.spans]),
        ]
    if matrix.has_lines:
        by_span = [matrix.lines(span) for span in matrix.spans]
        lines += [
            (name, [signed_usd(one[name]) if one[name] < 0 else usd(one[name]) for one in by_span])
            for name, amount in by_span[-1].items()
            if amount
        ]
    return lines


def _amount(row: BudgetRow, span: Span) -> str:
    variance = row.variance(span)
    return usd(row.usd(span)) + f" {OVER}" * (variance is not None and variance > 0)


def _against(row: BudgetRow, whole: Span) -> tuple[str, ...]:
    """Return budget and variance of the plan, head-room, and the month of that."""
    budget, variance, room = row.budget(whole), row.variance(whole), row.head_room
    if budget is None or variance is None or room is None:
        return ("no budget", "", "", "")
    return usd(budget), signed_usd(variance), signed_usd(room[0]), room[1]


def chances(plan: Recommendation) -> list[float | None]:
    """Return for each row of the matrix how likely some month of its period is over its budget, if that is told."""
    projection, best, matrix = plan.projection, plan.best, plan.budget_matrix
    spends = [(row, projection.of(row.model, row.name)) for row in matrix.rows]
    found = {
        (row.name, span.name): spend.chance_over(
            row.budget_usd, list(map(matrix.whole.months.index, span.months))
        )
        for row, spend in (*spends, (matrix.total, projection.mix(best)))
        if row.budget_usd is not None
        for span in matrix.spans
    }
    return [
        found.get((row["workload"], row["period"])) if row["line"] == "booked" else None
        for row in matrix.frame.to_dict("records")
    ]


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
