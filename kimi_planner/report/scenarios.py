"""Named scenarios side by side with the plan: as a table, and as plain data."""

from __future__ import annotations

from typing import Any

from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.scenario import BASE, ScenarioComparison
from kimi_planner.report.json_form import DIGITS, as_data
from kimi_planner.report.sentences import horizon
from kimi_planner.report.table import Section, Table


def scenarios_section(comparison: ScenarioComparison) -> Section:
    """Return each scenario beside the plan, with the difference it makes."""
    plan = comparison.projections[BASE]
    rows = [
        (
            row["scenario"],
            row["changes"],
            usd(row["usd"]),
            "" if row["scenario"] == BASE else _difference(row),
            f"{usd(row['dearest_month_usd'])} in {row['dearest_month']}",
            *(usd(row[name]) for name in ("p10_usd", "p50_usd", "p90_usd")),
        )
        for row in comparison.frame.to_dict("records")
    ]
    title = f"{plan.currency} over {horizon(plan)}"
    columns = ("scenario", "changes", "to book", "difference", "dearest month", "P10", "P50", "P90")
    return Section(
        title="Scenarios",
        sentences=(
            f"Each is planned over the same months and paths, and books its {plan.booking.words}.",
        ),
        tables=(Table(columns, tuple(rows), frozenset(range(2, 8)), title=title),),
        drawn=(("scenarios", comparison),),
        data={"scenarios": scenarios_data(comparison)},
    )


def _difference(row: dict[Any, Any]) -> str:
    share = row["difference_share"]
    return signed_usd(row["difference_usd"]) + ("" if share is None else f" ({share:+.1%})")


def scenarios_data(comparison: ScenarioComparison) -> list[dict[str, Any]]:
    """Return each scenario as plain data; exact amounts are decimal strings."""
    data: list[dict[str, Any]] = as_data(comparison.frame, DIGITS)
    return data
