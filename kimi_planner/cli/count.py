"""``kimi-planner count``: exact tokens of files, and what they cost as input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.writing import print_or_write, progress
from kimi_planner.report.exchanged import AS_PRICED, basis, exchange_data, exchanged
from kimi_planner.safe import csv_text, on_one_line

if TYPE_CHECKING:
    from datetime import date

    from kimi_planner.billing.corpus.result import CorpusCount
    from kimi_planner.catalog import Catalog, Exchange

    Elsewhere = dict[Exchange, list[dict[str, Any]]]


MESSAGES_SHOWN = 20
FILES_SHOWN = 200


def _share(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Read a share: ``0.02`` or ``2%``."""
    if value is None:
        return None
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise click.BadParameter(f"{value!r} is not a share. Write it as 2% or 0.02.")
    return share


@click.command("count")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--field", help="Column of CSV or Parquet, or dotted path in JSON lines, that holds the text."
)
@click.option(
    "--form",
    type=click.Choice(["text", "jsonl", "json", "csv", "parquet"]),
    help="Form of every file; told by the ending of its name if not given.",
)
@click.option("--model", help="Model whose template counts chat bodies, and whose cost is shown.")
@click.option(
    "--sample", callback=_share, metavar="SHARE", help="Count a random share only, such as 2%."
)
@click.option("--seed", default=0, help="Seed of the sample.")
@options.rules_of
@options.catalog("Version of the catalog, or the path of a TOML file.")
@click.option(
    "--audit",
    is_flag=True,
    help="Hold counts against what the log in PATHS says was billed, and name causes; "
    "--model may be NAME=ID,… from the log's names to the catalog's.",
)
@click.option("--format", "output", type=click.Choice(["table", "json", "csv"]), default="table")
@click.option("--out", type=options.FILE, help="File for what is printed.")
@options.force
def command(
    *,
    paths: Sequence[str],
    catalog: str | None,
    audit: bool,
    output: str,
    out: Path | None,
    force: bool,
    **others: Any,
) -> None:
    """Count the tokens of PATHS: files, folders and globs; - is standard input.

    Text counts as it stands. A JSON file that is a request, and JSON lines of chat bodies, batch
    inputs or logs with requests count as the prompts they would be billed by Moonshot; other hosts
    bill other templates. The cost is that of sending everything once as input.

    Exit code 3 if some rows or files could not be counted: they are named, and not in the total.
    """
    if audit:
        say = partial(print_or_write, path=out, force=force)
        _audit(paths, catalog, output, say, model=others["model"], as_of=others["as_of"])
        return
    from kimi_planner.billing.corpus.count import count_corpus
    from kimi_planner.catalog import load_catalog

    prices = load_catalog(catalog)
    with progress("counting") as advance:
        counted = count_corpus(paths, catalog=prices, progress=advance, **others)
    elsewhere = _elsewhere(counted, prices, others["as_of"])
    forms = {
        "table": lambda: _table(counted, elsewhere),
        "json": lambda: _json(counted, elsewhere),
        "csv": lambda: csv_text(counted.frame),
    }
    print_or_write(forms[output](), out, force=force)
    for message in counted.messages[:MESSAGES_SHOWN]:
        click.echo(on_one_line(message), err=True)
    if counted.rejected:
        click.echo(f"{counted.rejected:,} could not be counted", err=True)
        sys.exit(Exit.CANNOT_TELL)


def _audit(
    paths: Sequence[str],
    catalog: str | None,
    output: str,
    say: Callable[[str], None],
    *,
    model: str | None,
    as_of: date | None,
) -> None:
    """Hold counts against one log; the exit code is 3 if some of it could not be held."""
    from kimi_planner.tokens.auditing import audit

    if len(paths) != 1:
        raise click.UsageError("--audit takes one log.")
    pairs = [pair.partition("=") for pair in (model or "").split(",")]
    own = options.by_name((logged, own) for logged, _, own in pairs)
    named = own if "=" in (model or "") else model
    made = audit(paths[0], named, as_of, catalog=catalog)
    frame = made.frame
    rows = frame.to_dict("records")
    if output == "json":
        data = {"format": 1, "catalog": made.catalog_version, "causes": rows}
        data |= {"left_out": made.left_out, "messages": list(made.messages)}
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    elif output == "csv":
        text = csv_text(frame)
    else:
        lines = [
            f"{row['model']}  {row['what']}  {row['calls']:,}  {on_one_line(row['cause'])}"
            f"  ({row['difference_tokens']:+,} tokens)"
            for row in rows
        ]
        text = "\n".join([*lines, made.sentence()]) + "\n"
    say(text)
    for message in made.messages[:MESSAGES_SHOWN]:
        click.echo(on_one_line(message), err=True)
    if made.left_out or not made.calls:
        sys.exit(Exit.CANNOT_TELL)


def _elsewhere(counted: CorpusCount, catalog: Catalog, as_of: date | None) -> Elsewhere:
    """Return what sending everything once costs in each other currency, by model."""
    rows = [{"model": model, "input_usd": cost} for model, cost in counted.cost_usd.items()]
    return {one: exchanged(rows, one, lambda _: as_of) for one in catalog.exchanges}


def _table(counted: CorpusCount, elsewhere: Elsewhere) -> str:
    lines = []
    if counted.seed is None and len(counted.files) <= FILES_SHOWN:
        width = len(f"{counted.tokens:,}")
        for file in counted.files:
            tokens = "unknown" if file.tokens is None else f"{file.tokens:,}"
            lines.append(f"{tokens:>{width}}  {on_one_line(file.path)}")
    lines.append(counted.sentence())
    for model, cost in counted.cost_usd.items():
        lines.append(f"{cost:f} USD as input to {model}")
    for exchange, rows in elsewhere.items():
        amounts = (
            f"{row[f'input_{exchange.currency.lower()}']:f} to {row['model']}" for row in rows
        )
        lines.append(f"{basis(exchange, AS_PRICED)}: {', '.join(amounts) or 'no cost is told'}.")
    seed = "" if counted.seed is None else f", seed {counted.seed}"
    lines.append(f"Catalog {counted.catalog_version}{seed}.")
    return "\n".join(lines) + "\n"


def _json(counted: CorpusCount, elsewhere: Elsewhere) -> str:
    sizes = ("seed", "tokens", "low", "high", "share_read", "rows", "size_bytes")
    data: dict[str, Any] = {"format": 1, "catalog": counted.catalog_version}
    data |= {name: getattr(counted, name) for name in sizes}
    data["input_usd"] = {model: format(cost, "f") for model, cost in counted.cost_usd.items()}
    data["files"] = [asdict(file) for file in counted.files]
    data |= {"rejected": counted.rejected, "left_out": counted.left_out}
    data["messages"] = list(counted.messages)
    for exchange, rows in elsewhere.items():
        data |= exchange_data(exchange, rows)
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
