"""``kimi-planner throughput``: the recharge tier that the traffic of workloads needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kimi_planner.cli import options


@click.command("throughput")
@options.workloads
@options.terms
@click.option("--limits", help="Version of the limits, or the path of a TOML file.")
@click.option("--percentile", type=float, default=90, help="Percentile of paths to plan for.")
@click.option(
    "--minutes-within",
    default=0.99,
    help="Share of minutes of the busiest hour that must stay within a limit.",
)
@click.option(
    "--peak-hour-share",
    type=float,
    help="Share of a day's calls in its busiest hour, for workloads that do not say it.",
)
@click.option(
    "--output-tokens-per-second", type=float, help="Speed of one answer, for calls in work."
)
@options.form("table", "json")
def command(*, workloads: Path | None, terms: dict[str, Any], form: str, **others: Any) -> None:
    """Tell which recharge tier the traffic of WORKLOADS, a TOML file, needs.

    Peaks of the busiest hour are held against the published rate limits. What is not given is
    not guessed: the tier is then marked as the least that it can be.
    """
    from kimi_planner.capacity.need import throughput
    from kimi_planner.report.throughput import throughput_json, throughput_text
    from kimi_planner.workload import load_workloads

    result = throughput(load_workloads(workloads), **terms, **others)
    forms = {
        "table": lambda: throughput_text(result) + "\n",
        "json": lambda: throughput_json(result),
    }
    click.echo(forms[form](), nl=False)
