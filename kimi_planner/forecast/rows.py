"""The rows of a log in the order of time: what each cost, and how long a row lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimi_planner.catalog import Catalog
from kimi_planner.errors import PriceNotFoundError, TooLittleUsageError, UsageError
from kimi_planner.forecast.intervals import Array
from kimi_planner.usage.priced import RowCosts, cost_rows

__all__ = ["LogRows", "rows_of"]

Counts = NDArray[np.int64]

_MOST_GAPS = 64
_NEARLY_ALL = 0.9
_TOLERANCE = 0.01  # of a window


@dataclass(frozen=True, kw_only=True)
class LogRows:
    """Rows of a log, sorted so that their order in the log does not matter.

    Attributes
    ----------
    source
        Name of the log.
    dated
        Whether its times are dates.
    micros : ndarray, shape (n_rows,), microseconds
        Since 1970, or since the log began.
    usd : ndarray, shape (n_rows,), USD
    requests : ndarray, shape (n_rows,)
    window
        How long a row lasts, microseconds; 0 if each is one call, or only one time is known.
    costs
        What each row costs exactly, also by meter, in the order of the log.
    order : ndarray, shape (n_rows,)
        Where each row stands in the log.
    """

    source: str
    dated: bool
    micros: Counts
    usd: Array
    requests: Counts
    window: int
    costs: RowCosts
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


def rows_of(
    frame: pd.DataFrame,
    model: str | None,
    catalog: Catalog,
    alias: Mapping[str, str] | None = None,
) -> LogRows:
    """Return the rows of a checked usage frame, each at the prices of its day; only those with one.

    Raises
    ------
    UsageError
        If rows have no time, or name no model where none is given.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``, or states no price for it, or for any model of the log.
    """
    source = str(frame.attrs.get("source", "usage frame"))
    times = frame["timestamp"]
    if times.isna().any():
        raise UsageError(
            f"{source}: {int(times.isna().sum()):,} rows have no timestamp. A forecast needs one for "
            "every row."
        )
    micros = times.dt.as_unit("us").astype(np.int64).to_numpy()
    costs = cost_rows(frame, model, catalog=catalog, alias=alias)
    if not costs.is_priced.any():
        raise PriceNotFoundError(f"{source}: nothing is priced. {costs.notes[-1]}")
    # a forecast has no last digit
    usd = costs.units.astype(np.float64) * 10.0**-costs.places
    requests = frame["requests"].to_numpy(dtype=np.int64)
    order = np.lexsort((requests, usd, micros))
    order = order[costs.is_priced[order]]
    micros, usd, requests = micros[order], usd[order], requests[order]
    return LogRows(
        source=source,
        dated=isinstance(times.dtype, pd.DatetimeTZDtype),
        micros=micros,
        usd=usd,
        requests=requests,
        window=_window(np.diff(micros)) if (requests > 1).any() else 0,
        costs=costs,
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
