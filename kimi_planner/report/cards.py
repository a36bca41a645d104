"""The cards of workloads as text and as a part of a report: what to choose, and what it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from kimi_planner.choose.card import Card
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.first_screen import COLUMNS, LINES
from kimi_planner.report.table import Section, Table
from kimi_planner.safe import on_one_line

_MOST_ROWS, _MOST_LINES = 9, 4  # of the table, and of a sentence


def card_table(card: Card) -> Table:
    """Return the models of a card as rows of text."""
    right = frozenset(range(1, len(card.headers)))
    return Table(card.headers, tuple(card.cells()), right, title=f"{card.workload}: {card.model}")


def card_lines(card: Card, whole: bool = False) -> list[str]:
    """Return a card, on at most 25 lines that a terminal is wide enough for; or all of it."""
    lines = list(_lines(card, whole))
    if not whole and len(lines) > LINES:
        lines[LINES - 1 :] = ["  … the rest with --details"]
    return lines


def _lines(card: Card, whole: bool) -> Iterator[str]:
    from kimi_planner.report.text import plain

    table = card_table(card)
    rows = table.rows if whole else table.rows[:_MOST_ROWS]
    yield on_one_line(f"{card.workload}: {card.model}")
    yield from (
        line.rstrip()[: None if whole else COLUMNS]
        for line in plain(Table(table.headers, rows, table.right)).splitlines()
    )
    if more := len(table.rows) - len(rows):
        yield f"  and {more} more models, with --details"
    yield from filled(card.sentences, whole, indent="  ")
    said = card.conditions()
    yield from filled(said if whole else ["; ".join(said)], whole, indent="  ")


def filled(sentences: Iterable[str], whole: bool = False, indent: str = "") -> list[str]:
    """Return sentences on lines of a terminal's width, each cut at a few of them unless asked for whole."""
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(
            on_one_line(sentence),
            COLUMNS,
            initial_indent=indent,
            subsequent_indent=2 * indent,
            max_lines=None if whole else _MOST_LINES,
            placeholder=" …",
            break_on_hyphens=False,
        )
    ]


def choice_section(recommendation: Recommendation) -> Section:
    """Return what decides on the model of each workload; what holds for all of them is said once."""
    cards, said = recommendation.cards, dict[str, list[str]]()
    for card in cards:
        for sentence in (*card.sentences, *card.conditions(), card.legend):
            said.setdefault(sentence, []).append(card.workload)
    return Section(
        title="Choice of models",
        sentences=tuple(
            sentence if len(names) == len(cards) else f"{', '.join(names)}: {sentence}"
            for sentence, names in said.items()
        ),
        tables=tuple(map(card_table, cards)),
    )
