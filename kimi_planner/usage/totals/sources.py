"""The totals of a log of any size: frames, files and folders, larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.errors import UsageError, shown
from kimi_planner.packed import Progress
from kimi_planner.usage.paths import files_of
from kimi_planner.usage.read import begun
from kimi_planner.usage.totals.columns import counts_of, has_calls
from kimi_planner.usage.totals.result import UsageTotals, checked_names, totals_of
from kimi_planner.usage.totals.stream import part_of


@public
def total_usage(
    source: pd.DataFrame | str | Path | Sequence[str | Path],
    by: str | Sequence[str] = ("month", "model"),
    *,
    on_error: Literal["raise", "skip"] = "raise",
    map: Mapping[str, str] | None = None,  # noqa: A002 - as in `read_usage`
    ignore: Iterable[str] = (),
    progress: Progress | None = None,
) -> UsageTotals:
    """Add up the tokens of a log of any size, exactly.

    Parameters
    ----------
    source : DataFrame, path, glob, or list of them
        A usage frame, or any log that :func:`read_usage` reads, in files, patterns and folders of any
        size and form, which are one log: each call counts once, wherever it is repeated. Folders such as
        ``team=search`` state a column. For a cluster there is ``kimi_planner.dask.total_usage``.
    by : str or sequence of str
        ``"month"`` and ``"day"`` in UTC, ``"model"``, or any column or field of the source; a row that
        does not state one has ``None``.
    on_error : {"raise", "skip"}
        What to do with a bad row: stop, or leave it out and count it.
    map, ignore
        Where counts stand that are not found by themselves, and which fields are not to be read, as
        for :func:`read_usage`.
    progress : callable, optional
        Called with the bytes on disk read since the last call, and the bytes of the file.

    Returns
    -------
    UsageTotals
        Exact integers; ``.frame`` has a row for each combination of keys.

    Raises
    ------
    UsageError
        If the source cannot be read, has no rows, has a bad row, or lacks a key; if there is no room for
        temporary data.
    MissingExtraError
        If pyarrow is needed and not installed.

    Notes
    -----
    A call that has an id takes 8 bytes of memory; 24 bytes more that tell it apart go to a temporary file
    once they are more than 4 MB.

    Examples
    --------
    >>> calls = pd.DataFrame({"model": ["a", "b", "a"], "prompt_tokens": [5, 7, 9],
    ...                       "completion_tokens": [1, 1, 1]})
    >>> total_usage(calls, by="model").frame[["model", "rows", "prompt_tokens"]].values.tolist()
    [['a', 2, 14], ['b', 1, 7]]
    """
    keys, rows = checked_names(by), begun(on_error, map, ignore)
    if isinstance(source, pd.DataFrame):
        if has_calls(source) and on_error == "raise":
            return totals_of(counts_of(source), keys, source)
        return part_of([source], keys, rows).finish("usage frame")
    if not isinstance(source, str | Path | list | tuple):
        raise UsageError(f"source is {shown(source)}. {_instead_of(source)}")
    paths = [source] if isinstance(source, str | Path) else source
    name = ", ".join(f"{path}" for path in paths)
    files = files_of(paths)
    is_whole = sum(file.is_log for file in files) == 1
    return part_of(files, keys, rows, progress, is_whole=is_whole).finish(name)


def _instead_of(source: object) -> str:
    if type(source).__module__.startswith("dask"):
        return "Use kimi_planner.dask.total_usage."
    return "Give the path of a log or of a folder, or a DataFrame."
