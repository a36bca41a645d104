"""Sections of a report that hold it against others: an earlier report, and what it really cost."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimi_planner.errors import FileError, shown
from kimi_planner.files import read_text
from kimi_planner.money import usd
from kimi_planner.reconciliation import Reconciliation
from kimi_planner.report.json_form import FORMAT, plan_data
from kimi_planner.report.reconciled import causes_table, months_table
from kimi_planner.report.tables import Section, Table
from kimi_planner.selection import Recommendation

__all__ = ["actuals_section", "previous_section"]

MAX_REPORT_BYTES = 500_000_000
_KEYS = ("catalog", "as_of", "seed", "n_paths", "months", "summary", "recommended")
_MOST_USD = 1e100
_EXPECTED, _HIGH = "mean_usd_per_month", "p90_usd_per_month"


def previous_section(recommendation: Recommendation, previous: str | Path) -> Section:
    """Compare a report with an earlier one.

    Parameters
    ----------
    recommendation : Recommendation
        What is reported now.
    previous : str or Path
        The earlier report in its JSON form.

    Raises
    ------
    FileError
        If it cannot be read or is no such report.
    """
    before, now = _read(Path(previous)), plan_data(recommendation)
    workloads = list(dict.fromkeys([*_names(before), *_names(now)]))
    rows = []
    for name in workloads:
        old, new = _planned(before, name), _planned(now, name)
        rows.append(
            (
                name,
                _moved(before["recommended"].get(name, "-"), now["recommended"].get(name, "-")),
                *_amounts(*(None if one is None else one[_EXPECTED] for one in (old, new))),
                *(usd(one[_HIGH]) if one else "-" for one in (old, new)),
            )
        )
    sums = [_total(report) for report in (before, now)]
    rows.append(("all", "", *_amounts(*sums), "", ""))
    headers = ("workload", "model", "expected before", "now", "change", "P90 before", "P90 now")
    return Section(
        title="Against the previous report (USD a month, average of the horizon)",
        sentences=_changes(before, now),
        tables=(Table(headers, tuple(rows), frozenset({2, 3, 4, 5, 6})),),
    )


def actuals_section(found: Reconciliation) -> Section:
    """Return what was planned against what it cost, by cause and by month."""
    difference = usd(found.difference_usd)
    sign = "" if difference.startswith("-") else "+"
    return Section(
        title="Planned against actual (USD)",
        sentences=(
            f"Planned {usd(found.planned_usd)} USD, actual {usd(found.actual_usd)} USD: "
            f"{sign}{difference} USD.",
            *found.notes,
            found.provenance,
        ),
        tables=(causes_table(found), months_table(found)),
    )


def _read(path: Path) -> dict[str, Any]:
    """Return an earlier report, looked over."""
    remedy = "Give the report.json of an earlier report."
    try:
        data = json.loads(read_text(path, limit=MAX_REPORT_BYTES))
        if data["format"] != FORMAT:
            raise FileError(
                f"{path}: form {shown(data['format'])} of a report, known is {FORMAT}. {remedy}"
            )
        version = data["catalog"]["version"]
        told = {key: data[key] for key in _KEYS}
        names = [version, told["as_of"], *told["recommended"].values()]
        for row in told["summary"]:
            names += [row["workload"], row["model"]]
            if not all(0 <= row[key] <= _MOST_USD for key in (_EXPECTED, _HIGH)):
                raise ValueError("an amount is no spend")
        if not told["months"] or not isinstance(told["months"], list):
            raise ValueError("it has no months")
        if not all(isinstance(one, str) for one in (*names, *told["months"])):
            raise ValueError("a name, a day or a month is no text")
        if not all(isinstance(told[key], int) for key in ("seed", "n_paths")):
            raise ValueError("its seed or its paths are no whole number")
    except FileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(
            f"{path}: not a report ({type(error).__name__}: {shown(str(error))}). {remedy}"
        ) from None
    return told


def _names(report: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(str(row["workload"]) for row in report["summary"]))


def _planned(report: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return the summary of a workload on the model recommended for it, if there is one."""
    model = report["recommended"].get(name)
    rows = (row for row in report["summary"] if (row["workload"], row["model"]) == (name, model))
    return next(rows, None)


def _total(report: Mapping[str, Any]) -> float:
    planned = [_planned(report, name) for name in report["recommended"]]
    return math.fsum(one[_EXPECTED] for one in planned if one)


def _amounts(old: float | None, new: float | None) -> tuple[str, str, str]:
    before, after = ("-" if one is None else usd(one) for one in (old, new))
    if old is None or new is None:
        return before, after, "gone" if old is not None else "new" if new is not None else "-"
    difference = usd(new - old)
    sign = "" if difference.startswith("-") else "+"
    share = f" ({100 * (new / old - 1):+.1f}%)" if old else ""
    return before, after, f"{sign}{difference}{share}"


def _moved(old: str, new: str) -> str:
    return new if old == new else f"{old} -> {new}"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what the two reports rest on that is not the same."""

    def catalog(report: Mapping[str, Any]) -> str:
        return f"{report['catalog']['version']} ({str(report['catalog'].get('sha256'))[:12]})"

    def months(report: Mapping[str, Any]) -> str:
        return f"{report['months'][0]} to {report['months'][-1]}"

    pairs = [
        ("Catalog", catalog(before), catalog(now)),
        ("As of", before["as_of"], now["as_of"]),
        ("Months", months(before), months(now)),
        ("Seed", before["seed"], now["seed"]),
        ("Paths", before["n_paths"], now["n_paths"]),
    ]
    said = [f"{name}: {old} -> {new}." for name, old, new in pairs if old != new]
    gone = [name for name in _names(before) if name not in _names(now)]
    come = [name for name in _names(now) if name not in _names(before)]
    said += [f"Gone: {', '.join(gone)}."] if gone else []
    said += [f"New: {', '.join(come)}."] if come else []
    if not said:
        said = ["Catalog, day, months, seed, paths and workloads are the same by name."]
    return (
        *said,
        "A changed amount beside that is of changed assumptions or of the planner itself.",
    )
