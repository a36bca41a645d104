"""``kimi-planner recommend``: a model for each workload, with reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options

if TYPE_CHECKING:
    from kimi_planner.choose.evaluations.read import Evaluations

__all__ = ["command"]


@click.command("recommend")
@options.workloads
@options.scenario
@options.booking
@click.option(
    "--budget",
    "budget_usd_per_month",
    help="USD a month for each workload that has no budget of its own.",
)
@options.requirements
@options.evaluations()
@click.option(
    "--min-reasoning",
    "min_reasoning_depth",
    type=int,
    metavar="N",
    help="Least rating of reasoning depth in the catalog.",
)
@click.option("--min-speed", type=int, metavar="N", help="Least rating of speed in the catalog.")
@click.option(
    "--min-success",
    "min_success_rate",
    type=float,
    metavar="SHARE",
    help="Least expected success rate in the evaluations.",
)
@click.option(
    "--tier",
    type=int,
    metavar="N",
    help="Recharge tier that each workload's peaks must stay within.",
)
@options.form("table", "json")
def command(
    *,
    workloads: Path | None,
    scenario: dict[str, Any],
    booking: dict[str, Any],
    evaluations: Evaluations | None,
    form: str,
    **requirements: Any,
) -> None:
    """Choose a model for each workload of WORKLOADS, a TOML file.

    Models that lack a needed capability, do not fit, break the budget or miss another requirement are
    excluded with the reason; the others rank by their median spend.
    """
    from kimi_planner.choose.ranking import recommend
    from kimi_planner.choose.requirements import Requirements
    from kimi_planner.report.json_form import dumped, flips_data, plan_data
    from kimi_planner.report.text import recommendation_text

    required = Requirements(**requirements)
    file, settings = options.plan_file(workloads, scenario, booking)
    recommendation = recommend(file.workloads, required, evaluations=evaluations, **settings)
    if form == "table":
        click.echo(recommendation_text(recommendation))
        return
    left_out = ("spend", "summary", "context_fit")
    data = {key: value for key, value in plan_data(recommendation).items() if key not in left_out}
    data["flips"] = flips_data(recommendation)
    click.echo(dumped(data), nl=False)
