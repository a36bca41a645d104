"""A plan in other currencies: at rates that the user gave, and at price lists of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import named
from kimi_planner.report import tables
from kimi_planner.report.budget import budget_data, budget_sentence, budget_tables, chances
from kimi_planner.report.currency import InCurrency, in_currencies
from kimi_planner.report.json_form import DIGITS, as_data, planned_frame, rounded
from kimi_planner.report.sentences import totals_sentence
from kimi_planner.report.table import Section, Table

SPEND_KEYS = ("workload", "model", "month")
BUDGET_KEYS = ("workload", "period", "line")


def currency_sections(recommendation: Recommendation) -> list[Section]:
    """Return all amounts of a plan in each other currency that its catalog is shown in."""
    return [_section(recommendation, shown) for shown in in_currencies(recommendation)]


def _section(recommendation: Recommendation, shown: InCurrency) -> Section:
    plan, currency = shown.recommendation, shown.currency
    title = f"In {currency}"
    if not plan.best:
        return Section(title, (shown.basis,), ())
    given = plan, shown.exchange
    made: list[Table] = [
        *[one for one in [tables.budgets_table(*given)] if one.rows],
        *(replace(one, title=f"{one.title}, {currency}") for one in budget_tables(shown.matrix)),
        tables.months_table(*given),
        tables.meters_table(*given),
        tables.spend_table(*given),
    ]
    return Section(
        title,
        (
            shown.to_book,
            *(one.sentence for one in shown.over_budget),
            totals_sentence(
                *given, whose=", ".join(plan.best) if shown.missing else "All workloads"
            ),
            shown.basis,
            budget_sentence(shown.matrix),
        ),
        tuple(made),
        data={title.lower().replace(" ", "_"): _data(shown)},
    )


def _data(shown: InCurrency) -> dict[str, Any]:
    """Return the amounts as plain data, named by their currency."""
    matrix = budget_data(shown.matrix)
    data: dict[str, Any] = as_data(
        {
            "missing": shown.missing,
            "rates": [] if shown.exchange is None else shown.exchange.rates,
            "book": matrix["book"],
            "budget": _with_keys(matrix["rows"], BUDGET_KEYS, shown),
            "spend": _with_keys(shown.projection.frame, SPEND_KEYS, shown),
            "head_room": [
                {named(str(name), shown.currency): value for name, value in room.items()}
                for room in matrix["head_room"]
            ],
        },
        DIGITS,
    )
    return data


def _with_keys(frame: pd.DataFrame, keys: Sequence[str], shown: InCurrency) -> pd.DataFrame:
    """Return keys and amounts of rows, these named by the currency."""
    amounts = [name for name in frame if "usd" in str(name).split("_")]
    return frame[[*keys, *amounts]].rename(columns=lambda name: named(str(name), shown.currency))


def planned_frames(recommendation: Recommendation) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a plan and of its budget, with the amounts in each other currency beside."""
    spend, matrix = planned_frame(recommendation), recommendation.budget_matrix
    budget = matrix.frame.assign(
        chance_over_budget=pd.Series(chances(recommendation), dtype=object),
        book=matrix.booking.words,
        plan=matrix.provenance,
    )
    for shown in in_currencies(recommendation):
        best = shown.recommendation.best
        if best:
            other = _with_keys(rounded(shown.projection.frame), SPEND_KEYS, shown)
            spend = spend.merge(other, "left", list(SPEND_KEYS))
            other = _with_keys(shown.matrix.frame, BUDGET_KEYS, shown)
            if len(best) < len(recommendation.best):  # some together are not all
                other = other[other["workload"].isin(best)]
            budget = budget.merge(other, "left", list(BUDGET_KEYS))
    currency = recommendation.projection.currency

    def own(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.rename(columns=lambda name: named(str(name), currency))

    return own(spend), own(budget)
