"""``kimi-planner estimate``: tokens, cost and fit of requests, and how exact that is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kimi_planner.cli import options
from kimi_planner.cli.exits import Exit
from kimi_planner.cli.writing import print_or_write
from kimi_planner.errors import (
    KimiPlannerError,
    PriceNotFoundError,
    RequestError,
    UnknownModelError,
    restated,
    shown,
)
from kimi_planner.report.exchanged import AS_PRICED, basis, beside, exchange_data, exchanged
from kimi_planner.safe import csv_text, on_one_line

if TYPE_CHECKING:
    from kimi_planner.billing.estimate import Estimate
    from kimi_planner.catalog import Exchange


MESSAGES_SHOWN = 20
_SAID = ("why", "reply_why", "refused", "ignored")
_NUMBERS = (
    "prompt_tokens",
    "prompt_low",
    "prompt_high",
    "completion_tokens",
    "reasoning_tokens",
    "reserved_tokens",
    "context_window_tokens",
)


@click.command("estimate")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=options.PATH)
@click.option(
    "--completion-tokens",
    type=click.IntRange(0),
    help="Tokens expected of each answer, reasoning included; else those of a reply in the file.",
)
@click.option("--model", help="Model to use in place of each request's own.")
@options.rules_of
@options.catalog("Version of the catalog, or the path of a TOML file.")
@click.option(
    "--image-sizes",
    type=options.FILE,
    help="JSON file of pixels by address: {URL: [width, height]}.",
)
@options.form("table", "json", "csv")
@click.option("--out", type=options.FILE, help="File for what is printed.")
@options.force
def command(
    *,
    paths: Sequence[Path],
    image_sizes: Path | None,
    form: str,
    out: Path | None,
    force: bool,
    **given: Any,
) -> None:
    """Estimate the requests in each FILE: tokens, exact cost, fit, and what the API will refuse.

    A FILE is the body of a request, a batch input, or a log that holds requests, as JSON or JSON
    lines; - is standard input. Counts are Moonshot's; other hosts bill other templates.

    Exit codes: 0 all are estimated, 2 bad input, 3 a model or its price is unknown.
    """
    from kimi_planner.catalog import load_catalog

    given["catalog"] = load_catalog(given["catalog"])
    rows, faults = [], []
    for place, result in _estimates(paths, _sizes(image_sizes), **given):
        if isinstance(result, KimiPlannerError):
            faults.append((f"{place}: {result}", result))
        else:
            rows.append({"place": place, **_data(result), "text": str(result)})
    forms = {"table": _table, "json": _json, "csv": _csv}
    if rows:
        print_or_write(forms[form](rows, given), out, force=force)
    for message, _ in faults[:MESSAGES_SHOWN]:
        click.echo(f"kimi-planner: {on_one_line(message)}", err=True)
    if len(faults) > MESSAGES_SHOWN:
        click.echo(f"kimi-planner: {len(faults):,} requests could not be estimated", err=True)
    unknown = [isinstance(error, UnknownModelError | PriceNotFoundError) for _, error in faults]
    if faults:
        sys.exit(Exit.CANNOT_TELL if all(unknown) else Exit.BAD_INPUT)


def _estimates(
    paths: Iterable[Path], sizes: Any, *, completion_tokens: int | None, **given: Any
) -> Iterator[tuple[str, Estimate | KimiPlannerError]]:
    from kimi_planner.billing.estimate import estimate
    from kimi_planner.tokens.logged import call_in, read_rows

    for path in paths:
        for place, row in read_rows(path):
            try:
                call = call_in(row)
                known = completion_tokens is None and call.replies
                reply = call.replies[0] if known else None
                yield (
                    on_one_line(place),
                    estimate(call.body, completion_tokens, reply, image_sizes=sizes, **given),
                )
            except KimiPlannerError as error:
                yield on_one_line(place), error


def _sizes(path: Path | None) -> Any:
    if path is None:
        return None
    from kimi_planner.files import read_text
    from kimi_planner.json_text import loaded

    with restated(at=path, of=ValueError, fault=RequestError):
        sizes = loaded(read_text(path))
    if not isinstance(sizes, dict):
        raise RequestError(f"{shown(sizes)} is no object of sizes by address.", at=path)
    return sizes


def _data(made: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON has it: exact amounts are text, unknown ones null."""
    usd = {"cost_usd": made.cost, "max_cost_usd": made.max_cost}
    return {
        "model": made.model,
        **{name: getattr(made, name) for name in _NUMBERS},
        **{name: cost and format(cost.total_usd, "f") for name, cost in usd.items()},
        "fits": made.fits,
        "exactness": made.exactness,
        "reply_exactness": made.reply_exactness,
        **{name: list(getattr(made, name)) for name in _SAID},
    }


def _total(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("prompt_tokens", "prompt_low", "prompt_high")
    sums: dict[str, Any] = {name: sum(row[name] for row in rows) for name in names}
    cost = sum(Decimal(row["cost_usd"]) for row in rows)
    return {"requests": len(rows), **sums, "cost_usd": format(cost, "f")}


def _amounts(row: dict[str, Any]) -> dict[str, Decimal | None]:
    """Return the costs of a row, exact."""
    names = [name for name in row if name.endswith("_usd")]
    return {name: row[name] and Decimal(row[name]) for name in names}


def _table(rows: Sequence[dict[str, Any]], given: dict[str, Any]) -> str:
    lines = []
    for row in rows:
        lines.append(f"{row['place']}  {row['text']}")
        for name in _SAID:
            lines += [f"    {name.replace('_', ' ')}: {on_one_line(said)}" for said in row[name]]
    if len(rows) > 1:
        sums = _total(rows)
        low, high = sums["prompt_low"], sums["prompt_high"]
        spread = f" ({low:,} to {high:,})" if low < high else ""
        lines.append(
            f"{sums['requests']:,} requests: prompts {sums['prompt_tokens']:,}{spread} tokens, "
            f"{sums['cost_usd']} USD with the answers that are known."
        )
    for exchange in given["catalog"].exchanges:
        [sums] = _elsewhere([_total(rows)], exchange, given)
        amount, currency = sums[f"cost_{exchange.currency.lower()}"], exchange.currency
        lines.append(f"{basis(exchange, AS_PRICED)}: {amount:f} {currency}.")
    return "\n".join(lines) + "\n"


def _json(rows: Sequence[dict[str, Any]], given: dict[str, Any]) -> str:
    day: date | None = given["as_of"]
    data = {
        "format": 1,
        "catalog": given["catalog"].version,
        "as_of": day and day.isoformat(),
        "requests": [{key: row[key] for key in row if key != "text"} for row in rows],
        "total": _total(rows),
    }
    for exchange in given["catalog"].exchanges:
        data |= exchange_data(exchange, _elsewhere([*rows, _total(rows)], exchange, given))
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"


def _elsewhere(
    rows: Sequence[dict[str, Any]], exchange: Exchange, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the costs of rows in another currency, named by it."""
    own = [_amounts(row) for row in rows]
    return exchanged(own, exchange, lambda _: given["as_of"])


def _csv(rows: Sequence[dict[str, Any]], given: dict[str, Any]) -> str:
    import pandas as pd

    others = [_elsewhere(rows, exchange, given) for exchange in given["catalog"].exchanges]
    frame = pd.DataFrame(beside(rows, others)).drop(columns="text")
    for name in _SAID:
        frame[name] = frame[name].map(" ".join)
    whole = dict.fromkeys(_NUMBERS, "Int64")
    return csv_text(frame.astype(whole))
