"""A latest estimate: as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kimi_planner.forecast.estimate import LatestEstimate
from kimi_planner.forecast.result import QUANTILES
from kimi_planner.money import signed_usd, total, usd
from kimi_planner.report.forecast_rates import exchange_rows, exchange_tables
from kimi_planner.report.json_form import DIGITS, as_data, form_text, origin
from kimi_planner.report.table import Table, name_text
from kimi_planner.report.text import escaped, listed, markdown, plain, sentence_text
from kimi_planner.rich import share_text

_STATED = (
    *("source", "period", "begun", "ended", "is_whole", "actual_usd", "expected_ahead_usd"),
    *("expected_usd", "budget", "plan", "planned", "balance_usd"),
)
_AMOUNTS = ("actual_usd", "ahead_usd", "expected_usd", "planned_usd")


def outlook_text(found: LatestEstimate) -> str:
    """Return a latest estimate for a terminal: the answer, by workload and model, notes."""
    parts = [
        "\n".join(found.sentences),
        *(f"{table.title}:\n\n{plain(table)}" for table in exchange_tables(found)),
        plain(parts_table(found)),
        listed("What to know:", found.notes),
        found.provenance,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def outlook_markdown(found: LatestEstimate) -> str:
    """Return a latest estimate as Markdown."""
    from kimi_planner.report.outlook_page import outlook_section

    section = outlook_section(found)
    parts = [
        f"# {escaped(section.title)}",
        "\n".join(f"- {sentence_text(one)}" for one in found.sentences),
        *(f"## {table.title}\n\n{markdown(table)}" for table in section.tables),
        "## What to know",
        "\n".join(f"- {sentence_text(one)}" for one in found.notes) or "Nothing known.",
        escaped(found.provenance),
    ]
    return "\n\n".join(parts) + "\n"


def outlook_json(found: LatestEstimate) -> str:
    """Return a latest estimate as JSON; exact amounts are strings, forecast ones numbers of USD."""
    data: dict[str, Any] = {
        **origin(found),
        **{name: getattr(found, name) for name in _STATED},
        **{name: round(found.quantile(q), DIGITS) for name, q in QUANTILES.items()},
        "begun": found.begun.isoformat().replace("+00:00", "Z"),
        "ended": found.ended.isoformat().replace("+00:00", "Z"),
        "balance_days": as_data(found.balance_days, DIGITS),
        "parts": as_data(found.frame, DIGITS),
        "days": found.daily,
        **{name: getattr(found, name) for name in ("sentences", "notes")},
    }
    exchanges = found.catalog.exchanges
    return form_text(data, {one: as_data(exchange_rows(found, one), DIGITS) for one in exchanges})


def parts_table(found: LatestEstimate) -> Table:
    """Return a row for each workload and model, and their sum; beside a plan with how far it is off."""
    shown = [name for name in _AMOUNTS if name != "planned_usd" or found.plan]

    def cells(amounts: Mapping[Any, Any]) -> list[str]:
        values = ["–" if amounts[name] is None else usd(amounts[name]) for name in shown]
        if found.plan:
            expected, planned = amounts["expected_usd"], amounts["planned_usd"]
            off = None if planned is None else total([expected, planned.copy_negate()])
            values.append("–" if off is None else signed_usd(off))
        return values

    rows = [
        (
            *(name_text(row["workload"]), row["model"], *cells(row)),
            share_text(row["share_ahead"]),
        )
        for row in found.frame.to_dict("records")
    ]
    sums = {name: total(one for one in found.frame[name] if one is not None) for name in shown}
    headers = ("spent", "to come", "expected", *["planned", "over plan by"] * bool(found.plan))
    return Table(
        ("workload", "model", *headers, "share to come"),
        (*rows, ("total", "", *cells(sums), "")),
        frozenset(range(2, 3 + len(headers))),
        title=f"By workload and model ({found.catalog.currency})",
        foot=1,
    )
