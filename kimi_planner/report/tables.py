"""The tables of a plan as rows of text, the same for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kimi_planner.billing.meters import ByMeter, title_of
from kimi_planner.catalog import Catalog
from kimi_planner.choose.choice import BASES
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.spend import NO_RANGE, Spend
from kimi_planner.rich import share_text, stated
from kimi_planner.safe import on_one_line
from kimi_planner.workload import QUANTITY_FIELDS
from kimi_planner.workload.fields import MAX_NAME_CHARS
from kimi_planner.workload.quantity import number_text

__all__ = [
    "BASES",
    "OVER",
    "OVER_BUDGET",
    "Section",
    "Table",
    "amounts_words",
    "assumptions_table",
    "catalog_table",
    "dependence_sentence",
    "exclusions_table",
    "horizon",
    "meters_table",
    "months_table",
    "name_text",
    "ranges_sentence",
    "source_sentences",
    "spend_months_table",
    "spend_table",
    "spread_of",
    "totals_sentence",
    "traffic_sentences",
]

_WIDEST = 14  # columns that can still be read beside each other
#: Stands after an amount that is above its budget.
OVER = "!"
OVER_BUDGET = "chance any month is over budget"


@dataclass(frozen=True)
class Table:
    """Headers and rows of text; ``right`` holds the columns to align right.

    ``title`` says what the rows are where the text around them does not, and the last ``foot`` rows
    are sums of those above. Every cell is on one line, cut where it is very long, and shows what cannot be seen in it.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    title: str = ""
    foot: int = 0

    def __post_init__(self) -> None:
        rows = tuple(tuple(map(on_one_line, row)) for row in self.rows)
        object.__setattr__(self, "headers", tuple(map(on_one_line, self.headers)))
        object.__setattr__(self, "rows", rows)

    @property
    def narrow(self) -> Table:
        """The same for a page or a terminal: upright where it is too wide for them."""
        return self.upright if len(self.headers) > _WIDEST else self

    @property
    def upright(self) -> Table:
        """The same with rows and columns exchanged where that makes it narrower; else as it is.

        Examples
        --------
        >>> Table(("w", "1", "2", "3"), (("a", "4", "5", "6"),), frozenset({1, 2, 3})).upright.rows
        (('1', '4'), ('2', '5'), ('3', '6'))
        """
        if len(self.rows) + 1 >= len(self.headers):
            return self
        headers, *rows = zip(self.headers, *self.rows, strict=True)
        return Table(headers, tuple(rows), frozenset(range(1, len(headers))), title=self.title)


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    title, sentences, tables
        What people read.
    drawn
        Results, each after the name of the function of `plot` that draws it.
    data
        The same as plain data, by key of the JSON form.
    """

    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    drawn: tuple[tuple[str, Any], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def name_text(name: str) -> str:
    """Return a name that an earlier report or a log has, as long as one of a workload may be."""
    return on_one_line(name, MAX_NAME_CHARS)


def horizon(projection: Projection) -> str:
    """Return the months of a plan in words: one of them, or the first to the last."""
    first, last = projection.months[0], projection.months[-1]
    return str(first) if first == last else f"{first} to {last}"


def amounts_words(projection: Projection) -> str:
    """Return what the amounts of a plan are that are neither a month's nor its total."""
    if len(projection.months) == 1:
        return f"USD in {horizon(projection)}"
    return f"USD a month, average of {horizon(projection)}"


def spend_table(recommendation: Recommendation) -> Table:
    """Return spend, risk and what is served of every workload on every model, the planned one marked.

    Cut are answers that ``max_tokens`` ends early, those that it leaves empty included.
    """
    projection, fit = recommendation.projection, recommendation.fit
    choices = {(one.workload, one.model): one for one in recommendation.choices}
    planned = {one.workload: one.basis for one in recommendation.decisions}
    rows = []
    for row in projection.summary().to_dict("records"):
        key = (row["workload"], row["model"])
        if key[0] not in recommendation.names:
            continue
        choice = choices.get(key)
        verdict = "excluded" if choice is None else signed_usd(choice.more_than_best_usd)
        if recommendation.best[key[0]] == key[1]:
            verdict = planned[key[0]]
        if choice is not None and choice.conditions:
            verdict += f", if {' and '.join(choice.conditions)}"
        served = fit.of(*key)
        chance = row["chance_over_budget"]
        rows.append(
            (
                *key,
                *_amounts(
                    [row[f"{name}_usd_per_month"] for name in ("p10", "p50", "p90")],
                    row["range_given"],
                    row["is_least"],
                ),
                "no budget" if np.isnan(chance) else share_text(chance),
                share_text(served.fit_share),
                share_text(served.cut_share),
                row["reasoning"],
                verdict,
            )
        )
    headers = (
        *("workload", "model", "P10", "P50", "P90", OVER_BUDGET),
        *("fits", "cut", "reasoning", "choice"),
    )
    shown = [
        at for at, name in enumerate(headers) if name != "reasoning" or any(r[at] for r in rows)
    ]
    cells = [tuple(row[at] for at in shown) for row in (headers, *rows)]
    return Table(cells[0], tuple(cells[1:]), frozenset(range(2, 8)))


def months_table(recommendation: Recommendation) -> Table:
    """Return the spend of each month with every workload on its planned model."""
    projection = recommendation.projection
    return spend_months_table(projection, projection.mix(recommendation.best))


def spend_months_table(projection: Projection, spend: Spend) -> Table:
    """Return some spend of each month of a plan."""
    rows = [
        (str(month), *amounts)
        for month, amounts in zip(projection.months, _by_month(spend), strict=True)
    ]
    foot = int(len(rows) > 1)
    if foot:
        rows += [(f"all {len(rows)} months", *_by_month(spend.over_months())[0])]
    headers = ("month", "P10", "P50", "P90", "mean")
    return Table(headers, tuple(rows), frozenset({1, 2, 3, 4}), foot=foot)


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


def meters_table(recommendation: Recommendation) -> Table:
    """Return the mean spend of a month by meter, each workload on its planned model."""
    projection, best = recommendation.projection, recommendation.best
    spends = [projection.of(model, name) for name, model in best.items()]
    used = {key for spend in spends for key in spend.meters}
    every = Spend.together(spends).bill
    keys = [key for key, _ in every if key in used]

    def cells(bill: ByMeter) -> list[str]:
        months = len(projection.months)
        return [
            usd(float(np.sum(one)) / months) for one in (*(bill[key] for key in keys), bill.total)
        ]

    rows = [(*one, *cells(spend.bill)) for one, spend in zip(best.items(), spends, strict=True)]
    foot = int(len(rows) > 1)
    if foot:
        rows.append(("all", "", *cells(every)))
    headers = ("workload", "model", *map(title_of, keys), "mean")
    right = frozenset(range(2, len(headers)))
    return Table(headers, tuple(rows), right, foot=foot)


def exclusions_table(recommendation: Recommendation) -> Table:
    """Return every model that does not qualify, and why."""
    rows = tuple(
        (one.workload, one.model, "; ".join(one.reasons)) for one in recommendation.exclusions
    )
    return Table(("workload", "model", "why it is excluded"), rows)


def assumptions_table(projection: Projection) -> Table:
    """Return every quantity as it was given, and where it comes from."""
    rows = []
    for workload in projection.workloads:
        for key in QUANTITY_FIELDS:
            quantity = workload.given(key)
            if quantity is not None:
                rows.append((workload.name, key, quantity.describe()))
        rows += [(workload.name, key, value) for key, value in workload.dates()]
        limit, policy = workload.max_tokens, workload.overflow_policy
        budget = projection.budget(workload.name)
        others = {
            "max_tokens": None if limit is None else f"{limit:,}",
            "overflow": None if policy.policy == "price_all" else str(policy),
            "written_share": None if workload.written is None else str(workload.written),
            "batch": "all calls, at the batch price" if workload.batch else None,
            "correlation": str(workload.correlation) if workload.correlation else None,
            "fees_per_request": ", ".join(f"{fee} {number_text(n)}" for fee, n in workload.fees),
            "needs": ", ".join(workload.needs),
            "assume": ", ".join(workload.assume),
            "model": workload.model,
            "tokens_of": workload.tokens_of,
            "budget_usd_per_month": None if budget is None else usd(budget),
            **{
                key: None if amount is None else number_text(amount)
                for key in ("value_usd_per_success", "failure_usd", "seconds_at_most")
                for amount in [getattr(workload, key)]
            },
        }
        rows += [(workload.name, key, value) for key, value in others.items() if value]
        rows.append((workload.name, "source", workload.source or "not given"))
    return Table(("workload", "assumption", "value"), tuple(rows))


def catalog_table(catalog: Catalog, models: Iterable[str] | None = None) -> Table:
    """Return prices and windows of all models, or of some; what is not stated is named so."""
    rows = tuple(
        (
            model.id,
            stated(model.input_usd_per_mtok),
            stated(model.cached_input_usd_per_mtok),
            stated(model.output_usd_per_mtok),
            stated(model.context_window_tokens and f"{model.context_window_tokens:,}"),
            stated(model.reasoning_depth and model.reasoning_depth.rating),
            stated(model.speed and model.speed.rating),
            model.capability_words,
        )
        for model in (catalog if models is None else map(catalog.model, models))
    )
    prices = ("input USD/M", "cached USD/M", "output USD/M")
    headers = ("model", *prices, "window", "reasoning depth", "speed", "capabilities")
    return Table(headers, rows, frozenset({1, 2, 3, 4, 5, 6}))


def source_sentences(catalog: Catalog) -> list[str]:
    """Return where the prices come from, and every contradiction in it with the value chosen."""
    sentences = [
        *(f"Derived prices, not published ones: {'; '.join(catalog.derived_from)}.",)
        * bool(catalog.derived_from),
        f"Source: {catalog.source}.",
        *(
            f"Two values are given for {one.field}{f' of {one.model}' * bool(one.model)}: {one.chosen} "
            f"({one.chosen_where}) and {one.other} ({one.other_where}). {one.reason}"
            for one in catalog.conflicts
        ),
    ]
    return [on_one_line(one) for one in sentences]


def totals_sentence(recommendation: Recommendation) -> str:
    """Return the whole plan in one sentence."""
    projection, unmet = recommendation.projection, recommendation.without_model
    spend = projection.mix(recommendation.best).over_months()
    months = len(projection.months)
    span = (
        f"over {months} months, {_range(spend, months)} a month on average"
        if months > 1
        else f"in {horizon(projection)}"
    )
    text = f"All workloads on their planned models: {_range(spend, 1)} {span}."
    if unmet:
        text += f" Of them no model qualifies for {', '.join(unmet)}."
    return text + _exchanged(recommendation)


def traffic_sentences(recommendation: Recommendation) -> list[str]:
    """Return the expected calls and conversations of each workload, retries being calls too."""
    projection, said = recommendation.projection, []
    months = len(projection.months)
    for name in recommendation.names:
        spend = projection.of(projection.models[0], name)
        calls, talks = (
            number_text(round(float(sum(one)) / months))
            for one in (spend.requests, spend.conversations)
        )
        said.append(f"{name}: {calls} calls, {talks} conversations a month on average.")
    return said


def ranges_sentence(recommendation: Recommendation) -> str:
    """Return how the ranges of a plan are to be read; empty where nothing has a range."""
    spend = recommendation.projection.mix(recommendation.best).over_months()
    if not spend.is_ranged:
        return ""
    return (
        "Each total is a P50: half of the simulated outcomes cost more, half less, and 8 of 10 lie "
        "between P10 and P90. Means add up; the P50s of workloads or months do not."
    )


def dependence_sentence(recommendation: Recommendation) -> str:
    """Return how much the range of the total rests on whether workloads move together.

    Empty where fewer than two of them have a range. The end of full dependence is the sum of the
    workloads' own quantiles.
    """
    projection, best = recommendation.projection, recommendation.best
    spends = [projection.mix({name: model}).over_months() for name, model in best.items()]
    ranges = [spread_of(spend) for spend in spends]
    if sum(spend.is_ranged for spend in spends) < 2:
        return ""
    shares = {
        workload.correlation: None for workload in projection.workloads if workload.name in best
    }
    stated = any(shares)
    moving = (
        f"with a correlation of {', '.join(map(str, shares))} of their levels and growth, as stated"
    )
    low, _, high = spread_of(projection.mix(best).over_months())
    lows, _, highs = map(sum, zip(*ranges, strict=True))
    return (
        f"The range of the total takes workloads to move "
        f"{moving if stated else 'independently of each other'}: P10 {usd(low, 0)} to P90 "
        f"{usd(high, 0)} USD. If all of them moved as one, it would be {usd(lows, 0)} to "
        f"{usd(highs, 0)}; a correlation in the file states what lies between."
    )


def _exchanged(recommendation: Recommendation) -> str:
    """Say the total in another currency, each month at the rate that was given for it."""
    projection = recommendation.projection
    exchange = projection.catalog.exchange
    if exchange is None:
        return ""
    rates = [exchange.at(month.first) for month in projection.months]
    spend = projection.mix(recommendation.best).at_rates(rates).over_months()
    p10, amount, p90 = (usd(one, 0) for one in spread_of(spend))
    spread = f" (P10 {p10}, P90 {p90})"
    if not spend.is_ranged:
        amount, spread = usd(spend.exact_usd[0] if spend.exact_usd else spread_of(spend)[1]), ""
    return f" At {exchange}, that is {amount} {exchange.currency}{spread} in all."


def spread_of(spend: Spend, parts: int = 1) -> tuple[float, float, float]:
    """Return P10, P50 and P90 of the first month, or of a part of it."""
    p10, p50, p90 = (float(spend.quantile(q)[0]) / parts for q in (0.1, 0.5, 0.9))
    return p10, p50, p90


def _range(spend: Spend, parts: int) -> str:
    p10, p50, p90 = spread_of(spend, parts)
    if not spend.is_ranged:
        return f"{usd(p50)} USD ({NO_RANGE})"
    return f"P50 {usd(p50, 0)} USD (P10 {usd(p10, 0)}, P90 {usd(p90, 0)})"
