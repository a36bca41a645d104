"""``kimi-planner catalog``: which catalogs there are, what one says, how they differ, how old."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.group import Commands
from kimi_planner.cli.writing import write
from kimi_planner.safe import csv_text

if TYPE_CHECKING:
    from kimi_planner.catalog import Catalog
    from kimi_planner.choose.effect import CatalogEffect


_WIDTHS = {"model": 24, "kind": 22, "exactness": 9, "evidence": 0}

workloads_option = click.option(
    "--workloads",
    type=options.PATH,
    help="A workload file: what the difference does to it, in USD a month.",
)
paths_option = click.option("--paths", default=2_000, help="Number of paths.")


@click.group("catalog", cls=Commands)
def command() -> None:
    """Show, compare, check and start the price and capability catalogs."""


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
@options.as_of
@options.form("table", "json")
def show(version: str | None, as_of: date | None, form: str) -> None:
    """Show prices, context windows, capabilities and sources of VERSION.

    VERSION is a shipped one, the path of a file, or genai-prices.
    """
    from kimi_planner.catalog import load_catalog

    catalog = load_catalog(version, as_of=as_of)
    if form == "json":
        from kimi_planner.report.json_form import catalog_data, dumped

        click.echo(dumped(catalog_data(catalog)), nl=False)
        return
    from kimi_planner.report.catalog_text import catalog_text

    click.echo(catalog_text(catalog), nl=False)


@command.command("diff")
@click.argument("old")
@click.argument("new")
@workloads_option
@options.as_of
@paths_option
@options.form("table", "markdown", "json")
def diff(
    *, old: str, new: str, workloads: Path | None, as_of: date | None, paths: int, form: str
) -> None:
    """Show what differs between the catalogs OLD and NEW.

    Each is a shipped version, the path of a file, or genai-prices.
    """
    from kimi_planner.catalog import load_catalog
    from kimi_planner.catalog.diff import diff_catalogs
    from kimi_planner.report.catalogs import diff_json, diff_text

    effect = _effect(workloads, old, new, as_of, paths)
    first, second = (load_catalog(one, as_of=as_of) for one in (old, new))
    found = effect.diff if effect else diff_catalogs(first, second)
    if form == "json":
        click.echo(diff_json(found, effect), nl=False)
    else:
        click.echo(diff_text(found, effect, in_markdown=form == "markdown"), nl=False)


@command.command("check")
@click.argument("version", required=False)
@click.option("--against", help="Another catalog to compare with, such as genai-prices.")
@click.option("--max-age-days", type=int, help="Most days since each source was checked.")
@workloads_option
@options.as_of
@paths_option
@click.pass_context
def check(
    context: click.Context,
    *,
    version: str | None,
    against: str | None,
    max_age_days: int | None,
    workloads: Path | None,
    as_of: date | None,
    paths: int,
) -> None:
    """Check keys, sources, hash and age of VERSION, and compare it with another catalog.

    Exit codes: 0 passed, 1 stale, 2 bad input, 3 cannot tell.
    """
    from kimi_planner.catalog.audit import audit_catalog

    if workloads is not None and against is None:
        raise click.UsageError("--workloads needs --against, the catalog to compare with.")
    day = as_of or date.today()  # noqa: DTZ011 - an audit is made on the auditor's own day
    catalog, findings = audit_catalog(version, day, max_age_days)
    for one in findings:
        click.echo(f"{one.status:7}  {one.what}: {one.words}.")
    statuses = {one.status for one in findings}
    if against is not None and not _compared(catalog, against, workloads, day, paths):
        statuses.add("unknown")
    if "stale" in statuses:
        context.exit(Exit.OVER)
    if "unknown" in statuses:
        context.exit(Exit.CANNOT_TELL)


@command.command("evidence")
@click.argument("version", required=False)
@options.form("table", "markdown", "json", "csv")
def evidence(version: str | None, form: str) -> None:
    """Show what counts of the models of VERSION rest on: recorded bills, or a template alone.

    Without VERSION, the default catalog and the models that the newest one says are offered.
    """
    from kimi_planner.catalog import catalog_versions, load_catalog
    from kimi_planner.tokens.evidence import EVIDENCE_KINDS, evidence_rows

    specs = [*load_catalog(version)]
    if version is None:
        specs += [one for one in load_catalog(catalog_versions()[-1]) if one.status == "offered"]
    rows = evidence_rows(specs)
    if form == "json":
        click.echo(json.dumps({"format": 1, "evidence": rows}, indent=2, ensure_ascii=False))
    elif form == "csv":
        import pandas as pd

        click.echo(csv_text(pd.DataFrame(rows)), nl=False)
    elif form == "table":
        for row in rows:
            click.echo("  ".join(f"{row[key] or '-':{width}}" for key, width in _WIDTHS.items()))
    else:
        click.echo("| model | " + " | ".join(EVIDENCE_KINDS) + " |")
        click.echo("|---" * (1 + len(EVIDENCE_KINDS)) + "|")
        for first in range(0, len(rows), len(EVIDENCE_KINDS)):
            of_model = rows[first : first + len(EVIDENCE_KINDS)]
            cells = (
                f"**{row['exactness']}**: {row['evidence']}".removeprefix("****: ")
                for row in of_model
            )
            click.echo(f"| `{of_model[0]['model']}` | " + " | ".join(cells) + " |")


@command.command("schema")
def schema() -> None:
    """Print the form of a catalog file as a JSON Schema, for editors."""
    from kimi_planner.catalog.schema import catalog_schema

    click.echo(json.dumps(catalog_schema(), indent=2, ensure_ascii=False))


@command.command("new")
@click.argument("version")
@click.option(
    "--from", "origin", help="Version or file to start from; the default one if not given."
)
@click.option(
    "--out", type=options.FILE, help="File to write; VERSION.toml in this folder if not given."
)
@options.force
@options.as_of
def new(
    *, version: str, origin: str | None, out: Path | None, force: bool, as_of: date | None
) -> None:
    """Start VERSION of a catalog from another one."""
    from kimi_planner.catalog.draft import draft_catalog

    day = as_of or date.today()  # noqa: DTZ011 - a version is started on the author's own day
    text = draft_catalog(version, origin, day)
    path = Path(f"{version}.toml") if out is None else out
    write(path, text, force=force)
    click.echo(
        f"Now compare each value with its source and set checked_on, then: kimi-planner catalog check {path}"
    )


def _compared(
    catalog: Catalog, against: str, workloads: Path | None, day: date, paths: int
) -> bool:
    """Print how another catalog differs; return whether there was anything to compare."""
    from kimi_planner.catalog import load_catalog
    from kimi_planner.catalog.diff import diff_catalogs
    from kimi_planner.errors import MissingExtraError
    from kimi_planner.report.catalogs import diff_text

    try:
        other = load_catalog(against)
    except MissingExtraError as error:
        click.echo(f"unknown  against {against}: {error}")
        return False
    found = diff_catalogs(catalog, other)
    if not found.common and not found.counterparts:
        click.echo(f"unknown  against {other.version}: it has none of the models.")
        return False
    effect = _effect(workloads, catalog, other, day, paths)
    click.echo(f"\n{diff_text(effect.diff if effect else found, effect)}", nl=False)
    return True


def _effect(
    workloads: Path | None,
    old: str | Catalog,
    new: str | Catalog,
    as_of: date | None,
    paths: int,
) -> CatalogEffect | None:
    if workloads is None:
        return None
    from kimi_planner.choose.effect import catalog_effect
    from kimi_planner.workload import load_workloads

    return catalog_effect(load_workloads(workloads), old, new, as_of=as_of, n_paths=paths)
