"""Work on a cluster: counting text, and adding up logs larger than one machine's memory.

After ``import kimi_planner.dask`` a Dask Series of text has ``.kimi``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from kimi_planner.arguments import public
from kimi_planner.errors import UsageError, needs, planning, shown
from kimi_planner.pandas import count_series
from kimi_planner.usage.paths import LogFile, files_of
from kimi_planner.usage.read import begun
from kimi_planner.usage.totals.result import UsageTotals, checked_names
from kimi_planner.usage.totals.seen import NO_CALLS
from kimi_planner.usage.totals.stream import part_of, repeated_in

with planning():
    import pandas as pd

with needs("dask", "dask"):
    from dask.base import compute
    from dask.dataframe.extensions import register_series_accessor
    from dask.delayed import delayed


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


@public
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
        A Dask DataFrame with the columns of a usage frame, or a folder of logs of any form that every
        worker can read; each file is one task.
    by : str or sequence of str
        ``"month"`` and ``"day"`` in UTC, ``"model"``, or any column of the source.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.

    Returns
    -------
    UsageTotals
        The same whole numbers as :func:`kimi_planner.usage.total_usage` gives, however the log is cut:
        totals travel, and 24 bytes for each call that has an id; a part that repeats calls of another
        is read once more, without them. It is computed at once, on the current client if there is one.

    Raises
    ------
    UsageError
        If the source cannot be read, has no rows, has a bad row, or lacks a key.
    """
    keys = checked_names(by)
    sources: list[Any]
    if isinstance(source, str | Path):
        name, sources = str(source), files_of(source)
    elif hasattr(source, "to_delayed"):
        name, sources = "usage frame", source.to_delayed()
    else:
        raise UsageError(f"source is {shown(source)}. Give a Dask DataFrame, or a folder.")
    names = [str(one.path) if isinstance(one, LogFile) else name for one in sources]

    def task(at: int, known: Any = NO_CALLS) -> Any:
        rows = begun(on_error)
        rows.files = names[:at] if known.size else [""] * at
        return delayed(part_of)([sources[at]], keys, rows, known=known)

    parts = list(compute(*map(task, range(len(sources)))))  # type: ignore[no-untyped-call]  # no types
    repeats = {at: known for at, known in enumerate(repeated_in(parts)) if known.size}
    again = compute(*(task(at, known) for at, known in repeats.items()))  # type: ignore[no-untyped-call]  # no types
    for at, part in zip(repeats, again, strict=True):
        parts[at] = part
    whole = part_of([], keys, begun(on_error))
    for part in parts:
        whole.join(part)
    whole.rows.files = names
    return whole.finish(name)
