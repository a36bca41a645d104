"""The sheets of totals: by month on the recommended models, and by workload on every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.xlsx.book import Sheet, cell
from kimi_planner.report.xlsx.inputs import ASSUMED, ASSUMPTIONS, FEE, PRICES
from kimi_planner.report.xlsx.live import Assumed, Line, Prices, lines_of

__all__ = [
    "BY_MODEL",
    "MONTHLY",
    "MONTH_COLUMN",
    "SPEND",
    "Places",
    "write_by_model",
    "write_monthly",
]

MONTHLY, BY_MODEL = "Monthly", "By model"
HEADER = 2
MONTH_COLUMN, SPEND = 2, 10
_A_MONTH, _FIRST_FACTOR = 11, 12
_AMOUNTS = {
    "requests": 4,
    "prompt": 5,
    "cached": 6,
    "completion": 7,
    "reasoning": 8,
    "fees_usd": 9,
    "spend_usd": SPEND,
}
_AMOUNT_WORDS = (
    "requests",
    "prompt tokens",
    "of these cached",
    "completion tokens",
    "of these reasoning",
    "fees USD",
    "spend USD",
)
_FACTORS = {
    "per_level": 12,
    "prompt_factor": 13,
    "cached_factor": 14,
    "answer_factor": 15,
    "reasoning_factor": 16,
    "money_factor": 17,
    "beside_usd": 18,
}
_FACTOR_WORDS = (
    "days of traffic",
    "prompt x",
    "cached x",
    "answer x",
    "reasoning x",
    "money x",
    "beside USD",
)
_FACTORS_SAID = (
    "Grey columns are what the plan has beside the assumptions and prices: days of traffic with growth "
    "and events; tokens against those of the mean call; money where prices change on the way, prompts "
    "are written to a cache, or the mean of the drawn scenarios differs from tokens times prices."
)


@dataclass(frozen=True)
class Places:
    """Where things stand: rows of prices, of assumptions, and of each workload's months."""

    prices: Mapping[str, int]
    assumed: Mapping[str, int]
    months: Mapping[str, tuple[int, int]]

    @classmethod
    def of(
        cls, prices: Mapping[str, int], assumed: Mapping[str, int], best: Sequence[str], months: int
    ) -> Places:
        """Give each workload that has a model as many rows as there are months."""
        first = HEADER + 1
        spans = {
            name: (first + place * months, first + (place + 1) * months - 1)
            for place, name in enumerate(best)
        }
        return cls(prices, assumed, spans)


def write_monthly(
    sheet: Sheet,
    recommendation: Recommendation,
    assumed: Sequence[Assumed],
    prices: Sequence[Prices],
    places: Places,
) -> None:
    """Write a row for each workload and month on the recommended model."""
    projection = recommendation.projection
    sheet.text(0, 0, "By month, each workload on its recommended model", "title")
    names = ("workload", "model", "month", "days", *_AMOUNT_WORDS, "", *_FACTOR_WORDS)
    sheet.header(HEADER, names, texts=3)
    priced = {one.model: one for one in prices}
    row, spent = HEADER, 0.0
    for one in assumed:
        if one.model is None:
            continue
        spend = projection.of(one.model, one.workload)
        lines = lines_of(
            spend, one, priced[one.model], reasons=projection.catalog.model(one.model).reasons
        )
        for month, line in zip(projection.months, lines, strict=True):
            row += 1
            sheet.text(row, 0, one.workload)
            sheet.text(row, 1, one.model)
            sheet.month(row, MONTH_COLUMN, month.first)
            sheet.number(row, 3, month.days, "count")
            _write_line(sheet, row, line, places.assumed[one.workload], places.prices[one.model])
            spent += line.spend_usd
    row += 1
    sheet.text(row, 0, "all", "total_text")
    for column in range(1, SPEND):
        sheet.text(row, column, "", "total_text")
    sheet.formula(row, SPEND, _sum(HEADER + 1, row - 1, SPEND), spent, "total_money")
    sheet.paragraph(row + 2, _FACTORS_SAID, "muted", columns=SPEND + 1)
    _page(sheet, row + 2)


def write_by_model(
    sheet: Sheet,
    recommendation: Recommendation,
    assumed: Sequence[Assumed],
    prices: Sequence[Prices],
    places: Places,
) -> None:
    """Write a row for each workload and model over all months."""
    projection, best = recommendation.projection, recommendation.best
    months = len(projection.months)
    excluded = {(one.workload, one.model) for one in recommendation.exclusions}
    sheet.text(0, 0, f"By workload and model, {months} month{'s' if months > 1 else ''}", "title")
    words = (*_AMOUNT_WORDS, "USD a month")
    sheet.header(HEADER, ("workload", "model", "choice", "fits", *words, *_FACTOR_WORDS), texts=3)
    row = HEADER
    of_model: dict[str, float] = {}
    for one in assumed:
        for price in prices:
            row += 1
            key = (one.workload, price.model)
            chosen = best.get(one.workload) == price.model
            choice = "recommended" if chosen else "excluded" if key in excluded else "qualifies"
            sheet.text(row, 0, one.workload, "strong" if chosen else "text")
            sheet.text(row, 1, price.model, "strong" if chosen else "text")
            sheet.text(row, 2, choice, "strong" if chosen else "text")
            sheet.number(row, 3, recommendation.fit.share(*key), "fit")
            spend = projection.of(price.model, one.workload).over_months()
            reasons = projection.catalog.model(price.model).reasons
            (line,) = lines_of(spend, one, price, reasons=reasons)
            if chosen:
                _write_sums(sheet, row, line, places.months[one.workload])
            else:
                _write_line(
                    sheet, row, line, places.assumed[one.workload], places.prices[price.model]
                )
            a_month = f"{cell(row, SPEND)}/{months}"
            sheet.formula(row, _A_MONTH, a_month, line.spend_usd / months, "money")
            of_model[price.model] = of_model.get(price.model, 0.0) + line.spend_usd
    last = row
    row += 2
    sheet.text(row, 0, "All workloads on one model", "heading")
    for model, amount in of_model.items():
        row += 1
        sheet.text(row, 1, model, "total_text")
        # "=" takes ids that differ in case for the same
        same = f"EXACT({cell(HEADER + 1, 1)}:{cell(last, 1)},{cell(row, 1)})"
        summed = f"SUMPRODUCT({same}*{cell(HEADER + 1, SPEND)}:{cell(last, SPEND)})"
        sheet.formula(row, SPEND, summed, amount, "total_money")
        sheet.formula(row, _A_MONTH, f"{cell(row, SPEND)}/{months}", amount / months, "total_money")
    sheet.paragraph(row + 2, _FACTORS_SAID, "muted", columns=_A_MONTH + 1)
    _page(sheet, row + 2)


def _write_line(sheet: Sheet, row: int, line: Line, assumed_row: int, price_row: int) -> None:
    """Write requests, tokens and spend as formulas of assumptions, prices and the line's factors."""
    level, prompt, share, answer, reasoning = (
        cell(assumed_row, column, ASSUMPTIONS) for column in ASSUMED.values()
    )
    fee = cell(assumed_row, FEE, ASSUMPTIONS)
    full, cached, output = (cell(price_row, column, PRICES) for column in (2, 3, 4))
    at = {name: cell(row, column) for name, column in {**_AMOUNTS, **_FACTORS}.items()}
    calls = at["requests"]
    formulas = {
        "requests": f"{level}*traffic_factor*{at['per_level']}",
        "prompt": f"{calls}*{prompt}*{at['prompt_factor']}",
        "cached": f"{at['prompt']}*{share}*{at['cached_factor']}",
        "completion": f"{calls}*{answer}*answer_factor*{at['answer_factor']}+{at['reasoning']}",
        "reasoning": f"{calls}*{reasoning}*reasoning_factor*{at['reasoning_factor']}",
        "fees_usd": f"{calls}*{fee}",
        "spend_usd": f"(({at['prompt']}-{at['cached']})*{full}+{at['cached']}*{cached}"
        f"+{at['completion']}*{output})/1000000*{at['money_factor']}+{at['fees_usd']}+{at['beside_usd']}",
    }
    for name, formula in formulas.items():
        style = "money" if name.endswith("_usd") else "count"
        sheet.formula(row, _AMOUNTS[name], formula, getattr(line, name), style)
    for name, column in _FACTORS.items():
        sheet.number(row, column, getattr(line, name), "factor")


def _write_sums(sheet: Sheet, row: int, line: Line, months: tuple[int, int]) -> None:
    """Write the sums of a workload's months."""
    for name, column in _AMOUNTS.items():
        style = "money" if name.endswith("_usd") else "count"
        formula = _sum(*months, column, MONTHLY)
        sheet.formula(row, column, formula, getattr(line, name), style)


def _sum(first: int, last: int, column: int, sheet: str | None = None) -> str:
    if last < first:
        return "0"
    return f"SUM({cell(first, column, sheet)}:{cell(last, column, sheet).rpartition('!')[2]})"


def _page(sheet: Sheet, last_row: int) -> None:
    sheet.table_page(HEADER, 2)
    sheet.raw.print_area(0, 0, last_row, _A_MONTH)
