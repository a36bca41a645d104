"""The workbook as a whole: its sheets, in order."""

from __future__ import annotations

from collections.abc import Iterable

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.choice import CHOICE, write_choice
from kimi_planner.report.xlsx.inputs import ASSUMPTIONS, PRICES, Inputs
from kimi_planner.report.xlsx.lines import BY_MODEL, MONTHLY, Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.summary import SUMMARY, write_summary

__all__ = ["xlsx_report"]


def xlsx_report(recommendation: Recommendation) -> bytes:
    """Return the report as a workbook, whose totals are formulas of its prices and assumptions.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.

    Notes
    -----
    Recalculated as it is, every amount is the plan's: the exact bill where every number is plain,
    else the mean over paths. What the plan has beside tokens times prices stands in factors of
    its own; see `kimi_planner.report.xlsx.live`.
    """
    projection, live = recommendation.projection, Live(recommendation)
    inputs = Inputs(live)
    totals = Totals(live, inputs)
    book = Book("Kimi API budget", projection.as_of, projection.provenance)
    name, model = _width(recommendation.names, 24), _width(projection.models, 20)
    widths = (name, model, 14, 8, *[16] * len(totals.columns))
    summary = book.sheet(SUMMARY, (name, model, 18, 14, 14, 14, 16, 18, 15, 3, *[13] * 4))
    monthly, by_model = (book.sheet(name, widths) for name in (MONTHLY, BY_MODEL))
    choice = book.sheet(CHOICE, (max(24, model), *[14] * 13, 60, 80))
    names = len(live.shares) + len(live.fees)
    assumptions = book.sheet(ASSUMPTIONS, (name, 16, 14, *[16] * names, 14, 14, 80))
    prices = book.sheet(PRICES, (model, 30, 30, 14, 16, 70, 40))
    write_summary(summary, recommendation, totals)
    totals.write_monthly(monthly)
    totals.write_by_model(by_model)
    write_choice(choice, recommendation)
    inputs.write_assumptions(book, assumptions)
    inputs.write_prices(prices)
    return book.finished()


def _width(names: Iterable[str], least: int) -> int:
    """Return how wide a column of names is, in characters: up to 40 none is cut."""
    return min(40, max(least, *(len(name) + 2 for name in names)))
