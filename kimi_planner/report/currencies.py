"""A plan in other currencies: at rates that the user gave, and at price lists of the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.scope import Scope
from kimi_planner.plan.simulation import projected
from kimi_planner.report import tables
from kimi_planner.report.budget import budget_data, budget_sentence, budget_tables
from kimi_planner.report.currency import InCurrency
from kimi_planner.report.json_form import DIGITS, as_data, planned_frame, rounded
from kimi_planner.report.sentences import totals_sentence
from kimi_planner.report.table import Section, Table

SPEND_KEYS = ("workload", "model", "month")
BUDGET_KEYS = ("workload", "period", "line")


def in_currencies(recommendation: Recommendation) -> Iterator[InCurrency]:
    """Yield a plan in each other currency that its catalog is shown in; at a list what is listed of it."""
    catalog = recommendation.projection.catalog
    if catalog.exchange is not None:
        yield InCurrency(recommendation, catalog.exchange)
    for currency in catalog.shown_lists:
        yield InCurrency(_at_list(recommendation, currency))


def _at_list(recommendation: Recommendation, currency: str) -> Recommendation:
    """Return the workloads whose model a list has, planned anew at its prices.

    Fees, budgets and credits are stated in USD, so a plan at a list has none.
    """
    plan, best = recommendation.projection, recommendation.best
    catalog = plan.catalog.at_list(currency)
    listed = {spec.id: spec for spec in catalog}
    workloads = tuple(
        replace(one, budget_usd_per_month=None, fees_per_request=())
        for one in recommendation.workloads
        if best[one.name] in listed
    )
    specs = tuple(listed[model] for model in dict.fromkeys(best[one.name] for one in workloads))
    scope = {**plan.parts, "workloads": workloads, "specs": specs, "catalog": catalog}
    booking = replace(plan.booking, credit_usd_per_month=0)
    pairs = {(one.name, spec.id) for one in workloads for spec in specs}
    return replace(
        recommendation,
        projection=replace(projected(Scope(**scope)), booking=booking),
        choices=tuple(one for one in recommendation.choices if (one.workload, one.model) in pairs),
        exclusions=tuple(
            one for one in recommendation.exclusions if (one.workload, one.model) in pairs
        ),
    )


def currency_sections(recommendation: Recommendation) -> list[Section]:
    """Return all amounts of a plan in each other currency that its catalog is shown in."""
    return [_section(recommendation, shown) for shown in in_currencies(recommendation)]


def _section(recommendation: Recommendation, shown: InCurrency) -> Section:
    plan, currency = shown.recommendation, shown.currency
    sentences = list(_prices(recommendation, shown))
    title = f"In {currency}"
    if not plan.best:
        return Section(title, tuple(sentences), ())
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
            shown.booked.sentence,
            *(one.sentence for one in shown.over_budget),
            totals_sentence(*given),
            *sentences,
            budget_sentence(shown.matrix),
        ),
        tuple(made),
        data={title.lower().replace(" ", "_"): _data(recommendation, shown)},
    )


def _prices(recommendation: Recommendation, shown: InCurrency) -> Iterator[str]:
    """Say at what the amounts are in the currency, and what is not told in it."""
    if shown.exchange is not None:
        yield f"At {shown.exchange}, each month at the rate of its first day."
        return
    version, currency = recommendation.projection.catalog.version, shown.currency
    yield f"At the {currency} list of catalog {version}, without fees, budgets and credits."
    missing = _missing(recommendation, shown)
    if missing:
        models = ", ".join(dict.fromkeys(recommendation.best[name] for name in missing))
        yield (
            f"The list has no price of {models}, so what {', '.join(missing)} costs in {currency} is "
            "not told."
        )


def _missing(recommendation: Recommendation, shown: InCurrency) -> list[str]:
    return [name for name in recommendation.best if name not in shown.recommendation.best]


def _data(recommendation: Recommendation, shown: InCurrency) -> dict[str, Any]:
    """Return the amounts as plain data, named by their currency."""
    matrix = budget_data(shown.matrix)
    data: dict[str, Any] = as_data(
        {
            "missing": _missing(recommendation, shown),
            "rates": [] if shown.exchange is None else shown.exchange.rates,
            "book": matrix["book"],
            "budget": _with_keys(matrix["rows"], BUDGET_KEYS, shown),
            "spend": _with_keys(shown.projection.frame, SPEND_KEYS, shown),
            "head_room": [
                {_renamed(name, shown): value for name, value in room.items()}
                for room in matrix["head_room"]
            ],
        },
        DIGITS,
    )
    return data


def _renamed(name: str, shown: InCurrency) -> str:
    """Return the name of an amount with the currency in the place of USD."""
    return "_".join(shown.currency.lower() if part == "usd" else part for part in name.split("_"))


def _with_keys(frame: pd.DataFrame, keys: Sequence[str], shown: InCurrency) -> pd.DataFrame:
    """Return keys and amounts of rows, these named by the currency."""
    amounts = [name for name in frame if "usd" in str(name).split("_")]
    return frame[[*keys, *amounts]].rename(columns=lambda name: _renamed(name, shown))


def planned_frames(recommendation: Recommendation) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a plan and of its budget, with the amounts in each other currency beside."""
    spend, matrix = planned_frame(recommendation), recommendation.budget_matrix
    budget = matrix.frame.assign(book=matrix.booking.words, plan=matrix.provenance)
    for shown in in_currencies(recommendation):
        best = shown.recommendation.best
        if best:
            other = _with_keys(rounded(shown.projection.frame), SPEND_KEYS, shown)
            spend = spend.merge(other, "left", list(SPEND_KEYS))
            other = _with_keys(shown.matrix.frame, BUDGET_KEYS, shown)
            if len(best) < len(recommendation.best):  # some together are not all
                other = other[other["workload"].isin(best)]
            budget = budget.merge(other, "left", list(BUDGET_KEYS))
    return spend, budget
