"""``kimi-planner count``: exact tokens of text files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

__all__ = ["command"]

PROGRESS_FROM = 50


@click.command("count")
@click.argument("files", nargs=-1, required=True)
@click.option("--catalog", help="Version of the catalog, or the path of a TOML file.")
@click.option("--models", help="Model ids for the cost, separated by commas; all if not given.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(files: Sequence[str], catalog: str | None, models: str | None, form: str) -> None:
    """Count the tokens of FILES, UTF-8 text; - is standard input.

    Counts are of the text itself. The cost is that of sending it once as input.
    """
    from kimi_planner.catalog import load_catalog
    from kimi_planner.money import from_units

    specs = load_catalog(catalog).select(models.split(",") if models else None)
    counts = _counts(files)
    total = sum(count for _, count in counts)
    costs = {}
    for spec in specs:
        rates = spec.rates()
        costs[spec.id] = from_units(total * rates.input, rates.places)
    if form == "json":
        rows = [{"path": path, "tokens": count} for path, count in counts]
        prices = {model: format(cost, "f") for model, cost in costs.items()}
        data = {"format": 1, "files": rows, "total_tokens": total, "input_usd": prices}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    width = len(f"{total:,}")
    for path, count in counts:
        click.echo(f"{count:>{width},}  {path}")
    if len(counts) > 1:
        click.echo(f"{total:>{width},}  total")
    for model, cost in costs.items():
        click.echo(f"{cost:f} USD as input to {model}")


def _counts(files: Sequence[str]) -> list[tuple[str, int]]:
    from kimi_planner.tokens.text import count_tokens

    counts = []
    hidden = len(files) < PROGRESS_FROM or not sys.stderr.isatty()
    with click.progressbar(files, file=sys.stderr, hidden=hidden, label="counting") as listed:
        for path in listed:
            counts.append((path, count_tokens(_text(path))))
    return counts


def _text(path: str) -> str:
    from kimi_planner.errors import FileError
    from kimi_planner.files import read_text

    if path != "-":
        return read_text(path)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"standard input: not UTF-8 at byte {error.start}. Convert it to UTF-8."
        ) from None
