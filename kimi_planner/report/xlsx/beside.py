"""Sheets that stand beside the live ones, as of the plan: scenarios, waterfalls, sources and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.register import source_sentences
from kimi_planner.report.sentences import traffic_sentences
from kimi_planner.report.table import Section, Table
from kimi_planner.report.xlsx.book import Book, Sheet, cell, span

__all__ = ["SOURCES", "write_section", "write_sources"]

SOURCES = "Catalog and sources"
_ENDS = ("before", "after", "planned", "actual")
_COLOURS = {"end": "#1F4E79", "up": "#C4513E", "down": "#3B8F6B"}
_USUAL = 10  # columns


def write_section(book: Book, name: str, sections: Sequence[Section]) -> None:
    """Write comparisons on a sheet of their own: tables, and a waterfall of those by cause."""
    many = [one.narrow for part in sections for one in part.tables]
    count = max([_USUAL, *(len(one.headers) for one in many)])
    others = 20 if count == _USUAL else 12  # as a page must hold them all
    sheet = book.sheet(name, (34, others + 2, *[others] * (count - 2), 3, *[12] * 4))
    sheet.text(0, 0, name, "title")
    row = sheet.paragraph(
        1, "As of the plan: these numbers do not follow the cells.", "muted", columns=10
    )
    breaks = []
    for section in sections:
        row += 1
        breaks.append(row)
        sheet.text(row, 0, section.title, "heading")
        row += 1
        for sentence in section.sentences:
            row = sheet.paragraph(row, sentence, columns=10)
        for table in (one.narrow for one in section.tables):
            row += 1
            if table.title:
                sheet.text(row, 0, table.title, "strong")
                row += 1
            first, row = row, sheet.table(row, table)
            if table.title.endswith("by cause"):
                row = _write_waterfall(book, sheet, table, (first, row + 1), count + 1)
    sheet.raw.set_h_pagebreaks(breaks[1:])
    sheet.raw.print_area(0, 0, row, count - 1)


def _write_waterfall(
    book: Book, sheet: Sheet, table: Table, rows_at: tuple[int, int], helper: int
) -> int:
    """Draw the last column of a table from its first to its last row as columns that float.

    The table begins at the first of two rows, the chart at the second; return the row after it.
    """
    (first, row), name = rows_at, sheet.raw.get_name()
    last = len(table.headers) - 1
    steps = [(texts[0], float(texts[last].replace(",", ""))) for texts in table.rows]
    sheet.header(first, ("below", "end", "more", "less"), at=helper)
    reached = 0.0
    for at, (step, amount) in enumerate(steps, first + 1):
        is_end = step in _ENDS
        before, reached = (0.0, amount) if is_end else (reached, reached + amount)
        low = 0.0 if is_end else min(before, reached)
        for column, value in enumerate(
            (low, amount * is_end, max(amount, 0) * (not is_end), max(-amount, 0) * (not is_end)),
            helper,
        ):
            sheet.number(at, column, value, "planned")
    rows = first + 1, first + len(steps)
    series = [
        {
            "name": words,
            "categories": f"={span(rows, 0, name)}",
            "values": f"={span(rows, helper + at, name)}",
            "colour": colour,
        }
        for at, (words, colour) in enumerate(
            (
                ("below", None),
                ("end", _COLOURS["end"]),
                ("more", _COLOURS["up"]),
                ("less", _COLOURS["down"]),
            )
        )
    ]
    sheet.raw.insert_chart(
        cell(row, 0), book.column_chart(series, f"{table.title}, {table.headers[last]}")
    )
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
