"""Sections of a report that hold it against others: an earlier report, and what it really cost."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.errors import FileError, shown
from kimi_planner.files import read_text
from kimi_planner.money import signed_usd, usd
from kimi_planner.plan.scenario import Scenario, compare_scenarios
from kimi_planner.reconcile.plans import compare_plans
from kimi_planner.reconcile.result import Reconciliation
from kimi_planner.report.changed import change_data, change_section, change_tables
from kimi_planner.report.json_form import FORMAT, plan_data
from kimi_planner.report.reconciled import (
    causes_table,
    months_table,
    ranges_text,
    totals_text,
)
from kimi_planner.report.scenarios import scenarios_section
from kimi_planner.report.tables import Section, Table, name_text

__all__ = ["actuals_section", "plan_sections", "previous_section"]

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
        An approved plan, or the earlier report in its JSON form.

    Raises
    ------
    FileError
        If it cannot be read or is no such report.
    """
    is_approved = Path(previous).suffix == ".toml"
    before = None if is_approved else _read(Path(previous))
    change = compare_plans(previous, recommendation.projection, after_choice=recommendation.best)
    if before is None:
        return change_section(change)
    now = plan_data(recommendation)
    reports = (before, now)
    names, plans = list(map(_names, reports)), list(map(_planned, reports))
    rows = []
    for name in dict.fromkeys([*names[0], *names[1]]):
        models = [
            name_text(report["recommended"].get(name, "none"))
            for report, known in zip(reports, names, strict=True)
            if name in known
        ]
        old, new = (plan.get(name, {}) for plan in plans)
        expected = old.get(_EXPECTED), new.get(_EXPECTED)
        state = "gone" if name not in names[1] else "new" if name not in names[0] else ""
        rows.append(
            (
                name_text(name),
                " -> ".join(dict.fromkeys(models)),
                *map(_amount, expected),
                state or _change(*expected),
                *(_amount(plan.get(_HIGH)) for plan in (old, new)),
            )
        )
    sums = [math.fsum(row[_EXPECTED] for row in plan.values()) for plan in plans]
    rows.append(("all", "", *map(usd, sums), _change(*sums), "", ""))
    table = Table(
        ("workload", "model", "expected before", "expected now", "change", "P90 before", "P90 now"),
        tuple(rows),
        frozenset({2, 3, 4, 5, 6}),
        title="USD a month, average of the months of each report",
        foot=1,
    )
    return Section(
        "Against the previous report",
        _changes(before, now),
        (table, *change_tables(change)),
        (("plan_change", change),),
        {"change": change_data(change)},
    )


def plan_sections(
    recommendation: Recommendation,
    scenarios: Sequence[Scenario] = (),
    previous: str | Path | None = None,
) -> list[Section]:
    """Return the parts of a report that hold a plan against its scenarios and an earlier plan.

    Parameters
    ----------
    recommendation : Recommendation
        The plan.
    scenarios : sequence of Scenario
        Named variants of it.
    previous : str or Path, optional
        An approved plan, or an earlier report in its JSON form.

    Raises
    ------
    FileError, CatalogError, ScenarioError
        If the earlier plan cannot be read, or a scenario does not meet the plan.
    """
    sections = []
    if scenarios:
        beside = compare_scenarios(recommendation.projection, scenarios, recommendation.best)
        sections.append(scenarios_section(beside))
    if previous is not None:
        sections.append(previous_section(recommendation, previous))
    return sections


def actuals_section(found: Reconciliation) -> Section:
    """Return what was planned against what it cost, by cause and by month."""
    return Section(
        title="Planned against actual",
        sentences=(
            totals_text(found),
            *filter(None, [ranges_text(found)]),
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
                f"form {shown(data['format'])} of a report, known is {FORMAT}. {remedy}", at=path
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
            f"not a report ({type(error).__name__}: {shown(str(error))}). {remedy}", at=path
        ) from None
    return told


def _names(report: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(str(row["workload"]) for row in report["summary"])


def _planned(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the summary of each workload on the model recommended for it, where there is one."""
    rows, chosen = report["summary"], report["recommended"]
    return {row["workload"]: row for row in rows if chosen.get(row["workload"]) == row["model"]}


def _amount(amount: float | None) -> str:
    return "-" if amount is None else usd(amount)


def _change(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return "-"
    share = f" ({100 * (new / old - 1):+.1f}%)" if old and new != old else ""
    return f"{signed_usd(new - old)}{share}"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what the two reports rest on that is not the same."""

    def catalog(report: Mapping[str, Any]) -> str:
        return f"{report['catalog']['version']} ({str(report['catalog'].get('sha256'))[:12]})"

    def months(report: Mapping[str, Any]) -> str:
        first, last = report["months"][0], report["months"][-1]
        return str(first) if first == last else f"{first} to {last}"

    pairs = [
        ("Catalog", catalog(before), catalog(now)),
        ("As of", before["as_of"], now["as_of"]),
        ("Months", months(before), months(now)),
        ("Seed", before["seed"], now["seed"]),
        ("Paths", before["n_paths"], now["n_paths"]),
    ]
    said = [f"{name}: {old} -> {new}." for name, old, new in pairs if old != new]
    if before["months"] != now["months"]:
        said.append("The averages compared are of different months.")
    names = [_names(report) for report in (before, now)]
    gone = [name_text(name) for name in names[0] if name not in names[1]]
    come = [name_text(name) for name in names[1] if name not in names[0]]
    said += [f"Gone: {', '.join(gone)}."] if gone else []
    said += [f"New: {', '.join(come)}."] if come else []
    if not said:
        said = ["Catalog, day, months, seed, paths and workloads are the same by name."]
    return (*said, "What else changed an amount is changed assumptions or the planner itself.")
