"""A log over time: its rows in order, and what they add up to in stretches of equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimi_planner.errors import TooLittleUsageError, UsageError
from kimi_planner.series.intervals import Array
from kimi_planner.series.moments import DAY, Moment, at, micros, moment_text

Counts = NDArray[np.int64]

_MOST_GAPS = 64
_NEARLY_ALL = 0.9
_TOLERANCE = 0.01  # of a window


@dataclass(frozen=True, kw_only=True)
class TimedRows:
    """Rows of a log, sorted so that their order in the log does not matter.

    Attributes
    ----------
    source
        Name of the log.
    what
        What is counted: ``"spend"``, ``"calls"`` or ``"tokens"``.
    dated
        Whether its times are dates.
    micros : ndarray, shape (n_rows,), microseconds
        Since 1970, or since the log began.
    amounts : ndarray, shape (n_rows,)
        USD, calls or tokens.
    requests : ndarray, shape (n_rows,)
    window
        How long a row lasts, microseconds; 0 if each is one call, or only one time is known.
    order : ndarray, shape (n_rows,)
        Where each row stands in the log.
    """

    source: str
    what: str
    dated: bool
    micros: Counts
    amounts: Array
    requests: Counts
    window: int
    order: Counts

    @property
    def end(self) -> int:
        """Where a log ends that does not say: one gap after its last row; microseconds.

        Raises
        ------
        TooLittleUsageError
            If all rows have the same time.
        """
        span = int(self.micros[-1] - self.micros[0])
        if not span:
            raise TooLittleUsageError(
                f"{self.source}: all rows have the same timestamp, so the time they cover cannot be "
                "told. Pass start and end."
            )
        return int(self.micros[-1]) + (self.window or max(1, span // (len(self.micros) - 1)))


def timed_rows(
    frame: pd.DataFrame, amounts: Array, what: str, kept: NDArray[np.bool_] | None = None
) -> TimedRows:
    """Return the rows of a checked usage frame with an amount each, all of them or those kept.

    Raises
    ------
    UsageError
        If rows have no time.
    """
    source = str(frame.attrs.get("source", "usage frame"))
    times = frame["timestamp"]
    if times.isna().any():
        raise UsageError(
            f"{source}: {int(times.isna().sum()):,} rows have no timestamp. A forecast needs one for "
            "every row."
        )
    micros = times.dt.as_unit("us").astype(np.int64).to_numpy()
    requests = frame["requests"].to_numpy(dtype=np.int64)
    order = np.lexsort((requests, amounts, micros))
    order = order if kept is None else order[kept[order]]
    micros, requests = micros[order], requests[order]
    return TimedRows(
        source=source,
        what=what,
        dated=isinstance(times.dtype, pd.DatetimeTZDtype),
        micros=micros,
        amounts=amounts[order],
        requests=requests,
        window=_window(np.diff(micros)) if (requests > 1).any() else 0,
        order=order,
    )


def _window(gaps: Counts) -> int:
    """Return the largest gap of which nearly all gaps are multiples, else the median gap.

    Windows without calls have no row, so most gaps may be several windows long.
    """
    lengths, counts = np.unique(gaps[gaps > 0], return_counts=True)
    if not len(lengths):
        return 0
    reach = np.cumsum(counts[::-1])[::-1] / counts.sum()  # share of the gaps that are as long
    for length in lengths[reach >= _NEARLY_ALL][::-1][:_MOST_GAPS]:
        left = np.abs(lengths - np.rint(lengths / length) * length)
        if counts[left <= _TOLERANCE * length].sum() >= _NEARLY_ALL * counts.sum():
            return int(length)
    return int(np.median(gaps[gaps > 0]))


LEAST_STRETCHES, MOST_STRETCHES = 8, 120
MOST_DAYS = 366
MOST_YEARS = 50
LONG_LOG_DAYS = 28
CALLS_PER_STRETCH = 5
TIMES_PER_STRETCH = 1.5


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What was spent, called or used over ``[start, end)``.

    Attributes
    ----------
    start, end
        What was observed; both UTC times, or both Timedeltas since the log began.
    seconds
        Length of it.
    amounts : ndarray, shape (n_stretches,)
        USD, calls or tokens in each of the equal stretches that it is cut into.
    call_squares
        Expected square of what single calls cause, summed over all calls, in the unit squared; a
        lower bound where rows hold several calls.
    heaviness
        How many calls of equal amount would tell as much of that square; few if some calls have
        far more than most.
    rows_outside
        Rows before ``start``, or at ``end`` and later, which were left out.
    calls
        Number of calls.
    """

    start: Moment
    end: Moment
    seconds: float
    amounts: Array
    call_squares: float
    heaviness: float
    rows_outside: int
    calls: int

    @property
    def total(self) -> float:
        """Amount of the whole log."""
        return float(self.amounts.sum())

    @property
    def by_day(self) -> bool:
        """Whether stretches are too long to show the hours of the day."""
        return self.seconds / len(self.amounts) > DAY / 2


def observe(rows: TimedRows, start: Moment | None, end: Moment | None) -> Observed:
    """Return what the rows of a log show between two moments.

    Parameters
    ----------
    rows : TimedRows
        The log.
    start, end : Timestamp or Timedelta, optional
        What was observed; from the first row to one gap after the last if not given.

    Raises
    ------
    UsageError
        If the moments are not in order.
    TooLittleUsageError
        If what was observed cannot be told, or holds nothing.
    """
    first = int(rows.micros[0]) if start is None else micros(start)
    last = rows.end if end is None else micros(end)
    begun, ended = at(first, dated=rows.dated), at(last, dated=rows.dated)
    if not first < last:
        raise UsageError(
            f"start ({moment_text(begun)}) must be before end ({moment_text(ended)}). Give what the "
            "log covers."
        )
    latest = at(min(last, int(rows.micros[-1])), dated=rows.dated)
    if last - first > MOST_YEARS * 366 * DAY * 1e6:
        raise UsageError(
            f"the log reaches from {moment_text(begun)} to {moment_text(latest)}, more than {MOST_YEARS} "
            "years, which cannot be meant. Correct its times, or give start and end.",
            at=rows.source,
        )
    low, high = np.searchsorted(rows.micros, [first, last]).tolist()
    amounts = rows.amounts[low:high]
    if not amounts.sum() > 0:
        raise TooLittleUsageError(
            f"{rows.source}: no {rows.what} from {moment_text(begun)} to {moment_text(ended)}, so there "
            "is nothing to forecast from. Give a log of calls, or start and end that hold some."
        )
    requests = rows.requests[low:high]
    seconds = (last - first) / 1e6
    offsets = (rows.micros[low:high] - first) / 1e6
    squares = amounts**2 / np.maximum(requests, 1)
    quartic = squares**2 / np.maximum(requests, 1)
    count = _stretches(offsets, int(requests.sum()), seconds)
    return Observed(
        start=begun,
        end=ended,
        seconds=seconds,
        amounts=_cut(offsets, amounts, rows.window / 1e6, np.linspace(0, seconds, count + 1)),
        call_squares=float(squares.sum()),
        heaviness=float(squares.sum() ** 2 / quartic.sum()),
        rows_outside=len(rows.amounts) - len(amounts),
        calls=int(requests.sum()),
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


def _cut(offsets: Array, amounts: Array, width: float, edges: Array) -> Array:
    """Return the amounts between edges; that of a window is even over its width.

    Offsets ascend.
    """
    if not width:
        return np.asarray(np.histogram(offsets, edges, weights=amounts)[0], dtype=np.float64)
    spent = np.concatenate([[0.0], np.cumsum(amounts)])
    starts, first = np.unique(offsets, return_index=True)
    before = spent[np.append(first, len(offsets))]
    stops = np.minimum(starts + width, np.append(starts[1:], edges[-1]))
    stops = np.maximum(stops, starts + 1e-9)
    knots = np.stack([starts, stops], axis=1).ravel()
    heights = np.stack([before[:-1], before[1:]], axis=1).ravel()
    return np.diff(np.interp(edges, knots, heights, left=0.0, right=before[-1]))
