"""What a report on a plan holds, part by part, the same for page and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report import tables
from kimi_planner.report.budget import booked_over, budget_sentence, budget_tables
from kimi_planner.report.register import assumptions_table, catalog_table, source_sentences
from kimi_planner.report.sentences import date_sentences, headlines, traffic_sentences
from kimi_planner.report.table import Section, Table


def answer_sections(plan: Recommendation, sections: Sequence[Section] = ()) -> list[Section]:
    """Return what is decided: models, budgets by month, choices, and what else stands beside the plan."""
    matrix = plan.budget_matrix
    by_month = (budget_sentence(matrix), *held_sentences(plan), *date_sentences(plan))
    return [
        Section("Recommendation", tuple(plan.chosen()), _filled(tables.budgets_table(plan))),
        Section("Budget by month", by_month, budget_tables(matrix)),
        choice_section(plan),
        *sections,
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
        tables=tuple(
            Table(one.headers, tuple(one.cells()), right, title=f"{one.workload}: {one.model}")
            for one in cards
            for right in [frozenset(range(1, len(one.headers)))]
        ),
    )


def held_sentences(plan: Recommendation) -> list[str]:
    """Return when a workload is called over its budget, and which are booked above theirs."""
    held = f"A workload is called over its budget where the P{plan.requirements.budget_percentile:g} of a month is."
    return [held, *booked_over(plan.budget_matrix)]


def statements(plan: Recommendation, sections: Sequence[Section] = ()) -> pd.DataFrame:
    """Return what a report says in words, a row for each sentence and each assumption.

    Columns: ``part`` of the report, ``workload`` and ``item`` of an assumption, else empty, and ``words``.
    """
    said = [*headlines(plan), *(one.sentence for one in plan.over_budget)]
    rows: list[tuple[str, ...]] = [("Summary", "", "", words) for words in said]
    for part in (*answer_sections(plan, sections), *basis_sections(plan)):
        rows += [(part.title, "", "", words) for words in part.sentences]
    rows += [("Assumptions", *row) for row in assumptions_table(plan.projection).rows]
    return pd.DataFrame(rows, columns=["part", "workload", "item", "words"])


def basis_sections(plan: Recommendation) -> list[Section]:
    """Return what that rests on: spend, traffic, models left out, ranges, assumptions and prices."""
    projection, catalog = plan.projection, plan.projection.catalog
    exclusions = _filled(tables.exclusions_table(plan))
    return [
        Section("Spend by month", tuple(traffic_sentences(plan)), (tables.months_table(plan),)),
        Section("By meter", (), _filled(tables.meters_table(plan))),
        Section("By workload and model", (), (tables.spend_table(plan),)),
        Section("Excluded models", () if exclusions else ("None.",), exclusions),
        Section(
            "What the ranges leave out", tuple(map(str, plan.notes)) or ("Nothing known.",), ()
        ),
        Section("Assumptions", (), (assumptions_table(projection),)),
        Section(
            f"Prices: catalog {catalog.version}",
            tuple(source_sentences(catalog)),
            (catalog_table(catalog, projection.models),),
        ),
    ]


def _filled(table: Table) -> tuple[Table, ...]:
    return (table,) * bool(table.rows)
