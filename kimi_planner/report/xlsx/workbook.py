"""The workbook as a whole: its sheets, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.contents import choice_section
from kimi_planner.report.table import Section
from kimi_planner.report.xlsx.beside import SOURCES, write_section, write_sources
from kimi_planner.report.xlsx.book import Book
from kimi_planner.report.xlsx.budget import BUDGET, Budget
from kimi_planner.report.xlsx.divided import Divided
from kimi_planner.report.xlsx.inputs import ASSUMPTIONS, PATH, RATES, Inputs
from kimi_planner.report.xlsx.lines import BY_MODEL, LINES, MONTHLY, Totals
from kimi_planner.report.xlsx.live import Live
from kimi_planner.report.xlsx.prices import PRICES, Prices
from kimi_planner.report.xlsx.rates import Rates
from kimi_planner.report.xlsx.risk import RISK, Risk
from kimi_planner.report.xlsx.spread import PATHS, SPREAD, Paths, Spread
from kimi_planner.report.xlsx.summary import SUMMARY, Summary

CHOICE = "Choice"


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
    prices, rates, spread, paths = (
        Prices(live, inputs),
        Rates(live, inputs),
        Spread(live, inputs),
        Paths(live),
    )
    totals = Totals(live, inputs, prices, rates)
    risk = Risk(live, inputs, totals, Divided(live, inputs, totals, rates), spread, paths)
    budget = Budget(live, inputs, totals, risk)
    book = Book("Kimi API budget", projection.as_of, projection.provenance)
    name, model = _width(recommendation.names, 18), _width(projection.models, 14)
    of_lines = (name, model, 9, 11, *[12.5] * len(totals.columns))
    of_call = [10.5] * (len(inputs.columns) - 5)
    count, chance = len(live.workloads), 15 if live.may_be_least else 11.5
    Summary(live, totals, budget, risk).write(
        book,
        book.sheet(SUMMARY, (name, *[13.5] * 6, 20 if live.may_be_least else 13, 12, 11, model)),
    )
    budget.write(book.sheet(BUDGET, (*budget.names_widths(name), model - 2, 10, *budget.widths)))
    totals.write_monthly(book.sheet(MONTHLY, of_lines))
    totals.write_by_model(book.sheet(BY_MODEL, (name, model, 16, 8, *of_lines[4:])))
    write_section(book, CHOICE, [choice_section(recommendation)])
    inputs.write(book, book.sheet(ASSUMPTIONS, (name, max(22, model), 13, 12, 14, 12, *of_call)))
    prices.write(book.sheet(PRICES, (model, 20, 20, 11, 11, 12, 36, 26)))
    risk.write(
        book.sheet(
            RISK, (name, model, 10, *[12] * 4, 11.5, 11.5, chance, 12.5, 15, 3, *[14] * (9 + count))
        )
    )
    parts: dict[str, list[Section]] = {}
    for section in sections:
        own = section.title == "Scenarios" or section.title.startswith("In ")
        parts.setdefault(section.title if own else "Waterfall", []).append(section)
    for title, many in parts.items():
        write_section(book, title, many)
    write_sources(book.sheet(SOURCES, (110,)), recommendation)
    prices.write_path(
        book.sheet(PATH, (11, *[13] * len(live.priced) * len(live.tariffs_by_period)))
    )
    totals.write_lines(book.sheet(LINES, of_lines))
    rates.write(book, book.sheet(RATES, (name, model, *[11] * (inputs.list_column + count))))
    spread.write(book.sheet(SPREAD, [11] * 4 * (count + 1)))
    paths.write(book.sheet(PATHS, [14] * count))
    return book.finished()


def _width(names: Iterable[str], least: int) -> int:
    """Return how wide a column of names is, in characters: up to 40 none is cut."""
    return min(40, max(least, *(len(name) + 2 for name in names)))
