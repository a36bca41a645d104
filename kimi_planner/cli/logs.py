"""What commands on usage logs share: arguments, and the totals of several logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from kimi_planner.cli.options import PATH
from kimi_planner.cli.progress import progress

__all__ = [
    "catalog_option",
    "logs_argument",
    "on_error_option",
    "pairs",
    "say_rejected",
    "totals_of_logs",
]


def pairs(
    _context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> str | dict[str, str] | None:
    """Read one plain value, or several of the form KEY=VALUE."""
    if not values:
        return None
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    found = [value.rpartition("=") for value in values]
    if not all(key and value for key, _, value in found):
        raise click.BadParameter("give one value, or several of the form KEY=VALUE.", param=option)
    return {key: value for key, _, value in found}


logs_argument = click.argument("logs", nargs=-1, required=True, metavar="LOG...", type=PATH)
catalog_option = click.option(
    "--catalog", help="Prices: version of the catalog, or the path of a TOML file."
)
on_error_option = click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    help="Stop at a bad row, or leave it out and count it.",
)


def say_rejected(rows: int) -> None:
    """Say on stderr how many bad rows were left out, if any were."""
    if rows:
        click.echo(f"bad rows left out: {rows:,}", err=True)


def totals_of_logs(
    logs: tuple[Path, ...], by: tuple[str, ...], on_error: Literal["raise", "skip"]
) -> Any:
    """Add up logs by some keys."""
    from kimi_planner.usage.totals.result import added
    from kimi_planner.usage.totals.sources import total_usage

    with progress("reading") as advance:
        parts = [total_usage(log, by, on_error=on_error, progress=advance) for log in logs]
    return added(parts, ", ".join(map(str, logs)))
