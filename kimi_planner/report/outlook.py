"""A latest estimate: its tables, as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.forecast.estimate import LatestEstimate, Limit
from kimi_planner.forecast.result import QUANTILES
from kimi_planner.money import signed_usd, total, usd
from kimi_planner.report.forecast_rates import exchange_rows, exchange_tables
from kimi_planner.report.json_form import DIGITS, as_data, form_text, origin
from kimi_planner.report.table import OVER, Section, Table, name_text
from kimi_planner.report.text import escaped, listed, markdown, plain, sentence_text
from kimi_planner.rich import share_text

_STATED = (
    *("source", "period", "begun", "ended", "is_whole", "actual_usd", "expected_ahead_usd"),
    *("expected_usd", "budget", "plan", "planned", "balance_usd"),
)
_MOST_DAYS = 62  # of a table by day; of a longer period the ends of months are shown
#: Quantiles of what is spent by the end of a day, by their titles.
TO_DATE = {"P10": "p10_usd", "P50": "p50_usd", "P90": "p90_usd"}
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
        (*(name_text(row["workload"]), row["model"], *cells(row)), share_text(row["share_ahead"]))
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


def outlook_section(found: LatestEstimate) -> Section:
    """Return a latest estimate as a part of a report: the answer, limits, days, and parts."""
    limits = limits_table(found)
    return Section(
        title=f"Latest estimate, {found.period.name}",
        sentences=found.sentences,
        tables=(
            *[limits] * bool(limits.rows),
            *exchange_tables(found),
            days_table(found),
            parts_table(found),
        ),
        drawn=(("outlook", found),),
    )


def limits_table(found: LatestEstimate) -> Table:
    """Return the end of the period against the budget and the plan: gap, chance, and day of the breach."""
    rows = [
        (
            name,
            usd(limit.usd),
            usd(found.actual_usd),
            usd(found.expected_usd),
            signed_usd(limit.gap_usd),
            f"{'at least ' * limit.is_lower_bound}{share_text(limit.chance)}",
            _breach(limit, limit.day),
            _breach(limit, limit.earliest_day),
            "–" if limit.left_usd_per_day is None else usd(limit.left_usd_per_day),
        )
        for name, limit in (("budget", found.budget), ("plan", found.plan))
        if limit is not None
    ]
    currency = found.catalog.currency
    headers = (
        *("against", currency, "spent", "expected end", "over by", "chance to end above"),
        *("passed on", "at the earliest", "left a day"),
    )
    title = f"Against budget and plan ({currency})"
    return Table(headers, tuple(rows), frozenset(range(1, 9)), title=title)


def _breach(limit: Limit, day: Any) -> str:
    return "not in this period" if day is None else str(day)


def days_table(found: LatestEstimate) -> Table:
    """Return a row for each day: what was spent, what is to come by then, and what it leaves of the budget."""
    rows, left = [], found.budget_usd
    for row in days_of(found):
        p50 = row["P50"]
        over = left is not None and float(left) < p50
        rows.append(
            (
                str(row["day"]),
                row["kind"],
                "" if row["spent"] is None else usd(row["spent"]),
                *(usd(row[name]) for name in TO_DATE),
                *([] if left is None else [signed_usd(float(left) - p50) + f" {OVER}" * over]),
            )
        )
    headers = ["day", "state", "spent that day", *(f"{name} to date" for name in TO_DATE)]
    headers += [] if left is None else ["budget left"]
    return Table(
        tuple(headers),
        tuple(rows),
        frozenset(range(2, len(headers))),
        title=f"By day ({found.catalog.currency}, to date)",
    )


def days_of(found: LatestEstimate) -> list[dict[str, Any]]:
    """Return day, whether it was spent or is to come, and quantiles of the spend up to its end."""
    spent = list(accumulate(found.daily["actual_usd"], lambda *both: total(both)))
    rows: list[dict[str, Any]] = [
        {"day": day, "kind": "spent", "spent": amount, **dict.fromkeys(TO_DATE, float(sofar))}
        for day, amount, sofar in zip(
            found.daily["day"], found.daily["actual_usd"], spent, strict=True
        )
    ]
    if found.ahead is not None:
        steps = np.concatenate([[0.0], found.ahead.steps])
        frame, base = found.ahead.frame, float(found.actual_usd)
        for day in pd.date_range(found.ended.date(), found.period.until, inclusive="left"):
            after = ((day + pd.Timedelta(days=1)).tz_localize("UTC") - found.ended).total_seconds()
            amounts = {
                name: base + float(np.interp(after, steps, [0.0, *frame[key]]))
                for name, key in TO_DATE.items()
            }
            row = {"day": day.date(), "kind": "forecast", "spent": None}
            if rows and rows[-1]["day"] == row["day"]:  # the log ended on this day
                row = rows.pop() | {"kind": "spent in part"}
            rows.append(row | amounts)
    if len(rows) <= _MOST_DAYS:
        return rows
    months = {f"{row['day']:%Y-%m}": row for row in rows}  # the last day of each
    return [row | {"spent": None} for row in months.values()]
