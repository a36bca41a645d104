"""The tables of a plan's money, the same for every form of a report and in every currency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kimi_planner.billing.meters import ByMeter, title_of
from kimi_planner.catalog import Exchange
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.spend import Spend
from kimi_planner.report.currency import InCurrency
from kimi_planner.report.sentences import amounts_words, horizon, spread_of
from kimi_planner.report.table import Table
from kimi_planner.rich import risk_text, share_text

OVER_BUDGET = "chance any month is over budget"


def budgets_table(recommendation: Recommendation, exchange: Exchange | None = None) -> Table:
    """Return each workload that has a budget, on its planned model, and the risk to break it.

    Those over it come first, with the gap of the month that is over by the most.
    """
    shown = InCurrency(recommendation, exchange)
    projection, matrix = recommendation.projection, shown.matrix
    over = {one.workload: one for one in shown.over_budget}
    rows = []
    for row in matrix.rows:
        budget = projection.budget(row.name)
        if row.budgets is None or budget is None:
            continue
        spend = shown.projection.of(row.model, row.name)
        month, dearest = spend.worst_month(0.9)
        _, p50, p90 = spread_of(spend.over_months(), len(projection.months))
        gap = over.get(row.name)
        ends = sorted({min(row.budgets.values()), max(row.budgets.values())})
        rows.append(
            (
                *(row.name, row.model, " to ".join(map(usd, ends))),
                *(usd(p50), usd(p90) if spend.is_ranged else "not given"),
                f"{usd(dearest)} in {projection.months[month]}",
                risk_text(
                    projection.of(row.model, row.name).chance_over(budget),
                    is_least=projection.reasoning(row.model, row.name).is_least,
                ),
                f"{usd(gap.gap_usd)} in {gap.month}" if gap else "",
            )
        )
    rows.sort(key=lambda row: row[0] not in over)
    average = "average month " if len(projection.months) > 1 else ""
    headers = (
        *("workload", "model", "budget a month", f"{average}P50", f"{average}P90"),
        *("dearest month P90", OVER_BUDGET, "over by"),
    )
    title = f"Budgets ({shown.currency}, {horizon(projection)})"
    return Table(headers, tuple(rows), frozenset(range(2, 8)), title=title)


def spend_table(recommendation: Recommendation, exchange: Exchange | None = None) -> Table:
    """Return spend, risk and what is served of every workload on every model, the planned one marked.

    Cut are answers that ``max_tokens`` ends early, those that it leaves empty included.
    """
    shown = InCurrency(recommendation, exchange)
    months = len(shown.projection.months)
    choices = {(one.workload, one.model): one for one in recommendation.choices}
    firsts = dict(reversed(choices))  # of the models that are listed, best last
    planned = {one.workload: one.basis for one in recommendation.decisions}

    def mean(name: str, model: str) -> float:
        return float(shown.projection.of(model, name).mean().sum()) / months

    rows = []
    for row in recommendation.projection.summary().to_dict("records"):
        name, model = row["workload"], row["model"]
        if name not in recommendation.names:
            continue
        spend = shown.projection.of(model, name).over_months()
        choice, chance = choices.get((name, model)), row["chance_over_budget"]
        first, verdicts = firsts.get(name, model), ["excluded"] * (choice is None)
        if recommendation.best[name] == model:
            verdicts = [planned[name]]
        if choice is not None and (not verdicts or model != first):
            verdicts.append(signed_usd(mean(name, model) - mean(name, first)))
        verdict = ", ".join(verdicts)
        if choice is not None and choice.conditions:
            verdict += f", if {' and '.join(choice.conditions)}"
        served = recommendation.fit.of(name, model)
        rows.append(
            (
                *(name, model),
                *_amounts(spread_of(spend, months), spend.is_ranged, row["is_least"]),
                usd(mean(name, model)),
                "no budget" if np.isnan(chance) else risk_text(chance, is_least=row["is_least"]),
                *(share_text(served.fit_share), share_text(served.cut_share)),
                *(row["reasoning"], verdict),
            )
        )
    headers = (
        *("workload", "model", "P10", "P50", "P90", "mean", OVER_BUDGET),
        *("fits", "cut", "reasoning", "choice"),
    )
    kept = [
        at for at, name in enumerate(headers) if name != "reasoning" or any(r[at] for r in rows)
    ]
    cells = [tuple(row[at] for at in kept) for row in (headers, *rows)]
    words = "under choice, how much more the mean is than that of the first of the ranking"
    title = f"{amounts_words(shown)}; {words}"
    return Table(cells[0], tuple(cells[1:]), frozenset(range(2, 9)), title=title)


def months_table(recommendation: Recommendation, exchange: Exchange | None = None) -> Table:
    """Return the spend of each month with every workload on its planned model."""
    shown = InCurrency(recommendation, exchange)
    rows = [
        (str(month), *amounts)
        for month, amounts in zip(shown.projection.months, _by_month(shown.planned), strict=True)
    ]
    foot = int(len(rows) > 1)
    if foot:
        rows += [(f"all {len(rows)} months", *_by_month(shown.planned.over_months())[0])]
    headers = ("month", "P10", "P50", "P90", "mean")
    title = f"Each workload on its planned model, {shown.currency}"
    return Table(headers, tuple(rows), frozenset({1, 2, 3, 4}), title=title, foot=foot)


def _by_month(spend: Spend) -> list[tuple[str, ...]]:
    """Return P10, P50, P90 and mean of each month."""
    columns = [spend.quantile(q) for q in (0.1, 0.5, 0.9)]
    return [
        (*_amounts(row, spend.is_ranged), usd(float(mean)))
        for *row, mean in zip(*columns, spend.mean(), strict=True)
    ]


def _amounts(
    quantiles: Sequence[float], is_ranged: bool, is_least: bool = False
) -> tuple[str, str, str]:
    """Return P10, P50 and P90; one number where no range was given, or nobody knows its upper end."""
    p10, p50, p90 = (usd(float(one)) for one in quantiles)
    if is_least:
        return "at least", p50, "not known"
    return (p10, p50, p90) if is_ranged else ("not given", p50, "not given")


def meters_table(recommendation: Recommendation, exchange: Exchange | None = None) -> Table:
    """Return the mean spend of a month by meter, each workload on its planned model."""
    shown, best = InCurrency(recommendation, exchange), recommendation.best
    spends = [shown.projection.of(model, name) for name, model in best.items()]
    used = {key for spend in spends for key in spend.meters}
    every = shown.planned.bill
    keys = [key for key, _ in every if key in used]

    def cells(bill: ByMeter) -> list[str]:
        months = len(shown.projection.months)
        return [
            usd(float(np.sum(one)) / months) for one in (*(bill[key] for key in keys), bill.total)
        ]

    rows = [(*one, *cells(spend.bill)) for one, spend in zip(best.items(), spends, strict=True)]
    foot = int(len(rows) > 1)
    if foot:
        rows.append(("all", "", *cells(every)))
    headers = ("workload", "model", *map(title_of, keys), "mean")
    title = f"Mean spend on the planned models, {amounts_words(shown)}"
    return Table(headers, tuple(rows), frozenset(range(2, len(headers))), title=title, foot=foot)


def exclusions_table(recommendation: Recommendation) -> Table:
    """Return every model that does not qualify, and why."""
    rows = tuple(
        (one.workload, one.model, "; ".join(one.reasons)) for one in recommendation.exclusions
    )
    return Table(
        ("workload", "model", "why it is excluded"),
        rows,
        title="Models that do not qualify, and why",
    )
