"""A portfolio and its frontier: as text for a terminal, and as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kimi_planner.catalog import Exchange
from kimi_planner.choose.portfolios.choose import Step
from kimi_planner.choose.portfolios.frontier import PortfolioFrontier
from kimi_planner.choose.portfolios.result import Portfolio
from kimi_planner.money import named, plain, usd
from kimi_planner.report.exchanged import OF_MONTHS, exchange_text, exchanged, month_of
from kimi_planner.report.json_form import DIGITS, as_data, form_text, in_names_of, origin
from kimi_planner.report.table import Table
from kimi_planner.report.text import excluded_text, listed
from kimi_planner.report.text import plain as plain_table


def portfolio_text(
    found: Portfolio, step: Step | None = None, frontier: PortfolioFrontier | None = None
) -> str:
    """Return a portfolio for a terminal: the answer, the assignment, what more buys, reasons."""
    parts = ["\n".join(found.sentences())]
    if found.is_feasible:
        parts.append(plain_table(_assignment(found)))
    for exchange in found.projection.catalog.exchanges if found.is_feasible else ():
        parts += [
            exchange_text(exchange, OF_MONTHS, rows, keys)
            for rows, keys in (
                ([_dearest(found, exchange)], ("dearest_month",)),
                (_means(found, exchange), ("workload", "model")),
            )
        ]
    if step is not None:
        parts.append(step.sentence())
    if frontier is not None:
        head = f"What each budget buys (P{found.percentile:g} of the dearest month):"
        parts += [plain_table(_budgets(frontier)), listed(head, tuple(frontier.sentences()))]
    parts += [
        excluded_text(found.exclusions),
        listed("What the ranges leave out:", found.projection.notes),
        found.provenance,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _dearest(found: Portfolio, exchange: Exchange) -> dict[str, Any]:
    """Return what the dearest month spends, and its budget, in another currency."""
    row = {
        "dearest_month": found.dearest_month,
        "budget_usd": found.budget_usd_per_month,
        **{f"p{share}_usd": found.spend_usd(share) for share in (10, 50, 90)},
    }
    return exchanged([row], exchange, lambda row: month_of({"month": row["dearest_month"]}))[0]


def _means(found: Portfolio, exchange: Exchange) -> list[dict[str, Any]]:
    """Return the mean spend of a month of each workload on its models, in another currency."""
    rows = exchanged(found.by_meter().to_dict("records"), exchange, month_of)
    sums: dict[tuple[str, str], float] = {}
    for row in rows:
        key = row["workload"], row["model"]
        sums[key] = sums.get(key, 0.0) + float(row[exchange.currency.lower()])
    name, months = f"mean_{exchange.currency.lower()}_per_month", len(found.projection.months)
    return [
        {"workload": workload, "model": model, name: round(amount / months, DIGITS)}
        for (workload, model), amount in sums.items()
    ]


def _assignment(found: Portfolio) -> Table:
    in_usd, currency = found.question.in_usd, found.question.currency
    rows = tuple(
        (
            row["workload"],
            row["model"],
            f"{100 * row['share']:.2f}%",
            f"{row['tasks_per_month']:,.0f}",
            f"{row['quality']:.3f}",
            f"{row['successes_per_month']:,.0f}",
            usd(row["mean_usd_per_month"]),
            *([usd(row["value"])] if in_usd else []),
        )
        for row in found.frame.to_dict("records")
    )
    headers = ("workload", "model", "share", "tasks/month", "success rate", "successes/month")
    net = (f"net {currency}/month",) if in_usd else ()
    return Table((*headers, f"mean {currency}/month", *net), rows, frozenset(range(2, 7 + in_usd)))


def _budgets(frontier: PortfolioFrontier) -> Table:
    rows, in_usd, currency = [], frontier.question.in_usd, frontier.question.currency
    for one in frontier.points:
        spend, worth = one.spend_usd(), one.value
        if spend is None or worth is None:
            rows.append((usd(one.budget_usd_per_month), "not enough", "", ""))
            continue
        gap = "proved" if one.proven_optimal else f"within {100 * (one.gap or 0):.2f}%"
        value = usd(worth) if in_usd else f"{worth:,.0f}"
        rows.append((usd(one.budget_usd_per_month), usd(spend), value, gap))
    unit = f"net {currency}/month" if in_usd else "successes/month"
    headers = (f"budget {currency}", f"spend {currency}", unit, "best")
    return Table(headers, tuple(rows), frozenset({0, 1, 2}))


def portfolio_json(
    found: Portfolio, step: Step | None = None, frontier: PortfolioFrontier | None = None
) -> str:
    """Return a portfolio as JSON; budgets, shares and exact amounts are decimal strings."""
    projection, asked = found.projection, found.question
    data: dict[str, Any] = {
        **origin(projection),
        "months": projection.months,
        "quality_source": asked.source,
        "allow_split": asked.allow_split,
        "tier": asked.tier and asked.tier.tier,
        "percentile": found.percentile,
        "value_is": named("net_usd_per_month", asked.currency)
        if asked.in_usd
        else "successes_per_month",
        **_answer(found),
        "chance_best": _number(found.chance_best),
        "least_budget_usd": _exact(found.least_budget_usd),
        "least_possible_usd": _exact(found.least_possible_usd),
        "dearest_month": found.dearest_month,
        **{f"p{share}_usd": _number(found.spend_usd(share)) for share in (10, 50, 90)},
        "assignment": _rows(found),
        "exclusions": found.exclusions,
        "next": step
        and {
            "more_usd": _exact(step.more_usd),
            "more_value": _number(step.more_value) if step.before.is_feasible else None,
            "moves": step.moves,
            "needed_usd": _exact(step.needed_usd),
            "sentence": step.sentence(),
        },
        "frontier": frontier
        and [_answer(one) | {"assignment": _rows(one)} for one in frontier.points],
        "sentences": found.sentences(),
        "notes": projection.notes,
    }
    exchanges = projection.catalog.exchanges if found.is_feasible else ()
    others = {one: [_dearest(found, one), *_means(found, one)] for one in exchanges}
    return form_text(in_names_of(as_data(data), asked.currency), others)


def _answer(found: Portfolio) -> dict[str, Any]:
    spend = found.spend
    return {
        "budget_usd_per_month": _exact(found.budget_usd_per_month),
        "is_feasible": found.is_feasible,
        "value": _number(found.value),
        "bound": _number(found.bound),
        "gap": _number(found.gap, 9),
        "proven_optimal": found.proven_optimal,
        "spend_usd": _number(found.spend_usd()),
        "exact_usd": _exact(found.spend_usd()) if spend and spend.exact_usd is not None else None,
    }


def _rows(found: Portfolio) -> list[dict[str, Any]]:
    frame = found.frame
    rows: list[dict[str, Any]] = as_data(frame.assign(share=frame["share"].map(plain)), DIGITS)
    return rows


def _exact(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else plain(amount)


def _number(value: Decimal | float | None, digits: int = DIGITS) -> float | None:
    return None if value is None else round(float(value), digits)
