"""A plan as text: for the terminal, and as Markdown for a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tabulate import tabulate

from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.report.contents import answer_sections, basis_sections
from kimi_planner.report.currency import InCurrency
from kimi_planner.report.first_screen import first_screen
from kimi_planner.report.sentences import (
    amounts_words,
    dependence_sentence,
    headlines,
    traffic_sentences,
)
from kimi_planner.report.table import Section, Table
from kimi_planner.report.tables import spend_table
from kimi_planner.rich import Page
from kimi_planner.safe import on_one_line


def plain(table: Table) -> str:
    """Return a table for a terminal."""
    return _tabulate(table, "simple")


def plan_text(recommendation: Recommendation, sections: Sequence[Section] = ()) -> str:
    """Return the plan for a terminal: the first screen, then tables, comparisons, notes, provenance."""
    projection = recommendation.projection
    parts = [
        first_screen(recommendation),
        f"Spend in {amounts_words(InCurrency(recommendation))}.",
        plain(spend_table(recommendation)),
        *filter(None, [dependence_sentence(recommendation), *_saving(recommendation)]),
        *map(section_text, sections),
        listed("Expected traffic:", traffic_sentences(recommendation)),
    ]
    return "\n\n".join([*parts, *_reasons(recommendation), projection.provenance])


def recommendation_text(recommendation: Recommendation, *, details: bool = False) -> str:
    """Return the choice for each workload for a terminal: a card each, then every reason if asked for."""
    cards = recommendation.cards
    over = ", ".join(one.workload for one in recommendation.over_budget)
    said = [f"Over budget: {over}."] * bool(over) + [*map(str, recommendation.unused)]
    said += _saving(recommendation)
    more = "" if details else "Every reason and note: --details. "
    pages = [
        Page(title=recommendation.booked.sentence, notes=said),
        *(replace(card.page(), provenance="") for card in cards),
        Page(
            title=f"{max((card.legend for card in cards), key=len)}.",
            provenance=more + cards[0].provenance,
        ),
    ]
    parts = [page.text(None if details else "with --details") for page in pages]
    if details:
        parts[-1:-1] = ["\n".join(recommendation.chosen()), *_reasons(recommendation)]
    return "\n\n".join(parts)


def section_text(section: Section) -> str:
    """Return a part of a report for a terminal."""
    parts = [
        f"{table.title}:\n\n{plain(table)}" if table.title else plain(table)
        for table in (one.narrow for one in section.tables)
    ]
    sentences = "\n".join(f"  {on_one_line(sentence)}" for sentence in section.sentences)
    return "\n\n".join([f"{section.title}:", *parts, sentences])


def markdown_report(recommendation: Recommendation, sections: Sequence[Section] = ()) -> str:
    """Return the whole report as one Markdown text, comparisons with others after its choices."""
    over = [f"- {sentence_text(one.sentence)}" for one in recommendation.over_budget]
    parts = [
        "# Kimi API budget",
        *map(sentence_text, headlines(recommendation)),
        *filter(None, ["\n".join(over)]),
        *map(_markdown_section, answer_sections(recommendation, sections)),
        *map(_markdown_section, basis_sections(recommendation)),
        escaped(recommendation.projection.provenance),
    ]
    return "\n\n".join(parts) + "\n"


def _saving(recommendation: Recommendation) -> list[str]:
    return [recommendation.saving.sentence] if recommendation.saving else []


def _markdown_section(section: Section) -> str:
    parts = [f"## {sentence_text(section.title)}"]
    parts += filter(None, ["\n".join(f"- {sentence_text(one)}" for one in section.sentences)])
    for table in section.tables:
        parts += [*filter(None, [sentence_text(table.title)]), markdown(table.narrow)]
    return "\n\n".join(parts)


def _reasons(recommendation: Recommendation) -> Iterable[str]:
    notes = listed("What the ranges leave out:", recommendation.notes)
    return filter(None, [excluded_text(recommendation.exclusions), notes])


def excluded_text(exclusions: Iterable[Exclusion]) -> str:
    """Return the models that do not qualify and why, or nothing if there are none."""
    lines = [f"{one.workload}, {one.model}: {'; '.join(one.reasons)}" for one in exclusions]
    return listed("Excluded:", lines)


def listed(title: str, sentences: Sequence[str]) -> str:
    """Return sentences under a title, or nothing if there are none."""
    return "\n".join([title, *(f"  {on_one_line(one)}" for one in sentences)]) if sentences else ""


def _tabulate(table: Table, form: str) -> str:
    align = ["right" if column in table.right else "left" for column in range(len(table.headers))]
    return tabulate(
        table.rows,
        headers=table.headers,
        tablefmt=form,
        colalign=align if table.rows else None,
        disable_numparse=True,
    )


def markdown(table: Table) -> str:
    """Return a table as Markdown."""
    headers, *rows = (tuple(map(escaped, row)) for row in (table.headers, *table.rows))
    return _tabulate(Table(headers, tuple(rows), table.right), "github")


def escaped(text: str) -> str:
    """Take away what Markdown or embedded HTML would act on, inside a line."""
    text = on_one_line(text)
    for mark, safe in (("\\", "\\\\"), ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(mark, safe)
    for mark in "|`*[]~":
        text = text.replace(mark, "\\" + mark)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)  # inside a word it does nothing
    # Readers on the web make links of bare addresses, and mentions of names.
    return re.sub(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?=@)", r"\\", text)


def sentence_text(text: str) -> str:
    """Take away the same at the begin of a line, where a mark makes a heading or a list too."""
    return re.sub(r"^(\d*)([#+=.)-])(?=[\s#=-]|$)", r"\1\\\2", escaped(text))
