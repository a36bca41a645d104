"""``kimi-planner plan``: monthly spend and context fit of workloads on every model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options
from kimi_planner.cli.writing import off_screen, png, write_all

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation

__all__ = ["command"]


@click.command("plan")
@options.workloads
@options.scenario
@options.form("table", "json", "csv", "markdown")
@click.option("--out", type=options.FOLDER, help="Folder for the plan and its pictures.")
@options.force
def command(
    *, workloads: Path | None, scenario: dict[str, Any], form: str, out: Path | None, force: bool
) -> None:
    """Project monthly spend and context fit of WORKLOADS, a TOML file.

    Without a file, the example that ships with the package is planned.
    """
    from kimi_planner.choose.ranking import recommend
    from kimi_planner.report.json_form import plan_json
    from kimi_planner.report.text import markdown_report, plan_text
    from kimi_planner.safe import csv_text
    from kimi_planner.workload import load_workloads

    recommendation = recommend(load_workloads(workloads), **scenario)
    forms = {
        "table": lambda: plan_text(recommendation) + "\n",
        "json": lambda: plan_json(recommendation),
        "csv": lambda: csv_text(recommendation.projection.frame),
        "markdown": lambda: markdown_report(recommendation),
    }
    if out is not None:
        files = {f"plan.{name}": forms[name]() for name in ("json", "csv")}
        write_all(out, {**files, **_pictures(recommendation)}, force=force)
    click.echo(forms[form](), nl=False)


def _pictures(recommendation: Recommendation) -> dict[str, bytes]:
    """Return the pictures of a plan by the names of their files."""
    off_screen()
    from kimi_planner.report.pictures import pictures

    return {f"{name}.png": png(ax) for name, ax in pictures(recommendation).items()}
