"""``kimi-planner check``: budgets in CI."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kimi_planner.checks.formats.render import FORMATS
from kimi_planner.cli import options
from kimi_planner.cli.writing import print_or_write, write

if TYPE_CHECKING:
    from kimi_planner.checks.run import CheckReport

__all__ = ["command"]


@click.command("check")
@click.option(
    "--config",
    type=options.PATH,
    help="TOML file with the table [tool.kimi-planner], or with its keys at the top; "
    "kimi-planner.toml or pyproject.toml of this folder if not given.",
)
@options.as_of
@options.form(*FORMATS)
@click.option(
    "--output", type=options.FILE, help="File to write the report to, in place of standard output."
)
@click.option(
    "--baseline",
    is_flag=False,
    flag_value="",
    help="Compare with a baseline; without a path, with the one that the configuration names.",
)
@click.option(
    "--update-baseline",
    is_flag=True,
    help="Write what there is now as the baseline. Growth is then shown, not held against.",
)
def command(
    *,
    config: Path | None,
    as_of: date | None,
    form: str,
    output: Path | None,
    baseline: str | None,
    update_baseline: bool,
) -> None:
    """Hold prompts, workloads and the catalog against the budgets in [tool.kimi-planner].

    Exit codes: 0 all passed, 1 a budget is exceeded, 2 bad input, 3 cannot tell.
    """
    from kimi_planner.checks.config import find_config, load_config
    from kimi_planner.checks.formats.render import render
    from kimi_planner.checks.results import worst
    from kimi_planner.checks.run import Check

    loaded = load_config(find_config(Path()) if config is None else config)
    accepted = Path(baseline) if baseline else loaded.folder / loaded.baseline
    found = Check(loaded, as_of)
    known = None
    if baseline is not None:
        from kimi_planner.checks.baseline_file import read_baseline

        known = read_baseline(accepted)
    report = found.report(known, may_grow=update_baseline)
    print_or_write(render(report, form, _base(loaded.folder)), output, force=True)
    if form == "github":
        _write_summary(report)
    if update_baseline and found.unread:
        click.echo(f"did not write {accepted}: correct the bad input first", err=True)
    elif update_baseline:
        from kimi_planner.checks.baseline_file import baseline_text

        write(accepted, baseline_text(found.moment), force=True)
    sys.exit(worst(report.results).exit_code)


def _base(folder: Path) -> str:
    """Return the folder of the configuration below the root of the repository, ``""`` if it is it."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    here = folder.resolve()
    name = here.relative_to(root).as_posix() if here.is_relative_to(root) else "."
    return "" if name == "." else name


def _write_summary(report: CheckReport) -> None:
    """Add to the summary of a step, which other commands of it may have begun."""
    from kimi_planner.checks.formats.github import MAX_SUMMARY_BYTES, step_summary
    from kimi_planner.errors import FileError

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8", newline="\n") as file:
            file.write(step_summary(report, MAX_SUMMARY_BYTES - file.tell()))
    except OSError as error:
        raise FileError(f"{name}: cannot be written ({error.strerror}).") from None
