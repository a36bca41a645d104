"""One catalog for a terminal: prices, lifecycle, sources, conflicts, and what is not stated."""

from __future__ import annotations

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.report.register import catalog_table
from kimi_planner.report.text import plain
from kimi_planner.rich import stated


def catalog_text(catalog: Catalog) -> str:
    """Return a catalog for a terminal."""
    published = f"published {catalog.published}" if catalog.published else "no month stated"
    lines = [
        plain(catalog_table(catalog)),
        "",
        f"Catalog {catalog.version}, {published}, sha256 {catalog.sha256}",
    ]
    if catalog.derived_from:
        lines.append(f"Derived prices, not published ones: {'; '.join(catalog.derived_from)}.")
    if catalog.tax:
        lines.append(f"Tax: {catalog.tax}.")
    for model in catalog:
        lines += _beside_the_table(model)
    lines += [f"Fee: {fee.name}, {fee.usd_per_call} USD a call. {fee.note}" for fee in catalog.fees]
    for one in catalog.list_prices:
        prices = (one.input_per_mtok, one.cached_input_per_mtok, one.output_per_mtok)
        names = ("input", "cached input", "output")
        words = ", ".join(
            f"{name} {stated(price)}" for name, price in zip(names, prices, strict=True)
        )
        lines.append(
            f"List in {one.currency}, beside the prices: {one.model}, {words} per 1M tokens."
        )
    for source in catalog.sources.values():
        lines.append(f"Source {source.key}: {source.title}. Checked on {source.check}.")
    for conflict in catalog.conflicts:
        whose = f" of {conflict.model}" if conflict.model else ""
        lines.append(
            f"Conflict in {conflict.field}{whose}: {conflict.chosen} ({conflict.chosen_where}) against "
            f"{conflict.other} ({conflict.other_where}). {conflict.reason}"
        )
    missing: dict[str, list[str]] = {}
    for model in catalog:
        for field in model.not_stated:
            missing.setdefault(field, []).append(model.id)
    for field, models in missing.items():
        whose = "any model" if len(models) == len(catalog) > 1 else ", ".join(models)
        lines.append(f"Not stated: {field} of {whose}.")
    return "\n".join(lines) + "\n"


def _beside_the_table(model: ModelSpec) -> list[str]:
    """Say what the table has no column for."""
    said = []
    writes = (model.cache_write_5m_usd_per_mtok, model.cache_write_1h_usd_per_mtok)
    if any(price is not None for price in writes):
        said.append(
            f"cache write {stated(writes[0])} for 5 minutes, {stated(writes[1])} for 1 hour"
        )
    starts = " and on ".join(map(str, model.price_days)) if len(model.price_periods) > 1 else None
    parts = [
        ("also called {}", ", ".join(model.aliases) or None),
        ("in a batch times {}", model.batch_multiplier),
        ("reserves {:,} tokens where no limit is given", model.default_output_tokens),
        ("answers have at most {:,} tokens", model.max_output_tokens),
        ("reasons with effort {}", ", ".join(model.reasoning_efforts) or None),
        ("answered with {} tokens a second when measured", model.output_tokens_per_second),
        ("prices start on {}", starts),
        ("released {}", model.released_on),
        ("first seen {}", None if model.released_on else model.first_seen_on),
        ("retired {}", model.retired_on),
        ("{}", None if model.retired_on else model.status),
        ("replaced by {}", model.replaced_by),
    ]
    said += [words.format(value) for words, value in parts if value is not None]
    lines = [f"{model.id}: {', '.join(said)}."] if said else []
    lines += [
        f"{model.id}, requests as written {rule}. Source {rule.source}."
        for rule in model.renderings
    ]
    lines += [f"{model.id}: {ratio}. Source {ratio.source}." for ratio in model.behaviour]
    return lines
