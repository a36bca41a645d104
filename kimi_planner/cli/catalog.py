"""``kimi-planner catalog``: which catalogs there are, and what one says."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["command"]


@click.group("catalog")
def command() -> None:
    """Show the price and capability catalogs."""


@command.command("list")
def list_() -> None:
    """List the catalogs that ship with the package."""
    from kimi_planner.catalog import DEFAULT_VERSION, catalog_versions, load_catalog

    for version in catalog_versions():
        catalog = load_catalog(version)
        default = "  (default)" if version == DEFAULT_VERSION else ""
        click.echo(f"{version}  {len(catalog)} models  {catalog.source.title}{default}")


@command.command("show")
@click.argument("version", required=False)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def show(version: str | None, form: str) -> None:
    """Show prices, context windows, capabilities and sources of VERSION."""
    from kimi_planner.catalog import load_catalog

    catalog = load_catalog(version)
    if form == "json":
        click.echo(json.dumps(_data(catalog), indent=2, ensure_ascii=False))
        return
    from kimi_planner.report.tables import catalog_table
    from kimi_planner.report.text import plain

    click.echo(plain(catalog_table(catalog)))
    click.echo(
        f"\nCatalog {catalog.version}, published {catalog.published}, sha256 {catalog.sha256}"
    )
    for source in catalog.sources.values():
        click.echo(f"Source {source.key}: {source.title}. Checked on {source.checked_on}.")
    for conflict in catalog.conflicts:
        click.echo(
            f"Conflict in {conflict.field}: {conflict.chosen} ({conflict.chosen_where}) against "
            f"{conflict.other} ({conflict.other_where}). {conflict.reason}"
        )
    for model in catalog:
        if model.not_stated:
            click.echo(f"Not stated for {model.id}: {', '.join(model.not_stated)}.")


def _data(catalog: Any) -> dict[str, Any]:
    prices = ("input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok")
    return {
        "format": 1,
        "version": catalog.version,
        "published": catalog.published,
        "currency": catalog.currency,
        "sha256": catalog.sha256,
        "sources": {
            key: {"title": source.title, "checked_on": source.checked_on.isoformat()}
            for key, source in catalog.sources.items()
        },
        "models": [
            {
                "id": model.id,
                "name": model.name,
                "context_window_tokens": model.context_window_tokens,
                **{name: _price(getattr(model, name)) for name in prices},
                "capabilities": sorted(model.capabilities),
                "use_cases": list(model.use_cases),
                "reasoning_depth": model.reasoning_depth and model.reasoning_depth.rating,
                "speed": model.speed and model.speed.rating,
            }
            for model in catalog
        ],
    }


def _price(value: Any) -> str | None:
    return None if value is None else str(value)
