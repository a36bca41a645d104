"""``kimi-planner portfolio``: a model for every workload under one budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kimi_planner.cli import options, planned


@click.command("portfolio")
@options.workloads
@options.terms
@planned.decisions
@click.option(
    "--budget", required=True, help="USD a month for all workloads together, in every month."
)
@options.requirements
@options.evaluations(required=True)
@click.option(
    "--split", "allow_split", is_flag=True, help="A workload may be split between models."
)
@click.option(
    "--tier", type=int, help="Recharge tier whose limits all workloads together must keep."
)
@click.option("--frontier", is_flag=True, help="Also show what other budgets buy.")
@options.form("table", "json")
def command(
    *,
    workloads: Path | None,
    terms: dict[str, Any],
    budget: str,
    needs: tuple[str, ...],
    min_fit_share: float,
    min_answer_share: float,
    pins: dict[str, str],
    assume: tuple[str, ...],
    budget_percentile: float,
    frontier: bool,
    form: str,
    **settings: Any,
) -> None:
    """Assign a model to every workload of WORKLOADS, a TOML file, under one budget.

    The assignment buys the most net value where workloads state what a solved task is worth, else the
    most expected successes, by the success rates of --evaluations. It
    says what the next 100 USD buy.
    """
    from kimi_planner.choose.portfolios.choose import next_usd, portfolio
    from kimi_planner.choose.portfolios.frontier import portfolio_frontier
    from kimi_planner.choose.requirements import Requirements
    from kimi_planner.report.portfolio import portfolio_json, portfolio_text
    from kimi_planner.workload import load_workloads

    chosen = planned.decided(load_workloads(workloads), pins, assume)
    settings["percentile"] = budget_percentile
    settings["requirements"] = Requirements(
        needs=needs, min_fit_share=min_fit_share, min_answer_share=min_answer_share
    )
    found = portfolio(chosen, budget, **settings, **terms)
    step = next_usd(found) if found.is_feasible else None
    curve = None
    if frontier and not found.question.without_model:
        asked = found.question
        curve = portfolio_frontier(
            chosen,
            **settings | {"traffic": asked.traffic},
            projection=found.projection,
            fit=asked.recommendation.fit,
        )
    text = portfolio_json if form == "json" else portfolio_text
    click.echo(text(found, step, curve), nl=False)
