"""What happened: the totals of a log by month, workload and model."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from fractions import Fraction
from pathlib import Path

import pandas as pd

from kimi_planner.errors import ScenarioError, UsageError, shown
from kimi_planner.reconcile.causes import Calls
from kimi_planner.usage.totals.group import TOTALS
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.sources import total_usage

__all__ = ["NOT_STATED", "Log", "WorkloadKey", "log_of"]

#: Name of a column, or model to workload.
WorkloadKey = str | Mapping[str, str]

#: The workload of calls that state none.
NOT_STATED = "(not stated)"


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log, added up.

    Attributes
    ----------
    calls
        From (month, workload) to model to what it served.
    thinks
        Those of them whose rows all state reasoning tokens.
    start, end
        The days that the log covers; ``end`` is the first one after it.
    totals
        What was added up.
    """

    calls: Mapping[tuple[str, str], Mapping[str, Calls]]
    thinks: frozenset[tuple[str, str]]
    start: date
    end: date
    totals: UsageTotals

    @property
    def last_day(self) -> date:
        """The last day that the log covers."""
        return self.end - timedelta(1)

    def covered(self, month: str) -> Fraction:
        """Return the share of a month's days that the log covers."""
        first, days = _days(month)
        until = min(self.end, first + timedelta(days))
        return Fraction(max(0, (until - max(self.start, first)).days), days)

    def days(self, month: str) -> tuple[int, int]:
        """Return how many days of a month the log covers, and how many it has."""
        _, days = _days(month)
        return int(self.covered(month) * days), days


def log_of(
    actual: UsageTotals | pd.DataFrame | str | Path,
    workload: WorkloadKey | None,
    names: list[str],
    model: str | None,
    start: date | None,
    end: date | None,
) -> Log:
    """Add up a log by month, workload and model.

    Parameters
    ----------
    actual : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned.
    workload : str or mapping of str to str, optional
        Column that names the workload, or model to workload; may be left out where the plan has
        one workload.
    names : list of str
        Workloads of the plan.
    model : str, optional
        The model of all rows; otherwise the one that a row names.
    start, end : date, optional
        The days over which the log was kept; those of its first and last row if not given.

    Raises
    ------
    UsageError
        If the log cannot be read, or rows name no model or no date.
    ScenarioError
        If it is not told to which workload a call belongs, or the days are out of order.
    """
    if workload is None and len(names) > 1:
        raise ScenarioError(
            f"The plan has {len(names)} workloads ({', '.join(names)}). Say to which a call belongs: the "
            "name of a column, or the workload of each model."
        )
    by_model = model is None or isinstance(workload, Mapping)
    keys_told = [workload] if isinstance(workload, str) else []
    needed = list(dict.fromkeys(["month", *(["model"] if by_model else []), *keys_told]))
    totals = actual.over(needed) if isinstance(actual, UsageTotals) else total_usage(actual, needed)
    parts: dict[tuple[str, str], dict[str, list[Calls]]] = {}
    silent = set()
    for cell, sums in totals.cells.items():
        keys = dict(zip(totals.by, cell, strict=True))
        numbers = dict(zip(TOTALS, sums, strict=True))
        served = keys["model"] if model is None else model
        for name, value in (("date", keys["month"]), ("model", served)):
            if value is None:
                raise UsageError(
                    f"{totals.source}: {numbers['rows']:,} rows state no {name}, so they cannot be "
                    f"held against a plan. Add it{', or pass model=…' if name == 'model' else ''}."
                )
        place = (keys["month"], _workload(keys, workload, names))
        parts.setdefault(place, {}).setdefault(served, []).append(_calls(numbers))
        if numbers["rows_without_reasoning"]:
            silent.add(place)
    first, end = _window(totals, start, end)
    return Log(
        calls={
            place: {name: Calls.together(some) for name, some in models.items()}
            for place, models in parts.items()
        },
        thinks=frozenset(parts) - silent,
        start=first,
        end=end,
        totals=totals,
    )


def _calls(numbers: Mapping[str, int]) -> Calls:
    return Calls(
        requests=Fraction(numbers["requests"]),
        prompt=Fraction(numbers["prompt_tokens"]),
        cached=Fraction(numbers["cached_tokens"]),
        completion=Fraction(numbers["completion_tokens"]),
        reasoning=Fraction(numbers["reasoning_tokens"]),
    )


def _workload(keys: Mapping[str, object], workload: WorkloadKey | None, names: list[str]) -> str:
    if workload is None:
        return names[0]
    value = keys[workload] if isinstance(workload, str) else workload.get(str(keys["model"]))
    return NOT_STATED if value is None else str(value)


def _window(totals: UsageTotals, start: date | None, end: date | None) -> tuple[date, date]:
    if totals.first is None or totals.last is None:
        raise UsageError(
            f"{totals.source}: the log has no dates, so it has no months. Add timestamps to it."
        )
    first, last = (time.tz_convert(UTC).date() for time in (totals.first, totals.last))
    for name, day in (("start", start), ("end", end)):
        if day is not None and type(day) is not date:
            raise ScenarioError(f"{name} is {shown(day)}. Give a datetime.date.")
    if (start is not None and first < start) or (end is not None and last >= end):
        raise ScenarioError(
            f"The log has rows from {first} to {last}, outside of {start or first} (included) to "
            f"{end or 'its end'} (not included). Give the days over which all of it was kept."
        )
    return start or first, end or last + timedelta(1)


def _days(month: str) -> tuple[date, int]:
    first = date.fromisoformat(f"{month}-01")
    return first, monthrange(first.year, first.month)[1]
