"""The rows of a log in the order of time: how much each adds, and how long a row lasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimi_planner.errors import TooLittleUsageError, UsageError
from kimi_planner.series.intervals import Array

__all__ = ["Counts", "TimedRows", "timed_rows"]

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
