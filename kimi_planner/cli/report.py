"""``kimi-planner report``: a budget report for people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli.logs import pairs, totals_of_logs
from kimi_planner.cli.options import (
    account_options,
    force_option,
    recommendation_of,
    scenario_options,
    workloads_argument,
    write_all,
)
from kimi_planner.errors import did_you_mean

if TYPE_CHECKING:
    from kimi_planner.report.tables import Section
    from kimi_planner.selection import Recommendation

__all__ = ["command"]

Writer = Callable[["Recommendation"], str | bytes]

#: From a form of the report to its file.
FILES = {
    "html": "report.html",
    "xlsx": "report.xlsx",
    "markdown": "report.md",
    "csv": "report.csv",
    "json": "report.json",
    "focus": "focus.csv",
}


def _forms(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    forms = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    for name in forms:
        if name not in FILES:
            raise click.BadParameter(
                f"{name!r} is no form of a report.{did_you_mean(name, FILES)} Known: {', '.join(FILES)}."
            )
    if not forms:
        raise click.BadParameter(f"name at least one of {', '.join(FILES)}.")
    return forms


@click.command("report")
@workloads_argument
@scenario_options
@click.option(
    "--format",
    "forms",
    callback=_forms,
    default="html,markdown",
    show_default=True,
    help="Forms of the report, separated by commas: html, xlsx, markdown, csv, json, focus.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="report",
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with an earlier report: its report.json.",
)
@click.option(
    "--actuals",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Hold the plan against a usage log, by cause; may be repeated.",
)
@click.option(
    "--workload",
    multiple=True,
    callback=pairs,
    help="Column of the log that names the workload of a call, or MODEL=WORKLOAD for each model.",
)
@account_options
@force_option
def command(
    *,
    workloads: Path | None,
    scenario: dict[str, Any],
    forms: tuple[str, ...],
    out: Path,
    previous: Path | None,
    actuals: tuple[Path, ...],
    workload: str | dict[str, str] | None,
    account_id: str,
    account_name: str | None,
    force: bool,
) -> None:
    """Write a report on WORKLOADS, a TOML file, in one form or several.

    report.html is one self-contained page, report.xlsx a workbook whose totals follow its prices
    and assumptions, focus.csv the plan as FOCUS 1.2 rows that are marked as a forecast. All files
    are written, or none. Comparisons stand in report.md, and are printed.
    """
    from kimi_planner.report.tables import totals_sentence
    from kimi_planner.report.text import markdown_report, section_text

    if workload is not None and not actuals:
        raise click.UsageError("--workload tells calls of --actuals apart; give that too.")
    recommendation = recommendation_of(workloads, scenario)
    sections = _sections(recommendation, previous, actuals, workload)
    writers: dict[str, Writer] = {
        **_WRITERS,
        "markdown": partial(markdown_report, sections=sections),
        "focus": partial(_focus, account_id, account_name),
    }
    write_all(out, {FILES[name]: writers[name](recommendation) for name in forms}, force=force)
    click.echo("\n\n".join([totals_sentence(recommendation), *map(section_text, sections)]))


def _sections(
    recommendation: Recommendation,
    previous: Path | None,
    actuals: tuple[Path, ...],
    workload: str | dict[str, str] | None,
) -> list[Section]:
    """Return the comparisons that are asked for."""
    from kimi_planner.reconciliation import reconcile
    from kimi_planner.report.comparisons import actuals_section, previous_section

    sections = [] if previous is None else [previous_section(recommendation, previous)]
    if actuals:
        told_by = (workload,) if isinstance(workload, str) else ()
        found = reconcile(
            recommendation.projection,
            totals_of_logs(actuals, ("month", "model", *told_by), "raise"),
            choice=recommendation.best,
            workload=workload,
            catalog=recommendation.projection.catalog,
            pro_rata=True,
        )
        sections.append(actuals_section(found))
    return sections


def _html(recommendation: Recommendation) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    from kimi_planner.report.html import html_report

    return html_report(recommendation)


def _xlsx(recommendation: Recommendation) -> bytes:
    from kimi_planner.report.xlsx import xlsx_report

    return xlsx_report(recommendation)


def _csv(recommendation: Recommendation) -> str:
    from kimi_planner.safe import csv_text

    return csv_text(recommendation.projection.frame)


def _json(recommendation: Recommendation) -> str:
    from kimi_planner.report.json_form import plan_json

    return plan_json(recommendation)


def _focus(account_id: str, account_name: str | None, recommendation: Recommendation) -> str:
    from kimi_planner.report.focus import focus_csv, focus_forecast

    projection, best = recommendation.projection, recommendation.best
    rows = focus_forecast(projection, best, account_id=account_id, account_name=account_name)
    return focus_csv(rows)


_WRITERS: dict[str, Writer] = {
    "html": _html,
    "xlsx": _xlsx,
    "csv": _csv,
    "json": _json,
}
