"""Sheets that stand beside the live ones, as of the plan: scenarios, waterfalls, sources and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.register import source_sentences
from kimi_planner.report.sentences import traffic_sentences
from kimi_planner.report.table import Section, Table
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.sheet import Sheet, cell, span

SOURCES = "Catalog and sources"
_ENDS = ("before", "after", "planned", "actual")
#: Of the parts of a column that floats; the first only lifts the others.
_FILLS: dict[str, dict[str, Any]] = {
    "below": {"none": True}, "end": {"color": "#1F4E79"},
    "more": {"color": "#C4513E"}, "less": {"color": "#3B8F6B"},
}  # fmt: skip
_USUAL = 10  # columns


def write_section(book: Book, name: str, sections: Sequence[Section]) -> None:
    """Write comparisons on a sheet of their own: tables, and a waterfall of those by cause."""
    many = [one.narrow for part in sections for one in part.tables]
    count = max([_USUAL, *(len(one.headers) for one in many)])
    rows = [row for one in many for row in one.rows]
    rows += [tuple(max(name.split(), key=len, default="") for name in one.headers) for one in many]
    widths = [
        min(16 if at > 1 else 28, max([11, *(len(row[at]) + 1.5 for row in rows if at < len(row))]))
        for at in range(count)
    ]
    sheet = book.sheet(name, (*widths, 3, *[12] * 4))
    sheet.text(0, 0, name, "title")
    row = sheet.paragraph(
        1, "As of the plan: these numbers do not follow the cells.", "grey_wrapped", columns=10
    )
    top = 0
    for section in sections:
        row += 1
        sheet.text(row, 0, section.title, "heading")
        row += 1
        for sentence in section.sentences:
            row = sheet.paragraph(row, sentence, columns=10)
        for table in (one.narrow for one in section.tables):
            row += 1
            top = top or row
            if table.title:
                sheet.text(row, 0, table.title, "strong")
                row += 1
            first, row = row, sheet.table(row, table)
            if table.title.endswith("by cause"):
                row = _write_waterfall(book, sheet, table, (first, row + 1), count + 1)
    sheet.page((row, count - 1), frozen=2, top=top)


def _write_waterfall(
    book: Book, sheet: Sheet, table: Table, rows_at: tuple[int, int], helper: int
) -> int:
    """Draw the last column of a table from its first to its last row as columns that float.

    The table begins at the first of two rows, the chart at the second; return the row after it.
    """
    (first, row), name = rows_at, sheet.raw.get_name()
    last = len(table.headers) - 1
    steps = [(texts[0], float(texts[last].replace(",", ""))) for texts in table.rows]
    sheet.header(first, _FILLS, at=helper)
    reached = 0.0
    for at, (step, amount) in enumerate(steps, first + 1):
        before, reached = reached, amount if step in _ENDS else reached + amount
        parts = [min(before, reached), 0.0, max(amount, 0), max(-amount, 0)]
        if step in _ENDS:
            parts = [0.0, amount, 0.0, 0.0]
        sheet.numbers(at, helper, parts)
    rows = first + 1, first + len(steps)
    series = [
        (words, span(rows, 0, name), span(rows, at, name), {"gap": 40, "fill": _FILLS[words]})
        for at, words in enumerate(_FILLS, helper)
    ]
    title = f"{table.title}, {table.headers[last]}"
    sheet.raw.insert_chart(cell(row, 0), book.chart("column", series, title))
    return row + 18


def write_sources(sheet: Sheet, plan: Recommendation) -> None:
    """Write what the plan rests on: catalog, sources, choices, traffic, and what ranges leave out."""
    projection, catalog = plan.projection, plan.projection.catalog
    sheet.text(0, 0, SOURCES, "title")
    row = 1
    sources = [f"{one.title}, {one.check}." for one in catalog.sources.values()]
    for title, sentences in (
        ("This plan", (plan.booked.sentence, projection.provenance, projection.method)),
        (
            "Catalog",
            (
                f"Version {catalog.version}, sha256 {catalog.sha256}.",
                *source_sentences(catalog),
                *[f"Tax: {catalog.tax}."] * bool(catalog.tax),
            ),
        ),
        ("Sources", sources),
        ("Recommendation", plan.sentences()),
        ("Expected traffic, as planned", traffic_sentences(plan)),
        ("What the ranges leave out", plan.notes or ("Nothing known.",)),
    ):
        row += 1
        sheet.text(row, 0, title, "heading")
        row += 1
        for sentence in sentences:
            row = sheet.paragraph(row, re.sub(r"\.\.$", ".", str(sentence)))
    sheet.page((row, 0))
