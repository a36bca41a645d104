"""A portfolio and its frontier: as text for a terminal, and as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kimi_planner.choose.portfolios import Portfolio, PortfolioFrontier, Step
from kimi_planner.money import plain as plain_decimal
from kimi_planner.money import usd
from kimi_planner.report.json_form import FORMAT
from kimi_planner.report.tables import Table
from kimi_planner.report.text import plain
from kimi_planner.report.usage import dumped, listed

__all__ = ["portfolio_json", "portfolio_text"]

_DIGITS = 6


def portfolio_text(
    found: Portfolio, step: Step | None = None, frontier: PortfolioFrontier | None = None
) -> str:
    """Return a portfolio for a terminal: the answer, the assignment, what more buys, reasons."""
    parts = ["\n".join(found.sentences())]
    if found.is_feasible:
        parts.append(plain(_assignment(found)))
    exchange, spend = found.projection.catalog.exchange, found.spend_usd()
    if exchange is not None and spend is not None:
        amount = usd(float(spend) * float(exchange.per_usd))
        parts.append(f"At {exchange}, the dearest month is {amount} {exchange.currency}.")
    if step is not None:
        parts.append(step.sentence())
    if frontier is not None:
        head = f"What each budget buys (P{found.percentile:g} of the dearest month):"
        parts += [plain(_budgets(frontier)), listed(head, tuple(frontier.sentences()))]
    reasons = tuple(
        f"{one.workload}, {one.model}: {'; '.join(one.reasons)}" for one in found.exclusions
    )
    parts += [
        listed("Excluded:", reasons),
        listed("What the ranges leave out:", found.projection.notes),
        found.provenance,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _assignment(found: Portfolio) -> Table:
    rows = tuple(
        (
            row["workload"],
            row["model"],
            f"{100 * row['share']:.2f}%",
            f"{row['tasks_per_month']:,.0f}",
            f"{row['quality']:.3f}",
            f"{row['value']:,.0f}",
            usd(row["mean_usd_per_month"]),
        )
        for row in found.frame.to_dict("records")
    )
    headers = ("workload", "model", "share", "tasks/month", "success rate", "successes/month")
    return Table((*headers, "mean USD/month"), rows, frozenset(range(2, 7)))


def _budgets(frontier: PortfolioFrontier) -> Table:
    rows = []
    for one in frontier.points:
        spend, worth = one.spend_usd(), one.value
        if spend is None or worth is None:
            rows.append((usd(one.budget_usd_per_month), "not enough", "", ""))
            continue
        gap = "proved" if one.proven_optimal else f"within {100 * (one.gap or 0):.2f}%"
        rows.append((usd(one.budget_usd_per_month), usd(spend), f"{worth:,.0f}", gap))
    headers = ("budget USD", "spend USD", "successes/month", "best")
    return Table(headers, tuple(rows), frozenset({0, 1, 2}))


def portfolio_json(
    found: Portfolio, step: Step | None = None, frontier: PortfolioFrontier | None = None
) -> str:
    """Return a portfolio as JSON; budgets, shares and exact amounts are decimal strings."""
    from kimi_planner import __version__

    projection, asked = found.projection, found.question
    data: dict[str, Any] = {
        "format": FORMAT,
        "kimi_planner": __version__,
        "catalog": {"version": projection.catalog.version, "sha256": projection.catalog.sha256},
        "as_of": projection.as_of.isoformat(),
        "seed": projection.seed,
        "n_paths": projection.n_paths,
        "months": [str(month) for month in projection.months],
        "quality_source": asked.source,
        "allow_split": asked.allow_split,
        "tier": asked.tier and asked.tier.tier,
        "percentile": found.percentile,
        **_answer(found),
        "least_budget_usd": _text(found.least_budget_usd),
        "least_possible_usd": _text(found.least_possible_usd),
        "dearest_month": found.dearest_month,
        **{
            f"p{percentile}_usd": _number(found.spend_usd(percentile))
            for percentile in (10, 50, 90)
        },
        "assignment": _rows(found),
        "exclusions": [
            {"workload": one.workload, "model": one.model, "reasons": list(one.reasons)}
            for one in found.exclusions
        ],
        "next": step
        and {
            "more_usd": _text(step.more_usd),
            "more_value": _number(step.more_value) if step.before.is_feasible else None,
            "moves": list(step.moves),
            "needed_usd": _text(step.needed_usd),
            "sentence": step.sentence(),
        },
        "frontier": frontier
        and [_answer(one) | {"assignment": _rows(one)} for one in frontier.points],
        "sentences": found.sentences(),
        "notes": list(projection.notes),
    }
    return dumped(data)


def _answer(found: Portfolio) -> dict[str, Any]:
    spend = found.spend
    return {
        "budget_usd_per_month": _text(found.budget_usd_per_month),
        "is_feasible": found.is_feasible,
        "value": _number(found.value),
        "bound": _number(found.bound),
        "gap": _number(found.gap, 9),
        "proven_optimal": found.proven_optimal,
        "spend_usd": _number(found.spend_usd()),
        "exact_usd": _text(found.spend_usd()) if spend and spend.exact_usd is not None else None,
    }


def _rows(found: Portfolio) -> list[dict[str, Any]]:
    return [
        {
            str(key): _text(value)
            if isinstance(value, Decimal)
            else _number(value)
            if isinstance(value, float)
            else value
            for key, value in row.items()
        }
        for row in found.frame.to_dict("records")
    ]


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(plain_decimal(amount), "f")


def _number(value: Decimal | float | None, digits: int = _DIGITS) -> float | None:
    return None if value is None else round(float(value), digits)
