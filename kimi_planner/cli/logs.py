"""What commands on usage logs share: arguments, and the totals of several logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.progress import progress
from kimi_planner.notes import Note

__all__ = [
    "alias",
    "argument",
    "catalog",
    "fields",
    "finish",
    "on_error",
    "pairs",
    "say_rejected",
    "totals",
    "workload",
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


argument = click.argument("paths", nargs=-1, required=True, metavar="LOG...", type=options.PATH)
catalog = click.option(
    "--catalog", help="Prices: version of the catalog, or the path of a TOML file."
)
on_error = click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    help="Stop at a bad row, or leave it out and count it.",
)

alias = click.option(
    "--alias",
    multiple=True,
    metavar="LOG=CATALOG",
    callback=pairs,
    help="Model of the catalog that a name of the log means, where its spelling does not tell it.",
)


def _renamed(
    _context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Read values of the form COLUMN=FIELD."""
    found = [value.partition("=") for value in values]
    if not all(column and field for column, _, field in found):
        raise click.BadParameter("give COLUMN=FIELD.", param=option)
    return {column: field for column, _, field in found}


def fields(command: Any) -> Any:
    """Add the options that say which fields of a log are read."""
    renamed = click.option(
        "--map",
        "renamed",
        multiple=True,
        callback=_renamed,
        metavar="COLUMN=FIELD",
        help="Field of the log that has a column of a usage frame, such as cached_tokens=cache_tokens.",
    )
    ignored = click.option(
        "--ignore",
        "ignored",
        multiple=True,
        metavar="FIELD",
        help="Field of the log that is not to be read, though it looks like usage.",
    )
    return renamed(ignored(command))


workload = click.option(
    "--workload",
    multiple=True,
    callback=pairs,
    help="Column of the log that names the workload of a call, or MODEL=WORKLOAD for each model.",
)


def finish(notes: Iterable[Note], *, say: bool = False) -> None:
    """End with exit code 3 if some of a log is not priced; say on stderr what of it is, if asked to."""
    told = [one for one in notes if one.code in ("model_named", "not_priced")]
    for one in told if say else ():
        click.echo(one, err=True)
    if any(one.code == "not_priced" for one in told):
        click.get_current_context().exit(Exit.CANNOT_TELL)


def say_rejected(rows: int) -> None:
    """Say on stderr how many bad rows were left out, if any were."""
    if rows:
        click.echo(f"bad rows left out: {rows:,}", err=True)


def totals(
    paths: tuple[Path, ...],
    by: tuple[str, ...],
    on_error: Literal["raise", "skip"],
    renamed: Mapping[str, str] | None = None,
    ignored: tuple[str, ...] = (),
) -> Any:
    """Add up logs by some keys."""
    from kimi_planner.usage.totals.sources import total_usage

    with progress("reading") as advance:
        return total_usage(
            paths, by, on_error=on_error, map=renamed, ignore=ignored, progress=advance
        )
