"""``kimi-planner init``: a configuration for a repository that has none."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from kimi_planner.cli import options
from kimi_planner.cli.writing import inside, write_all
from kimi_planner.errors import ConfigError


@click.command("init")
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default="."
)
@click.option(
    "--write",
    "is_written",
    is_flag=True,
    help="Write what is proposed; it is only printed if not given.",
)
@click.option(
    "--headroom",
    type=click.IntRange(0, 10_000),
    default=20,
    metavar="PERCENT",
    help="How far a limit lies above today's largest count.",
)
@options.as_of
def command(*, folder: Path, is_written: bool, headroom: int, as_of: date | None) -> None:
    """Propose the configuration of a check for FOLDER, the current one if not given.

    Looks through all files, but those that .gitignore names, and tests; nothing is run. What is
    proposed passes today, and a check of it is made at once. Places that call a model become stubs of
    workloads. The exit code is that of the check.
    """
    from kimi_planner.checks.config import CONFIG_FILE, find_config
    from kimi_planner.checks.formats.lines import covered, summary
    from kimi_planner.checks.formats.text import failures
    from kimi_planner.checks.proposal import propose
    from kimi_planner.checks.results import worst

    if there := find_config(folder):
        raise ConfigError("there is a configuration already. Add to it what is missing.", at=there)
    made = propose(folder, headroom=headroom, as_of=as_of)
    files = {CONFIG_FILE: made.config} | (
        {"workloads.toml": made.workloads} if made.workloads else {}
    )
    if is_written:
        write_all(inside(folder, files), force=False)
    else:
        for name, text in files.items():
            click.echo(f"# ----- {name}\n{text}")
    click.echo(failures(made.report), nl=False, err=True)
    for note in made.notes:
        click.echo(f"Note: {note}", err=True)
    coverage = made.report.coverage
    account = "" if coverage is None else f" {covered(coverage)}"
    click.echo(
        f"{made.files:,} files looked at; {summary(made.report.results)}.{account}", err=True
    )
    if not is_written:
        click.echo("Nothing is written. To write it: kimi-planner init --write", err=True)
    sys.exit(worst(made.report.results).exit_code)
