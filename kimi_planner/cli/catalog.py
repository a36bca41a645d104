"""``kimi-planner catalog``: which catalogs there are, and what one says."""

from __future__ import annotations

import json

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
        from kimi_planner.report.json_form import catalog_data

        click.echo(json.dumps(catalog_data(catalog), indent=2, ensure_ascii=False))
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
    missing: dict[str, list[str]] = {}
    for model in catalog:
        for field in model.not_stated:
            missing.setdefault(field, []).append(model.id)
    for field, models in missing.items():
        click.echo(f"Not stated: {field} of {', '.join(models)}.")
