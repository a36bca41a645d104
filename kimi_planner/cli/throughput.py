"""``kimi-planner throughput``: the recharge tier that the traffic of workloads needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kimi_planner.cli.options import form_option, model_names, scenario_options, workloads_argument

__all__ = ["command"]


@click.command("throughput")
@workloads_argument
@scenario_options
@click.option("--limits", help="Version of the limits, or the path of a TOML file.")
@click.option(
    "--percentile",
    type=float,
    default=90,
    show_default=True,
    help="Percentile of scenarios to plan for.",
)
@click.option(
    "--minutes-within",
    type=float,
    default=0.99,
    show_default=True,
    help="Share of minutes of the busiest hour that must stay within a limit.",
)
@click.option(
    "--peak-hour-share",
    type=float,
    help="Share of a day's calls in its busiest hour, for workloads that do not say it.",
)
@click.option(
    "--output-tokens-per-second", type=float, help="Speed of one answer, for requests in work."
)
@form_option("table", "json")
def command(*, workloads: Path | None, scenario: dict[str, Any], form: str, **options: Any) -> None:
    """Tell which recharge tier the traffic of WORKLOADS, a TOML file, needs.

    Peaks of the busiest hour are held against the published rate limits. What is not given is
    not guessed: the tier is then marked as the least that it can be.
    """
    from kimi_planner.capacity.need import throughput
    from kimi_planner.report.json_form import throughput_json
    from kimi_planner.report.throughput import throughput_text
    from kimi_planner.workload import load_workloads

    settings = {**scenario, "models": model_names(scenario["models"])}
    result = throughput(load_workloads(workloads), **settings, **options)
    click.echo(
        throughput_json(result) if form == "json" else throughput_text(result) + "\n", nl=False
    )
