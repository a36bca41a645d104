"""``kimi-planner report``: a budget report for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import logs, options, planned
from kimi_planner.cli.writing import inside, off_screen, write_all
from kimi_planner.errors import SettingError

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation
    from kimi_planner.report.table import Section


def _forms(context: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    from kimi_planner.report.write import chosen_forms

    try:
        return chosen_forms(options.comma_separated(context, option, value) or ())
    except SettingError as error:
        raise click.BadParameter(str(error)) from None


@click.command("report")
@planned.plan
@click.option(
    "--format",
    "forms",
    callback=_forms,
    default="html,markdown",
    help="Forms of the report, separated by commas: html, xlsx, markdown, csv, json, focus.",
)
@click.option("--out", type=options.FOLDER, default="report", help="Folder to write to.")
@click.option(
    "--previous",
    type=options.FILE,
    help="Tell what changed since an approved plan, or since an earlier report.json.",
)
@click.option(
    "--actuals",
    multiple=True,
    type=options.PATH,
    help="Hold the plan against a usage log, by cause; may be repeated.",
)
@logs.workload
@options.account
@options.force
@planned.fail_over_budget
def command(
    *,
    forms: tuple[str, ...],
    out: Path,
    previous: Path | None,
    actuals: tuple[Path, ...],
    workload: str | dict[str, str] | None,
    force: bool,
    fail_over_budget: bool,
    account: dict[str, Any],
    **given: Any,
) -> None:
    """Write a report on WORKLOADS, a TOML file, in one form or several.

    report.html is one self-contained page, report.xlsx a workbook whose totals follow its prices
    and assumptions, focus.csv the plan as FOCUS 1.2 rows that are marked as a forecast. All files
    are written, or none. Comparisons stand in report.html and report.md, and are printed.
    """
    off_screen()
    from kimi_planner.report.comparisons import plan_sections
    from kimi_planner.report.sentences import totals_sentence
    from kimi_planner.report.text import section_text
    from kimi_planner.report.write import rendered

    if workload is not None and not actuals:
        raise click.UsageError("--workload tells calls of --actuals apart; give that too.")
    file, recommendation = planned.recommended(**given)
    sections = plan_sections(recommendation, file.scenarios, previous)
    sections += _actuals(recommendation, actuals, workload)
    files = rendered(recommendation, forms, sections=sections, **account)
    write_all(inside(out, files), force=force)
    said = [recommendation.booked.sentence, totals_sentence(recommendation)]
    said += [gap.sentence for gap in recommendation.over_budget]
    click.echo("\n\n".join([*said, *map(section_text, sections)]))
    planned.end(recommendation, fail_over_budget)


def _actuals(
    recommendation: Recommendation,
    actuals: tuple[Path, ...],
    workload: str | dict[str, str] | None,
) -> list[Section]:
    """Return the comparison with logs, if any are named."""
    if not actuals:
        return []
    from kimi_planner.reconcile.actual import log_keys
    from kimi_planner.reconcile.compare import reconcile
    from kimi_planner.report.comparisons import actuals_section

    catalog = recommendation.projection.catalog
    _, keys = log_keys(workload, None, catalog)
    held = reconcile(
        recommendation.projection,
        logs.Log(actuals).totals(keys),
        choice=recommendation.best,
        workload=workload,
        catalog=catalog,
        pro_rata=True,
    )
    return [actuals_section(held, catalog)]
