"""``kimi-planner recommend``: a model for each workload, with reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kimi_planner.cli.options import recommendation_of, scenario_options, workloads_argument

__all__ = ["command"]


@click.command("recommend")
@workloads_argument
@scenario_options
@click.option(
    "--need", "needs", multiple=True, help="A capability every model must have; may be repeated."
)
@click.option(
    "--min-fit",
    type=float,
    default=0.99,
    show_default=True,
    help="Least share of requests that must fit.",
)
@click.option("--budget", help="USD a month for each workload that has no budget of its own.")
@click.option(
    "--percentile",
    type=float,
    default=50,
    show_default=True,
    help="Percentile that must stay in budget.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(
    *,
    workloads: Path | None,
    scenario: dict[str, Any],
    needs: tuple[str, ...],
    min_fit: float,
    budget: str | None,
    percentile: float,
    form: str,
) -> None:
    """Choose a model for each workload of WORKLOADS, a TOML file.

    Models that lack a needed capability, do not fit or break the budget are excluded with the
    reason; the others rank by their median spend.
    """
    from kimi_planner.report.json_form import plan_data
    from kimi_planner.report.text import recommendation_text
    from kimi_planner.selection import Requirements

    requirements = Requirements(
        needs=needs,
        min_fit_share=min_fit,
        budget_usd_per_month=budget,
        budget_percentile=percentile,
    )
    recommendation = recommendation_of(workloads, scenario, requirements)
    if form == "table":
        click.echo(recommendation_text(recommendation))
        return
    left_out = ("spend", "summary", "context_fit")
    data = {key: value for key, value in plan_data(recommendation).items() if key not in left_out}
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
