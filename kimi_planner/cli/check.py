"""``kimi-planner check``: budgets in CI."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import click

from kimi_planner.cli.options import as_of_option

__all__ = ["command"]


@click.command("check")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default="pyproject.toml",
    show_default=True,
    help="TOML file with the table [tool.kimi-planner].",
)
@as_of_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(config: Path, as_of: date | None, form: str) -> None:
    """Hold prompts and workloads against the budgets in [tool.kimi-planner].

    Exit codes: 0 all passed, 1 a budget is exceeded, 2 bad input, 3 cannot tell.
    """
    from kimi_planner.checks import Outcome, load_config, run_checks, worst

    results = list(run_checks(load_config(config), as_of=as_of))
    ordered = sorted(results, key=lambda result: -result.outcome)
    if form == "json":
        rows = [
            {
                "path": result.path,
                "subject": result.subject,
                "outcome": result.outcome.name.lower(),
                "value": None if result.value is None else format(result.value, "f"),
                "limit": None if result.limit is None else format(result.limit, "f"),
                "message": result.message,
            }
            for result in ordered
        ]
        click.echo(json.dumps({"format": 1, "results": rows}, indent=2, ensure_ascii=False))
    else:
        for result in ordered:
            click.echo(f"{result.outcome.name:<7}  {result.path}: {result.message}")
        failed = sum(result.outcome is not Outcome.PASSED for result in results)
        click.echo(f"{len(results)} checks, {failed} not passed")
    sys.exit(int(worst(results)))
