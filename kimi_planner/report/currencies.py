"""A plan in other currencies: at rates that the user gave, and at price lists of the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import usd
from kimi_planner.plan.booking import booked
from kimi_planner.plan.budget import BudgetMatrix, budget_matrix
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scope import Scope
from kimi_planner.plan.simulation import projected
from kimi_planner.report.budget import budget_data, budget_sentence, budget_tables
from kimi_planner.report.json_form import as_data
from kimi_planner.report.tables import Section, spend_months_table

__all__ = ["currency_sections"]


def currency_sections(recommendation: Recommendation) -> list[Section]:
    """Return the budget and the months of a plan in the other currencies that its catalog is shown in."""
    sections = []
    projection = recommendation.projection
    exchange = projection.catalog.exchange
    if exchange is not None:
        rates = [exchange.at(month.first) for month in projection.months]
        spend = projection.mix(recommendation.best).at_rates(rates)
        matrix = recommendation.budget_matrix.at_rates(exchange)
        table = spend_months_table(projection, spend)
        words = f"At {exchange}, each month at the rate of its first day."
        sections.append(_section(matrix, table, [words], {"rates": exchange.rates}))
    return sections + [_at_list(recommendation, one) for one in projection.catalog.shown_lists]


def _at_list(recommendation: Recommendation, currency: str) -> Section:
    """Return the workloads whose model the list has, planned anew at its prices."""
    projection = recommendation.projection
    catalog = projection.catalog.at_list(currency)
    listed = {spec.id: spec for spec in catalog}
    best = {name: model for name, model in recommendation.best.items() if model in listed}
    missing = [name for name in recommendation.best if name not in best]
    sentences = [f"At the {currency} list of catalog {projection.catalog.version}, without fees."]
    if missing:
        models = dict.fromkeys(recommendation.best[name] for name in missing)
        sentences.append(
            f"The list has no price of {', '.join(models)}, so what {', '.join(missing)} costs in "
            f"{currency} is not told."
        )
    if not best:
        return Section(title=f"In {currency}", sentences=tuple(sentences), tables=())
    workloads = tuple(
        replace(one, budget_usd_per_month=None, fees_per_request=())
        for one in projection.workloads
        if one.name in best
    )
    specs = tuple(listed[model] for model in dict.fromkeys(best.values()))
    scope = {**projection.parts, "workloads": workloads, "specs": specs, "catalog": catalog}
    planned: Projection = replace(projected(Scope(**scope)), booking=projection.booking)
    matrix = budget_matrix(planned, best, booked(planned, best))
    table = spend_months_table(planned, planned.mix(best))
    return _section(replace(matrix, currency=currency), table, sentences, {})


def _section(
    matrix: BudgetMatrix, months: Any, sentences: list[str], data: dict[str, Any]
) -> Section:
    currency, amount = matrix.currency, usd(matrix.total.usd(matrix.whole))
    to_book = f"To book: {amount} {currency} ({matrix.booking.words})."
    return Section(
        title=f"In {currency}",
        sentences=(to_book, *sentences, budget_sentence(matrix)),
        tables=(
            *(replace(one, title=f"{one.title}, {currency}") for one in budget_tables(matrix)),
            replace(months, title=f"Spend by month, {currency}"),
        ),
        data={f"in_{currency.lower()}": as_data({**data, **budget_data(matrix)})},
    )
