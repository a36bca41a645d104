"""``kimi-planner plan``: monthly spend and context fit of workloads on every model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli.options import (
    recommendation_of,
    save_picture,
    scenario_options,
    workloads_argument,
    write,
)

if TYPE_CHECKING:
    from kimi_planner.selection import Recommendation

__all__ = ["command", "save_pictures"]


@click.command("plan")
@workloads_argument
@scenario_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
    help="Form of what is printed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the plan and its pictures.",
)
def command(workloads: Path | None, scenario: dict[str, Any], form: str, out: Path | None) -> None:
    """Project monthly spend and context fit of WORKLOADS, a TOML file.

    Without a file, the example that ships with the package is planned.
    """
    from kimi_planner.report.json_form import plan_json
    from kimi_planner.report.text import markdown_report, plan_text

    recommendation = recommendation_of(workloads, scenario)
    forms = {
        "table": lambda: plan_text(recommendation) + "\n",
        "json": lambda: plan_json(recommendation),
        "csv": lambda: recommendation.projection.frame.to_csv(index=False),
        "markdown": lambda: markdown_report(recommendation),
    }
    click.echo(forms[form](), nl=False)
    if out is not None:
        write(out / "plan.json", plan_json(recommendation))
        write(out / "plan.csv", recommendation.projection.frame.to_csv(index=False))
        save_pictures(recommendation, out)


def save_pictures(recommendation: Recommendation, folder: Path) -> None:
    """Draw the pictures of a plan into a folder."""
    import matplotlib as mpl

    mpl.use("Agg")
    from kimi_planner.report.pictures import pictures

    for name, ax in pictures(recommendation).items():
        save_picture(ax, folder / f"{name}.png")
