"""What a log shows of spend over time: dollars in stretches of equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kimi_planner.billing.meters import ByMeter
from kimi_planner.errors import TooLittleUsageError, UsageError
from kimi_planner.forecast.intervals import Array
from kimi_planner.forecast.moments import DAY, Moment, at, micros, moment_text
from kimi_planner.forecast.rows import LogRows

__all__ = ["LONG_LOG_DAYS", "Observed", "observe"]

LEAST_STRETCHES, MOST_STRETCHES = 8, 120
MOST_DAYS = 366
LONG_LOG_DAYS = 28
CALLS_PER_STRETCH = 5
TIMES_PER_STRETCH = 1.5


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
    bill : ByMeter of Decimal, USD
        Spend by meter, exact.
    """

    start: Moment
    end: Moment
    seconds: float
    usd: Array
    call_usd2: float
    heaviness: float
    rows_outside: int
    calls: int
    bill: ByMeter

    @property
    def total_usd(self) -> float:
        """Spend of the whole log."""
        return float(self.usd.sum())

    @property
    def by_day(self) -> bool:
        """Whether stretches are too long to show the hours of the day."""
        return self.seconds / len(self.usd) > DAY / 2


def observe(rows: LogRows, start: Moment | None, end: Moment | None) -> Observed:
    """Return what the rows of a log show between two moments.

    Parameters
    ----------
    rows : LogRows
        The log.
    start, end : Timestamp or Timedelta, optional
        What was observed; from the first row to one gap after the last if not given.

    Raises
    ------
    UsageError
        If the moments are not in order.
    TooLittleUsageError
        If what was observed cannot be told, or holds no spend.
    """
    first = int(rows.micros[0]) if start is None else micros(start)
    last = rows.end if end is None else micros(end)
    begun, ended = at(first, dated=rows.dated), at(last, dated=rows.dated)
    if not first < last:
        raise UsageError(
            f"start ({moment_text(begun)}) must be before end ({moment_text(ended)}). Give what the "
            "log covers."
        )
    low, high = np.searchsorted(rows.micros, [first, last]).tolist()
    usd = rows.usd[low:high]
    if not usd.sum() > 0:
        raise TooLittleUsageError(
            f"{rows.source}: no spend from {moment_text(begun)} to {moment_text(ended)}, so there is "
            "nothing to forecast from. Give a log of calls, or start and end that hold some."
        )
    requests = rows.requests[low:high]
    seconds = (last - first) / 1e6
    offsets = (rows.micros[low:high] - first) / 1e6
    squares = usd**2 / np.maximum(requests, 1)
    quartic = squares**2 / np.maximum(requests, 1)
    bills = rows.costs.by_meter()
    count = _stretches(offsets, int(requests.sum()), seconds)
    return Observed(
        start=begun,
        end=ended,
        seconds=seconds,
        usd=_cut(offsets, usd, rows.window / 1e6, np.linspace(0, seconds, count + 1)),
        call_usd2=float(squares.sum()),
        heaviness=float(squares.sum() ** 2 / quartic.sum()),
        rows_outside=len(rows.usd) - len(usd),
        calls=int(requests.sum()),
        bill=ByMeter({key: bills.usd(key, rows.order[low:high]) for key in bills.units}),
    )


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
    """Return the spend between edges; a row of a window is spent evenly over its width.

    Offsets ascend.
    """
    if not width:
        return np.asarray(np.histogram(offsets, edges, weights=usd)[0], dtype=np.float64)
    spent = np.concatenate([[0.0], np.cumsum(usd)])
    starts, first = np.unique(offsets, return_index=True)
    before = spent[np.append(first, len(offsets))]
    stops = np.minimum(starts + width, np.append(starts[1:], edges[-1]))
    stops = np.maximum(stops, starts + 1e-9)
    knots = np.stack([starts, stops], axis=1).ravel()
    heights = np.stack([before[:-1], before[1:]], axis=1).ravel()
    return np.diff(np.interp(edges, knots, heights, left=0.0, right=before[-1]))
