"""``kimi-planner usage focus``: a log's exact cost as FOCUS rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from kimi_planner.cli import logs, options
from kimi_planner.cli.writing import inside, write_all


@click.command("focus")
@click.option("--model", help="Price every row as this model.")
@click.option(
    "--by", type=click.Choice(["day", "month"]), default="day", help="Charge period, UTC."
)
@click.option("--tag", "tags", multiple=True, help="Column of the log to tag rows with.")
@options.account
@logs.catalog
@logs.alias
@logs.log
@click.option("--out", type=options.FILE, help="File to write.")
@options.force
def focus(
    *,
    log: logs.Log,
    model: str | None,
    by: Literal["day", "month"],
    tags: tuple[str, ...],
    catalog: str | None,
    alias: Any,
    out: Path | None,
    force: bool,
    account: dict[str, Any],
) -> None:
    """Write what LOG cost as CSV of FOCUS 1.2: a row per period, model and meter.

    The costs add up to those of `kimi-planner usage price`, exactly. With --also-in, what is billed in
    another currency is a file of its own beside that of --out. Exit code 3 if calls of the log are not
    priced, which are left out.
    """
    from kimi_planner.catalog import load_catalog
    from kimi_planner.report.focus.charges import focus_csv
    from kimi_planner.report.focus.usage import focus_usage
    from kimi_planner.usage.totals.spend import keys_to_price

    prices = load_catalog(catalog)
    keys = keys_to_price((by, *tags), None if model is None else [model], prices)
    totals = log.totals(keys)
    if prices.exchanges and out is None:
        raise click.UsageError(
            "--also-in writes a file for each currency; name that in USD by --out."
        )
    given: dict[str, Any] = {"model": model, "tags": tags, "catalog": prices, "alias": alias}
    frames = [
        focus_usage(totals, by=by, exchange=exchange, **given, **account)
        for exchange in (None, *prices.exchanges)
    ]
    texts = map(focus_csv, frames)
    if out is None:
        click.echo(next(texts), nl=False)
    else:
        names = [f"{out.stem}-{one.currency.lower()}{out.suffix}" for one in prices.exchanges]
        files = dict(zip((out.name, *names), texts, strict=True))
        write_all(inside(out.parent, files), force=force)
    logs.say_rejected(totals.rejected)
    logs.finish(frames[0].attrs["notes"], say=True)
