"""A latest estimate as a page that a team keeps open, and as a workbook: a picture and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kimi_planner.forecast.estimate import LatestEstimate
from kimi_planner.report.outlook import TO_DATE, days_of, outlook_section
from kimi_planner.report.pages import drawn, page_of
from kimi_planner.report.table import Section

_UPRIGHT = (4.2, 5.0)  # inches


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

    days, first, column = days_of(found), 1, 10
    names: Sequence[str] = [*TO_DATE, *(["budget"] if found.budget_usd is not None else [])]
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
