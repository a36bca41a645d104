"""Sections of a report that hold it against others: scenarios, an earlier report, what it really cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.catalog import Catalog
from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.money import signed_usd, usd
from kimi_planner.notes import note
from kimi_planner.plan.scenario import BASE, Scenario, ScenarioComparison, compare_scenarios
from kimi_planner.reconcile.plans import compare_plans
from kimi_planner.reconcile.result import Reconciliation
from kimi_planner.report.changed import change_section
from kimi_planner.report.currencies import currency_sections
from kimi_planner.report.exchanged import OF_MONTHS, basis
from kimi_planner.report.json_form import DIGITS, as_data
from kimi_planner.report.reconciled import causes_table, months_table, ranges_text, totals_text
from kimi_planner.report.sentences import horizon
from kimi_planner.report.table import Section, Table


@public
def plan_sections(
    recommendation: Recommendation,
    scenarios: Sequence[Scenario] = (),
    previous: str | Path | None = None,
) -> list[Section]:
    """Return the parts of a report beside the plan: other currencies, scenarios, an earlier plan.

    Parameters
    ----------
    recommendation : Recommendation
        The plan.
    scenarios : sequence of Scenario
        Named variants of it.
    previous : str or Path, optional
        An approved plan, or an earlier report in its JSON form.

    Raises
    ------
    FileError, CatalogError, SettingError
        If the earlier plan cannot be read, or a scenario does not meet the plan.

    Examples
    --------
    >>> from kimi_planner import Workload, project, recommend
    >>> from kimi_planner.plan import Scenario
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", "kimi-k2", as_of="2026-11-28", catalog="2026-06")
    >>> doubled = Scenario(name="doubled", changes={"traffic": 2})
    >>> [section.title for section in plan_sections(recommend(chat, projection=plan), [doubled])]
    ['Scenarios']
    """
    sections = currency_sections(recommendation)
    if scenarios:
        beside = compare_scenarios(recommendation.projection, scenarios, recommendation.best)
        sections.append(scenarios_section(beside))
    if previous is not None:
        change = compare_plans(
            previous, recommendation.projection, after_choice=recommendation.best
        )
        sections.append(change_section(change))
    return sections


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
        data={"scenarios": as_data(comparison.frame, DIGITS)},
    )


def _difference(row: dict[Any, Any]) -> str:
    share = row["difference_share"]
    return signed_usd(row["difference_usd"]) + ("" if share is None else f" ({share:+.1%})")


def actuals_section(found: Reconciliation, catalog: Catalog) -> Section:
    """Return what was planned against what it cost, by cause and by month, in each currency of a catalog."""
    others = [(found.at_rates(one), basis(one, OF_MONTHS)) for one in catalog.exchanges]
    return Section(
        title="Planned against actual",
        sentences=(
            totals_text(found),
            *filter(None, [ranges_text(found)]),
            *(f"{at}. {totals_text(other)}" for other, at in others),
            *(str(note("not_held_at_list", currency=one)) for one in catalog.shown_lists),
            *found.notes,
            found.provenance,
        ),
        tables=tuple(
            table
            for one in (found, *(other for other, _ in others))
            for table in (causes_table(one), months_table(one))
        ),
    )
