"""What commands on usage logs share: arguments, and the totals of several logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.writing import progress
from kimi_planner.notes import Note

if TYPE_CHECKING:
    import pandas as pd

    from kimi_planner.usage.totals.result import UsageTotals


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
    return options.by_name(((key, value) for key, _, value in found), option)


argument = click.argument("paths", nargs=-1, required=True, metavar="LOG...", type=options.PATH)
catalog = options.catalog("Prices: version of the catalog, or the path of a TOML file.")
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
    return options.by_name(((column, field) for column, _, field in found), option)


_renamed_fields = click.option(
    "--map",
    "renamed",
    multiple=True,
    callback=_renamed,
    metavar="COLUMN=FIELD",
    help="Field of the log that has a column of a usage frame, such as cached_tokens=cache_tokens.",
)
_ignored = click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="FIELD",
    help="Field of the log that is not to be read, though it looks like usage.",
)


@dataclass(frozen=True)
class Log:
    """The paths of a log, and how it is read."""

    paths: tuple[Path, ...]
    on_error: Literal["raise", "skip"] = "raise"
    renamed: Mapping[str, str] | None = None
    ignored: tuple[str, ...] = ()

    def frame(self, keep: Iterable[str] = ()) -> pd.DataFrame:
        """Read the log, with some columns beside those of a usage frame."""
        from kimi_planner.usage.read import read_usage

        with progress("reading") as advance:
            return read_usage(self.paths, keep=keep, progress=advance, **self._options)

    def totals(self, by: tuple[str, ...]) -> UsageTotals:
        """Add the log up by some keys."""
        from kimi_planner.usage.totals.stream import total_usage

        with progress("reading") as advance:
            return total_usage(self.paths, by, progress=advance, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        return {"on_error": self.on_error, "map": self.renamed, "ignore": self.ignored}


#: Fields of a log that are not called as others are.
fields = options.group(_renamed_fields, _ignored)
#: A log, and all that says how it is read.
log = options.gathered("log", Log, argument, on_error, _renamed_fields, _ignored)

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
