"""What a log shows of spend over time: dollars in stretches of equal length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from kimi_planner.catalog import Catalog
from kimi_planner.errors import UnknownModelError, UsageError, shown
from kimi_planner.projection.forecast.intervals import Array

__all__ = ["DAY", "Moment", "Observed", "observe"]

DAY = 86_400.0  # seconds
LEAST_STRETCHES, MOST_STRETCHES = 8, 120
MOST_DAYS = 366
LONG_LOG_DAYS = 28
CALLS_PER_STRETCH = 5
TIMES_PER_STRETCH = 1.5

#: A point in a log: a UTC time, or the time since the log began where it has no dates.
Moment = pd.Timestamp | pd.Timedelta


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Spend of a log over ``[start, end)``.

    Attributes
    ----------
    start, end
        What was observed; both UTC times, or both Timedeltas since the log began.
    seconds
        Length of it.
    usd : ndarray, shape (n_stretches,), USD
        Spend in each of the equal stretches that it is cut into.
    call_usd2
        Expected square of the spend that single calls cause, summed over all calls, USD squared; a
        lower bound where rows hold several calls.
    heaviness
        How many calls of equal cost would tell as much of that square; few if some calls cost
        far more than most.
    rows_outside
        Rows before ``start``, or at ``end`` and later, which were left out.
    calls
        Number of calls.
    windowed
        Whether rows hold several calls each.
    """

    start: Any
    end: Any
    seconds: float
    usd: Array
    call_usd2: float
    heaviness: float
    rows_outside: int
    calls: int
    windowed: bool

    @property
    def total_usd(self) -> float:
        """Spend of the whole log."""
        return float(self.usd.sum())

    @property
    def by_day(self) -> bool:
        """Whether stretches are too long to show the hours of the day."""
        return self.seconds / len(self.usd) > DAY / 2


def observe(
    frame: pd.DataFrame, model: str | None, catalog: Catalog, start: object, end: object
) -> Observed:
    """Return what a checked usage frame shows.

    Raises
    ------
    UsageError
        If rows have no time, or what was observed cannot be told or is empty.
    UnknownModelError, PriceNotFoundError
        If the catalog has no such model, or states no price for it.
    """
    source = str(frame.attrs.get("source", "usage frame"))
    times = frame["timestamp"]
    if times.isna().any():
        raise UsageError(
            f"{source}: {int(times.isna().sum())} rows have no timestamp. A forecast needs one for every row."
        )
    requests = frame["requests"].to_numpy(dtype=np.int64)
    windowed = bool((requests > 1).any())
    dated = pd.api.types.is_datetime64_any_dtype(times.dtype)
    width = _window(times) if windowed else pd.Timedelta(0)
    first = times.min() if start is None else _moment("start", start, dated)
    last = _end(times, width, source) if end is None else _moment("end", end, dated)
    if not first < last:
        raise UsageError(f"start ({first}) must be before end ({last}).")
    inside = ((times >= first) & (times < last)).to_numpy(dtype=bool)
    usd = _row_usd(frame, model, catalog)[inside]
    if not inside.any() or not usd.sum() > 0:
        raise UsageError(
            f"{source}: no spend from {first} to {last}, so there is nothing to forecast from. "
            "Give a log of calls, or start and end that hold some."
        )
    requests = requests[inside]
    seconds = (last - first).total_seconds()
    offsets = (times[inside] - first).dt.total_seconds().to_numpy(dtype=np.float64)
    squares = usd**2 / np.maximum(requests, 1)
    quartic = squares**2 / np.maximum(requests, 1)
    count = _stretches(offsets, int(requests.sum()), seconds)
    return Observed(
        start=first,
        end=last,
        seconds=seconds,
        usd=_cut(offsets, usd, width.total_seconds(), np.linspace(0, seconds, count + 1)),
        call_usd2=float(squares.sum()),
        heaviness=float(squares.sum() ** 2 / quartic.sum()),
        rows_outside=int((~inside).sum()),
        calls=int(requests.sum()),
        windowed=windowed,
    )


def _moment(name: str, value: object, dated: bool) -> Moment:
    """Return a bound as the log counts time."""
    try:
        if dated:
            moment = pd.Timestamp(value)  # type: ignore[arg-type]
            if pd.isna(moment):
                raise ValueError
            return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
        if isinstance(value, int | float | np.integer | np.floating) and not isinstance(
            value, bool
        ):
            return pd.Timedelta(seconds=float(value))
        if isinstance(value, str | timedelta | np.timedelta64):
            return pd.Timedelta(value)
    except (ValueError, TypeError, OverflowError):
        pass
    allowed = (
        "a UTC time, such as 2026-11-24T09:00:00Z"
        if dated
        else "seconds since the log began, or a Timedelta"
    )
    raise UsageError(f"{name} is {shown(value)}. This log needs {allowed}.")


def _window(times: pd.Series[Any]) -> pd.Timedelta:
    gaps = times.drop_duplicates().sort_values().diff().dropna()
    return pd.Timedelta(gaps.median()) if len(gaps) else pd.Timedelta(0)


def _end(times: pd.Series[Any], width: pd.Timedelta, source: str) -> Moment:
    """Return where a log ends that does not say: one gap after its last row."""
    span = times.max() - times.min()
    if span <= pd.Timedelta(0):
        raise UsageError(
            f"{source}: all rows have the same timestamp, so the time they cover cannot be told. "
            "Pass start=… and end=…."
        )
    return times.max() + (width if width else span / (len(times) - 1))  # type: ignore[no-any-return]


def _row_usd(frame: pd.DataFrame, model: str | None, catalog: Catalog) -> Array:
    """Return what each row costs, as floats: a forecast has no last digit."""
    prompt = frame["prompt_tokens"].to_numpy(dtype=np.float64)
    cached = frame["cached_tokens"].to_numpy(dtype=np.float64, na_value=0.0)
    completion = frame["completion_tokens"].to_numpy(dtype=np.float64)

    def price(rows: Any, name: str) -> Array:
        rates = catalog.model(name).rates()
        units = (
            (prompt[rows] - cached[rows]) * rates.input
            + cached[rows] * rates.cached
            + completion[rows] * rates.output
        )
        return np.asarray(units * 10.0**-rates.places)

    if model is not None:
        return price(slice(None), model)
    names = frame["model"].to_numpy(dtype=object)
    unnamed = int(frame["model"].isna().sum())
    if unnamed:
        raise UsageError(
            f"{unnamed} rows name no model. Pass model=… to price every row as one model."
        )
    usd = np.empty(len(frame))
    for name in pd.unique(names):
        rows = np.flatnonzero(names == name)
        try:
            usd[rows] = price(rows, name)
        except UnknownModelError as error:
            raise UnknownModelError(
                f"{len(rows)} usage rows, the first row {rows[0]}: {error}"
            ) from None
    return usd


def _stretches(offsets: Array, calls: int, seconds: float) -> int:
    """Return into how many stretches to cut: several calls and several distinct times in each.

    A long log is cut into days, so that the rhythm of the day stays within each.
    """
    days = seconds / DAY
    if days >= LONG_LOG_DAYS:
        return round(days) if days <= MOST_DAYS else round(days / 7)
    most = max(MOST_STRETCHES, round(days * 6))  # 4 hours still show the day
    distinct = len(np.unique(offsets))
    return int(
        np.clip(min(calls / CALLS_PER_STRETCH, distinct / TIMES_PER_STRETCH), LEAST_STRETCHES, most)
    )


def _cut(offsets: Array, usd: Array, width: float, edges: Array) -> Array:
    """Return the spend between edges; a row of a window is spent evenly over its width."""
    if not width:
        return np.asarray(np.histogram(offsets, edges, weights=usd)[0], dtype=np.float64)
    order = np.argsort(offsets, kind="stable")
    offsets, spent = offsets[order], np.concatenate([[0.0], np.cumsum(usd[order])])
    starts, first = np.unique(offsets, return_index=True)
    amounts = np.diff(spent[np.append(first, len(offsets))])
    stops = np.minimum(np.minimum(starts + width, np.append(starts[1:], np.inf)), edges[-1])
    stops = np.maximum(stops, starts + 1e-9)
    knots = np.stack([starts, stops], axis=1).ravel()
    before = np.concatenate([[0.0], np.cumsum(amounts)])
    heights = np.stack([before[:-1], before[1:]], axis=1).ravel()
    return np.diff(np.interp(edges, knots, heights, left=0.0, right=before[-1]))
