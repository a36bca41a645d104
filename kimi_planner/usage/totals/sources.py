"""The totals of a log of any size: a frame, a file, or a folder larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from kimi_planner.errors import UsageError, shown
from kimi_planner.files import Progress
from kimi_planner.usage.read import read_usage
from kimi_planner.usage.totals.columns import counts_of
from kimi_planner.usage.totals.result import UsageTotals, added, checked_names, totals_of
from kimi_planner.usage.totals.stream import files_of, is_streamed, totals_of_file, totals_of_part

__all__ = ["total_usage"]


def total_usage(
    source: pd.DataFrame | str | Path,
    by: str | Sequence[str] = ("month", "model"),
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
) -> UsageTotals:
    """Add up the tokens of a log of any size, exactly.

    Parameters
    ----------
    source : DataFrame or path
        A usage frame, a log that :func:`read_usage` reads, or a Parquet file or a folder of logs,
        which may be larger than memory: Parquet and CSV with the canonical columns are streamed in
        batches (extra ``corpora``), partition folders such as ``team=search`` being columns too;
        other logs are read a file at a time. For a cluster there is
        ``kimi_planner.dask.total_usage``.
    by : str or sequence of str
        ``"month"`` and ``"day"`` in UTC, ``"model"``, or any column of the source.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.
    progress : callable, optional
        Called with the bytes on disk read since the last call, and the bytes of the file; once per
        file where it is read in batches.

    Returns
    -------
    UsageTotals
        Exact integers; ``.frame`` has a row for each combination of keys.

    Raises
    ------
    UsageError
        If the source cannot be read, has no rows, has a bad row, or lacks a key.
    MissingExtraError
        If pyarrow is needed and not installed.

    Examples
    --------
    >>> calls = pd.DataFrame({"model": ["a", "b", "a"], "prompt_tokens": [5, 7, 9],
    ...                       "completion_tokens": [1, 1, 1]})
    >>> total_usage(calls, by="model").frame[["model", "rows", "prompt_tokens"]].values.tolist()
    [['a', 2, 14], ['b', 1, 7]]
    """
    keys = checked_names(by, on_error)
    if isinstance(source, pd.DataFrame):
        if on_error == "raise":
            return totals_of(counts_of(source), keys, source)
        return added([totals_of_part(source, keys, "usage frame", on_error)], "usage frame")
    if not isinstance(source, str | Path):
        raise UsageError(f"source is {shown(source)}. {_instead_of(source)}")
    path = Path(source)
    if not is_streamed(path, keys):
        checked = read_usage(path, on_error=on_error, progress=progress)
        return totals_of(counts_of(checked), keys, checked)
    parts = (
        totals_of_file(file, keys, on_error, root=path, progress=progress)
        for file in files_of(path)
    )
    return added(parts, str(path))


def _instead_of(source: object) -> str:
    if type(source).__module__.startswith("dask"):
        return "Use kimi_planner.dask.total_usage."
    return "Give the path of a log or of a folder, or a DataFrame."
