"""``kimi-planner usage outlook``: what the month, quarter or year will end at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from kimi_planner.cli import logs, options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.writing import inside, off_screen, png, write_all


@click.command("outlook")
@click.option(
    "--until",
    default="month end",
    help="'month end', 'quarter end', 'year end', or the last day that counts.",
)
@click.option("--since", callback=options.parsed_date, help="First day, if it is another.")
@click.option("--budget", metavar="USD", help="Budget of the whole period.")
@click.option(
    "--plan", type=options.PATH, help="An approved plan, or a file of plan --format json or csv."
)
@click.option(
    "--planned-model",
    "choice",
    multiple=True,
    callback=logs.pairs,
    help="Model that was planned, or WORKLOAD=MODEL for each; the recommended one if not given.",
)
@click.option("--planned-catalog", help="Prices of the plan, where they are not the ones it names.")
@click.option("--balance", metavar="USD", help="Prepaid balance at the end of the log.")
@click.option(
    "--fail-above",
    type=options.Share(),
    metavar="SHARE",
    help="Exit with 1 if the chance to end above the budget, else the plan, is larger.",
)
@click.option("--by", help="Column of the log that names the workload of a call.")
@click.option("--model", help="Price every row as this model; else as the one it names.")
@click.option("--start", help="From when on the log was kept, a UTC time.")
@click.option("--end", help="Until when the log was kept.")
@logs.catalog
@logs.alias
@options.as_of
@logs.log
@options.form("text", "json", "markdown")
@click.option(
    "--out",
    type=options.FOLDER,
    help="Folder for the estimate as JSON, Markdown, page and workbook, and its picture.",
)
@options.force
def outlook(
    *,
    log: logs.Log,
    form: str,
    out: Path | None,
    force: bool,
    fail_above: float | None,
    by: str | None,
    **others: Any,
) -> None:
    """Estimate what the month, quarter or year of LOG will end at.

    Spend to date is exact, the rest is forecast. Exit codes: 0 within, 1 the chance to end above is
    larger than --fail-above, 2 bad input, 3 cannot tell.
    """
    from kimi_planner.forecast import latest_estimate
    from kimi_planner.report.outlook import outlook_json, outlook_markdown, outlook_text
    from kimi_planner.report.outlook_page import outlook_page, outlook_xlsx

    if fail_above is not None and others["budget"] is None and others["plan"] is None:
        raise click.UsageError("--fail-above needs --budget or --plan.")
    keep = [by] if by else []
    found = latest_estimate(log.frame(keep), by=by, **others)
    forms = {"text": outlook_text, "json": outlook_json, "markdown": outlook_markdown}
    click.echo(forms[form](found), nl=False)
    if out is not None:
        off_screen()
        from kimi_planner import plot

        files: dict[str, str | bytes] = {
            "outlook.json": outlook_json(found),
            "outlook.md": outlook_markdown(found),
            "outlook.html": outlook_page(found),
            "outlook.xlsx": outlook_xlsx(found),
            "outlook.png": png(plot.outlook(found)),
        }
        write_all(inside(out, files), force=force)
    if fail_above is None:
        return
    limit = found.budget or found.plan
    if limit is not None and limit.chance > fail_above:
        sys.exit(Exit.OVER)
    sys.exit(Exit.CANNOT_TELL if limit is None or limit.is_lower_bound else 0)
