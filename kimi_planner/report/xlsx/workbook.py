"""The workbook as a whole: its sheets, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.table import Section
from kimi_planner.report.xlsx.beside import SOURCES, write_section, write_sources
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.budget import BUDGET, Budget
from kimi_planner.report.xlsx.choice import CHOICE, write_choice
from kimi_planner.report.xlsx.inputs import ASSUMPTIONS, PATH, RATES, Inputs
from kimi_planner.report.xlsx.lines import BY_MODEL, MONTHLY, Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.prices import PRICES, Prices
from kimi_planner.report.xlsx.rates import SPREAD, Rates, Spread
from kimi_planner.report.xlsx.risk import RISK, Risk
from kimi_planner.report.xlsx.summary import SUMMARY, Summary

__all__ = ["xlsx_report"]


def xlsx_report(recommendation: Recommendation, sections: Sequence[Section] = ()) -> bytes:
    """Return the report as a workbook, whose totals are formulas of its prices and assumptions.

    Parameters
    ----------
    recommendation : Recommendation
        The plan.
    sections : sequence of Section
        Comparisons, which do not follow the cells: scenarios, and waterfalls to other plans and to
        what was spent.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.

    Notes
    -----
    Recalculated as it is, every amount is the plan's: the exact bill where every number is plain,
    else the mean over paths. What the plan has beside calls, tokens and prices stands in rates of
    its own; see `kimi_planner.report.xlsx.live`.
    """
    projection, live = recommendation.projection, Live(recommendation)
    inputs = Inputs(live)
    prices, rates, spread = Prices(live, inputs), Rates(live, inputs), Spread(live)
    totals = Totals(live, inputs, prices, rates)
    risk = Risk(live, inputs, totals, rates, spread)
    budget = Budget(live, inputs, totals, risk)
    book = Book("Kimi API budget", projection.as_of, projection.provenance)
    name, model = _width(recommendation.names, 20), _width(projection.models, 14)
    widths = (name, model, 9, 11, *[14] * len(totals.columns))
    sheets = {
        one: book.sheet(one, columns)
        for one, columns in (
            (SUMMARY, (name, *[15] * 6, 14, 13, 11, 15, model)),
            (BUDGET, (name, 14, 11, model - 2, 8, *budget.widths)),
            (MONTHLY, widths),
            (BY_MODEL, (name, model, 24, 8, *widths[4:])),
            (CHOICE, (max(24, model), *[14] * 13, 60, 80)),
            (
                ASSUMPTIONS,
                (
                    name,
                    max(16, model),
                    14,
                    12,
                    14,
                    16,
                    16,
                    *[15] * (len(inputs.columns) - 8),
                    15,
                    60,
                    9,
                    9,
                ),
            ),
            (PRICES, (model, 26, 26, 11, 12, 13, 56, 34)),
            (RISK, (name, model, 11, 14, *[15] * 6, 3, *[15] * 5, 3, *[16] * 3)),
        )
    }
    Summary(live, totals, budget, risk).write(sheets[SUMMARY])
    budget.write(sheets[BUDGET])
    totals.write_monthly(sheets[MONTHLY])
    totals.write_by_model(sheets[BY_MODEL])
    write_choice(sheets[CHOICE], recommendation)
    inputs.write(book, sheets[ASSUMPTIONS])
    prices.write(sheets[PRICES])
    risk.write(sheets[RISK])
    beside: dict[str, list[Section]] = {}
    for section in sections:
        own = section.title == "Scenarios" or section.title.startswith("In ")
        beside.setdefault(section.title if own else "Waterfall", []).append(section)
    for title, many in beside.items():
        write_section(book, title, many)
    write_sources(book.sheet(SOURCES, (110,)), recommendation)
    prices.write_path(book.sheet(PATH, (11, *[13] * prices.width * len(live.tariffs_by_period))))
    rated = 2 * len(live.amounts) + 4
    rates.write(
        book.sheet(RATES, (name, model, 11, *[11] * rated, model, *[14] * len(live.workloads)))
    )
    spread.write(book.sheet(SPREAD, [11] * 8 * (len(live.workloads) + 1)))
    return book.finished()


def _width(names: Iterable[str], least: int) -> int:
    """Return how wide a column of names is, in characters: up to 40 none is cut."""
    return min(40, max(least, *(len(name) + 2 for name in names)))
