"""Counting on a cluster: after ``import kimi_planner.dask`` a Dask Series of text has ``.kimi``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kimi_planner.errors import MissingExtraError
from kimi_planner.pandas import count_series

try:
    from dask.dataframe.extensions import register_series_accessor
except ImportError:
    raise MissingExtraError.of("dask", "dask") from None

__all__ = ["DaskKimiAccessor"]


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
