"""The workbook as a whole: its sheets, in order."""

from __future__ import annotations

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.inputs import (
    ASSUMPTIONS,
    PRICES,
    assumed_rows,
    price_rows,
    write_assumptions,
    write_prices,
)
from kimi_planner.report.xlsx.lines import (
    BY_MODEL,
    MONTHLY,
    Places,
    write_by_model,
    write_monthly,
)
from kimi_planner.report.xlsx.live import assumed_of, prices_of
from kimi_planner.report.xlsx.summary import SUMMARY, write_summary

__all__ = ["xlsx_report"]

_TOTALS_WIDTHS = (22, 19, 14, 8, 13, 16, 15, 16, 15, 9, 13, 13, *[10] * 7)
_WIDTHS = {
    SUMMARY: (24, 20, 18, 14, 14, 14, 16, 16, 15, 3, *[13] * 4),
    MONTHLY: _TOTALS_WIDTHS,
    BY_MODEL: _TOTALS_WIDTHS,
    ASSUMPTIONS: (24, 16, 14, 14, 14, 14, 16, 80),
    PRICES: (22, 30, 13, 14, 13, 14, 70, 40),
}


def xlsx_report(recommendation: Recommendation) -> bytes:
    """Return the report as a workbook, whose totals are formulas of its prices and assumptions.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.

    Notes
    -----
    Recalculated as it is, every amount is the plan's: the exact bill where every number is plain,
    else the mean over scenarios. What the plan has beside tokens times prices stands in factors of
    its own; see `kimi_planner.report.xlsx.live`.
    """
    projection = recommendation.projection
    book = Book("Kimi API budget", projection.as_of, projection.provenance)
    summary, monthly, by_model, assumptions, prices_sheet = (
        book.sheet(name, widths) for name, widths in _WIDTHS.items()
    )
    prices, assumed = prices_of(projection), assumed_of(recommendation)
    named = [one.workload for one in assumed if one.model is not None]
    places = Places.of(price_rows(prices), assumed_rows(assumed), named, len(projection.months))
    write_summary(summary, recommendation, places)
    write_monthly(monthly, recommendation, assumed, prices, places)
    write_by_model(by_model, recommendation, assumed, prices, places)
    write_assumptions(book, assumptions, projection, assumed, len(prices))
    write_prices(prices_sheet, projection, prices)
    return book.finished()
