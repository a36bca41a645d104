"""Work on a cluster: counting text, and adding up logs larger than one machine's memory.

After ``import kimi_planner.dask`` a Dask Series of text has ``.kimi``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kimi_planner.errors import UsageError, needs, shown
from kimi_planner.pandas import count_series
from kimi_planner.usage.totals.result import UsageTotals, added, checked_names
from kimi_planner.usage.totals.stream import files_of, totals_of_file, totals_of_part

with needs("dask", "dask"):
    from dask.base import compute
    from dask.dataframe.extensions import register_series_accessor
    from dask.delayed import delayed

__all__ = ["DaskKimiAccessor", "total_usage"]

_TOGETHER = 32  # totals that one worker adds up before the next does


@register_series_accessor("kimi")  # type: ignore[no-untyped-call]  # Dask has no types
class DaskKimiAccessor:
    """Counts the tokens of a Dask Series of text, as ``series.kimi``."""

    def __init__(self, series: Any) -> None:
        self._series = series

    def count_tokens(self) -> Any:
        """Count the tokens of each text, where its partition is.

        Returns
        -------
        Dask Series of Int64
            Tokens, with the same divisions; a missing text has a missing count, not zero. Nothing
            is counted before it is computed.
        """
        name = self._series.name
        meta = pd.Series([], dtype="Int64", name=name)
        return self._series.map_partitions(count_series, meta=meta)


def total_usage(
    source: Any,
    by: str | Sequence[str] = ("month", "model"),
    *,
    on_error: Literal["raise", "skip"] = "raise",
) -> UsageTotals:
    """Add up the tokens of a log on a cluster, each part where it is.

    Parameters
    ----------
    source : Dask DataFrame or path
        A Dask DataFrame with the columns of a usage frame, or a folder of logs that every worker
        can read; each file is one task.
    by : str or sequence of str
        ``"month"`` and ``"day"`` in UTC, ``"model"``, or any column of the source.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    UsageTotals
        The same whole numbers as :func:`kimi_planner.usage.total_usage` gives, however the log is cut:
        only totals travel, and whole numbers add up the same in any order. It is computed at once,
        on the current client if there is one.

    Raises
    ------
    UsageError
        If the source cannot be read, has no rows, has a bad row, or lacks a key.
    """
    keys = checked_names(by, on_error)
    if isinstance(source, str | Path):
        name, path = str(source), Path(source)
        parts = [
            delayed(totals_of_file)(file, keys, on_error, root=path) for file in files_of(path)
        ]
    elif hasattr(source, "to_delayed"):
        name = "usage frame"
        parts = [
            delayed(totals_of_part)(part, keys, f"partition {number}", on_error)
            for number, part in enumerate(source.to_delayed())
        ]
    else:
        raise UsageError(f"source is {shown(source)}. Give a Dask DataFrame, or a folder.")
    while len(parts) > 1:
        parts = [
            delayed(reduce)(UsageTotals.__add__, parts[start : start + _TOGETHER])
            for start in range(0, len(parts), _TOGETHER)
        ]
    return added(compute(*parts), name)  # type: ignore[no-untyped-call]  # Dask has no types
