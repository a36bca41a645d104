"""The sheet of a workbook with the card of each workload, as planned: it does not follow its inputs."""

from __future__ import annotations

from kimi_planner.choose.card import Card, CardRow
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.xlsx.book import Sheet

__all__ = ["CHOICE", "write_choice"]

CHOICE = "Choice"
#: Heads of the columns of numbers, the attributes of a row they show, and their style.
_NUMBERS = (
    ("booked a month", "bookable_usd_per_month", "money"),
    ("P10", "p10_usd_per_month", "money"),
    ("P50", "p50_usd_per_month", "money"),
    ("P90", "p90_usd_per_month", "money"),
    ("cost of a task", "cost_per_task_usd", "price"),
    ("success expected", "success_rate", "fit"),
    ("at least (90% interval)", "success_low", "fit"),
    ("at most", "success_high", "fit"),
    ("seconds, half of answers", "p50_seconds", "price"),
    ("seconds, nine of ten", "p90_seconds", "price"),
    ("chance any month is over budget", "chance_over_budget", "chance_right"),
    ("net value a month", "net_usd_per_month", "money"),
    ("chance it is the best", "chance_best", "chance_right"),
)
_TEXTS = ("success is from", "condition")


def write_choice(sheet: Sheet, recommendation: Recommendation) -> None:
    """Write the models of each workload, what to choose, and what is not known."""
    sheet.text(0, 0, "Choice of each workload, as planned", "title")
    row = 1
    for card in recommendation.cards:
        row = _write_card(sheet, row + 1, card)


def _write_card(sheet: Sheet, row: int, card: Card) -> int:
    sheet.text(row, 0, f"{card.workload}: {card.model}", "heading")
    row += 1
    for sentence in card.sentences:
        row = sheet.paragraph(row, sentence, columns=len(_NUMBERS))
    sheet.header(row, ["model", *(name for name, *_ in _NUMBERS)], texts=1)
    for place, name in enumerate(_TEXTS, 1 + len(_NUMBERS)):
        sheet.text(row, place, name, "header")
    for one in card.rows:
        row += 1
        _write_row(sheet, row, one)
    return row + 1


def _write_row(sheet: Sheet, row: int, one: CardRow) -> None:
    sheet.text(row, 0, one.model)
    for column, (_, key, style) in enumerate(_NUMBERS, 1):
        value = getattr(one, key)
        if value is None:
            sheet.text(
                row, column, "unknown" if key != "chance_over_budget" else "no budget", "unknown"
            )
        else:
            sheet.number(row, column, float(value), style)
    for place, text in enumerate((one.success_source, one.condition), 1 + len(_NUMBERS)):
        sheet.text(row, place, text)
