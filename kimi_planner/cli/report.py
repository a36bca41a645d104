"""``kimi-planner report``: a budget report for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kimi_planner.cli.options import recommendation_of, scenario_options, workloads_argument, write

__all__ = ["command"]


@click.command("report")
@workloads_argument
@scenario_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="report",
    show_default=True,
    help="Folder to write to.",
)
def command(workloads: Path | None, scenario: dict[str, Any], out: Path) -> None:
    """Write report.html, one self-contained page, and report.md for WORKLOADS, a TOML file."""
    import matplotlib as mpl

    mpl.use("Agg")
    from kimi_planner.report.html import html_report
    from kimi_planner.report.tables import totals_sentence
    from kimi_planner.report.text import markdown_report

    recommendation = recommendation_of(workloads, scenario)
    page, text = html_report(recommendation), markdown_report(recommendation)
    write(out / "report.html", page)
    write(out / "report.md", text)
    click.echo(totals_sentence(recommendation))
