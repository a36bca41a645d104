"""``kimi-planner usage``: price a log, forecast from it, fit a workload, hold it against a plan."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from kimi_planner.cli import logs, options
from kimi_planner.cli.focus import focus
from kimi_planner.cli.group import Commands
from kimi_planner.cli.outlook import outlook
from kimi_planner.cli.writing import inside, off_screen, png, print_or_write, write_all


@click.group("usage", cls=Commands)
def command() -> None:
    """Price a log, forecast from it, fit a workload to it, hold it against a plan."""


usage_form_option = options.form("table", "json", "csv")
command.add_command(focus)
command.add_command(outlook)


@command.command("price")
@click.option("--model", help="Price every row as this model.")
@click.option(
    "--models",
    callback=options.comma_separated,
    help="Price all of the log as each of these, separated by commas.",
)
@click.option(
    "--by",
    callback=options.comma_separated,
    default="month,model",
    help="Keys of the rows: month, day, model, or columns of the log.",
)
@logs.catalog
@click.option(
    "--as-of",
    callback=options.parsed_date,
    help="Day whose prices hold for rows without a date; the catalog's own if not given.",
)
@logs.alias
@logs.log
@usage_form_option
def price(
    *,
    log: logs.Log,
    model: str | None,
    models: tuple[str, ...] | None,
    by: tuple[str, ...],
    catalog: str | None,
    as_of: date | None,
    alias: Any,
    form: str,
) -> None:
    """Price LOG, exactly, each row at the prices of its day.

    A log may be a folder of logs, larger than memory; all are read in batches. Exit code 3 if the
    catalog does not have a model of the log, or no price for it: its tokens are rows of their own.
    """
    from kimi_planner.catalog import load_catalog
    from kimi_planner.report.usage import spend_csv, spend_elsewhere, spend_json, spend_text
    from kimi_planner.usage.totals.spend import keys_to_price, spend_by

    if model is not None and models is not None:
        raise click.UsageError("--model and --models exclude each other.")
    priced_as = (model,) if model is not None else models
    prices = load_catalog(catalog)
    is_dated = not prices.exchanges or "day" in by or "month" in by
    by_month = by if is_dated else (*by, "month")
    totals = log.totals(keys_to_price(by_month, priced_as, prices))
    given: dict[str, Any] = {"models": priced_as, "as_of": as_of, "catalog": prices, "alias": alias}
    spend = spend_by(totals, by=by, **given)
    dated = spend if is_dated else spend_by(totals, by=by_month, **given)
    others = spend_elsewhere(spend, dated, by, prices)
    if form == "csv":
        click.echo(spend_csv(spend, others), nl=False)
        logs.say_rejected(spend.attrs["rejected"])
    else:
        text = spend_json if form == "json" else spend_text
        click.echo(text(spend, by, prices, others), nl=False)
    logs.finish(spend.attrs["notes"], say=form == "csv")


@command.command("fit")
@click.argument("log", type=options.PATH)
@click.option("--name", help="Name of the workload, one for the whole log.")
@click.option(
    "--by",
    callback=options.comma_separated,
    help="A workload for each value of these columns of the log, such as team or model.",
)
@click.option("--out", type=options.PATH, help="File to write; else it is printed.")
@options.force
@logs.alias
@logs.fields
def fit(
    *,
    log: Path,
    name: str | None,
    by: tuple[str, ...] | None,
    out: Path | None,
    force: bool,
    alias: Any,
    renamed: dict[str, str],
    ignored: tuple[str, ...],
) -> None:
    """Fit workloads to LOG: traffic with its range, growth and rhythm, sizes, cache and fees.

    They are printed as a file for `kimi-planner plan`. Of one workload for the whole log the sizes of calls refer to the log, by its path from the file or from the current folder; with --by they are means and standard deviations.
    """
    from kimi_planner.report.workload_toml import fitted_toml
    from kimi_planner.workload import Workload

    if (name is None) == (by is None):
        raise click.UsageError("Give --name, for one workload of the whole log, or --by.")
    keep = [column for column in by or () if column != "model"]
    frame = logs.Log((log,), renamed=renamed, ignored=ignored).frame(keep)
    folder = Path() if out is None else out.parent
    if name is not None:
        text = fitted_toml([Workload.from_usage(frame, name, alias=alias)], folder, log)
    else:
        text = fitted_toml(Workload.from_usage(frame, by=by or (), alias=alias), folder)
    print_or_write(text, out, force=force)


@command.command("forecast")
@click.option("--horizon", required=True, help="How far ahead: '36h', '7 days', '3 months'.")
@click.option("--model", help="Price every row as this model; else as the one it names.")
@click.option(
    "--start", help="From when on the log was kept: a UTC time, or seconds if it has none."
)
@click.option("--end", help="Until when the log was kept.")
@logs.catalog
@logs.alias
@options.as_of
@logs.log
@usage_form_option
@click.option("--out", type=options.FOLDER, help="Folder for the forecast and its picture.")
@options.force
@click.option(
    "--record",
    type=options.PATH,
    help="Keep this forecast in a file, and learn the width of its range from those kept before.",
)
def forecast(
    *,
    log: logs.Log,
    form: str,
    out: Path | None,
    force: bool,
    record: Path | None,
    **others: Any,
) -> None:
    """Forecast the spend that follows LOG, with its range.

    Several logs are one. Exit code 3 if they hold no spend to forecast from, or calls of models that
    are not priced, which are left out.
    """
    from kimi_planner.forecast import forecast_spend
    from kimi_planner.report.forecast import forecast_csv, forecast_json, forecast_text

    found = forecast_spend(log.frame(), past=record, **others)
    forms = {"table": forecast_text, "json": forecast_json, "csv": forecast_csv}
    click.echo(forms[form](found), nl=False)
    if out is not None:
        off_screen()
        from kimi_planner import plot

        files = {"forecast.json": forecast_json(found), "forecast.csv": forecast_csv(found)}
        drawn = {"forecast.png": png(plot.forecast(found))}
        write_all(inside(out, {**files, **drawn}), force=force)
    if record is not None:  # once nothing else can fail
        found.record(record)
    logs.finish(found.notes, say=form == "csv")


@command.command("reconcile")
@click.argument("plan", type=options.PATH)
@click.option(
    "--model",
    "choice",
    multiple=True,
    callback=logs.pairs,
    help="Model that was planned, or WORKLOAD=MODEL for each; the recommended one if not given.",
)
@logs.workload
@click.option("--priced-as", "model", help="Take every row of the log as this model.")
@logs.catalog
@logs.alias
@click.option("--planned-catalog", help="Prices of the plan, where they are not the ones it names.")
@click.option(
    "--start", callback=options.parsed_date, help="First day over which the log was kept."
)
@click.option("--end", callback=options.parsed_date, help="First day after that.")
@click.option("--pro-rata", is_flag=True, help="Scale planned months to the days of the log.")
@click.option(
    "--invoice",
    type=options.PATH,
    help="What the vendor billed, a CSV file by day or month, model and meter, held against the log.",
)
@logs.log
@usage_form_option
def reconcile_(
    *,
    plan: Path,
    log: logs.Log,
    catalog: str | None,
    form: str,
    **others: Any,
) -> None:
    """Hold LOG against PLAN, cause by cause.

    PLAN is an approved plan (`kimi-planner plan --approve`), or a file of `kimi-planner plan` with
    --format json or csv. Exit code 3 if calls of the log
    are not priced: they are in no cause.
    """
    from kimi_planner.reconcile.actual import log_keys
    from kimi_planner.reconcile.compare import reconcile
    from kimi_planner.reconcile.read_plan import plan_of, prices_beside
    from kimi_planner.report.reconciled import (
        reconciliation_csv,
        reconciliation_json,
        reconciliation_text,
    )

    if form == "csv" and others["invoice"] is not None:
        raise click.UsageError(
            "--format csv has causes alone; an invoice is in --format table and --format json."
        )
    read = plan_of(plan, others.pop("choice"), others.pop("planned_catalog"))
    prices = prices_beside(read, catalog)
    keys = log_keys(others["workload"], others["model"], prices)[1]
    by_day = ("day",) if others["invoice"] is not None else ()
    totals = log.totals(tuple(dict.fromkeys((*keys, *by_day))))
    found = reconcile(read, totals, catalog=prices, **others)
    forms = {"table": reconciliation_text, "json": reconciliation_json, "csv": reconciliation_csv}
    click.echo(forms[form](found, prices.exchanges), nl=False)
    logs.finish(found.notes, say=form == "csv")
