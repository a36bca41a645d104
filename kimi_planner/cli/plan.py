"""``kimi-planner plan``: monthly spend and context fit of workloads on every model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options, planned
from kimi_planner.cli.writing import inside, off_screen, png, write_all

if TYPE_CHECKING:
    from kimi_planner.choose.recommendation import Recommendation
    from kimi_planner.report.table import Section


@click.command("plan")
@planned.plan
@options.form("table", "json", "csv", "markdown")
@click.option("--out", type=options.FOLDER, help="Folder for the plan and its pictures.")
@click.option(
    "--approve",
    type=options.FILE,
    help="File to freeze the plan in: workloads, models, catalog, seed and the bookable number.",
)
@click.option(
    "--previous",
    type=options.FILE,
    help="Tell what changed since an approved plan, or since an earlier report.json.",
)
@options.force
@planned.fail_over_budget
def command(
    *,
    form: str,
    out: Path | None,
    approve: Path | None,
    previous: Path | None,
    force: bool,
    fail_over_budget: bool,
    **given: Any,
) -> None:
    """Project monthly spend and context fit of WORKLOADS, a TOML file.

    The first 25 lines say what it costs, what is over its budget, the model of each workload, what is
    conditional and what to check; all else stands below. Without a file, the example that ships
    with the package is planned. A file that --approve wrote is planned as it was approved; options
    given besides change that.
    """
    from kimi_planner.report.comparisons import plan_sections
    from kimi_planner.report.currencies import planned_frames
    from kimi_planner.report.json_form import plan_json
    from kimi_planner.report.text import markdown_report, plan_text
    from kimi_planner.safe import csv_text

    file, recommendation = planned.recommended(**given)
    sections = plan_sections(recommendation, file.scenarios, previous)
    forms = {
        "table": lambda: plan_text(recommendation, sections) + "\n",
        "json": lambda: plan_json(recommendation, sections),
        "csv": lambda: csv_text(planned_frames(recommendation)[0]),
        "markdown": lambda: markdown_report(recommendation, sections),
    }
    written: dict[Path, str | bytes] = {}
    if out is not None:
        files = {f"plan.{name}": forms[name]() for name in ("json", "csv")}
        written |= inside(out, {**files, **_pictures(recommendation, sections)})
    if approve is not None:
        from kimi_planner.plan.plan_file import approved_toml

        if approve in written:
            raise click.UsageError(f"--approve and --out both write {approve}. Name another file.")
        written[approve] = approved_toml(
            recommendation.projection,
            recommendation.best,
            scenarios=file.scenarios,
            folder=file.path.parent,
            to=approve.parent,
        )
    write_all(written, force=force)
    click.echo(forms[form](), nl=False)
    planned.end(recommendation, fail_over_budget)


def _pictures(recommendation: Recommendation, sections: list[Section]) -> dict[str, bytes]:
    """Return the pictures of a plan by the names of their files."""
    off_screen()
    from kimi_planner.report.pictures import pictures

    return {f"{name}.png": png(ax) for name, ax in pictures(recommendation, sections).items()}
