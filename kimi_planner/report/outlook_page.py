"""The month-end page: a latest estimate as a picture and tables that a team keeps open."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.forecast.estimate import LatestEstimate, Limit
from kimi_planner.money import signed_usd, total, usd
from kimi_planner.report.pages import drawn, page_of
from kimi_planner.report.table import OVER, Section, Table
from kimi_planner.rich import share_text

_MOST_DAYS = 62  # of a table by day; of a longer period the ends of months are shown
_UPRIGHT = (4.2, 5.0)  # inches
_QUANTILES = {"P10": "p10_usd", "P50": "p50_usd", "P90": "p90_usd"}


def outlook_section(found: LatestEstimate) -> Section:
    """Return a latest estimate as a part of a report: the answer, limits, days, and parts."""
    from kimi_planner.report.forecast_rates import exchange_tables
    from kimi_planner.report.outlook import parts_table

    limits = limits_table(found)
    return Section(
        title=f"Latest estimate, {found.period.name}",
        sentences=found.sentences,
        tables=(
            *[limits] * bool(limits.rows),
            *exchange_tables(found),
            days_table(found),
            parts_table(found),
        ),
        drawn=(("outlook", found),),
    )


def limits_table(found: LatestEstimate) -> Table:
    """Return the end of the period against the budget and the plan: gap, chance, and day of the breach."""
    rows = [
        (
            name,
            usd(limit.usd),
            usd(found.actual_usd),
            usd(found.expected_usd),
            signed_usd(limit.gap_usd),
            f"{'at least ' * limit.is_lower_bound}{share_text(limit.chance)}",
            _breach(limit, limit.day),
            _breach(limit, limit.earliest_day),
            "–" if limit.left_usd_per_day is None else usd(limit.left_usd_per_day),
        )
        for name, limit in (("budget", found.budget), ("plan", found.plan))
        if limit is not None
    ]
    currency = found.catalog.currency
    headers = (
        *("against", currency, "spent", "expected end", "over by", "chance to end above"),
        *("passed on", "at the earliest", "left a day"),
    )
    title = f"Against budget and plan ({currency})"
    return Table(headers, tuple(rows), frozenset(range(1, 9)), title=title)


def _breach(limit: Limit, day: Any) -> str:
    return "not in this period" if day is None else str(day)


def days_table(found: LatestEstimate) -> Table:
    """Return a row for each day: what was spent, what is to come by then, and what it leaves of the budget."""
    rows, left = [], found.budget_usd
    for row in _days(found):
        p50 = row["P50"]
        over = left is not None and float(left) < p50
        rows.append(
            (
                str(row["day"]),
                row["kind"],
                "" if row["spent"] is None else usd(row["spent"]),
                *(usd(row[name]) for name in _QUANTILES),
                *([] if left is None else [signed_usd(float(left) - p50) + f" {OVER}" * over]),
            )
        )
    headers = ["day", "state", "spent that day", *(f"{name} to date" for name in _QUANTILES)]
    headers += [] if left is None else ["budget left"]
    return Table(
        tuple(headers),
        tuple(rows),
        frozenset(range(2, len(headers))),
        title=f"By day ({found.catalog.currency}, to date)",
    )


def _days(found: LatestEstimate) -> list[dict[str, Any]]:
    """Return day, whether it was spent or is to come, and quantiles of the spend up to its end."""
    spent = list(accumulate(found.daily["actual_usd"], lambda *both: total(both)))
    rows: list[dict[str, Any]] = [
        {"day": day, "kind": "spent", "spent": amount, **dict.fromkeys(_QUANTILES, float(sofar))}
        for day, amount, sofar in zip(
            found.daily["day"], found.daily["actual_usd"], spent, strict=True
        )
    ]
    if found.ahead is not None:
        steps = np.concatenate([[0.0], found.ahead.steps])
        frame, base = found.ahead.frame, float(found.actual_usd)
        for day in pd.date_range(found.ended.date(), found.period.until, inclusive="left"):
            after = ((day + pd.Timedelta(days=1)).tz_localize("UTC") - found.ended).total_seconds()
            amounts = {
                name: base + float(np.interp(after, steps, [0.0, *frame[key]]))
                for name, key in _QUANTILES.items()
            }
            row = {"day": day.date(), "kind": "forecast", "spent": None}
            if rows and rows[-1]["day"] == row["day"]:  # the log ended on this day
                row = rows.pop() | {"kind": "spent in part"}
            rows.append(row | amounts)
    if len(rows) <= _MOST_DAYS:
        return rows
    months = {f"{row['day']:%Y-%m}": row for row in rows}  # the last day of each
    return [row | {"spent": None} for row in months.values()]


def outlook_page(found: LatestEstimate) -> str:
    """Return a latest estimate as one HTML page, without any script or reference to another file.

    Raises
    ------
    MissingExtraError
        If Jinja2 is not installed.
    """
    from kimi_planner import plot

    section = outlook_section(found)
    limits = [one for one in (found.budget, found.plan) if one is not None]
    notes = tuple(map(str, found.notes)) or ("Nothing known.",)
    return page_of(
        "outlook.html.j2",
        section=section,
        over={place for place, one in enumerate(limits, 1) if one.gap_usd > 0},
        sections=[
            *(Section(table.title, (), (table,)) for table in section.tables),
            Section("What to know", notes, ()),
        ],
        pictures=drawn(lambda: [plot.outlook(found)]),
        upright=drawn(lambda: [plot.outlook(found, ax=_upright(), title="", caption="")]),
        provenance=found.provenance,
    )


def _upright() -> Any:
    """Return axes as narrow as the screen of a telephone."""
    from matplotlib import pyplot as plt

    return plt.figure(figsize=_UPRIGHT, layout="constrained").add_subplot()


def outlook_xlsx(found: LatestEstimate) -> bytes:
    """Return a latest estimate as a workbook: the answer, a chart, and the tables as numbers.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.
    """
    from kimi_planner.report.xlsx.book import Book

    section = outlook_section(found)
    book = Book(section.title, found.as_of, found.provenance)
    sheet = book.sheet("Month end", (14, 16, *[16] * 7, 3, *[12] * 5))
    sheet.text(0, 0, section.title, "title")
    row = 1
    for sentence in (*section.sentences, *map(str, found.notes), found.provenance):
        row = sheet.paragraph(row, sentence, columns=9)
    helper = _write_lines(book, sheet, found, row + 1)
    row += helper
    for table in section.tables:
        sheet.text(row, 0, table.title, "strong")
        row = sheet.table(row + 1, table) + 1
    sheet.page((row, 8))
    return book.finished()


def _write_lines(book: Any, sheet: Any, found: LatestEstimate, row: int) -> int:
    """Draw spend to date, its range ahead and the budget as lines; return the rows that it takes."""
    from kimi_planner.report.xlsx.sheet import cell, span

    days, first, column = _days(found), 1, 10
    names: Sequence[str] = [*_QUANTILES, *(["budget"] if found.budget_usd is not None else [])]
    sheet.header(0, ("day", *names), at=column)
    for at, one in enumerate(days, first):
        sheet.day(at, column, one["day"])
        for place, name in enumerate(names, column + 1):
            amount = float(found.budget_usd or 0) if name == "budget" else one[name]
            sheet.number(at, place, amount, "grey_money")
    rows = first, first + len(days) - 1
    series = [
        (name, span(rows, column, "Month end"), span(rows, place, "Month end"))
        for place, name in enumerate(names, column + 1)
    ]
    title = f"{found.catalog.currency} to date"
    sheet.raw.insert_chart(cell(row, 0), book.line_chart(series, title))
    return 19
