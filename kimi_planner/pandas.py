"""Counting inside pandas: after ``import kimi_planner.pandas`` a Series of text has ``.kimi``."""

from __future__ import annotations

from kimi_planner.errors import RequestError, planning, shown
from kimi_planner.tokens.text import count_tokens_batch

with planning():
    import pandas as pd


@pd.api.extensions.register_series_accessor("kimi")
class KimiAccessor:
    """Counts the tokens of a Series of text, as ``series.kimi``.

    Examples
    --------
    >>> import kimi_planner.pandas
    >>> pd.DataFrame({"prompt": ["Hello, world!", None]})["prompt"].kimi.count_tokens().tolist()
    [4, <NA>]
    """

    def __init__(self, series: pd.Series[str]) -> None:
        self._series = series

    def count_tokens(self) -> pd.Series[int]:
        """Count the tokens of each text.

        Returns
        -------
        Series of Int64
            Tokens, with the same index; a missing text has a missing count, not zero.

        Raises
        ------
        RequestError
            If a value is neither text nor missing; the message names its label.
        """
        return count_series(self._series)


def count_series(series: pd.Series[str]) -> pd.Series[int]:
    """Count the tokens of each text of a Series; see :meth:`KimiAccessor.count_tokens`."""
    missing = series.isna().to_numpy(dtype=bool)
    texts = series.to_numpy(dtype=object)
    for place, text in enumerate(texts):
        if not missing[place] and not isinstance(text, str):
            [label] = series.index[place : place + 1].tolist()
            raise RequestError(
                f"Row {shown(label)}: {shown(text)} is not text. Only text and missing values "
                "can be counted."
            )
    counts = pd.array([pd.NA] * len(series), dtype="Int64")
    counts[~missing] = count_tokens_batch(texts[~missing])
    return pd.Series(counts, index=series.index, name=series.name)
