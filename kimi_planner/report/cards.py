"""The cards of workloads as a part of a report: what to choose, and what it rests on."""

from __future__ import annotations

from kimi_planner.choose.card import Card
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.table import Section, Table


def card_table(card: Card) -> Table:
    """Return the models of a card as rows of text."""
    right = frozenset(range(1, len(card.headers)))
    return Table(card.headers, tuple(card.cells()), right, title=f"{card.workload}: {card.model}")


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
