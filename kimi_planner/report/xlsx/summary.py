"""The first sheet: what a reader needs in ten seconds, then why, and what to know."""

from __future__ import annotations

from collections.abc import Iterable

from kimi_planner.billing.meters import FEE, title_of
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.report.tables import OVER_BUDGET, horizon, traffic_sentences
from kimi_planner.report.xlsx.book import Sheet, cell
from kimi_planner.report.xlsx.lines import Totals, usd_of

__all__ = ["SUMMARY", "write_summary"]

SUMMARY = "Summary"
_QUANTILES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}
_EXPECTED, _FIRST_QUANTILE, _BUDGET = 2, 3, 6
_ONE_PAGE = 72  # rows that can still be read when a page holds them all; else as many as needed
_PLANNED = 10  # the same as simulated: mean, P10, P50, P90
_HOW = (
    "Expected spend is live: it follows the yellow cells of Prices and Assumptions. P10, P50 and P90 are "
    "those of the simulation times what the expected spend has become of the planned one: exact where "
    "all prices or all traffic change by one factor, else near. The chance of breaking a budget and the "
    "choice of models are those of the plan and do not move: plan again for these. Grey numbers are as "
    "planned."
)


def write_summary(sheet: Sheet, recommendation: Recommendation, totals: Totals) -> None:
    """Write totals, workloads, months, reasons, notes and provenance."""
    projection = recommendation.projection
    sheet.text(0, 0, "Kimi API budget", "title")
    count = len(recommendation.names)
    sheet.text(
        1,
        0,
        f"{horizon(projection)}, {count} workload{'s' if count > 1 else ''}, each on its planned "
        "model. USD.",
    )
    if over := [gap.workload for gap in recommendation.over_budget]:
        sheet.text(2, 0, f"Over budget: {', '.join(over)}; by how much stands below.", "strong")
    row = _write_totals(sheet, 3, recommendation, totals)
    row = _write_workloads(sheet, row + 1, recommendation, totals)
    row = _write_meters(sheet, row + 1, totals)
    if len(projection.months) > 1:
        row = _write_months(sheet, row + 1, recommendation, totals)
    for title, sentences in (
        ("Recommendation", recommendation.sentences()),
        ("Expected traffic, as planned", traffic_sentences(recommendation)),
        ("What the ranges leave out", recommendation.notes or ("Nothing known.",)),
        ("How to read this", (_HOW, projection.method, projection.provenance)),
    ):
        row += 1
        sheet.text(row, 0, title, "heading")
        row += 1
        for sentence in sentences:
            row = sheet.paragraph(row, sentence, columns=_PLANNED - 1)
    sheet.raw.print_area(0, 0, row, _PLANNED - 2)
    sheet.raw.fit_to_pages(1, int(row <= _ONE_PAGE))


def _write_header(sheet: Sheet, row: int, names: Iterable[str]) -> None:
    """Write the headers of a table, and beside it those of what was planned."""
    sheet.header(row, names, texts=2)
    sheet.header(row, ("planned mean", *(f"planned {name}" for name in _QUANTILES)), at=_PLANNED)


def _write_totals(sheet: Sheet, row: int, recommendation: Recommendation, totals: Totals) -> int:
    projection = recommendation.projection
    months = len(projection.months)
    spend = projection.mix(recommendation.best)
    whole = spend.over_months()
    _write_header(sheet, row, ("", "", "mean", *_QUANTILES, "budget", OVER_BUDGET))
    budgets = [projection.budget(name) for name in recommendation.best]
    in_all = row + 1
    for words, parts in (("whole plan", 1), ("a month on average", months))[: 1 + (months > 1)]:
        row += 1
        sheet.text(row, 0, words, "strong")
        total = f"SUM({totals.column('spend')})"
        formula = total if parts == 1 else f"{total}/{parts}"
        _write_amounts(sheet, row, formula, whole, parts, style="big")
        if parts == months and None not in budgets:
            budget = sum(float(one) for one in budgets if one is not None)
            sheet.number(row, _BUDGET, budget, "big")
            chance = spend.chance_over(budget)
            sheet.number(row, _BUDGET + 1, chance, "chance")
    row += 1
    number, mean = recommendation.booked, cell(in_all, _PLANNED)
    sheet.text(row, 0, "to book", "strong")
    sheet.text(row, 1, number.booking.words, "muted")
    sheet.number(row, _PLANNED, float(number.usd), "planned")
    planned = cell(row, _PLANNED)
    live = f"IF({mean}=0,{planned},{planned}*{cell(in_all, _EXPECTED)}/{mean})"
    sheet.formula(row, _EXPECTED, live, float(number.usd), "big")
    exchange = projection.catalog.exchange
    if exchange is not None:
        row += 1
        rate = float(exchange.per_usd)
        sheet.text(row, 0, f"whole plan, {exchange.currency}", "strong")
        sheet.text(row, 1, f"at {exchange}", "muted")
        formula = f"{cell(in_all, _EXPECTED)}*{rate!r}"
        sheet.formula(row, _EXPECTED, formula, float(whole.mean()[0]) * rate, "big")
    return row + 1


def _write_workloads(sheet: Sheet, row: int, recommendation: Recommendation, totals: Totals) -> int:
    projection, months = recommendation.projection, len(recommendation.projection.months)
    words = ("mean a month", *_QUANTILES, "budget a month", OVER_BUDGET, "left at the mean")
    _write_header(sheet, row, ("workload", "model", *words))
    for name, model in recommendation.best.items():
        row += 1
        sheet.texts(row, name, model)
        spend = projection.of(model, name)
        formula = f"SUM({totals.column('spend', totals.months[name])})/{months}"
        mean = _write_amounts(sheet, row, formula, spend.over_months(), months)
        budget = projection.budget(name)
        if budget is None:
            sheet.text(row, _BUDGET, "no budget", "muted")
            continue
        sheet.number(row, _BUDGET, float(budget), "money")
        sheet.number(row, _BUDGET + 1, spend.chance_over(budget), "chance")
        left = f"{cell(row, _BUDGET)}-{cell(row, _EXPECTED)}"
        sheet.formula(row, _BUDGET + 2, left, float(budget) - mean, "money")
    return row + 1


def _write_meters(sheet: Sheet, row: int, totals: Totals) -> int:
    """Write what all months cost by meter."""
    sheet.header(row, ("meter, whole plan", "used", "mean"), texts=1)
    lines = [line for lines in totals.live.by_month.values() for line in lines]
    for key in totals.live.meters:
        row += 1
        sheet.text(row, 0, f"{title_of(key)}{', calls' * key.startswith(FEE)}")
        amount = sum(line.usage[key] for line in lines)
        usd = sum(line.usd[key] for line in lines)
        sheet.formula(row, 1, f"SUM({totals.column(key)})", amount, "count")
        sheet.formula(row, _EXPECTED, f"SUM({totals.column(usd_of(key))})", usd, "money")
    return row + 1


def _write_months(sheet: Sheet, row: int, recommendation: Recommendation, totals: Totals) -> int:
    projection = recommendation.projection
    spend = projection.mix(recommendation.best)
    dates = totals.column("month")
    _write_header(sheet, row, ("month", "", "mean", *_QUANTILES))
    for place, month in enumerate(projection.months):
        row += 1
        sheet.month(row, 0, month.first)
        formula = f"SUMIFS({totals.column('spend')},{dates},{cell(row, 0)})"
        _write_amounts(sheet, row, formula, spend, 1, place=place)
    return row + 1


def _write_amounts(
    sheet: Sheet,
    row: int,
    formula: str,
    spend: Spend,
    parts: int,
    *,
    place: int = 0,
    style: str = "money",
) -> float:
    """Write the live mean, and the planned quantiles times what became of the planned mean."""
    mean = float(spend.mean()[place]) / parts
    sheet.formula(row, _EXPECTED, formula, mean, style)
    sheet.number(row, _PLANNED, mean, "planned")
    if not spend.is_ranged:
        sheet.text(row, _FIRST_QUANTILE, NO_RANGE, "muted")
        return mean
    planned = [float(spend.quantile(q)[place]) / parts for q in _QUANTILES.values()]
    for at, value in enumerate(planned):
        sheet.number(row, _PLANNED + 1 + at, value, "planned")
        was, simulated = cell(row, _PLANNED), cell(row, _PLANNED + 1 + at)
        live = f"IF({was}=0,{simulated},{simulated}*{cell(row, _EXPECTED)}/{was})"
        sheet.formula(row, _FIRST_QUANTILE + at, live, value, style)
    return mean
