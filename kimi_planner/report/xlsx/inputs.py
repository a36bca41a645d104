"""The sheets whose cells can be changed: prices, and assumptions."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_planner.plan.projection import Projection
from kimi_planner.report.tables import assumptions_table, source_sentences
from kimi_planner.report.xlsx.book import Book, Sheet, cell
from kimi_planner.report.xlsx.live import Assumed, Prices

__all__ = [
    "ASSUMED",
    "ASSUMPTIONS",
    "FEE",
    "PRICES",
    "assumed_rows",
    "price_rows",
    "write_assumptions",
    "write_prices",
]

PRICES, ASSUMPTIONS = "Prices", "Assumptions"
_FIRST_PRICE = 3
_FACTORS = (
    ("traffic_factor", "traffic x", "All requests, times this."),
    ("answer_factor", "answers x", "Tokens of all visible answers, times this."),
    ("reasoning_factor", "reasoning x", "Tokens of all chains of thought, times this."),
)
_FIRST_FACTOR = 4
_HEADER = _FIRST_FACTOR + len(_FACTORS) + 1
#: Columns of the assumptions of a workload.
ASSUMED = {
    "requests_per_day": 1,
    "prompt_tokens": 2,
    "cached_share": 3,
    "answer_tokens": 4,
    "reasoning_tokens": 5,
}
FEE = 6


def price_rows(prices: Sequence[Prices]) -> dict[str, int]:
    """Return the row of each model on the sheet of prices."""
    return {one.model: _FIRST_PRICE + 1 + place for place, one in enumerate(prices)}


def assumed_rows(assumed: Sequence[Assumed]) -> dict[str, int]:
    """Return the row of each workload on the sheet of assumptions."""
    return {one.workload: _HEADER + 1 + place for place, one in enumerate(assumed)}


def write_prices(sheet: Sheet, projection: Projection, prices: Sequence[Prices]) -> None:
    """Write a row for each model, the fees, and what is said of the sources."""
    catalog = projection.catalog
    sheet.text(0, 0, f"Prices: catalog {catalog.version}", "title")
    sheet.paragraph(
        1,
        f"USD per 1,000,000 tokens on {projection.months[0].first}. Change a yellow cell, and every "
        "total follows.",
        "muted",
    )
    sheet.header(
        _FIRST_PRICE,
        ("model", "name", "input", "cached input", "output", "checked on", "source", "note"),
        texts=2,
    )
    for column, name in enumerate(("checked on", "source", "note"), start=5):
        sheet.text(_FIRST_PRICE, column, name, "header_beside")
    for one, row in zip(prices, price_rows(prices).values(), strict=True):
        sheet.text(row, 0, one.model)
        sheet.text(row, 1, one.name)
        sheet.number(row, 2, float(one.input), "input_price")
        if one.cached is None:
            sheet.formula(row, 3, cell(row, 2), float(one.input), "input_price")
            sheet.text(row, 7, "no cached price is stated: billed as input", "aside")
        else:
            sheet.number(row, 3, float(one.cached), "input_price")
        sheet.number(row, 4, float(one.output), "input_price")
        for column in (2, 3, 4):
            sheet.limit(row, column)
        sheet.text(row, 5, one.checked, "beside")
        sheet.text(row, 6, one.source, "beside")
    row = _FIRST_PRICE + len(prices) + 2
    if catalog.fees:
        sheet.header(row, ("fee", "", "USD a call", "", "", "", "what it is", ""), texts=2)
        sheet.text(row, 6, "what it is", "header_beside")
        for fee in catalog.fees:
            row += 1
            sheet.text(row, 0, fee.name)
            sheet.number(row, 2, float(fee.usd_per_call), "input_price")
            sheet.limit(row, 2)
            sheet.text(row, 6, fee.note, "beside")
        row += 2
    for sentence in source_sentences(catalog):
        row = sheet.paragraph(row, sentence)
    if catalog.tax:
        row = sheet.paragraph(row, f"Tax: {catalog.tax}.")
    sheet.table_page(_FIRST_PRICE, 1)


def write_assumptions(
    book: Book, sheet: Sheet, projection: Projection, assumed: Sequence[Assumed], models: int
) -> None:
    """Write what can be changed, then every assumption as it was given."""
    sheet.text(0, 0, "Assumptions", "title")
    sheet.paragraph(
        1,
        "Change a yellow cell, and every total follows in proportion. Limits of answers, context "
        "windows and the history of conversations are not worked out anew: plan again for these.",
        "muted",
    )
    sheet.text(_FIRST_FACTOR - 1, 0, "What if", "heading")
    for place, (name, words, meaning) in enumerate(_FACTORS):
        row = _FIRST_FACTOR + place
        sheet.text(row, 0, words)
        sheet.number(row, 1, 1.0, "input_factor")
        sheet.limit(row, 1)
        sheet.text(row, 2, meaning, "aside")
        book.define(name, cell(row, 1, ASSUMPTIONS))
    sheet.header(
        _HEADER,
        (
            "workload",
            "requests a day, mean",
            "prompt tokens a call",
            "cached share of them",
            "answer tokens a call",
            "reasoning tokens a call",
            "fees a request, USD",
        ),
        texts=1,
    )
    sheet.text(_HEADER, 7, "source", "header_beside")
    fees = {fee.name: place for place, fee in enumerate(projection.catalog.fees)}
    for one, row in zip(assumed, assumed_rows(assumed).values(), strict=True):
        sheet.text(row, 0, one.workload)
        for name, column in ASSUMED.items():
            style = "input_share" if name == "cached_share" else "input_count"
            sheet.number(row, column, getattr(one, name), style)
            sheet.limit(row, column, 1 if name == "cached_share" else None)
        if one.fees:
            terms = (
                f"{count}*{cell(_FIRST_PRICE + models + 3 + fees[name], 2, PRICES)}"
                for name, count in one.fees.items()
            )
            sheet.formula(row, FEE, "+".join(terms), float(one.fee_usd), "input_price")
        else:
            sheet.number(row, FEE, 0, "input_price")
        sheet.text(row, 7, one.source, "beside")
    row = _HEADER + len(assumed) + 1
    row = sheet.paragraph(
        row,
        "Tokens are those of a mean call as billed: with the history that a conversation sends again, "
        "after its limits, and with retries.",
        "muted",
    )
    sheet.text(row + 1, 0, "As they were given", "heading")
    table = assumptions_table(projection)
    row += 2
    sheet.header(row, (*table.headers[:2], "", table.headers[2], *[""] * 4), texts=8)
    for workload, key, value in table.rows:
        row += 1
        sheet.text(row, 0, workload)
        sheet.text(row, 1, key)
        sheet.text(row, 3, value)
