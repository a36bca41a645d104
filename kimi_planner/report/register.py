"""What a plan rests on: every assumption as it was given, and the prices of the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from kimi_planner.catalog import Catalog
from kimi_planner.money import named, usd
from kimi_planner.plan.projection import Projection
from kimi_planner.report.table import Table
from kimi_planner.rich import stated
from kimi_planner.safe import on_one_line
from kimi_planner.workload import QUANTITY_FIELDS
from kimi_planner.workload.quantity import number_text


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
            "certainty": workload.certainty,
            "reasoning_effort": workload.reasoning_effort,
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
            "owner": workload.owner,
            "cost_centre": workload.cost_centre,
            "budget_usd_per_month": None if budget is None else usd(budget),
            **{
                key: None if amount is None else number_text(amount)
                for key in ("value_usd_per_success", "failure_usd", "seconds_at_most")
                for amount in [getattr(workload, key)]
            },
        }
        rows += [
            (workload.name, named(key, projection.currency), value)
            for key, value in others.items()
            if value
        ]
        rows.append((workload.name, "source", workload.source or "not given"))
    title = "Every quantity as it was given, and where it comes from"
    return Table(("workload", "assumption", "value"), tuple(rows), title=title)


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
    prices = (f"{name} {catalog.currency}/M" for name in ("input", "cached", "output"))
    headers = ("model", *prices, "window", "reasoning depth", "speed", "capabilities")
    title = (
        f"Prices in {catalog.currency} per million tokens, windows, ratings and capabilities as the "
        "catalog states them"
    )
    return Table(headers, rows, frozenset({1, 2, 3, 4, 5, 6}), title=title)


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
