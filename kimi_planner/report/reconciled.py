"""Planned against actual: as text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from kimi_planner.billing.meters import title_of
from kimi_planner.catalog import Exchange
from kimi_planner.money import in_cents, signed_usd, total, usd
from kimi_planner.reconcile.invoice import InvoiceCheck, InvoiceLine
from kimi_planner.reconcile.result import Reconciliation
from kimi_planner.report.exchanged import OF_MONTHS, basis, beside, exchanged, month_of
from kimi_planner.report.json_form import DIGITS, as_data, form_text
from kimi_planner.report.table import Table, name_text, steps_table
from kimi_planner.report.text import listed, plain
from kimi_planner.safe import csv_text, on_one_line

_AMOUNTS = ("planned_usd", "actual_usd")
_RANGE = ("p10_usd", "p90_usd", "position")


def reconciliation_text(found: Reconciliation, exchanges: Sequence[Exchange] = ()) -> str:
    """Return a reconciliation for a terminal: by cause, by month, notes, provenance."""
    parts = [
        totals_text(found),
        plain(causes_table(found)),
        ranges_text(found),
        plain(months_table(found)),
        *([invoice_text(found.invoice)] if found.invoice else []),
        *(_elsewhere(found, exchange) for exchange in exchanges),
        listed("What to know:", found.notes),
        found.provenance,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def reconciliation_json(found: Reconciliation, exchanges: Sequence[Exchange] = ()) -> str:
    """Return a reconciliation as JSON; amounts are decimal strings."""
    data = {
        **{name: getattr(found, name) for name in (*_AMOUNTS, "difference_usd")},
        "ranges": _rounded(found.summary()[["workload", *_RANGE]]),
        "months": _rounded(found.months),
        "causes": found.frame,
        "notes": found.notes,
        "provenance": found.provenance,
    }
    if found.invoice is not None:
        data["invoice"] = invoice_data(found.invoice)
    months = found.months.to_dict("records")
    return form_text(data, {one: exchanged(months, one, month_of) for one in exchanges})


def _elsewhere(found: Reconciliation, exchange: Exchange) -> str:
    """Return the same in another currency: totals, causes and months."""
    other = found.at_rates(exchange)
    parts = [
        f"{basis(exchange, OF_MONTHS)}. {totals_text(other)}",
        plain(causes_table(other)),
        plain(months_table(other)),
    ]
    return "\n\n".join(parts)


def reconciliation_csv(found: Reconciliation, exchanges: Sequence[Exchange] = ()) -> str:
    """Return the parts of the difference as CSV, in other currencies beside."""
    rows = found.frame.to_dict("records")
    others = [exchanged(rows, exchange, month_of) for exchange in exchanges]
    return csv_text(pd.DataFrame(beside(rows, others), dtype=object) if others else found.frame)


def invoice_sentences(check: InvoiceCheck) -> list[str]:
    """Return whether the invoice is what the log costs, and what else it has."""
    others = [f"{name} {signed_usd(amount)} USD" for name, amount in check.others.items()]
    return [
        f"Billed {usd(check.billed_usd)} USD, the log at the prices of the catalog {usd(check.expected_usd)} USD: "
        f"{signed_usd(check.difference_usd)} USD.",
        *[f"Besides, the invoice has {', '.join(others)}."] * bool(others),
        *map(str, check.notes),
    ]


def invoice_table(check: InvoiceCheck) -> Table:
    """Return each line of an invoice beside the log, those that differ first, the widest gap on top."""
    lines = sorted(check.lines, key=lambda one: -abs(one.difference_usd))
    rows = [
        (
            *(one.period, one.model, title_of(one.meter)),
            *(f"{amount:,f}" for amount in (one.billed, one.logged)),
            *(usd(amount) for amount in (one.billed_usd, one.expected_usd)),
            *map(signed_usd, (one.difference_usd, *_parts(one))),
        )
        for one in lines
    ]
    sums = [
        *(usd(amount) for amount in (check.billed_usd, check.expected_usd)),
        signed_usd(check.difference_usd),
        *(
            signed_usd(total(getattr(one, name) for one in lines))
            for name in ("quantity_usd", "price_usd")
        ),
    ]
    headers = (
        *("period", "model", "meter", "billed", "logged", "billed USD", "expected USD"),
        *("difference", "of quantity", "of price"),
    )
    rows.append(("all", "", "", "", "", *sums))
    right = frozenset(range(3, len(headers)))
    return Table(headers, tuple(rows), right, title="Invoice beside the log", foot=1)


def _parts(line: InvoiceLine) -> tuple[Decimal, ...]:
    """Return what of a difference is quantity and what is price, in cents that add up to it."""
    parts = {"quantity": line.quantity_usd, "price": line.price_usd}
    return tuple(in_cents(parts, line.difference_usd).values())


def invoice_text(check: InvoiceCheck) -> str:
    """Return an invoice beside the log for a terminal."""
    return "\n\n".join(
        [
            "Invoice:\n" + "\n".join(f"  {on_one_line(one)}" for one in invoice_sentences(check)),
            plain(invoice_table(check)),
        ]
    )


def invoice_data(check: InvoiceCheck) -> dict[str, Any]:
    """Return an invoice beside the log as plain data; amounts are decimal strings."""
    names = ("billed_usd", "expected_usd", "difference_usd")
    data: dict[str, Any] = as_data(
        {
            **{name: getattr(check, name) for name in names},
            "lines": check.frame,
            "others": check.others,
            "notes": check.notes,
        }
    )
    return data


def totals_text(found: Reconciliation) -> str:
    """Return what was planned, what it cost, and the difference."""
    return (
        f"Planned {usd(found.planned_usd)} {found.currency}, actual {usd(found.actual_usd)} {found.currency}: "
        f"{signed_usd(found.difference_usd)} {found.currency}."
    )


def causes_table(found: Reconciliation) -> Table:
    """Return a row for each cause, between what was planned and what it cost."""
    summary = found.summary().set_index("workload")
    causes = [name for name in summary if name not in (*_AMOUNTS, *_RANGE, "difference_usd")]
    rows = {str(name): summary[name] for name in ("planned_usd", *causes, "actual_usd")}
    return steps_table(
        "cause", map(str, summary.index), rows, _AMOUNTS, f"{found.currency} by cause"
    )


def months_table(found: Reconciliation) -> Table:
    """Return a row for each month and workload; with its place in the range where the plan has one."""
    rows = [
        (
            row["month"],
            f"{row['covered_share']:.0%}",
            name_text(row["workload"]),
            *(usd(row[name]) for name in _AMOUNTS),
            signed_usd(row["difference_usd"]),
            _range(row),
        )
        for row in found.months.to_dict("records")
    ]
    headers = ("month", "covered", "workload", "planned", "actual", "difference", "P10 to P90")
    shown = 7 if found.months["position"].any() else 6
    return Table(
        headers[:shown],
        tuple(row[:shown] for row in rows),
        frozenset((1, 3, 4, 5)),
        title=f"{found.currency} by month and workload",
    )


def _rounded(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain data, percentiles rounded to a millionth of a dollar."""
    rows: list[dict[str, Any]] = as_data(frame)
    return [row | as_data({key: row[key] for key in _RANGE}, DIGITS) for row in rows]


def ranges_text(found: Reconciliation) -> str:
    """Say whether the actual lies inside of P10 to P90 of the plan, for each workload and for all."""
    rows = found.summary().to_dict("records")
    said = [f"{row['workload']} {_range(row)}" for row in rows if row["position"]]
    return on_one_line(f"Against P10 to P90 of the plan: {'; '.join(said)}.") if said else ""


def _range(row: Mapping[Hashable, Any]) -> str:
    if row["position"] is None:
        return "not stated"
    return f"{row['position']} {usd(row['p10_usd'])} to {usd(row['p90_usd'])}"
