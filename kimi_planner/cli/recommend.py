"""``kimi-planner recommend``: a model for each workload, with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options, planned

if TYPE_CHECKING:
    from kimi_planner.choose.evaluations.read import Evaluations


@click.command("recommend")
@planned.plan
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
@click.option(
    "--value",
    "value_usd_per_success",
    help="USD that a solved task is worth, where a workload states none.",
)
@click.option(
    "--failure",
    "failure_usd",
    help="USD that a task costs that is not solved, where a workload states none.",
)
@click.option(
    "--seconds",
    "seconds_at_most",
    help="Seconds within which nine of ten answers must be complete, where a workload states none.",
)
@click.option("--details", is_flag=True, help="Every reason and note, nothing cut.")
@options.form("table", "json")
@planned.fail_over_budget
def command(
    *,
    evaluations: Evaluations | None,
    details: bool,
    form: str,
    fail_over_budget: bool,
    **given: Any,
) -> None:
    """Choose a model for each workload of WORKLOADS, a TOML file.

    One card each: cost, success, time and risk of every model, which one to choose, and when another.
    Models that lack a needed capability, do not fit or miss another requirement are excluded with
    the reason; the others rank by the net value of a task, or by its cost where no value is stated,
    those on a condition last. A budget is compared with and excludes nothing.
    """
    from kimi_planner.choose.requirements import Requirements
    from kimi_planner.report.currencies import currency_sections
    from kimi_planner.report.json_form import dumped, in_names_of, plan_data
    from kimi_planner.report.text import recommendation_text, section_text

    asked = given.keys() & Requirements.__dataclass_fields__.keys()
    required = Requirements(**{name: given.pop(name) for name in asked})
    _, recommendation = planned.recommended(requirements=required, evaluations=evaluations, **given)
    if form == "table":
        parts = [
            recommendation_text(recommendation, details=details),
            *map(section_text, currency_sections(recommendation)),
        ]
        click.echo("\n\n".join(parts))
    else:
        left_out = ("spend", "summary", "context_fit")
        data = plan_data(recommendation)
        for section in currency_sections(recommendation):
            data |= section.data
        data = {key: value for key, value in data.items() if key not in left_out}
        click.echo(dumped(in_names_of(data, recommendation.projection.currency)), nl=False)
    planned.end(recommendation, fail_over_budget)
